"""Calls: what is known of each, merged so that order and repetition do not matter.

Each slot is a join of facts: the earliest offer, the earliest outcome (ties: answered, abandoned, flowed out), the
earliest completion, the latest word. A slot's share of the figures is a function of its facts alone (`streams.shares`),
so an event takes the old share back and adds the new one, and any order of the same events ends in the same sums.
"""

from __future__ import annotations

from numba import njit

from streams.buckets import add_listed, spread
from streams.rows import add_to_row, row_of
from streams.shares import arrival_of, list_completion, list_other, list_outcome, list_waiting
from streams.store import (
    AGENT,
    AHEAD,
    ALL_STIRRED,
    AWAY,
    BY_EVENT,
    CALL,
    LOST,
    NOTE,
    RESOLVE,
    STIRRED,
    WAITING,
    WEEK,
    Store,
)
from streams.zones import offset_at

#: Parts of a call's share.
OFFER, OUTCOME, DONE = 1, 2, 4
EVERY_PART = OFFER | OUTCOME | DONE

_HALF_HOUR_MS = 1_800_000
#: The epoch was a Thursday; weeks begin on Monday.
_EPOCH_HALF_HOUR = 3 * 48


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _since(store: Store, queue: int, arrival: int, sign: int) -> None:
    """Add the contribution of what arrived at *arrival* to the window since the resolve, if it lies in it."""
    record = store.queues[queue]
    if 0 <= record.watch <= arrival:
        add_listed(store.sums[queue, RESOLVE], store.listed, sign)
        record.stirred |= ALL_STIRRED  # also by an event ahead of the clock, which no rolling window holds yet


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def count(store: Store, slot: int, sign: int, parts: int) -> None:
    """Add (*sign* 1) or take back (-1) the *parts* (OFFER, OUTCOME, DONE) of the share of a call, in a queue or not.

    Who reached no queue has one part, the outcome.
    """
    call = store.slots[slot]
    arrival = arrival_of(store.slots, slot)
    for part in (OFFER, OUTCOME, DONE):
        if parts & part == 0:
            continue
        at = arrival
        if part == DONE:
            at = call.done_ts
        elif part == OUTCOME and call.outcome > 0:
            at = call.out_ts
        elif call.kind != CALL:
            continue
        if at < 0:
            continue
        waits = part == OUTCOME and call.outcome == 0
        if part == DONE:
            list_completion(store.slots, store.listed, slot)
        elif part == OUTCOME and not waits:
            list_outcome(store.slots, store.listed, slot, arrival)
        else:
            list_waiting(store.slots, store.listed, slot, arrival, part == OFFER)
        add_to_row(store, row_of(store, call.queue, at) if store.meta[BY_EVENT] else call.row, sign)
        if not waits:  # without an outcome: for the row alone
            spread(store, call.queue, at, sign)
            _since(store, call.queue, arrival, sign)


@njit(cache=True, nogil=True, _nrt=False)
def count_other(store: Store, slot: int, sign: int) -> None:
    """Add or take back the share of a note, a caller or a point that the clock has come to."""
    other = store.slots[slot]
    if other.out_ts < 0 or other.member == AHEAD:
        return
    list_other(store.slots, store.listed, slot)
    spread(store, other.queue, other.out_ts, sign)
    if other.kind == NOTE:
        _since(store, other.queue, other.out_ts, sign)


@njit(cache=True, nogil=True, _nrt=False)
def count_since(store: Store, slot: int, since_ms: int) -> None:
    """Add to the window since the resolve what *slot* counts in it, where it arrived at or after *since_ms*."""
    call = store.slots[slot]
    if call.kind < 0 or call.kind > NOTE or call.kind == AGENT:
        return
    arrival = arrival_of(store.slots, slot)
    if arrival < since_ms:
        return
    if call.kind == NOTE:
        list_other(store.slots, store.listed, slot)
        add_listed(store.sums[call.queue, RESOLVE], store.listed, 1)
        return
    if call.kind == CALL:
        list_waiting(store.slots, store.listed, slot, arrival, True)
        add_listed(store.sums[call.queue, RESOLVE], store.listed, 1)
    if call.outcome > 0:
        list_outcome(store.slots, store.listed, slot, arrival)
        add_listed(store.sums[call.queue, RESOLVE], store.listed, 1)
    if call.done_ts >= 0:
        list_completion(store.slots, store.listed, slot)
        add_listed(store.sums[call.queue, RESOLVE], store.listed, 1)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _in_peak(store: Store, queue: int, ts: int) -> int:
    """1 where *ts* lies in a half-hour of the local week that is a peak of *queue*."""
    record = store.queues[queue]
    if record.peaks < 0:
        return 0
    local = ts + offset_at(store.zone_starts[record.zone], store.zone_offsets[record.zone], ts)
    return int(store.peaks[record.peaks, (local // _HALF_HOUR_MS + _EPOCH_HALF_HOUR) % WEEK])


@njit(cache=True, nogil=True, _nrt=False)
def move_row(store: Store, slot: int, arrival: int) -> None:
    """Refer *slot* to the interval row of *arrival* (none for -1) and no longer to the one before."""
    call = store.slots[slot]
    call.peak = _in_peak(store, call.queue, arrival) if arrival >= 0 else 0
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
    queue.stirred |= STIRRED


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def settle(store: Store, slot: int) -> None:
    """Make a call wait or be away by its facts: it waits when it was offered and nothing ended that.

    A call that goes out waits for nobody.
    """
    call = store.slots[slot]
    waits = call.offered >= 0 and call.outcome == 0 and call.done_ts < 0 and call.direction == 0
    set_member(store, slot, WAITING if waits and call.kind == CALL else AWAY)
