"""A day of a queue as the events that its telephone system would write, in order of time."""

from __future__ import annotations

import numpy as np

from benchmarks.detection.life import ABANDONED, ANSWERED, BLOCKED, MENU, MENU_S, NEVER_CAME, Day
from benchmarks.detection.shape import Line, day_ms
from benchmarks.detection.trouble import Trouble

SOURCE = "suite"
#: Who cannot sign in tries again after this long.
RETRY_S = 120.0
Told = tuple[int, int, bytes]  #: epoch ms, rank among those of one millisecond, the event


def tell(line: Line, day: Day, trouble: Trouble | None = None) -> list[Told]:
    """All events of *day*; ids are unique by queue and day, and those before a trouble are those without it."""
    out: list[Told] = []
    midnight, queue = day_ms(day.day), line.name
    for n, (at, fate) in enumerate(zip(day.at.tolist(), day.fate.tolist(), strict=True)):
        if fate != NEVER_CAME:
            out += _call(midnight, queue, f"{day.day}-{n}", at, fate, day, n)
    out += _hours(midnight, queue, day)
    if trouble is not None and trouble.kind == "sign_in":
        out += _failures(midnight, queue, day, trouble)
    out.sort(key=lambda one: one[:2])
    return out


def _call(midnight: int, queue: str, call: str, at: float, fate: int, day: Day, n: int) -> list[Told]:
    came = midnight + round(at * 1000)
    if fate == BLOCKED:
        return [_event(came, 0, "call.blocked", queue, call)]
    if fate == MENU:
        return [_event(came + round(MENU_S * 1000), 0, "ivr.abandoned", queue, call)]
    out = [_event(came, 0, "call.offered", queue, call)]
    wait = round(float(day.wait[n]) * 1000)
    if fate == ABANDONED:
        return [*out, _event(came + wait, 1, "call.abandoned", queue, call, f',"wait_ms":{wait}')]
    assert fate == ANSWERED
    talk, wrap = round(float(day.talk[n]) * 1000), round(float(day.wrap[n]) * 1000)
    by, answered = f',"agent":"{_agent(queue, int(day.agent[n]))}"', came + wait
    done = answered + talk + wrap
    out.append(_event(answered, 1, "call.answered", queue, call, f'{by},"wait_ms":{wait}'))
    out.append(_state_at(answered, queue, int(day.agent[n]), "talking", 2))
    out.append(_event(done, 1, "call.completed", queue, call, f'{by},"talk_ms":{talk},"wrap_ms":{wrap}'))
    out.append(_state_at(done, queue, int(day.agent[n]), "ready", 2))  # who leaves then goes offline right after
    return out


def _hours(midnight: int, queue: str, day: Day) -> list[Told]:
    """Agents come, and go when their time is over and their last caller is served."""
    out = []
    until = np.where(day.fate == ANSWERED, day.at + day.wait + day.talk + day.wrap, 0.0)
    for number, (begins, ends) in day.duty:
        theirs = (day.agent == number) & (day.at + day.wait >= begins) & (day.at + day.wait < ends)
        leaves = max(ends, float(until[theirs].max(initial=0.0)) + 0.002)
        out.append(_state_at(midnight + round(begins * 1000), queue, number, "ready", 3))
        out.append(_state_at(midnight + round(leaves * 1000), queue, number, "offline", 5))
    return out


def _agent(queue: str, number: int) -> str:
    return f"{queue.replace('/', '-')}-a{number}"


def _event(ts: int, rank: int, kind: str, queue: str, call: str, more: str = "") -> Told:
    head = f'"id":"{call}-{kind}","source":"{SOURCE}","type":"{kind}","ts":{ts}'
    text = f'{{{head},"queue":"{queue}","call":"{call}"{more}}}'
    return ts, rank, text.encode()


def _state_at(ts: int, queue: str, number: int, state: str, rank: int) -> Told:
    agent = _agent(queue, number)
    text = (
        f'{{"id":"{agent}-{ts}-{state}","source":"{SOURCE}","type":"agent.state","ts":{ts},"queue":"{queue}",'
        f'"agent":"{agent}","state":"{state}"}}'
    )
    return ts, rank, text.encode()


def _failures(midnight: int, queue: str, day: Day, trouble: Trouble) -> list[Told]:
    """Who was thrown out tries to sign in again, every two minutes."""
    out = []
    for number in sorted({n for n, (_, ends) in day.duty if ends == trouble.start_s}):
        at, agent = trouble.start_s + 5 + number % 30, _agent(queue, number)
        while at < trouble.end_s:
            ts = midnight + round(at * 1000)
            text = (
                f'{{"id":"{agent}-{ts}-failed","source":"{SOURCE}","type":"agent.login_failed","ts":{ts},'
                f'"queue":"{queue}","agent":"{agent}","reason":"platform"}}'
            )
            out.append((ts, 4, text.encode()))
            at += RETRY_S
    return out
