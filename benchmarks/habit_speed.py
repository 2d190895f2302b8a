"""What judging by habit costs: ``python -m benchmarks.habit_speed``, CPU time of a bucket with 1,000 and 10,000 queues.

All queues are copies of ten that were watched for two weeks, at their busiest hour; the caller's questions (may it
learn, is there a plan) cost a function call each. Median of the buckets, and of one in which a half-hour begins.
"""

from __future__ import annotations

from statistics import median
from time import process_time
from typing import Final

import numpy as np
from rich.console import Console

from alerts.habit.book import HabitBook
from benchmarks.habit_weeks import DAY_MS, Centre, book_in_utc

_HOUR_MS: Final = 3_600_000


def measure(queues: int) -> tuple[float, float, float]:
    """Milliseconds of CPU: of a bucket, of one with a new half-hour, of a clock in between."""
    centre, book = Centre(np.geomspace(20.0, 400.0, 10), step=12), book_in_utc()
    for now_ms in centre.run(book, 15):
        if now_ms // DAY_MS * DAY_MS + 11 * _HOUR_MS - 60_000 == now_ms and book.scores(["n/q0"])[0, 0, 5] >= 0.0:
            last_ms, figures = now_ms, centre.figures.copy()
    many: HabitBook = book_in_utc()
    names = [f"n/q{n}" for n in range(queues)]
    for n, name in enumerate(names):
        many.restore(name, book.snapshot(centre.names[n % 10]))
    many.thaw({"judged_ms": last_ms})
    wide = np.tile(figures, (queues // 10, 1))
    spent, between, turned = [], [], 0.0
    for n in range(1, 20):
        at_ms, begin = last_ms + n * 5_000, process_time()
        many.clock(at_ms, wide, names, may_learn=_yes, rates=_none)
        took = (process_time() - begin) * 1000
        if at_ms % 1_800_000 == 0:
            turned = took
        else:
            spent.append(took)
        begin = process_time()
        many.clock(at_ms + 100, wide, names, may_learn=_yes, rates=_none)
        between.append((process_time() - begin) * 1000)
    return median(spent), turned, median(between)


def _yes(_: str) -> bool:
    return True


def _none(_: str) -> None:
    return None


def main() -> None:
    """The command."""
    console = Console(width=160)
    for queues in (1_000, 10_000):
        bucket, turned, between = measure(queues)
        console.print(f"{queues} queues: {bucket:.1f} ms a bucket, {turned:.1f} when a half-hour begins,")
        console.print(f"  {between:.2f} ms a clock between two buckets")


if __name__ == "__main__":
    main()
