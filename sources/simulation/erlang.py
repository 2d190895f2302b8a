"""Erlang C, as workforce planners use it to say how many agents a half-hour needs."""

from __future__ import annotations

import math


def erlang_b(agents: int, load: float) -> float:
    """Probability that all *agents* are busy in a loss system at *load* erlangs (recursion of Jagerman)."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def service_level(agents: int, load: float, handle_s: float, threshold_s: float) -> float:
    """Share of callers answered within *threshold_s* when nobody hangs up (Erlang C); 0 when overloaded."""
    if agents <= load:
        return 0.0
    b = erlang_b(agents, load)
    waits = b / (1 - (load / agents) * (1 - b))
    return 1 - waits * math.exp(-(agents - load) * threshold_s / handle_s)


def agents_needed(per_s: float, handle_s: float, target: float, threshold_s: float) -> int:
    """Smallest number of agents that answers *target* of the callers within *threshold_s*; at least two."""
    load = per_s * handle_s
    agents = max(2, math.floor(load) + 1)
    while service_level(agents, load, handle_s, threshold_s) < target:
        agents += 1
    return agents
