"""Learning: what a half-hour that is over says, kept in the diary of its local day, and what a day of the diary says.

A half-hour is judged by the CUSUM whenever it was whole; it is written into the diary only when learning was allowed
all through it. A day is taken into the norm when the day after it is over, so that it can still be called odd.
"""

from __future__ import annotations

from math import isnan, sqrt
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alerts.detect.season import WEEKS
from alerts.detect.slide import BLOCK, BLOCKS_KEPT, DOUBT_MOST, EXTRA_PRIOR, PRIOR_BLOCKS, SCORE_MOST, SLACK, SUM_MOST
from alerts.detect.weekly import CUT, CUT_MEAN, DAY_KEPT, KEPT, RECENT_KEPT
from alerts.habit.judge import expected_share, expected_volume, read_window, spread_at
from alerts.habit.norm import (
    NEW,
    alike_of,
    calls_between,
    like_of_slot,
    prepare,
    reach,
    scatter_of,
    share_norm,
    spread_of,
    volume_doubt,
    volume_norm,
)
from alerts.habit.state import (
    ABOVE,
    ALL,
    BEGAN,
    BELOW,
    BLOCK_ROWS,
    BLOCK_SUM,
    BLOCKS,
    BUCKET_MS,
    CALLS_DOWN,
    CALLS_UP,
    CLEAN,
    DAY_NORM,
    DAY_OF,
    DAY_WAS,
    DIARY,
    DOWN,
    EXCESS,
    EXTRA,
    HALF,
    HALF_HOUR,
    HALF_MS,
    HELD,
    LEAST,
    LIKE,
    LIKES,
    MARK,
    MARKS,
    MEAN,
    MOST,
    OF,
    OFFERED,
    OPEN_SINCE,
    RECENT,
    ROLLING,
    ROWS,
    SEEN,
    SINCE_NORM,
    SINCE_OF,
    SINCE_WAS,
    SLOT,
    SUMS,
    TALK,
    TESTS,
    TODAY,
    UP,
    UPTO,
    VOLUME,
    WIDTHS,
    Habits,
    Ready,
)
from alerts.habit.tails import mean_tails, normal_score, share_above, volume_tails

#: A value beyond so many deviations teaches no more than one at them.
CREDIBLE: Final = 2.5
#: Squared errors are cut at so many variances: bursts, bad spells and long times are rare and far off.
_CUT_VOLUMES, _CUT_SHARES, _CUT_TIMES = 20.0, 12.0, 20.0
#: Squared coefficient of variation for what is credible before any is known: answers are waited for in a few waits.
SCATTER_UNKNOWN: Final = 10.0
#: Least calls of a half-hour that say something of a share or mean, and least sightings and calls behind its norm,
#: for a CUSUM.
_CALLS, _SIGHTINGS, _BEHIND = 5.0, 3.0, 100.0
#: The most that a cell of the diary holds.
_CELL: Final = 65535.0
#: The 30-minute window at the first clock of a half-hour lacks its first bucket: what a whole one would have.
WHOLE: Final = HALF_MS / (HALF_MS - BUCKET_MS)
#: Once a CUSUM calls, each half-hour that is usual again takes this share of it away: what is over is over soon.
_FALLS: Final = 0.5
#: What is fading of the sums since learning was last allowed, per half-hour: some ten of them count.
SINCE_KEPT: Final = 0.9
#: The last column of `Habits.daily` is about EXTRA: sums of blocks squared, and their number.
_OF_BLOCKS: Final = ROLLING


@njit(cache=True, nogil=True)
def _step(lines: NDArray[np.float64], score: float, limit: float) -> None:
    """Move both CUSUMs of a test by the normal *score* of a half-hour."""
    blocks = lines[BLOCKS]
    extra = max((lines[EXTRA] * blocks + EXTRA_PRIOR * PRIOR_BLOCKS) / (blocks + PRIOR_BLOCKS), 1.0)
    step = min(max(score, -SCORE_MOST), SCORE_MOST) / sqrt(extra)
    for way in range(2):  # UP, DOWN; CALLS_UP, CALLS_DOWN
        toward = step if way == UP else -step
        total = min(max(lines[way] + toward - SLACK, 0.0), SUM_MOST * limit)
        if total >= limit:
            lines[CALLS_UP + way] = 1.0
        elif lines[CALLS_UP + way] > 0.0:
            total *= _FALLS if toward < SLACK else 1.0
            lines[CALLS_UP + way] = 0.0 if total < 0.5 * limit else 1.0
        lines[way] = total


