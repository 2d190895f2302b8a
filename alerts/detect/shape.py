"""The nearest like shape in the past: the left discord of an online matrix profile, in a bounded past.

Inner products of the last window with every earlier one follow from those a row before (STOMP: Zhu et al. 2016), so a
row costs one pass over the past whatever the window's length. Looking back only is DAMP (Lu et al. 2022). Windows are
compared about their means but not scaled: a beat of half the height is another shape.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from alerts.detect.memory import AT, HISTORY, LAGS, NEAREST, REFRESH, SQUARES, SUM, WINDOW, Floats, Memory

#: The variance of a window that no other shall be likened to: finite, for the search is compiled without infinities.
_FAR: Final = 1e300
#: Lags searched at once.
_BLOCK: Final = 1024


@njit(cache=True, nogil=True)
def _dot(raw: Floats, a: int, b: int, window: int) -> float:
    """Of the windows that end at *a* and at *b*."""
    total = 0.0
    for i in range(window):
        total += raw[a - i] * raw[b - i]
    return total


@njit(cache=True, nogil=True)
def _moments(memory: Memory, end: int, window: int) -> None:
    """Mean and variance of the window that ends at *end*, computed afresh."""
    total = 0.0
    for i in range(end - window + 1, end + 1):
        total += memory.raw[i]
    mean = total / window
    squares = 0.0
    for i in range(end - window + 1, end + 1):
        squares += (memory.raw[i] - mean) ** 2
    memory.mean[end], memory.variance[end] = mean, squares / window
    memory.real[SUM], memory.real[SQUARES] = total, squares


@njit(cache=True, nogil=True)
def rebuild(memory: Memory, window: int) -> None:
    """Everything that follows from the window's length, after that has changed."""
    memory.whole[WINDOW] = window
    end = memory.whole[AT] - 1
    for i in range(window - 1, end + 1):
        _moments(memory, i, window)
    lags = max(min(HISTORY, end + 1 - window), 0)
    memory.whole[LAGS] = lags
    memory.whole[REFRESH] = 0
    memory.dots[:] = 0.0
    for lag in range(1, lags + 1):
        memory.dots[HISTORY - lag] = _dot(memory.raw, end, end - lag, window)


@njit(cache=True, nogil=True)
def _slide(memory: Memory, end: int, window: int) -> None:
    """Mean and variance of the window that ends at *end* from that before (Welford, sliding)."""
    if end % 256 == 0 or end < window:
        _moments(memory, end, window)
        return
    new, old = memory.raw[end], memory.raw[end - window]
    before = memory.mean[end - 1]
    mean = before + (new - old) / window
    squares = memory.real[SQUARES] + (new - old) * (new - mean + old - before)
    memory.real[SQUARES] = max(squares, 0.0)
    memory.mean[end], memory.variance[end] = mean, memory.real[SQUARES] / window


@njit(cache=True, nogil=True, fastmath={"nnan", "ninf", "nsz", "contract"})
def _advance(dots: Floats, raw: Floats, end: int, window: int, first: int, last: int) -> None:
    """The inner products of lags HISTORY - first down to HISTORY - last, one row on."""
    new, old = raw[end], raw[end - window]
    now = raw[end - HISTORY + first : end - HISTORY + last + 1]
    ago = raw[end - window - HISTORY + first : end - window - HISTORY + last + 1]
    part = dots[first : last + 1]
    for k in range(part.size):
        part[k] += new * now[k] - old * ago[k]


@njit(cache=True, nogil=True, fastmath={"nnan", "ninf", "nsz", "contract"})
def _least(dots: Floats, mean: Floats, variance: Floats, scaled: float, twice: float) -> float:
    """The least of 'variance of the other - 2 covariance'; *scaled* is -2 / window, *twice* twice our mean.

    Four at a time, for a minimum that waits for the one before it takes three times as long.
    """
    a = b = c = d = np.inf
    for k in range(0, dots.size - 3, 4):
        e = variance[k] + scaled * dots[k] + twice * mean[k]
        f = variance[k + 1] + scaled * dots[k + 1] + twice * mean[k + 1]
        g = variance[k + 2] + scaled * dots[k + 2] + twice * mean[k + 2]
        h = variance[k + 3] + scaled * dots[k + 3] + twice * mean[k + 3]
        a, b, c, d = (e if e < a else a), (f if f < b else b), (g if g < c else c), (h if h < d else d)
    least = min(a, b, c, d)
    for k in range(dots.size - dots.size % 4, dots.size):
        least = min(least, variance[k] + scaled * dots[k] + twice * mean[k])
    return least


@njit(cache=True, nogil=True)
def _search(dots: Floats, mean: Floats, variance: Floats, own: float, window: int) -> tuple[float, int]:
    """The least such value and where it is: block by block, so that only one block is looked through by place."""
    scaled, twice = -2.0 / window, 2.0 * own
    best, block = np.inf, 0
    for first in range(0, dots.size, _BLOCK):
        part = slice(first, min(first + _BLOCK, dots.size))
        least = _least(dots[part], mean[part], variance[part], scaled, twice)
        if least < best:
            best, block = least, first
    best, found = np.inf, block
    for k in range(block, min(block + _BLOCK, dots.size)):
        d = variance[k] + scaled * dots[k] + twice * mean[k]
        if d < best:
            best, found = d, k
    return best, found


@njit(cache=True, nogil=True)
def forget_last(memory: Memory) -> None:
    """The last window is no like shape for any later one: what is odd must not excuse its second coming."""
    memory.variance[memory.whole[AT] - 1] = _FAR


@njit(cache=True, nogil=True)
def nearest(memory: Memory) -> float:
    """Take in the last row. The root mean square distance of its window to the nearest past one, -1 without a past."""
    end, window = memory.whole[AT] - 1, memory.whole[WINDOW]
    memory.whole[NEAREST] = -1
    if end + 1 < window:
        return -1.0
    _slide(memory, end, window)
    lags = memory.whole[LAGS]
    if lags > 0:
        _advance(memory.dots, memory.raw, end, window, HISTORY - lags, HISTORY - 1)
    if end + 1 - window > lags and lags < HISTORY:
        lags += 1
        memory.whole[LAGS] = lags
        memory.dots[HISTORY - lags] = _dot(memory.raw, end, end - lags, window)
    closest = (3 * window) // 4 + 1
    if lags < closest:
        return -1.0
    # one lag a row is computed afresh: rounding never gathers for more than HISTORY rows
    memory.whole[REFRESH] = (memory.whole[REFRESH] + 1) % lags
    lag = memory.whole[REFRESH] + 1
    memory.dots[HISTORY - lag] = _dot(memory.raw, end, end - lag, window)
    first, last = HISTORY - lags, HISTORY - closest
    place = slice(end - HISTORY + first, end - HISTORY + last + 1)
    dots, means, variances = memory.dots[first : last + 1], memory.mean[place], memory.variance[place]
    least, found = _search(dots, means, variances, memory.mean[end], window)
    memory.whole[NEAREST] = end - HISTORY + first + found
    return float(np.sqrt(max(memory.variance[end] + least, 0.0)))
