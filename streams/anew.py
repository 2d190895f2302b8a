"""The first clock sets the time: what was applied before it, by the time of events, is put under that clock anew.

Before the first clock the time follows the latest event. One whose source is hours ahead would else hold the time
there, and all that is true would be too late.
"""

from __future__ import annotations

from numba import njit

from streams.apply import take_slot
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
        at = take_slot(new, was.key, was.queue, was.kind)
        call, queue = new.slots[at], new.queues[was.queue]
        call.offered, call.first_queued, call.out_ts = was.offered, was.first_queued, was.out_ts
        call.word, call.done_ts, call.outcome, call.code = was.word, was.done_ts, was.outcome, was.code
        call.out_wait, call.talk, call.hold, call.wrap = was.out_wait, was.talk, was.hold, was.wrap
        if was.kind == AGENT:
            queue.ready += 1 if was.code == 1 else 0
            queue.busy += 1 if 1 < was.code <= 5 else 0
            queue.staffed += 1 if was.code != 0 else 0
            continue
        queue.last_event = max(queue.last_event, was.word, was.out_ts if was.kind != CALL else was.word)
        move_row(new, at, arrival_of(new, at))
        count(new, at, 1, True, True, True)
        settle(new, at)
    return dropped