@njit(cache=True, nogil=True)
def _block(lines: NDArray[np.float64], daily: NDArray[np.float32], score: float) -> None:
    """Learn how alike the scores of neighbours are, from sums of half a day."""
    lines[BLOCK_SUM] += min(max(score, -SCORE_MOST), SCORE_MOST)
    lines[BLOCK_ROWS] += 1.0
    if lines[BLOCK_ROWS] >= BLOCK:
        blocks = lines[BLOCKS]
        extra = max((lines[EXTRA] * blocks + EXTRA_PRIOR * PRIOR_BLOCKS) / (blocks + PRIOR_BLOCKS), 1.0)
        daily[_OF_BLOCKS, EXCESS] += min(lines[BLOCK_SUM] ** 2 / BLOCK, CUT * extra) / CUT_MEAN
        daily[_OF_BLOCKS, OF] += 1.0
        lines[BLOCK_SUM] = lines[BLOCK_ROWS] = 0.0


@njit(cache=True, nogil=True)
def _volume_score(state: Habits, made: Ready, q: int, k: float) -> tuple[float, float]:
    """The normal score of the half-hour's volume without the level of late, which would follow a slide (NaN: none),
    and what was expected so."""
    planned = not isnan(state.plan[q, 1])
    if not planned and (made.known[q] == 0 or made.doubt[q] > DOUBT_MOST):
        return np.nan, made.base[q, 2] / WHOLE
    mean = (state.plan[q, 1] if planned else made.base[q, 2]) / WHOLE
    below, above = volume_tails(k, mean, spread_at(state, made, q, HALF_HOUR))
    return normal_score(below, above), mean


@njit(cache=True, nogil=True)
def _share_score(
    state: Habits, made: Ready, q: int, test: int, found: NDArray[np.float64], sightings: float
) -> float:  # fmt: skip
    """The normal score of the half-hour's share or mean, NaN for none."""
    n, norm, total = found[BELOW[test]], made.norm[q, test, 1], found[ABOVE[test]]
    if isnan(norm) or n < _CALLS or made.behind[q, test] < _BEHIND or sightings < _SIGHTINGS:
        return np.nan
    if test < TALK:
        k, alike = min(total, n), alike_of(state.vary[q], test, HALF_HOUR, made.behind[q, test])
        above, more = share_above(k, n, norm, alike), share_above(k + 1.0, n, norm, alike)
        below = np.log10(max(1.0 - 10.0**more, 1e-300))
        return float(normal_score(below, above))
    scatter = scatter_of(state.vary[q], test, HALF_HOUR)
    if isnan(scatter):
        return np.nan
    weight = 1.0 / (1.0 / n + 1.0 / max(made.behind[q, test], 1.0))
    below, above = mean_tails(total / n, weight, norm, scatter)
    return float(normal_score(below, above))


@njit(cache=True, nogil=True)
def _late(late: NDArray[np.float64], was: float, norm: float, of: float, held: bool) -> None:
    """Remember what was and what the norm said, of late and since learning was last allowed."""
    late[DAY_WAS] = DAY_KEPT * late[DAY_WAS] + was
    late[DAY_NORM] = DAY_KEPT * late[DAY_NORM] + norm
    late[DAY_OF] = DAY_KEPT * late[DAY_OF] + of
    kept = SINCE_KEPT if held else 0.0
    late[SINCE_WAS] = kept * late[SINCE_WAS] + (was if held else 0.0)
    late[SINCE_NORM] = kept * late[SINCE_NORM] + (norm if held else 0.0)
    late[SINCE_OF] = kept * late[SINCE_OF] + (of if held else 0.0)


@njit(cache=True, nogil=True)
def _vary_volume(
    state: Habits, made: Ready, q: int, w: int, now_ms: int, k: float, daily: NDArray[np.float32]
) -> None:  # fmt: skip
    least, most = expected_volume(state, made, q, w, now_ms)
    mean = (least + most) / 2.0 * (WIDTHS[w] - 1) / WIDTHS[w]
    if not mean > 0.0:
        return
    variance = mean + spread_at(state, made, q, w) * mean * mean
    doubt = 0.0 if not isnan(state.plan[q, 1]) else made.doubt[q]  # is added again when it is judged
    daily[w, EXCESS] += min((k - mean) ** 2, _CUT_VOLUMES * variance) - mean - doubt * mean * mean
    daily[w, OF] += mean * mean


