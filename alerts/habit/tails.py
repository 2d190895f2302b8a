"""Tails of counts for kernels: the functions of `alerts.detect.counts` in numba, to which a test holds them.

Each returns the log10 of P(X <= k) and of P(X >= k), which overlap in P(X = k); logs, because a limit is one in a
million and what is far beyond it is told apart too.
"""

from __future__ import annotations

from math import erfc, exp, lgamma, log, log1p, sqrt
from typing import Final

from numba import njit

_TINY: Final = 1e-300
_EPS: Final = 1e-13
#: Terms of a series or fraction: it converges within a few times the root of the count.
_TERMS: Final = 20_000
#: Beyond this mean a count is taken as normal: the tails differ by little where limits are a fifth off at least.
_LARGE: Final = 1e6
_LN10: Final = log(10.0)
#: No chance is told apart from a smaller one.
LEAST: Final = -300.0


@njit(cache=True, nogil=True)
def _ten(ln: float) -> float:
    """A natural log as a log10, within reason."""
    return min(max(ln / _LN10, LEAST), 0.0)


@njit(cache=True, nogil=True)
def _other(lg: float) -> float:
    """log10 of 1 - 10**lg."""
    if lg >= 0.0:
        return LEAST
    return max(log1p(-exp(lg * _LN10)) / _LN10, LEAST)


@njit(cache=True, nogil=True)
def gamma_tails(a: float, x: float) -> tuple[float, float]:
    """log10 of the regularised incomplete gamma functions P(a, x) and Q(a, x)."""
    if x <= 0.0:
        return LEAST, 0.0
    front = a * log(x) - x - lgamma(a)
    if x < a + 1.0:
        term = 1.0 / a
        total = term
        for n in range(1, _TERMS):
            term *= x / (a + n)
            total += term
            if term < total * _EPS:
                break
        low = _ten(log(total) + front)
        return low, _other(low)
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    h = d
    for n in range(1, _TERMS):
        factor = -n * (n - a)
        b += 2.0
        d = factor * d + b
        d = 1.0 / (d if d != 0.0 else _TINY)
        c = b + factor / c
        c = c if c != 0.0 else _TINY
        h *= d * c
        if abs(d * c - 1.0) < _EPS:
            break
    high = _ten(log(h) + front)
    return _other(high), high


@njit(cache=True, nogil=True)
def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (Lentz's method)."""
    d = 1.0 - (a + b) * x / (a + 1.0)
    c, d = 1.0, 1.0 / (d if d != 0.0 else _TINY)
    h = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 + even * d
        d = 1.0 / (d if d != 0.0 else _TINY)
        c = 1.0 + even / c
        c = c if c != 0.0 else _TINY
        h *= d * c
        d = 1.0 + odd * d
        d = 1.0 / (d if d != 0.0 else _TINY)
        c = 1.0 + odd / c
        c = c if c != 0.0 else _TINY
        h *= d * c
        if abs(d * c - 1.0) < _EPS:
            break
    return h


@njit(cache=True, nogil=True)
def beta_tails(a: float, b: float, x: float) -> tuple[float, float]:
    """log10 of the regularised incomplete beta functions I_x(a, b) and 1 - I_x(a, b)."""
    if x <= 0.0:
        return LEAST, 0.0
    if x >= 1.0:
        return 0.0, LEAST
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        low = _ten(front + log(_fraction(a, b, x) / a))
        return low, _other(low)
    high = _ten(front + log(_fraction(b, a, 1.0 - x) / b))
    return _other(high), high


@njit(cache=True, nogil=True)
def normal_tails(z: float) -> tuple[float, float]:
    """log10 of the standard normal distribution below and above *z*; beyond 35 deviations by its leading term."""
    away = abs(z)
    if away < 35.0:
        small = log(0.5 * erfc(away / sqrt(2.0))) / _LN10
    else:
        small = _ten(-away * away / 2.0 - log(away * 2.5066282746310002))
    return (small, _other(small)) if z < 0.0 else (_other(small), small)


@njit(cache=True, nogil=True)
def volume_tails(k: float, mean: float, spread: float) -> tuple[float, float]:
    """Of a count with *mean* and variance mean + spread * mean**2: negative binomial, Poisson without *spread*."""
    if mean <= 0.0:
        return 0.0, (0.0 if k <= 0.0 else LEAST)
    if k < 0.0:
        return LEAST, 0.0
    if mean > _LARGE:
        below, above = normal_tails((k - mean) / sqrt(mean + spread * mean * mean))
        return below, above
    if spread * mean < 1e-6:
        most = gamma_tails(k + 1.0, mean)[1]
        return most, (gamma_tails(k, mean)[0] if k > 0.0 else 0.0)
    size = 1.0 / spread
    chance = size / (size + mean)
    most = beta_tails(size, k + 1.0, chance)[0]
    return most, (beta_tails(size, k, chance)[1] if k > 0.0 else 0.0)


@njit(cache=True, nogil=True)
def _term(i: float, n: float, a: float, b: float) -> float:
    """ln of a term of the beta-binomial distribution."""
    ways = lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0)
    return ways + lgamma(i + a) + lgamma(n - i + b) - lgamma(n + a + b) - (lgamma(a) + lgamma(b) - lgamma(a + b))


