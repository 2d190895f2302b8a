"""What the queues of one partition add up to, by unit: the sums of their windows, and what is true of them now."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.counters import COUNTERS
from streams.store import WAITING, Store

#: Windows that a unit has: 1, 5, 15, 30 minutes and the day. Of the window since a resolve see ``agents.unit_board``.
WINDOWS: Final = 5
#: Columns of what is true of a unit's queues now. *QUEUES*, *OPEN*: of those ever heard of; *PAST*, *LONGEST*: by the
#: time at which the caller began to wait at all; *LAST_EVENT*, *OPEN_SINCE*: epoch ms, -1 none.
QUEUES, OPEN, WAIT, PAST, LONGEST, LOST, READY, BUSY, STAFFED, KNOWN, LAST_EVENT, OPEN_SINCE = range(12)
FIELDS: Final = 12


@njit(cache=True, nogil=True, _nrt=False)
def _waits(store: Store, q: int, now_ms: int) -> tuple[int, int]:
    """How many callers of queue *q* have waited past its threshold since they began to wait at all, and the longest."""
    queue = store.queues[q]
    past, longest = 0, 0
    at = queue.head
    while at >= 0:
        call = store.slots[at]
        if call.member == WAITING:
            began = call.first_queued if 0 <= call.first_queued < call.offered else call.offered
            age = max(now_ms - began, 0)
            longest = max(longest, age)
            past += 1 if age > queue.threshold else 0
        at = call.next
    return past, longest


@njit(cache=True, nogil=True, _nrt=False)
def _add_now(store: Store, q: int, now_ms: int, out: NDArray[np.int64], units: NDArray[np.int32]) -> None:
    """Add what is true of queue *q* now to the rows *units* of *out*."""
    queue = store.queues[q]
    past, longest = _waits(store, q, now_ms)
    for m in range(len(units)):
        u = units[m]
        if u < 0:
            continue
        out[u, QUEUES] += 1
        out[u, OPEN] += queue.open
        out[u, WAIT] += queue.waiting
        out[u, PAST] += past
        out[u, LONGEST] = max(out[u, LONGEST], longest)
        out[u, LOST] += queue.lost
        out[u, READY] += queue.ready
        out[u, BUSY] += queue.busy
        out[u, STAFFED] += queue.staffed
        out[u, KNOWN] += queue.known
        out[u, LAST_EVENT] = max(out[u, LAST_EVENT], queue.last_event)
        if queue.open == 1 and (out[u, OPEN_SINCE] < 0 or queue.open_since < out[u, OPEN_SINCE]):
            out[u, OPEN_SINCE] = queue.open_since


@njit(cache=True, nogil=True, _nrt=False)
def add_up(
    store: Store,
    queues: int,
    now_ms: int,
    members: NDArray[np.int32],
    sums: NDArray[np.int64],
    now: NDArray[np.int64],
) -> None:
    """Add up the first *queues* queues at the clock *now_ms*, each into the units that its row of *members* names.

    *members* is ``(queues, 3)`` numbers of units, -1 for none; *sums* is ``(units, WINDOWS, counters)`` and *now*
    ``(units, FIELDS)``, both filled anew. A queue nothing was ever heard of counts in no unit.
    """
    sums[:, :, :] = 0
    now[:, :] = 0
    now[:, LAST_EVENT] = -1
    now[:, OPEN_SINCE] = -1
    for q in range(queues):
        queue = store.queues[q]
        if queue.last_event < 0 and queue.known == 0:
            continue
        for m in range(members.shape[1]):
            u = members[q, m]
            if u < 0:
                continue
            for w in range(WINDOWS):
                for c in range(COUNTERS):
                    sums[u, w, c] += store.sums[q, w, c]
        _add_now(store, q, now_ms, now, members[q])


@njit(cache=True, nogil=True, _nrt=False)
def gather(
    share: NDArray[np.int64],
    now: NDArray[np.int64],
    windows: NDArray[np.bool_],
    present: bool,
    to_sums: NDArray[np.int64],
    to_now: NDArray[np.int64],
) -> None:
    """Add what one partition has of a unit (*share* and *now*, rows as `add_up` makes them) to what others have of it.

    *windows* says which of its windows still count; of one that is not *present* only what it knows of ever does.
    """
    for w in range(WINDOWS):
        if windows[w]:
            for c in range(COUNTERS):
                to_sums[w, c] += share[w, c]
    for f in range(FIELDS):
        if f == OPEN_SINCE:
            if now[f] >= 0 and (to_now[f] < 0 or now[f] < to_now[f]):
                to_now[f] = now[f]
        elif f == LAST_EVENT or (f == LONGEST and present):
            to_now[f] = max(to_now[f], now[f])
        elif f in (QUEUES, OPEN, KNOWN) or (present and f != LONGEST):
            to_now[f] += now[f]
