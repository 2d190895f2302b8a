"""One row of a series: five tests of it against what its past leads to expect, then the row is learned.

point   the row is far from its forecast, by the errors of now, of late and of this hour of the season
extreme the row lies where the series seldom was
shift   the last rows lie on one side of their season
shape   the last window is like none before
spread  errors of the last rows are larger, or smaller, than they used to be
"""

from __future__ import annotations

from math import exp, log
from typing import Final

import numpy as np
from numba import njit

from alerts.detect import forecast, pace, shape
from alerts.detect.memory import (
    AT,
    DRIFT,
    DRIFT_DEV,
    DRIFT_SLOW,
    ERR_FAST,
    ERR_SLOW,
    EXTREME,
    FAST,
    GAPS,
    KEPT,
    LAST_OUT,
    LEVELS,
    LONG,
    LONG_DEV,
    NEAREST,
    ORIGIN,
    OWN_LIMIT,
    PEAK,
    PERIOD_1,
    PERIOD_2,
    POINT,
    ROOM,
    SEEN,
    SHAPE,
    SHIFT,
    SINCE_PEAK,
    SLOW,
    SPREAD,
    STEP,
    TESTS,
    WINDOW,
    Floats,
    Ints,
    Memory,
)  # fmt: skip
from alerts.detect.tail import FORGET, bin_of, limit_of, rarity, refresh

#: Columns of what a row gives.
EXPECTED, LOWER, UPPER, RARE, LIMIT = range(5)
OUT: Final = 5 + TESTS

#: Rows that levels and scales remember.
FAST_ROWS, SLOW_ROWS, LONG_ROWS, ERR_ROWS, ERR_SLOW_ROWS, DRIFT_ROWS = 8.0, 64.0, 2048.0, 24.0, 1024.0, 24.0
#: Of the scale: errors of long, of late, of this place in the season.
_OF_SLOW, _OF_FAST, _OF_SEASON = 0.4, 0.3, 0.3
#: Tests after which a rarity counts half: few rows cannot vouch for much.
PROOF_ROWS: Final = 150.0
#: Statistics below this are all the same: where nothing ever differs, a first small difference is not the rarest.
LEAST: Final = 0.05
#: Rows before anything is judged.
UNJUDGED: Final = 8
#: The scale is no smaller than this share of how far the series strays from its level.
FLOOR: Final = 0.002
#: Rows between fits of the forecast and of the tails once there are many; before, every eighth.
SOLVE_ROWS, REFRESH_ROWS = 16, 64
#: From this rarity (one in a thousand) a row is an outlier: the forecast follows it only if the next stands by it.
OUTLIER: Final = 3.0
#: From this rarity a row of a test is rare, and what further rows of the same trouble teach.
RARE_FROM, REPEATED = 2.0, 0.05
#: Alarms that a series may give before its limit is raised: some, and one in so many rows.
ALARMS_FREE, ALARM_ROWS = 3.0, 500.0
#: Rows until a test that goes on calling is told to be quiet, at least.
TIRING_ROWS: Final = 96.0
#: How strongly several tests together count: the power of the mean by which they are joined.
JOIN: Final = 3.0
#: What is extreme is mostly a point or a shift as well; shape sees what no other test does.
OF_EXTREME, OF_SHAPE = 0.7, 1.1


@njit(cache=True, nogil=True)
def _make_room(memory: Memory) -> None:
    at = memory.whole[AT]
    if at < ROOM:
        return
    for buffer in (memory.raw, memory.clean, memory.error, memory.mean, memory.variance):
        buffer[:KEPT] = buffer[at - KEPT : at]
    memory.whole[AT] = KEPT
    memory.whole[NEAREST] = max(memory.whole[NEAREST] - (at - KEPT), -1)


@njit(cache=True, nogil=True)
def _push(memory: Memory, raw: float, clean: float, error: float) -> None:
    at = memory.whole[AT]
    memory.raw[at], memory.clean[at], memory.error[at] = raw, clean, error
    memory.whole[AT] = at + 1


@njit(cache=True, nogil=True)
def _floor(memory: Memory) -> float:
    real = memory.real
    return float(max(FLOOR * real[LONG_DEV], 1e-12 * (abs(real[ORIGIN]) + abs(real[LONG])), 1e-300))


