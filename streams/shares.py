"""What a slot counts as: each part of its share of the figures as a list of counters and amounts.

A function of the slot's facts alone; `streams.calls` says where it is added. Amounts are whole numbers, so that what
is taken back is exactly what was added.
"""

from __future__ import annotations

from numba import njit

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
    WAIT_FIRST_MS,
    WAIT_KNOWN,
    WAIT_MS,
    WAITED_ELSE,
    WAITED_PEAK,
)
from streams.quantiles import bin_of
from streams.store import CALL, ELSEWHERE, MENU, NOTE, NOWHERE, POINT, SAME_REGION, SAME_SITE, Store

_REQUESTED, _ATTEMPTED = int(EventType.CALLBACK_REQUESTED), int(EventType.CALLBACK_ATTEMPTED)
_CONNECTED, _FAILED = int(EventType.CALLBACK_CONNECTED), int(EventType.CALLBACK_FAILED)
_RATED, _SCORED, _SOLVED = int(EventType.CALL_RATED), int(EventType.CALL_SCORED), int(EventType.CALL_RESOLVED)
_PROBE, _LOGIN_FAILED = int(EventType.PROBE_RESULT), int(EventType.AGENT_LOGIN_FAILED)
_READY, _TALKING, _WRAP = int(AgentState.READY), int(AgentState.TALKING), int(AgentState.WRAP)


@njit(cache=True, nogil=True, _nrt=False)
def arrival_of(store: Store, slot: int) -> int:
    """When the call came to the queue: its offer, else its outcome less its wait; -1 when neither is known."""
    call = store.slots[slot]
    if call.kind != CALL:
        return int(call.out_ts)
    if call.offered >= 0:
        return int(call.offered)
    if call.outcome > 0:
        return int(call.out_ts - max(call.out_wait, 0))
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def wait_of(store: Store, slot: int) -> int:
    """Wait until the outcome in ms: as its source gave it, else outcome less offer, not below 0; -1 unknown."""
    call = store.slots[slot]
    if call.out_wait >= 0:
        return int(call.out_wait)
    if call.out_wait == -2:
        return 0
    if call.offered >= 0:
        return int(max(call.out_ts - call.offered, 0))
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def before_of(store: Store, slot: int, arrival: int) -> int:
    """How long in ms the caller had waited elsewhere when the call came to this queue at *arrival*."""
    first = store.slots[slot].first_queued
    return int(max(arrival - first, 0)) if first >= 0 else 0


@njit(cache=True, nogil=True, _nrt=False)
def list_waiting(store: Store, slot: int, arrival: int, offered: bool) -> None:
    """List what the arrival of a call counts as, or (not *offered*) that it has no outcome."""
    call = store.slots[slot]
    begin_list(store)
    if call.direction != 0:
        if offered:
            put(store, OUTBOUND, 1)
        return
    if not offered:
        put(store, UNRESOLVED, 1)
        return
    put(store, OFFERED, 1)
    _list_split(store, slot, 0)
    if call.origin > NOWHERE:
        _list_inner(store, call.origin, before_of(store, slot, arrival) > call.threshold)


@njit(cache=True, nogil=True, _nrt=False)
def _list_split(store: Store, slot: int, what: int) -> None:
    """List a call by its line and channel, where they are not the usual ones."""
    call = store.slots[slot]
    if LINE_AT[call.line, what] >= 0:
        put(store, LINE_AT[call.line, what], 1)
    if CHANNEL_AT[call.channel, what] >= 0:
        put(store, CHANNEL_AT[call.channel, what], 1)


@njit(cache=True, nogil=True, _nrt=False)
def _list_inner(store: Store, origin: int, late: bool) -> None:
    """List a call that came from another queue: units that hold both net it."""
    if origin >= ELSEWHERE:
        put(store, INNER_ALL, 1)
    if origin >= SAME_REGION:
        put(store, INNER_REGION, 1)
    if origin >= SAME_SITE:
        put(store, INNER_SITE, 1)
    if late:
        if origin >= ELSEWHERE:
            put(store, INNER_LATE_ALL, 1)
        if origin >= SAME_REGION:
            put(store, INNER_LATE_REGION, 1)
        if origin >= SAME_SITE:
            put(store, INNER_LATE_SITE, 1)


@njit(cache=True, nogil=True, _nrt=False)
def list_outcome(store: Store, slot: int, arrival: int) -> None:
    """List what the outcome of a call counts as; of one that went out, whether it was answered."""
    call = store.slots[slot]
    begin_list(store)
    if call.direction != 0:
        if call.outcome == 1 and call.kind == CALL:
            put(store, OUTBOUND_CONNECTED, 1)
        return
    if call.kind != CALL:
        put(store, IVR_ABANDONED if call.kind == MENU else BLOCKED, 1)
        return
    wait = wait_of(store, slot)
    whole = wait + before_of(store, slot, arrival) if wait >= 0 else -1
    if call.outcome == 1:
        _list_answered(store, slot, wait, whole)
    elif call.outcome == 2:
        _list_abandoned(store, slot, wait, whole)
    else:
        put(store, FLOWED_OUT, 1)
        if not 0 <= wait <= call.threshold:
            put(store, FLOWED_LATE, 1)
        elif whole > call.threshold:
            put(store, FLOWED_LATE_FIRST, 1)
    if call.outcome < 3:
        _list_split(store, slot, call.outcome)
    _list_wait(store, slot, wait)


