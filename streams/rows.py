"""Interval rows: what happened to the calls that arrived in one half-hour (or quarter) of one queue.

A row is kept while it may still be corrected: until it lies wholly below the floor and no call in memory refers to it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from models.formula import ratio
from models.identity import BASIS, finish
from streams.counters import (
    ABANDONED,
    ABANDONED_IN,
    ANSWERED,
    ANSWERED_IN,
    BLOCKED,
    COMPLETED,
    FLOWED_OUT,
    HANDLE_MS,
    IVR_ABANDONED,
    OFFERED,
    ROW_COUNTERS,
    UNRESOLVED,
    WAIT_MS,
)
from streams.level import service
from streams.store import CHANGED, FLOOR, HANDLED, LISTED, ROW_FREE, ROWS, Store
from streams.zones import interval_start

#: Counts that a published row shows, one by one; its ratios follow from them but for the service level.
_SHOWN = np.array(
    [
        *(OFFERED, ANSWERED, ABANDONED, FLOWED_OUT, IVR_ABANDONED, BLOCKED),
        *(ANSWERED_IN, ABANDONED_IN, WAIT_MS, UNRESOLVED),
    ],
    np.int64,
)
_PRIME = np.uint64(0x100000001B3)
#: A share times this is a whole number but for what is too small to matter.
_SHARE = float(2**53)


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
def shown(store: Store, at: int) -> np.uint64:
    """A hash of what row *at* shows: another when one of its counts, its service level or what defines that is another.

    What is new about a call need not change that: a later interval's answer, a wait that was implied before.
    """
    n, queue = store.row_counts[at], store.queues[store.rows[at].queue]
    h = (BASIS ^ np.uint64(queue.formula)) * _PRIME
    h = (h ^ np.uint64(queue.threshold)) * _PRIME
    for i in range(len(_SHOWN)):
        h = (h ^ np.uint64(n[_SHOWN[i]])) * _PRIME
    met, base = service(n, queue.formula, queue.flow_out)
    h = (h ^ np.uint64(ratio(met, base) * _SHARE if base > 0 else 1.0)) * _PRIME
    return np.uint64(finish(h))


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
