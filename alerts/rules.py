"""The judge: every rule against every queue that it names, at every clock, in one kernel.

Theory. A (rule, queue) pair is in one of three states::

    IDLE --breach--> PENDING --held for hold_ms--> ACTIVE --good for recover_hold_ms--> IDLE
                     PENDING --anything else--> IDLE

- *breach*: the value is beyond the limit in the rule's direction, with at least ``min_sample`` calls behind it.
- *good*: the value is on the other side of the limit by at least ``recovery`` (the band between is neither).
- *unknown* (the value is undefined, or too few calls stand behind it) neither starts nor ends anything: a pending
  breach is forgotten, an active episode goes on and its way back begins anew.
- A figure of now (waiting, silence) needs no sample to be true. With a ``min_sample`` it can *start* only after that
  many arrivals in the last 30 minutes (a queue with three calls a day is not silent), and goes on and ends without.
- *empty*: no call at all stands behind a windowed figure. An active episode that is empty for ``recover_hold_ms`` ends
  as NO_CALLS, since nothing is left that could be in breach.
- *closed*: a queue outside its hours is not judged. A pending breach is forgotten, an active episode ends as CLOSED;
  while callers still wait it is frozen instead, and its way back begins anew.
- *quiet*: after a passed verification old calls may still be in the window. Until ``quiet_until_ms`` (one window after
  the resolve), or until the figure has once been out of breach, the pair cannot start again.
- *update*: an active figure that is worse than the last one told by more than a fifth of the limit, at most once in
  ``UPDATE_GAP_MS``.

All times are stream time in milliseconds. The kernel writes which pairs changed and how; Python speaks of those only.
A pair that changed without taking a step (a timer began or was dropped) is reported as step 0: its snapshot changed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

IDLE: Final = 0
PENDING: Final = 1
ACTIVE: Final = 2

UPDATE_GAP_MS: Final = 60_000
WORSE_SHARE: Final = 0.2

#: What the way back of an active episode rests on.
_NO_WAY_BACK: Final = 0
_GOOD: Final = 1
_EMPTY: Final = 2


class Step(IntEnum):
    """What happened to an episode. The last three are its ends."""

    NONE = 0
    START = 1
    UPDATE = 2
    RECOVERED = 3
    NO_CALLS = 4
    CLOSED = 5


@dataclass(slots=True)
class Limits:
    """The rules as columns, one row per rule. Values in the unit of the figure, times in milliseconds."""

    column: NDArray[np.int32]
    sample_column: NDArray[np.int32]  #: -1 = the figure needs no sample
    start_only: NDArray[np.int8]  #: 1 = the sample is needed to start only
    limit: NDArray[np.float64]
    target: NDArray[np.float64]
    sign: NDArray[np.float64]  #: +1 a value above the limit is the breach, -1 one below
    recovery: NDArray[np.float64]
    min_sample: NDArray[np.float64]
    hold_ms: NDArray[np.int64]
    recover_hold_ms: NDArray[np.int64]


@dataclass(slots=True)
class Pairs:
    """The state of every (rule, queue) pair, one row per pair, in order of queue rows."""

    row: NDArray[np.int32]
    rule: NDArray[np.int32]
    state: NDArray[np.int8]
    since_ms: NDArray[np.int64]  #: first clock in breach (PENDING and ACTIVE)
    back: NDArray[np.int8]  #: what the way back rests on
    back_ms: NDArray[np.int64]
    told: NDArray[np.float64]  #: last value told of the episode
    told_ms: NDArray[np.int64]
    quiet_until_ms: NDArray[np.int64]
    warn: NDArray[np.int8]  #: 1 = beyond the target


def new_pairs(row: NDArray[np.int32], rule: NDArray[np.int32]) -> Pairs:
    """Idle pairs of queue rows and rules."""
    n = len(row)
    time_ms = [np.zeros(n, np.int64) for _ in range(4)]
    return Pairs(
        row=row,
        rule=rule,
        state=np.zeros(n, np.int8),
        since_ms=time_ms[0],
        back=np.zeros(n, np.int8),
        back_ms=time_ms[1],
        told=np.zeros(n, np.float64),
        told_ms=time_ms[2],
        quiet_until_ms=time_ms[3],
        warn=np.zeros(n, np.int8),
    )


def joined(first: Pairs, last: Pairs) -> Pairs:
    """The rows of *first*, then those of *last*."""
    return Pairs(*(np.concatenate([getattr(first, f.name), getattr(last, f.name)]) for f in fields(Pairs)))


@njit(cache=True, nogil=True)
def measure(value: float, sample: float, min_sample: float, limit: float, sign: float, recovery: float) -> int:
    """Where a figure stands: 2 breach, 1 good, 0 in the band between, -1 unknown, -2 empty.

    *sample* is infinite where none is needed.
    """
    if sample == 0.0:
        return -2
    if np.isnan(value) or np.isnan(sample) or sample < min_sample:
        return -1
    over = (value - limit) * sign
    if over > 0.0:
        return 2
    return 1 if over <= -recovery else 0


@njit(cache=True, nogil=True)
def go_back(i: int, way: int, now_ms: int, hold_ms: int, back: NDArray[np.int8], back_ms: NDArray[np.int64]) -> bool:
    """Keep pair *i* on its *way* back and say whether it has been on it for *hold_ms*."""
    if back[i] != way:
        back[i] = way
        back_ms[i] = now_ms
    return way != _NO_WAY_BACK and now_ms - back_ms[i] >= hold_ms


@njit(cache=True, nogil=True)
def step_active(i, place, value, now_ms, r, limits, pairs):  # type: ignore[no-untyped-def]
    """One clock of an active episode: 0 or the Step it takes."""
    limit, sign, recover_hold_ms = limits[3], limits[5], limits[9]
    back, back_ms, told, told_ms = pairs[4], pairs[5], pairs[6], pairs[7]
    if place == 1:
        return 3 if go_back(i, _GOOD, now_ms, recover_hold_ms[r], back, back_ms) else 0
    if place == -2:
        return 4 if go_back(i, _EMPTY, now_ms, recover_hold_ms[r], back, back_ms) else 0
    back[i] = _NO_WAY_BACK
    worse = (value - told[i]) * sign[r] > WORSE_SHARE * abs(limit[r])
    if place == 2 and worse and now_ms - told_ms[i] >= UPDATE_GAP_MS:
        told[i] = value
        told_ms[i] = now_ms
        return 2
    return 0


@njit(cache=True, nogil=True)
def step_idle(i, place, value, now_ms, r, limits, pairs):  # type: ignore[no-untyped-def]
    """One clock of a pair without an episode: 0 or START."""
    hold_ms = limits[8]
    state, since_ms, back, told, told_ms, quiet_until_ms = pairs[2], pairs[3], pairs[4], pairs[6], pairs[7], pairs[8]
    if place >= 0 and place != 2:
        quiet_until_ms[i] = 0
    if place != 2 or now_ms < quiet_until_ms[i]:
        state[i] = IDLE
        return 0
    if state[i] == IDLE:
        state[i] = PENDING
        since_ms[i] = now_ms
    if now_ms - since_ms[i] < hold_ms[r]:
        return 0
    state[i] = ACTIVE
    back[i] = _NO_WAY_BACK
    told[i] = value
    told_ms[i] = now_ms
    return 1


@njit(cache=True, nogil=True)
def step_closed(i, waiting, pairs):  # type: ignore[no-untyped-def]
    """One clock of a pair whose queue is outside its hours: 0 or CLOSED."""
    state, back = pairs[2], pairs[4]
    if state[i] != ACTIVE:
        state[i] = IDLE
        return 0
    back[i] = _NO_WAY_BACK
    return 0 if waiting > 0.0 else 5


@njit(cache=True, nogil=True)
def step_pair(i, now_ms, figures, open_column, waiting_column, limits, pairs):  # type: ignore[no-untyped-def]
    """One clock of pair *i*: 0 or the Step it takes; keeps ``warn``."""
    column, sample_column, start_only, limit, target, sign, recovery, min_sample = limits[:8]
    q, r = pairs[0][i], pairs[1][i]
    state, warn = pairs[2], pairs[9]
    if figures[q, open_column] != 1.0:
        warn[i] = 0
        return step_closed(i, figures[q, waiting_column], pairs)
    value = figures[q, column[r]]
    sample = np.inf
    if sample_column[r] >= 0 and not (start_only[r] == 1 and state[i] == ACTIVE):
        sample = figures[q, sample_column[r]]
    place = measure(value, sample, min_sample[r], limit[r], sign[r], recovery[r])
    warn[i] = 1 if place >= 0 and (value - target[r]) * sign[r] > 0.0 else 0
    if state[i] == ACTIVE:
        return step_active(i, place, value, now_ms, r, limits, pairs)
    return step_idle(i, place, value, now_ms, r, limits, pairs)


@njit(cache=True, nogil=True)
def judge(now_ms, figures, open_column, waiting_column, limits, pairs, out_pair, out_step):  # type: ignore[no-untyped-def]
    """One clock for all pairs. *limits* and *pairs* are the columns of `Limits` and `Pairs` as tuples, in their order.

    Fills *out_pair* and *out_step* (both as long as there are pairs, as each takes at most one step) with the pairs
    that changed and returns how many there are.
    """
    state, back, quiet_until_ms = pairs[2], pairs[4], pairs[8]
    n = 0
    for i in range(len(state)):
        state_before, back_before, quiet_before = state[i], back[i], quiet_until_ms[i]
        step = step_pair(i, now_ms, figures, open_column, waiting_column, limits, pairs)
        if step >= 3:
            state[i] = IDLE
        if step or state[i] != state_before or back[i] != back_before or quiet_until_ms[i] != quiet_before:
            out_pair[n] = i
            out_step[n] = step
            n += 1
    return n
