"""Slots: how one is taken, how long it is kept, how it is let go of.

The floor is the time below which nothing is changed any more: four hours before the clock, higher where the slots ran
out. What lies wholly below it is let go of.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from models.event import LATENESS_MS
from streams.calls import set_member
from streams.store import (
    AGENT,
    AWAY,
    CALLER,
    FLOOR,
    LIMIT,
    MINUTE,
    NOW,
    POINT,
    RAISED,
    REFUSED,
    SLOT_FREE,
    SLOT_LIVE,
    SLOTS,
    WAITING,
    Store,
)
from streams.table import insert, remove

#: A lost caller who gets through within a day is recovered, so who was lost is kept for a day beyond the floor.
RECOVERY_MS = 86_400_000
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
def lost_floor(store: Store) -> int:
    """Below it callers who were lost are forgotten: a day below the floor, unless the slots ran out."""
    return int(max(store.meta[MINUTE] - LATENESS_MS - RECOVERY_MS, store.meta[RAISED]))


@njit(cache=True, nogil=True, _nrt=False)
def is_kept(call: Any, floor: int, lost: int) -> bool:
    """Whether a slot in use, no point, lies not wholly below *floor* (a lost caller: *lost*).

    Who still waits, and agents at work, always are kept.
    """
    if call.member == WAITING or (call.kind == AGENT and call.code != 0):
        return True
    if call.kind == CALLER and call.out_ts >= lost:
        return True
    return bool(max(call.offered, call.out_ts, call.word, call.done_ts) >= floor)


@njit(cache=True, nogil=True, _nrt=False)
def drop(store: Store, at: int) -> None:
    """Give back a slot that nothing refers to."""
    slot = store.slots[at]
    if slot.kind != POINT:
        remove(store.slots, store.table, at)
    slot.kind = -1
    slot.next = store.meta[SLOT_FREE]
    store.meta[SLOT_FREE] = at
    store.meta[SLOT_LIVE] -= 1


@njit(cache=True, nogil=True, _nrt=False)
def _forget_agent(store: Store, at: int) -> None:
    """Take an agent and all their points out of every list."""
    agent = store.slots[at]
    point = agent.row
    while point >= 0:
        before = store.slots[point].prev
        drop(store, point)
        point = before
    if agent.prev >= 0:
        store.slots[agent.prev].next = agent.next
    else:
        store.queues[agent.queue].agents = agent.next
    if agent.next >= 0:
        store.slots[agent.next].prev = agent.prev


@njit(cache=True, nogil=True, _nrt=False)
def _forget_point(store: Store, at: int, floor: int) -> None:
    """Let go of a point whose successor lies below the floor: nothing comes before that any more."""
    point = store.slots[at]
    if point.next < 0 or store.slots[point.next].out_ts >= floor:
        return
    store.slots[point.next].prev = point.prev
    if point.prev >= 0:
        store.slots[point.prev].next = point.next
    drop(store, at)


@njit(cache=True, nogil=True, _nrt=False)
def free_slots(store: Store) -> None:
    """Let go of what lies wholly below the floor as it stood at the last full minute.

    The full minute makes what is in memory a function of the clock alone, so a restored worker has the same.
    """
    floor, lost = keep_floor(store), lost_floor(store)
    for at in range(store.meta[SLOTS]):
        call = store.slots[at]
        if call.kind < 0:
            continue
        if call.kind == POINT:
            _forget_point(store, at, floor)
        elif not is_kept(call, floor, lost):
            if call.kind == AGENT:
                _forget_agent(store, at)
            elif call.kind < AGENT:
                set_member(store, at, AWAY)
                if call.row >= 0:
                    store.rows[call.row].refs -= 1
            drop(store, at)


@njit(cache=True, nogil=True, _nrt=False)
def _make_room(store: Store) -> bool:
    """At the limit of slots: raise the floor until one can be let go. False when it may rise no further."""
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
    """A blank slot entered under *key*; -1 (counted as refused) where the partition holds all that it may.

    To make room others may be let go of: hold no slot that could be among them. A point is found by no key.
    """
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
    call, limits = store.slots[at], store.queues[queue]
    call.key, call.queue, call.kind = key, queue, kind
    call.offered, call.first_queued, call.out_ts, call.word, call.done_ts = -1, -1, -1, -1, -1
    call.out_wait, call.talk, call.hold, call.wrap = -1, -1, -1, -1
    call.row, call.prev, call.next = -1, -1, -1
    call.outcome, call.code, call.member = 0, 0, AWAY
    call.direction, call.line, call.channel, call.origin, call.peak = 0, 0, 0, 0, 0
    call.threshold, call.short, call.immediate = limits.threshold, limits.short, limits.immediate
    if kind != POINT:
        insert(store.slots, store.table, at)
    return int(at)
