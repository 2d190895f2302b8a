"""The arrays that hold the state of one partition, and how they grow.

`Store` is what kernels are given: record arrays and plain arrays, no objects. Everything is indexed by small integers;
free records of a pool are linked through ``next``.

Kernels on a `Store` are compiled with ``_nrt=False``. Otherwise numba counts references to an array at each mention
of it, with atomic instructions: that was five sixths of the time of `streams.apply.apply`. The caller holds the arrays
while a kernel runs, and with the option a kernel that would allocate does not compile.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.metric import FIGURES, WINDOWS
from models.pages import zeros
from streams.counters import BLOCK, COUNTERS, HOT, ROW_COUNTERS
from streams.table import rehash

BUCKET_MS: Final = 5_000
#: Buckets of the rolling windows 1, 5, 15 and 30 minutes.
WINDOW_BUCKETS: Final = (12, 60, 180, 360)
LONGEST: Final = 360
#: Buckets kept at once: 360 of the longest window, 13 that may lie ahead of the clock (60 s), up to a power of 2.
RING: Final = 512
DAY: Final = 4  #: index of the business day in the sums
RESOLVE: Final = 5  #: index of "calls offered since the resolve"

#: What a slot is the identity of. Only calls, agents, notes (what counts once at its time: a rating, a callback, a test
#: call) and callers are found by their key; a point (a change of an agent's state) hangs on its agent.
CALL, MENU, BLOCKED_CALL, AGENT, NOTE, CALLER, POINT = range(7)
#: What is new in an interval row: anything, or handle times alone, which no published row holds.
CHANGED, HANDLED = 1, 2
#: Whether a call is in its queue now.
AWAY, WAITING, LOST = 0, 1, 2
#: Whether a point lies ahead of the clock; it counts once the clock has come to it.
AHEAD: Final = 3
#: Which figures must be computed anew: those of the usual counters, the percentiles, the rest.
STIRRED, STIRRED_BINS, STIRRED_REST, ALL_STIRRED = 1, 2, 4, 7
#: Where a call came from.
NOWHERE, ELSEWHERE, SAME_REGION, SAME_SITE = range(4)

#: ======  ===========================  ====================  =================  ==============  =======================
#: field   CALL                         NOTE                  CALLER             AGENT           POINT
#: ======  ===========================  ====================  =================  ==============  =======================
#: out_ts  the outcome                  when it was           the last loss      latest state    when the state began
#: done_ts the completion                                     the last success
#: first_  when the caller began to     its value in                             identity of
#: queued  wait at all                  thousandths                              the agent
#: outcome 1 answered, 2 abandoned, 3                         1 recovered                        the state before
#:         flowed out
#: code    the reason of a flow-out     ok: 1, 0, -1 unsaid   -                  the state       the state
#: talk    talk time                    its type
#: row     interval row of its arrival                                           newest point    its agent
#: prev,   other calls that wait                                                 other agents    the points before and
#: next                                                                          of the queue    after it
#: wrap    wrap-up time                                                                          next point AHEAD
#: ======  ===========================  ====================  =================  ==============  =======================
SLOT: Final = np.dtype(
    [
        ("key", np.uint64),
        ("offered", np.int64),
        ("first_queued", np.int64),
        ("out_ts", np.int64),
        ("word", np.int64),  # time of the last word about it
        ("done_ts", np.int64),
        ("out_wait", np.int32),  # as its source gave it; -1 unknown, -2 negative
        ("talk", np.int32),
        ("hold", np.int32),
        ("wrap", np.int32),
        ("queue", np.int32),
        ("row", np.int32),  # interval row of its arrival, -1 none
        ("prev", np.int32),
        ("next", np.int32),
        # A call is judged by the limits that held when the first word of it came: they can be changed while it lasts,
        # and what was counted by them must be taken back by the same.
        ("threshold", np.int32),
        ("short", np.int32),
        ("immediate", np.int32),
        ("kind", np.int8),  # CALL ... POINT; -1 free
        ("outcome", np.int8),  # 0 none, 1 answered, 2 abandoned, 3 flowed out
        ("code", np.int8),
        ("member", np.int8),  # AWAY, WAITING, LOST; AHEAD
        ("direction", np.int8),
        ("line", np.int8),
        ("channel", np.int8),
        ("origin", np.int8),  # NOWHERE ... SAME_SITE
        ("peak", np.int8),  # 1 where it arrived in a peak window
        ("_pad", np.int8, 3),
    ]
)
QUEUE: Final = np.dtype(
    [
        ("interval_ms", np.int64),
        ("last_event", np.int64),
        ("open_since", np.int64),
        ("watch", np.int64),  # window "resolve" counts arrivals from here; -1 off
        ("longest_ms", np.int64),
        ("last_word", np.int64),  # time of the latest record of any type
        ("last_answered", np.int64),  # time of the latest answer of a call that came in
        ("last_came", np.int64),  # time of the latest offer, or call that found no line
        ("longest_first_ms", np.int64),  # as longest_ms, counted from where the caller first began to wait
        ("name", np.uint64),  # identity of its name, site, for keys of callers and for where calls come from
        ("site", np.uint64),
        ("duplicates", np.int64),  # records that said nothing new, and those below the floor, since the beginning
        ("too_late", np.int64),
        ("duplicates_day", np.int64),  # the same of the local day so far, by the time of the log
        ("too_late_day", np.int64),
        ("late_day", np.int64),
        ("threshold", np.int32),
        ("short", np.int32),
        ("immediate", np.int32),
        ("head", np.int32),  # first waiting slot
        ("rows", np.int32),  # first interval row
        ("waiting", np.int32),
        ("lost", np.int32),
        ("past", np.int32),
        ("past_since", np.int32),  # past the threshold and offered since the resolve
        ("past_first", np.int32),  # past the threshold since they first began to wait
        ("agents", np.int32),  # first agent slot
        ("offline", np.int32),  # agents by their state, in the order of AgentState
        ("ready", np.int32),
        ("ringing", np.int32),
        ("talking", np.int32),
        ("hold", np.int32),
        ("wrap", np.int32),
        ("not_ready", np.int32),
        ("busy", np.int32),  # ringing to wrap
        ("staffed", np.int32),  # not offline
        ("level_ready", np.int32),  # agents by class at the latest point that counts (see streams.agents)
        ("level_busy", np.int32),
        ("level_signed", np.int32),
        ("zone", np.int16),
        ("peaks", np.int16),  # row of Store.peaks, -1 none
        ("region", np.int16),  # row of Store.regions, -1 none
        ("formula", np.int8),
        ("flow_out", np.int8),
        ("known", np.int8),  # 1 once its source has spoken of agents
        ("open", np.int8),
        ("stirred", np.int8),  # which figures must be computed anew: STIRRED, STIRRED_BINS, STIRRED_REST
        ("fresh", np.int8),  # figures were computed since a reader last took them
        ("changed", np.int8),  # not yet in a snapshot
    ]
)
ENTRY: Final = np.dtype([("bucket", np.int64), ("queue", np.int32), ("next", np.int32), ("page", np.int32)])
#: Columns of a page before its counters: the next page of its entry (or free one), and which block it holds.
PAGE_NEXT, PAGE_BLOCK, PAGE_COUNTS = range(3)
ROW: Final = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("told", np.uint64),  # hash of what was last published of it
        ("queue", np.int32),
        ("next", np.int32),
        ("open", np.int32),  # calls of it that still wait
        ("refs", np.int32),  # slots whose arrival lies in it
        ("revision", np.int32),
        ("dirty", np.int8),  # 0 as published, CHANGED, or HANDLED
        ("used", np.int8),
    ]
)

#: Cells of ``Store.meta``.
NOW, BUCKET, CLOCKED, FLOOR, RAISED = range(5)
SLOTS, SLOT_FREE, SLOT_LIVE, ENTRIES, ENTRY_FREE, ROWS, ROW_FREE = range(5, 12)
REFUSED, BY_EVENT, COMPLETE, LIMIT, MINUTE = range(12, 17)
PAGES, PAGE_FREE, AHEAD_FIRST, AHEADS = range(17, 21)
#: Slots that one partition may hold: 4 M x 104 bytes = 416 MB; 4 h at 280 calls a second. At the limit the floor rises.
SLOT_LIMIT: Final = 4_000_000


#: Half-hours of a week.
WEEK: Final = 336
#: Where ``Store.listed[0]`` says how many are listed; they follow.
LISTED: Final = 0
#: Counters that one contribution touches at most: an outcome's are 12.
LISTED_MAX: Final = 32


class Store(NamedTuple):
    """State of a partition. Q queues, S slots, E bucket entries, P pages, R interval rows, Z zones, C counters."""

    meta: NDArray[np.int64]  #: (32,) scalars, see NOW ... AHEADS
    slots: NDArray[Any]  #: (S,) SLOT
    table: NDArray[np.int32]  #: (power of two >= 2 S,) slot by key, -1 empty
    queues: NDArray[Any]  #: (Q,) QUEUE
    sums: NDArray[np.int64]  #: (Q, windows, C) sums of each window
    ring: NDArray[np.int32]  #: (Q, RING) entry of a queue's bucket, -1 none
    heads: NDArray[np.int32]  #: (RING,) first entry of a bucket over all queues
    entries: NDArray[Any]  #: (E,) ENTRY
    counts: NDArray[np.int64]  #: (E, HOT) the first counters of an entry
    pages: NDArray[np.int64]  #: (P, PAGE_COUNTS + BLOCK) blocks of its others
    rows: NDArray[Any]  #: (R,) ROW
    row_counts: NDArray[np.int64]  #: (R, ROW_COUNTERS)
    zone_starts: NDArray[np.int64]  #: (Z, K) UTC ms from which an offset holds
    zone_offsets: NDArray[np.int64]  #: (Z, K) offset in ms
    day_start: NDArray[np.int64]  #: (Z,) UTC ms of the local midnight that the day's sums begin at
    peaks: NDArray[np.int8]  #: (peak settings, 336) 1 where the half-hour of the local week, from Monday, is a peak
    regions: NDArray[np.uint64]  #: (regions, sites) identities of the sites of each region, 0 none
    figures: NDArray[np.float64]  #: (Q, figures) see models.metric.FIGURES
    listed: NDArray[np.int64]  #: (2, 1 + LISTED_MAX) one contribution: how many counters, they, and the amounts


def empty_store(zone_starts: NDArray[np.int64], zone_offsets: NDArray[np.int64]) -> Store:
    """A store without queues for the zones given (see ``streams.zones``)."""
    meta = np.zeros(32, np.int64)
    meta[[NOW, BUCKET]] = -1
    meta[COMPLETE] = 1
    meta[LIMIT] = SLOT_LIMIT
    meta[[SLOT_FREE, ENTRY_FREE, ROW_FREE, PAGE_FREE, AHEAD_FIRST]] = -1
    meta[[FLOOR, RAISED]] = np.iinfo(np.int64).min
    meta[MINUTE] = np.iinfo(np.int64).min // 2  # hours are subtracted from it
    return Store(
        meta=meta,
        slots=_free(1024, SLOT),
        table=np.full(2048, -1, np.int32),
        queues=np.zeros(0, QUEUE),
        sums=_sums(0),
        ring=np.full((0, RING), -1, np.int32),
        heads=np.full(RING, -1, np.int32),
        entries=np.zeros(1024, ENTRY),
        counts=np.zeros((1024, HOT), np.int64),
        pages=np.zeros((1024, PAGE_COUNTS + BLOCK), np.int64),
        rows=np.zeros(256, ROW),
        row_counts=np.zeros((256, ROW_COUNTERS), np.int64),
        zone_starts=zone_starts,
        zone_offsets=zone_offsets,
        day_start=np.zeros(len(zone_starts), np.int64),
        peaks=np.zeros((1, WEEK), np.int8),
        regions=np.zeros((1, 1), np.uint64),
        figures=np.full((0, len(FIGURES)), np.nan),
        listed=np.zeros((2, 1 + LISTED_MAX), np.int64),
    )


def _free(n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.zeros(n, dtype)
    if dtype is SLOT:
        array["kind"] = -1
    return array


def _longer(array: NDArray[Any], n: int, fill: float = 0) -> NDArray[Any]:
    out = zeros((n, *array.shape[1:]), array.dtype, dense=True)
    if fill:
        out[...] = fill
    if array.dtype == SLOT:
        out["kind"] = -1
    out[: len(array)] = array
    return out


def _sums(queues: int) -> NDArray[np.int64]:
    """Sums of so many queues. In memory the windows of a counter lie together: an event changes few counters, and all
    the windows of each; with those apart it took six lines of memory a counter."""
    return zeros((queues, COUNTERS, len(WINDOWS)), np.int64, dense=True).transpose(0, 2, 1)


def _more_sums(sums: NDArray[np.int64], queues: int) -> NDArray[np.int64]:
    out = _sums(queues)
    out[: len(sums)] = sums
    return out


def _size(have: int, need: int) -> int:
    while have < need:
        have *= 2
    return have


#: What one event may need at most: slots (a call and its caller, an agent and its point), entries of buckets (arrival,
#: outcome, completion, caller), pages (an outcome of a new call touches 8 blocks), interval rows.
_EVENT_SLOTS, _EVENT_ENTRIES, _EVENT_PAGES, _EVENT_ROWS = 2, 4, 12, 3


def room_for(store: Store, events: int) -> Store:
    """*store* with room for what *events* more may need."""
    meta = store.meta
    slots = min(int(meta[SLOTS]) + _EVENT_SLOTS * events, int(meta[LIMIT])) + 1
    if slots > len(store.slots):
        size = _size(len(store.slots), slots)
        table = np.full(2 * size, -1, np.int32)
        store = store._replace(slots=_longer(store.slots, size), table=table)
        rehash(store.slots, table, int(meta[SLOTS]), POINT)
    entries = int(meta[ENTRIES]) + _EVENT_ENTRIES * events
    if entries > len(store.entries):
        size = _size(len(store.entries), entries)
        store = store._replace(entries=_longer(store.entries, size), counts=_longer(store.counts, size))
    pages = int(meta[PAGES]) + _EVENT_PAGES * events
    if pages > len(store.pages):
        store = store._replace(pages=_longer(store.pages, _size(len(store.pages), pages)))
    rows = int(meta[ROWS]) + _EVENT_ROWS * events
    if rows > len(store.rows):
        size = _size(len(store.rows), rows)
        store = store._replace(rows=_longer(store.rows, size), row_counts=_longer(store.row_counts, size))
    return store


def room_for_queues(store: Store, queues: int) -> Store:
    """*store* with at least *queues* queue records; new ones are blank and must be set up before use."""
    have = len(store.queues)
    if queues <= have:
        return store
    # by a quarter: a queue takes 13 KB here, and with doubling up to half of them would be of nobody
    size = max(queues, have + max(16, have // 4))
    return store._replace(
        queues=_longer(store.queues, size),
        sums=_more_sums(store.sums, size),
        ring=_longer(store.ring, size, -1),
        figures=_longer(store.figures, size, np.nan),
    )
