"""Forecast against actual: how far calls, handle time and agents are off, and whether it is time to forecast anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.plan.interval import PlanInterval

#: How far a good forecast of calls is off by itself, beside the chance of a Poisson count: days are busier or quieter
#: as a whole by a tenth (Avramidis, Deslauriers and L'Ecuyer 2004, "Modeling daily arrivals to a telephone call
#: center", Management Science 50; the planners' "10 % is usual").
DAY_CV: Final = 0.10
#: The planners' rule: forecast anew when two intervals after each other are off by more than this, the same way.
OFF: Final = 0.20
IN_A_ROW: Final = 2
#: ... and not by chance alone.
UNUSUAL: Final = 2.0


@dataclass(frozen=True, slots=True)
class Actual:
    """What an interval brought: calls offered, conversations over with their mean handle time, agents taking calls on
    average (None: unknown)."""

    start_ms: int
    offered: int
    completed: int = 0
    handle_ms: float | None = None
    agents: float | None = None


@dataclass(frozen=True, slots=True)
class Against:
    """An interval of the plan and what came. Differences are shares of what was planned, None where nothing was.

    *deviations*: how unusual the calls are, in standard deviations of a good forecast.
    """

    plan: PlanInterval
    actual: Actual
    offered_off: float | None
    handle_off: float | None
    agents_off: float | None
    deviations: float | None


def against(plan: PlanInterval, actual: Actual) -> Against:
    """*actual* beside *plan*, of the same interval."""
    deviations = None
    if plan.offered is not None:
        spread = math.sqrt(plan.offered + (DAY_CV * plan.offered) ** 2)
        deviations = (actual.offered - plan.offered) / max(spread, 1.0)
    return Against(
        plan,
        actual,
        _off(actual.offered, plan.offered),
        _off(actual.handle_ms, plan.handle_ms),
        _off(actual.agents, plan.scheduled),
        deviations,
    )


def reforecast_due(so_far: Sequence[Against]) -> bool:
    """Whether the last `IN_A_ROW` intervals of *so_far* (in order) are all off by more than `OFF`, the same way, and
    unusually so. Time to plan the rest of the day anew."""
    last = so_far[-IN_A_ROW:]
    if len(last) < IN_A_ROW or any(one.offered_off is None or one.deviations is None for one in last):
        return False
    ways = {(one.offered_off or 0.0) > 0 for one in last}
    return len(ways) == 1 and all(
        abs(one.offered_off or 0.0) > OFF and abs(one.deviations or 0.0) > UNUSUAL for one in last
    )


def _off(actual: float | None, planned: float | None) -> float | None:
    if actual is None or planned is None or planned <= 0:
        return None
    return actual / planned - 1
