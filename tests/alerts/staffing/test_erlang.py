"""Erlang A and C against the chain of states, published figures and simulated callers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from alerts.staffing.erlang import Load, steady
from models.catalogue import Formula
from tests.alerts.staffing.callers import met
from tests.alerts.staffing.chain import at_rest, fates, law

CASES = [
    (Load(5 / 120, 120, 90), 6),
    (Load(9 / 120, 120, 90), 8),
    (Load(0.8, 60, 120), 50),
    (Load(500 / 300, 300, 60), 480),
    (Load(3 / 200, 200, 10), 20),
    (Load(0.01, 100, 1e5), 1),
    (Load(0.5, 100, 1e4), 1),
    (Load(4990 / 240, 240, 300), 5000),
    (Load(6000 / 240, 240, 600), 5000),
]


@pytest.mark.parametrize(("load", "agents"), CASES)
def test_the_figures_are_those_of_the_chain(load: Load, agents: int) -> None:
    found, chain = steady(load, agents), at_rest(load, agents)
    for name in ("waiting", "abandoned", "queue", "occupancy"):
        assert getattr(found, name) == pytest.approx(chain[name], rel=1e-10, abs=1e-300), name


@pytest.mark.parametrize(("load", "agents"), [case for case in CASES if case[1] <= 50])
@pytest.mark.parametrize("seconds", [5.0, 20.0, 60.0])
def test_waits_are_those_of_a_caller_walked_through_the_chain(load: Load, agents: int, seconds: float) -> None:
    found, finds = steady(load, agents), law(load, agents)
    answered, gone = fates(load, agents, len(finds) - agents, seconds)
    assert found.answered_in(seconds) == pytest.approx(finds[:agents].sum() + finds[agents:] @ answered, abs=1e-9)
    assert found.abandoned_in(seconds) == pytest.approx(finds[agents:] @ gone, abs=1e-9)
    assert found.beyond(seconds) == pytest.approx(finds[agents:] @ (1 - answered - gone), abs=1e-9)


def test_the_mean_wait_of_the_answered_is_the_integral_of_their_waits() -> None:
    for load, agents in CASES[:4]:
        found, h = steady(load, agents), load.patience_s / 50
        answered = 1 - found.abandoned
        late = [1 - found.answered_in(k * h) / answered for k in range(1_001)]
        mean = h / 3 * (late[0] + late[-1] + 4 * sum(late[1:-1:2]) + 2 * sum(late[2:-1:2]))
        assert found.speed_of_answer_s == pytest.approx(mean, rel=1e-4)


def test_published_figures_of_garnett_mandelbaum_and_reiman() -> None:
    """Table 1 of "Designing a call center with impatient customers": 50 agents, 48 calls a minute, 1 min of service,
    2 min of patience; without abandonment; without it and 3.1 % fewer calls."""
    impatient = steady(Load(48 / 60, 60, 120), 50)
    assert round(impatient.abandoned * 100, 1) == 3.1
    assert round(impatient.wait_s, 1) == 3.7
    assert round(impatient.queue) == 3
    assert round(impatient.occupancy * 100) == 93
    patient = steady(Load(48 / 60, 60), 50)
    assert round(patient.wait_s, 1) == 20.8
    assert round(patient.queue) == 17
    assert round(patient.occupancy * 100) == 96
    assert round(steady(Load(48 / 60 * (1 - 0.031), 60), 50).wait_s, 1) == 8.8


def test_published_figures_of_erlang_c() -> None:
    """The planner's textbook case: 100 calls of 180 s in half an hour, 14 agents (also pyworkforce's README)."""
    found = steady(Load(100 / 1800, 180), 14)
    assert found.service_level(20) == pytest.approx(0.8883500191794669, rel=1e-12)
    assert found.waiting == pytest.approx(0.1741319335950498, rel=1e-12)
    assert found.speed_of_answer_s == pytest.approx(7.8, abs=0.05)
    assert found.occupancy == pytest.approx(10 / 14)


@pytest.mark.parametrize(("load", "agents"), [(Load(5 / 120, 120, 90), 6), (Load(22 / 200, 200, 150), 20)])
def test_simulated_callers_fare_as_the_formulas_say(load: Load, agents: int) -> None:
    found, callers = steady(load, agents), met(7, load, agents, 600_000)
    n = len(callers)
    assert sum(not c.answered for c in callers) / n == pytest.approx(found.abandoned, rel=0.05)
    assert sum(c.waited_s for c in callers) / n == pytest.approx(found.wait_s, rel=0.05)
    assert sum(c.answered and c.waited_s <= 20 for c in callers) / n == pytest.approx(found.answered_in(20), abs=0.01)
    waits = [c.waited_s for c in callers if c.answered]
    assert sum(waits) / len(waits) == pytest.approx(found.speed_of_answer_s, rel=0.05)


def test_overload_has_an_answer() -> None:
    """With callers who hang up, in any overload; without them it says that there is none."""
    for agents in (0.0, 0.4, 1.0, 7.5, 5000.0):
        for times in (1.0, 3.0, 1000.0):
            found = steady(Load(max(agents, 1) * times / 200, 200, 120), agents)
            assert 0 < found.waiting <= 1
            assert found.wait_s == pytest.approx(found.abandoned * 120)
            assert found.abandoned >= max(0.0, 1 - agents / (max(agents, 1) * times)) - 1e-12
            assert 0 <= found.answered_in(20) <= 1
            assert math.isfinite(found.queue)
    drowned = steady(Load(10 / 200, 200), 10)
    assert (drowned.settles, drowned.service_level(20), drowned.waiting) == (False, 0.0, 1.0)
    assert drowned.wait_s == math.inf
    nobody = steady(Load(1 / 200, 200, 120), 0)
    assert (nobody.abandoned, nobody.wait_s, nobody.answered_in(20)) == (1.0, 120, 0.0)
    assert nobody.abandoned_in(20) == pytest.approx(1 - math.exp(-20 / 120))


def test_endless_patience_is_erlang_c() -> None:
    for agents in (17.5, 20, 30):
        patient, still = steady(Load(16 / 240, 240, 240e6 * 0.99), agents), steady(Load(16 / 240, 240), agents)
        assert patient.service_level(20) == pytest.approx(still.service_level(20), rel=1e-5)
        assert patient.wait_s == pytest.approx(still.wait_s, rel=1e-4)


def test_every_figure_is_continuous_and_monotone_in_the_agents() -> None:
    load = Load(16 / 240, 240, 90)
    found = [steady(load, k / 20) for k in range(1, 500, 2)]
    for name, sign in (("waiting", 1), ("abandoned", 1), ("wait_s", 1), ("speed_of_answer_s", 1), ("occupancy", 1)):
        values = [getattr(one, name) for one in found]
        assert all(sign * a >= sign * b - 1e-12 for a, b in pairwise(values)), name
    for formula in Formula:
        levels = [one.service_level(20, formula, 5) for one in found]
        assert all(a <= b + 1e-9 for a, b in pairwise(levels)), formula
        assert max(b - a for a, b in pairwise(levels)) < 0.04


def test_the_formulas_of_the_service_level_stand_in_their_order() -> None:
    """As in the test vectors of the contract: negative is the least, positive or answered-only the most."""
    found = steady(Load(20 / 240, 240, 90), 18)
    levels = {formula: found.service_level(20, formula, 5) for formula in Formula}
    assert levels[Formula.NEGATIVE] == pytest.approx(found.answered_in(20))
    assert levels[Formula.POSITIVE] == pytest.approx(found.answered_in(20) + found.abandoned_in(20))
    assert levels[Formula.NEGATIVE] < levels[Formula.SHORT_EXCLUDED] < levels[Formula.IGNORED]
    assert levels[Formula.ANSWERED_ONLY] == pytest.approx(found.answered_in(20) / (1 - found.abandoned))


@pytest.mark.parametrize("agents", [0.4, 2.5, 7.3, 19.75])
def test_fractions_of_agents_are_the_integrals_that_continue_the_formulas(agents: float) -> None:
    """J and epsilon of Mandelbaum and Zeltyn as they are printed, by Simpson's rule, for n that is no whole number."""
    load, t = Load(9 / 120, 120, 90), 20.0
    found, lam, mu, theta = steady(load, agents), load.per_s, 1 / 120, 1 / 90

    def integral(low: float, high: float, value: Callable[[float], float]) -> float:
        steps = 20_000
        h = (high - low) / steps
        values = [value(low + k * h) for k in range(steps + 1)]
        return h / 3 * (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2]))

    def weight(x: float) -> float:
        return math.exp(lam * -math.expm1(-theta * x) / theta - agents * mu * x)

    end = 60 / (agents * mu) + 20 / theta
    j, j_t = integral(0, t, weight) + integral(t, end, weight), integral(t, end, weight)
    # t = s^2: (1 + t mu / lambda)^(n - 1) is smooth in it
    epsilon = integral(0, 9, lambda s: 2 * s * math.exp(-s * s) * (1 + s * s * mu / lam) ** (agents - 1))
    whole = epsilon + lam * j
    assert found.waiting == pytest.approx(lam * j / whole, rel=1e-7)
    assert found.abandoned == pytest.approx((1 + (lam - agents * mu) * j) / whole, rel=1e-6)
    assert found.beyond(t) == pytest.approx(lam * math.exp(-theta * t) * j_t / whole, rel=1e-7)
    served = integral(0, t, lambda x: lam * math.exp(-theta * x) * weight(x)) / whole
    assert found.answered_in(t) == pytest.approx(1 - found.waiting + served, rel=1e-7)


