"""The first clock sets the time: what was applied before it, by the time of events, is put under that clock anew.

Before the first clock the time follows the latest event. One whose source is hours ahead would else hold the time
there, and all that is true would be too late.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from models.event import EventType
from streams.apply import take_again
from streams.calls import EVERY_PART, count, count_other, move_row, settle
from streams.shares import arrival_of
from streams.slots import take_slot
from streams.staff import enlist, follow
from streams.store import AGENT, BLOCKED_CALL, CALL, CALLER, MENU, NOTE, NOW, POINT, SLOTS, Store

_LAST_CALL_TYPE = int(EventType.CALL_RESOLVED)


@njit(cache=True, nogil=True, _nrt=False)
def carry(old: Store, new: Store, until_ms: int) -> int:
    """Put what *old* holds into the blank *new*, but what lies after *until_ms*: how many calls, notes and states of
    agents that was."""
    dropped = 0
    for i in range(old.meta[SLOTS]):
        was = old.slots[i]
        if was.kind < 0 or was.kind == POINT:
            continue
        if was.kind == AGENT:
            dropped += _carry_agent(old, new, i, until_ms)
            continue
        if max(was.offered, was.out_ts, was.word, was.done_ts) > until_ms:
            dropped += 1 if was.kind != CALLER else 0
            continue
        at = take_again(new, was.queue, was)
        if at < 0:
            continue
        if was.kind < AGENT:
            move_row(new, at, arrival_of(new.slots, at))
            count(new, at, 1, EVERY_PART)
            settle(new, at)
        else:
            count_other(new, at, 1)
        if was.kind != CALLER:
            _heard(new, was.queue, max(was.word, was.out_ts), was.kind == NOTE and was.talk > _LAST_CALL_TYPE)
        if was.kind <= BLOCKED_CALL and was.direction == 0:
            _came(new, was)
    return dropped


@njit(cache=True, nogil=True, _nrt=False)
def _heard(store: Store, at: int, ts: int, of_no_call: bool) -> None:
    queue = store.queues[at]
    queue.last_word = max(queue.last_word, ts)
    if not of_no_call:
        queue.last_event = max(queue.last_event, ts)


@njit(cache=True, nogil=True, _nrt=False)
def _came(store: Store, call: Any) -> None:
    """Note when a caller came, and got through."""
    queue = store.queues[call.queue]
    if call.kind == CALL:
        queue.last_came = max(queue.last_came, call.offered)
        if call.outcome == 1:
            queue.last_answered = max(queue.last_answered, call.out_ts)
    elif call.kind != MENU:
        queue.last_came = max(queue.last_came, call.out_ts)


@njit(cache=True, nogil=True, _nrt=False)
def _carry_agent(old: Store, new: Store, i: int, until_ms: int) -> int:
    """Put an agent into *new* by those of their points that do not lie after *until_ms*; how many do."""
    was, dropped = old.slots[i], 0
    point = was.row
    while point >= 0 and old.slots[point].out_ts > until_ms:
        point, dropped = old.slots[point].prev, dropped + 1
    if point < 0:
        return dropped
    at = take_slot(new, was.key, was.queue, AGENT)
    if at < 0:
        return dropped
    agent, last = new.slots[at], old.slots[point]
    agent.first_queued, agent.out_ts, agent.code = was.first_queued, last.out_ts, last.code
    enlist(new, at)
    new.queues[was.queue].known = 1
    _heard(new, was.queue, last.out_ts, True)
    end = old.slots[point].next
    while old.slots[point].prev >= 0:
        point = old.slots[point].prev
    while point != end:
        follow(new, at, old.slots[point], old.slots[point].out_ts > new.meta[NOW])
        point = old.slots[point].next
    return dropped
