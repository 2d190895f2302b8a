"""What people decide about a norm: that a new level is here to stay, that a day was odd."""

from __future__ import annotations

from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from alerts.habit.judge import expected_share, expected_volume
from alerts.habit.learn import forget
from alerts.habit.norm import scatter_of
from alerts.habit.state import (
    ABOVE,
    BELOW,
    CALLS_DOWN,
    CALLS_UP,
    DAY_NORM,
    DAY_OF,
    DAY_WAS,
    DOWN,
    HALF_HOUR,
    HELD,
    MARK,
    MARKS,
    MEAN,
    OFFERED,
    RECENT,
    SINCE_NORM,
    SINCE_OF,
    SINCE_WAS,
    TALK,
    TESTS,
    TODAY,
    UP,
    VOLUME,
    Habits,
    Ready,
)
from alerts.habit.subjects import SUBJECTS

#: Calls of a level: fewer say nothing. And what the norm's word is worth beside them, in calls.
_LEAST, _PRIOR = 20.0, 5.0
#: A norm that would move by less than this share of itself, or by less than so many deviations of chance, stays.
_STAYS, _DEVIATIONS = 0.05, 3.0


def adopt(
    state: Habits, made: Ready, q: int, found: NDArray[np.float64], now_ms: int
) -> dict[str, float]:  # fmt: skip
    """Move the norms of row *q* to the level of late, of which the sums *found* of the last half-hour are a part while
    learning is not allowed. Returns by what they were multiplied, by figure."""
    moved: dict[str, float] = {}
    was, norm, of = _level(state, made, q, VOLUME, found, now_ms)
    if norm >= _LEAST or was >= _LEAST:
        factor = (was + _PRIOR) / (norm + _PRIOR)
        if abs(factor - 1.0) >= _STAYS:
            state.week[q, :, MEAN] *= np.float32(factor)
            moved[SUBJECTS[VOLUME].of] = factor
    for test in range(1, TESTS):
        was, norm, of = _level(state, made, q, test, found, now_ms)
        if of < _LEAST or not norm > 0.0:
            continue
        share = norm / of
        factor = (was + _PRIOR * share) / (norm + _PRIOR * share)
        chance = _chance(state, q, test, share, of)
        if abs(was - norm) >= max(_STAYS * norm, _DEVIATIONS * chance):
            _move(state.like[q], test, share, factor)
            moved[SUBJECTS[test + 1].of] = factor
    for which in range(2):
        _forget(state, q, which)
    _calm(state, q)
    state.late[q] = 0.0
    return moved


def _chance(state: Habits, q: int, test: int, share: float, of: float) -> float:
    """A deviation of what *of* calls add up to by chance."""
    if test < TALK:
        return sqrt(of * share * (1.0 - share))
    scatter = float(scatter_of(state.vary[q], test, HALF_HOUR))
    return share * sqrt(of * (scatter if scatter > 1.0 else 1.0))


def _level(
    state: Habits, made: Ready, q: int, test: int, found: NDArray[np.float64], now_ms: int
) -> tuple[float, float, float]:
    """What was, what the norm says of it, and of how many."""
    late = state.late[q, test]
    if not state.whole[q, HELD]:
        return float(late[DAY_WAS]), float(late[DAY_NORM]), float(late[DAY_OF])
    if test == VOLUME:
        usual = float(sum(expected_volume(state, made, q, HALF_HOUR, now_ms)) / 2.0 / made.level[q])
        now, of = float(found[OFFERED]), 0.0
    else:
        now, of = float(found[ABOVE[test]]), float(found[BELOW[test]])
        usual = float(expected_share(made, q, test, HALF_HOUR, now_ms)) * of
    if not isfinite(usual):
        now, usual, of = 0.0, 0.0, 0.0
    return float(late[SINCE_WAS]) + now, float(late[SINCE_NORM]) + usual, float(late[SINCE_OF]) + of


def _move(like_of: NDArray[np.float32], test: int, share: float, factor: float) -> None:
    """Times are multiplied; shares moved by the same amount everywhere, since one of 0 stays 0 however multiplied."""
    above, below = ABOVE[test], BELOW[test]
    if test >= TALK:
        like_of[:, above] *= np.float32(factor)
        return
    by = np.float32(share * (factor - 1.0))
    like_of[:, above] = np.clip(like_of[:, above] + by * like_of[:, below], 0.0, like_of[:, below])


def mark_odd(state: Habits, q: int, day: int) -> bool:
    """The local *day* (ordinal) teaches nothing; False when it was learned already."""
    whole = state.whole[q]
    today = int(whole[TODAY])
    if day < today - 1:
        return False
    marks = whole[MARK : MARK + MARKS]
    if day not in marks:
        marks[:] = sorted([*marks[1:].tolist(), day]) if marks[0] else sorted([day, *marks[1:].tolist()])
    if day <= today:
        which = day % 2
        if whole[which] == day:
            _forget(state, q, which)
        _calm(state, q)
        state.late[q, RECENT] = 0.0
    return True


def _forget(state: Habits, q: int, which: int) -> None:
    day = int(state.whole[q, which])
    forget(state, q, which)
    if day == state.whole[q, TODAY]:
        state.whole[q, which] = day  # the rest of it is still written down


def _calm(state: Habits, q: int) -> None:
    """Sums of slides begin anew."""
    state.lines[q][:, [UP, DOWN, CALLS_UP, CALLS_DOWN]] = 0.0
