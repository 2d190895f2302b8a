"""One queue in a steady state: Erlang A (M/M/n+M, callers hang up) and Erlang C (nobody does), for fractional n.

Erlang A has an answer for every load: in overload the queue is as long as patience lets it be. Erlang C has none from
n = a upwards, and says so: everybody waits, for ever. Sources: Palm 1957; Garnett, Mandelbaum and Reiman 2002,
"Designing a call center with impatient customers", M&SOM 4(3); Mandelbaum and Zeltyn 2007, "Service engineering in
action: the Palm/Erlang-A queue" (their J and epsilon, which hold for any n > 0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from alerts.staffing.special import erlang_b, log_a, waiters
from models.catalogue import FlowOut, Formula
from models.formula import service_base, service_met

#: More agents than any queue has, and less than one agent for a minute of a half-hour: outside is a mistake of units.
AGENTS_MAX: Final = 100_000.0
AGENTS_MIN: Final = 0.01
#: Beyond this multiple of the handling time patience is without end: Erlang C is the same to nine digits.
PATIENT: Final = 1e6


@dataclass(frozen=True, slots=True)
class Load:
    """What comes: calls per second, mean seconds that each binds an agent, mean patience (inf: nobody hangs up).

    Raises ValueError unless all are positive, the first two finite.
    """

    per_s: float
    handle_s: float
    patience_s: float = math.inf

    def __post_init__(self) -> None:
        good = 0 < self.per_s < math.inf and 0 < self.handle_s < math.inf and self.patience_s > 0
        if not good:
            raise ValueError(f"no load: {self.per_s} calls/s, handle {self.handle_s} s, patience {self.patience_s} s")

    @property
    def erlangs(self) -> float:
        """Offered load: agents who would be busy if none were ever missing."""
        return self.per_s * self.handle_s


@dataclass(frozen=True, slots=True)
class Steady:
    """What *agents* make of *load* in the long run. Shares are of the calls offered, times in seconds.

    *waiting*: find nobody free. *abandoned*: hang up. *wait_s*: mean wait of all, those included. *speed_of_answer_s*:
    mean wait of the answered. *occupancy*: share of the agents' time that is busy. *settles* is False where there is
    no long run (Erlang C in overload): then waits are infinite.
    """

    load: Load
    agents: float
    waiting: float
    abandoned: float
    wait_s: float
    speed_of_answer_s: float
    occupancy: float
    settles: bool = True

    @property
    def queue(self) -> float:
        """Mean number of callers waiting (Little's law)."""
        return self.load.per_s * self.wait_s

    def beyond(self, seconds: float) -> float:
        """Share of callers who wait longer than *seconds*, whatever becomes of them."""
        if not self.settles:
            return 1.0
        if self.agents < AGENTS_MIN:
            return math.exp(-_theta(self.load) * seconds)
        return _clipped(self.waiting * math.exp(self._log_tail(seconds) - _theta(self.load) * seconds))

    def answered_in(self, seconds: float) -> float:
        """Share of callers who are answered within *seconds*."""
        if not self.settles or self.agents < AGENTS_MIN:
            return 0.0
        if _patient(self.load):
            return 1 - self.beyond(seconds)
        c, y, y_end = self._arguments(seconds)
        whole = log_a(c, y)
        # lambda J and its like, by Palm's A: of the waiters those whose offered wait ends in time, before they hang up
        left = math.exp(self._log_tail(seconds)) * -math.expm1(-log_a(c, y_end))
        return _clipped(1 - self.waiting + self.waiting * c / y * (-math.expm1(-whole) - left))

    def abandoned_in(self, seconds: float) -> float:
        """Share of callers who hang up within *seconds*."""
        return _clipped(1 - self.beyond(seconds) - self.answered_in(seconds))

    def service_level(self, threshold_s: float, formula: Formula = Formula.NEGATIVE, short_s: float = 0.0) -> float:
        """The service level by *formula*; *short_s* is the short-abandon limit of `Formula.SHORT_EXCLUDED`.

        NaN where the formula judges no call at all.
        """
        answered, abandoned = 1 - self.abandoned, self.abandoned
        answered_in = self.answered_in(threshold_s)
        abandoned_in = _clipped(1 - self.beyond(threshold_s) - answered_in)  # as `abandoned_in`, which would ask again
        short = self.abandoned_in(short_s) if short_s > 0 else 0.0
        # models.formula is compiled for whole calls; the functions beneath are the same for shares
        base = service_base.py_func(
            int(formula), int(FlowOut.IGNORE), answered, abandoned, abandoned_in, min(short, abandoned), 0.0, 0.0
        )
        met = service_met.py_func(int(formula), answered_in, abandoned_in)
        return _clipped(met / base) if base > 0 else math.nan

    def _arguments(self, seconds: float) -> tuple[float, float, float]:
        theta = _theta(self.load)
        y = self.load.per_s / theta
        return self.agents / self.load.handle_s / theta, y, y * math.exp(-theta * seconds)

    def _log_tail(self, seconds: float) -> float:
        """Logarithm of the share of waiters whose offered wait is longer than *seconds*: J(t) / J."""
        rate = self.agents / self.load.handle_s
        if _patient(self.load):
            return (self.load.per_s - rate) * seconds
        c, y, y_end = self._arguments(seconds)
        fallen = -y * math.expm1(-seconds * _theta(self.load)) - rate * seconds
        return min(0.0, fallen + log_a(c, y_end) - log_a(c, y))


def steady(load: Load, agents: float) -> Steady:
    """What *agents* (any number, 0 too) make of *load*. Raises ValueError for a number that cannot be one."""
    if not 0 <= agents <= AGENTS_MAX:
        raise ValueError(f"{agents} agents: give a number from 0 to {AGENTS_MAX:,.0f}")
    if agents < AGENTS_MIN:
        return _nobody(load, agents)
    return _erlang_c(load, agents) if _patient(load) else _erlang_a(load, agents)


def _nobody(load: Load, agents: float) -> Steady:
    if _patient(load):
        return Steady(load, agents, 1.0, 0.0, math.inf, math.inf, 1.0, settles=False)
    return Steady(load, agents, 1.0, 1.0, load.patience_s, math.inf, 1.0)


def _erlang_a(load: Load, agents: float) -> Steady:
    theta, a = 1 / load.patience_s, load.erlangs
    rho, y = a / agents, load.per_s * load.patience_s
    behind = waiters(agents / (load.handle_s * theta), y)
    # P(wait) = x / (1 + x), x = lambda J / epsilon = rho A(c, y) B(n - 1, a)
    blocked = erlang_b(agents - 1, a)
    odds = math.log(rho) + behind.log_a + math.log(blocked) if blocked > 0 else -math.inf
    waiting = 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
    abandoned = waiting * behind.abandon
    answered = 1 - abandoned
    return Steady(
        load,
        agents,
        waiting,
        abandoned,
        wait_s=abandoned / theta,
        speed_of_answer_s=waiting * behind.served / (theta * answered),
        occupancy=min(1.0, rho * answered),
    )


def _erlang_c(load: Load, agents: float) -> Steady:
    a = load.erlangs
    if agents <= a:
        return Steady(load, agents, 1.0, 0.0, math.inf, math.inf, 1.0, settles=False)
    x = a / (agents - a) * erlang_b(agents - 1, a)
    waiting = x / (1 + x)
    wait_s = waiting * load.handle_s / (agents - a)
    return Steady(load, agents, waiting, 0.0, wait_s, wait_s, a / agents)


def _patient(load: Load) -> bool:
    return load.patience_s > PATIENT * load.handle_s


def _theta(load: Load) -> float:
    return 0.0 if _patient(load) else 1 / load.patience_s


def _clipped(share: float) -> float:
    return min(1.0, max(0.0, share))
