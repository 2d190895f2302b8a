"""Simulated callers: one queue, first come first served, drawn from a seed. Nothing of the formulas is in it."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass

from alerts.staffing.erlang import Load


@dataclass(frozen=True, slots=True)
class Met:
    """One caller: when he came, how long he waited, whether he was answered."""

    at_s: float
    waited_s: float
    answered: bool


def met(seed: int, load: Load, agents: int, until_s: float, start: int = 0) -> list[Met]:
    """Callers up to *until_s*; *start* are in the system at 0 already, the agents' hands full first.

    Those who began to wait before 0 are not among the callers, but in their way.
    """
    rng = random.Random(seed)
    free_at = [0.0] * max(agents - start, 0)
    free_at += [rng.expovariate(1 / load.handle_s) for _ in range(min(agents, start))]
    heapq.heapify(free_at)
    for _ in range(start - agents):
        _one(rng, load, free_at, 0.0)
    out, at_s = [], rng.expovariate(load.per_s)
    while at_s < until_s:
        out.append(_one(rng, load, free_at, at_s))
        at_s += rng.expovariate(load.per_s)
    return out


def _one(rng: random.Random, load: Load, free_at: list[float], at_s: float) -> Met:
    patience_s = rng.expovariate(1 / load.patience_s) if load.patience_s < math.inf else math.inf
    talk_s, wait_s = rng.expovariate(1 / load.handle_s), max(0.0, free_at[0] - at_s)
    if wait_s > patience_s:
        return Met(at_s, patience_s, False)
    heapq.heapreplace(free_at, at_s + wait_s + talk_s)
    return Met(at_s, wait_s, True)
