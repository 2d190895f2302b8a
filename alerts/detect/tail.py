"""How rare is a statistic in its own past: a histogram of its logarithm, and beyond it a Pareto tail.

The tail is peaks over threshold (Pickands 1975; for streams Siffer et al. 2017, "SPOT"), its index taken from quantiles
of the excess of the logarithm (Hill 1975 takes their mean), for what has been wrong before must not stretch the tail.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

import numpy as np
from numba import njit

from alerts.detect.memory import BEGIN, BINS, INDEX, LOWEST, ROWS, SHARE, TESTS, WIDTH, Floats, Memory

#: Rows that the assumed distribution counts for: with little evidence the tail is heavy and the band is wide.
PRIOR_ROWS: Final = 40.0
#: Assumed is P(Z > z) = (1 + z / PRIOR_AT) ** -PRIOR_POWER for a statistic of geometric mean 1: 5 % beyond 4,
#: 0.1 % beyond 16.
PRIOR_AT, PRIOR_POWER = 3.5, 4.0
#: The tail begins where this share of rows lies beyond.
TAIL_SHARE: Final = 0.03
#: Bins by which a past statistic may have been smaller and still as large: a quarter. Not every record is a novelty.
AS_LARGE: Final = 5
#: What comes more often than six rows in a thousand, or in two periods of five, belongs to the series, however far out
#: it lies; what came no oftener than FEW times is no habit yet.
OFTEN, ONCE_A_PERIOD, FEW = 0.006, 0.4, 3.0
INDEX_MIN, INDEX_MAX = 0.09, 0.8
INDEX_PRIOR, INDEX_PRIOR_ROWS = 0.25, 6.0
#: Of the histogram at each refresh: rows of about 100 refreshes count.
FORGET: Final = 0.992
_LN4, _LN2, _LN10 = log(4.0), log(2.0), log(10.0)


def assume(memory: Memory) -> None:
    """Fill the histograms of a fresh memory with what is assumed before anything was seen."""
    edges = np.exp(LOWEST + WIDTH * np.arange(BINS + 1))
    beyond = (1 + edges / PRIOR_AT) ** -PRIOR_POWER
    share = beyond[:-1] - beyond[1:]
    share[0] += 1 - beyond[0]
    memory.bins[:] = PRIOR_ROWS * share
    for test in range(TESTS):
        refresh(memory.bins[test], memory.beyond[test], memory.tail[test], 1.0)


@njit(cache=True, nogil=True)
def bin_of(z: float) -> int:
    """The bin of a statistic."""
    if not z > 0.0:
        return 0
    return min(max(int((log(z) - LOWEST) / WIDTH), 0), BINS - 1)


@njit(cache=True, nogil=True)
def _log_beyond(beyond: Floats, count: float) -> float:
    """The logarithm beyond which *count* rows lie."""
    for b in range(BINS - 1, -1, -1):
        if beyond[b] >= count:
            above = beyond[b + 1] if b + 1 < BINS else 0.0
            part = (beyond[b] - count) / max(beyond[b] - above, 1e-300)
            return float(LOWEST + WIDTH * (b + min(part, 1.0)))
    return LOWEST


@njit(cache=True, nogil=True)
def refresh(bins: Floats, beyond: Floats, tail: Floats, forget: float) -> None:
    """Sum the histogram from above and fit the tail anew."""
    total = 0.0
    for b in range(BINS - 1, -1, -1):
        bins[b] *= forget
        total += bins[b]
        beyond[b] = total
    inside = TAIL_SHARE * total
    begin = _log_beyond(beyond, inside)
    half, quarter = _log_beyond(beyond, inside / 2), _log_beyond(beyond, inside / 4)
    found = 0.5 * (half - begin) / _LN2 + 0.5 * (quarter - begin) / _LN4
    index = (inside * found + INDEX_PRIOR_ROWS * INDEX_PRIOR) / (inside + INDEX_PRIOR_ROWS)
    tail[BEGIN], tail[SHARE], tail[ROWS] = begin, TAIL_SHARE, total
    tail[INDEX] = min(max(index, INDEX_MIN), INDEX_MAX)


@njit(cache=True, nogil=True)
def rarity(z: float, beyond: Floats, tail: Floats, period: float) -> float:
    """-log10 of the share of past rows whose statistic was as large as *z*. *period* is in rows, 0 without one."""
    b = bin_of(z)
    count, total = beyond[max(b - AS_LARGE, 0)], tail[ROWS]
    plain = -log(max(beyond[b], 0.5) / total) / _LN10
    if not z > 0.0 or log(z) <= tail[BEGIN]:
        return max(plain, 0.0)
    far = (-log(tail[SHARE]) + (log(z) - tail[BEGIN]) / tail[INDEX]) / _LN10
    often = min(OFTEN, ONCE_A_PERIOD / period) if period > 0.0 else OFTEN
    trust = 1.0 / (1.0 + (count / max(FEW, often * total)) ** 2)
    return float(max(trust * far + (1.0 - trust) * min(plain, far), 0.0))


@njit(cache=True, nogil=True)
def limit_of(rare: float, tail: Floats) -> float:
    """The statistic that is as rare as *rare* (-log10 of a share), by the tail alone."""
    return float(exp(tail[BEGIN] + max(rare * _LN10 + log(tail[SHARE]), 0.0) * tail[INDEX]))
