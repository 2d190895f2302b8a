"""The judge: every rule against every queue that it names, at every clock, in one kernel.

Theory. A (rule, queue) pair is in one of four states::

    IDLE --breach--> PENDING --held for hold_ms--> ACTIVE --good for recover_hold_ms--> IDLE
                     PENDING --anything else--> IDLE
    IDLE, PENDING --breach that is usual--> USUAL --no breach--> IDLE
                                            USUAL --not usual any more--> PENDING

- *breach*: the value is beyond the limit in the rule's direction, with at least ``min_sample`` calls behind it.
- *good*: the value is on the other side of the limit by at least ``recovery`` (the band between is neither).
- *unknown* (the value is undefined, or too few calls stand behind it) neither starts nor ends anything: a pending
  breach is forgotten, an active episode goes on and its way back begins anew.
- A figure of now (waiting, silence) needs no sample to be true. With a ``min_sample`` it can *start* only after that
  many arrivals in the last 30 minutes (a queue with three calls a day is not silent), or what else its metric names as
  its *start*, and goes on and ends without.
- A rule *per agent* has its levels multiplied with the agents signed in; unknown agents make its value unknown.
- *empty*: no call at all stands behind a windowed figure. An active episode that is empty for ``recover_hold_ms`` ends
  as NO_CALLS, since nothing is left that could be in breach.
- *closed*: a queue outside its hours is not judged. A pending breach is forgotten, an active episode ends as CLOSED;
  while callers still wait it is frozen instead, and its way back begins anew.
- *quiet*: after a passed verification old calls may still be in the window. Until ``quiet_until_ms`` (one window after
  the resolve), or until the figure has once been out of breach, the pair cannot start again.
- *usual*: a limit that a queue breaks every day at lunch cries for nothing. A rule with a *gate* column opens an
  episode only while that figure, how unusual the queue is here and now, is at least ``gate``, or not known. A breach
  that is usual and has held for ``hold_ms`` is reported once as AS_USUAL and opens nothing; the tile shows it. What is
  broken twice over (at most half of the limit where it is a lower one, at least twice otherwise) needs to be ``half``
  unusual only. An episode that has begun ends by its own figure, whatever is usual. With a *known* column, too few
  calls to say what is unusual (the gate is undefined, that figure is not) let the limit speak only when it is broken
  twice over.
- *update*: an active figure that is worse than the last one told by more than a fifth of the limit, at most once in
  ``UPDATE_GAP_MS``.

All times are stream time in milliseconds. Pairs and rules are structured arrays, so that a pair is one line of memory
and a step takes two pointers; passing tuples of columns to the steps made the kernel seventeen times slower. The kernel
writes which pairs changed and how; Python speaks of those only. A pair that changed without taking a step (a timer
began or was dropped) is reported as step 0: its snapshot changed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

IDLE: Final = 0
PENDING: Final = 1
ACTIVE: Final = 2
USUAL: Final = 3  #: in breach, which is usual here

UPDATE_GAP_MS: Final = 60_000
WORSE_SHARE: Final = 0.2

#: What the way back of an active episode rests on.
_NO_WAY_BACK: Final = 0
_GOOD: Final = 1
_EMPTY: Final = 2


class Step(IntEnum):
    """What happened to an episode. From RECOVERED to WITHDRAWN they are its ends; WITHDRAWN is never the kernel's: its
    rule is gone. AS_USUAL is no step of an episode: the limit is broken, as it is usually, and none begins."""

    NONE = 0
    START = 1
    UPDATE = 2
    RECOVERED = 3
    NO_CALLS = 4
    CLOSED = 5
    WITHDRAWN = 6
    AS_USUAL = 7


#: One rule. Values in the unit of the figure, times in milliseconds. *sample_column* -1: the figure needs no sample;
#: *start_only* 1: it needs it to start only; *per_column* -1: the levels are as they stand, else they are multiplied
#: with that figure (undefined: nothing is judged); *sign* +1: a value above the limit is the breach, -1: one below;
#: *gate_column* -1: every breach counts, else those in which that figure is at least *gate* or undefined, or at least
#: *half* and the limit broken twice over;
#: *known_column* -1: none.
RULE: Final = np.dtype(
    [
        ("column", np.int32),
        ("sample_column", np.int32),
        ("start_only", np.int8),
        ("per_column", np.int32),
        ("gate_column", np.int32),
        ("known_column", np.int32),
        ("gate", np.float64),
        ("half", np.float64),
        ("sign", np.float64),
        ("limit", np.float64),
        ("target", np.float64),
        ("recovery", np.float64),
        ("min_sample", np.float64),
        ("hold_ms", np.int64),
        ("recover_hold_ms", np.int64),
    ]
)
#: One (rule, queue) pair. *since_ms* is its first clock in breach, *back* what its way back rests on since *back_ms*,
#: *told* the last value told of the episode at *told_ms*, *warn* 1 when the figure is beyond its target. In USUAL
#: *back* is 1 once that was reported.
PAIR: Final = np.dtype(
    [
        ("row", np.int32),
        ("rule", np.int32),
        ("state", np.int8),
        ("back", np.int8),
        ("warn", np.int8),
        ("since_ms", np.int64),
        ("back_ms", np.int64),
        ("told", np.float64),
        ("told_ms", np.int64),
        ("quiet_until_ms", np.int64),
    ],
    align=True,
)
#: What a snapshot keeps of a pair.
KEPT: Final = ("state", "back", "since_ms", "back_ms", "told", "told_ms", "quiet_until_ms")

Records = NDArray[np.void]


@njit(cache=True, nogil=True)
def measure(value: float, sample: float, min_sample: float, limit: float, sign: float, recovery: float) -> int:
    """Where a figure stands: 2 breach, 1 good, 0 in the band between, -1 unknown, -2 empty.

    *sample* is infinite where none is needed.
    """
    if sample == 0.0:
        return -2
    if np.isnan(value) or np.isnan(sample) or sample < min_sample:
        return -1
    if value * sign > limit * sign:
        return 2
    # a difference from the limit would round: 0.70 - 0.60 is less than 0.10
    return 1 if value * sign <= limit * sign - recovery else 0


@njit(cache=True, nogil=True)
def is_twice(value: float, limit: float, sign: float) -> bool:
    """Whether *limit* is broken twice over: by a value of twice as much, below a lower one by one of half as much."""
    return value * sign >= (2.0 * limit if sign > 0.0 else 0.5 * limit) * sign


@njit(cache=True, nogil=True)
def step_active(pair, rule, place, value, scale, now_ms):  # type: ignore[no-untyped-def]
    """One clock of an active episode: 0 or the Step it takes."""
    way = _GOOD if place == 1 else _EMPTY if place == -2 else _NO_WAY_BACK
    if pair.back != way:
        pair.back = way
        pair.back_ms = now_ms
    if way != _NO_WAY_BACK:
        if now_ms - pair.back_ms < rule.recover_hold_ms:
            return 0
        return 3 if way == _GOOD else 4
    worse = (value - pair.told) * rule.sign > WORSE_SHARE * abs(rule.limit * scale)
    if place == 2 and worse and now_ms - pair.told_ms >= UPDATE_GAP_MS:
        pair.told = value
        pair.told_ms = now_ms
        return 2
    return 0


@njit(cache=True, nogil=True)
def step_idle(pair, rule, place, value, unusual, now_ms):  # type: ignore[no-untyped-def]
    """One clock of a pair without an episode: 0, START or AS_USUAL. *unusual*: how unusual it is here, NaN unknown."""
    if place >= 0 and place != 2:
        pair.quiet_until_ms = 0
    if place != 2 or now_ms < pair.quiet_until_ms:
        pair.state = IDLE
        pair.back = _NO_WAY_BACK
        return 0
    stage = USUAL if unusual < rule.gate else PENDING
    if pair.state != stage:
        pair.state = stage
        pair.since_ms = now_ms
        pair.back = _NO_WAY_BACK
    if now_ms - pair.since_ms < rule.hold_ms or (stage == USUAL and pair.back != _NO_WAY_BACK):
        return 0
    if stage == USUAL:
        pair.back = _GOOD
        return 7
    pair.state = ACTIVE
    pair.back = _NO_WAY_BACK
    pair.told = value
    pair.told_ms = now_ms
    return 1


@njit(cache=True, nogil=True)
def step_closed(pair, waiting):  # type: ignore[no-untyped-def]
    """One clock of a pair whose queue is outside its hours: 0 or CLOSED."""
    pair.warn = 0
    active = pair.state == ACTIVE
    pair.back = _NO_WAY_BACK
    if not active:
        pair.state = IDLE
        return 0
    return 0 if waiting > 0.0 else 5


@njit(cache=True, nogil=True)
def step_open(pair, rule, value, sample, scale, unusual, now_ms):  # type: ignore[no-untyped-def]
    """One clock of a pair whose queue is open: 0 or the Step it takes; keeps ``warn``. Levels count *scale* times."""
    if rule.start_only == 1 and pair.state == ACTIVE:
        sample = np.inf
    if np.isnan(scale):
        value = np.nan
    place = measure(value, sample, rule.min_sample, rule.limit * scale, rule.sign, rule.recovery * scale)
    pair.warn = 1 if place >= 0 and (value - rule.target * scale) * rule.sign > 0.0 else 0
    if pair.state == ACTIVE:
        return step_active(pair, rule, place, value, scale, now_ms)
    return step_idle(pair, rule, place, value, unusual, now_ms)


@njit(cache=True, nogil=True)
def judge(now_ms, figures, open_column, waiting_column, rules, pairs, out_pair, out_step):  # type: ignore[no-untyped-def]
    """One clock for all *pairs* (PAIR) of *rules* (RULE) over *figures* (queue rows by figure columns, NaN undefined).

    Fills *out_pair* and *out_step* (both as long as there are pairs, as each takes at most one step) with the pairs
    that changed and returns how many there are.
    """
    n = 0
    for i in range(len(pairs)):
        pair = pairs[i]
        rule = rules[pair.rule]
        state, back, quiet = pair.state, pair.back, pair.quiet_until_ms
        if figures[pair.row, open_column] != 1.0:
            step = step_closed(pair, figures[pair.row, waiting_column])
        else:
            sample = np.inf if rule.sample_column < 0 else figures[pair.row, rule.sample_column]
            scale = 1.0 if rule.per_column < 0 else figures[pair.row, rule.per_column]
            unusual = np.inf if rule.gate_column < 0 else figures[pair.row, rule.gate_column]
            twice = is_twice(figures[pair.row, rule.column], rule.limit * scale, rule.sign)
            if np.isnan(unusual) and rule.known_column >= 0 and not np.isnan(figures[pair.row, rule.known_column]):
                unusual = np.inf if twice else 0.0
            elif twice and unusual >= rule.half:
                unusual = np.inf
            step = step_open(pair, rule, figures[pair.row, rule.column], sample, scale, unusual, now_ms)
        if 3 <= step <= 5:
            pair.state = IDLE
        if step != 0 or pair.state != state or pair.back != back or pair.quiet_until_ms != quiet:
            out_pair[n] = i
            out_step[n] = step
            n += 1
    return n
