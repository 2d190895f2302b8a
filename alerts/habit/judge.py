"""How unusual the windows of every queue are: one kernel over all queues, each bucket.

A test that lies within two deviations of what is expected costs a subtraction; the tail is computed for the rest.
"""

from __future__ import annotations

from math import isnan, nan, sqrt
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alerts.habit.norm import SCATTER_MORE, alike_of, calls_between, scatter_of, share_between, spread_of
from alerts.habit.state import (
    ABANDONED,
    ABOVE,
    ANSWERED,
    ARRIVALS,
    ATTEMPTED,
    BELOW,
    BUCKET_MS,
    CALLS_DOWN,
    CALLS_UP,
    CLEAN,
    COMPLETED,
    DOWN,
    FAILED,
    HALF_HOUR,
    HALF_MS,
    HELD,
    IN_ABANDONED,
    IN_BLOCKED,
    IN_MENU,
    IN_QUEUED,
    LEAST,
    MISSED,
    MOST,
    OFFERED,
    OPEN_SINCE,
    OUTCOMES,
    OUTS,
    ROLLING,
    SAMPLE,
    SERVICE,
    SINCE_RESOLVE,
    SPEED,
    SPEED_DS,
    SUBJECTS,
    SUMS,
    TALK,
    TALK_DS,
    TESTS,
    UP,
    VOLUME,
    WHOLE_SINCE,
    WIDTHS,
    Habits,
    Ready,
)
from alerts.habit.tails import mean_tails, share_above, volume_tails

#: Below this a score reads 0: half the limit is usual, and what is usual changes no snapshot.
QUIET: Final = 0.5
#: What a guard holds back stays below the limit.
HELD_BACK: Final = 0.95
#: Deviations within which nothing is near half a limit.
_NEAR: Final = 2.0
#: Columns of the guards by test.
MIN_SAMPLE, MIN_ABSOLUTE, MIN_RELATIVE = range(3)
#: Calls beyond what is expected that a share needs.
CALLS_BEYOND: Final = 5.0
NOW: Final = ROLLING + 1


@njit(cache=True, nogil=True)
def _figure(value: float) -> float:
    return 0.0 if isnan(value) else value


@njit(cache=True, nogil=True)
def read_window(figures: NDArray[np.float64], columns: NDArray[np.int64], found: NDArray[np.float64]) -> None:
    """The sums of a window out of a row of *figures*: counts as they are, what is given as a ratio times its sample."""
    for n in range(SUMS):
        found[n] = _figure(figures[columns[n]])
    live = figures[columns[MISSED]]
    found[MISSED] = 0.0 if isnan(live) else np.rint((1.0 - live) * found[SAMPLE])
    found[IN_QUEUED] = np.rint(found[IN_QUEUED] * found[OUTCOMES])
    found[TALK_DS] = found[TALK_DS] * found[COMPLETED] / 100.0
    found[SPEED_DS] = found[SPEED_DS] * found[ANSWERED] / 100.0


@njit(cache=True, nogil=True)
def _score(log_chance: float, limit: float, matters: bool) -> float:
    """1 at the limit; what a guard holds back stays below it."""
    score = -log_chance / limit
    if not matters:
        score = min(score, HELD_BACK)
    return score if score >= QUIET else 0.0


@njit(cache=True, nogil=True)
def volume_scores(
    k: float, least: float, most: float, spread: float, limit: float, guard: NDArray[np.float64]
) -> tuple[float, float]:
    """Of a surge beyond *most* calls and of a drop below *least*."""
    surge, drop = 0.0, 0.0
    if k - most > _NEAR * sqrt(most + spread * most * most):
        away = k - most
        matters = away >= guard[MIN_ABSOLUTE] and away >= guard[MIN_RELATIVE] * most
        surge = _score(volume_tails(k, most, spread)[1], limit, matters)
    # a count has no room below where two deviations reach nothing, but its chance is then no small one either
    if least > 0.0 and least - k > min(_NEAR * sqrt(least + spread * least * least), 0.7 * least):
        away = least - k
        matters = away >= guard[MIN_ABSOLUTE] and away >= guard[MIN_RELATIVE] * least
        drop = _score(volume_tails(k, least, spread)[0], limit, matters)
    return surge, drop


@njit(cache=True, nogil=True)
def share_score(k: float, n: float, share: float, alike: float, limit: float, guard: NDArray[np.float64]) -> float:
    """Of *k* of *n* where *share* is expected; NaN for too few."""
    if n < max(guard[MIN_SAMPLE], 1.0):
        return nan
    k = min(k, n)
    beyond = k - n * share
    if beyond <= _NEAR * sqrt(n * share * (1.0 - share) * (1.0 + (n - 1.0) * alike)):
        return 0.0
    matters = beyond >= CALLS_BEYOND and beyond >= guard[MIN_ABSOLUTE] * n and beyond >= guard[MIN_RELATIVE] * n * share
    return float(_score(share_above(k, n, share, alike), limit, matters))


