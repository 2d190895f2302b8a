"""Special functions against exact fractions, published tables and each other."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from alerts.staffing.special import KNOWN, _flooded, _integrated, _summed, digamma, erlang_b, waiters


def exact_b(agents: int, load: Fraction) -> float:
    blocked = Fraction(1)
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return float(blocked)


def exact_waiters(c: Fraction, y: Fraction, terms: int) -> tuple[float, float, float]:
    """Palm's A, the share of waiters who hang up, and the mean of w exp(-w), summed in fractions."""
    weight = total = Fraction(1)
    queued, behind = Fraction(0), 1 / (c + 1)
    served = c / (c + 1) * behind
    for j in range(1, terms):
        weight *= y / (c + j)
        behind += 1 / (c + j + 1)
        total += weight
        queued += j * weight
        served += weight * c / (c + j + 1) * behind
    return math.log(total), float(queued / (y * total)), float(served / total)


@pytest.mark.parametrize(("agents", "load"), [(0, "3"), (1, "1/7"), (10, "9/2"), (50, "48"), (300, "310")])
def test_erlang_b_is_that_of_exact_fractions(agents: int, load: str) -> None:
    assert erlang_b(agents, float(Fraction(load))) == pytest.approx(exact_b(agents, Fraction(load)), rel=1e-13)


def test_erlang_b_gives_the_figures_of_the_printed_tables() -> None:
    """Offered load at 1 % and 0.1 % blocking, as every traffic handbook prints it."""
    for agents, load, blocked in [(10, 4.461, 0.01), (50, 37.90, 0.01), (100, 84.06, 0.01), (50, 32.51, 0.001)]:
        assert erlang_b(agents, load) == pytest.approx(blocked, rel=2e-3)


@pytest.mark.parametrize("load", [0.02, 0.7, 1.49, 1.51, 4.0, 60.0, 4000.0])
def test_fractional_erlang_b_is_the_integral_that_continues_it(load: float) -> None:
    """1 / B = integral of exp(-t) (1 + t/a)^n, by Simpson's rule in s = sqrt(t), where it is smooth enough."""
    for n in (-0.9, -0.5, 0.25, 0.5, 0.999, 2.5, 7.75):
        steps, end = 20_000, 8.0
        h = end / steps
        values = [2 * s * math.exp(-s * s) * (1 + s * s / load) ** n for s in (k * h for k in range(steps + 1))]
        whole = h / 3 * (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2]))
        assert erlang_b(n, load) == pytest.approx(1 / whole, rel=2e-6), n


def test_fractional_erlang_b_is_monotone_and_meets_the_whole_numbers() -> None:
    for load in (0.3, 5.0, 900.0):
        values = [erlang_b(k / 16, load) for k in range(64)]
        assert values == sorted(values, reverse=True)
        for n in (0, 1, 2, 3):
            assert erlang_b(n + 1e-9, load) == pytest.approx(erlang_b(n, load), rel=1e-7)
            assert erlang_b(n - 1e-9, load) == pytest.approx(erlang_b(n, load), rel=1e-7)


@pytest.mark.parametrize(
    ("c", "y"), [("1/100", "1/2"), ("1/3", "40"), ("5/2", "2"), ("40", "45"), ("300", "290"), ("999", "1010")]
)
def test_the_series_of_waiters_is_that_of_exact_fractions(c: str, y: str) -> None:
    terms = 220 if Fraction(c) < 100 else 420
    found = waiters(float(Fraction(c)), float(Fraction(y)))
    exact = exact_waiters(Fraction(c), Fraction(y), terms)
    assert (found.log_a, found.abandon, found.served) == pytest.approx(exact, rel=1e-12)


def test_the_three_ways_to_sum_agree_where_they_meet() -> None:
    for c, y in [(1000.0, 700.0), (1000.0, 1000.0), (1000.0, 1100.0), (4000.0, 3990.0), (4000.0, 6000.0)]:
        summed, integrated = _summed(c, y), _integrated(c, y)
        assert integrated.log_a == pytest.approx(summed.log_a, rel=1e-12, abs=1e-12)
        assert integrated.abandon == pytest.approx(summed.abandon, rel=1e-10)
        assert integrated.served == pytest.approx(summed.served, rel=1e-10)
    for c, y in [(0.05, 70.0), (3.0, 95.0), (900.0, 1330.0)]:
        summed, flooded = _summed(c, y), _flooded(c, y)
        assert flooded.log_a == pytest.approx(summed.log_a, rel=1e-12)
        assert flooded.abandon == pytest.approx(summed.abandon, rel=1e-12)
        assert flooded.served == pytest.approx(summed.served, rel=1e-10)


def test_nothing_overflows_and_nothing_is_undefined() -> None:
    for c in (1e-3, 0.1, 1.0, 30.0, 1e3, 1e5, 1e9):
        for share in (1e-3, 0.5, 0.999, 1.0, 1.001, 1.5, 50.0):
            found = waiters(c, c * share)
            assert math.isfinite(found.log_a)
            assert found.log_a >= 0
            assert 0 <= found.abandon < 1
            assert 0 <= found.served < 1
    assert erlang_b(5000, 0.01) == 0.0
    assert erlang_b(5000, 1e7) == pytest.approx(1 - 5000 / 1e7, rel=1e-6)


def test_digamma() -> None:
    assert digamma(1) == pytest.approx(-0.5772156649015329, rel=1e-14)
    assert digamma(0.5) == pytest.approx(-0.5772156649015329 - 2 * math.log(2), rel=1e-14)
    assert digamma(37.5) == pytest.approx((math.lgamma(37.5 + 1e-5) - math.lgamma(37.5 - 1e-5)) / 2e-5, rel=1e-8)


@pytest.mark.parametrize(("agents", "load"), [(-1, 1), (3, 0), (3, math.inf), (math.nan, 1), (math.inf, 1)])
def test_what_is_no_argument_is_refused(agents: float, load: float) -> None:
    with pytest.raises(ValueError, match="no Erlang B"):
        erlang_b(agents, load)
    with pytest.raises(ValueError, match="no waiting"):
        waiters(agents if agents < 0 else math.nan, load)


def test_what_is_kept_is_bounded_and_the_same() -> None:
    waiters.cache_clear()
    first = [waiters(5.0 + n / 7, 9.0) for n in range(2 * KNOWN)]
    assert waiters.cache_info().currsize == KNOWN
    assert [waiters(5.0 + n / 7, 9.0) for n in range(2 * KNOWN)] == first
    assert waiters.cache_info().hits == 0, "in this order the least lately asked for is always gone"
    assert waiters(5.0 + (2 * KNOWN - 1) / 7, 9.0) is waiters(5.0 + (2 * KNOWN - 1) / 7, 9.0)
