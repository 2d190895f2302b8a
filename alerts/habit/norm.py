"""What is normal: kernels that read the expectation of a half-hour, and of a window, off what was learned.

Volumes: the mean of the half-hour of the week, borrowed from its like where it was seen seldom or has few calls. Shares
and means: sums over sums of the half-hours of like days, so that a quiet half-hour says as much as it has calls,
borrowed from all half-hours.
"""

from __future__ import annotations

from math import isnan, nan, sqrt
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alerts.detect.season import A_DAY
from alerts.habit.state import (
    ABOVE,
    ALL,
    BELOW,
    DAY_NORM,
    DAY_WAS,
    EXCESS,
    HALF_MS,
    LIKE,
    LIKES,
    MEAN,
    OF,
    RECENT,
    SEEN,
    SLOT,
    TALK,
    TESTS,
    VOLUME,
    WORKDAYS,
    Habits,
    Ready,
)

#: The next wider mean is worth one sighting and as many as bring FEW_CALLS, since chance is the larger the fewer there
#: are; less where they differ by more than chance and a tenth (squared: ALIKE_DAYS): an early closing is no chance.
FEW_CALLS, ALIKE_DAYS = 50.0, 0.01
#: Squared relative error of a half-hour never seen, and what its like is worth.
_UNSEEN, _OF_LIKE = 0.25, 0.25
#: What the norm's word is worth beside what was seen of late, in counts, and how far the level of late may move.
LEVEL_PRIOR, LEVEL_LEAST, LEVEL_MOST = 200.0, 0.5, 2.0
#: Squared relative variation of a volume that is assumed until it is known, and what it weighs (counts squared).
SPREAD_PRIOR, SPREAD_WEIGHT = 0.01, 2e3
#: The same of a share by test: correlation of two calls, its weight in calls, and its most. Calls of a queue that is
#: briefly full fare badly together, so the shorter the window the more alike they are (ALIKE_SHORT by window).
ALIKE_PRIOR = np.array([0.0, 0.01, 0.01, 0.03, 0.04, 0.04, 0.01])
ALIKE_SHORT = np.array([1.5, 1.5, 1.0, 0.75])
ALIKE_WEIGHT, ALIKE_MOST = 2e3, 0.7
#: Squared coefficient of variation of single times until it is known, and its weight in windows.
SCATTER_PRIOR, SCATTER_WEIGHT = 1.0, 10.0
#: Windows of which it must be known; and by how much more a limit takes it to be: long talks are longer than
#: exponential ones, so the tail of their mean is heavier than a gamma's of the same variance.
SCATTER_LEAST, SCATTER_MORE = 40.0, 1.3
#: A good forecast is off by a tenth on a whole day (`alerts.plan.against.DAY_CV`).
PLANNED_SPREAD: Final = 0.01
#: Calls that must be behind the norm of a share or mean, and the most that is borrowed.
CALLS_LEAST, BORROWED_MOST = 50.0, 50.0
#: A share is expected to be no nearer to 0 and 1: the first failure in weeks is no outage.
EDGE: Final = 0.005
#: Sightings of a half-hour of a kind of day until it is no news: a working week of them, which fade a little.
NEW: Final = 4.5
#: Sightings of like workdays that stand for a half-hour never seen itself. Saturdays say nothing of Sundays.
LIKE_LEAST: Final = 2.0


@njit(cache=True, nogil=True)
def like_of_slot(slot: int) -> int:
    """The half-hour of a kind of day (Monday to Friday, weekend) of a half-hour of the week."""
    return slot % A_DAY + (A_DAY if slot >= WORKDAYS else 0)


@njit(cache=True, nogil=True)
def volume_known(week: NDArray[np.float32], slot: int, like: int) -> bool:
    """Whether a half-hour of the week may be judged: seen itself, or on like workdays."""
    return week[slot, SEEN] > 0.0 or (slot < WORKDAYS and week[LIKE + like, SEEN] >= LIKE_LEAST)


@njit(cache=True, nogil=True)
def volume_norm(week: NDArray[np.float32], slot: int, like: int) -> float:
    """Calls that a half-hour of the week brings; NaN before anything was seen."""
    if week[ALL, SEEN] <= 0.0:
        return nan
    value = float(week[ALL, MEAN])
    for place in (LIKE + like, slot):
        n, own = float(week[place, SEEN]), float(week[place, MEAN])
        unlike = n * (own - value) ** 2 / max(value + ALIKE_DAYS * value * value, 1.0)
        borrowed = (1.0 + FEW_CALLS / max(value, 1.0)) / (1.0 + max(unlike - 1.0, 0.0))
        value = (n * own + borrowed * value) / (n + borrowed)
    return value


@njit(cache=True, nogil=True)
def volume_doubt(week: NDArray[np.float32], slot: int, like: int) -> float:
    """The squared relative error of that."""
    seen = 1.0 + float(week[slot, SEEN]) + _OF_LIKE * float(week[LIKE + like, SEEN])
    return _UNSEEN / (seen * seen)


@njit(cache=True, nogil=True)
def share_norm(like_of: NDArray[np.float32], like: int, test: int) -> tuple[float, float]:
    """The share or mean of *test* in a half-hour of a kind of day (NaN unknown), and how many calls are behind it."""
    above, below = ABOVE[test], BELOW[test]
    calls, sightings = float(like_of[LIKES, below]), float(like_of[LIKES, SEEN])
    if calls < CALLS_LEAST:
        return nan, 0.0
    borrowed = min(calls / max(sightings, 1.0), BORROWED_MOST)
    here = float(like_of[like, below])
    value = (float(like_of[like, above]) + borrowed * float(like_of[LIKES, above]) / calls) / (here + borrowed)
    return value, here + borrowed


