"""The flow of calls: what a CUSUM of the likelihood ratio finds, how soon, and what it costs in false alarms."""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pytest

from alerts.habit.flow import MOST, RATES, limit_of, ratio
from alerts.habit.judge import share_score
from alerts.habit.limits import limits_of
from alerts.habit.state import DOWNS, FIRST, TIMES
from alerts.habit.subjects import NOW, SUBJECTS, WINDOWS
from benchmarks.habit_weeks import DAY_MS
from tests.alerts.habit.conftest import World
from tests.alerts.habit.test_live import lost, of

pytestmark = pytest.mark.timeout(900)

AT_NOW = WINDOWS.index(NOW)
IDS = [subject.id for subject in SUBJECTS]
HOUR_MS = 3_600_000


def log_pmf(k: int, mean: float, spread: float) -> float:
    """The log of the chance of a negative binomial count."""
    size = 1.0 / spread
    ways = lgamma(k + size) - lgamma(size) - lgamma(k + 1)
    return ways + size * log(size / (size + mean)) + k * log(mean / (size + mean))


@pytest.mark.parametrize("times", TIMES.tolist())
@pytest.mark.parametrize(("came", "meant"), [(0, 9.0), (12, 30.0), (60, 31.0)])
def test_the_ratio_is_that_of_two_negative_binomials(times: float, came: int, meant: float) -> None:
    wanted = log_pmf(came, times * meant, 0.02) - log_pmf(came, meant, 0.02)
    assert ratio(came, meant, times, 0.02) == pytest.approx(wanted, abs=1e-9)
    assert ratio(came, meant, times, 0.0) == pytest.approx(came * log(times) + (1 - times) * meant)


@pytest.mark.parametrize("n", range(len(TIMES)))
def test_chance_alone_costs_what_the_limit_says(n: int) -> None:
    random, step, limit = np.random.default_rng(n), 0.05, 4.0
    counts = random.poisson(step, 1_200_000)
    total, alarms, on = 0.0, 0, False
    for k in counts.tolist():
        total = max(total + k * log(TIMES[n]) + (1 - TIMES[n]) * step, 0.0)
        if total >= limit and not on:
            on, alarms = True, alarms + 1
        total = min(total, MOST * limit)
        on = on and total >= limit / 2
    calls = len(counts) * step
    assert alarms / calls == pytest.approx(RATES[n] * exp(-limit), rel=0.35)
    assert limit_of(RATES[n], calls, float(alarms)) == pytest.approx(limit, abs=0.4)


def test_calls_that_stay_away_are_found_before_any_window_is_empty(world: World) -> None:
    """At 100 calls an hour ten are missing after seven minutes; a quarter of an hour holds some yet."""
    world.centre.step = 1
    world.centre.troubles.append(lost(of(3, 11.03), 1.0))
    first = None
    for now_ms in world.centre.run(world.book, 1):
        scores = world.book.scores(["n/q3"])[0, IDS.index("offered_drop")]
        if scores[AT_NOW] >= 1.0:
            first = (now_ms % DAY_MS / HOUR_MS - 11.03) * 60, np.nanmax(scores[:4])
            break
    assert first is not None
    minutes, by_window = first
    assert 4.0 < minutes < 11.0
    assert by_window < 1.0


def test_what_is_over_is_over_soon_and_another_day_begins_at_nothing(world: World) -> None:
    """Sums are bounded, so that an hour without calls is made up for by some twenty calls."""
    world.centre.troubles.append(lost(of(5, 10.5, 11.0), 1.0))
    row, drop = world.book._row_of["n/q5"], IDS.index("offered_drop")
    called = False
    for now_ms in world.centre.run(world.book, 1):
        hour = now_ms % DAY_MS / HOUR_MS
        score = world.book.scores(["n/q5"])[0, drop, AT_NOW]
        called |= bool(score >= 1.0 and 10.5 < hour < 11.0)
        if hour == 11.75:
            assert called
            assert not score >= 1.0
        if hour > 20.5:
            assert (world.book._state.flow[row, FIRST:] == 0.0).all()  # closed
            break
    for now_ms in world.centre.run(world.book, 1):
        if now_ms % DAY_MS == 9 * HOUR_MS:
            assert not world.book.scores(["n/q5"])[0, :2, AT_NOW].max() >= 1.0
            break


def test_few_calls_speak_when_what_they_say_is_beyond_doubt() -> None:
    limits = limits_of(1.0)
    guard, limit = limits.guards[2], float(limits.rarity[1])  # blocked, five minutes
    assert guard[0] == 10.0
    assert share_score(6.0, 6.0, 0.005, 0.02, limit, guard) > 1.0  # six of six that found no line
    assert np.isnan(share_score(3.0, 6.0, 0.005, 0.02, limit, guard))
    assert np.isnan(share_score(4.0, 4.0, 0.005, 0.02, limit, guard))
    assert share_score(0.0, 12.0, 0.005, 0.02, limit, guard) == 0.0


def test_only_special_queues_are_asked(world: World) -> None:
    """The others learn: the same as when all are asked and those few say no."""
    asked: list[str] = []

    def may_learn(queue: str) -> bool:
        asked.append(queue)
        return queue != "n/q5"

    clock = world.book.clock

    def some(now_ms, figures, names, *, may_learn, rates=None):  # type: ignore[no-untyped-def]
        return clock(now_ms, figures, names, may_learn=may_learn, rates=rates, special=lambda: {"n/q5", "n/none"})

    world.book.clock = some  # type: ignore[assignment]
    held = world.book._state.whole[world.book._row_of["n/q5"]].copy()
    for now_ms in world.centre.run(world.book, 1, may_learn):
        if now_ms % DAY_MS == 12 * HOUR_MS:
            break
    assert set(asked) == {"n/q5"}
    whole = world.book._state.whole
    rows = {name: int(whole[world.book._row_of[name], 2:4].sum()) for name in ("n/q5", "n/q6")}
    assert rows["n/q6"] - rows["n/q5"] == 8  # half-hours from 8:00 to 12:00
    assert held[2:4].sum() >= rows["n/q5"]


assert DOWNS == 2
