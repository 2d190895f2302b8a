"""What goes wrong on the day, and when: the ground truth that a watcher is measured against."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sources.simulation.plan import DayPlan, PoolPlan

Kind = Literal["staffing_gap", "trunk_outage", "surge"]
KINDS: Final[tuple[Kind, ...]] = ("staffing_gap", "trunk_outage", "surge")
#: Callers of an outage dial again: arrivals are this much more.
REDIALS: Final = 1.6
#: Of the callers whom an outage loses, those who meet a busy line; the others get lost in the menu.
BLOCKED_OF_LOST: Final = 0.6


@dataclass(frozen=True, slots=True)
class Incident:
    """*size*: share of agents missing, share of arrivals that reach no queue, or factor of the arrivals."""

    id: int
    kind: Kind
    pool: int
    queues: tuple[str, ...]
    start_s: float
    end_s: float
    size: float

    def covers(self, queue: str, t: float) -> bool:
        """Whether *queue* suffers from it at *t*."""
        return self.start_s <= t < self.end_s and queue in self.queues


def draw_incidents(plan: DayPlan, rng: random.Random) -> tuple[Incident, ...]:
    """One of each kind in the first two hours, the first two within 40 minutes; then one every hour or so.

    Pools take turns, so that one recovers before it is hit again, and the run ends with a quarter of an hour of calm.
    """
    pools = list(plan.pools)
    rng.shuffle(pools)
    begins = [60.0 * rng.uniform(25, 30), 60.0 * rng.uniform(34, 40), 60.0 * rng.uniform(75, 95)]
    while begins[-1] < plan.seconds:
        begins.append(begins[-1] + 60.0 * rng.uniform(50, 80))
    incidents: list[Incident] = []
    free_from = dict.fromkeys((pool.number for pool in pools), 0.0)
    for n, start in enumerate(begins):
        kind = KINDS[n] if n < len(KINDS) else rng.choice(KINDS)
        incident = _incident(len(incidents) + 1, kind, pools[n % len(pools)], start, rng)
        if incident.end_s + 900 <= plan.seconds and start >= free_from[incident.pool]:
            free_from[incident.pool] = incident.end_s + 1800
            incidents.append(incident)
    return tuple(incidents)


def _incident(number: int, kind: Kind, pool: PoolPlan, start: float, rng: random.Random) -> Incident:
    low, high = {"staffing_gap": (0.50, 0.58), "trunk_outage": (0.92, 0.98), "surge": (2.2, 2.7)}[kind]
    minutes = {"staffing_gap": (24, 32), "trunk_outage": (20, 26), "surge": (22, 30)}[kind]
    names = tuple(queue.name for queue in pool.queues)
    size, length = round(rng.uniform(low, high), 2), 60.0 * rng.uniform(*minutes)
    return Incident(number, kind, pool.number, names, round(start, 3), round(start + length, 3), size)


def extra_arrivals(incident: Incident) -> float:
    """Arrivals that *incident* adds while it lasts, as a multiple of the ordinary ones."""
    if incident.kind == "staffing_gap":
        return 0.0
    return (incident.size if incident.kind == "surge" else REDIALS) - 1.0


def lost_share(incidents: tuple[Incident, ...], queue: str, t: float, ordinary: float) -> tuple[float, float]:
    """Share of the arrivals of *queue* at *t* that reach no queue, and how many of these are blocked."""
    for incident in incidents:
        if incident.kind == "trunk_outage" and incident.covers(queue, t):
            return incident.size, BLOCKED_OF_LOST
    return ordinary, 0.0


def truth(plan: DayPlan, incidents: tuple[Incident, ...]) -> dict[str, Any]:
    """The ground truth as JSON: one entry for each incident and queue; *incident* joins those of one cause."""
    rows = []
    for incident in incidents:
        row = {k: v for k, v in asdict(incident).items() if k in ("kind", "size")}
        for queue in incident.queues:
            span = {"start_ms": plan.ms(incident.start_s), "end_ms": plan.ms(incident.end_s)}
            rows.append({"incident": incident.id, "queue": queue, **row, **span})
    return {
        "seed": plan.seed,
        "zone": plan.zone.key,
        "start_ms": plan.start_ms,
        "end_ms": plan.end_ms,
        "queues": [queue.name for pool in plan.pools for queue in pool.queues],
        "incidents": rows,
    }