@njit(cache=True, nogil=True)
def _scale(memory: Memory) -> float:
    """How far the coming row may well be from its forecast: a mean absolute error."""
    real, at = memory.real, memory.whole[AT]
    period = real[PERIOD_2] if real[PERIOD_2] > 0.0 else real[PERIOD_1]
    here, n = real[ERR_SLOW], 0
    if period >= 2.0:
        # the median of three seasons: what is always wrong there is no news, what was wrong there once is
        found = np.zeros(3)
        for k in range(1, 4):
            middle = at - int(k * period + 0.5)
            if middle < 1:
                break
            for i in range(middle - 1, min(middle + 2, at)):
                found[n] += memory.error[i] / 3.0
            n += 1
        if n:
            here = forecast.median_of(found, n) if n == 3 else found[:n].min()
    scale = _OF_SLOW * real[ERR_SLOW] + _OF_FAST * real[ERR_FAST] + _OF_SEASON * here
    return float(max(scale * (1.0 + 6.0 / (1.0 + memory.whole[SEEN])), _floor(memory)))


@njit(cache=True, nogil=True)
def _base(memory: Memory) -> float:
    """The level of the coming row by season alone, the long level without one."""
    for place in (PERIOD_2, PERIOD_1):
        level = forecast.season(memory, memory.real[place], False)
        if not np.isnan(level):
            return float(level)
    return float(memory.real[LONG])


@njit(cache=True, nogil=True)
def _rate(rows: float, seen: int) -> float:
    return max(1.0 / rows, 1.0 / (seen + 1.0))


@njit(cache=True, nogil=True)
def _follow(memory: Memory, value: float, clean: float, error: float, scale: float) -> None:
    """Levels and scales take in a row."""
    real, seen = memory.real, memory.whole[SEEN]
    real[FAST] += (clean - real[FAST]) * _rate(FAST_ROWS, seen)
    real[SLOW] += (clean - real[SLOW]) * _rate(SLOW_ROWS, seen)
    away = value - real[LONG]
    most = 3.0 * real[LONG_DEV] if seen > 16 and real[LONG_DEV] > 0.0 else abs(away)
    real[LONG] += min(max(away, -most), most) * _rate(LONG_ROWS, seen)
    most *= 1.5
    real[LONG_DEV] += (min(abs(away), most) - real[LONG_DEV]) * _rate(LONG_ROWS, seen)
    cut = 5.0 * scale if seen > 8 else error
    real[ERR_FAST] += (min(error, cut) - real[ERR_FAST]) * _rate(ERR_ROWS, seen)
    real[ERR_SLOW] += (min(error, cut) - real[ERR_SLOW]) * _rate(ERR_SLOW_ROWS, seen)


@njit(cache=True, nogil=True)
def _drift(memory: Memory, value: float, base: float) -> float:
    """The mean distance of the last rows from their season, cut so that one row is no slide."""
    real, seen = memory.real, memory.whole[SEEN]
    away = value - base
    most = 4.0 * real[DRIFT_DEV] if seen > 16 and real[DRIFT_DEV] > 0.0 else abs(away)
    cut = min(max(away, -most), most)
    real[DRIFT] += (cut - real[DRIFT]) * _rate(DRIFT_ROWS, seen)
    real[DRIFT_SLOW] += (cut - real[DRIFT_SLOW]) * _rate(4.0 * DRIFT_ROWS, seen)
    real[DRIFT_DEV] += (abs(cut) - real[DRIFT_DEV]) * _rate(ERR_SLOW_ROWS, seen)
    # a mean of four times as many rows strays half as far
    return float(max(abs(real[DRIFT]), 2.0 * abs(real[DRIFT_SLOW])) / max(real[DRIFT_DEV], _floor(memory)))


@njit(cache=True, nogil=True)
def _is_new(memory: Memory, place: int, calls: bool) -> bool:
    """Whether a call, if it is one, is the first for half a window's length. Counts the rows since the last."""
    memory.quiet[place] += 1.0
    if not calls:
        return True
    new = memory.quiet[place] > 0.5 * memory.whole[WINDOW]
    memory.quiet[place] = 0.0
    return bool(new)


