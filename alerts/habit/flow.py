"""The flow of calls, clock by clock: do they come otherwise than usual since some moment, whichever it was?

A CUSUM of the likelihood ratio (Page 1954), which finds a change soonest at a given price in false alarms (Lorden 1971,
Moustakides 1986): of calls that nearly stop, are half as many, half as many again, two and a half times as many; and of
conversations that take 1.6 times as long. What is known of the norm and of the day is uncertain, so counts are negative
binomial since the moment at which the change would have begun. Windows of fixed length see the same later, because
their beginning lies elsewhere.
"""

from __future__ import annotations

from math import isnan, log, log1p
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alerts.habit.judge import HELD_BACK, bursts
from alerts.habit.norm import calls_between, scatter_of
from alerts.habit.state import (
    CAME,
    COUNT,
    COUNT_TALK,
    COUNT_TALKS,
    DOWNS,
    FIRST,
    HALF_HOUR,
    HALF_MS,
    MEANT,
    OPEN_SINCE,
    TALK,
    TALKED,
    TALKS,
    TIMES,
    WHOLE_SINCE,
    Habits,
    Ready,
)

#: False alarms for each call expected, times the e-th power of the limit, of each of TIMES: simulated for a Poisson
#: process in steps of 5 s at 30 calls an hour, overshoot included. They hold for limits from 4 on.
RATES = np.array([0.84, 0.17, 0.09, 0.45])
#: The same for each conversation: of lognormal times (spread 0.8 of the logarithm) cut at TALK_MOST.
TALK_RATE: Final = 0.01
#: How many times as long conversations are taken to be, and for how many usual ones a single one counts at most.
LONGER, TALK_MOST = 1.6, 4.0
#: A limit is no lower than this.
LEAST_LIMIT: Final = 4.0
#: Beyond so many limits nothing more is summed up: what is over is over soon.
MOST: Final = 1.2
#: Columns of figures that are read: calls and conversations of the day so far, and of the last five minutes.
CALLS_DAY, CALLS_LATE, TALKS_DAY, TALKS_LATE, TALK_DAY = range(5)


@njit(cache=True, nogil=True)
def ratio(came: float, meant: float, times: float, spread: float) -> float:
    """Log of how much likelier *came* calls are where *times* as many as *meant* come than where those do; *spread* is
    the squared relative variation beyond chance."""
    if spread * meant < 1e-6:
        return float(came * log(times) + (1.0 - times) * meant)
    return float(came * log(times) + (came + 1.0 / spread) * (log1p(spread * meant) - log1p(spread * times * meant)))


@njit(cache=True, nogil=True)
def limit_of(rate: float, calls_a_week: float, alarms: float) -> float:
    """From where on a ratio is an alarm: it costs *alarms* a week where so many calls come."""
    return max(log(max(rate * calls_a_week / alarms, 1.0)), LEAST_LIMIT)


@njit(cache=True, nogil=True)
def expected(state: Habits, made: Ready, q: int, before_ms: int, now_ms: int) -> tuple[float, float]:
    """Calls expected since the clock at *before_ms*, least and most; -1 where that cannot be said."""
    half, whole = now_ms // HALF_MS, state.whole[q]
    if whole[OPEN_SINCE] < 0 or whole[WHOLE_SINCE] < 0 or before_ms < whole[WHOLE_SINCE]:
        return -1.0, -1.0
    if made.known[q] == 0 and isnan(state.plan[q, 1]):
        return -1.0, -1.0
    begin = min(max(before_ms, whole[OPEN_SINCE]), now_ms)
    if begin < half * HALF_MS and made.known_before[q] == 0 and isnan(state.plan[q, 0]):
        return -1.0, -1.0
    least, most = calls_between(made.base[q], made.level[q], state.plan[q], half, begin, now_ms)
    return least, most


@njit(cache=True, nogil=True)
def _calls(
    flow: NDArray[np.float64], n: int, came: float, meant: float, spread: float, limit: float,
    guard: NDArray[np.float64],
) -> float:  # fmt: skip
    """Move hypothesis *n* on by a clock; how near it is to its limit."""
    at, times = FIRST + 2 * n, TIMES[n]
    came, meant = flow[at + CAME] + came, flow[at + MEANT] + meant
    found = ratio(came, meant, times, spread)
    if found <= 0.0:
        flow[at + CAME] = flow[at + MEANT] = 0.0
        return 0.0
    if n >= DOWNS:
        limit *= 1.0 + bursts(meant)
    for _ in range(4):  # it is nearly in proportion to what was summed up
        if found <= MOST * limit:
            break
        came, meant = came * MOST * limit / found, meant * MOST * limit / found
        found = ratio(came, meant, times, spread)
    flow[at + CAME], flow[at + MEANT] = came, meant
    away = abs(came - meant)
    matters = away >= guard[1] and away >= guard[2] * meant
    return float(found / limit if matters else min(found / limit, HELD_BACK))


