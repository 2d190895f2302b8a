"""One pass over the columns of a batch: each event merged into its call, each change moved into the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import AHEAD_LIMIT_MS, EventType
from streams.buckets import advance
from streams.merge import hear_call
from streams.notes import hear_caller, hear_note, is_note, is_of_caller
from streams.slots import set_floor, take_slot
from streams.staff import enlist, hear_agent
from streams.store import (
    AGENT,
    BLOCKED_CALL,
    BUCKET,
    BUCKET_MS,
    CALL,
    CLOCKED,
    ELSEWHERE,
    FLOOR,
    MENU,
    NOTE,
    NOW,
    NOWHERE,
    SAME_REGION,
    SAME_SITE,
    Store,
)
from streams.sweep import begin_days
from streams.table import find

_BLOCKED = int(EventType.CALL_BLOCKED)
_MENU = int(EventType.IVR_ABANDONED)
_OFFERED = int(EventType.CALL_OFFERED)
_ANSWERED = int(EventType.CALL_ANSWERED)
_COMPLETED = int(EventType.CALL_COMPLETED)
_AGENT = int(EventType.AGENT_STATE)
_LAST_CALL_TYPE = int(EventType.CALL_RESOLVED)

#: A record that comes so much behind the clock is late: the span that one may lie ahead.
_LATE_MS = AHEAD_LIMIT_MS


@njit(cache=True, nogil=True, _nrt=False)
def take_again(store: Store, queue: int, was: Any) -> int:
    """A slot of *store* with the facts of *was*, no point, of another store or of a snapshot; -1 without room.

    An agent is counted; what else it counts as is left to the caller, who knows a call's interval row.
    """
    at = take_slot(store, was.key, queue, was.kind)
    if at < 0:
        return -1
    call = store.slots[at]
    call.offered, call.first_queued, call.out_ts = was.offered, was.first_queued, was.out_ts
    call.word, call.done_ts, call.outcome, call.code = was.word, was.done_ts, was.outcome, was.code
    call.out_wait, call.talk, call.hold, call.wrap = was.out_wait, was.talk, was.hold, was.wrap
    call.threshold, call.short, call.immediate = was.threshold, was.short, was.immediate
    call.direction, call.line, call.channel = was.direction, was.line, was.channel
    call.origin, call.peak = was.origin, was.peak
    if was.kind == AGENT:
        enlist(store, at)
    return int(at)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _origin(store: Store, queue: int, site: int) -> int:
    """Where a call came from, by the identity of the site it came from (0 none)."""
    record = store.queues[queue]
    if site == 0:
        return NOWHERE
    if site == record.site:
        return SAME_SITE
    if record.region >= 0:
        for known in store.regions[record.region]:
            if known == site:
                return SAME_REGION
    return ELSEWHERE


@njit(cache=True, nogil=True, _nrt=False)
def _kind_of_slot(kind: int) -> int:
    """What an event's slot is."""
    if _OFFERED <= kind <= _COMPLETED:
        return CALL
    if kind == _MENU:
        return MENU
    if kind == _BLOCKED:
        return BLOCKED_CALL
    return AGENT if kind == _AGENT else NOTE


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _keep_time(store: Store, ts: int) -> None:
    """Until the first clock record the time follows the latest event, and while no owner keeps the time (so that the
    decoder lets through what lies further ahead) it follows a minute behind; nothing is judged then."""
    at_least = ts if store.meta[CLOCKED] == 0 else ts - AHEAD_LIMIT_MS
    if at_least > store.meta[NOW]:
        store.meta[NOW] = at_least
        set_floor(store)
        if at_least // BUCKET_MS > store.meta[BUCKET]:
            begin_days(store, len(store.queues), at_least)
            advance(store, at_least // BUCKET_MS)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _is_in_time(store: Store, at: int, kind: int, ts: int, direction: int) -> bool:
    """Note when queue number *at* was heard of, and when somebody came and got through (*direction* 0); False, and
    counted, for what lies below the floor."""
    queue = store.queues[at]
    queue.changed = 1
    if ts < store.meta[FLOOR]:
        queue.too_late += 1
        queue.too_late_day += 1
        return False
    if store.meta[CLOCKED] and ts < store.meta[NOW] - _LATE_MS:
        queue.late_day += 1
    queue.last_word = max(queue.last_word, ts)
    if kind <= _LAST_CALL_TYPE and ts > queue.last_event:
        queue.last_event = ts
    if direction == 0 and kind == _ANSWERED:
        queue.last_answered = max(queue.last_answered, ts)
    elif direction == 0 and kind in (_OFFERED, _BLOCKED):
        queue.last_came = max(queue.last_came, ts)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def apply(
    store: Store,
    first_row: int,
    end_row: int,
    kinds: NDArray[np.int16],
    ts_ms: NDArray[np.int64],
    queues: NDArray[np.int32],
    keys: NDArray[np.uint64],
    codes: NDArray[np.int8],
    first_queued: NDArray[np.int64],
    durations: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    values: NDArray[np.float64],
    who: NDArray[np.uint64],
    sites: NDArray[np.uint64],
    described: tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]],
) -> None:
    """Apply the rows *first_row* to *end_row* of a batch (see ``EventColumns``) in log order.

    *durations*: wait, talk, hold, wrap in ms. *described*: direction, line, channel. Rows without a queue pass.
    """
    for r in range(first_row, end_row):
        at, kind, ts = queues[r], kinds[r], ts_ms[r]
        if at < 0 or kind < _BLOCKED:  # control records, and what names no queue
            continue
        _keep_time(store, ts)
        if not _is_in_time(store, at, kind, ts, described[0][r]):
            continue
        slot_kind = _kind_of_slot(kind)
        if slot_kind == NOTE and not is_note(kind, values[r], codes[r]):
            continue
        new = False
        if slot_kind == AGENT:
            new = hear_agent(store, keys[r], at, ts, codes[r], who[r])
        else:
            slot = find(store.slots, store.table, keys[r])
            if slot < 0:
                slot = take_slot(store, keys[r], at, slot_kind)
                if slot < 0:
                    continue
            if slot_kind == NOTE:
                new = hear_note(store, slot, kind, ts, values[r], codes[r])
            else:
                times = (durations[0][r], durations[1][r], durations[2][r], durations[3][r])
                kinds_of = (described[0][r], described[1][r], described[2][r], _origin(store, at, sites[r]))
                new = hear_call(store, slot, (kind, ts, codes[r], *times, first_queued[r], *kinds_of))
            if who[r] != 0 and described[0][r] == 0 and is_of_caller(kind):
                hear_caller(store, who[r], at, kind, ts)
        if not new:
            store.queues[at].duplicates += 1
            store.queues[at].duplicates_day += 1
