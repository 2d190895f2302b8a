"""The plans in force: what a partition remembers of its queues' plans, and which version was in force when.

A function of the ``plan.changed`` records taken and of the times at which they lay; nothing here reads a clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.plan.interval import PlanDay, PlanInterval, day_bounds_ms
from models.plan.record import packed, unpacked
from models.refusal import Reason, Refused

#: Days ahead that are kept: a fortnight's roster.
AHEAD_MS: Final = 15 * 86_400_000
#: How long a day stays after its end: interval rows may be corrected for 4 h, a day is looked back at on the next.
BEHIND_MS: Final = 36 * 3_600_000
#: Versions kept of one queue's day: the first, which is what was forecast that day, and the latest. The log has all.
VERSIONS_KEPT: Final = 4
#: Versions of days that a partition keeps: 1,000 queues a fortnight ahead; 2.5 KB each, 50 MB.
DAYS_MAX: Final = 20_000


#: Days of one date lie so far apart at most, on the clocks of two zones.
_ZONES_MS: Final = 27 * 3_600_000


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """A version of a day of *queue*, in force since *since_ms* (stream time).

    *rows*: the fields of its intervals, in order of time, NaN where nothing is planned: a fifth of the objects' room.
    """

    since_ms: int
    queue: str
    day: str
    zone: str
    version: str
    name: str
    first_ms: int
    end_ms: int
    rows: NDArray[np.float64]

    @property
    def plan(self) -> PlanDay:
        """The day as a plan has it."""
        intervals = tuple(_interval(row) for row in self.rows)
        return PlanDay(self.queue, self.day, self.zone, self.version, self.name, intervals)

    def at(self, at_ms: int) -> PlanInterval | None:
        """The interval that *at_ms* lies in, None where nothing is planned."""
        n = int(np.searchsorted(self.rows[:, 0], at_ms, side="right")) - 1
        found = _interval(self.rows[n]) if n >= 0 else None
        return found if found is not None and at_ms < found.end_ms else None

    def ended(self, after_ms: int, until_ms: int) -> list[PlanInterval]:
        """The intervals that ended after *after_ms* and by *until_ms*, in order."""
        ends = self.rows[:, 0] + self.rows[:, 1] * 60_000
        return [_interval(row) for row in self.rows[(ends > after_ms) & (ends <= until_ms)]]


def _interval(row: NDArray[np.float64]) -> PlanInterval:
    start_ms, minutes, *figures = row.tolist()
    return PlanInterval(int(start_ms), int(minutes), *(None if math.isnan(figure) else figure for figure in figures))


def _kept(plan: PlanDay, since_ms: int) -> InForce:
    rows = [
        (one.start_ms, one.minutes, *(math.nan if figure is None else figure for figure in _figures(one)))
        for one in plan.intervals
    ]
    array = np.array(rows, np.float64).reshape(len(rows), 6)
    bounds = day_bounds_ms(plan.day, plan.zone)
    return InForce(since_ms, plan.queue, plan.day, plan.zone, plan.version, plan.name, *bounds, array)


def _figures(one: PlanInterval) -> tuple[float | None, ...]:
    return one.offered, one.handle_ms, one.required, one.scheduled


class PlanBook:
    """The versions of each queue and day. *changed*: the queues whose versions have changed since it was cleared."""

    def __init__(self) -> None:
        self._days: dict[str, dict[str, list[InForce]]] = {}
        self._size = 0
        self.changed: set[str] = set()

    def take(self, plan: PlanDay, now_ms: int) -> bool:
        """*plan* is in force from *now_ms* on; False when it is in force already.

        Raises Refused (``bad_plan``) for a day further ahead than `AHEAD_MS`, for one that is over longer than
        `BEHIND_MS`, and where `DAYS_MAX` are kept already.
        """
        new = _kept(plan, now_ms)
        if new.first_ms > now_ms + AHEAD_MS:
            raise Refused(Reason.BAD_PLAN, f"{plan.day} lies more than {AHEAD_MS // 86_400_000} days ahead")
        if new.end_ms + BEHIND_MS <= now_ms:
            raise Refused(Reason.BAD_PLAN, f"{plan.day} is over")
        versions = self._days.get(plan.queue, {}).get(plan.day, [])
        if versions and versions[-1].plan == plan:
            return False
        if len(versions) >= VERSIONS_KEPT:
            del versions[1]
            self._size -= 1
        if self._size >= DAYS_MAX:
            raise Refused(Reason.BAD_PLAN, f"the partition keeps {DAYS_MAX:,} days of plans already")
        self._add(new)
        self.changed.add(plan.queue)
        return True

    def _add(self, new: InForce) -> None:
        self._days.setdefault(new.queue, {}).setdefault(new.day, []).append(new)
        self._size += 1

    def tidy(self, now_ms: int) -> None:
        """Forget the days that are longer over than `BEHIND_MS`."""
        for queue, days in list(self._days.items()):
            for day, versions in list(days.items()):
                if versions[-1].end_ms + BEHIND_MS <= now_ms:
                    self._size -= len(days.pop(day))
                    self.changed.add(queue)
            if not days:
                del self._days[queue]

    def has(self, queue: str) -> bool:
        """Whether *queue* has a plan."""
        return queue in self._days

    def __len__(self) -> int:
        """How many queues have one."""
        return len(self._days)

    def queues(self) -> list[str]:
        """Those that have a plan, sorted."""
        return sorted(self._days)

    def versions(self, queue: str) -> Iterator[InForce]:
        """All that is kept of *queue*, by day and time."""
        for _, versions in sorted(self._days.get(queue, {}).items()):
            yield from versions

    def in_force(self, queue: str, start_ms: int, at_ms: int | None = None) -> InForce | None:
        """The plan of the day that *start_ms* lies in, as it was in force at *at_ms* (None: as it is by now)."""
        known = []
        for versions in self._days.get(queue, {}).values():
            if not versions[-1].first_ms - _ZONES_MS <= start_ms < versions[-1].end_ms + _ZONES_MS:
                continue
            n = len(versions) if at_ms is None else bisect_right([one.since_ms for one in versions], at_ms)
            if n and versions[n - 1].first_ms <= start_ms < versions[n - 1].end_ms:
                known.append(versions[n - 1])
        # days of two zones may overlap, once the zone of a site has changed: the one told last holds
        return max(known, key=lambda one: one.since_ms, default=None)

    def expected(self, queue: str, start_ms: int, at_ms: int | None = None) -> PlanInterval | None:
        """What is planned for the interval that *start_ms* lies in, None where nothing is."""
        plan = self.in_force(queue, start_ms, at_ms)
        return plan.at(start_ms) if plan is not None else None

    def freeze(self, queue: str) -> list[dict[str, Any]]:
        """The versions of *queue* as JSON-able data, for a snapshot."""
        return [{"since_ms": one.since_ms, **packed(one.plan)} for one in self.versions(queue)]

    def thaw(self, queue: str, frozen: list[dict[str, Any]]) -> None:
        """Restore what `freeze` took. Raises Refused for what it did not take."""
        self._size -= sum(map(len, self._days.pop(queue, {}).values()))
        for row in frozen:
            body = dict(row)
            since_ms = body.pop("since_ms")
            self._add(_kept(unpacked(queue, body), since_ms))
