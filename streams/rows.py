"""Interval rows: what happened to the calls that arrived in one half-hour (or quarter) of one queue.

A row is kept while it may still be corrected: until it lies wholly below the floor and no call in memory refers to it.
"""

from __future__ import annotations

from numba import njit

from streams.counters import COMPLETED, HANDLE_MS, ROW_COUNTERS
from streams.store import CHANGED, FLOOR, HANDLED, LISTED, ROW_FREE, ROWS, Store
from streams.zones import interval_start


@njit(cache=True, nogil=True, _nrt=False)
def row_of(store: Store, queue: int, ts: int) -> int:
    """The row of *queue* that *ts* lies in, made where it is missing; -1 where it lies wholly below the floor.

    A row below the floor was published and let go; to begin it anew would publish a part for the whole.
    """
    at = store.queues[queue].rows
    while at >= 0:
        row = store.rows[at]
        if row.start <= ts < row.end:
            return int(at) if row.end > store.meta[FLOOR] else -1
        at = row.next
    zone = store.queues[queue].zone
    length = store.queues[queue].interval_ms
    start = interval_start(store.zone_starts[zone], store.zone_offsets[zone], ts, length)
    if start + length <= store.meta[FLOOR]:
        return -1
    at = store.meta[ROW_FREE]
    if at >= 0:
        store.meta[ROW_FREE] = store.rows[at].next
    else:
        at = store.meta[ROWS]
        store.meta[ROWS] += 1
    row = store.rows[at]
    row.start, row.end, row.queue = start, start + length, queue
    row.open, row.refs, row.revision, row.dirty, row.used = 0, 0, 0, 0, 1
    row.next = store.queues[queue].rows
    store.queues[queue].rows = at
    store.row_counts[at, :] = 0
    return int(at)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def add_to_row(store: Store, at: int, sign: int) -> None:
    """Add *sign* times the contribution to row *at* (nothing for -1)."""
    if at < 0 or store.listed[0, LISTED] == 0:
        return
    handled = True
    for i in range(1, store.listed[0, LISTED] + 1):
        counter = store.listed[0, i]
        if counter < ROW_COUNTERS:
            store.row_counts[at, counter] += sign * store.listed[1, i]
        handled &= COMPLETED <= counter <= HANDLE_MS
    if not handled:
        store.rows[at].dirty = CHANGED
    elif store.rows[at].dirty == 0:
        store.rows[at].dirty = HANDLED


@njit(cache=True, nogil=True, _nrt=False)
def free_rows(store: Store) -> None:
    """Let go of the rows that are published, wholly below the floor and referred to by no call."""
    for at in range(store.meta[ROWS]):
        row = store.rows[at]
        published = row.dirty == 0 or (row.dirty == HANDLED and row.revision > 0)
        if row.used == 1 and row.refs == 0 and published and row.end <= store.meta[FLOOR]:
            _unlink(store, at)
            row.used = 0
            row.next = store.meta[ROW_FREE]
            store.meta[ROW_FREE] = at


@njit(cache=True, nogil=True, _nrt=False)
def _unlink(store: Store, at: int) -> None:
    queue = store.rows[at].queue
    before = store.queues[queue].rows
    if before == at:
        store.queues[queue].rows = store.rows[at].next
        return
    while store.rows[before].next != at:
        before = store.rows[before].next
    store.rows[before].next = store.rows[at].next
