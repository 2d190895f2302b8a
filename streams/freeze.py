"""A queue's state as bytes and back: what a snapshot holds.

Only what cannot be derived is kept: calls, interval rows, the sums of the day and since the resolve, a few times and
counts. Rolling windows, the list of waiting calls and the agent counts are rebuilt from the calls.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson
from numba import njit
from numpy.typing import NDArray

from streams.apply import is_kept, keep_floor, take_again
from streams.calls import count, set_member, settle
from streams.counters import COUNTERS
from streams.store import AGENT, CLOCKED, DAY, LOST, RAISED, RESOLVE, ROW, ROW_FREE, ROWS, SLOT, SLOTS, Store

#: Raised whenever SLOT, ROW, the counters or the header change; an unknown version is refused (see ``thaw``).
VERSION: Final = 1
_SCALARS: Final = ("last_event", "open_since", "watch", "duplicates", "too_late", "negative", "known", "open")


def slots_by_queue(store: Store) -> dict[int, NDArray[np.int64]]:
    """Indices of the slots in use, by queue, each in the order of their keys (so that the bytes do not depend on
    which slot a call happened to get)."""
    slots = store.slots[: int(store.meta[SLOTS])]
    used = np.flatnonzero(slots["kind"] >= 0)
    order = used[np.lexsort((slots["key"][used], slots["queue"][used]))]
    if not len(order):
        return {}
    queues, starts = np.unique(slots["queue"][order], return_index=True)
    return {int(q): part for q, part in zip(queues, np.split(order, starts[1:]), strict=True)}


def _rows_of(store: Store, queue: int) -> list[int]:
    found: list[int] = []
    at = int(store.queues[queue]["rows"])
    while at >= 0:
        found.append(at)
        at = int(store.rows[at]["next"])
    return sorted(found, key=lambda row: int(store.rows[row]["start"]))


def freeze(store: Store, queue: int, slots: NDArray[np.int64]) -> bytes:
    """The state of *queue*, whose slots are *slots*, as bytes."""
    record = store.queues[queue]
    rows = _rows_of(store, queue)
    calls = store.slots[slots].copy()
    numbers, order = np.array([-1, *rows], np.int32), np.argsort([-1, *rows])
    calls["row"] = order[np.searchsorted(numbers, calls["row"], sorter=order)] - 1
    calls["queue"], calls["prev"], calls["next"] = 0, -1, -1
    kept = store.rows[rows].copy()
    kept["queue"], kept["next"], kept["open"], kept["refs"] = 0, -1, 0, 0
    header = {
        "version": VERSION,
        "calls": len(calls),
        "rows": len(rows),
        "day_start": int(store.day_start[record["zone"]]),
        **{name: int(record[name]) for name in _SCALARS},
    }
    parts = (store.sums[queue, DAY], store.sums[queue, RESOLVE], store.row_counts[rows])
    return b"".join((orjson.dumps(header), b"\n", calls.tobytes(), kept.tobytes(), *(part.tobytes() for part in parts)))


def thaw(store: Store, queue: int, data: bytes) -> None:
    """Put the state that `freeze` took into the blank *queue* of *store*, whose clock stands where it shall go on.

    The store must have room (``room_for``). Raises ValueError for a version that this program does not read.
    """
    line, _, body = data.partition(b"\n")
    header = orjson.loads(line)
    if header["version"] != VERSION:
        raise ValueError(f"snapshot version {header['version']}, this program reads {VERSION}")
    n, r = header["calls"], header["rows"]
    calls = np.frombuffer(body, SLOT, n)
    rows = np.frombuffer(body, ROW, r, n * SLOT.itemsize)
    tail = np.frombuffer(body, np.int64, offset=n * SLOT.itemsize + r * ROW.itemsize).reshape(2 + r, COUNTERS)
    record = store.queues[queue]
    for name in _SCALARS:
        record[name] = header[name]
    record["stirred"], record["changed"] = 1, 0
    record["watch"] = -1  # while the calls are put back, nothing is counted twice
    places = np.array([_put_row(store, queue, row, tail[2 + i]) for i, row in enumerate(rows)], np.int32)
    _put_calls(store, queue, calls.copy(), places)
    if header["day_start"] == store.day_start[record["zone"]]:
        store.sums[queue, DAY] = tail[0]
    store.sums[queue, RESOLVE] = tail[1]
    record["watch"] = header["watch"]


def _put_row(store: Store, queue: int, row: Any, counts: NDArray[np.int64]) -> int:
    at = int(store.meta[ROW_FREE])
    if at >= 0:
        store.meta[ROW_FREE] = store.rows[at]["next"]
    else:
        at = int(store.meta[ROWS])
        store.meta[ROWS] += 1
    store.rows[at] = row
    store.rows[at]["queue"] = queue
    store.rows[at]["next"] = store.queues[queue]["rows"]
    store.queues[queue]["rows"] = at
    store.row_counts[at] = counts
    return at


@njit(cache=True, nogil=True)
def _put_calls(store: Store, queue: int, calls: NDArray[Any], places: NDArray[np.int32]) -> None:
    """Enter frozen *calls*; *places* says which row of the store each of their rows is now."""
    # The snapshot of a queue without change may be old: what was let go of since does not come back. There would not
    # be room for it either, and a floor raised here would depend on when the worker was restored.
    # Before the first clock calls are let go of at the limit alone.
    floor = keep_floor(store) if store.meta[CLOCKED] else store.meta[RAISED]
    for i in range(len(calls)):
        old = calls[i]
        if not is_kept(old, floor):
            continue
        at = take_again(store, queue, old)
        if old.kind == AGENT:
            continue
        count(store, at, 1, True, True, True)
        if old.row >= 0:
            store.slots[at].row = places[old.row]
            store.rows[places[old.row]].refs += 1
        settle(store, at)
        if old.member == LOST:
            set_member(store, at, LOST)
