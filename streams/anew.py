"""The first clock sets the time: what was applied before it, by the time of events, is put under that clock anew.

Before the first clock the time follows the latest event. One whose source is hours ahead would else hold the time
there, and all that is true would be too late.
"""

from __future__ import annotations

from numba import njit

from streams.apply import take_again
from streams.calls import arrival_of, count, move_row, settle
from streams.store import AGENT, CALL, SLOTS, Store


@njit(cache=True, nogil=True, _nrt=False)
def carry(old: Store, new: Store, until_ms: int) -> int:
    """Put the calls and agents of *old* into the blank *new*, but those that lie after *until_ms*: their number."""
    dropped = 0
    for i in range(old.meta[SLOTS]):
        was = old.slots[i]
        if was.kind < 0:
            continue
        if max(was.offered, was.out_ts, was.word, was.done_ts) > until_ms:
            dropped += 1
            continue
        at = take_again(new, was.queue, was)
        if was.kind == AGENT:
            continue
        queue = new.queues[was.queue]
        queue.last_event = max(queue.last_event, was.word, was.out_ts if was.kind != CALL else was.word)
        move_row(new, at, arrival_of(new, at))
        count(new, at, 1, True, True, True)
        settle(new, at)
    return dropped
