"""How many agents: the least that do, and patience from what was seen."""

from __future__ import annotations

import math
import random

import pytest

from alerts.staffing.erlang import Load, Steady, steady
from alerts.staffing.needed import Goal, agents_needed, whole
from alerts.staffing.patience import ABANDONED_MIN, PRIOR_S, patience
from models.catalogue import Formula
from tests.alerts.staffing.callers import met

LOADS = [Load(100 / 1800, 180), Load(100 / 1800, 180, 120), Load(3 / 1800, 240, 60), Load(4000 / 240, 240, 300)]
GOALS = [
    Goal(0.8, 20),
    Goal(0.95, 5, Formula.SHORT_EXCLUDED, 5),
    Goal(abandoned=0.03),
    Goal(speed_of_answer_s=10),
    Goal(occupancy=0.85),
    Goal(0.8, 20, abandoned=0.05, speed_of_answer_s=15, occupancy=0.9),
]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("load", LOADS)
def test_it_is_the_least_number_that_does(load: Load, goal: Goal) -> None:
    needed = agents_needed(load, goal)
    assert goal.met(steady(load, needed))
    if needed > 0.02:
        assert not goal.met(steady(load, needed - 1e-4))
    assert goal.met(steady(load, whole(needed)))


def test_each_aim_is_just_met_by_its_own_figure() -> None:
    load = LOADS[1]

    def at(goal: Goal) -> Steady:
        return steady(load, agents_needed(load, goal))

    assert at(Goal(0.8, 20)).answered_in(20) == pytest.approx(0.8, abs=1e-5)
    assert at(Goal(0.8, 20, Formula.IGNORED)).service_level(20, Formula.IGNORED) == pytest.approx(0.8, abs=1e-5)
    assert at(Goal(abandoned=0.03)).abandoned == pytest.approx(0.03, abs=1e-5)
    assert at(Goal(speed_of_answer_s=10)).speed_of_answer_s == pytest.approx(10, abs=1e-3)
    assert at(Goal(occupancy=0.7)).occupancy == pytest.approx(0.7, abs=1e-5)


def test_the_textbook_case_needs_fourteen() -> None:
    needed = agents_needed(LOADS[0], Goal(0.8, 20))
    assert 13 < needed < 14
    assert whole(needed) == 14
    # with callers who hang up fewer are needed for the same service level: who leaves makes room
    assert agents_needed(LOADS[1], Goal(0.8, 20)) < needed


def test_a_whole_number_that_just_does_is_not_rounded_up() -> None:
    assert [whole(x) for x in (0.0, 0.3, 14.0, 14.0000005, 14.01)] == [1, 1, 14, 14, 15]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"service_level": 1.0},
        {"service_level": 80},
        {"abandoned": 0.0},
        {"occupancy": 1.2},
        {"speed_of_answer_s": 0},
        {"service_level": 0.8, "threshold_s": -1},
    ],
)
def test_a_goal_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Goal(**wrong)  # type: ignore[arg-type]


def test_more_agents_than_there_can_be_is_said() -> None:
    with pytest.raises(ValueError, match="more than 100,000 agents"):
        agents_needed(Load(1000, 200, 100), Goal(0.8, 20))


def test_patience_is_found_from_simulated_callers() -> None:
    """Abandoned over time waited, answered callers' waits included: right however overloaded the queue is."""
    for agents in (14, 18):
        callers = met(3, Load(20 / 240, 240, 95), agents, 200_000)
        waited_s, gone = sum(c.waited_s for c in callers), sum(not c.answered for c in callers)
        found = patience(gone, waited_s)
        assert found.mean_s == pytest.approx(95, rel=0.05)
        assert found.low_s < 95 < found.high_s
        assert found.sure


def test_the_bounds_hold_the_truth_nine_times_of_ten() -> None:
    """A belief that counts next to nothing, 30 hang-ups in answered time: the gamma law's own interval."""
    rng, held = random.Random(5), 0
    for _ in range(2000):
        found = patience(30, sum(rng.expovariate(1 / 150) for _ in range(30)), 150, 1e-9)
        held += found.low_s <= 150 <= found.high_s
    assert held / 2000 == pytest.approx(0.90, abs=0.02)


def test_few_callers_say_little() -> None:
    nobody = patience(0, 0.0)
    assert (nobody.mean_s, nobody.sure) == (PRIOR_S, False)
    assert patience(1, 1.0).mean_s == pytest.approx(PRIOR_S * 10 / 11, rel=0.01)  # one who left at once is no law
    assert patience(0, 3600.0).mean_s > 500  # nobody left in an hour of waiting: they are patient
    assert patience(ABANDONED_MIN, 500.0).sure
    assert not patience(ABANDONED_MIN - 1, 500.0).sure
    many = patience(10_000, 60.0 * 10_000)
    assert many.mean_s == pytest.approx(60, rel=0.01)
    assert many.high_s - many.low_s < 3


@pytest.mark.parametrize(("gone", "waited"), [(-1, 1.0), (1, -1.0), (1, math.nan)])
def test_patience_of_nonsense_is_refused(gone: int, waited: float) -> None:
    with pytest.raises(ValueError, match="no patience"):
        patience(gone, waited)
