"""A queue's state as bytes and back: what a snapshot holds.

Only what cannot be derived is kept: slots, interval rows, the sums of the day and since the resolve, a few times and
counts. Rolling windows, the list of waiting calls, agent counts and their points' order are rebuilt from the slots.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson
from numba import njit
from numpy.typing import NDArray

from models.event import UNKNOWN
from streams.apply import take_again
from streams.calls import EVERY_PART, count, count_other, set_member, settle
from streams.counters import COUNTERS, ROW_COUNTERS
from streams.slots import is_kept, keep_floor, lost_floor
from streams.staff import follow
from streams.store import (
    AGENT,
    AHEAD,
    ALL_STIRRED,
    CLOCKED,
    DAY,
    LOST,
    POINT,
    RAISED,
    RESOLVE,
    ROW,
    ROW_FREE,
    ROWS,
    SLOT,
    SLOTS,
    Store,
)

#: Raised whenever SLOT, ROW, the counters or the header change; an unknown version is refused (see ``thaw``).
VERSION: Final = 3
_SCALARS: Final = ("last_event", "last_word", "open_since", "watch", "duplicates", "too_late", "known", "open")
#: Those that older snapshots lack: unknown then.
_LATER: Final = ("last_answered", "last_came")
_OF_THE_DAY: Final = ("late_day", "too_late_day", "duplicates_day")


def slots_by_queue(store: Store) -> dict[int, NDArray[np.int64]]:
    """Indices of the slots in use, by queue, each in the order of their keys (so that the bytes do not depend on
    which slot a call happened to get); points follow their agent, in the order of time."""
    slots = store.slots[: int(store.meta[SLOTS])]
    used = np.flatnonzero(slots["kind"] >= 0)
    by = [np.where(slots["kind"][used] == POINT, slots["out_ts"][used], -1), slots["key"][used], slots["queue"][used]]
    order = used[np.lexsort(by)]
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
    calls["row"][calls["kind"] >= AGENT] = -1  # a point, or its agent
    calls["wrap"][calls["kind"] == POINT] = -1
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
        **{name: int(record[name]) for name in (*_SCALARS, *_LATER, *_OF_THE_DAY)},
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
    tail = np.frombuffer(body, np.int64, offset=n * SLOT.itemsize + r * ROW.itemsize)
    sums, counts = tail[: 2 * COUNTERS].reshape(2, COUNTERS), tail[2 * COUNTERS :].reshape(r, ROW_COUNTERS)
    record = store.queues[queue]
    for name in _SCALARS:
        record[name] = header[name]
    for name in _LATER:
        record[name] = header.get(name, UNKNOWN)
    record["stirred"], record["changed"] = ALL_STIRRED, 0
    record["watch"] = -1  # while the calls are put back, nothing is counted twice
    places = np.array([_put_row(store, queue, row, counts[i]) for i, row in enumerate(rows)], np.int32)
    _put_calls(store, queue, calls.copy(), places)
    if header["day_start"] == store.day_start[record["zone"]]:
        store.sums[queue, DAY] = sums[0]
        for name in _OF_THE_DAY:
            record[name] = header[name]
    store.sums[queue, RESOLVE] = sums[1]
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
    lost = lost_floor(store) if store.meta[CLOCKED] else store.meta[RAISED]
    agent = -1
    for i in range(len(calls)):
        old = calls[i]
        if old.kind == POINT:
            if agent >= 0 and _is_kept_point(calls, i, floor):
                follow(store, agent, old, old.member == AHEAD)
            continue
        agent = -1
        if not is_kept(old, floor, lost):
            continue
        at = take_again(store, queue, old)
        if at < 0:
            continue
        if old.kind == AGENT:
            agent = at
            continue
        if old.kind > AGENT:
            count_other(store, at, 1)
            continue
        count(store, at, 1, EVERY_PART)
        if old.row >= 0:
            store.slots[at].row = places[old.row]
            store.rows[places[old.row]].refs += 1
        settle(store, at)
        if old.member == LOST:
            set_member(store, at, LOST)


@njit(cache=True, nogil=True, _nrt=False)
def _is_kept_point(calls: NDArray[Any], i: int, floor: int) -> bool:
    """Whether point *i* of the frozen *calls* is the last of its agent, or the one after it lies not below *floor*."""
    last = i + 1 == len(calls) or calls[i + 1].kind != POINT or calls[i + 1].key != calls[i].key
    return last or calls[i + 1].out_ts >= floor
