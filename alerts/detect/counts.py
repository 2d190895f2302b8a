"""Tails of counts: how likely is a count as small, or as large, as the one seen. Plain functions, no approximation.

Poisson by the incomplete gamma function, negative binomial and binomial by the incomplete beta function (series and
continued fractions: Abramowitz & Stegun 6.5, 26.5; Lentz's method, Numerical Recipes 6.2 and 6.4), beta-binomial by
summing its terms. Each returns P(X <= k) and P(X >= k), which overlap in P(X = k).
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Final

Tails = tuple[float, float]

_TINY: Final = 1e-300
_EPS: Final = 1e-15
#: Terms of a series or fraction: it converges within a few times the root of the count.
_TERMS: Final = 20_000
#: Beyond this mean a count is taken as its square root, normal (Anscombe 1948): the tails differ by less than 1 %.
_LARGE: Final = 1e6
_NORMAL: Final = NormalDist()


def _gamma_lower(a: float, x: float) -> float:
    """P(a, x) by its series, for x < a + 1."""
    term = total = 1.0 / a
    for n in range(1, _TERMS):
        term *= x / (a + n)
        total += term
        if term < total * _EPS:
            break
    return total * exp(a * log(x) - x - lgamma(a))


def _gamma_upper(a: float, x: float) -> float:
    """Q(a, x) by its continued fraction, for x >= a + 1."""
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    h = d
    for n in range(1, _TERMS):
        factor = -n * (n - a)
        b += 2.0
        d = 1.0 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        h *= d * c
        if abs(d * c - 1.0) < _EPS:
            break
    return h * exp(a * log(x) - x - lgamma(a))


def gamma_tails(a: float, x: float) -> Tails:
    """The regularised incomplete gamma functions P(a, x) and Q(a, x), the smaller of them to full precision."""
    if x <= 0.0:
        return 0.0, 1.0
    if x < a + 1.0:
        lower = min(_gamma_lower(a, x), 1.0)
        return lower, 1.0 - lower
    upper = min(_gamma_upper(a, x), 1.0)
    return 1.0 - upper, upper


def _beta_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0) or _TINY)
    h = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for factor in (even, odd):
            d = 1.0 / (1.0 + factor * d or _TINY)
            c = 1.0 + factor / c or _TINY
            h *= d * c
        if abs(d * c - 1.0) < _EPS:
            break
    return h


def beta_tails(a: float, b: float, x: float) -> Tails:
    """The regularised incomplete beta functions I_x(a, b) and 1 - I_x(a, b)."""
    if x <= 0.0:
        return 0.0, 1.0
    if x >= 1.0:
        return 1.0, 0.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        lower = min(front * _beta_fraction(a, b, x) / a, 1.0)
        return lower, 1.0 - lower
    upper = min(front * _beta_fraction(b, a, 1.0 - x) / b, 1.0)
    return 1.0 - upper, upper


def poisson(k: int, mean: float) -> Tails:
    """Of a Poisson count with *mean*."""
    if mean <= 0.0:
        return 1.0, 1.0 if k <= 0 else 0.0
    if k < 0:
        return 0.0, 1.0
    if mean > _LARGE:
        z = 2.0 * (sqrt(k + 0.375) - sqrt(mean + 0.375))
        return _NORMAL.cdf(z), _NORMAL.cdf(-z)
    most = gamma_tails(k + 1.0, mean)[1]
    return most, gamma_tails(float(k), mean)[0] if k > 0 else 1.0


def negative_binomial(k: int, mean: float, spread: float) -> Tails:
    """Of a count with *mean* and variance mean + spread * mean**2 (*spread* 0: Poisson)."""
    if mean <= 0.0 or spread * mean < 1e-6 or mean > _LARGE:
        if spread > 0.0 and mean > _LARGE:
            z = (k - mean) / sqrt(mean + spread * mean * mean)
            return _NORMAL.cdf(z), _NORMAL.cdf(-z)
        return poisson(k, mean)
    if k < 0:
        return 0.0, 1.0
    size = 1.0 / spread
    chance = size / (size + mean)
    most = beta_tails(size, k + 1.0, chance)[0]
    return most, beta_tails(size, float(k), chance)[1] if k > 0 else 1.0


def binomial(k: int, n: int, chance: float) -> Tails:
    """Of *k* successes among *n*, each with the same *chance*."""
    if k < 0:
        return 0.0, 1.0
    if k > n:
        return 1.0, 0.0
    most = beta_tails(n - k, k + 1.0, 1.0 - chance)[0] if k < n else 1.0
    return most, beta_tails(float(k), n - k + 1.0, chance)[0] if k > 0 else 1.0


def beta_binomial(k: int, n: int, chance: float, alike: float) -> Tails:
    """Of *k* successes among *n* whose chance itself varies: *alike* is the correlation of two of them (0: binomial).

    The variance is n p (1 - p) (1 + (n - 1) alike).
    """
    if alike < 1e-9 or not 0.0 < chance < 1.0:
        return binomial(k, n, chance)
    if k < 0:
        return 0.0, 1.0
    if k > n:
        return 1.0, 0.0
    scale = (1.0 - alike) / alike
    a, b = chance * scale, (1.0 - chance) * scale

    def term(i: int) -> float:
        ways = lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0)
        return exp(
            ways + lgamma(i + a) + lgamma(n - i + b) - lgamma(n + a + b) - (lgamma(a) + lgamma(b) - lgamma(a + b))
        )

    here = term(k)
    below, value = here, here
    for i in range(k, 0, -1):
        value *= i * (n - i + b) / ((n - i + 1) * (i - 1 + a))
        below += value
        if value < below * _EPS and i < k:
            break
    above, value = here, here
    for i in range(k, n):
        value *= (n - i) * (i + a) / ((i + 1) * (n - i - 1 + b))
        above += value
        if value < above * _EPS and i > k:
            break
    return min(below, 1.0), min(above, 1.0)


def normal_score(tails: Tails) -> float:
    """The standard normal value that lies where the count does, by its mid-p (Lancaster 1961), within +-8."""
    below, above = tails
    here = max(below + above - 1.0, 0.0)
    low, high = below - 0.5 * here, above - 0.5 * here
    if low <= high:
        return max(_NORMAL.inv_cdf(max(low, 1e-16)), -8.0)
    return min(-_NORMAL.inv_cdf(max(high, 1e-16)), 8.0)
