"""Turning points: found where they were put, and nowhere else."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from alerts.turning_points import DAYS_MAX, Turn, dispersion, outstanding, turning_points


def series(rates: list[float], arrivals: int = 1_000, seed: int = 1) -> tuple[list[int], list[int]]:
    """Days whose lost calls are Poisson of *rates*; every seventh has a third of the arrivals."""
    rng = np.random.default_rng(seed)
    of = [arrivals if n % 7 else arrivals // 3 for n in range(len(rates))]
    return [min(int(rng.poisson(rate * n)), n) for rate, n in zip(rates, of, strict=True)], of


def test_a_rise_and_a_fall_are_found_on_their_days() -> None:
    for seed in range(20):
        turns = turning_points(*series([0.05] * 30 + [0.10] * 20 + [0.03] * 30, seed=seed))
        assert [(turn.at, turn.is_rise) for turn in turns] == [(30, True), (50, False)]
        assert turns[0].after == turns[1].before == pytest.approx(0.10, rel=0.1)


def test_one_bad_day_is_a_rise_and_a_fall() -> None:
    turns = turning_points(*series([0.05] * 20 + [0.4] + [0.05] * 20))
    assert [(turn.at, turn.is_rise) for turn in turns] == [(20, True), (21, False)]


def test_a_steady_series_has_none_though_its_traffic_does_not_stand_still() -> None:
    found = [len(turning_points(*series([0.05] * 120, seed=seed))) for seed in range(40)]
    assert sum(n > 0 for n in found) <= 2


def test_an_unrestful_series_needs_more() -> None:
    rng = np.random.default_rng(5)
    restless = [float(rate) for rate in rng.gamma(6, 0.05 / 6, 120)]  # days differ far more than Poisson's
    lost, arrivals = series(restless)
    assert dispersion(lost, arrivals) > 4
    assert len(turning_points(lost, arrivals)) <= 3
    assert dispersion(*series([0.05] * 200)) < 2


def test_days_without_arrivals_are_passed_over() -> None:
    lost, arrivals = series([0.05] * 20 + [0.3] * 20)
    lost[25:28] = arrivals[25:28] = [0, 0, 0]
    lost[19] = arrivals[19] = 0
    assert [turn.at for turn in turning_points(lost, arrivals)] == [20]


@pytest.mark.parametrize("days", [0, 1, 2])
def test_too_few_days_have_none(days: int) -> None:
    assert turning_points([1] * days, [100] * days) == []
    assert turning_points([0] * 30, [0] * 30) == []
    assert turning_points([0] * 30, [5] * 30) == []


def brute(lost: list[int], arrivals: list[int]) -> float:
    """The least cost over all partitions, tried one by one."""
    n = len(lost)
    penalty = 2 * math.log(n) * dispersion(lost, arrivals)
    best = math.inf
    for cuts in itertools.chain.from_iterable(itertools.combinations(range(1, n), k) for k in range(n)):
        edges = [0, *cuts, n]
        cost = sum(_cost(sum(lost[a:b]), sum(arrivals[a:b])) for a, b in itertools.pairwise(edges))
        best = min(best, cost + penalty * len(cuts))
    return best


def _cost(part: int, whole: int) -> float:
    return part - part * math.log(part / whole) if part else 0.0


def test_no_partition_is_better() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        n = int(rng.integers(2, 10))
        arrivals = [int(x) for x in rng.integers(1, 300, n)]
        lost = [int(rng.integers(0, of + 1)) for of in arrivals]
        cuts = [turn.at for turn in turning_points(lost, arrivals)]
        edges = [0, *cuts, n]
        cost = sum(_cost(sum(lost[a:b]), sum(arrivals[a:b])) for a, b in itertools.pairwise(edges))
        cost += 2 * math.log(n) * dispersion(lost, arrivals) * len(cuts)
        assert cost == pytest.approx(brute(lost, arrivals))


def test_what_is_no_series_is_refused() -> None:
    for lost, arrivals in (([1], [1, 2]), ([2], [1]), ([0] * (DAYS_MAX + 1), [1] * (DAYS_MAX + 1))):
        with pytest.raises(ValueError, match=r"lost|days"):
            turning_points(lost, arrivals)
    assert Turn(3, 0.2, 0.1).is_rise is False


def test_a_bad_day_stands_out_and_is_no_turn() -> None:
    """February 1999 of the Anonymous Bank: a routing fault on the 3rd, 330 callers left in the menu on the 21st."""
    arrivals = [1551, 1835, 1939, 1364, 517, 209, 1533, 1185, 1424, 1672, 1721, 542, 240, 1581, 1492, 1710, 1455, 1376,
                454, 214, 1655, 1497, 1377, 1225, 1327, 421, 194, 1356]  # fmt: skip
    lost = [197, 236, 621, 116, 83, 43, 223, 79, 267, 337, 311, 140, 68, 187, 242, 338, 357, 234, 62, 29, 600, 261,
            216, 173, 265, 68, 41, 110]  # fmt: skip
    assert [at + 1 for at in outstanding(lost, arrivals)] == [3, 21]
    assert outstanding([min(n, of // 5) for n, of in zip(lost, arrivals, strict=True)], arrivals) == []


def test_too_few_days_and_days_without_calls_stand_out_in_nothing() -> None:
    assert outstanding([], []) == outstanding([5, 0, 0], [5, 0, 9]) == []
    assert outstanding([1, 1, 50, 0, 1, 1, 1, 1], [100, 100, 100, 0, 100, 100, 100, 100]) == [2]
