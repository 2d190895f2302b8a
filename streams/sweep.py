"""What is done now and then for all queues: local days that begin, rows that are due, the window since a resolve."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.buckets import add_entry
from streams.calls import count_since
from streams.rows import shown
from streams.store import ALL_STIRRED, BUCKET, BUCKET_MS, DAY, HANDLED, LONGEST, RESOLVE, RING, ROWS, SLOTS, Store
from streams.zones import day_start


@njit(cache=True, nogil=True, _nrt=False)
def begin_days(store: Store, queues: int, now_ms: int) -> None:
    """Where a local day has begun since the last clock, start the day's sums anew from its first bucket.

    To be called before the windows move to *now_ms*: buckets that enter by that count into the new day, however far
    the clock jumps.
    """
    for zone in range(len(store.day_start)):
        began = day_start(store.zone_starts[zone], store.zone_offsets[zone], now_ms)
        if began == store.day_start[zone]:
            continue
        store.day_start[zone] = began
        for q in range(queues):
            if store.queues[q].zone == zone:
                store.sums[q, DAY, :] = 0
                queue = store.queues[q]
                queue.late_day, queue.too_late_day, queue.duplicates_day = 0, 0, 0
                queue.stirred = ALL_STIRRED
                _fill_day(store, q, began)


@njit(cache=True, nogil=True, _nrt=False)
def _fill_day(store: Store, queue: int, began: int) -> None:
    now = store.meta[BUCKET]
    for bucket in range(max(began // BUCKET_MS, now - LONGEST + 1), now + 1):
        at = store.ring[queue, bucket % RING]
        if at >= 0:
            add_entry(store, at, DAY, DAY + 1, 1)


@njit(cache=True, nogil=True, _nrt=False)
def due_rows(store: Store, now_ms: int, all_rows: bool, out: NDArray[np.int32]) -> int:
    """Write into *out* the rows that must be published and return how many; each gets its next revision.

    A row is due when it changed, its interval is over and no call of it waits any more; with *all_rows* every changed
    row is, over or not. A row that never held anything but zeros is not, and handle times alone are no correction of
    a published row: calls go on for minutes after their interval, and it would be written again at every bucket. Nor
    is one that would show what it showed before.
    """
    n = 0
    for at in range(store.meta[ROWS]):
        row = store.rows[at]
        if row.used == 0 or row.dirty == 0:
            continue
        if not all_rows and (row.end > now_ms or row.open > 0):
            continue
        if not all_rows and row.dirty == HANDLED and row.revision > 0:
            continue
        row.dirty = 0
        store.queues[row.queue].changed = 1
        if row.revision == 0 and not store.row_counts[at].any():
            continue
        told = shown(store, at)
        if not all_rows and row.revision > 0 and row.told == told:
            row.dirty = HANDLED
            continue
        row.told = told
        row.revision += 1
        out[n] = at
        n += 1
    return n


@njit(cache=True, nogil=True, _nrt=False)
def watch(store: Store, queue: int, since_ms: int) -> None:
    """Let the window "resolve" of *queue* count the calls that arrive at or after *since_ms*; -1 ends it."""
    record = store.queues[queue]
    record.watch = since_ms
    record.stirred = ALL_STIRRED
    record.changed = 1
    store.sums[queue, RESOLVE, :] = 0
    if since_ms < 0:
        return
    for at in range(store.meta[SLOTS]):
        if store.slots[at].queue == queue:
            count_since(store, at, since_ms)
