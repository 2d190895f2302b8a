"""Limits from an alarm budget: how rare must a value be, that false alarms come no oftener than people can bear.

The budget is in false alarms per series and week; what follows from it is the chance per test, or the limit of a CUSUM.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log10, pi, sqrt
from statistics import NormalDist
from typing import Final

WEEK_MS: Final = 7 * 86_400_000
#: What an order costs is typing: so many of them a person bears in a shift.
ORDERS_A_SHIFT: Final = 6.0
_NORMAL: Final = NormalDist()
#: Overshoot of a CUSUM over its limit, in deviations (Siegmund 1985).
_OVERSHOOT: Final = 1.166


@dataclass(frozen=True, slots=True)
class Budget:
    """False alarms a week that one series may cost, shared evenly by *tests* kinds of test of it.

    *every_ms* lies between two tests; *likeness* is the correlation of two that follow each other.
    """

    alarms_per_week: float = 1.0
    every_ms: int = 1_800_000
    likeness: float = 0.0
    tests: int = 1

    @property
    def tests_per_week(self) -> float:
        """How often each kind of test is made."""
        return WEEK_MS / self.every_ms

    @property
    def run_length(self) -> float:
        """Tests between two false alarms of one kind."""
        return self.tests_per_week * self.tests / self.alarms_per_week

    @property
    def chance(self) -> float:
        """The chance per test at which an alarm begins as often as the budget allows."""
        return chance_of(1.0 / self.run_length, self.likeness)

    @property
    def rarity(self) -> float:
        """The same as -log10."""
        return -log10(self.chance)


def people_budget(
    people: int,
    shifts_per_week: float,
    series: int,
    alarms_per_week: float = 1.0,
    orders_a_shift: float = ORDERS_A_SHIFT,
) -> float:
    """Alarms a week and series, when *people* on each of so many shifts look after all *series* together."""
    return min(alarms_per_week, orders_a_shift * people * shifts_per_week / max(series, 1))


def beginning(chance: float, likeness: float) -> float:
    """The share of alarms that do not follow one: of normal values of correlation *likeness* that pass their limit.

    P(X_0 <= u | X_1 > u), the rate of upcrossings (Rice 1945) over *chance*; Simpson's rule over 12 deviations.
    """
    if likeness <= 0.0:
        return 1.0 - chance
    limit, spread, steps = -_NORMAL.inv_cdf(chance), sqrt(1.0 - likeness**2), 600
    width = 12.0 / steps
    total = 0.0
    for i in range(steps + 1):
        x = limit + i * width
        weight = 1 if i in (0, steps) else 4 if i % 2 else 2
        total += weight * exp(-x * x / 2) / sqrt(2 * pi) * _NORMAL.cdf((limit - likeness * x) / spread)
    return total * width / 3.0 / chance


def chance_of(rate: float, likeness: float) -> float:
    """The chance per test at which alarms begin at *rate* per test, for tests of correlation *likeness*.

    Raises ValueError for a rate that is none.
    """
    if not 0.0 < rate < 0.25:
        raise ValueError(f"an alarm in {1 / rate if rate else inf:g} tests is no rare thing")
    low, high = rate, 0.25
    for _ in range(60):
        middle = sqrt(low * high)
        low, high = (middle, high) if middle * beginning(middle, likeness) < rate else (low, middle)
    return sqrt(low * high)


def run_length_of(limit: float, slack: float) -> float:
    """Values between two false alarms of a one-sided CUSUM of standard normal values (Siegmund's approximation)."""
    reach = 2.0 * slack * (limit + _OVERSHOOT)
    return (exp(min(reach, 700.0)) - reach - 1.0) / (2.0 * slack * slack)


def cusum_limit(run_length: float, slack: float) -> float:
    """The limit at which a CUSUM with *slack* gives a false alarm in *run_length* values."""
    low, high = 0.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length_of(middle, slack) < run_length else (low, middle)
    return high
