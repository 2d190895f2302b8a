"""The models asked backwards: how many agents, in fractions, reach what is aimed at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from alerts.staffing.erlang import AGENTS_MAX, AGENTS_MIN, Load, Steady, steady
from models.catalogue import Formula

#: How close the fraction is: a hundredth of a minute of one agent in a half-hour is nothing.
TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Goal:
    """What is aimed at; None aims at nothing. All that is given must be met at once.

    *service_level* within *threshold_s* by *formula* (*short_s*: its short-abandon limit), at most *abandoned* of the
    callers, *speed_of_answer_s* on average and *occupancy*. Shares lie above 0 and below 1. Raises ValueError.
    """

    service_level: float | None = None
    threshold_s: float = 20.0
    formula: Formula = Formula.NEGATIVE
    short_s: float = 0.0
    abandoned: float | None = None
    speed_of_answer_s: float | None = None
    occupancy: float | None = None

    def __post_init__(self) -> None:
        for name in ("service_level", "abandoned", "occupancy"):
            share = getattr(self, name)
            if share is not None and not 0 < share < 1:
                raise ValueError(f"{name} {share}: give a share above 0 and below 1")
        if not self.threshold_s >= 0 or (self.speed_of_answer_s is not None and not self.speed_of_answer_s > 0):
            raise ValueError("a threshold is 0 s or more, a speed of answer more than 0 s")
        if all(aim is None for aim in (self.service_level, self.abandoned, self.speed_of_answer_s, self.occupancy)):
            raise ValueError("no goal: give a service level, an abandonment, a speed of answer or an occupancy")

    def met(self, found: Steady) -> bool:
        """Whether *found* meets all of it."""
        return (
            (
                self.service_level is None
                or found.service_level(self.threshold_s, self.formula, self.short_s) >= self.service_level
            )
            and (self.abandoned is None or found.abandoned <= self.abandoned)
            and (self.speed_of_answer_s is None or found.speed_of_answer_s <= self.speed_of_answer_s)
            and (self.occupancy is None or found.occupancy <= self.occupancy)
        )


def agents_needed(load: Load, goal: Goal) -> float:
    """The least number of agents, in fractions, that meets *goal* in the long run, to `TOLERANCE`.

    Every aim is met better by more agents, so halving finds it. Raises ValueError where `AGENTS_MAX` do not do.
    """
    low, high = 0.0, max(1.0, load.erlangs)
    while not goal.met(steady(load, min(high, AGENTS_MAX))):
        if high >= AGENTS_MAX:
            raise ValueError(f"more than {AGENTS_MAX:,.0f} agents would be needed")
        low, high = high, high + max(1.0, math.sqrt(load.erlangs), high - low)
    high = min(high, AGENTS_MAX)
    while high - low > TOLERANCE and high > AGENTS_MIN:
        middle = (low + high) / 2
        low, high = (low, middle) if goal.met(steady(load, middle)) else (middle, high)
    return high


def whole(agents: float) -> int:
    """So many people: *agents* (to `TOLERANCE`) rounded up, one at least."""
    return max(1, math.ceil(agents - 2 * TOLERANCE))
