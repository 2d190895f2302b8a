"""Tails for kernels are those of `alerts.detect.counts`."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest

from alerts.detect import counts
from alerts.habit import tails


def logs(pair: counts.Tails) -> tuple[float, float]:
    return log10(max(pair[0], 1e-300)), log10(max(pair[1], 1e-300))


def close(found: tuple[float, float], wanted: counts.Tails) -> bool:
    # a tail near 1 is 1 less the other: there digits are lost that nobody needs
    return all(
        abs(f - w) <= 1e-6 * max(1.0, abs(w)) or (w < -14 and f < -13)
        for f, w in zip(found, logs(wanted), strict=True)
    )  # fmt: skip


def test_tails_of_volumes_are_those_of_the_slow_twin() -> None:
    random = np.random.default_rng(1)
    for _ in range(400):
        mean = float(10 ** random.uniform(-2, 4))
        spread = float(random.choice([0.0, 10 ** random.uniform(-4, 0)]))
        k = int(max(0, mean + random.normal(0, 4) * (mean + spread * mean * mean) ** 0.5))
        assert close(tails.volume_tails(k, mean, spread), counts.negative_binomial(k, mean, spread)), (k, mean, spread)


def test_tails_of_shares_are_those_of_the_slow_twin() -> None:
    random = np.random.default_rng(2)
    for _ in range(400):
        n = int(10 ** random.uniform(0, 3.5))
        chance, alike = float(random.uniform(0.001, 0.999)), float(random.choice([0.0, 10 ** random.uniform(-3, -0.3)]))
        k = int(random.integers(0, n + 1))
        wanted = logs(counts.beta_binomial(k, n, chance, alike))[1]
        found = tails.share_above(k, n, chance, alike)
        assert abs(found - wanted) < 1e-6 * max(1.0, abs(wanted)) or (wanted <= -299 and found < -290), (
            k, n, chance, alike,
        )  # fmt: skip


@pytest.mark.parametrize("k", [0, 1, 5, 40, 41, 60, 120])
def test_normal_scores_are_those_of_the_slow_twin(k: int) -> None:
    wanted = counts.normal_score(counts.negative_binomial(k, 40.0, 0.02))
    assert tails.normal_score(*tails.volume_tails(k, 40.0, 0.02)) == pytest.approx(wanted, abs=1e-6)


def test_the_mean_of_exponential_times_is_gamma() -> None:
    random = np.random.default_rng(3)
    means = random.exponential(200.0, (200_000, 12)).mean(axis=1)
    above = 10 ** tails.mean_tails(360.0, 12.0, 200.0, 1.0)[1]
    assert above == pytest.approx((means >= 360.0).mean(), rel=0.1)
    assert tails.mean_tails(200.0, 0.0, 200.0, 1.0) == (0.0, 0.0)


def test_far_tails_of_the_normal_meet() -> None:
    assert tails.normal_tails(34.999)[1] == pytest.approx(tails.normal_tails(35.001)[1], abs=0.1)
    assert tails.normal_tails(-3.0) == pytest.approx((log10(0.0013498980316), log10(1 - 0.0013498980316)), rel=1e-9)
