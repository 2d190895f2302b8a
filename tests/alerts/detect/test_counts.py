"""Tails against sums of exact fractions or of 60-digit terms, term by term."""

from __future__ import annotations

from decimal import Decimal, getcontext
from fractions import Fraction
from math import comb, factorial

import pytest

from alerts.detect.counts import beta_binomial, binomial, negative_binomial, normal_score, poisson

getcontext().prec = 60
CLOSE = 1e-11


def close(found: float, exact: float) -> bool:
    return found == pytest.approx(exact, rel=CLOSE, abs=1e-290)


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 40.0, 300.0])
def test_poisson(mean: float) -> None:
    for k in (0, 1, 2, int(mean), int(mean) + 1, int(1.5 * mean) + 5, int(3 * mean) + 20):
        terms = [Decimal(mean) ** i / factorial(i) * (-Decimal(mean)).exp() for i in range(k + 400 + int(mean))]
        below, above = poisson(k, mean)
        assert close(below, float(sum(terms[: k + 1])))
        assert close(above, float(sum(terms[k:])))


@pytest.mark.parametrize(("mean", "spread"), [(0.7, 0.5), (5.0, 0.25), (60.0, 0.0625), (200.0, 0.5)])
def test_negative_binomial(mean: float, spread: float) -> None:
    size = Fraction(1) / Fraction(spread)  # whole here, so that terms are exact
    chance = size / (size + Fraction(mean))
    r = int(size)
    for k in (0, 1, int(mean), int(2 * mean) + 3):
        below = sum(comb(i + r - 1, i) * chance**r * (1 - chance) ** i for i in range(k + 1))
        at = comb(k + r - 1, k) * chance**r * (1 - chance) ** k
        found = negative_binomial(k, mean, spread)
        assert close(found[0], float(below))
        assert close(found[1], float(1 - below + at))


@pytest.mark.parametrize(("n", "chance"), [(1, 0.5), (12, 0.8), (100, 0.97), (400, 0.02)])
def test_binomial(n: int, chance: float) -> None:
    p = Fraction(chance)
    for k in {0, 1, n // 2, int(n * chance), n - 1, n}:
        terms = [comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(n + 1)]
        below, above = binomial(k, n, chance)
        assert close(below, float(sum(terms[: k + 1])))
        assert close(above, float(sum(terms[k:])))


@pytest.mark.parametrize(("n", "chance", "alike"), [(10, 0.75, 0.2), (80, 0.9, 0.05), (150, 0.25, 0.01)])
def test_beta_binomial(n: int, chance: float, alike: float) -> None:
    a = Fraction(chance) * (1 - Fraction(alike)) / Fraction(alike)
    b = (1 - Fraction(chance)) * (1 - Fraction(alike)) / Fraction(alike)

    def rising(x: Fraction, k: int) -> Fraction:
        product = Fraction(1)
        for i in range(k):
            product *= x + i
        return product

    terms = [comb(n, i) * rising(a, i) * rising(b, n - i) / rising(a + b, n) for i in range(n + 1)]
    assert sum(terms) == 1
    for k in {0, n // 3, int(n * chance), n - 2, n}:
        below, above = beta_binomial(k, n, chance, alike)
        assert close(below, float(sum(terms[: k + 1])))
        assert close(above, float(sum(terms[k:])))


def test_without_variation_beyond_chance_the_wider_tests_are_the_plain_ones() -> None:
    assert negative_binomial(7, 12.0, 0.0) == poisson(7, 12.0)
    assert beta_binomial(7, 12, 0.6, 0.0) == binomial(7, 12, 0.6)


def test_tails_meet_where_the_formula_changes() -> None:
    for k in (998_500, 1_000_000, 1_001_500):
        exact, normal = poisson(k, 999_999.0), poisson(k, 1_000_001.0)
        assert exact[0] == pytest.approx(normal[0], rel=0.02)


def test_impossible_counts() -> None:
    assert poisson(-1, 3.0) == (0.0, 1.0)
    assert binomial(5, 4, 0.5) == (1.0, 0.0)
    assert poisson(0, 0.0) == (1.0, 1.0)
    assert poisson(2, 0.0) == (1.0, 0.0)


def test_the_normal_score_lies_in_the_middle_of_a_count() -> None:
    assert normal_score((0.5, 0.5)) == pytest.approx(0.0)
    assert normal_score(binomial(5, 10, 0.5)) == pytest.approx(0.0, abs=1e-9)
    assert normal_score(poisson(0, 100.0)) == -8.0
    assert normal_score(poisson(1000, 100.0)) == 8.0
    low, high = normal_score(poisson(80, 100.0)), normal_score(poisson(120, 100.0))
    assert -2.2 < low < -1.9 < 1.8 < high < 2.1
