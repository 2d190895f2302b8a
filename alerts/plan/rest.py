"""What is still to come today: the forecast of the rest of the day, drawn towards what the day has brought so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alerts.plan.against import DAY_CV, Against
from models.plan.interval import PlanInterval

#: A handle time of so many conversations weighs as much as the forecast of it.
HANDLE_WEIGHT: Final = 50.0
#: The rest of a day goes its own way by so much beside what the day has shown. Measured on five months of real calls,
#: forecast by the mean of the eight days before: with it the bounds hold 83 to 87 % of the days, without it 35 to 50 %.
REST_CV: Final = 0.15


@dataclass(frozen=True, slots=True)
class Busyness:
    """How busy the day is beside its forecast: calls by *calls* (with its spread), handle time by *handle*."""

    calls: float
    spread: float
    handle: float


def busyness(so_far: Sequence[Against]) -> Busyness:
    """Learn it from the intervals that are over.

    The day's factor has a gamma law of mean 1 and spread `DAY_CV` before anything is known, calls are Poisson given it;
    so by now it has mean (k + came) / (k + forecast), k = 1 / DAY_CV^2 = 100 calls (Whitt 1999, "Dynamic staffing in a
    telephone call center aiming to immediately answer all calls"; Avramidis, Deslauriers and L'Ecuyer 2004).
    """
    k = 1 / DAY_CV**2
    planned = [one for one in so_far if one.plan.offered is not None]
    shape = k + sum(one.actual.offered for one in planned)
    rate = k + math.fsum(one.plan.offered or 0.0 for one in planned)
    timed = [one for one in so_far if one.plan.handle_ms and one.actual.handle_ms is not None]
    weight = HANDLE_WEIGHT + sum(one.actual.completed for one in timed)
    seen = math.fsum(one.actual.completed * (1 + (one.handle_off or 0.0)) for one in timed)
    return Busyness(shape / rate, math.sqrt(shape) / rate, (HANDLE_WEIGHT + seen) / weight)


@dataclass(frozen=True, slots=True)
class Coming:
    """An interval to come, or the *seconds* that are left of the one under way. None is not planned."""

    start_ms: int
    seconds: float
    offered: float | None
    handle_s: float | None
    scheduled: float | None


@dataclass(frozen=True, slots=True)
class Rest:
    """The *intervals* to come as they are now forecast, their calls, and the bounds that hold them at 90 %."""

    intervals: tuple[Coming, ...]
    offered: float
    low: float
    high: float


def rest_of_day(plan: Sequence[PlanInterval], day: Busyness, now_ms: int) -> Rest:
    """What *plan* still has to bring after *now_ms* on such a *day*; of the interval under way the share that is left.

    Its calls are as uncertain as the day's factor, as the rest of a day beside it, and as Poisson counts.
    """
    coming = []
    for one in plan:
        start_ms = max(one.start_ms, now_ms)
        if one.end_ms > start_ms:
            left = (one.end_ms - start_ms) / (one.end_ms - one.start_ms)
            offered = None if one.offered is None else one.offered * left * day.calls
            handle_s = None if one.handle_ms is None else one.handle_ms * day.handle / 1000
            coming.append(Coming(start_ms, (one.end_ms - start_ms) / 1000, offered, handle_s, one.scheduled))
    offered = math.fsum(one.offered or 0.0 for one in coming)
    spread = 1.645 * math.sqrt(offered + (offered / day.calls * day.spread) ** 2 + (REST_CV * offered) ** 2)
    return Rest(tuple(coming), offered, max(0.0, offered - spread), offered + spread)
