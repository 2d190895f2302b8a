"""The parts of the simulator against theory: Erlang A and C, Poisson streams, the clock on the wall."""

from __future__ import annotations

import math
import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sources.simulation.demand import SHAPE, Caller, base_rate, day_share, poisson_times
from sources.simulation.erlang import agents_needed, erlang_b, service_level
from sources.simulation.plan import DayPlan, QueuePlan, plan_pools
from sources.simulation.pool import run_pool
from sources.simulation.roster import Agent, draw_up, take_away


def erlang_a(load: float, agents: int, handle_s: float, patience_s: float) -> tuple[float, float, float]:
    """Share abandoning, mean wait of all callers (s) and share waiting in M/M/n+M, from the birth-death chain itself.

    Source: Palm 1957; Garnett, Mandelbaum, Reiman 2002, "Designing a call center with impatient customers".
    """
    rate, weights = load / handle_s, [1.0]
    for k in range(1, agents + 400):
        weights.append(weights[-1] * rate / (min(k, agents) / handle_s + max(0, k - agents) / patience_s))
    total = sum(weights)
    queue = sum(max(0, k - agents) * w for k, w in enumerate(weights)) / total
    return queue / patience_s / rate, queue / rate, sum(weights[agents:]) / total


def exponential_callers(seed: int, load: float, handle_s: float, patience_s: float, until_s: float) -> list[Caller]:
    rng = random.Random(seed)
    rate = load / handle_s
    times = poisson_times(rng, lambda t: rate, rate, until_s)
    return [
        Caller(str(n), "s/q", t, "queue", rng.expovariate(1 / patience_s), 0, ms, 0, 0, "", "")
        for n, t in enumerate(times)
        for ms in [round(1000 * rng.expovariate(1 / handle_s))]
    ]


@pytest.mark.parametrize(("load", "agents"), [(5.0, 6), (9.0, 8)])
def test_waits_and_abandonment_are_those_of_erlang_a(load: float, agents: int) -> None:
    handle_s, patience_s, until_s = 120.0, 90.0, 150 * 3600.0
    callers = exponential_callers(11, load, handle_s, patience_s, until_s)
    queue = QueuePlan("s/q", patience_s=patience_s, max_wait_s=math.inf)
    roster = [Agent(f"a{n}", -1.0, until_s + 1e6) for n in range(agents)]
    contacts = run_pool([queue], [callers], roster, until_s)
    assert len(contacts) == len(callers)
    abandoned, wait, waiting = erlang_a(load, agents, handle_s, patience_s)
    assert sum(c.outcome == "abandoned" for c in contacts) / len(contacts) == pytest.approx(abandoned, rel=0.08)
    assert sum(c.waited_s for c in contacts) / len(contacts) == pytest.approx(wait, rel=0.08)
    assert sum(c.waited_s > 0 for c in contacts) / len(contacts) == pytest.approx(waiting, rel=0.05)


def test_a_caller_whom_the_queue_puts_out_has_flowed_out_not_abandoned() -> None:
    callers = exponential_callers(3, 8.0, 120.0, 90.0, 20 * 3600.0)
    queue = QueuePlan("s/q", patience_s=90.0, max_wait_s=60.0)
    contacts = run_pool([queue], [callers], [Agent(f"a{n}", -1.0, 1e6) for n in range(4)], 20 * 3600.0)
    flowed = [c for c in contacts if c.outcome == "flowed_out"]
    assert len(flowed) > 50
    assert all(c.waited_s == pytest.approx(60.0) and c.caller.patience_s >= 60.0 for c in flowed)
    assert all(c.waited_s == pytest.approx(c.caller.patience_s) for c in contacts if c.outcome == "abandoned")


def test_erlang_formulas_give_the_figures_of_the_tables() -> None:
    assert erlang_b(10, 5.0) == pytest.approx(0.018385, abs=1e-6)
    # 100 calls in half an hour of 180 s: 10 erlangs; 14 agents answer 88.8 % within 20 s (the planner's textbook case)
    assert service_level(14, 10.0, 180.0, 20.0) == pytest.approx(0.888, abs=0.001)
    assert agents_needed(100 / 1800, 180.0, 0.80, 20.0) == 14
    assert service_level(10, 10.0, 180.0, 20.0) == 0.0


def test_thinning_follows_the_rate_and_refuses_a_bound_that_is_none() -> None:
    times = list(poisson_times(random.Random(1), lambda t: 0.5 if t < 20_000 else 0.1, 0.5, 40_000))
    early = sum(t < 20_000 for t in times)
    assert early == pytest.approx(10_000, abs=4 * 100)
    assert len(times) - early == pytest.approx(2_000, abs=4 * 45)
    with pytest.raises(ValueError, match="above its bound"):
        list(poisson_times(random.Random(1), lambda t: 2.0, 1.0, 100))
    assert list(poisson_times(random.Random(1), lambda t: 0.0, 0.0, 100)) == []


def test_the_day_has_its_shape_by_the_clock_on_the_wall() -> None:
    monday = datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert day_share(monday) == SHAPE[10]
    assert day_share(monday.replace(hour=23, minute=30)) == pytest.approx((SHAPE[23] + SHAPE[0]) / 2)
    assert day_share(monday.replace(day=7)) == SHAPE[10] / 2
    # 29 March 2026, 02:00 to 03:00 does not exist in Berlin: an hour after 01:30 it is 03:30
    plan = DayPlan(1, datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin")), 4.0)
    assert plan.local(3600.0).strftime("%H:%M") == "03:30"


def test_a_roster_covers_what_erlang_c_asks_for_in_every_slot() -> None:
    plan = DayPlan(1, datetime(2026, 3, 2, 0, tzinfo=ZoneInfo("Asia/Shanghai")), 24.0, plan_pools(2))
    pool = plan.pools[0]
    rates = [base_rate(plan, queue) for queue in pool.queues]
    agents = draw_up(plan, pool, rates)
    for t in range(0, 24 * 3600, 900):
        load = sum(rate(t) * queue.handle_s for rate, queue in zip(rates, pool.queues, strict=True))
        per_s = sum(rate(t) for rate in rates)
        working = sum(agent.works(t) for agent in agents)
        assert working >= agents_needed(per_s, load / per_s, 0.80, 20.0)
    assert len({agent.id for agent in agents}) == len(agents)
    assert {reason for a in agents for t in range(0, 86400, 900) if (reason := a.state(t)[1])} == {"break", "meal"}


def test_those_missing_in_a_gap_are_offline_until_it_ends_even_where_they_had_a_break() -> None:
    agents = [Agent(f"a{n}", 0.0, 28_800.0) for n in range(10)]
    assert take_away(agents, 0.4, 1000.0, 2000.0) == 4
    assert sum(agent.works(1000.0) for agent in agents) == 6
    assert [agent.state(1999.0)[0] for agent in agents].count("offline") == 4
    assert all(agent.works(2000.0) for agent in agents)