def test_any_queue_keeps_the_laws_of_queues() -> None:
    rng = random.Random(6)
    for _ in range(400):
        handle_s, agents = 10 ** rng.uniform(0.5, 3.5), 10 ** rng.uniform(-1.5, 3.5)
        load = Load(agents / handle_s * 10 ** rng.uniform(-1, 1), handle_s, 10 ** rng.uniform(-1, 5))
        found, t = steady(load, agents), 10 ** rng.uniform(-1, 3)
        said = f"{load} {agents} {t}"
        shares = (found.answered_in(t), found.abandoned_in(t), found.beyond(t))
        assert all(0 <= share <= 1 for share in (*shares, found.waiting, found.abandoned, found.occupancy)), said
        assert sum(shares) == pytest.approx(1, abs=1e-9), said
        assert shares[0] <= 1 - found.abandoned + 1e-9, said
        assert shares[1] <= found.abandoned + 1e-9, said
        # what comes in goes out: answered callers are what keeps agents busy, Little's law counts those who wait
        assert found.occupancy == pytest.approx(load.erlangs * (1 - found.abandoned) / agents, rel=1e-9), said
        assert found.queue / load.patience_s == pytest.approx(load.per_s * found.abandoned, rel=1e-9), said
        more, busier = steady(load, agents * 1.05), steady(Load(load.per_s * 1.05, handle_s, load.patience_s), agents)
        assert more.waiting <= found.waiting + 1e-9 <= busier.waiting + 2e-9, said
        assert more.abandoned <= found.abandoned + 1e-9 <= busier.abandoned + 2e-9, said
        # many-fold overload of the most patient: the difference of logarithms of 1e7 leaves eight digits
        assert more.answered_in(t) >= found.answered_in(t) - 1e-8 >= busier.answered_in(t) - 2e-8, said


@pytest.mark.parametrize("agents", [-1, math.nan, math.inf, 1e6])
def test_a_number_of_agents_that_cannot_be_is_refused(agents: float) -> None:
    with pytest.raises(ValueError, match="agents"):
        steady(Load(0.1, 100, 60), agents)


@pytest.mark.parametrize(("per_s", "handle_s", "patience_s"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (math.inf, 1, 1)])
def test_a_load_that_cannot_be_is_refused(per_s: float, handle_s: float, patience_s: float) -> None:
    with pytest.raises(ValueError, match="no load"):
        Load(per_s, handle_s, patience_s)
