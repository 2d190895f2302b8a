"""Briefings of open orders: who waits, why the figure is off, what moved with it, how many agents would help.

Written into the order when it opens, when it gets worse, and every `EVERY_MS` while somebody still has to do something
about it; so the log has what was known at each of these moments. The words are those of ``alerts.staffing.briefing``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol
from zlib import crc32

from alerts.aims import service_target
from alerts.order import Brief, WorkOrder
from alerts.plan.watch import PlanWatch
from alerts.staffing.briefing import Known, briefing, headline
from alerts.staffing.erlang import Load, steady
from alerts.staffing.figures import handle_s, planned
from alerts.staffing.live import Read, flow_share, patience_of, usual_flow_share
from alerts.staffing.moved import Reading
from alerts.staffing.needed import Goal, agents_needed
from alerts.staffing.patience import Patience
from alerts.staffing.why import Judged, Situation
from alerts.turn import Turn
from models.catalogue import Catalogue, QueueSettings, Rule
from models.hours import settings_for, site_of
from models.metric import WINDOW_MS
from models.plan.interval import PlanInterval

EVERY_MS: Final = 5 * 60_000
#: Where many queues may break together their first briefings are spread over so much time, by their orders' ids: one
#: takes 30 ms, 130 ms for 800 agents, and whose turn it is must not depend on which queues share a partition.
SPREAD_MS: Final = 10_000
#: States in which somebody still has to find out, or to do something.
BRIEFED: Final = frozenset({"detected", "dispatched", "acknowledged", "analysing"})
WINDOW: Final = "30m"
#: ... and as soon as it has so many calls, since what has just begun is not seen in 30 minutes yet.
SHORT: Final = "15m"
SAMPLE_MIN: Final = 10
#: A share or mean of calls that are like those of other days is off by so much beside their chance.
_SHARE_OFF: Final = 0.02
_MEAN_OFF: Final = 0.05
_COUNT_OFF: Final = 0.1
#: A service level of all or nothing is what no number of agents gives.
_LEVELS: Final = (0.01, 0.995)
_NOW: Final = (
    *("waiting", "waiting_past_threshold", "waiting_soon"),
    *("agents_ready", "agents_busy", "agents_signed_in"),
)


class Figures(Protocol):
    """What is read of a queue."""

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """The current figure, None when it is undefined."""


@dataclass(slots=True)
class Briefs:
    """Makes the briefings of one input."""

    catalogue: Catalogue
    rules: Iterable[Rule]
    plans: PlanWatch
    live: Figures
    now_ms: int

    def __call__(self, order: WorkOrder) -> bool:
        """Write a briefing into *order*; True."""
        told = briefing(self.known(order.queue))
        order.briefing = Brief(
            self.now_ms, list(told.english), list(told.chinese), dict(told.data), dict(told.left_out)
        )
        return True

    def known(self, queue: str) -> Known:
        """All that is known of *queue* now."""
        read, settings = partial(self.live.value, queue), settings_for(self.catalogue, queue)
        window = window_of(read)
        target, patience = service_target(self.rules, queue), patience_of(read)
        plan = self._plan(queue, window)
        usual, level = _by_plan(plan, partial(usual_flow_share, read, window), patience, settings, target)
        if usual is None:
            usual, level = _by_habit(read, window, patience, settings)
        return Known(
            figures=_figures(read, window),
            settings=settings,
            patience=patience,
            now_ms=self.now_ms,
            zone=site_of(self.catalogue, queue).zone,
            target=target,
            plan=plan,
            usual=usual,
            usual_level=level,
            readings=_readings(read, plan, window),
            flow_share=flow_share(read, window),
            window=window,
        )

    def _plan(self, queue: str, window: str) -> PlanInterval | None:
        """What was planned for *window*, with the agents who should be there now."""
        plan = self.plans.over(queue, self.now_ms - WINDOW_MS[window], self.now_ms)
        now = self.plans.book.expected(queue, self.now_ms)
        return plan and replace(plan, scheduled=now.scheduled if now else None, required=now.required if now else None)


def first(turn: Turn, order: WorkOrder) -> None:
    """*order* opens or comes back: it is briefed at once, or in a moment where many may break together."""
    if turn.by_clock and turn.storms is not None and turn.storms.may_come(order.queue):
        order.briefing = None
    else:
        turn.brief(order)


def is_due(order: WorkOrder, now_ms: int) -> bool:
    """Whether *order* is to be briefed, for the first time or again."""
    if order.state not in BRIEFED:
        return False
    if order.briefing is not None:
        return now_ms - order.briefing.at_ms >= EVERY_MS
    return now_ms - max(order.opened_ms, order.private.broke_ms) >= crc32(order.id.encode()) % SPREAD_MS


def with_headline(order: WorkOrder, said: tuple[str, str], since_ms: int) -> tuple[str, str]:
    """*said* with who waits and the first cause, where *order* was briefed since *since_ms*: what a first page says."""
    brief = order.briefing
    if brief is None or brief.at_ms < since_ms:
        return said
    english, chinese = headline(brief.english, brief.chinese, brief.data, brief.left_out)
    return (f"{said[0]}. {english}", f"{said[1]}。{chinese}") if english else said


def window_of(read: Read) -> str:
    """What a briefing is of: the last 15 minutes where they have calls enough, else 30."""
    return SHORT if (read("service_sample", SHORT) or 0.0) >= SAMPLE_MIN else WINDOW


def _figures(read: Read, window: str) -> dict[str, float | None]:
    found = {f"{name}@now": read(name, "now") for name in _NOW}
    found |= {f"{name}@{window}": read(name, window) for name in ("service_level_live", "offered", "handle_ms")}
    return found | {"handle_ms@day": read("handle_ms", "day")}


def _judged(patience: Patience, settings: QueueSettings) -> Judged:
    return Judged(
        "service_level", patience.mean_s, settings.threshold_ms / 1000, settings.formula, settings.short_ms / 1000
    )


def _by_plan(
    plan: PlanInterval | None, flow: Callable[[], float], patience: Patience, settings: QueueSettings, target: float
) -> tuple[Situation | None, float | None]:
    """What the plan expects, and the service level that Erlang A makes of it.

    Without a roster its agents are those required, without these as many as the target needs.
    """
    if plan is None or not plan.offered or plan.handle_ms is None:
        return None, None
    load = Load(plan.offered / (plan.minutes * 60), plan.handle_ms / 1000, patience.mean_s)
    agents = plan.scheduled or plan.required or agents_needed(load, _goal(target, settings))
    usual = planned(replace(plan, scheduled=agents), flow_share=flow())
    return usual, _judged(patience, settings).value(steady(load, agents))


def _by_habit(
    read: Read, window: str, patience: Patience, settings: QueueSettings
) -> tuple[Situation | None, float | None]:
    """What is usual: calls and talk time as learned, and as many agents as would give the usual service level."""
    offered, level, talk_ms = (
        read(name, WINDOW) for name in ("offered_expected", "service_level_expected", "talk_expected_ms")
    )
    handle = handle_s(_figures(read, window), window)
    if not offered or level is None or handle is None:
        return None, None
    talked_ms = read("talk_ms", window)
    if talk_ms and talked_ms:
        handle *= talk_ms / talked_ms  # what is done beside talking is as long as it is
    load = Load(offered / (WINDOW_MS[WINDOW] / 1000), handle, patience.mean_s)
    agents = agents_needed(load, _goal(min(max(level, _LEVELS[0]), _LEVELS[1]), settings))
    share = usual_flow_share(read, window)
    return Situation(load.per_s * (1 - share), handle, agents, load.per_s * share), level


def _goal(level: float, settings: QueueSettings) -> Goal:
    return Goal(level, settings.threshold_ms / 1000, settings.formula, settings.short_ms / 1000)


def _readings(read: Read, plan: PlanInterval | None, window: str) -> dict[str, Reading]:
    """Figures beside what was expected of them: of the plan where there is one, else of the habit."""
    found: dict[str, Reading] = {}

    def put(metric: str, expected: float | None, spread: float, window: str = WINDOW) -> None:
        value = read(metric, window)
        if value is not None and expected is not None:
            found[f"{metric}@{window}"] = Reading(value, expected, spread)

    by_plan = plan is not None and plan.offered is not None
    offered = plan.offered if plan is not None and by_plan else read("offered_expected", WINDOW)
    spread = math.hypot(math.sqrt(max(offered or 0.0, 1.0)), _COUNT_OFF * (offered or 0.0))
    put("offered", offered, spread, window if by_plan else WINDOW)
    chance = math.hypot(1 / math.sqrt(max(read("completed", WINDOW) or 0.0, 1.0)), _MEAN_OFF)
    if plan and plan.handle_ms is not None:
        put("handle_ms", plan.handle_ms, plan.handle_ms * chance, window)
    else:
        talk_ms = read("talk_expected_ms", WINDOW)
        put("talk_ms", talk_ms, (talk_ms or 0.0) * chance)
    lost = read("abandonment_rate_expected", WINDOW)
    n = max(read("outcomes", WINDOW) or 0.0, 1.0)
    put("abandonment_rate", lost, math.hypot(math.sqrt((lost or 0.0) * (1 - (lost or 0.0)) / n), _SHARE_OFF))
    if plan and plan.scheduled:
        put("agents_signed_in", plan.scheduled, max(1.0, _COUNT_OFF * plan.scheduled), "now")
    return found