@njit(cache=True, nogil=True, _nrt=False)
def _list_answered(store: Store, slot: int, wait: int, whole: int) -> None:
    threshold = store.slots[slot].threshold
    put(store, ANSWERED, 1)
    if wait < 0:
        return
    put(store, WAIT_MS, wait)
    put(store, WAIT_KNOWN, 1)
    if wait <= threshold:
        put(store, ANSWERED_IN, 1)
        if whole > threshold:
            put(store, ANSWERED_IN_FIRST, -1)
    if whole > wait:
        put(store, WAIT_FIRST_MS, whole - wait)


@njit(cache=True, nogil=True, _nrt=False)
def _list_abandoned(store: Store, slot: int, wait: int, whole: int) -> None:
    call = store.slots[slot]
    put(store, ABANDONED, 1)
    if wait < 0:
        return
    if wait <= call.threshold:
        put(store, ABANDONED_IN, 1)
        if whole > call.threshold:
            put(store, ABANDONED_IN_FIRST, -1)
    if wait <= call.short:
        put(store, ABANDONED_SHORT, 1)
        if whole > call.short:
            put(store, SHORT_FIRST, -1)


@njit(cache=True, nogil=True, _nrt=False)
def _list_wait(store: Store, slot: int, wait: int) -> None:
    """List a wait (-1 unknown): whether it was one, how long, whether its source had it right."""
    call = store.slots[slot]
    if wait >= 0:
        if call.outcome > 1:
            put(store, WAITED_ELSE, 1)
        if wait > call.immediate:
            put(store, QUEUED, 1)
        if call.peak:
            put(store, WAITED_PEAK, 1)
            if wait > call.immediate:
                put(store, QUEUED_PEAK, 1)
        if call.outcome < 3:
            put(store, WAIT_BINS + bin_of(wait), 1)
    if call.out_wait == -2 or (call.out_wait == -1 and call.offered > call.out_ts):
        put(store, NEGATIVE, 1)


@njit(cache=True, nogil=True, _nrt=False)
def list_completion(store: Store, slot: int) -> None:
    """List what the completion of a call counts as."""
    call = store.slots[slot]
    talk = max(call.talk, 0)
    begin_list(store)
    if call.done_ts < 0:
        return
    put(store, COMPLETED, 1)
    put(store, TALK_MS, talk)
    put(store, HANDLE_MS, talk + max(call.hold, 0) + max(call.wrap, 0))


@njit(cache=True, nogil=True, _nrt=False)
def _list_note(store: Store, slot: int) -> None:
    note = store.slots[slot]
    kind, value, ok = note.talk, note.first_queued, note.code
    if kind == _REQUESTED:
        put(store, CALLBACK_REQUESTED, 1)
    elif kind == _ATTEMPTED:
        put(store, CALLBACK_ATTEMPTED, 1)
    elif kind == _CONNECTED:
        put(store, CALLBACK_CONNECTED, 1)
    elif kind == _FAILED:
        put(store, CALLBACK_FAILED, 1)
    elif kind == _RATED:
        put(store, RATINGS, 1)
        put(store, RATING_MILLI, value)
    elif kind == _SCORED:
        put(store, SCORES, 1)
        put(store, SCORE_MILLI, value)
    elif kind == _SOLVED:
        put(store, RESOLUTIONS, 1)
        put(store, RESOLVED, 0 if ok == 0 else 1)
    elif kind == _PROBE:
        put(store, PROBES, 1)
        put(store, PROBES_OK, 1 if ok == 1 else 0)
    elif kind == _LOGIN_FAILED:
        put(store, LOGIN_FAILED, 1)


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
def _list_point(store: Store, slot: int) -> None:
    """List how many agents of each class a change of state makes more, and that times when it was."""
    point = store.slots[slot]
    ready = is_ready(point.code) - is_ready(point.outcome)
    busy = is_busy(point.code) - is_busy(point.outcome)
    signed = is_signed(point.code) - is_signed(point.outcome)
    if ready != 0:
        put(store, READY_D, ready)
        put(store, READY_DT, ready * point.out_ts)
    if busy != 0:
        put(store, BUSY_D, busy)
        put(store, BUSY_DT, busy * point.out_ts)
    if signed != 0:
        put(store, SIGNED_D, signed)
        put(store, SIGNED_DT, signed * point.out_ts)


@njit(cache=True, nogil=True, _nrt=False)
def list_other(store: Store, slot: int) -> None:
    """List what a note (a step of a callback, a rating, a score, a test call, a failed login), a caller (lost, and got
    through after all) or a point (an agent in or out of a class) counts as."""
    kind = store.slots[slot].kind
    begin_list(store)
    if kind == NOTE:
        _list_note(store, slot)
    elif kind == POINT:
        _list_point(store, slot)
    else:
        put(store, LOST_CALLERS, 1)
        if store.slots[slot].outcome > 0:
            put(store, RECOVERED_CALLERS, 1)