@njit(cache=True, nogil=True)
def _test(memory: Memory, test: int, statistic: float) -> float:
    """The rarity of a statistic in its own past; then it is part of that past."""
    if memory.whole[SEEN] < UNJUDGED:
        return 0.0
    size = log(max(statistic, LEAST))
    times = memory.tested[test]
    memory.tested[test] += 1.0
    if times < 1.0:
        memory.usual[test] = size
    z = exp(min(size - memory.usual[test], 8.0))
    rare = rarity(z, memory.beyond[test], memory.tail[test], memory.real[PERIOD_1])
    # what is rare is learned once each time it comes, however long it stays: a bad day is not normal the day after
    memory.bins[test, bin_of(z)] += 1.0 if _is_new(memory, test, rare >= RARE_FROM) else REPEATED
    memory.usual[test] += min(max(size - memory.usual[test], -3.0), 3.0) * max(1.0 / LONG_ROWS, 1.0 / (times + 1.0))
    # who has been calling for long is told to be quiet
    rare *= times / (times + PROOF_ROWS)
    rows = max(TIRING_ROWS, float(memory.whole[WINDOW]))
    memory.tired[test] += (min(rare / OUTLIER, 1.0) - memory.tired[test]) / rows
    return float(rare * (1.0 - 0.9 * max(2.0 * memory.tired[test] - 1.0, 0.0)))


@njit(cache=True, nogil=True)
def _joined(rares: Floats) -> float:
    """One rarity of all tests: their power mean, less what TESTS chances are worth."""
    total = 0.0
    for test in range(TESTS):
        weight = OF_EXTREME if test == EXTREME else OF_SHAPE if test == SHAPE else 1.0
        total += (weight * max(rares[test], 0.0)) ** JOIN
    return float(max(total ** (1.0 / JOIN) - log(TESTS) / log(10.0), 0.0))


@njit(cache=True, nogil=True)
def _fading(memory: Memory, rare: float) -> float:
    """The rarity of a shape, less from its peak on: that the window still holds what was odd is no news."""
    real = memory.real
    real[SINCE_PEAK] += 1.0
    if rare >= real[PEAK] or real[SINCE_PEAK] > 4.0 * memory.whole[WINDOW]:
        real[PEAK], real[SINCE_PEAK] = rare, 0.0
    return float(rare * exp(-real[SINCE_PEAK] / memory.whole[WINDOW]))


@njit(cache=True, nogil=True)
def _limited(memory: Memory, rare: float, limit: float) -> float:
    """*rare* as it counts for this series: less where alarms have come too often to be believed."""
    real = memory.real
    if _is_new(memory, TESTS, rare >= limit):
        memory.alarms[min(int(rare / STEP), LEVELS - 1)] += 1.0 if rare >= limit else 0.0
    return float(rare * min(limit / max(real[OWN_LIMIT], 1e-9), 1.0))


@njit(cache=True, nogil=True)
def _own_limit(memory: Memory) -> None:
    """The rarity beyond which no more alarms lie than a series may give."""
    left = ALARMS_FREE + memory.tested[POINT] / ALARM_ROWS
    memory.real[OWN_LIMIT] = 0.0
    for level in range(LEVELS - 1, -1, -1):
        left -= memory.alarms[level]
        if left < 0.0:
            memory.real[OWN_LIMIT] = STEP * (level + 1)
            return


@njit(cache=True, nogil=True)
def _first(memory: Memory, value: float, out: Floats) -> None:
    """The first value is the origin of all others."""
    memory.real[ORIGIN] = value
    _push(memory, 0.0, 0.0, 0.0)
    memory.whole[SEEN] = 1
    out[:] = 0.0
    out[:RARE] = np.nan


@njit(cache=True, nogil=True)
def _missing(memory: Memory) -> None:
    """A row that did not come: what was expected stands in for it, and teaches nothing."""
    _make_room(memory)
    forecast.prepare(memory)
    value = forecast.expected(memory)
    _push(memory, value, value, memory.real[ERR_SLOW])
    memory.real[GAPS] += (1.0 - memory.real[GAPS]) / memory.whole[WINDOW]
    shape.nearest(memory)


