"""Who works when: shifts that cover what Erlang C asks for, breaks, and who is missing in a staffing gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sources.simulation.erlang import agents_needed
from sources.simulation.plan import SLOT_S, DayPlan, PoolPlan

SHIFT_S: Final = 8 * 3600
#: Staffed for more than 80/20, as centres do that mean to reach it in every half-hour.
TARGET: Final = 0.92
THRESHOLD_S: Final = 20.0


class Absence(NamedTuple):
    """Not available from *start_s* to *end_s*, for *reason*; ``absent`` is not even logged in."""

    start_s: float
    end_s: float
    reason: str


@dataclass(slots=True)
class Agent:
    """One agent of a pool: a shift (which may have begun before the run) with absences in it."""

    id: str
    start_s: float
    end_s: float
    absences: list[Absence] = field(default_factory=list)

    def state(self, t: float) -> tuple[str, str | None]:
        """State and reason at *t* as far as no call is at hand: ready, not_ready or offline."""
        if not self.start_s <= t < self.end_s:
            return "offline", None
        for absence in reversed(self.absences):  # the last entered wins: a gap swallows a break
            if absence.start_s <= t < absence.end_s:
                return ("offline", None) if absence.reason == "absent" else ("not_ready", absence.reason)
        return "ready", None

    def works(self, t: float) -> bool:
        """Whether calls can be given to the agent at *t*."""
        return self.state(t)[0] == "ready"

    def changes(self) -> set[float]:
        """Moments at which `state` may change."""
        return {self.start_s, self.end_s} | {a.start_s for a in self.absences} | {a.end_s for a in self.absences}


def draw_up(plan: DayPlan, pool: PoolPlan, rates: list[Callable[[float], float]]) -> list[Agent]:
    """A roster for *pool*, slot by slot: whenever fewer work than Erlang C asks for, another shift begins.

    *rates* are the arrivals per second of its queues as forecast, which knows no incidents.
    """
    agents: list[Agent] = []
    for slot in range(int(plan.seconds // SLOT_S) + 1):
        t = float(slot * SLOT_S)
        per_s = max(sum(rate(t + dt) for rate in rates) for dt in (0, SLOT_S / 2, SLOT_S - 1))
        load = max(
            sum(r(t + dt) * q.handle_s for r, q in zip(rates, pool.queues, strict=True)) for dt in (0, SLOT_S - 1)
        )
        need = agents_needed(per_s, load / per_s, TARGET, THRESHOLD_S) if per_s > 0 else 1
        missing = need - sum(agent.works(t) for agent in agents)
        for k in range(missing):
            # Those on duty when the run begins have begun over the last six hours, so they do not all leave at once.
            before = round(6 * 3600 * k / missing / SLOT_S) * SLOT_S if slot == 0 else 0
            agents.append(_hire(pool, len(agents), t - before))
        if slot == 0:  # somebody is on a break at any moment, so the first slot is filled up once more
            while sum(agent.works(t) for agent in agents) < need:
                agents.append(_hire(pool, len(agents), t))
    return agents


def _hire(pool: PoolPlan, n: int, start_s: float) -> Agent:
    agent = Agent(f"a{pool.number:02d}{n:03d}", start_s, start_s + SHIFT_S)
    for begin, spread, length, reason in (
        (4500, 5, SLOT_S, "break"),
        (10800, 8, 2 * SLOT_S, "meal"),
        (21600, 5, SLOT_S, "break"),
    ):
        at = start_s + begin + (n % spread) * SLOT_S
        agent.absences.append(Absence(at, at + length, reason))
    return agent


def take_away(agents: list[Agent], share: float, start_s: float, end_s: float) -> int:
    """Let *share* of those who would work between *start_s* and *end_s* be missing; returns how many are.

    Spread evenly over the roster, so that about the same share is missing at any moment of it.
    """
    moments = [start_s + k * (end_s - start_s) / 8 for k in range(8)]
    working = [agent for agent in agents if any(agent.works(t) for t in moments)]
    missing = [agent for n, agent in enumerate(working) if int((n + 1) * share) > int(n * share)]
    for agent in missing:
        agent.absences.append(Absence(start_s, end_s, "absent"))
    return len(missing)
