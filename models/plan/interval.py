"""The nouns of a plan: an interval of a queue, and the local day of a queue, which is replaced as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from models.fields import TEXT_MAX, is_unit, queue_fault
from models.hours import day_start_ms, local

#: A local day has 25 hours at most, an interval 15 minutes at least.
INTERVALS_MAX: Final = 100
OFFERED_MAX: Final = 1_000_000.0
HANDLE_MAX_MS: Final = 86_400_000.0
AGENTS_MAX: Final = 100_000.0
LENGTHS: Final = (15, 30)


@dataclass(frozen=True, slots=True)
class PlanInterval:
    """From *start_ms* (epoch ms) *minutes* long. What is not planned is None: it has no expectation.

    *offered*: calls forecast. *handle_ms*: mean handle time forecast. *required*: agents that the planner asked for.
    *scheduled*: agents on the roster. Agents are those who take calls, in fractions.
    """

    start_ms: int
    minutes: int
    offered: float | None = None
    handle_ms: float | None = None
    required: float | None = None
    scheduled: float | None = None

    @property
    def end_ms(self) -> int:
        """When it is over."""
        return self.start_ms + self.minutes * 60_000


@dataclass(frozen=True, slots=True)
class PlanDay:
    """The plan of *queue* for the local *day* (ISO date) in *zone*; without intervals it withdraws what was there.

    *version* names the plan that it is part of (`version_of`), *name* says it in words of its planner.
    """

    queue: str
    day: str
    zone: str
    version: str
    name: str
    intervals: tuple[PlanInterval, ...]


def version_of(days: Sequence[PlanDay]) -> str:
    """16 hexadecimal digits that are the same for the same plan only, whatever its name and the order of its days."""
    rows = sorted((day.queue, day.day, day.zone, [_row(one) for one in day.intervals]) for day in days)
    return blake2b(orjson.dumps(rows), digest_size=8).hexdigest()


def _row(one: PlanInterval) -> list[float | None]:
    return [one.start_ms, one.minutes, one.offered, one.handle_ms, one.required, one.scheduled]


def day_bounds_ms(day: str, zone: str) -> tuple[int, int]:
    """First instant of the local *day*, and of the next. Raises ValueError, and OSError for a zone that is none."""
    at = date.fromisoformat(day)
    return _first(at, zone), _first(at + timedelta(days=1), zone)


def _first(at: date, zone: str) -> int:
    # there is a noon on every day, but not a midnight
    noon = datetime(at.year, at.month, at.day, 12, tzinfo=ZoneInfo(zone))
    return day_start_ms(zone, int(noon.timestamp()) * 1000)


def local_day(zone: str, at_ms: int) -> str:
    """The local date of *at_ms* in *zone*."""
    return local(zone, at_ms).date().isoformat()


def fault_of(day: PlanDay) -> str:
    """What is wrong with *day*, or an empty string."""
    if fault := queue_fault(day.queue):
        return fault
    if is_unit(day.queue):
        return "queue is a unit: plan its queues"
    for field in ("version", "name"):
        if not 0 < len(getattr(day, field)) <= TEXT_MAX:
            return f"{field} is empty or has more than {TEXT_MAX} characters"
    try:
        first_ms, end_ms = day_bounds_ms(day.day, day.zone)
        spelled = date.fromisoformat(day.day).isoformat() == day.day  # else 20260302 would be another day
    except (ValueError, LookupError, OSError, OverflowError):
        spelled = False
    if not spelled:
        return f"day {day.day!r} in zone {day.zone!r} is no day"
    if len(day.intervals) > INTERVALS_MAX:
        return f"{len(day.intervals)} intervals, where a day has {INTERVALS_MAX} at most"
    before_ms = first_ms
    for one in day.intervals:
        if fault := interval_fault(one):
            return fault
        if one.start_ms < before_ms or one.end_ms > end_ms:
            return f"interval at {one.start_ms} lies outside of its day, or overlaps the one before"
        before_ms = one.end_ms
    return ""


def interval_fault(one: PlanInterval) -> str:
    """What is wrong with the numbers of *one*, or an empty string."""
    if one.minutes not in LENGTHS:
        return f"{one.minutes} minutes: an interval has 15 or 30"
    named = (
        ("offered", one.offered, 0.0, OFFERED_MAX),
        ("handle_ms", one.handle_ms, 1.0, HANDLE_MAX_MS),
        ("required", one.required, 0.0, AGENTS_MAX),
        ("scheduled", one.scheduled, 0.0, AGENTS_MAX),
    )
    for name, value, low, high in named:
        if value is not None and not (math.isfinite(value) and low <= value <= high):
            return f"{name} {value:g} is not from {low:g} to {high:,.0f}"
    if all(value is None for _, value, _, _ in named):
        return "nothing is planned in it"
    return ""