@njit(cache=True, nogil=True)
def _cleaned(memory: Memory, value: float, middle: float, rare: float) -> float:
    """What the forecast shall go on from: *value*, or what was expected when that is a lone outlier."""
    at = memory.whole[AT]
    if rare < OUTLIER or memory.whole[SEEN] < 16:
        memory.whole[LAST_OUT] = 0
        return value
    if memory.whole[LAST_OUT]:
        before = memory.raw[at - 1]
        if abs(value - before) <= abs(value - middle):  # the next row stands by it: so it is there now
            memory.clean[at - 1] = before
            memory.real[FAST] = 0.5 * (before + value)
            memory.whole[LAST_OUT] = 0
            return value
    memory.whole[LAST_OUT] = 1
    return middle


@njit(cache=True, nogil=True)
def judge_row(memory: Memory, given: float, limit: float, out: Floats) -> None:
    """One row with its value: fill *out*, then learn it. *limit* is the rarity of the band's edges."""
    real, whole = memory.real, memory.whole
    if whole[SEEN] == 0:
        _first(memory, given, out)
        return
    _make_room(memory)
    value = given - real[ORIGIN]
    forecast.prepare(memory)
    middle, base, scale = forecast.expected(memory), _base(memory), _scale(memory)
    reach = scale * exp(memory.usual[POINT]) * limit_of(limit, memory.tail[POINT])
    out[EXPECTED] = real[ORIGIN] + middle
    out[LOWER], out[UPPER] = out[EXPECTED] - reach, out[EXPECTED] + reach
    error = abs(value - middle)
    rares = out[LIMIT + 1 :]
    rares[:] = 0.0
    rares[POINT] = _test(memory, POINT, error / scale)
    rares[EXTREME] = _test(memory, EXTREME, abs(value - real[LONG]) / max(real[LONG_DEV], _floor(memory)))
    rares[SHIFT] = _test(memory, SHIFT, _drift(memory, value, base))
    clean = _cleaned(memory, value, middle, rares[POINT])
    forecast.learn(memory, clean, min(1.0, 2.5 * scale / max(error, 1e-300)), whole[SEEN])
    _follow(memory, value, clean, error, scale)
    _push(memory, value, clean, error)
    real[GAPS] -= real[GAPS] / whole[WINDOW]
    distance, floor = shape.nearest(memory), _floor(memory)
    if distance >= 0.0 and real[GAPS] < 0.25:
        # in parts of the series' own spread, of which a hundredth is worth LEAST
        rares[SHAPE] = _test(memory, SHAPE, 5.0 * distance / max(real[LONG_DEV], floor))
        if rares[SHAPE] >= OUTLIER and memory.tired[SHAPE] < 0.5:
            shape.forget_last(memory)
        rares[SHAPE] = _fading(memory, rares[SHAPE])
    if whole[SEEN] > 2 * ERR_ROWS:
        ratio = (real[ERR_FAST] + floor) / (real[ERR_SLOW] + floor)
        rares[SPREAD] = _test(memory, SPREAD, max(ratio, 1.0 / ratio) ** 2)
    out[LIMIT] = limit
    out[RARE] = _limited(memory, _joined(rares), limit)
    whole[SEEN] += 1
    _refit(memory)


@njit(cache=True, nogil=True)
def _refit(memory: Memory) -> None:
    """Forecast and tails anew, now and then."""
    seen = memory.whole[SEEN]
    if seen % (SOLVE_ROWS if seen > 512 else 4) == 0:
        forecast.solve(memory, seen)
    many = seen > 512
    if seen % (REFRESH_ROWS if many else 8) == 0:
        _own_limit(memory)
        for test in range(TESTS):
            refresh(memory.bins[test], memory.beyond[test], memory.tail[test], FORGET if many else 1.0)


@njit(cache=True, nogil=True)
def run(memory: Memory, times: Ints, values: Floats, alarms_per_week: float, stop: int, out: Floats) -> int:
    """Judge *values* at *times* (ms), until *stop* values were seen in all. Returns how many rows were done.

    A value that is not finite is a missing row.
    """
    for i in range(values.size):
        if memory.whole[SEEN] >= stop:
            return i
        gap = pace.gap(memory, times[i])
        if memory.whole[SEEN] > 0:
            for _ in range(gap):
                _missing(memory)
        if np.isfinite(values[i]):
            judge_row(memory, values[i], pace.limit_of(memory, alarms_per_week), out[i])
        else:
            out[i, :] = 0.0
            out[i, :RARE] = np.nan
            if memory.whole[SEEN] > 0:
                _missing(memory)
    return int(values.size)
