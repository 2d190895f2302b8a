"""Agents: how many are in each state of a queue, and how long they were.

An agent's slot has the latest state, and a chain of points, one for each change of state in order of time. A point
counts the agent into a class (ready; busy: talking, holding, wrapping up; signed in) or out of it: D, and D times the
time, DT. From the sums of both over a window and the level now follows the agent time in it, cut at its edges, to the
millisecond: ``(now - start) (level - D) + now D - DT``. A point that comes late corrects the one after it, so order
does not matter; one ahead of the clock waits until the clock has come to it.

Whoever nothing is heard of for a day is *lost track of*: a point says offline from the minute at which that is found.
It is taken back when a word that came late lies before it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from models.event import AgentState
from streams.calls import count_other
from streams.shares import is_busy, is_ready, is_signed
from streams.slots import drop, take_slot
from streams.store import AGENT, AHEAD, AHEAD_FIRST, AHEADS, AWAY, MINUTE, NOW, POINT, STIRRED, Store
from streams.table import find

#: Silence after which an agent is taken for offline. No shift is as long: a source that is silent of them for a day
#: has forgotten to say that they went.
AGENT_SILENT_MS: Final = 86_400_000
_LOST_TRACK = 1
_RINGING, _WRAP = int(AgentState.RINGING), int(AgentState.WRAP)
_KNOWN, _USED = 1, 2


@njit(cache=True, nogil=True, _nrt=False)
def count_state(store: Store, at: int, state: int, sign: int) -> None:
    """Count (*sign* 1) or no longer count (-1) an agent in *state* in queue number *at*."""
    queue = store.queues[at]
    queue.busy += sign if _RINGING <= state <= _WRAP else 0
    queue.staffed += sign if state != 0 else 0
    if state == 0:
        queue.offline += sign
    elif state == 1:
        queue.ready += sign
    elif state == 2:
        queue.ringing += sign
    elif state == 3:
        queue.talking += sign
    elif state == 4:
        queue.hold += sign
    elif state == 5:
        queue.wrap += sign
    else:
        queue.not_ready += sign


@njit(cache=True, nogil=True, _nrt=False)
def _raise_levels(store: Store, at: int, state: int, sign: int) -> None:
    """Raise the levels of queue number *at* by an agent in *state*."""
    queue = store.queues[at]
    queue.level_ready += sign * is_ready(state)
    queue.level_busy += sign * is_busy(state)
    queue.level_signed += sign * is_signed(state)


@njit(cache=True, nogil=True, _nrt=False)
def _count_point(store: Store, at: int, sign: int) -> None:
    """Count a point, or take it back, unless it lies ahead of the clock."""
    point = store.slots[at]
    if point.member != AHEAD:
        count_other(store, at, sign)
        _raise_levels(store, point.queue, point.code, sign)
        _raise_levels(store, point.queue, point.outcome, -sign)


@njit(cache=True, nogil=True, _nrt=False)
def _wait_for_clock(store: Store, at: int) -> None:
    """Enter a point into the list of those that lie ahead of the clock, if it does."""
    point = store.slots[at]
    if point.member == AHEAD:
        point.wrap = store.meta[AHEAD_FIRST]
        store.meta[AHEAD_FIRST] = at
        store.meta[AHEADS] += 1


@njit(cache=True, nogil=True, _nrt=False)
def reach_points(store: Store) -> None:
    """Count the points that the clock has come to. The store must have room for as many (``AHEADS``)."""
    at, before = store.meta[AHEAD_FIRST], -1
    while at >= 0:
        point = store.slots[at]
        following = point.wrap
        if point.out_ts <= store.meta[NOW]:
            if before >= 0:
                store.slots[before].wrap = following
            else:
                store.meta[AHEAD_FIRST] = following
            store.meta[AHEADS] -= 1
            point.wrap, point.member = -1, AWAY
            store.queues[point.queue].changed = 1
            _count_point(store, at, 1)
        else:
            before = at
        at = following


@njit(cache=True, nogil=True, _nrt=False)
def _link(store: Store, agent: int, new: int, at: int, after: int) -> None:
    """Link the point *new* into the chain of *agent* between *at* and *after* (-1: none)."""
    point = store.slots[new]
    point.prev, point.next, point.row = at, after, agent
    point.outcome = store.slots[at].code if at >= 0 else (store.slots[after].outcome if after >= 0 else 0)
    if at >= 0:
        store.slots[at].next = new
    if after >= 0:
        store.slots[after].prev = new
    else:
        store.slots[agent].row = new
    point.member = AHEAD if point.out_ts > store.meta[NOW] else AWAY
    _wait_for_clock(store, new)


@njit(cache=True, nogil=True, _nrt=False)
def _place(store: Store, agent: int, new: int) -> int:
    """Take the point *new* into the chain of *agent*: `_USED`; `_KNOWN` where the chain has one of its time already.

    Of two states at one time the higher counts. 0 where it said nothing new.
    """
    ts, state = store.slots[new].out_ts, store.slots[new].code
    at, after = store.slots[agent].row, np.int32(-1)
    while at >= 0 and store.slots[at].out_ts > ts:
        at, after = store.slots[at].prev, at
    known = at >= 0 and store.slots[at].out_ts == ts
    if known and store.slots[at].code >= state:
        return 0
    touched = at if known else np.int32(-1)
    for sign in (-1, 1):
        for point in (touched, after):
            if point >= 0:
                _count_point(store, point, sign)
        if sign < 0:
            if known:
                store.slots[at].code = state
            else:
                _link(store, agent, new, at, after)
                touched = np.int32(new)
            if after >= 0:
                store.slots[after].outcome = state
    return _KNOWN if known else _USED


@njit(cache=True, nogil=True, _nrt=False)
def enlist(store: Store, at: int) -> None:
    """Enter an agent's slot into the list and the counts of their queue."""
    agent = store.slots[at]
    queue = store.queues[agent.queue]
    agent.prev, agent.next = -1, queue.agents
    if queue.agents >= 0:
        store.slots[queue.agents].prev = at
    queue.agents = at
    if agent.out_ts >= 0:
        count_state(store, agent.queue, agent.code, 1)