@njit(cache=True, nogil=True)
def level_of(late: NDArray[np.float64]) -> float:
    """What was of late over what the norm says of it: 1 where nothing is known."""
    seen, mean = late[RECENT, DAY_WAS], late[RECENT, DAY_NORM]
    return float(min(max((seen + LEVEL_PRIOR) / (mean + LEVEL_PRIOR), LEVEL_LEAST), LEVEL_MOST))


@njit(cache=True, nogil=True)
def spread_of(vary: NDArray[np.float64], window: int) -> float:
    """The squared relative variation of volumes of a window beyond chance."""
    excess, of = vary[VOLUME, window, EXCESS], vary[VOLUME, window, OF]
    return float(max(excess + SPREAD_PRIOR * SPREAD_WEIGHT, 0.0) / (of + SPREAD_WEIGHT))


@njit(cache=True, nogil=True)
def alike_of(vary: NDArray[np.float64], test: int, window: int, behind: float) -> float:
    """The correlation of two calls of a window, the doubt about a norm of so many calls included."""
    excess, of = vary[test, window, EXCESS], vary[test, window, OF]
    known = max(excess + ALIKE_PRIOR[test] * ALIKE_SHORT[window] * ALIKE_WEIGHT, 0.0) / (of + ALIKE_WEIGHT)
    return float(min(known + 1.0 / (1.0 + behind), ALIKE_MOST))


@njit(cache=True, nogil=True)
def scatter_of(vary: NDArray[np.float64], test: int, window: int) -> float:
    """The squared coefficient of variation of a single time, what half-hours have in common included; NaN unknown."""
    excess, of = vary[test, window, EXCESS], vary[test, window, OF]
    if of < SCATTER_LEAST:
        return nan
    return float((excess + SCATTER_PRIOR * SCATTER_WEIGHT) / (of + SCATTER_WEIGHT))


@njit(cache=True, nogil=True)
def prepare(state: Habits, made: Ready, q: int) -> None:
    """Make row *q* of *made* for the half-hour it is in."""
    week, like_of, slots = state.week[q], state.like[q], state.whole[q, SLOT : SLOT + 4]
    for n in range(4):
        like = like_of_slot(slots[n])
        known = volume_known(week, slots[n], like)
        made.base[q, n] = volume_norm(week, slots[n], like) if known else 0.0
    before, here = like_of_slot(slots[1]), like_of_slot(slots[2])
    made.known[q] = 1 if volume_known(week, slots[2], here) else 0
    made.known_before[q] = 1 if volume_known(week, slots[1], before) else 0
    made.doubt[q] = volume_doubt(week, slots[2], here)
    made.level[q] = level_of(state.late[q])
    for test in range(1, TESTS):
        made.norm[q, test, 0] = share_norm(like_of, before, test)[0]
        made.norm[q, test, 1], made.behind[q, test] = share_norm(like_of, here, test)
        if test < TALK:
            for n in range(2):  # NaN stays
                share = made.norm[q, test, n]
                made.norm[q, test, n] = share if isnan(share) else min(max(share, EDGE), 1.0 - EDGE)


@njit(cache=True, nogil=True)
def _line(rates: NDArray[np.float64], a: float, b: float) -> float:
    """Calls from *a* to *b* (in half-hours) when the rate goes straight from middle to middle."""
    total = 0.0
    for n in range(3):
        x, y = max(a, n + 0.5), min(b, n + 1.5)
        if y > x:
            middle = (x + y) / 2.0 - n - 0.5
            total += (y - x) * (rates[n] + (rates[n + 1] - rates[n]) * middle)
    return total


@njit(cache=True, nogil=True)
def calls_between(
    base: NDArray[np.float64], level: float, plan: NDArray[np.float64], half: int, a_ms: int, b_ms: int
) -> tuple[float, float]:
    """Calls to be expected from *a_ms* to *b_ms*, within half-hour number *half* and the one before: least and most.

    Between a rate that is the same for the half-hour and one that goes straight from middle to middle: so a slope
    within a half-hour raises no alarm. Where a plan is, it is what is expected.
    """
    start = half * HALF_MS
    a, b = (a_ms - start) / HALF_MS + 2.0, (b_ms - start) / HALF_MS + 2.0  # half-hours from two before
    flat, planned = 0.0, 0.0
    for n in range(4):
        part = max(min(b, n + 1.0) - max(a, float(n)), 0.0)
        if 1 <= n <= 2 and not isnan(plan[n - 1]):
            planned += part * plan[n - 1]
        else:
            flat += part * base[n]
    if planned > 0.0 or not isnan(plan[1]):
        return planned + level * flat, planned + level * flat
    slope = _line(base, a, b)
    return level * min(flat, slope), level * max(flat, slope)


@njit(cache=True, nogil=True)
def share_between(norm: NDArray[np.float64], half: int, a_ms: int, b_ms: int, weight: float) -> float:
    """The share or mean to be expected over a window: of both half-hours, the one before counted *weight* as much."""
    start = half * HALF_MS
    if isnan(norm[0]) or a_ms >= start:
        return float(norm[1])
    before, here = (start - a_ms) * weight, float(max(b_ms - start, 0))
    return float((before * norm[0] + here * norm[1]) / (before + here)) if before + here > 0.0 else float(norm[1])


@njit(cache=True, nogil=True)
def reach(mean: float, spread: float, deviations: float) -> float:
    """So many deviations of a volume."""
    return deviations * sqrt(mean + spread * mean * mean)
