"""The budget is held: limits made from it give as many false alarms as it allows, on made-up weeks without trouble."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.detect.budget import Budget, chance_of, cusum_limit, people_budget, run_length_of
from alerts.detect.contract import Verdict
from alerts.detect.registry import DETECTORS
from alerts.detect.season import HALF_HOUR_MS

START_MS = 1_704_067_200_000  # a Monday


def likened(random: np.random.Generator, n: int, likeness: float) -> list[float]:
    values, last = [], 0.0
    for step in random.normal(size=n) * np.sqrt(1 - likeness**2):
        last = likeness * last + float(step)
        values.append(last)
    return values


@pytest.mark.parametrize("likeness", [0.0, 0.5, 0.8])
def test_alarms_begin_as_often_as_allowed(likeness: float) -> None:
    n, rate = 300_000, 1 / 500
    limit = -float(np.quantile(np.random.default_rng(0).normal(size=1_000_000), chance_of(rate, likeness)))
    over = np.array(likened(np.random.default_rng(1), n, likeness)) > limit
    begins = int((over[1:] & ~over[:-1]).sum())
    assert begins == pytest.approx(n * rate, rel=0.12)


@pytest.mark.parametrize("run_length", [100.0, 672.0])
def test_a_cusum_runs_as_long_as_allowed(run_length: float) -> None:
    limit, total, alarms = cusum_limit(run_length, 0.5), 0.0, 0
    for value in np.random.default_rng(2).normal(size=200_000).tolist():
        total = max(total + value - 0.5, 0.0)
        if total >= limit:
            total, alarms = 0.0, alarms + 1
    assert 200_000 / alarms == pytest.approx(run_length, rel=0.15)


def test_siegmund_agrees_with_published_run_lengths() -> None:
    """One-sided, slack 1/2: 930 at limit 5 and 336 at 4 (twice those of two sides; Montgomery, table 9.3)."""
    assert run_length_of(5.0, 0.5) == pytest.approx(930, rel=0.02)
    assert run_length_of(4.0, 0.5) == pytest.approx(336, rel=0.02)


def test_more_tests_share_one_budget() -> None:
    assert Budget(tests=4).chance == pytest.approx(Budget().chance / 4, rel=0.02)
    assert Budget(alarms_per_week=2).chance > Budget().chance
    assert Budget(likeness=0.9).chance > Budget().chance
    with pytest.raises(ValueError, match="no rare thing"):
        chance_of(0.5, 0.0)


def test_people_are_not_asked_for_more_than_they_can_type() -> None:
    assert people_budget(people=2, shifts_per_week=21, series=50) == 1.0
    assert people_budget(people=1, shifts_per_week=21, series=1260) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["volume", "ratio", "volume_slide", "ratio_slide"])
def test_ordinary_weeks_of_a_queue_cost_no_more_than_the_budget(name: str) -> None:
    """Busy and quiet days, a weekend, more variation than chance alone: 24 weeks after 4 of learning."""
    random, detector, weeks, alarms, calling = np.random.default_rng(5), DETECTORS[name](), 24, 0, False
    for i in range((weeks + 4) * 336):
        day, half_hour = divmod(i, 48)
        if half_hour == 0:
            busy, good = random.lognormal(0, 0.08), random.normal(0, 0.01)
        mean = (4 + 60 * np.exp(-(((half_hour - 22) / 9) ** 2))) * (0.5 if day % 7 >= 5 else 1.0) * busy
        offered = int(random.poisson(mean))
        share = random.binomial(offered, min(0.85 + good, 1.0)) / offered if offered else np.nan
        value, sample = (float(offered), np.nan) if "volume" in name else (float(share), float(offered))
        call = detector.update(START_MS + i * HALF_HOUR_MS, value, sample).verdict is Verdict.ANOMALY
        alarms += call and not calling and i >= 4 * 336
        calling = call
    assert alarms <= 1.25 * weeks
