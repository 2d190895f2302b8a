"""Slow twins: Erlang A as the birth-death chain that it is, at rest and on its way there, state by state."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from alerts.staffing.erlang import Load

Vector = NDArray[np.float64]


def at_rest(load: Load, agents: int) -> dict[str, float]:
    """Shares and means of M/M/n+M (or M/M/n) from the balance equations alone, in logarithms."""
    theta = 1 / load.patience_s
    logs = [0.0]
    while len(logs) <= agents + 10 or logs[-1] > max(logs) - 50:
        k = len(logs)
        logs.append(logs[-1] + math.log(load.per_s / (min(k, agents) / load.handle_s + max(0, k - agents) * theta)))
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    total = math.fsum(weights)
    queue = math.fsum((k - agents) * w for k, w in enumerate(weights) if k > agents) / total
    busy = math.fsum(min(k, agents) * w for k, w in enumerate(weights)) / total
    return {
        "waiting": math.fsum(weights[agents:]) / total,
        "abandoned": queue * theta / load.per_s,
        "queue": queue,
        "occupancy": busy / agents,
        "found": total,
    }


def law(load: Load, agents: int) -> Vector:
    """Chance of each number of callers in the system that an arrival finds (Poisson arrivals see time averages)."""
    theta = 1 / load.patience_s
    logs = [0.0]
    while len(logs) <= agents + 10 or logs[-1] > max(logs) - 40:
        k = len(logs)
        logs.append(logs[-1] + math.log(load.per_s / (min(k, agents) / load.handle_s + max(0, k - agents) * theta)))
    weights = np.exp(np.array(logs) - max(logs))
    return np.asarray(weights / weights.sum())


def fates(load: Load, agents: float, places: int, seconds: float) -> tuple[Vector, Vector]:
    """Shares answered and hung up within *seconds*, for a caller with 0 to *places* - 1 others waiting before him."""
    theta, ahead = 1 / load.patience_s, np.arange(places)
    move = agents / load.handle_s + ahead * theta
    steps = max(200, int(seconds * (float(move.max()) + theta) * 3))
    h = seconds / steps
    answered, gone = np.zeros(places), np.zeros(places)

    def slope(share: Vector, end: float, own: float) -> Vector:
        return np.asarray(move * (np.concatenate(([end], share[:-1])) - share) + theta * (own - share))

    for _ in range(steps):
        answered = _step(answered, h, lambda share: slope(share, 1.0, 0.0))
        gone = _step(gone, h, lambda share: slope(share, 0.0, 1.0))
    return answered, gone


def on_its_way(load: Load, agents: int, start: int, threshold_s: float, until_s: float, every_s: float) -> list[float]:
    """Share of the callers arriving at 0, *every_s*, ... who are answered in time, from *start* in the system on."""
    theta = 1 / load.patience_s
    over = max(load.per_s - agents / load.handle_s, 0) / max(theta, 1 / 36_000)
    states = int(max(start, agents) + 12 * math.sqrt(max(start, agents)) + over) + 60
    k = np.arange(states)
    death = np.minimum(k, agents) / load.handle_s + np.maximum(k - agents, 0) * theta
    in_time = np.ones(states)
    in_time[agents:] = fates(load, agents, states - agents, threshold_s)[0]
    chance = np.zeros(states)
    chance[start] = 1.0
    steps = math.ceil(every_s * 2 * (load.per_s + float(death.max())))

    def slope(p: Vector) -> Vector:
        change = -death * p
        change[:-1] += death[1:] * p[1:] - load.per_s * p[:-1]
        change[1:] += load.per_s * p[:-1]
        return np.asarray(change)

    out = [float(in_time @ chance)]
    while (len(out) - 1) * every_s < until_s:
        for _ in range(steps):
            chance = _step(chance, every_s / steps, slope)
        out.append(float(in_time @ chance))
    return out


def _step(x: Vector, h: float, slope) -> Vector:  # type: ignore[no-untyped-def]
    a = slope(x)
    b = slope(x + h / 2 * a)
    c = slope(x + h / 2 * b)
    d = slope(x + h * c)
    return np.asarray(x + h / 6 * (a + 2 * b + 2 * c + d))
