"""What the PBX of a simulated pool reports: events in the shape of DESIGN section 3, in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import orjson

from sources.simulation.demand import Caller
from sources.simulation.plan import DayPlan, PoolPlan
from sources.simulation.pool import Contact
from sources.simulation.roster import Agent

SOURCE: Final = "pbx-sim"
HEARTBEAT_MS: Final = 30_000
#: Menu: callers who hang up there do so after this long.
_MENU_MS: Final = 25_000
#: Order of events of the same millisecond: a call is offered before anything else happens to it.
_RANK: Final = {"call.offered": 0, "call.abandoned": 1, "call.flowed_out": 1, "agent.state": 2, "call.answered": 3}

Event = dict[str, Any]


class _Busy(NamedTuple):
    """An agent with a call, epoch ms: rung, answered, hung up, wrapped up."""

    rung: int
    answered: int
    hung_up: int
    done: int
    queue: str


def tell_pool(
    plan: DayPlan, pool: PoolPlan, callers: Iterable[Caller], contacts: Sequence[Contact], agents: Sequence[Agent]
) -> list[tuple[int, bytes]]:
    """All events of a pool within the run, as (ts, JSON), sorted; ids are unique with the pool's number."""
    events = [event for caller in callers for event in _tell_lost(plan, caller)]
    busy: dict[int, list[_Busy]] = {}
    for contact in contacts:
        events.extend(_tell_contact(plan, contact, agents, busy))
    names = [queue.name for queue in pool.queues]
    for n, agent in enumerate(agents):
        events.extend(_tell_agent(plan, agent, names, busy.get(n, [])))
    events = [event for event in events if plan.start_ms <= event["ts"] < plan.end_ms]
    events.sort(key=lambda event: (event["ts"], _RANK.get(event["type"], 4)))  # stable: equal ones as they were told
    return [
        (event["ts"], orjson.dumps({"id": f"{pool.number}-{n}", "source": SOURCE} | event))
        for n, event in enumerate(events)
    ]


def tell_heartbeats(plan: DayPlan) -> Iterator[tuple[int, bytes]]:
    """The PBX is alive: a heartbeat every 30 s."""
    for n, ts in enumerate(range(plan.start_ms, plan.end_ms, HEARTBEAT_MS)):
        yield ts, orjson.dumps({"id": f"beat-{n}", "source": SOURCE, "type": "source.heartbeat", "ts": ts})


def _call(kind: str, ts: int, caller: Caller, **more: object) -> Event:
    head = {"type": kind, "ts": ts, "call": caller.call, "queue": caller.queue, "channel": "voice"}
    return {**head, "line": caller.line, "customer": caller.customer, **more}


def _tell_lost(plan: DayPlan, caller: Caller) -> Iterator[Event]:
    """Callers who never reach the queue."""
    at = plan.ms(caller.at_s)
    if caller.fate == "blocked":
        yield _call("call.blocked", at, caller, trunk=f"{caller.queue.partition('/')[0]}-1", reason="trunk")
    elif caller.fate == "menu":
        yield _call("ivr.abandoned", at + min(_MENU_MS, round(caller.patience_s * 1000)), caller)


def _tell_contact(
    plan: DayPlan, contact: Contact, agents: Sequence[Agent], busy: dict[int, list[_Busy]]
) -> Iterator[Event]:
    caller, offered = contact.caller, plan.ms(contact.caller.at_s)
    left = max(offered, plan.ms(caller.at_s + contact.waited_s))
    yield _call("call.offered", offered, caller)
    if contact.outcome == "abandoned":
        yield _call("call.abandoned", left, caller, wait_ms=left - offered)
    elif contact.outcome == "flowed_out":
        yield _call("call.flowed_out", left, caller, wait_ms=left - offered, reason="timeout")
    else:
        answered = left + caller.ring_ms
        hung_up = answered + caller.talk_ms
        work = _Busy(left, answered, hung_up, hung_up + caller.wrap_ms, caller.queue)
        busy.setdefault(contact.agent, []).append(work)
        agent = agents[contact.agent].id
        yield _call("call.answered", answered, caller, agent=agent, wait_ms=answered - offered)
        # Completed when the agent is done with it, so that handle time is whole.
        times = {"talk_ms": caller.talk_ms - caller.hold_ms, "hold_ms": caller.hold_ms, "wrap_ms": caller.wrap_ms}
        yield _call("call.completed", work.done, caller, agent=agent, **times)


def _tell_agent(plan: DayPlan, agent: Agent, queues: Sequence[str], busy: list[_Busy]) -> Iterator[Event]:
    """States of an agent, one record for each queue served: here with a call, elsewhere not ready meanwhile."""
    busy.sort()
    turns = sorted({plan.start_ms} | {plan.ms(t) for t in agent.changes() if t > 0})
    last: tuple[str, str | None] = ("offline", None)
    at = 0
    done = 0
    for work in [*busy, None]:
        while at < len(turns) and (work is None or turns[at] <= work.rung):
            free = agent.state((turns[at] - plan.start_ms) / 1000)
            if free != last:
                yield from _state(turns[at], agent.id, queues, *free)
            last, at = free, at + 1
        if work is None:
            return
        # Rounded to milliseconds, the next call may seem to ring just before the last one is done.
        yield from _with_call(agent.id, queues, work._replace(rung=max(work.rung, done)))
        done = work.done
        while at < len(turns) and turns[at] <= done:
            at += 1
        last = agent.state((done - plan.start_ms) / 1000)
        yield from _state(done, agent.id, queues, *last)


def _with_call(agent: str, queues: Sequence[str], work: _Busy) -> Iterator[Event]:
    others = [queue for queue in queues if queue != work.queue]
    yield from _state(work.rung, agent, [work.queue], "ringing")
    yield from _state(work.rung, agent, others, "not_ready", "other_queue")
    yield from _state(work.answered, agent, [work.queue], "talking")
    yield from _state(work.hung_up, agent, [work.queue], "wrap")


def _state(ts: int, agent: str, queues: Sequence[str], state: str, reason: str | None = None) -> Iterator[Event]:
    for queue in queues:
        event: Event = {"type": "agent.state", "ts": ts, "queue": queue, "agent": agent, "state": state}
        yield event if reason is None else {**event, "reason": reason}
