"""Rolling windows as whole 5-second buckets: sums are kept, not recomputed.

A queue has an entry for each bucket in which something happened; all entries of one bucket are linked, so that moving
the clock touches only what happened in the buckets that enter and leave, whatever the number of queues. A window at
the clock of bucket B is the buckets ``B - width + 1 .. B``; the day is the buckets since local midnight. Entries ahead
of the clock wait for it.

An entry has the first counters itself and, in a chain of pages, those blocks of the others (``streams.counters``) that
something was added to. A call touches a few of the many, so that memory and moving a bucket cost what happened in it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.counters import BLOCK, COUNTERS, HOT, USUAL, WAIT_BINS
from streams.store import (
    BUCKET,
    BUCKET_MS,
    DAY,
    ENTRIES,
    ENTRY_FREE,
    LISTED,
    LONGEST,
    PAGE_BLOCK,
    PAGE_COUNTS,
    PAGE_FREE,
    PAGE_NEXT,
    PAGES,
    RING,
    STIRRED,
    STIRRED_BINS,
    STIRRED_REST,
    WINDOW_BUCKETS,
    Store,
)

_WIDTHS = np.array(WINDOW_BUCKETS, np.int64)
#: By block, which figures it stirs.
_STIRS = np.array(
    [STIRRED if at < USUAL else STIRRED_BINS if at >= WAIT_BINS else STIRRED_REST for at in range(0, COUNTERS, BLOCK)],
    np.int8,
)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def begin_list(listed: NDArray[np.int64]) -> None:
    """Begin a contribution in *listed* (`Store.listed`): nothing is listed yet."""
    listed[0, LISTED] = 0


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def put(listed: NDArray[np.int64], counter: int, amount: int) -> None:
    """List *amount* more of *counter* for the contribution that was begun."""
    n = listed[0, LISTED] + 1
    listed[0, n] = counter
    listed[1, n] = amount
    listed[0, LISTED] = n


@njit(cache=True, nogil=True, _nrt=False)
def add_listed(sums: NDArray[np.int64], listed: NDArray[np.int64], sign: int) -> None:
    """Add *sign* times the contribution to the *sums* of one window of a queue."""
    for i in range(1, listed[0, LISTED] + 1):
        sums[listed[0, i]] += sign * listed[1, i]


@njit(cache=True, nogil=True, _nrt=False, inline="always")
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
    entry.page = -1
    store.counts[at, :] = 0
    store.heads[place] = at
    store.ring[queue, place] = at
    return int(at)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _page(store: Store, entry: int, block: int) -> int:
    """The page of *entry* that holds *block*, made where it is missing."""
    page = np.int64(store.entries[entry].page)
    while page >= 0:
        if store.pages[page, PAGE_BLOCK] == block:
            return int(page)
        page = store.pages[page, PAGE_NEXT]
    page = store.meta[PAGE_FREE]
    if page >= 0:
        store.meta[PAGE_FREE] = store.pages[page, PAGE_NEXT]
    else:
        page = store.meta[PAGES]
        store.meta[PAGES] += 1
    store.pages[page, :] = 0
    store.pages[page, PAGE_NEXT] = store.entries[entry].page
    store.pages[page, PAGE_BLOCK] = block
    store.entries[entry].page = page
    return int(page)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def spread(store: Store, queue: int, ts: int, sign: int) -> None:
    """Add *sign* times the contribution to the buckets and windows of *queue* at the time *ts* (ms)."""
    bucket = ts // BUCKET_MS
    now = store.meta[BUCKET]
    record = store.queues[queue]
    if bucket > now - LONGEST:
        at = _entry(store, queue, bucket)
        for i in range(1, store.listed[0, LISTED] + 1):
            counter = store.listed[0, i]
            amount = sign * store.listed[1, i]
            if counter < HOT:
                store.counts[at, counter] += amount
            else:
                page = _page(store, at, counter // BLOCK)
                store.pages[page, PAGE_COUNTS + counter % BLOCK] += amount
        if bucket > now:
            return
        for w in range(len(_WIDTHS)):
            if bucket > now - _WIDTHS[w]:
                add_listed(store.sums[queue, w], store.listed, sign)
    if ts >= store.day_start[record.zone]:
        add_listed(store.sums[queue, DAY], store.listed, sign)
    for i in range(1, store.listed[0, LISTED] + 1):
        record.stirred |= _STIRS[store.listed[0, i] // BLOCK]


@njit(cache=True, nogil=True, _nrt=False)
def add_entry(store: Store, entry: int, first: int, end: int, sign: int) -> None:
    """Add *sign* times all that *entry* holds to the sums of the windows *first* to *end* of its queue."""
    queue = store.entries[entry].queue
    stirs = STIRRED
    for w in range(first, end):
        for c in range(HOT):
            store.sums[queue, w, c] += sign * store.counts[entry, c]
    page = np.int64(store.entries[entry].page)
    while page >= 0:
        at = store.pages[page, PAGE_BLOCK] * BLOCK
        for w in range(first, end):
            for c in range(BLOCK):
                store.sums[queue, w, at + c] += sign * store.pages[page, PAGE_COUNTS + c]
        stirs |= _STIRS[at // BLOCK]
        page = store.pages[page, PAGE_NEXT]
    store.queues[queue].stirred |= stirs


@njit(cache=True, nogil=True, _nrt=False)
def _enter(store: Store, bucket: int) -> None:
    """Take *bucket* into every rolling window and into the day."""
    at = store.heads[bucket % RING]
    while at >= 0:
        record = store.queues[store.entries[at].queue]
        today = bucket * BUCKET_MS >= store.day_start[record.zone]
        add_entry(store, at, 0, DAY + 1 if today else DAY, 1)
        record.changed = 1
        at = store.entries[at].next


@njit(cache=True, nogil=True, _nrt=False)
def _leave(store: Store, window: int, bucket: int) -> None:
    """Take *bucket* out of one rolling window."""
    at = store.heads[bucket % RING]
    while at >= 0:
        add_entry(store, at, window, window + 1, -1)
        at = store.entries[at].next


@njit(cache=True, nogil=True, _nrt=False)
def _free(store: Store, bucket: int) -> None:
    """Give back the entries of a *bucket* that no window holds any more, and their pages."""
    place = bucket % RING
    at = store.heads[place]
    while at >= 0:
        following = store.entries[at].next
        page = np.int64(store.entries[at].page)
        while page >= 0:
            after = store.pages[page, PAGE_NEXT]
            store.pages[page, PAGE_NEXT] = store.meta[PAGE_FREE]
            store.meta[PAGE_FREE] = page
            page = after
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