@njit(cache=True, nogil=True)
def share_above(k: float, n: float, chance: float, alike: float) -> float:
    """log10 of P(X >= k): at least *k* of *n* when each has *chance*, and two of them the correlation *alike*.

    The variance is n p (1 - p) (1 + (n - 1) alike): beta-binomial, binomial without *alike*.
    """
    if k <= 0.0:
        return 0.0
    if k > n:
        return LEAST
    if alike < 1e-9 or not 0.0 < chance < 1.0:
        return float(beta_tails(k, n - k + 1.0, chance)[0])
    scale = (1.0 - alike) / alike
    a, b = chance * scale, (1.0 - chance) * scale
    first = _term(k, n, a, b)
    total, value = 1.0, 1.0
    i = k
    while i < n:
        value *= (n - i) * (i + a) / ((i + 1.0) * (n - i - 1.0 + b))
        total += value
        if value < total * _EPS:
            break
        i += 1.0
    return float(_ten(first + log(total)))


@njit(cache=True, nogil=True)
def mean_tails(mean: float, n: float, expected: float, scatter: float) -> tuple[float, float]:
    """Of the mean of *n* values that lie *expected* on average, with a squared coefficient of variation of *scatter*.

    Gamma, as if of exponential values when *scatter* is 1: long times make means skewed, which a normal would miss.
    """
    if expected <= 0.0 or scatter <= 0.0 or n <= 0.0:
        return 0.0, 0.0
    shape = n / scatter
    if shape > _LARGE:
        below, above = normal_tails((mean / expected - 1.0) * sqrt(shape))
    else:
        below, above = gamma_tails(shape, shape * mean / expected)
    return below, above


@njit(cache=True, nogil=True)
def normal_score(below: float, above: float) -> float:
    """The standard normal value that lies where the count does, by its mid-p (Lancaster 1961), within +-8.

    From log10 tails that overlap in the count itself.
    """
    low, high = exp(below * _LN10), exp(above * _LN10)
    here = max(low + high - 1.0, 0.0)
    low, high = low - 0.5 * here, high - 0.5 * here
    if low <= high:
        return float(max(-_upper(max(low, 1e-16)), -8.0))
    return float(min(_upper(max(high, 1e-16)), 8.0))


@njit(cache=True, nogil=True)
def _upper(chance: float) -> float:
    """The value that a standard normal passes with *chance* (at most 1/2), by Newton's method on its log tail."""
    if chance >= 0.5:
        return 0.0
    target = log(chance)
    z = sqrt(max(-2.0 * target - log(max(-2.0 * target, 1.0) * 6.0), 0.0))
    for _ in range(60):
        tail = 0.5 * erfc(z / sqrt(2.0))
        step = (log(tail) - target) * tail / (exp(-z * z / 2.0) * 0.3989422804014327)
        z += step
        if abs(step) < 1e-12:
            break
    return z
