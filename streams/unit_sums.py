"""What the queues of one partition add up to, by unit: the sums of their windows, what is true of them now, agents."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.identity import finish
from streams.counters import COUNTERS
from streams.store import Store

#: Windows that a unit has: 1, 5, 15, 30 minutes and the day. Of the window since a resolve see ``agents.units``.
WINDOWS: Final = 5
#: Columns of what is true of a unit's queues now. *QUEUES*, *OPEN*: of those ever heard of; *PAST*, *LONGEST*: by the
#: time at which the caller began to wait at all; *LAST_EVENT*, *LAST_WORD*, *OPEN_SINCE*, *LAST_ANSWERED*, *LAST_CAME*:
#: epoch ms, -1 none; *LATE* to *REPEATED*: records of the day.
QUEUES, OPEN, WAIT, PAST, LONGEST, LOST, KNOWN, LAST_EVENT, LAST_WORD, OPEN_SINCE, LATE, TOO_LATE, REPEATED = range(13)
LAST_ANSWERED, LAST_CAME = 13, 14
FIELDS: Final = 15
#: How many there were before the last two.
FIELDS_BEFORE: Final = 13

#: How busy an agent is in each ``models.event.AgentState``: offline is 0, then not ready, ready, ringing, wrapping up,
#: holding, talking.
BUSY_RANK = np.array([0, 2, 3, 6, 5, 4, 1], np.int64)


@njit(cache=True, nogil=True, _nrt=False)
def _add_now(store: Store, q: int, out: NDArray[np.int64]) -> None:
    """Add what is true of queue *q* now to *out*, the fields of a unit."""
    queue = store.queues[q]
    out[QUEUES] += 1
    out[OPEN] += queue.open
    out[WAIT] += queue.waiting
    out[PAST] += queue.past_first
    out[LONGEST] = max(out[LONGEST], queue.longest_first_ms)
    out[LOST] += queue.lost
    out[KNOWN] += queue.known
    out[LAST_EVENT] = max(out[LAST_EVENT], queue.last_event)
    out[LAST_WORD] = max(out[LAST_WORD], queue.last_word)
    if queue.open == 1 and (out[OPEN_SINCE] < 0 or queue.open_since < out[OPEN_SINCE]):
        out[OPEN_SINCE] = queue.open_since
    out[LAST_ANSWERED] = max(out[LAST_ANSWERED], queue.last_answered)
    out[LAST_CAME] = max(out[LAST_CAME], queue.last_came)
    out[LATE] += queue.late_day
    out[TOO_LATE] += queue.too_late_day
    out[REPEATED] += queue.duplicates_day


@njit(cache=True, nogil=True, _nrt=False)
def _sign(store: Store, q: int) -> np.int64:
    """A number that another set of agents and states of queue *q* would not have."""
    total = np.int64(0)
    at = store.queues[q].agents
    while at >= 0:
        agent = store.slots[at]
        total += np.int64(finish(np.uint64(agent.key) + np.uint64(agent.code)))
        at = agent.next
    return total


@njit(cache=True, nogil=True, _nrt=False)
def add_up(
    store: Store,
    queues: int,
    members: NDArray[np.int32],
    sums: NDArray[np.int64],
    now: NDArray[np.int64],
    signs: NDArray[np.int64],
) -> None:
    """Add up the first *queues* queues as they are at the last clock, each into the units in its row of *members*.

    *members* is ``(queues, 3)`` numbers of units, -1 for none; *sums* is ``(units, WINDOWS, counters)``, *now*
    ``(units, FIELDS)`` and *signs* ``(units,)``, all filled anew. A unit's sign changes when an agent of it changes the
    state. A queue nothing was ever heard of counts in no unit.
    """
    sums[:, :, :] = 0
    now[:, :] = 0
    signs[:] = 0
    for u in range(len(now)):
        now[u, LAST_EVENT], now[u, LAST_WORD], now[u, OPEN_SINCE] = -1, -1, -1
        now[u, LAST_ANSWERED], now[u, LAST_CAME] = -1, -1
    for q in range(queues):
        queue = store.queues[q]
        if queue.last_event < 0 and queue.known == 0:
            continue
        sign = _sign(store, q)
        for m in range(members.shape[1]):
            u = members[q, m]
            if u < 0:
                continue
            for w in range(WINDOWS):
                for c in range(COUNTERS):
                    sums[u, w, c] += store.sums[q, w, c]
            _add_now(store, q, now[u])
            signs[u] += sign


@njit(cache=True, nogil=True, _nrt=False)
def list_agents(
    store: Store, queues: int, members: NDArray[np.int32], unit: int, who: NDArray[np.uint64], states: NDArray[np.int8]
) -> int:
    """List who is not offline in the queues of *unit*, once for each queue, into *who* and *states*.

    Returns how many there are; those that find no room are counted and not listed.
    """
    n = 0
    for q in range(queues):
        mine = False
        for m in range(members.shape[1]):
            mine = mine or members[q, m] == unit
        at = store.queues[q].agents if mine else -1
        while at >= 0:
            agent = store.slots[at]
            if agent.code != 0:
                if n < len(who):
                    who[n], states[n] = np.uint64(agent.first_queued), agent.code
                n += 1
            at = agent.next
    return n


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
        elif f in (LAST_EVENT, LAST_WORD, LAST_ANSWERED, LAST_CAME):
            to_now[f] = max(to_now[f], now[f])
        elif f == LONGEST:
            to_now[f] = max(to_now[f], now[f]) if present else to_now[f]
        elif f in (WAIT, PAST, LOST):
            to_now[f] += now[f] if present else 0
        elif f in (LATE, TOO_LATE, REPEATED):
            to_now[f] += now[f] if windows[WINDOWS - 1] else 0
        else:
            to_now[f] += now[f]
