"""Plans of a partition's queues at work: which is in force, what came beside it, when it is time to forecast anew.

Everything follows from the ``plan.changed`` records where they lie, the figures, and the time of the clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from alerts.habit.book import Planned
from alerts.plan.against import IN_A_ROW, Against, reforecast_due
from alerts.plan.day import Came, Day, thawed
from models.hours import day_start_ms
from models.plan.book import PlanBook
from models.plan.interval import PlanDay, PlanInterval

#: Tellings remembered of a queue, so that a repeated one is the same: four imports of a fortnight.
TOLD_KEPT: Final = 60
#: Intervals of every zone begin at a quarter of an hour, and agents are counted once a minute.
QUARTER_MS: Final = 900_000
MINUTE_MS: Final = 60_000
HALF_HOUR_MS: Final = 1_800_000


def _never(queue: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Reforecast:
    """It became time to forecast the rest of the day of *queue* anew at *since_ms*, or it is no more (*over*)."""

    queue: str
    since_ms: int
    over: bool
    last: tuple[Against, ...]


class PlanWatch:
    """Plans and days of one partition. *zone_of* a queue is the zone of its site.

    *changed* are the queues of which `freeze` has something new to say; `PlanBook.changed` says it of the plans.
    """

    def __init__(self, zone_of: Callable[[str], str]) -> None:
        self.book = PlanBook()
        self.changed: set[str] = set()
        self.stirred: set[str] = (
            set()
        )  #: whose plan, or what came, has changed: for readers who keep what follows of it
        self._zone_of = zone_of
        self._days: dict[str, Day] = {}
        self._told: dict[str, list[str]] = {}
        self._rates: dict[str, Planned] = {}
        self._before_ms: int | None = None  # the last clock

    # -- records --------------------------------------------------------------------------------------------------

    def take(self, plan: PlanDay, ident: str, now_ms: int) -> bool:
        """*plan* is in force from *now_ms* on, says the telling *ident*; False when it changes nothing.

        Raises Refused as `PlanBook.take` does.
        """
        told = self._told.get(plan.queue, [])
        if ident in told:
            return False
        new = self.book.take(plan, now_ms)
        self._told[plan.queue] = [*told, ident][-TOLD_KEPT:]
        self.changed.add(plan.queue)
        if new:
            self._rate(plan.queue, now_ms)
            self.stirred.add(plan.queue)
            if plan.queue not in self._days and self.book.expected(plan.queue, now_ms) is not None:
                self._days[plan.queue] = Day(day_start_ms(self._zone_of(plan.queue), now_ms))
            if plan.queue in self._days:
                self._days[plan.queue].under_way = self.book.expected(plan.queue, now_ms) is not None
        return new

    # -- time -----------------------------------------------------------------------------------------------------

    def clock(self, now_ms: int, live: Came, is_quiet: Callable[[str], bool] = _never) -> list[Reforecast]:
        """One clock: each minute agents are counted, each quarter of an hour what is over is put beside its plan.

        A queue that *is_quiet* (for a planned event) begins no note.
        """
        before_ms, self._before_ms = self._before_ms, now_ms
        if before_ms is not None and before_ms // MINUTE_MS == now_ms // MINUTE_MS:
            return []
        found: list[Reforecast] = []
        if before_ms is None or before_ms // QUARTER_MS != now_ms // QUARTER_MS:
            self.book.tidy(now_ms)
            for queue in sorted(self._days.keys() | set(self.book.queues())):
                found += self._quarter(queue, before_ms, now_ms, live, is_quiet)
                self._rate(queue, now_ms)
                self.stirred.add(queue)
        for queue, day in self._days.items():
            if day.sample(queue, live):
                self.changed.add(queue)
        return found

    def correct(self, queue: str, start_ms: int, offered: int) -> None:
        """The row of an interval was published: so many calls came in it after all."""
        day = self._days.get(queue)
        if day is not None and day.correct(start_ms, offered):
            self.changed.add(queue)
            self.stirred.add(queue)

    def _quarter(
        self, queue: str, before_ms: int | None, now_ms: int, live: Came, is_quiet: Callable[[str], bool]
    ) -> Iterator[Reforecast]:
        first_ms = day_start_ms(self._zone_of(queue), now_ms)
        day = self._days.get(queue)
        if day is not None and day.first_ms != first_ms:
            if day.note_ms is not None:
                yield Reforecast(queue, day.note_ms, True, ())
            del self._days[queue]
            self.changed.add(queue)
        plan = self.book.in_force(queue, now_ms)
        if plan is None or not len(plan.rows):
            if (left := self._days.get(queue)) is not None:
                left.under_way = False  # withdrawn: what came stays with the day
            return
        day = self._days.setdefault(queue, Day(first_ms))
        self.changed.add(queue)
        over = plan.ended(before_ms, now_ms) if before_ms is not None else []
        known = {one.start_ms for one in day.actuals}
        for one in over:
            if one.start_ms not in known:
                day.finish(queue, one, live, in_time=now_ms - one.end_ms < MINUTE_MS)
        day.under_way = plan.at(now_ms) is not None
        if over:
            yield from self._judge(queue, day, now_ms, is_quiet)

    def _judge(self, queue: str, day: Day, now_ms: int, is_quiet: Callable[[str], bool]) -> Iterator[Reforecast]:
        so_far = day.so_far(queue, self.book, IN_A_ROW)
        due = reforecast_due(so_far)
        if due and day.note_ms is None and not is_quiet(queue):
            day.note_ms = now_ms
            yield Reforecast(queue, now_ms, False, tuple(so_far))
        elif not due and day.note_ms is not None:
            since_ms, day.note_ms = day.note_ms, None
            yield Reforecast(queue, since_ms, True, tuple(so_far))

    # -- what is expected -----------------------------------------------------------------------------------------

    def rates(self, queue: str) -> Planned | None:
        """What is forecast for the half-hours now and before (of UTC, as habits have them), None where nothing is.

        It costs no more than a look.
        """
        return self._rates.get(queue)

    def _rate(self, queue: str, now_ms: int) -> None:
        start_ms = now_ms // HALF_HOUR_MS * HALF_HOUR_MS
        now, before = (self.over(queue, at_ms, at_ms + HALF_HOUR_MS) for at_ms in (start_ms, start_ms - HALF_HOUR_MS))
        self._rates.pop(queue, None)
        if now is not None:
            self._rates[queue] = Planned(now.offered, before.offered if before else None, now.handle_ms)

    def over(self, queue: str, from_ms: int, until_ms: int) -> PlanInterval | None:
        """What is planned from *from_ms* until *until_ms*: calls, their mean handle time, agents on average.

        None where nothing is planned in it. What is planned for a part of it is all that is expected.
        """
        found, at_ms = list[tuple[PlanInterval, float]](), from_ms
        while at_ms < until_ms:
            one = self.book.expected(queue, at_ms)
            end_ms = min(one.end_ms if one else at_ms // QUARTER_MS * QUARTER_MS + QUARTER_MS, until_ms)
            if one is not None:
                found.append((one, (end_ms - at_ms) / (one.end_ms - one.start_ms)))
            at_ms = end_ms
        if not found:
            return None
        calls = [(one.offered * share, one.handle_ms) for one, share in found if one.offered is not None]
        timed = [(n, handle_ms) for n, handle_ms in calls if handle_ms is not None]
        timed_calls = sum(n for n, _ in timed)
        handle_ms = sum(n * ms for n, ms in timed) / timed_calls if timed_calls else None
        return PlanInterval(
            from_ms,
            round((until_ms - from_ms) / MINUTE_MS),
            sum(n for n, _ in calls) if calls else None,
            handle_ms,
            _mean([(one.required, share * one.minutes) for one, share in found]),
            _mean([(one.scheduled, share * one.minutes) for one, share in found]),
        )

    def day(self, queue: str) -> Day | None:
        """The day under way of *queue*, None without a plan."""
        return self._days.get(queue)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def freeze(self, queue: str) -> dict[str, Any]:
        """What is remembered of *queue* beside its plans, as JSON-able data; empty when nothing is."""
        day, told = self._days.get(queue), self._told.get(queue)
        return ({"day": day.freeze()} if day else {}) | ({"told": list(told)} if told else {})

    def thaw(self, queue: str, frozen: dict[str, Any]) -> None:
        """Take up what `freeze` gave."""
        if "day" in frozen:
            self._days[queue] = thawed(frozen["day"])
        if "told" in frozen:
            self._told[queue] = list(frozen["told"])

    def resume(self, now_ms: int | None) -> None:
        """Go on behind the clock *now_ms* (None: there was none), once everything is thawed."""
        self._before_ms = now_ms
        for queue in self.book.queues():
            self.stirred.add(queue)
            if now_ms is not None:
                self._rate(queue, now_ms)
        self.changed.clear()
        self.book.changed.clear()


def _mean(found: list[tuple[float | None, float]]) -> float | None:
    known = [(value, weight) for value, weight in found if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None
