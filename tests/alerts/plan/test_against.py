"""Forecast against actual, and what is still to come."""

from __future__ import annotations

import random

import pytest

from alerts.plan.against import Actual, Against, against, reforecast_due
from alerts.plan.rest import REST_CV, busyness, rest_of_day
from models.plan.interval import PlanInterval

HALF = 30 * 60_000


def plan(n: int = 0, offered: float | None = 100.0, handle_ms: float | None = 240_000.0) -> PlanInterval:
    return PlanInterval(n * HALF, 30, offered, handle_ms, 16.0, 17.0)


def came(n: int, offered: int, forecast: float = 100.0, handle_ms: float = 240_000.0) -> Against:
    return against(plan(n, forecast), Actual(n * HALF, offered, offered, handle_ms, 15.3))


def test_differences_are_shares_of_the_plan() -> None:
    found = came(0, 130, handle_ms=216_000.0)
    assert found.offered_off == pytest.approx(0.30)
    assert found.handle_off == pytest.approx(-0.10)
    assert found.agents_off == pytest.approx(-0.10)
    assert found.deviations == pytest.approx(30 / 200**0.5)


def test_what_was_not_planned_has_no_difference() -> None:
    found = against(PlanInterval(0, 30, None, None, 5.0, None), Actual(0, 130))
    assert (found.offered_off, found.handle_off, found.agents_off, found.deviations) == (None, None, None, None)
    closed = against(PlanInterval(0, 30, 0.0, None, None, None), Actual(0, 3))
    assert (closed.offered_off, closed.deviations) == (None, 3.0)  # three calls where none were forecast


def test_it_is_time_to_forecast_anew_after_two_that_are_far_off_the_same_way() -> None:
    assert not reforecast_due([])
    assert not reforecast_due([came(0, 140)])
    assert reforecast_due([came(0, 140), came(1, 150)])
    assert reforecast_due([came(0, 100), came(1, 60), came(2, 50)])
    assert not reforecast_due([came(0, 140), came(1, 60)])  # the other way
    assert not reforecast_due([came(0, 140), came(1, 115)])  # 15 % is usual
    assert not reforecast_due([came(0, 140), came(1, 150), came(2, 101)])  # it is over
    assert not reforecast_due([came(0, 8, 5.0), came(1, 7, 5.0)])  # 40 % and more, of five calls
    assert not reforecast_due([came(0, 140), against(plan(1, None), Actual(HALF, 150))])


def test_a_good_forecast_is_seldom_called_off() -> None:
    """Days that are a tenth busier or quieter as a whole, and Poisson counts: one in twenty asks for another."""
    rng, due = random.Random(4), 0
    for _ in range(300):
        factor = rng.gammavariate(100, 0.01)
        counts = [_poisson(rng, 60 * factor) for _ in range(20)]
        days = [came(n, count, 60.0) for n, count in enumerate(counts)]
        due += any(reforecast_due(days[: n + 1]) for n in range(20))
    assert due / 300 < 0.08


def test_the_day_is_learned_and_its_bounds_hold() -> None:
    """Half of the day seen, the other half forecast: closer than the first forecast, and held nine times of ten."""
    rng, held, ours, first = random.Random(9), 0, 0.0, 0.0
    for _ in range(400):
        factor, own = rng.gammavariate(100, 0.01), rng.gammavariate(1 / REST_CV**2, REST_CV**2)
        counts = [_poisson(rng, 60 * factor * (own if n >= 10 else 1)) for n in range(20)]
        day = busyness([came(n, counts[n], 60.0) for n in range(10)])
        rest = rest_of_day([plan(n, 60.0) for n in range(20)], day, 10 * HALF)
        truth = sum(counts[10:])
        held += rest.low <= truth <= rest.high
        ours += (rest.offered - truth) ** 2
        first += (600 - truth) ** 2
    assert held / 400 == pytest.approx(0.90, abs=0.04)
    assert ours < 0.9 * first


def _poisson(rng: random.Random, mean: float) -> int:
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + rng.expovariate(1.0)
    return count


def test_nothing_seen_leaves_the_forecast_as_it_is() -> None:
    day = busyness([])
    assert (day.calls, day.handle) == (1.0, 1.0)
    assert day.spread == pytest.approx(0.1)
    rest = rest_of_day([plan(0), plan(1)], day, 0)
    assert rest.offered == 200
    assert rest.low < 200 < rest.high


def test_handle_time_is_learned_too() -> None:
    day = busyness([came(n, 100, handle_ms=300_000.0) for n in range(6)])
    assert day.handle == pytest.approx((50 + 600 * 1.25) / 650)
    rest = rest_of_day([plan(6)], day, 0)
    assert rest.intervals[0].handle_s == pytest.approx(240 * day.handle)


def test_of_the_interval_under_way_the_rest_is_left() -> None:
    rest = rest_of_day([plan(0), plan(1), plan(2)], busyness([]), HALF + HALF // 3)
    assert [(one.start_ms, one.seconds) for one in rest.intervals] == [(HALF + HALF // 3, 1200.0), (2 * HALF, 1800.0)]
    assert [one.offered for one in rest.intervals] == [pytest.approx(200 / 3), 100.0]
    assert rest_of_day([plan(0)], busyness([]), HALF).intervals == ()
    unplanned = rest_of_day([plan(0, None, None)], busyness([]), 0)
    assert (unplanned.offered, unplanned.intervals[0].handle_s) == (0.0, None)
