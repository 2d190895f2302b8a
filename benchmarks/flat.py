"""Whether a curve is flat: its slope in percent a day, by the median of all slopes between two days."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median


def percent_a_day(values: Sequence[float]) -> float:
    """The Theil-Sen slope of *values*, one a day, in percent of their median; 0 for fewer than three.

    The median of the slopes does not care for a day that stands out (a weekend, an incident), the mean would.
    """
    if len(values) < 3:
        return 0.0
    slopes = [(b - a) / (at_b - at_a) for (at_a, a), (at_b, b) in combinations(enumerate(values), 2)]
    return 100.0 * median(slopes) / max(median(values), 1e-9)
