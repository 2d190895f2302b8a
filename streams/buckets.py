"""Rolling windows as whole 5-second buckets: sums are kept, not recomputed.

A queue has an entry for each bucket in which something happened; all entries of one bucket are linked, so that moving
the clock touches only what happened in the buckets that enter and leave, whatever the number of queues. A window at
the clock of bucket B is the buckets ``B - width + 1 .. B``; the day is the buckets since local midnight. Entries ahead
of the clock wait for it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from streams.counters import COUNTERS
from streams.store import (
    BUCKET,
    BUCKET_MS,
    DAY,
    ENTRIES,
    ENTRY_FREE,
    LONGEST,
    RING,
    WINDOW_BUCKETS,
    Store,
)

_WIDTHS = np.array(WINDOW_BUCKETS, np.int64)


@njit(cache=True, nogil=True, _nrt=False)
def _entry(store: Store, queue: int, bucket: int) -> int:
    """The entry of *queue* for *bucket*, made where it is missing."""
    place = bucket % RING
    at = store.ring[queue, place]
    if at >= 0:
        return int(at)
    at = store.meta[ENTRY_FREE]
    if at >= 0:
        store.meta[ENTRY_FREE] = store.entries[at].next
    else:
        at = store.meta[ENTRIES]
        store.meta[ENTRIES] += 1
    entry = store.entries[at]
    entry.bucket = bucket
    entry.queue = queue
    entry.next = store.heads[place]
    store.counts[at, :] = 0
    store.heads[place] = at
    store.ring[queue, place] = at
    return int(at)


@njit(cache=True, nogil=True, _nrt=False)
def spread(store: Store, queue: int, ts: int, sign: int) -> None:
    """Add *sign* times ``store.scratch`` to the buckets and windows of *queue* at the time *ts* (ms)."""
    bucket = ts // BUCKET_MS
    now = store.meta[BUCKET]
    scratch, sums = store.scratch, store.sums
    if bucket > now - LONGEST:
        at = _entry(store, queue, bucket)
        for c in range(COUNTERS):
            store.counts[at, c] += sign * scratch[c]
        if bucket > now:
            return
        for w in range(len(_WIDTHS)):
            if bucket > now - _WIDTHS[w]:
                for c in range(COUNTERS):
                    sums[queue, w, c] += sign * scratch[c]
    record = store.queues[queue]
    if ts >= store.day_start[record.zone]:
        for c in range(COUNTERS):
            sums[queue, DAY, c] += sign * scratch[c]
    record.stirred = 1


@njit(cache=True, nogil=True, _nrt=False)
def _enter(store: Store, bucket: int) -> None:
    """Take *bucket* into every rolling window and into the day."""
    at = store.heads[bucket % RING]
    while at >= 0:
        queue = store.entries[at].queue
        record = store.queues[queue]
        for w in range(len(_WIDTHS)):
            for c in range(COUNTERS):
                store.sums[queue, w, c] += store.counts[at, c]
        if bucket * BUCKET_MS >= store.day_start[record.zone]:
            for c in range(COUNTERS):
                store.sums[queue, DAY, c] += store.counts[at, c]
        record.stirred = 1
        record.changed = 1
        at = store.entries[at].next


@njit(cache=True, nogil=True, _nrt=False)
def _leave(store: Store, window: int, bucket: int) -> None:
    """Take *bucket* out of one rolling window."""
    at = store.heads[bucket % RING]
    while at >= 0:
        queue = store.entries[at].queue
        for c in range(COUNTERS):
            store.sums[queue, window, c] -= store.counts[at, c]
        store.queues[queue].stirred = 1
        at = store.entries[at].next


@njit(cache=True, nogil=True, _nrt=False)
def _free(store: Store, bucket: int) -> None:
    """Give back the entries of a *bucket* that no window holds any more."""
    place = bucket % RING
    at = store.heads[place]
    while at >= 0:
        following = store.entries[at].next
        store.ring[store.entries[at].queue, place] = -1
        store.entries[at].next = store.meta[ENTRY_FREE]
        store.meta[ENTRY_FREE] = at
        at = following
    store.heads[place] = -1


@njit(cache=True, nogil=True, _nrt=False)
def advance(store: Store, bucket: int) -> bool:
    """Move the windows to the clock of *bucket*; never back. True when it moved."""
    now = store.meta[BUCKET]
    if bucket <= now:
        return False
    last = bucket if now < 0 else min(bucket, now + RING)  # RING steps empty every bucket: the rest is a jump
    while 0 <= now < last:
        now += 1
        _step(store, now)
    store.meta[BUCKET] = bucket
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _step(store: Store, bucket: int) -> None:
    """The clock enters *bucket*."""
    _enter(store, bucket)
    for w in range(len(_WIDTHS)):
        _leave(store, w, bucket - _WIDTHS[w])
    _free(store, bucket - LONGEST)
