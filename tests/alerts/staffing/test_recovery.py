"""When a backlog is over: against the exact chain on its way, and against simulated callers."""

from __future__ import annotations

import math

import pytest

from alerts.staffing.erlang import Load
from alerts.staffing.needed import Goal
from alerts.staffing.recovery import HORIZON_S, Present, Recovery, agents_to_recover, recovery
from tests.alerts.staffing.callers import met
from tests.alerts.staffing.chain import on_its_way

SMALL, MIDDLE, LARGE = Load(0.02, 300, 120), Load(120 / 1800, 240, 90), Load(0.5, 200, 120)
PATIENT, ENDLESS = Load(120 / 1800, 240, 300), Load(0.1, 300)
CASES = [
    (SMALL, 8, 15, Goal(0.8, 20)),
    (SMALL, 9, 25, Goal(0.9, 60)),
    (MIDDLE, 19, 40, Goal(0.8, 20)),
    (MIDDLE, 22, 40, Goal(0.8, 20)),
    (PATIENT, 20, 60, Goal(0.8, 20)),
    (PATIENT, 22, 60, Goal(0.8, 20)),
    (LARGE, 103, 220, Goal(0.8, 20)),
    (LARGE, 110, 160, Goal(0.8, 20)),
    (ENDLESS, 36, 60, Goal(0.8, 30)),
]


@pytest.mark.parametrize(("load", "agents", "there", "goal"), CASES)
def test_the_time_is_that_of_the_exact_chain_within_a_tenth(load: Load, agents: int, there: int, goal: Goal) -> None:
    assert goal.service_level is not None
    found = recovery(load, agents, Present(there - agents, agents), goal)
    assert found.after_s is not None
    levels = on_its_way(load, agents, there, goal.threshold_s, found.after_s * 1.3 + 60, 10)
    exact_s = 10 * next(n for n, level in enumerate(levels) if level >= goal.service_level)
    assert found.after_s == pytest.approx(exact_s, rel=0.10, abs=20)


@pytest.mark.parametrize(("load", "agents", "there", "goal"), [CASES[2], CASES[4]])
def test_simulated_callers_are_served_as_aimed_at_from_then_on(load: Load, agents: int, there: int, goal: Goal) -> None:
    """Of 1,500 runs: those who arrive in the minutes before fare worse than the goal, those after it better."""
    assert goal.service_level is not None
    found = recovery(load, agents, Present(there - agents, agents), goal)
    assert found.after_s is not None
    before, after = [], []
    for seed in range(1500):
        for caller in met(seed, load, agents, found.after_s * 1.25, there):
            in_time = caller.answered and caller.waited_s <= goal.threshold_s
            if 0.75 * found.after_s < caller.at_s < 0.9 * found.after_s:
                before.append(in_time)
            elif caller.at_s > 1.1 * found.after_s:
                after.append(in_time)
    assert sum(before) / len(before) < goal.service_level < sum(after) / len(after)


def test_not_with_these() -> None:
    """Too few for the goal in the long run never recover, however long one waits; the level they reach is said."""
    for agents in (0, 3, 16):
        found = recovery(MIDDLE, agents, Present(10, agents), Goal(0.8, 20))
        assert found.after_s is None
        assert 0 <= found.service_level < 0.8
    assert recovery(ENDLESS, 30, Present(5, 30), Goal(0.8, 20)) == Recovery(30, 0.0, None)
    # enough in the long run, but not by the end of the shift
    slow = recovery(Load(0.1, 300), 36, Present(20_000, 36), Goal(0.8, 20))
    assert slow.after_s is None
    assert slow.service_level > 0.8


def test_with_an_agent_free_for_everyone_it_has_recovered() -> None:
    assert recovery(MIDDLE, 30, Present(5, 20), Goal(0.8, 20)).after_s == 0.0
    assert recovery(MIDDLE, 20, Present(0, 12), Goal(0.8, 20)).after_s == 0.0


def test_more_agents_recover_sooner_and_longer_queues_later() -> None:
    goal = Goal(0.8, 20)
    times = [recovery(MIDDLE, n, Present(25, 18), goal).after_s for n in range(18, 45)]
    assert all(time is not None for time in times)
    known = [time for time in times if time is not None]
    assert known == sorted(known, reverse=True)
    later = [recovery(MIDDLE, 20, Present(q, 20), goal).after_s or 0.0 for q in range(0, 80, 5)]
    assert later == sorted(later)
    assert later[-1] > later[1] > 0


@pytest.mark.parametrize("within_s", [60.0, 300.0, 1200.0, HORIZON_S])
@pytest.mark.parametrize("load", [SMALL, MIDDLE, LARGE])
def test_the_agents_asked_for_are_the_least_that_do(load: Load, within_s: float) -> None:
    goal, now = Goal(0.8, 20), Present(round(load.erlangs), round(load.erlangs))
    found = agents_to_recover(load, now, goal, within_s)
    assert found.after_s is not None
    assert found.after_s <= within_s + 10
    assert recovery(load, found.agents - 1, now, goal, within_s).after_s is None


def test_a_goal_without_a_service_level_is_refused() -> None:
    with pytest.raises(ValueError, match="service level"):
        recovery(MIDDLE, 20, Present(3, 20), Goal(abandoned=0.05))


def test_a_recovery_is_finite_for_every_load() -> None:
    for times in (0.1, 0.99, 1.0, 1.01, 5.0, 300.0):
        for patience_s in (5.0, 120.0, 1e5, math.inf):
            found = recovery(Load(times / 20, 200, patience_s), 10, Present(200, 10), Goal(0.8, 20))
            assert found.after_s is None or 0 <= found.after_s <= HORIZON_S + 10
