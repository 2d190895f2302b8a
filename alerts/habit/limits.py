"""How rare must it be: limits of all tests of a queue from its alarm budget.

The budget is shared by the sides of all subjects and by the windows evenly, a part of it by the slides. A window that
slides over time is a new test several times in its length: so often was found by simulation of ordinary weeks
(`python -m benchmarks.habit_noise`, docs/DETECT.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.detect.budget import WEEK_MS, cusum_limit
from alerts.detect.slide import SLACK
from alerts.habit.state import BUCKET_MS, HALF_HOUR, HALF_MS, ROLLING, TESTS, WIDTHS
from alerts.habit.subjects import SUBJECTS

#: Sides of subjects that can alarm.
SIDES: Final = sum(2 if subject.side == "both" else 1 for subject in SUBJECTS)
#: Independent tests in the length of a sliding window, with what the discreteness of counts gives back.
TESTS_PER_WINDOW: Final = 1.0
#: The part of the budget that is the slides'.
SLIDES: Final = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """*rarity* by window (the rolling ones and "resolve"), as -log10 of a chance; *slide* of a CUSUM; *guards* by test:
    smallest sample, smallest absolute and relative difference (times in tenths of a second)."""

    rarity: NDArray[np.float64]
    slide: float
    guards: NDArray[np.float64]


def limits_of(alarms_per_week: float) -> Limits:
    """The limits at which a queue costs *alarms_per_week* false alarms. Raises ValueError for a budget that is none."""
    if not 0.0 < alarms_per_week <= 100.0:
        raise ValueError(f"{alarms_per_week:g} alarms a week are no budget: from above 0 to 100")
    rarity = np.zeros(ROLLING + 1)
    for w in range(ROLLING):
        tests = WEEK_MS / (int(WIDTHS[w]) * BUCKET_MS) * TESTS_PER_WINDOW
        rarity[w] = -log10(alarms_per_week * (1.0 - SLIDES) / (SIDES * ROLLING * tests))
    rarity[ROLLING] = rarity[HALF_HOUR]
    run_length = WEEK_MS / HALF_MS * SIDES / (alarms_per_week * SLIDES)
    return Limits(rarity, cusum_limit(run_length, SLACK), _guards())


def _guards() -> NDArray[np.float64]:
    found = np.zeros((TESTS, 3))
    for n, subject in enumerate(SUBJECTS):
        scale = 0.01 if subject.kind == "mean" else 1.0  # tenths of a second
        found[max(n - 1, 0)] = subject.min_sample, subject.min_absolute * scale, subject.min_relative
    return found
