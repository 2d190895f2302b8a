"""How long callers waited, as counts by length, from which a percentile is read.

The bins grow by the factor `GAMMA` = 1.1 / 0.9, so that the middle of a bin lies within 10 % of all that is in it; the
first holds what is at most a second (its middle is at most half a second off), the last what is beyond an hour and is
told as its lower end. Counts add up, so a window's percentile comes from the sums that are kept anyway.

Source: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees" (2019).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.counters import BINS, WAIT_BINS

GAMMA: Final = 1.1 / 0.9
#: Upper end of each bin but the last, in ms, itself within it.
EDGES_MS: Final = np.array([math.floor(1_000 * GAMMA**n) for n in range(BINS - 1)], np.int64)
#: What a wait in each bin is told as, in ms.
MIDDLES_MS: Final = np.array(
    [500.0, *(2_000 * GAMMA**n / (GAMMA + 1) for n in range(1, BINS - 1)), float(EDGES_MS[-1])]
)
assert EDGES_MS[-1] >= 3_600_000


@njit(cache=True, nogil=True, _nrt=False)
def bin_of(wait_ms: int) -> int:
    """The bin of a wait of *wait_ms* (not below 0)."""
    low, high = 0, len(EDGES_MS)
    while low < high:
        middle = (low + high) // 2
        if EDGES_MS[middle] < wait_ms:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, _nrt=False)
def quantiles(sums: NDArray[np.int64], low: int, high: int) -> tuple[float, float]:
    """The percentiles *low* and *high* (not below it) of the waits counted in *sums* (all counters), in ms.

    A percentile is the wait of rank ``1 + floor(percent (n - 1) / 100)`` of n, as the bins know it; NaN where there is
    none.
    """
    n = 0
    for b in range(BINS):
        n += sums[WAIT_BINS + b]
    first, second = math.nan, math.nan
    if n <= 0:
        return first, second
    left, right = low * (n - 1) // 100, high * (n - 1) // 100
    seen, b = 0, -1
    while seen <= right:
        b += 1
        seen += sums[WAIT_BINS + b]
        if seen > left and math.isnan(first):
            first = MIDDLES_MS[b]
    second = MIDDLES_MS[b]
    return first, second