@njit(cache=True, nogil=True)
def _vary_share(
    state: Habits, made: Ready, q: int, test: int, w: int, now_ms: int, found: NDArray[np.float64],
    daily: NDArray[np.float32],
) -> None:  # fmt: skip
    """Learn how much a share or mean varies beyond chance from one window."""
    n, norm, total = found[BELOW[test]], expected_share(made, q, test, w, now_ms), found[ABOVE[test]]
    if isnan(norm) or norm <= 0.0 or n < 1.0:
        return
    if test < TALK:
        if n < 2.0:
            return
        scaled = (total - n * norm) ** 2 / (n * norm * (1.0 - norm))
        most = _CUT_SHARES * (1.0 + (n - 1.0) * alike_of(state.vary[q], test, w, made.behind[q, test]))
        doubt = 1.0 / (1.0 + made.behind[q, test])  # is added again when it is judged
        daily[w, EXCESS] += min(scaled, most) - 1.0 - (n - 1.0) * doubt
        daily[w, OF] += n - 1.0
    else:
        scaled = n * (total / n / norm - 1.0) ** 2
        known = scatter_of(state.vary[q], test, w)
        daily[w, EXCESS] += min(scaled, _CUT_TIMES * (SCATTER_UNKNOWN if isnan(known) else known))
        daily[w, OF] += 1.0


@njit(cache=True, nogil=True)
def _is_odd(whole: NDArray[np.int64], day: int) -> bool:
    return bool((whole[MARK : MARK + MARKS] == day).any())


@njit(cache=True, nogil=True)
def _write(state: Habits, q: int, which: int, slot: int, found: NDArray[np.float64]) -> None:
    """A line of the diary."""
    whole = state.whole[q]
    at = whole[ROWS + which]
    if at >= DIARY:
        return
    line = state.diary[q, which, at]
    line[0] = slot + 1
    for n in range(SUMS):
        line[n + 1] = np.uint16(min(max(found[n], 0.0), _CELL))
    _as_means(line, found)
    whole[ROWS + which] = at + 1


@njit(cache=True, nogil=True)
def _as_means(line: NDArray[np.uint16], found: NDArray[np.float64]) -> None:
    """Times stand in the diary as means, in tenths of a second: sums would be too large."""
    for test in range(TALK, TESTS):
        n = found[BELOW[test]]
        mean = found[ABOVE[test]] / n if n > 0.0 else 0.0
        line[ABOVE[test] + 1] = np.uint16(min(max(np.rint(mean), 0.0), _CELL))


@njit(cache=True, nogil=True)
def over(
    state: Habits, made: Ready, q: int, now_ms: int, figures: NDArray[np.float64], columns: NDArray[np.int64],
    slide_limit: float,
) -> None:  # fmt: skip
    """The half-hour before *now_ms* is over, seen on time, and was whole. *figures* is the queue's row of them."""
    found, whole = np.zeros(SUMS), state.whole[q]
    slot, day = int(whole[SLOT + 2]), int(whole[TODAY])
    like = like_of_slot(slot)
    held = whole[HELD] != 0
    learns = not held and not _is_odd(whole, day)
    which = day % 2
    read_window(figures, columns[HALF_HOUR], found)
    score, mean = _volume_score(state, made, q, found[OFFERED])
    scores = np.full(TESTS, np.nan)
    scores[VOLUME] = score
    if made.known[q] != 0:
        _late(state.late[q, VOLUME], found[OFFERED], mean, 0.0, held)
    for test in range(1, TESTS):
        norm = made.norm[q, test, 1]
        if not isnan(norm):
            n = found[BELOW[test]]
            _late(state.late[q, test], found[ABOVE[test]], norm * n, n, held)
            scores[test] = _share_score(state, made, q, test, found, float(state.like[q, like, SEEN]))
    for test in range(TESTS):
        if not isnan(scores[test]):
            _step(state.lines[q, test], scores[test], slide_limit)
    if learns:
        _recent(state, made, q, found[OFFERED])
        _learn_variation(state, made, q, now_ms, figures, columns, scores, state.daily[q, which])
        _write(state, q, which, slot, found)