@njit(cache=True, nogil=True)
def _talk(
    flow: NDArray[np.float64], talks: float, talked: float, scatter: float, behind: float, limit: float,
    guard: NDArray[np.float64], norm: float,
) -> float:  # fmt: skip
    """Take *talks* conversations in that took *talked* times the usual together; how near they are to their limit.

    Gamma, of which the norm is a mean of *behind* values itself.
    """
    talks, talked = flow[TALKS] + talks, flow[TALKED] + talked
    weight = 1.0 / (scatter * (1.0 + talks / max(behind, 1.0)))
    found = weight * (talked * (1.0 - 1.0 / LONGER) - talks * log(LONGER))
    if found <= 0.0:
        flow[TALKS] = flow[TALKED] = 0.0
        return 0.0
    if found > MOST * limit:
        talks, talked, found = talks * MOST * limit / found, talked * MOST * limit / found, MOST * limit
    flow[TALKS], flow[TALKED] = talks, talked
    away = talked / talks - 1.0
    matters = talks >= guard[0] and away * norm >= guard[1] and away >= guard[2]
    return float(found / limit if matters else min(found / limit, HELD_BACK))


@njit(cache=True, nogil=True)
def _since(now: float, before: float) -> float:
    """What was added to a sum of the day; another day begins at nothing."""
    return now - before if now >= before else now


@njit(cache=True, nogil=True)
def _talk_since(
    state: Habits, made: Ready, q: int, before: NDArray[np.float64], talks_late: float, alarms: float,
    guard: NDArray[np.float64],
) -> float:  # fmt: skip
    """Take the conversations since the last clock into the flow of row *q*; how near it is to its limit."""
    flow, norm = state.flow[q], made.norm[q, TALK, 1]
    scatter = scatter_of(state.vary[q], TALK, HALF_HOUR)
    if isnan(norm) or norm <= 0.0 or isnan(scatter) or isnan(before[COUNT_TALKS]) or isnan(before[COUNT_TALK]):
        flow[TALKS] = flow[TALKED] = 0.0
        return 0.0
    talks = _since(flow[COUNT_TALKS], before[COUNT_TALKS])
    talk = _since(flow[COUNT_TALK], before[COUNT_TALK])
    if talks > talks_late:  # those that are told hours later
        talk, talks = talk * talks_late / talks, talks_late
    limit = limit_of(TALK_RATE, made.weekly[q], alarms)
    talked = min(max(talk / norm, 0.0), TALK_MOST * talks)
    return float(_talk(flow, talks, talked, scatter, made.behind[q, TALK], limit, guard, norm))


@njit(cache=True, nogil=True)
def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return bool(((a == b) | (np.isnan(a) & np.isnan(b))).all())


@njit(cache=True, nogil=True)
def move(
    state: Habits, made: Ready, q: int, before_ms: int, now_ms: int, figures: NDArray[np.float64],
    columns: NDArray[np.int64], alarms: NDArray[np.float64], spread: float, guards: NDArray[np.float64],
) -> None:  # fmt: skip
    """Take what came since the clock at *before_ms* (below 0: it is too long ago) into the flow of row *q*."""
    flow, before = state.flow[q], state.flow[q].copy()
    flow[COUNT], flow[COUNT_TALKS] = figures[columns[CALLS_DAY]], figures[columns[TALKS_DAY]]
    mean = figures[columns[TALK_DAY]]
    flow[COUNT_TALK] = 0.0 if isnan(mean) else np.rint(mean * flow[COUNT_TALKS] / 100.0)
    made.flow[q, :] = 0.0
    least, most = expected(state, made, q, before_ms, now_ms) if before_ms >= 0 else (-1.0, -1.0)
    if least < 0.0 or isnan(before[COUNT]) or isnan(flow[COUNT]):
        flow[FIRST:] = 0.0
    else:
        came = min(_since(flow[COUNT], before[COUNT]), figures[columns[CALLS_LATE]])
        for n in range(len(TIMES)):
            side = 1 if n < DOWNS else 0
            limit = limit_of(RATES[n], made.weekly[q], alarms[n])
            found = _calls(flow, n, came, least if n < DOWNS else most, spread, limit, guards[0])
            made.flow[q, side] = max(made.flow[q, side], found)
        late = figures[columns[TALKS_LATE]]
        made.flow[q, 2] = _talk_since(state, made, q, before, late, alarms[len(TIMES)], guards[TALK])
    if not _same(before, flow):
        made.dirty[q] = 1
