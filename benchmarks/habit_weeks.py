"""Seeded weeks of calls as figures, bucket by bucket: what a book of habits is tried on without workers.

Calls are independent of each other and Poisson within a half-hour: ordinary weeks are pure chance, so whatever alarms
in them is false. Trouble is put in by functions of the calls of a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerts.detect.season import Calendar
from alerts.habit.book import HabitBook
from alerts.habit.columns import CALLS, COMPLETE, OPEN, read_columns
from alerts.habit.state import (
    ABOVE,
    ANSWERED,
    ARRIVALS,
    ATTEMPTED,
    BELOW,
    BUCKET_MS,
    COMPLETED,
    FAILED,
    HALF_BUCKETS,
    IN_ABANDONED,
    IN_BLOCKED,
    IN_MENU,
    IN_QUEUED,
    MISSED,
    OFFERED,
    OUTCOMES,
    SAMPLE,
    SPEED,
    SPEED_DS,
    SUMS,
    TALK,
    TALK_DS,
    WIDTHS,
)
from models.metric import FIGURES

DAY_MS: Final = 86_400_000
#: Monday, 6 January 2025, 0:00 UTC.
MONDAY_MS: Final = 1_736_121_600_000
DAY_BUCKETS: Final = DAY_MS // BUCKET_MS
_LONGEST: Final = int(WIDTHS[-1])


@dataclass
class Calls:
    """Calls of a day, in columns: bucket of the day, queue, what became of each."""

    bucket: NDArray[np.int64]
    queue: NDArray[np.int64]
    menu: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    abandoned: NDArray[np.bool_]
    wait_ds: NDArray[np.float64]
    talk_ds: NDArray[np.float64]


#: Changes the calls of a day before they are counted: (day from the first, calls, chance).
Trouble = Callable[[int, Calls, np.random.Generator], Calls]


@dataclass
class Centre:
    """Queues with calls by the half-hour. *busy* is calls an hour of each queue in opening hours (8 to 20, UTC);
    *vary* the coefficient of variation of whole days, *step* how many buckets lie between two clocks."""

    busy: NDArray[np.float64]
    seed: int = 1
    vary: float = 0.0
    step: int = 1
    always_open: bool = False
    troubles: list[Trouble] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.names = [f"n/q{n}" for n in range(len(self.busy))]
        self._before = np.zeros((_LONGEST, len(self.busy), SUMS), np.int64)
        self._day = 0

    def shape(self, day: int) -> NDArray[np.float64]:
        """Calls a half-hour relative to the busiest, of the half-hours of a day: a morning and an afternoon peak."""
        hours = np.arange(48) / 2.0 + 0.25
        shape = 0.35 + 0.65 * np.exp(-((hours - 10.5) ** 2) / 4.0) + 0.4 * np.exp(-((hours - 15.5) ** 2) / 5.0)
        if not self.always_open:
            shape = np.where((hours >= 8) & (hours < 20), shape, 0.0)
        return np.minimum(shape, 1.0) * (0.5 if day % 7 >= 5 else 1.0)

    def calls(self, day: int) -> Calls:
        """The calls of a day."""
        random, queues = self.random, len(self.busy)
        factor = random.gamma(1 / self.vary**2, self.vary**2, queues) if self.vary else np.ones(queues)
        per_bucket = np.repeat(self.shape(day), 360)[:, None] * (self.busy * factor / 720.0)
        counts = random.poisson(per_bucket)
        bucket, queue = np.nonzero(counts)
        times = counts[bucket, queue]
        bucket, queue = np.repeat(bucket, times), np.repeat(queue, times)
        n = len(bucket)
        wait = np.where(random.random(n) < 0.3, random.exponential(250.0, n), 0.0)
        made = Calls(
            bucket,
            queue,
            random.random(n) < 0.04,
            random.random(n) < 0.001,
            random.random(n) < 0.03,
            wait,
            random.lognormal(np.log(1800.0) - 0.35, 0.83, n),
        )
        for trouble in self.troubles:
            made = trouble(day, made, random)
        return made

    def _counted(self, calls: Calls) -> NDArray[np.int64]:
        sums = np.zeros((DAY_BUCKETS, len(self.busy), SUMS), np.int64)
        lost = calls.menu | calls.blocked
        offered = ~lost
        answered = offered & ~calls.abandoned
        late = offered & ((calls.wait_ds > 200.0) | calls.abandoned)

        def add(column: int, of: NDArray[np.bool_], what: NDArray[np.float64] | None = None) -> None:
            amount = np.ones(int(of.sum()), np.int64) if what is None else np.rint(what[of]).astype(np.int64)
            at: Any = (calls.bucket[of], calls.queue[of], column)
            np.add.at(sums, at, amount)

        for column in (OFFERED, OUTCOMES, SAMPLE):
            add(column, offered)
        for column in (ANSWERED, COMPLETED):
            add(column, answered)
        add(ARRIVALS, np.ones(len(lost), bool))
        add(IN_MENU, calls.menu & ~calls.blocked)
        add(IN_BLOCKED, calls.blocked)
        add(IN_ABANDONED, offered & calls.abandoned)
        add(IN_QUEUED, offered & (calls.wait_ds > 50.0))
        add(MISSED, late)
        add(TALK_DS, answered, calls.talk_ds)
        add(SPEED_DS, answered, calls.wait_ds)
        again = answered & (calls.bucket % 17 == 0)
        add(ATTEMPTED, again)
        add(FAILED, again & (calls.bucket % 10 == 0))
        return sums

    def run(self, book: HabitBook, days: int, may_learn: Callable[[str], bool] | None = None) -> Iterator[int]:
        """Let *days* go by for *book*: the time after each clock that judged."""
        read = read_columns()
        figures = np.full((len(self.busy), len(FIGURES)), np.nan)
        for _ in range(days):
            day, at_ms = self._day, MONDAY_MS + self._day * DAY_MS
            sums = np.concatenate([self._before, self._counted(self.calls(day))])
            total = np.concatenate([np.zeros((1, *sums.shape[1:]), np.int64), np.cumsum(sums, axis=0)])
            is_open = np.repeat(self.shape(day) > 0.0, 360)
            for b in range(0, DAY_BUCKETS, self.step):
                if not is_open[b] and b % HALF_BUCKETS:
                    continue  # at night one clock a half-hour will do
                end = b + _LONGEST
                figures[:, OPEN], figures[:, COMPLETE] = is_open[b], 1.0
                for w, width in enumerate(WIDTHS):
                    fill(figures, read[w], total[end] - total[end - int(width) + 1])
                fill(figures, read[-1], total[end] - total[end - int(WIDTHS[-1]) + 1])
                figures[:, CALLS[0]] = np.maximum(figures[:, CALLS[0]], 1.0 if day == 0 and b == 0 else 0.0)
                book.clock(at_ms + b * BUCKET_MS, figures, self.names, may_learn=may_learn or _always)
                self.figures = figures
                yield at_ms + b * BUCKET_MS
            self._before = sums[-_LONGEST:]
            self._day += 1


def _always(_: str) -> bool:
    return True


def fill(figures: NDArray[np.float64], columns: NDArray[np.int64], sums: NDArray[np.int64]) -> None:
    """Write the *sums* of a window (by queue) as the figures that workers make of them."""
    figures[:, columns] = sums
    with np.errstate(invalid="ignore"):
        for above, below, scale in (
            (IN_QUEUED, OUTCOMES, 1.0),
            (MISSED, SAMPLE, 1.0),
            (TALK_DS, COMPLETED, 100.0),
            (SPEED_DS, ANSWERED, 100.0),
        ):
            ratio = sums[:, above] / np.where(sums[:, below] > 0, sums[:, below], np.nan) * scale
            figures[:, columns[above]] = 1.0 - ratio if above == MISSED else ratio


def book_in_utc(alarms_per_week: float = 1.0) -> HabitBook:
    """A book of queues that live by UTC."""
    calendar = Calendar()
    return HabitBook(lambda queue: calendar, alarms_per_week)


assert (int(ABOVE[TALK]), int(BELOW[SPEED])) == (TALK_DS, ANSWERED)