@njit(cache=True, nogil=True)
def _recent(state: Habits, made: Ready, q: int, k: float) -> None:
    """The level of late, by a credible count."""
    if made.known[q] == 0:
        return
    mean = made.base[q, 2] / WHOLE
    now = mean * made.level[q]
    away = reach(now, spread_at(state, made, q, HALF_HOUR), CREDIBLE) + 1.0
    late = state.late[q, RECENT]
    late[DAY_WAS] = RECENT_KEPT * late[DAY_WAS] + min(max(k, now - away), now + away)
    late[DAY_NORM] = RECENT_KEPT * late[DAY_NORM] + mean


@njit(cache=True, nogil=True)
def _learn_variation(
    state: Habits, made: Ready, q: int, now_ms: int, figures: NDArray[np.float64], columns: NDArray[np.int64],
    scores: NDArray[np.float64], daily: NDArray[np.float32],
) -> None:  # fmt: skip
    """Learn from the windows that end with a half-hour how much windows of their length vary."""
    found = np.zeros(SUMS)
    # the bucket that has just begun holds nothing yet: the windows end with the half-hour, which *made* is for
    now_ms = now_ms // HALF_MS * HALF_MS - 1
    for w in range(ROLLING):
        read_window(figures, columns[w], found)
        if made.known[q] != 0 or not isnan(state.plan[q, 1]):
            _vary_volume(state, made, q, w, now_ms, found[OFFERED], daily[VOLUME])
        for test in range(1, TESTS):
            _vary_share(state, made, q, test, w, now_ms, found, daily[test])
    for test in range(TESTS):
        if not isnan(scores[test]):
            _block(state.lines[q, test], daily[test], scores[test])


@njit(cache=True, nogil=True)
def _learn_volume(week: NDArray[np.float32], slot: int, like: int, value: float) -> None:
    """As `WeekProfile.learn`, of a credible value."""
    for place, most in ((ALL, WEEKS * LIKE), (LIKE + like, WEEKS * 5.0), (slot, WEEKS)):
        seen = min(float(week[place, SEEN]) + 1.0, most)
        week[place, MEAN] = float(week[place, MEAN]) + (value - float(week[place, MEAN])) / seen
        week[place, SEEN] = seen


@njit(cache=True, nogil=True)
def _learn_sums(like_of: NDArray[np.float32], like: int, sums: NDArray[np.float64]) -> None:
    """Take the *sums* of a half-hour in; those before fade."""
    for place, most in ((LIKES, WEEKS * LIKE), (like, WEEKS * 5.0)):
        kept = 1.0 - 1.0 / most
        like_of[place, SEEN] = float(like_of[place, SEEN]) * kept + 1.0
        for n in range(1, SUMS):
            like_of[place, n] = float(like_of[place, n]) * kept + sums[n]


@njit(cache=True, nogil=True)
def _credible(state: Habits, q: int, slot: int, like: int, sums: NDArray[np.float64]) -> None:
    """Cut the *sums* of a half-hour to what is credible by the norm; what was hardly seen yet is not held to that of
    other half-hours."""
    week, vary = state.week[q], state.vary[q]
    if state.like[q, like, SEEN] < NEW:
        return
    if week[slot, SEEN] > 0.0:
        mean = volume_norm(week, slot, like)
        away = reach(mean, spread_of(vary, HALF_HOUR) + volume_doubt(week, slot, like), CREDIBLE) + 1.0
        sums[OFFERED] = min(max(sums[OFFERED], mean - away), mean + away)
    for test in range(1, TESTS):
        norm, behind = share_norm(state.like[q], like, test)
        n = sums[BELOW[test]]
        if isnan(norm) or n < 1.0:
            continue
        if test < TALK:
            alike = alike_of(vary, test, HALF_HOUR, behind)
            away = CREDIBLE * sqrt(n * norm * (1.0 - norm) * (1.0 + (n - 1.0) * alike)) + 1.0
        else:
            scatter = scatter_of(vary, test, HALF_HOUR)
            away = CREDIBLE * norm * sqrt((SCATTER_UNKNOWN if isnan(scatter) else scatter) * n)
        sums[ABOVE[test]] = min(max(sums[ABOVE[test]], n * norm - away), n * norm + away)