@njit(cache=True, nogil=True, _nrt=False)
def hear_agent(store: Store, key: int, queue: int, ts: int, state: int, who: int) -> bool:
    """Merge a state of an agent: the latest counts now; of two at once the higher. True when it said anything new.

    Without room for a point the agent is counted in the new state, but not how long.
    """
    new = take_slot(store, key, queue, POINT)  # before the agent is looked up: taking it may let agents go
    at = find(store.slots, store.table, key)
    if at < 0:
        at = take_slot(store, key, queue, AGENT)
        if at >= 0:
            store.slots[at].first_queued = np.int64(who)
            enlist(store, at)
    said = 0
    if at >= 0:
        _find_again(store, at, ts)
        said = 1 if _latest(store, at, ts, state) else 0
    used = 0
    if at >= 0 and new >= 0:
        store.slots[new].out_ts, store.slots[new].code = ts, state
        used = _place(store, at, new)
    if new >= 0 and used != _USED:
        drop(store, new)
    return said + used > 0


@njit(cache=True, nogil=True, _nrt=False)
def _latest(store: Store, at: int, ts: int, state: int) -> bool:
    agent = store.slots[at]
    if agent.out_ts > ts or (agent.out_ts == ts and agent.code >= state):
        return False
    if agent.out_ts >= 0:
        count_state(store, agent.queue, agent.code, -1)
    count_state(store, agent.queue, state, 1)
    agent.out_ts, agent.code = ts, state
    store.queues[agent.queue].known = 1
    store.queues[agent.queue].stirred |= STIRRED
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _is_lost(store: Store, agent: int) -> bool:
    slot = store.slots[agent]
    return bool(slot.code != 0 and slot.out_ts <= store.meta[MINUTE] - AGENT_SILENT_MS)


@njit(cache=True, nogil=True, _nrt=False)
def count_lost(store: Store, queues: int) -> int:
    """How many agents of the first *queues* queues `lose_agents` would find: it needs room for as many points."""
    lost = 0
    for q in range(queues):
        at = store.queues[q].agents
        while at >= 0:
            lost += _is_lost(store, at)
            at = store.slots[at].next
    return lost


@njit(cache=True, nogil=True, _nrt=False)
def lose_agents(store: Store, queues: int) -> None:
    """Take for offline, from now on, whom nothing was heard of for a day by the last full minute."""
    for q in range(queues):
        at = store.queues[q].agents
        while at >= 0:
            if _is_lost(store, at):
                _lose(store, at)
            at = store.slots[at].next  # read last: to make room others of the list may be let go of


@njit(cache=True, nogil=True, _nrt=False)
def _lose(store: Store, at: int) -> None:
    agent = store.slots[at]
    new = take_slot(store, agent.key, agent.queue, POINT)
    _latest(store, at, store.meta[NOW], 0)
    store.queues[agent.queue].changed = 1
    if new >= 0:
        store.slots[new].out_ts, store.slots[new].direction = store.meta[NOW], _LOST_TRACK
        if _place(store, at, new) != _USED:
            drop(store, new)


@njit(cache=True, nogil=True, _nrt=False)
def _find_again(store: Store, agent: int, ts: int) -> None:
    """An agent is heard of at *ts*: take back that they were lost track of, if that was later."""
    lost = store.slots[agent].row
    if lost < 0 or store.slots[lost].direction != _LOST_TRACK or store.slots[lost].out_ts < ts:
        return
    point, before = store.slots[lost], store.slots[lost].prev
    _count_point(store, lost, -1)
    if before >= 0:
        store.slots[before].next = -1
    store.slots[agent].row = before
    # what is heard now is their latest state again: they had been silent for a day
    store.slots[agent].out_ts = point.out_ts - AGENT_SILENT_MS
    drop(store, lost)


@njit(cache=True, nogil=True, _nrt=False)
def follow(store: Store, agent: int, was: Any, ahead: bool) -> None:
    """Give *agent* the point *was* of another store or a snapshot; it must lie after those the agent has."""
    at = take_slot(store, was.key, store.slots[agent].queue, POINT)
    if at < 0:
        return
    point, last = store.slots[at], store.slots[agent].row
    point.out_ts, point.code, point.outcome, point.direction = was.out_ts, was.code, was.outcome, was.direction
    point.prev, point.next, point.row = last, -1, agent
    if last >= 0:
        store.slots[last].next = at
    else:  # what the chain began with was counted by points that are gone
        _raise_levels(store, point.queue, was.outcome, 1)
    store.slots[agent].row = at
    point.member = AHEAD if ahead else AWAY
    _wait_for_clock(store, at)
    _count_point(store, at, 1)
