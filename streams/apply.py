"""One pass over the columns of a batch: each event merged into its call, each change moved into the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import AHEAD_LIMIT_MS, LATENESS_MS, AgentState, EventType
from streams.buckets import advance
from streams.calls import arrival_of, count, move_row, set_member, settle
from streams.store import (
    AGENT,
    AWAY,
    BLOCK,
    BUCKET,
    BUCKET_MS,
    CALL,
    CLOCKED,
    FLOOR,
    LIMIT,
    MENU,
    MINUTE,
    NOW,
    RAISED,
    REFUSED,
    SLOT_FREE,
    SLOT_LIVE,
    SLOTS,
    WAITING,
    Store,
)
from streams.sweep import begin_days
from streams.table import find, insert, remove

_BLOCKED = int(EventType.CALL_BLOCKED)
_MENU = int(EventType.IVR_ABANDONED)
_OFFERED = int(EventType.CALL_OFFERED)
_ANSWERED = int(EventType.CALL_ANSWERED)
_FLOWED_OUT = int(EventType.CALL_FLOWED_OUT)
_COMPLETED = int(EventType.CALL_COMPLETED)
_AGENT = int(EventType.AGENT_STATE)
_LAST_CALL_TYPE = int(EventType.CALL_RESOLVED)
_READY, _WRAP = int(AgentState.READY), int(AgentState.WRAP)

#: The floor rises by a quarter hour at a time when the slots run out, never to less than half an hour before now.
_RAISE_MS = 900_000
_LEAST_KEPT_MS = 1_800_000


@njit(cache=True, nogil=True, _nrt=False)
def set_floor(store: Store) -> None:
    """The floor that the time has: 4 hours before it, or higher where the slots ran out."""
    store.meta[FLOOR] = max(store.meta[NOW] - LATENESS_MS, store.meta[RAISED])


@njit(cache=True, nogil=True, _nrt=False)
def keep_floor(store: Store) -> int:
    """Below it calls are let go of: the floor as it stood at the last full minute."""
    return int(max(store.meta[MINUTE] - LATENESS_MS, store.meta[RAISED]))


@njit(cache=True, nogil=True, _nrt=False)
def is_kept(call, floor):  # type: ignore[no-untyped-def]
    """Whether a slot in use lies not wholly below *floor*; who still waits, and agents at work, always are kept."""
    if call.member == WAITING or (call.kind == AGENT and call.code != 0):
        return True
    return max(call.offered, call.out_ts, call.word, call.done_ts) >= floor


@njit(cache=True, nogil=True, _nrt=False)
def free_slots(store: Store) -> None:
    """Let go of the calls that lie wholly below the floor as it stood at the last full minute.

    The full minute makes what is in memory a function of the clock alone, so a restored worker has the same.
    """
    floor = keep_floor(store)
    for at in range(store.meta[SLOTS]):
        call = store.slots[at]
        if call.kind < 0 or is_kept(call, floor):
            continue
        set_member(store, at, AWAY)
        if call.row >= 0:
            store.rows[call.row].refs -= 1
        remove(store.slots, store.table, at)
        call.kind = -1
        call.next = store.meta[SLOT_FREE]
        store.meta[SLOT_FREE] = at
        store.meta[SLOT_LIVE] -= 1


@njit(cache=True, nogil=True, _nrt=False)
def _make_room(store: Store) -> bool:
    """At the limit of slots: raise the floor until a call can be let go. False when it may rise no further."""
    while store.meta[SLOT_FREE] < 0:
        raised = max(store.meta[RAISED], store.meta[NOW] - LATENESS_MS) + _RAISE_MS
        if raised > store.meta[NOW] - _LEAST_KEPT_MS:
            return False
        store.meta[RAISED] = raised
        set_floor(store)
        free_slots(store)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def take_slot(store: Store, key: int, queue: int, kind: int) -> int:
    """A blank slot entered under *key*; -1 (counted as refused) where the partition holds all that it may."""
    at = store.meta[SLOT_FREE]
    if at < 0 and store.meta[SLOTS] >= store.meta[LIMIT]:
        if not _make_room(store):
            store.meta[REFUSED] += 1
            return -1
        at = store.meta[SLOT_FREE]
    if at >= 0:
        store.meta[SLOT_FREE] = store.slots[at].next
    else:
        at = store.meta[SLOTS]
        store.meta[SLOTS] += 1
    store.meta[SLOT_LIVE] += 1
    call = store.slots[at]
    call.key, call.queue, call.kind = key, queue, kind
    call.offered, call.first_queued, call.out_ts, call.word, call.done_ts = -1, -1, -1, -1, -1
    call.out_wait, call.talk, call.hold, call.wrap = -1, -1, -1, -1
    call.row, call.prev, call.next = -1, -1, -1
    call.outcome, call.code, call.member = 0, 0, AWAY
    insert(store.slots, store.table, at)
    return int(at)


@njit(cache=True, nogil=True, _nrt=False)
def _offer(store: Store, slot: int, ts: int, first_queued: int) -> bool:
    call = store.slots[slot]
    if first_queued >= 0 and (call.first_queued < 0 or first_queued < call.first_queued):
        call.first_queued = first_queued
    if 0 <= call.offered <= ts:
        return False
    count(store, slot, -1, True, True, True)
    call.offered = ts
    move_row(store, slot, ts)
    count(store, slot, 1, True, True, True)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _outcome(store: Store, slot: int, ts: int, outcome: int, wait: int, code: int) -> bool:
    """Merge an outcome: the earliest counts; of two at once the lower kind; of two alike the known, shorter wait."""
    call = store.slots[slot]
    if call.outcome > 0:
        if ts > call.out_ts or (ts == call.out_ts and outcome > call.outcome):
            return False
        if ts == call.out_ts and outcome == call.outcome:
            known = call.out_wait if call.out_wait != -1 else np.int32(2**31 - 1)
            if wait == -1 or wait >= known:
                return False
    moves = call.offered < 0
    count(store, slot, -1, moves, True, moves)
    call.outcome, call.out_ts, call.out_wait, call.code = outcome, ts, wait, max(code, 0)
    if wait == -2 or (wait == -1 and call.offered > ts):
        store.queues[call.queue].negative += 1
    if moves:
        move_row(store, slot, arrival_of(store, slot))
    count(store, slot, 1, moves, True, moves)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _complete(store: Store, slot: int, ts: int, talk: int, hold: int, wrap: int) -> bool:
    """Merge a completion: the earliest counts; of two at once the one with the longer times."""
    call = store.slots[slot]
    if call.done_ts >= 0:
        if ts > call.done_ts:
            return False
        if ts == call.done_ts and (talk, hold, wrap) <= (call.talk, call.hold, call.wrap):
            return False
    count(store, slot, -1, False, False, True)
    call.done_ts, call.talk, call.hold, call.wrap = ts, talk, hold, wrap
    count(store, slot, 1, False, False, True)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _left(store: Store, slot: int, ts: int) -> bool:
    """Merge a caller who reached no queue (left in the menu, blocked): the earliest word of it counts."""
    call = store.slots[slot]
    if call.outcome > 0 and ts >= call.out_ts:
        return False
    if call.outcome > 0:
        count(store, slot, -1, False, True, False)
    call.outcome, call.out_ts = 1, ts
    move_row(store, slot, ts)
    count(store, slot, 1, False, True, False)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _count_agent(store: Store, at: int, code: int, sign: int) -> None:
    """Count (*sign* 1) or no longer count (-1) an agent in the state *code* in queue number *at*."""
    queue = store.queues[at]
    queue.ready += sign if code == _READY else 0
    queue.busy += sign if _READY < code <= _WRAP else 0
    queue.staffed += sign if code != 0 else 0


@njit(cache=True, nogil=True, _nrt=False)
def take_again(store: Store, queue: int, was: Any) -> int:
    """A slot of *store* with the facts of the slot *was* of another store or of a snapshot; an agent is counted.

    What else a call counts as is left to the caller, who knows its interval row.
    """
    at = take_slot(store, was.key, queue, was.kind)
    call = store.slots[at]
    call.offered, call.first_queued, call.out_ts = was.offered, was.first_queued, was.out_ts
    call.word, call.done_ts, call.outcome, call.code = was.word, was.done_ts, was.outcome, was.code
    call.out_wait, call.talk, call.hold, call.wrap = was.out_wait, was.talk, was.hold, was.wrap
    if was.kind == AGENT:
        _count_agent(store, queue, was.code, 1)
    return int(at)


@njit(cache=True, nogil=True, _nrt=False)
def _agent(store: Store, slot: int, ts: int, state: int) -> bool:
    """Merge the state of an agent: the latest counts; of two at once the higher."""
    agent = store.slots[slot]
    queue = store.queues[agent.queue]
    if agent.out_ts > ts or (agent.out_ts == ts and agent.code >= state):
        return False
    if agent.out_ts >= 0:
        _count_agent(store, agent.queue, agent.code, -1)
    _count_agent(store, agent.queue, state, 1)
    agent.out_ts, agent.code = ts, state
    queue.known = 1
    queue.stirred = 1
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _merge(
    store: Store, slot: int, kind: int, ts: int, code: int, first: int, times: tuple[int, int, int, int]
) -> bool:
    """Merge one event into its slot. True when it said anything new."""
    call = store.slots[slot]
    if kind == _AGENT:
        return bool(_agent(store, slot, ts, code))
    if kind in (_MENU, _BLOCKED):
        return bool(_left(store, slot, ts))
    new = False
    if kind == _OFFERED:
        new = _offer(store, slot, ts, first)
    elif _ANSWERED <= kind <= _FLOWED_OUT:
        new = _outcome(store, slot, ts, kind - _ANSWERED + 1, times[0], code)
    elif kind == _COMPLETED:
        new = _complete(store, slot, ts, max(times[1], -1), max(times[2], -1), max(times[3], -1))
    if ts > call.word:
        call.word = ts
        new = True
    settle(store, slot)
    return new


@njit(cache=True, nogil=True, _nrt=False)
def _kind_of_slot(kind: int) -> int:
    """What an event's slot is: CALL, MENU, BLOCK or AGENT; -1 for types that touch none."""
    if _OFFERED <= kind <= _COMPLETED:
        return CALL
    if kind == _MENU:
        return MENU
    if kind == _BLOCKED:
        return BLOCK
    return AGENT if kind == _AGENT else -1


