"""What a slot counts as: each part of its share of the figures as a list of counters and amounts.

A function of the slot's facts alone; `streams.calls` says where it is added. Amounts are whole numbers, so that what
is taken back is exactly what was added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import AgentState, EventType
from streams.buckets import begin_list, put
from streams.counters import (
    ABANDONED,
    ABANDONED_IN,
    ABANDONED_IN_FIRST,
    ABANDONED_SHORT,
    ANSWERED,
    ANSWERED_IN,
    ANSWERED_IN_FIRST,
    BLOCKED,
    BUSY_D,
    BUSY_DT,
    CALLBACK_ATTEMPTED,
    CALLBACK_CONNECTED,
    CALLBACK_FAILED,
    CALLBACK_REQUESTED,
    CHANNEL_AT,
    COMPLETED,
    FLOWED_LATE,
    FLOWED_LATE_FIRST,
    FLOWED_OUT,
    HANDLE_MS,
    INNER_ALL,
    INNER_LATE_ALL,
    INNER_LATE_REGION,
    INNER_LATE_SITE,
    INNER_REGION,
    INNER_SITE,
    IVR_ABANDONED,
    LINE_AT,
    LOGIN_FAILED,
    LOST_CALLERS,
    NEGATIVE,
    OFFERED,
    OUTBOUND,
    OUTBOUND_CONNECTED,
    PROBES,
    PROBES_OK,
    QUEUED,
    QUEUED_PEAK,
    RATING_MILLI,
    RATINGS,
    READY_D,
    READY_DT,
    RECOVERED_CALLERS,
    RESOLUTIONS,
    RESOLVED,
    SCORE_MILLI,
    SCORES,
    SHORT_FIRST,
    SIGNED_D,
    SIGNED_DT,
    TALK_MS,
    UNRESOLVED,
    WAIT_BINS,
    WAIT_ELSE_MS,
    WAIT_FIRST_MS,
    WAIT_KNOWN,
    WAIT_MS,
    WAITED_ELSE,
    WAITED_PEAK,
)
from streams.quantiles import bin_of
from streams.store import CALL, ELSEWHERE, MENU, NOTE, NOWHERE, POINT, SAME_REGION, SAME_SITE

# Two arrays and not the store: numba hands each array of it over at every call.
Slots = NDArray[Any]  #: `Store.slots`
Listed = NDArray[np.int64]  #: `Store.listed`

_REQUESTED, _ATTEMPTED = int(EventType.CALLBACK_REQUESTED), int(EventType.CALLBACK_ATTEMPTED)
_CONNECTED, _FAILED = int(EventType.CALLBACK_CONNECTED), int(EventType.CALLBACK_FAILED)
_RATED, _SCORED, _SOLVED = int(EventType.CALL_RATED), int(EventType.CALL_SCORED), int(EventType.CALL_RESOLVED)
_PROBE, _LOGIN_FAILED = int(EventType.PROBE_RESULT), int(EventType.AGENT_LOGIN_FAILED)
_READY, _TALKING, _WRAP = int(AgentState.READY), int(AgentState.TALKING), int(AgentState.WRAP)


@njit(cache=True, nogil=True, _nrt=False)
def arrival_of(slots: Slots, slot: int) -> int:
    """When the call came to the queue: its offer, else its outcome less its wait; -1 when neither is known."""
    call = slots[slot]
    if call.kind != CALL:
        return int(call.out_ts)
    if call.offered >= 0:
        return int(call.offered)
    if call.outcome > 0:
        return int(call.out_ts - max(call.out_wait, 0))
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def wait_of(slots: Slots, slot: int) -> int:
    """Wait until the outcome in ms: as its source gave it, else outcome less offer, not below 0; -1 unknown."""
    call = slots[slot]
    if call.out_wait >= 0:
        return int(call.out_wait)
    if call.out_wait == -2:
        return 0
    if call.offered >= 0:
        return int(max(call.out_ts - call.offered, 0))
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def before_of(slots: Slots, slot: int, arrival: int) -> int:
    """How long in ms the caller had waited elsewhere when the call came to this queue at *arrival*."""
    first = slots[slot].first_queued
    return int(max(arrival - first, 0)) if first >= 0 else 0


@njit(cache=True, nogil=True, _nrt=False)
def list_waiting(slots: Slots, listed: Listed, slot: int, arrival: int, offered: bool) -> None:
    """List what the arrival of a call counts as, or (not *offered*) that it has no outcome."""
    call = slots[slot]
    begin_list(listed)
    if call.direction != 0:
        if offered:
            put(listed, OUTBOUND, 1)
        return
    if not offered:
        put(listed, UNRESOLVED, 1)
        return
    put(listed, OFFERED, 1)
    _list_split(slots, listed, slot, 0)
    if call.origin > NOWHERE:
        _list_inner(listed, call.origin, before_of(slots, slot, arrival) > call.threshold)


@njit(cache=True, nogil=True, _nrt=False)
def _list_split(slots: Slots, listed: Listed, slot: int, what: int) -> None:
    """List a call by its line and channel, where they are not the usual ones."""
    call = slots[slot]
    if LINE_AT[call.line, what] >= 0:
        put(listed, LINE_AT[call.line, what], 1)
    if CHANNEL_AT[call.channel, what] >= 0:
        put(listed, CHANNEL_AT[call.channel, what], 1)


@njit(cache=True, nogil=True, _nrt=False)
def _list_inner(listed: Listed, origin: int, late: bool) -> None:
    """List a call that came from another queue: units that hold both net it."""
    if origin >= ELSEWHERE:
        put(listed, INNER_ALL, 1)
    if origin >= SAME_REGION:
        put(listed, INNER_REGION, 1)
    if origin >= SAME_SITE:
        put(listed, INNER_SITE, 1)
    if late:
        if origin >= ELSEWHERE:
            put(listed, INNER_LATE_ALL, 1)
        if origin >= SAME_REGION:
            put(listed, INNER_LATE_REGION, 1)
        if origin >= SAME_SITE:
            put(listed, INNER_LATE_SITE, 1)


@njit(cache=True, nogil=True, _nrt=False)
def list_outcome(slots: Slots, listed: Listed, slot: int, arrival: int) -> None:
    """List what the outcome of a call counts as; of one that went out, whether it was answered."""
    call = slots[slot]
    begin_list(listed)
    if call.direction != 0:
        if call.outcome == 1 and call.kind == CALL:
            put(listed, OUTBOUND_CONNECTED, 1)
        return
    if call.kind != CALL:
        put(listed, IVR_ABANDONED if call.kind == MENU else BLOCKED, 1)
        return
    wait = wait_of(slots, slot)
    whole = wait + before_of(slots, slot, arrival) if wait >= 0 else -1
    if call.outcome == 1:
        _list_answered(slots, listed, slot, wait, whole)
    elif call.outcome == 2:
        _list_abandoned(slots, listed, slot, wait, whole)
    else:
        put(listed, FLOWED_OUT, 1)
        if not 0 <= wait <= call.threshold:
            put(listed, FLOWED_LATE, 1)
        elif whole > call.threshold:
            put(listed, FLOWED_LATE_FIRST, 1)
    if call.outcome < 3:
        _list_split(slots, listed, slot, call.outcome)
    _list_wait(slots, listed, slot, wait)


@njit(cache=True, nogil=True, _nrt=False)
def _list_answered(slots: Slots, listed: Listed, slot: int, wait: int, whole: int) -> None:
    threshold = slots[slot].threshold
    put(listed, ANSWERED, 1)
    if wait < 0:
        return
    put(listed, WAIT_MS, wait)
    put(listed, WAIT_KNOWN, 1)
    if wait <= threshold:
        put(listed, ANSWERED_IN, 1)
        if whole > threshold:
            put(listed, ANSWERED_IN_FIRST, -1)
    if whole > wait:
        put(listed, WAIT_FIRST_MS, whole - wait)


@njit(cache=True, nogil=True, _nrt=False)
def _list_abandoned(slots: Slots, listed: Listed, slot: int, wait: int, whole: int) -> None:
    call = slots[slot]
    put(listed, ABANDONED, 1)
    if wait < 0:
        return
    if wait <= call.threshold:
        put(listed, ABANDONED_IN, 1)
        if whole > call.threshold:
            put(listed, ABANDONED_IN_FIRST, -1)
    if wait <= call.short:
        put(listed, ABANDONED_SHORT, 1)
        if whole > call.short:
            put(listed, SHORT_FIRST, -1)


@njit(cache=True, nogil=True, _nrt=False)
def _list_wait(slots: Slots, listed: Listed, slot: int, wait: int) -> None:
    """List a wait (-1 unknown): whether it was one, how long, whether its source had it right."""
    call = slots[slot]
    if wait >= 0:
        if call.outcome > 1:
            put(listed, WAITED_ELSE, 1)
            put(listed, WAIT_ELSE_MS, wait)
        if wait > call.immediate:
            put(listed, QUEUED, 1)
        if call.peak:
            put(listed, WAITED_PEAK, 1)
            if wait > call.immediate:
                put(listed, QUEUED_PEAK, 1)
        if call.outcome < 3:
            put(listed, WAIT_BINS + bin_of(wait), 1)
    if call.out_wait == -2 or (call.out_wait == -1 and call.offered > call.out_ts):
        put(listed, NEGATIVE, 1)


@njit(cache=True, nogil=True, _nrt=False)
def list_completion(slots: Slots, listed: Listed, slot: int) -> None:
    """List what the completion of a call counts as."""
    call = slots[slot]
    talk = max(call.talk, 0)
    begin_list(listed)
    if call.done_ts < 0:
        return
    put(listed, COMPLETED, 1)
    put(listed, TALK_MS, talk)
    put(listed, HANDLE_MS, talk + max(call.hold, 0) + max(call.wrap, 0))


@njit(cache=True, nogil=True, _nrt=False)
def _list_note(slots: Slots, listed: Listed, slot: int) -> None:
    note = slots[slot]
    kind, value, ok = note.talk, note.first_queued, note.code
    if kind == _REQUESTED:
        put(listed, CALLBACK_REQUESTED, 1)
    elif kind == _ATTEMPTED:
        put(listed, CALLBACK_ATTEMPTED, 1)
    elif kind == _CONNECTED:
        put(listed, CALLBACK_CONNECTED, 1)
    elif kind == _FAILED:
        put(listed, CALLBACK_FAILED, 1)
    elif kind == _RATED:
        put(listed, RATINGS, 1)
        put(listed, RATING_MILLI, value)
    elif kind == _SCORED:
        put(listed, SCORES, 1)
        put(listed, SCORE_MILLI, value)
    elif kind == _SOLVED:
        put(listed, RESOLUTIONS, 1)
        put(listed, RESOLVED, 0 if ok == 0 else 1)
    elif kind == _PROBE:
        put(listed, PROBES, 1)
        put(listed, PROBES_OK, 1 if ok == 1 else 0)
    elif kind == _LOGIN_FAILED:
        put(listed, LOGIN_FAILED, 1)


@njit(cache=True, nogil=True, _nrt=False)
def is_ready(state: int) -> int:
    """1 for an agent who could take a call."""
    return 1 if state == _READY else 0


@njit(cache=True, nogil=True, _nrt=False)
def is_busy(state: int) -> int:
    """1 for an agent who handles one: talking, holding, wrapping up."""
    return 1 if _TALKING <= state <= _WRAP else 0


@njit(cache=True, nogil=True, _nrt=False)
def is_signed(state: int) -> int:
    """1 for an agent who is not offline."""
    return 1 if state > 0 else 0


@njit(cache=True, nogil=True, _nrt=False)
def _list_point(slots: Slots, listed: Listed, slot: int) -> None:
    """List how many agents of each class a change of state makes more, and that times when it was."""
    point = slots[slot]
    ready = is_ready(point.code) - is_ready(point.outcome)
    busy = is_busy(point.code) - is_busy(point.outcome)
    signed = is_signed(point.code) - is_signed(point.outcome)
    if ready != 0:
        put(listed, READY_D, ready)
        put(listed, READY_DT, ready * point.out_ts)
    if busy != 0:
        put(listed, BUSY_D, busy)
        put(listed, BUSY_DT, busy * point.out_ts)
    if signed != 0:
        put(listed, SIGNED_D, signed)
        put(listed, SIGNED_DT, signed * point.out_ts)


@njit(cache=True, nogil=True, _nrt=False)
def list_other(slots: Slots, listed: Listed, slot: int) -> None:
    """List what a note (a step of a callback, a rating, a score, a test call, a failed login), a caller (lost, and got
    through after all) or a point (an agent in or out of a class) counts as."""
    kind = slots[slot].kind
    begin_list(listed)
    if kind == NOTE:
        _list_note(slots, listed, slot)
    elif kind == POINT:
        _list_point(slots, listed, slot)
    else:
        put(listed, LOST_CALLERS, 1)
        if slots[slot].outcome > 0:
            put(listed, RECOVERED_CALLERS, 1)
