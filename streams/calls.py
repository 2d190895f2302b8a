"""Calls: what is known of each, merged so that order and repetition do not matter.

Each slot is a join of facts: the earliest offer, the earliest outcome (ties: answered, abandoned, flowed out), the
earliest completion, the latest word. A slot's share of the figures is a function of its facts alone (`facts`), so an
event takes the old share back and adds the new one, and any order of the same events ends in the same sums.
"""

from __future__ import annotations

from numba import njit

from streams.buckets import spread
from streams.counters import (
    ABANDONED,
    ABANDONED_IN,
    ABANDONED_SHORT,
    ANSWERED,
    ANSWERED_IN,
    BLOCKED,
    COMPLETED,
    FLOWED_LATE,
    FLOWED_OUT,
    HANDLE_MS,
    IVR_ABANDONED,
    OFFERED,
    TALK_MS,
    UNRESOLVED,
    WAIT_KNOWN,
    WAIT_MS,
)
from streams.rows import add_to_row, row_of
from streams.store import AWAY, BLOCK, BY_EVENT, CALL, LOST, MENU, WAITING, Store


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
def fill_outcome(store: Store, slot: int) -> None:
    """``store.scratch`` = what the outcome of a call counts as (`UNRESOLVED` where it has none)."""
    call = store.slots[slot]
    v = store.scratch
    v[:] = 0
    if call.kind == MENU:
        v[IVR_ABANDONED] = 1
        return
    if call.kind == BLOCK:
        v[BLOCKED] = 1
        return
    if call.outcome == 0:
        v[UNRESOLVED] = 1
        return
    wait = wait_of(store, slot)
    queue = store.queues[call.queue]
    within = 0 <= wait <= queue.threshold
    if call.outcome == 1:
        v[ANSWERED] = 1
        v[ANSWERED_IN] = 1 if within else 0
        if wait >= 0:
            v[WAIT_MS] = wait
            v[WAIT_KNOWN] = 1
    elif call.outcome == 2:
        v[ABANDONED] = 1
        v[ABANDONED_IN] = 1 if within else 0
        v[ABANDONED_SHORT] = 1 if 0 <= wait <= queue.short else 0
    else:
        v[FLOWED_OUT] = 1
        v[FLOWED_LATE] = 0 if within else 1


@njit(cache=True, nogil=True, _nrt=False)
def fill_completion(store: Store, slot: int) -> None:
    """``store.scratch`` = what the completion of a call counts as."""
    call = store.slots[slot]
    v = store.scratch
    v[:] = 0
    v[COMPLETED] = 1
    v[TALK_MS] = max(call.talk, 0)
    v[HANDLE_MS] = max(call.talk, 0) + max(call.hold, 0) + max(call.wrap, 0)


@njit(cache=True, nogil=True, _nrt=False)
def _share(store: Store, slot: int, arrival: int, ts: int, sign: int) -> None:
    """Add ``store.scratch`` of a call that arrived at *arrival*, for a fact of *ts*, everywhere that it counts."""
    call = store.slots[slot]
    spread(store, call.queue, ts, sign)
    add_to_row(store, row_of(store, call.queue, ts) if store.meta[BY_EVENT] else call.row, sign)
    watch = store.queues[call.queue].watch
    if watch >= 0 and arrival >= watch:
        add_since(store, call.queue, sign)


@njit(cache=True, nogil=True, _nrt=False)
def add_since(store: Store, queue: int, sign: int) -> None:
    """Add ``store.scratch`` to the window of calls offered since the resolve."""
    for c in range(len(store.scratch)):
        store.sums[queue, 5, c] += sign * store.scratch[c]
    store.queues[queue].stirred = 1  # also by an event ahead of the clock, which no rolling window holds yet


@njit(cache=True, nogil=True, _nrt=False)
def count(store: Store, slot: int, sign: int, offer: bool, outcome: bool, completion: bool) -> None:
    """Add (*sign* 1) or take back (-1) the named parts of a call's share of the figures."""
    call = store.slots[slot]
    arrival = arrival_of(store, slot)
    if arrival >= 0 and offer and call.kind == CALL:
        store.scratch[:] = 0
        store.scratch[OFFERED] = 1
        _share(store, slot, arrival, arrival, sign)
    if arrival >= 0 and outcome:
        fill_outcome(store, slot)
        _share(store, slot, arrival, call.out_ts if call.outcome > 0 else arrival, sign)
    if completion and call.done_ts >= 0:
        fill_completion(store, slot)
        _share(store, slot, arrival, call.done_ts, sign)


@njit(cache=True, nogil=True, _nrt=False)
def move_row(store: Store, slot: int, arrival: int) -> None:
    """Refer *slot* to the interval row of *arrival* (none for -1) and no longer to the one before."""
    call = store.slots[slot]
    if call.row >= 0:
        store.rows[call.row].refs -= 1
        if call.member == WAITING:
            store.rows[call.row].open -= 1
    call.row = row_of(store, call.queue, arrival) if arrival >= 0 else -1
    if call.row >= 0:
        store.rows[call.row].refs += 1
        if call.member == WAITING:
            store.rows[call.row].open += 1


@njit(cache=True, nogil=True, _nrt=False)
def set_member(store: Store, slot: int, member: int) -> None:
    """Make a call wait in its queue, be lost track of, or be away; keeps the list and the counts of its queue."""
    call = store.slots[slot]
    if call.member == member:
        return
    queue = store.queues[call.queue]
    if call.member == WAITING:
        if call.prev >= 0:
            store.slots[call.prev].next = call.next
        else:
            queue.head = call.next
        if call.next >= 0:
            store.slots[call.next].prev = call.prev
        queue.waiting -= 1
        if call.row >= 0:
            store.rows[call.row].open -= 1
    elif call.member == LOST:
        queue.lost -= 1
    if member == WAITING:
        call.prev, call.next = -1, queue.head
        if queue.head >= 0:
            store.slots[queue.head].prev = slot
        queue.head = slot
        queue.waiting += 1
        if call.row >= 0:
            store.rows[call.row].open += 1
    elif member == LOST:
        queue.lost += 1
    call.member = member
    queue.stirred = 1


@njit(cache=True, nogil=True, _nrt=False)
def settle(store: Store, slot: int) -> None:
    """Make a call wait or be away by its facts: it waits when it was offered and nothing ended that."""
    call = store.slots[slot]
    waits = call.kind == CALL and call.offered >= 0 and call.outcome == 0 and call.done_ts < 0
    set_member(store, slot, WAITING if waits else AWAY)