@njit(cache=True, nogil=True, _nrt=False)
def apply(
    store: Store,
    first_row: int,
    end_row: int,
    kinds: NDArray[np.int16],
    ts_ms: NDArray[np.int64],
    queues: NDArray[np.int32],
    keys: NDArray[np.uint64],
    codes: NDArray[np.int8],
    first_queued: NDArray[np.int64],
    waits: NDArray[np.int64],
    talks: NDArray[np.int64],
    holds: NDArray[np.int64],
    wraps: NDArray[np.int64],
) -> None:
    """Apply the rows *first_row* to *end_row* of a batch (see ``EventColumns``) in log order.

    The last four are durations in ms. Rows without a queue and types that touch no call pass.
    Until the first clock record the time follows the latest event, and while no owner keeps the time (so that the
    decoder lets through what lies further ahead) it follows a minute behind; nothing is judged then.
    """
    for r in range(first_row, end_row):
        at, kind, ts = queues[r], kinds[r], ts_ms[r]
        if at < 0 or kind < _BLOCKED:  # control records, and what names no queue
            continue
        at_least = ts if store.meta[CLOCKED] == 0 else ts - AHEAD_LIMIT_MS
        if at_least > store.meta[NOW]:
            store.meta[NOW] = at_least
            set_floor(store)
            if at_least // BUCKET_MS > store.meta[BUCKET]:
                begin_days(store, len(store.queues), at_least)
                advance(store, at_least // BUCKET_MS)
        queue = store.queues[at]
        queue.changed = 1
        if ts < store.meta[FLOOR]:
            queue.too_late += 1
            continue
        if kind <= _LAST_CALL_TYPE and ts > queue.last_event:
            queue.last_event = ts
        slot_kind = _kind_of_slot(kind)
        if slot_kind < 0:
            continue
        slot = find(store.slots, store.table, keys[r])
        if slot < 0:
            slot = take_slot(store, keys[r], at, slot_kind)
            if slot < 0:
                continue
        times = (waits[r], talks[r], holds[r], wraps[r])
        if not _merge(store, slot, kind, ts, codes[r], first_queued[r], times):
            queue.duplicates += 1
