"""From sums to figures: one row of the figure matrix per queue, columns by ``models.metric.FIGURES``."""

from __future__ import annotations

import math

from numba import njit

from models.event import LOST_TRACK_MS
from models.formula import ratio, service_base, service_met
from models.metric import WINDOWED, WINDOWS
from streams.calls import set_member
from streams.counters import (
    ABANDONED,
    ABANDONED_IN,
    ABANDONED_SHORT,
    ANSWERED,
    ANSWERED_IN,
    BLOCKED,
    COMPLETED,
    FLOWED_LATE,
    FLOWED_OUT,
    HANDLE_MS,
    IVR_ABANDONED,
    OFFERED,
    WAIT_KNOWN,
    WAIT_MS,
)
from streams.store import COMPLETE, LOST, RESOLVE, Store

_NOW_COLUMN = WINDOWED * len(WINDOWS)
_WINDOWS = len(WINDOWS)


@njit(cache=True, nogil=True, _nrt=False)
def look(store: Store, queues: int, now_ms: int) -> None:
    """Compute the figures at the clock *now_ms*: of each queue that changed, holds callers or is silent."""
    for q in range(queues):
        queue = store.queues[q]
        if queue.waiting > 0:
            _walk(store, q, now_ms)
        elif queue.past > 0 or queue.longest_ms > 0:
            queue.past, queue.past_since, queue.longest_ms = 0, 0, 0
            queue.stirred = 1
        if queue.stirred == 1:
            for w in range(_WINDOWS):
                _window(store, q, w)
            queue.stirred, queue.fresh = 0, 1
        _present(store, q, now_ms)


@njit(cache=True, nogil=True, _nrt=False)
def form(store: Store, q: int, now_ms: int) -> None:
    """Form all figures of queue number *q* from its record and its sums as they are."""
    for w in range(_WINDOWS):
        _window(store, q, w)
    _present(store, q, now_ms)


@njit(cache=True, nogil=True, _nrt=False)
def _walk(store: Store, q: int, now_ms: int) -> None:
    """Measure the callers of a queue who wait now, and lose track of those whose source has gone silent."""
    queue = store.queues[q]
    past, past_since, longest = 0, 0, 0
    at = queue.head
    while at >= 0:
        call = store.slots[at]
        following = call.next
        if now_ms - call.word > LOST_TRACK_MS:
            set_member(store, at, LOST)
            queue.changed = 1
        else:
            age = max(now_ms - call.offered, 0)
            longest = max(longest, age)
            if age > queue.threshold:
                past += 1
                past_since += 1 if 0 <= queue.watch <= call.offered else 0
        at = following
    if past != queue.past or past_since != queue.past_since:
        queue.stirred = 1
    queue.past, queue.past_since, queue.longest_ms = past, past_since, longest


@njit(cache=True, nogil=True, _nrt=False)
def _window(store: Store, q: int, w: int) -> None:
    """Fill the figures of one window; the order is that of ``models.metric.METRICS``."""
    queue, s, out = store.queues[q], store.sums[q, w], store.figures[q]
    c = w * WINDOWED
    outcomes = s[ANSWERED] + s[ABANDONED] + s[FLOWED_OUT]
    unreached = s[IVR_ABANDONED] + s[BLOCKED]
    base = service_base(
        queue.formula,
        queue.flow_out,
        s[ANSWERED],
        s[ABANDONED],
        s[ABANDONED_IN],
        s[ABANDONED_SHORT],
        s[FLOWED_OUT],
        s[FLOWED_LATE],
    )
    met = service_met(queue.formula, s[ANSWERED_IN], s[ABANDONED_IN])
    late = queue.past_since if w == RESOLVE else queue.past
    out[c] = s[OFFERED]
    out[c + 1] = s[ANSWERED]
    out[c + 2] = s[ABANDONED]
    out[c + 3] = s[FLOWED_OUT]
    out[c + 4] = s[IVR_ABANDONED]
    out[c + 5] = s[BLOCKED]
    out[c + 6] = s[OFFERED] + unreached
    out[c + 7] = outcomes
    out[c + 8] = base + late
    out[c + 9] = ratio(met, base)
    out[c + 10] = ratio(met, base + late)
    out[c + 11] = ratio(s[ANSWERED], outcomes)
    out[c + 12] = ratio(s[ANSWERED], outcomes + unreached)
    out[c + 13] = ratio(s[ABANDONED], outcomes)
    out[c + 14] = ratio(unreached, s[OFFERED] + unreached)
    out[c + 15] = ratio(s[WAIT_MS], s[WAIT_KNOWN])
    out[c + 16] = ratio(s[HANDLE_MS], s[COMPLETED])


@njit(cache=True, nogil=True, _nrt=False)
def _present(store: Store, q: int, now_ms: int) -> None:
    """Fill the figures that speak of now."""
    queue, out = store.queues[q], store.figures[q]
    c = _NOW_COLUMN
    out[c] = queue.waiting
    out[c + 1] = queue.past
    out[c + 2] = queue.longest_ms
    out[c + 3] = queue.lost
    out[c + 4] = queue.ready if queue.known == 1 else math.nan
    out[c + 5] = queue.busy if queue.known == 1 else math.nan
    silent = queue.open == 1 and queue.last_event >= 0
    out[c + 6] = max(now_ms - max(queue.last_event, queue.open_since), 0) if silent else math.nan
    out[c + 7] = queue.open
    out[c + 8] = store.meta[COMPLETE]