@njit(cache=True, nogil=True)
def take_in(state: Habits, q: int, which: int) -> None:
    """Take a day of the diary into the norm, and clear it."""
    whole, sums = state.whole[q], np.zeros(SUMS)
    for at in range(whole[ROWS + which]):
        line = state.diary[q, which, at]
        slot = int(line[0]) - 1
        for n in range(SUMS):
            sums[n] = line[n + 1]
        sums[OFFERED] *= WHOLE
        for test in range(TALK, TESTS):
            sums[ABOVE[test]] *= sums[BELOW[test]]
        like = like_of_slot(slot)
        _credible(state, q, slot, like, sums)
        _learn_volume(state.week[q], slot, like, sums[OFFERED])
        _learn_sums(state.like[q], like, sums)
    kept = KEPT ** whole[ROWS + which]
    for test in range(TESTS):
        daily = state.daily[q, which, test]
        for w in range(ROLLING):
            for n in range(2):
                state.vary[q, test, w, n] = state.vary[q, test, w, n] * kept + daily[w, n]
        lines, blocks = state.lines[q, test], float(daily[_OF_BLOCKS, OF])
        if blocks > 0.0:
            lines[BLOCKS] = min(lines[BLOCKS] + blocks, BLOCKS_KEPT)
            found = float(daily[_OF_BLOCKS, EXCESS]) / blocks
            lines[EXTRA] += (found - lines[EXTRA]) * min(blocks / lines[BLOCKS], 1.0)
    forget(state, q, which)


@njit(cache=True, nogil=True)
def forget(state: Habits, q: int, which: int) -> None:
    """Clear a day of the diary: it teaches nothing."""
    state.whole[q, which] = 0
    state.whole[q, ROWS + which] = 0
    state.diary[q, which, :, :] = 0
    state.daily[q, which, :, :, :] = 0


@njit(cache=True, nogil=True)
def begin_day(state: Habits, q: int, day: int) -> None:
    """The local *day* has begun: those that ended before yesterday are taken into the norm, the older one first."""
    whole = state.whole[q]
    if whole[TODAY] >= day:
        return  # the same, or the clock of a zone that was set anew
    older = 0 if whole[0] <= whole[1] else 1
    for which in (older, 1 - older):
        if 0 < whole[which] < day - 1:
            take_in(state, q, which)
    whole[TODAY] = day
    whole[day % 2] = day


assert (CLEAN, UP, DOWN, CALLS_DOWN) == (8, 0, 1, 3)
assert int(WIDTHS[HALF_HOUR]) * BUCKET_MS == HALF_MS


@njit(cache=True, nogil=True)
def turn(
    state: Habits, made: Ready, q: int, now_ms: int, day: int, slots: NDArray[np.int64],
    figures: NDArray[np.float64], columns: NDArray[np.int64], slide_limit: float,
) -> None:  # fmt: skip
    """Another half-hour has begun for row *q* by *now_ms*, of local *day*: ``slots[2]``, two before, one after."""
    whole, half, on_time = state.whole[q], now_ms // HALF_MS, now_ms % HALF_MS < BUCKET_MS
    if on_time and whole[CLEAN] != 0 and whole[HALF] == half - 1:
        over(state, made, q, now_ms, figures[made.row[q]], columns, slide_limit)
    begin_day(state, q, day)
    whole[HALF] = half
    whole[SLOT : SLOT + 4] = slots
    whole[CLEAN], whole[HELD] = (1 if on_time else 0), 0
    prepare(state, made, q)
    made.dirty[q] = 1


@njit(cache=True, nogil=True)
def expect_since(state: Habits, made: Ready, q: int, now_ms: int) -> None:
    """Add up what is expected since a verification of row *q* began, in opening hours."""
    since, opened = state.since[q], state.whole[q, OPEN_SINCE]
    if isnan(since[BEGAN]):
        return
    first = now_ms // HALF_MS * HALF_MS - HALF_MS  # what is longer ago is known of no more
    begin = max(int(since[UPTO]), opened, first)
    if opened >= 0 and begin < now_ms:
        least, most = calls_between(made.base[q], made.level[q], state.plan[q], now_ms // HALF_MS, begin, now_ms)
        since[LEAST] += least
        since[MOST] += most
    since[UPTO] = now_ms
    made.dirty[q] = 1
