"""What the metrics view shows of a queue's plan: the interval under way, the one before, how the day will end.

A view: nothing is decided by it. The model of the rest of the day costs some milliseconds a queue, so it is worked out
anew for a few queues at a time, when an interval is over or the plan is another; counts are at most `FRESH_MS` old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agents.live import LiveQueues
from alerts.aims import service_target
from alerts.judgement import rules_of
from alerts.plan.against import Against
from alerts.plan.ending import Ending, Judging, SoFar, ending_at, rest_level, sentence
from alerts.plan.rest import Busyness, Rest, busyness, rest_of_day
from alerts.plan.watch import PlanWatch
from alerts.staffing.live import patience_of
from models.catalogue import Catalogue
from models.hours import settings_for
from models.plan.interval import PlanInterval

#: Queues whose rest of the day is worked out anew in one round of the view: 3 ms each.
ANEW_MAX: Final = 20
#: A part is shown again for so long (stream time).
FRESH_MS: Final = 10_000
_DIGITS: Final = 4

Part = dict[str, Any]


@dataclass(slots=True)
class _Kept:
    """What follows from the intervals that are over, and what is to come by it."""

    plan: Part
    intervals: tuple[PlanInterval, ...]
    last: Against | None
    forecast_so_far: float
    offered_so_far: int
    busy: Busyness
    level: float | None
    shown_ms: int = -FRESH_MS
    part: Part | None = None


class PlanView:
    """The plan's part of the rows of one actor."""

    def __init__(self, plans: PlanWatch, live: LiveQueues) -> None:
        self._plans = plans
        self._live = live
        self._kept: dict[str, _Kept] = {}
        self._left = 0

    def begin(self) -> None:
        """A round of rows begins."""
        self._left = ANEW_MAX
        if len(self._kept) > len(self._plans.book):
            self._kept = {queue: kept for queue, kept in self._kept.items() if self._plans.book.has(queue)}

    def part(self, catalogue: Catalogue, queue: str, now_ms: int) -> Part | None:
        """What is shown of *queue*; None where nothing is planned for its day."""
        if not self._plans.book.has(queue):
            return None
        if queue in self._plans.stirred and self._left > 0:
            self._left -= 1
            self._plans.stirred.discard(queue)
            self._work_out(catalogue, queue, now_ms)
        kept = self._kept.get(queue)
        if kept is None:
            return None
        if kept.part is None or not 0 <= now_ms - kept.shown_ms < FRESH_MS:
            kept.part, kept.shown_ms = self._part(catalogue, queue, kept, now_ms), now_ms
        return kept.part

    def _work_out(self, catalogue: Catalogue, queue: str, now_ms: int) -> None:
        self._kept.pop(queue, None)
        version, day = self._plans.book.in_force(queue, now_ms), self._plans.day(queue)
        if version is None or not len(version.rows):
            return
        so_far, intervals = day.so_far(queue, self._plans.book) if day else [], version.plan.intervals
        busy = busyness(so_far)
        rest = rest_of_day(intervals, busy, now_ms)
        self._kept[queue] = _Kept(
            {"version": version.version, "name": version.name, "day": version.day, "since_ms": version.since_ms},
            intervals,
            so_far[-1] if so_far else None,
            sum(one.plan.offered or 0.0 for one in so_far),
            sum(one.actual.offered for one in so_far if one.plan.offered is not None),
            busy,
            rest_level(rest, self._judging(catalogue, queue)),
        )

    def _judging(self, catalogue: Catalogue, queue: str) -> Judging:
        settings = settings_for(catalogue, queue)
        patience = patience_of(lambda metric, window: self._live.value(queue, metric, window))
        return Judging(settings.threshold_ms / 1000, settings.formula, settings.short_ms / 1000, patience.mean_s)

    def _part(self, catalogue: Catalogue, queue: str, kept: _Kept, now_ms: int) -> Part:
        now = next((one for one in kept.intervals if one.start_ms <= now_ms < one.end_ms), None)
        day = self._plans.day(queue)
        rest = rest_of_day(kept.intervals, kept.busy, now_ms)
        target = service_target(rules_of(catalogue, "queues"), queue)
        return {
            **kept.plan,
            "now": _now(now, self._live.came(queue, now_ms) or 0) if now else None,
            "last": _last(kept.last) if kept.last else None,
            "so_far": {"forecast": round(kept.forecast_so_far, 1), "offered": kept.offered_so_far},
            "reforecast_since_ms": day.note_ms if day else None,
            "ending": _ending(ending_at(self._so_far(queue), rest, target, kept.level), rest),
        }

    def _so_far(self, queue: str) -> SoFar:
        """The day by its figures. Who waits past the threshold is judged already, and has missed."""
        level, sample, offered = (
            self._live.value(queue, name, "day") or 0.0 for name in ("service_level", "service_sample", "offered")
        )
        past = self._live.value(queue, "waiting_past_threshold", "now") or 0.0
        return SoFar(int(sample), round(level * (sample - past)), int(offered))


def _now(plan: PlanInterval, came: int) -> Part:
    return {
        "start_ms": plan.start_ms,
        "minutes": plan.minutes,
        "forecast": plan.offered,
        "handle_ms": plan.handle_ms,
        "required": plan.required,
        "scheduled": plan.scheduled,
        "offered": came,
    }


def _last(last: Against) -> Part:
    return _now(last.plan, last.actual.offered) | {
        "handle_actual_ms": _round(last.actual.handle_ms),
        "agents": _round(last.actual.agents),
        "offered_off": _round(last.offered_off),
        "handle_off": _round(last.handle_off),
        "agents_off": _round(last.agents_off),
        "deviations": _round(last.deviations),
    }


def _ending(end: Ending, rest: Rest) -> Part:
    english, chinese = sentence(end)
    return {
        "target": end.target,
        "expected": end.expected,
        "allowed": end.allowed,
        "heading": _round(end.heading),
        "best": _round(end.best),
        "needed": _round(end.needed),
        "offered_low": round(rest.low),
        "offered_high": round(rest.high),
        "english": english,
        "chinese": chinese,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
