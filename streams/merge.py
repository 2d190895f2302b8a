"""One event merged into its call: what is new in it, and what of the call's share of the figures that changes.

Each fact is a join: the earliest offer, the earliest outcome, the earliest completion, the latest word. An event that
says nothing new changes nothing; one that does takes the old share back and adds the new one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from models.event import EventType
from streams.calls import DONE, EVERY_PART, OFFER, OUTCOME, count, move_row, settle
from streams.shares import arrival_of
from streams.store import CALL, Store

_OFFERED, _COMPLETED = int(EventType.CALL_OFFERED), int(EventType.CALL_COMPLETED)
_ANSWERED, _FLOWED_OUT = int(EventType.CALL_ANSWERED), int(EventType.CALL_FLOWED_OUT)
_UNHEARD = np.int64(2**31 - 1)
#: What is new beside the parts of a share: what kind of call it is.
_DESCRIBED = 8

#: Of an event: type, time, code, wait, talk, hold, wrap; when the caller began to wait at all; direction, line,
#: channel, origin.
Event = tuple[int, int, int, int, int, int, int, int, int, int, int, int]


@njit(cache=True, nogil=True, _nrt=False)
def _is_outcome_new(store: Store, slot: int, ts: int, outcome: int, wait: int) -> bool:
    """The earliest outcome counts; of two at once the lower kind; of two alike the known, shorter wait."""
    call = store.slots[slot]
    if call.outcome == 0 or ts < call.out_ts:
        return True
    if ts > call.out_ts or outcome != call.outcome:
        return bool(ts == call.out_ts and outcome < call.outcome)
    return bool(wait != -1 and wait < (call.out_wait if call.out_wait != -1 else _UNHEARD))


@njit(cache=True, nogil=True, _nrt=False)
def _is_completion_new(store: Store, slot: int, ts: int, times: tuple[int, int, int]) -> bool:
    """The earliest completion counts; of two at once the one with the longer times."""
    call = store.slots[slot]
    if call.done_ts < 0 or ts < call.done_ts:
        return True
    return bool(ts == call.done_ts and times > (call.talk, call.hold, call.wrap))


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _news(store: Store, slot: int, event: Event) -> int:
    """What an event says that its slot does not hold yet: OFFER, OUTCOME, DONE, _DESCRIBED."""
    call = store.slots[slot]
    kind, ts, _, wait, talk, hold, wrap, first, direction, line, channel, origin = event
    new = 0
    if direction > call.direction or line > call.line or channel > call.channel or origin > call.origin:
        new = _DESCRIBED
    if first >= 0 and (call.first_queued < 0 or first < call.first_queued):
        new = _DESCRIBED
    if call.kind != CALL:  # who reached no queue: the earliest word of it counts
        if call.outcome == 0 or ts < call.out_ts:
            new |= OUTCOME
    elif kind == _OFFERED:
        if call.offered < 0 or ts < call.offered:
            new |= OFFER
    elif kind == _COMPLETED:
        if _is_completion_new(store, slot, ts, (max(talk, -1), max(hold, -1), max(wrap, -1))):
            new |= DONE
    elif _ANSWERED <= kind <= _FLOWED_OUT and _is_outcome_new(store, slot, ts, kind - _ANSWERED + 1, wait):
        new |= OUTCOME
    return new


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _take_in(store: Store, slot: int, new: int, event: Event) -> None:
    """Make what is new in an event facts of its slot."""
    call = store.slots[slot]
    kind, ts, code, wait, talk, hold, wrap, first, direction, line, channel, origin = event
    if new & _DESCRIBED:
        if first >= 0 and (call.first_queued < 0 or first < call.first_queued):
            call.first_queued = first
        call.direction, call.line = max(call.direction, direction), max(call.line, line)
        call.channel, call.origin = max(call.channel, channel), max(call.origin, origin)
    if new & OFFER:
        call.offered = ts
    if new & OUTCOME:
        call.out_ts, call.outcome = ts, 1
        if call.kind == CALL:
            call.outcome, call.out_wait, call.code = kind - _ANSWERED + 1, wait, max(code, 0)
    if new & DONE:
        call.done_ts = ts
        call.talk, call.hold, call.wrap = max(talk, -1), max(hold, -1), max(wrap, -1)
    if new & OFFER or (new & OUTCOME and call.offered < 0):
        move_row(store, slot, arrival_of(store.slots, slot))


@njit(cache=True, nogil=True, _nrt=False)
def hear_call(store: Store, slot: int, event: Event) -> bool:
    """Merge an event into its call. True when it said anything new."""
    call = store.slots[slot]
    new = _news(store, slot, event)
    if new:
        moves = call.kind == CALL and call.offered < 0  # an outcome without offer tells when the call came
        parts = EVERY_PART if new & (OFFER | _DESCRIBED) or (new & OUTCOME and moves) else new
        for sign in (-1, 1):
            count(store, slot, sign, parts)
            if sign < 0:
                _take_in(store, slot, new, event)
    if call.kind == CALL:
        if event[1] > call.word:
            call.word = event[1]
            new |= _DESCRIBED
        settle(store, slot)
    return bool(new != 0)
