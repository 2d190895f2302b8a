"""How often ordinary weeks alarm: ``python -m benchmarks.habit_noise [--queues N] [--weeks N] [--seed N]``.

Queues of 8 to 600 calls an hour, of which nothing is ever wrong, are watched every 5 seconds; beginnings of alarms of
all subjects together are counted by queue and week. The budget is one.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Final

import numpy as np

from alerts.habit.subjects import NOW, SUBJECTS, WINDOWS
from benchmarks.habit_weeks import DAY_MS, MONDAY_MS, Centre, book_in_utc

_NOW: Final = WINDOWS.index(NOW)
#: An alarm is over below half its limit.
_OVER: Final = 0.5


def beginnings(queues: int, weeks: int, seed: int, vary: float, step: int) -> list[Counter[str]]:
    """By week, how often each subject began to alarm in all *queues*. Every *step*-th bucket has a clock."""
    centre = Centre(np.geomspace(8.0, 600.0, queues), seed=seed, vary=vary, step=step)
    book = book_in_utc()
    found = [Counter[str]() for _ in range(weeks)]
    on = np.zeros((queues, len(SUBJECTS)), bool)
    for now_ms in centre.run(book, 7 * weeks):
        scores = book.scores(centre.names)[:, :, _NOW]
        begun = (scores >= 1.0) & ~on
        if begun.any():
            found[(now_ms - MONDAY_MS) // (7 * DAY_MS)].update(SUBJECTS[n].id for n in np.nonzero(begun)[1])
        on = (scores >= 1.0) | (on & (scores >= _OVER))
    return found


def report(queues: int, weeks: int, seed: int, vary: float, step: int) -> str:
    """A table by week and subject, in alarms per queue and week."""
    found = beginnings(queues, weeks, seed, vary, step)
    lines = [f"{queues} queues, days vary by {vary:.0%}, seed {seed}: false alarms begun per queue and week", ""]
    lines += [f"| week | all | {' | '.join(s.id for s in SUBJECTS)} |", "|---" * (len(SUBJECTS) + 2) + "|"]
    for n, week in enumerate(found):
        cells = [f"{week[subject.id] / queues:.2f}" for subject in SUBJECTS]
        lines.append(f"| {n + 1} | {week.total() / queues:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vary", type=float, default=0.1)
    parser.add_argument("--step", type=int, default=1)
    found = parser.parse_args()
    from rich.console import Console

    Console(width=240).print(report(found.queues, found.weeks, found.seed, found.vary, found.step), markup=False)


if __name__ == "__main__":
    main()