@njit(cache=True, nogil=True)
def mean_scores(
    total: float, n: float, mean: float, scatter: float, behind: float, limit: float, guard: NDArray[np.float64]
) -> tuple[float, float]:
    """Of times that are too long and of those that are too short; NaN for too few."""
    if n < max(guard[MIN_SAMPLE], 1.0) or mean <= 0.0 or isnan(scatter):
        return nan, nan
    scatter *= SCATTER_MORE
    value = total / n
    away = abs(value - mean)
    weight = 1.0 / (1.0 / n + 1.0 / max(behind, 1.0))  # the norm is a mean of so many itself
    if away <= min(_NEAR * mean * sqrt(scatter / weight), 0.7 * mean):
        return 0.0, 0.0
    matters = away >= guard[MIN_ABSOLUTE] and away >= guard[MIN_RELATIVE] * mean
    below, above = mean_tails(value, weight, mean, scatter)
    return (_score(above, limit, matters), 0.0) if value > mean else (0.0, _score(below, limit, matters))


@njit(cache=True, nogil=True)
def expected_volume(state: Habits, made: Ready, q: int, w: int, now_ms: int) -> tuple[float, float]:
    """Calls expected in window *w* up to *now_ms*, least and most; NaN when nothing is known, or not whole."""
    if made.known[q] == 0 and isnan(state.plan[q, 1]):
        return nan, nan
    half = now_ms // HALF_MS
    if w == SINCE_RESOLVE:
        return state.since[q, LEAST], state.since[q, MOST]
    begin = (now_ms // BUCKET_MS - WIDTHS[w] + 1) * BUCKET_MS
    if begin < state.whole[q, WHOLE_SINCE]:
        return nan, nan
    begin = min(max(begin, state.whole[q, OPEN_SINCE]), now_ms)
    if begin < half * HALF_MS and made.known_before[q] == 0 and isnan(state.plan[q, 0]):
        return nan, nan
    least, most = calls_between(made.base[q], made.level[q], state.plan[q], half, begin, now_ms)
    return least, most


@njit(cache=True, nogil=True)
def expected_share(made: Ready, q: int, test: int, w: int, now_ms: int) -> float:
    """The share or mean expected in window *w* up to *now_ms*."""
    begin = now_ms if w == SINCE_RESOLVE else (now_ms // BUCKET_MS - WIDTHS[w] + 1) * BUCKET_MS
    weight = made.base[q, 1] / made.base[q, 2] if made.base[q, 2] > 0.0 else 1.0
    return float(share_between(made.norm[q, test], now_ms // HALF_MS, begin, now_ms, weight))


@njit(cache=True, nogil=True)
def spread_at(state: Habits, made: Ready, q: int, window: int) -> float:
    """The squared relative variation beyond chance, the doubt about the norm included; by a plan that of a forecast."""
    spread = spread_of(state.vary[q], window)
    return float(spread if not isnan(state.plan[q, 1]) else spread + made.doubt[q])


@njit(cache=True, nogil=True)
def _window(
    state: Habits, made: Ready, q: int, w: int, now_ms: int, found: NDArray[np.float64],
    limit: float, guards: NDArray[np.float64], out: NDArray[np.float64], bad: NDArray[np.uint8],
) -> None:  # fmt: skip
    """The scores of window *w* of row *q* into *out*, by subject, and into *bad* which lie on their bad side at all."""
    window = min(w, HALF_HOUR)
    least, most = expected_volume(state, made, q, w, now_ms)
    out[0], out[1] = nan, nan
    bad[0], bad[1] = found[OFFERED] > most, found[OFFERED] < least
    if not isnan(least):
        spread = spread_at(state, made, q, window)
        out[0], out[1] = volume_scores(found[OFFERED], least, most, spread, limit, guards[VOLUME])
    for test in range(1, TESTS):
        n, norm = found[BELOW[test]], expected_share(made, q, test, w, now_ms)
        bad[test + 1] = found[ABOVE[test]] > n * norm or test == TALK
        if isnan(norm) or n < guards[test, MIN_SAMPLE]:
            out[test + 1] = nan
        elif found[ABOVE[test]] <= 0.0 and test < TALK:
            out[test + 1] = 0.0
        elif test < TALK:
            alike = alike_of(state.vary[q], test, window, made.behind[q, test])
            out[test + 1] = share_score(found[ABOVE[test]], n, norm, alike, limit, guards[test])
        else:
            scatter = scatter_of(state.vary[q], test, window)
            long, short = mean_scores(
                found[ABOVE[test]], n, norm, scatter, made.behind[q, test], limit, guards[test]
            )  # fmt: skip
            out[test + 1] = max(long, short) if test == TALK else long


@njit(cache=True, nogil=True)
def _slide(lines: NDArray[np.float64], subject: int, limit: float) -> float:
    """How near the slide of a subject is to its limit."""
    if subject <= 1:
        reached = lines[VOLUME, UP if subject == 0 else DOWN]
    elif subject - 1 == TALK:
        reached = max(lines[TALK, UP], lines[TALK, DOWN])
    else:
        reached = lines[subject - 1, UP]
    score = reached / limit
    return score if score >= QUIET else 0.0


@njit(cache=True, nogil=True)
def _keep(
    state: Habits, made: Ready, q: int, scores: NDArray[np.float64], bad: NDArray[np.uint8], slide_limit: float
) -> None:  # fmt: skip
    """Keep the *scores* of row *q* (windows x subjects), with the most unusual of each as "now".

    A slide alarms only while the last half-hour is on its *bad* side.
    """
    for subject in range(SUBJECTS):
        now = nan
        for w in range(ROLLING + 1):
            score = scores[w, subject]
            if w < ROLLING and not isnan(score) and not now >= score:
                now = score
        if not isnan(now):
            slide = _slide(state.lines[q], subject, slide_limit)
            now = max(now, slide if bad[subject] else min(slide, HELD_BACK))
        for w in range(OUTS):
            score = np.float32(now if w == NOW else scores[w, subject])
            before = state.out[q, subject, w]
            if score != before and not (isnan(score) and isnan(before)):
                state.out[q, subject, w] = score
                made.dirty[q] = 1


@njit(cache=True, nogil=True)
def expectations(state: Habits, made: Ready, q: int, now_ms: int) -> None:
    """The expectations of row *q* that are figures: calls of the last half-hour, abandonment, service level, talk."""
    if state.whole[q, OPEN_SINCE] < 0 or state.whole[q, WHOLE_SINCE] < 0:
        made.usual[q, :] = nan
        return
    least, most = expected_volume(state, made, q, HALF_HOUR, now_ms)
    made.usual[q, 0] = (least + most) / 2.0
    made.usual[q, 1] = expected_share(made, q, ABANDONED, HALF_HOUR, now_ms)
    made.usual[q, 2] = 1.0 - expected_share(made, q, SERVICE, HALF_HOUR, now_ms)
    made.usual[q, 3] = expected_share(made, q, TALK, HALF_HOUR, now_ms) * 100.0


@njit(cache=True, nogil=True)
def note(state: Habits, made: Ready, q: int, now_ms: int, is_open: bool, complete: bool, may_learn: bool) -> None:
    """Note whether row *q* is open, its data complete and learning allowed in this bucket."""
    whole = state.whole[q]
    was_open, was_whole, was_held, was_clean = (
        whole[OPEN_SINCE] >= 0, whole[WHOLE_SINCE] >= 0, whole[HELD], whole[CLEAN],
    )  # fmt: skip
    if is_open != was_open:
        whole[OPEN_SINCE] = now_ms if is_open else -1
        made.dirty[q] = 1
    if complete != was_whole:
        whole[WHOLE_SINCE] = now_ms if complete else -1
        made.dirty[q] = 1
    if not (is_open and complete):
        whole[CLEAN] = 0
    if not may_learn:
        whole[HELD] = 1
    if whole[HELD] != was_held or whole[CLEAN] != was_clean:
        made.dirty[q] = 1


assert (ARRIVALS, IN_MENU, IN_BLOCKED, IN_ABANDONED, ATTEMPTED, FAILED, SPEED) == (1, 2, 3, 5, 9, 10, 8)
assert (CALLS_UP, CALLS_DOWN) == (2, 3)


@njit(cache=True, nogil=True)
def judge(
    state: Habits, made: Ready, rows: int, now_ms: int, figures: NDArray[np.float64], columns: NDArray[np.int64],
    limits: NDArray[np.float64], slide_limit: float, guards: NDArray[np.float64],
) -> None:  # fmt: skip
    """Judge all windows of the first *rows* queues at *now_ms*: their scores, and what is usual.

    *columns* has for each window (rolling, resolve) the columns of the sums; *limits* its rarity.
    """
    found, scores = np.zeros(SUMS), np.zeros((ROLLING + 1, SUBJECTS))
    bad = np.zeros((ROLLING + 1, SUBJECTS), np.uint8)
    for q in range(rows):
        at = made.row[q]
        if at < 0:
            continue
        if state.whole[q, OPEN_SINCE] < 0 or state.whole[q, WHOLE_SINCE] < 0:
            scores[:] = nan
        else:
            for w in range(ROLLING + 1):
                read_window(figures[at], columns[w], found)
                _window(state, made, q, w, now_ms, found, limits[w], guards, scores[w], bad[w])
        _keep(state, made, q, scores, bad[HALF_HOUR], slide_limit)
        expectations(state, made, q, now_ms)
