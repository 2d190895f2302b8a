"""Notes and callers: what counts once by its identity, and who was lost and got through after all."""

from __future__ import annotations

import math

from numba import njit

from models.event import EventType
from models.identity import finish
from streams.calls import count_other
from streams.slots import RECOVERY_MS, take_slot
from streams.store import CALLER, Store
from streams.table import find

_VALUED = (int(EventType.CALL_RATED), int(EventType.CALL_SCORED))
_PROBE = int(EventType.PROBE_RESULT)
_LOST = (
    int(EventType.CALL_BLOCKED),
    int(EventType.IVR_ABANDONED),
    int(EventType.CALL_ABANDONED),
    int(EventType.CALLBACK_FAILED),
)
_THROUGH = (int(EventType.CALL_ANSWERED), int(EventType.CALLBACK_CONNECTED))
#: Ratings and scores beyond it are no such thing; sums of thousandths stay far within 64 bits.
_VALUE_MAX = 1e9


@njit(cache=True, nogil=True, _nrt=False)
def is_note(kind: int, value: float, ok: int) -> bool:
    """Whether an event says what it is for: a rating without a value and a test call without result do not."""
    if kind in _VALUED:
        return abs(value) <= _VALUE_MAX  # not NaN
    return kind != _PROBE or ok >= 0


@njit(cache=True, nogil=True, _nrt=False)
def hear_note(store: Store, slot: int, kind: int, ts: int, value: float, ok: int) -> bool:
    """Merge what counts once: of the same identity the earliest counts, of two at once the lower value."""
    note = store.slots[slot]
    milli = math.floor(value * 1000 + 0.5) if kind in _VALUED else 0
    if note.out_ts >= 0 and (ts, kind, milli, ok) >= (note.out_ts, note.talk, note.first_queued, note.code):
        return False
    for sign in (-1, 1):
        count_other(store, slot, sign)
        note.out_ts, note.talk, note.first_queued, note.code = ts, kind, milli, ok
    return True


@njit(cache=True, nogil=True, _nrt=False)
def is_of_caller(kind: int) -> bool:
    """Whether events of this type say that a caller was lost or got through."""
    return kind in _LOST or kind in _THROUGH


@njit(cache=True, nogil=True, _nrt=False)
def hear_caller(store: Store, who: int, queue: int, kind: int, ts: int) -> None:
    """Merge that the caller *who* was lost, or got through, at *ts*.

    The latest loss counts; it is made good by getting through within a day after it. It is the word of the events,
    whatever the outcome of a call is in the end. Exact in any order: a loss lies at most `LATENESS_MS` behind what was
    heard before it, so of what came in between the latest success tells enough.
    """
    key = finish(who ^ store.queues[queue].name)
    at = find(store.slots, store.table, key)
    if at < 0:
        at = take_slot(store, key, queue, CALLER)
        if at < 0:
            return
    caller = store.slots[at]
    through = max(caller.done_ts, -1 if kind in _LOST else ts)
    lost = max(caller.out_ts, ts if kind in _LOST else -1)
    recovered = 1 if caller.outcome > 0 and lost == caller.out_ts else 0
    if kind in _LOST and lost > caller.out_ts:
        recovered = 1 if through > lost else 0
    elif 0 <= lost < ts <= lost + RECOVERY_MS and kind in _THROUGH:
        recovered = 1
    if lost == caller.out_ts and recovered == caller.outcome:
        caller.done_ts = through
        return
    for sign in (-1, 1):
        count_other(store, at, sign)
        caller.out_ts, caller.done_ts, caller.outcome = lost, through, recovered
