"""From sums to figures: one row of the figure matrix per queue, columns by ``models.metric.FIGURES``.

The kernels that fill a window are plain functions of sums and levels (`fill_window`, `fill_load`, `fill_agents`), so a
unit of queues, whose sums are added up elsewhere, gets its figures by the same.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import LOST_TRACK_MS, SOON_MS
from models.formula import ratio
from models.metric import COMPARISONS, FIGURES, LEARNED, METRICS, NOW, OF_THE_WHOLE, WINDOWS
from streams import rare, usual
from streams.calls import set_member
from streams.counters import (
    ANSWERED,
    BLOCKED,
    BUSY_D,
    BUSY_DT,
    COMPLETED,
    HANDLE_MS,
    OFFERED,
    READY_D,
    READY_DT,
    SIGNED_D,
    SIGNED_DT,
)
from streams.quantiles import quantiles
from streams.rare import fill_rare
from streams.store import (
    ALL_STIRRED,
    BUCKET,
    BUCKET_MS,
    COMPLETE,
    DAY,
    LOST,
    RESOLVE,
    STIRRED,
    STIRRED_BINS,
    STIRRED_REST,
    WINDOW_BUCKETS,
    Store,
)
from streams.usual import fill_usual

_WINDOWS: Final = len(WINDOWS)
_WIDTHS = np.array(WINDOW_BUCKETS, np.int64)

_OTHERS: Final = (
    *("wait_p50_ms", "wait_p95_ms", "occupancy", "effective_work_rate", "load_erlangs"),
    *("late", "too_late", "duplicate", "capacity_use"),
)
#: ``(others, windows)`` column, -1 where the metric has not the window.
_OTHER = np.array([[FIGURES.get((m, w), -1) for w in WINDOWS] for m in _OTHERS], np.int64)
_LOAD_15M: Final = FIGURES[("load_erlangs", "15m")]
_P50, _P95, _OCCUPANCY, _WORK_RATE, _LOAD, _LATE, _TOO_LATE, _REPEATED, _CAPACITY = range(9)
_NOT_PRESENT: Final = {"waiting_soon", *OF_THE_WHOLE}
_SOON = FIGURES[("waiting_soon", "now")]  # filled where the callers are walked through; units have no callers
_PRESENT = np.array(
    [FIGURES[(m.id, "now")] for m in METRICS if m.windows is NOW and m.id not in _NOT_PRESENT], np.int64
)
# every figure is filled in one place; what was learned of a queue, or follows from others, is no sum of its own:
# alerts/habit and alerts/siblings fill it, and those of the whole `streams.unit_figures`
_ELSEWHERE = LEARNED | COMPARISONS | OF_THE_WHOLE
_FILLED = [*usual.FILLED, *rare.FILLED, *_OTHER[_OTHER >= 0].tolist(), *_PRESENT.tolist(), _SOON]
assert sorted(_FILLED) == [column for (metric, _), column in FIGURES.items() if metric not in _ELSEWHERE]


@njit(cache=True, nogil=True, _nrt=False)
def fill_window(
    out: NDArray[np.float64], w: int, s: NDArray[np.int64], formula: int, flow_out: int, past: int, stirred: int
) -> None:
    """Fill the figures of window number *w* that follow from its counters *s* into *out*, a row of figures.

    *past* calls wait past the threshold now. *stirred* says which of its counters have changed (`ALL_STIRRED`: all).
    """
    fill_usual(out, w, s, formula, flow_out, past)
    if stirred & STIRRED_REST:
        fill_rare(out, w, s)
    if stirred & STIRRED_BINS:
        out[_OTHER[_P50, w]], out[_OTHER[_P95, w]] = quantiles(s, 50, 95)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def fill_load(out: NDArray[np.float64], w: int, s: NDArray[np.int64], day: NDArray[np.int64], length_ms: int) -> None:
    """Fill the offered load of window number *w* (not "resolve"), which has lasted *length_ms* by now.

    *s* and *day* are the counters of the window and of the day.
    """
    if s[OFFERED] <= 0:
        out[_OTHER[_LOAD, w]] = 0.0
        return
    of = s if s[COMPLETED] > 0 else day
    out[_OTHER[_LOAD, w]] = ratio(s[OFFERED] * of[HANDLE_MS], of[COMPLETED] * max(length_ms, 0))


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def fill_agents(out: NDArray[np.float64], w: int, ready_ms: int, busy_ms: int, signed_ms: int, length_ms: int) -> None:
    """Fill the figures of window number *w* (not "resolve") that follow from agent milliseconds in it.

    It has lasted *length_ms*, and its load is filled in.
    """
    out[_OTHER[_OCCUPANCY, w]] = ratio(busy_ms, busy_ms + ready_ms)
    out[_OTHER[_WORK_RATE, w]] = ratio(busy_ms, signed_ms)
    load = out[_OTHER[_LOAD, w]]
    out[_OTHER[_CAPACITY, w]] = load * length_ms / signed_ms if signed_ms > 0 and length_ms > 0 else math.nan


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def fill_short(out: NDArray[np.float64]) -> None:
    """Fill how many agents are short, from the load and who is here; undefined with either of them."""
    load = out[_LOAD_15M]
    needed = math.floor(load) + 1.0 if load > 0.0 else load
    out[_PRESENT[16]] = needed - (out[_PRESENT[6]] - out[_PRESENT[11]])


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def window_start(store: Store, q: int, w: int) -> int:
    """When window number *w* (not "resolve") of a queue began, in ms."""
    if w == DAY:
        return int(store.day_start[store.queues[q].zone])
    return int((store.meta[BUCKET] - _WIDTHS[w] + 1) * BUCKET_MS)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def agent_ms(s: NDArray[np.int64], d: int, dt: int, level: int, start_ms: int, now_ms: int) -> int:
    """Agent milliseconds from *start_ms* to *now_ms*: *level* agents now, the counters *d* and *dt* of the time since.

    The level changed by D at times that add up to DT (`streams.staff`).
    """
    return int((now_ms - start_ms) * (level - s[d]) + now_ms * s[d] - s[dt])


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _loads(store: Store, q: int, now_ms: int) -> None:
    """Fill what changes with the time alone."""
    queue = store.queues[q]
    for w in range(RESOLVE):
        start, s = window_start(store, q, w), store.sums[q, w]
        fill_load(store.figures[q], w, s, store.sums[q, DAY], now_ms - start)
        if queue.known == 0:
            continue
        ready = agent_ms(s, READY_D, READY_DT, queue.level_ready, start, now_ms)
        busy = agent_ms(s, BUSY_D, BUSY_DT, queue.level_busy, start, now_ms)
        signed = agent_ms(s, SIGNED_D, SIGNED_DT, queue.level_signed, start, now_ms)
        fill_agents(store.figures[q], w, ready, busy, signed, now_ms - start)
    fill_short(store.figures[q])


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _windows(store: Store, q: int, stirred: int) -> None:
    """Fill the figures of every window of queue number *q*."""
    queue = store.queues[q]
    for w in range(_WINDOWS):
        past = queue.past_since if w == RESOLVE else queue.past
        fill_window(store.figures[q], w, store.sums[q, w], queue.formula, queue.flow_out, past, stirred)


@njit(cache=True, nogil=True, _nrt=False)
def form(store: Store, q: int, now_ms: int) -> None:
    """Form the figures of queue number *q* from its record and its sums as they are, but those of `fill_load`
    and `fill_agents`."""
    _windows(store, q, ALL_STIRRED)
    _present(store, q, now_ms)


@njit(cache=True, nogil=True, _nrt=False)
def look(store: Store, queues: int, now_ms: int) -> None:
    """Compute the figures at the clock *now_ms*: of each queue that changed, holds callers or is silent."""
    for q in range(queues):
        queue = store.queues[q]
        store.figures[q, _SOON] = 0
        if queue.waiting > 0:
            store.figures[q, _SOON] = _walk(store, q, now_ms)
        elif queue.past > 0 or queue.longest_ms > 0:
            queue.past, queue.past_since, queue.longest_ms = 0, 0, 0
            queue.past_first, queue.longest_first_ms = 0, 0
            queue.stirred |= STIRRED
        if queue.stirred != 0:
            _windows(store, q, queue.stirred)
            queue.stirred, queue.fresh = 0, 1
        _present(store, q, now_ms)
        _loads(store, q, now_ms)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _walk(store: Store, q: int, now_ms: int) -> int:
    """Measure the callers of a queue who wait now, and lose track of those whose source has gone silent.

    Returns how many are not past their threshold, and will be within `SOON_MS`.
    """
    queue, soon = store.queues[q], 0
    past, past_since, longest, past_first, longest_first = 0, 0, 0, 0, 0
    at = queue.head
    while at >= 0:
        call = store.slots[at]
        following = call.next
        if now_ms - call.word > LOST_TRACK_MS:
            set_member(store, at, LOST)
            queue.changed = 1
        else:
            age = max(now_ms - call.offered, 0)
            whole = max(now_ms - call.first_queued, age) if call.first_queued >= 0 else age
            longest, longest_first = max(longest, age), max(longest_first, whole)
            past_first += 1 if whole > call.threshold else 0
            if age > call.threshold:
                past += 1
                past_since += 1 if 0 <= queue.watch <= call.offered else 0
            elif call.threshold - age < SOON_MS:
                soon += 1
        at = following
    if past != queue.past or past_since != queue.past_since:
        queue.stirred |= STIRRED
    queue.past, queue.past_since, queue.longest_ms = past, past_since, longest
    queue.past_first, queue.longest_first_ms = past_first, longest_first
    return soon


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _present(store: Store, q: int, now_ms: int) -> None:
    """Fill the figures that speak of now, in the order of ``models.metric``, and the records of the day."""
    queue, out = store.queues[q], store.figures[q]
    at_work = (queue.ringing, queue.talking, queue.hold, queue.wrap, queue.not_ready)
    agents = (queue.ready, queue.busy, queue.staffed, *at_work)
    out[_PRESENT[0]], out[_PRESENT[1]] = queue.waiting, queue.past
    out[_PRESENT[2]], out[_PRESENT[3]] = queue.longest_ms, queue.lost
    for n in range(len(agents)):
        out[_PRESENT[4 + n]] = agents[n] if queue.known == 1 else math.nan
    silent = queue.open == 1 and queue.last_event >= 0
    out[_PRESENT[12]] = max(now_ms - max(queue.last_event, queue.open_since), 0) if silent else math.nan
    out[_PRESENT[13]] = max(now_ms - queue.last_word, 0) if queue.last_word >= 0 else math.nan
    out[_PRESENT[14]], out[_PRESENT[15]] = queue.open, store.meta[COMPLETE]
    out[_PRESENT[17]] = _unconnected(store, q)
    began = max(queue.last_answered, queue.open_since)
    known = queue.open == 1 and queue.last_came >= 0
    out[_PRESENT[18]] = (max(now_ms - began, 0) if queue.last_came > began else 0) if known else math.nan
    out[_OTHER[_LATE, DAY]], out[_OTHER[_TOO_LATE, DAY]] = queue.late_day, queue.too_late_day
    out[_OTHER[_REPEATED, DAY]] = queue.duplicates_day


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _unconnected(store: Store, q: int) -> int:
    """How many came to queue number *q* in the longest rolling window in which nobody was answered."""
    for w in range(DAY - 1, -1, -1):
        s = store.sums[q, w]
        if s[ANSWERED] == 0:
            return int(s[OFFERED] + s[BLOCKED])
    return 0
