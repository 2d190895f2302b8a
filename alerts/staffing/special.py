"""The special functions behind Erlang B and Erlang A, for any number of agents: whole, fractional, thousands.

Both are incomplete gamma functions (upper for B, lower for A), written so that nothing overflows and nothing is the
small difference of large numbers. The tests hold them against exact fractions and against the birth-death chain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Relative size below which a term adds nothing to a double.
_EPS: Final = 1e-17
#: Terms of a series, steps of a fraction: some hundreds are what the worst arguments need.
_TERMS_MAX: Final = 20_000
#: From here on the integrand is so narrow that one panel of `_NODES` on each side of its peak is exact.
_WIDE: Final = 1000.0
#: An integrand is left out where it is below exp(-40) of its peak: 4e-18.
_DROP: Final = 40.0
#: Results of `waiters` that are kept: a briefing asks some hundreds of times for them, six times for each in a row. The
#: same arguments give the same bits, so what is kept changes nothing.
KNOWN: Final = 512
_NODES: Final[tuple[NDArray[np.float64], NDArray[np.float64]]] = np.polynomial.legendre.leggauss(48)


def erlang_b(agents: float, load: float) -> float:
    """Share of calls that find all *agents* busy in a loss system at *load* erlangs.

    *agents* may be any number above -1, and below 0 the value is above 1 (`alerts.staffing.erlang` asks for n - 1).
    Continuous in it by 1 / B = integral of exp(-t) (1 + t / a)^n over t > 0. Source: Jagerman 1974, "Some properties
    of the Erlang loss function", Bell System Technical Journal 53. Raises ValueError outside of that.
    """
    if not (agents > -1 and load > 0 and math.isfinite(agents) and math.isfinite(load)):
        raise ValueError(f"no Erlang B for {agents} agents and {load} erlangs")
    if agents < 0:
        above = 1 / erlang_b(agents + 1, load)  # 1/B(n + 1) = 1 + (n + 1)/a * 1/B(n), read backwards
        return (agents + 1) / (load * (above - 1)) if above > 1 else 1.0
    n = agents % 1.0
    blocked = 1.0 if n == 0 else 1 / _inverse_b(n, load)
    for _ in range(int(agents)):
        n += 1
        blocked = load * blocked / (n + load * blocked)
    return blocked


def _inverse_b(n: float, load: float) -> float:
    """1 / B for 0 < *n* < 1: exp(a) a^-n Gamma(n + 1, a), by a series for small loads, else a continued fraction."""
    s = n + 1
    if load < 1.5:
        term = total = 1 / s
        for k in range(1, _TERMS_MAX):
            term *= load / (s + k)
            total += term
            if term < _EPS * total:
                break
        return math.exp(load - n * math.log(load)) * math.gamma(s) - load * total
    b = load + 1 - s  # modified Lentz (Thompson and Barnett 1986), as in Numerical Recipes 6.2
    c, d = 1e300, 1 / b
    h = d
    for i in range(1, _TERMS_MAX):
        a = -i * (i - s)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        h *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return load * h


@dataclass(frozen=True, slots=True)
class Waiters:
    """Those who have to wait in M/M/n+M, by two numbers: *log_a*, and shares and times under the law of their wait.

    *abandon*: share of them who hang up. *served*: mean of w exp(-w) of their offered wait w in units of patience.
    """

    log_a: float
    abandon: float
    served: float


@lru_cache(maxsize=KNOWN)
def waiters(c: float, y: float) -> Waiters:
    """The waiting part of M/M/n+M with *c* = n mu / theta and *y* = lambda / theta.

    exp(log_a) is Palm's A(c, y) = 1 + y/(c+1) + y^2/((c+1)(c+2)) + ... = c y^-c exp(y) gamma(c, y). Sources: Palm
    1957, "Research on telephone traffic carried by full availability groups"; Mandelbaum and Zeltyn 2007, "Service
    engineering in action: the Palm/Erlang-A queue". Raises ValueError unless both are positive and finite.
    """
    if not (c > 0 and y > 0 and math.isfinite(c) and math.isfinite(y)):
        raise ValueError(f"no waiting for c = {c} and y = {y}")
    if c >= _WIDE:
        return _integrated(c, y)
    if y > _flooded_from(c):
        return _flooded(c, y)
    return _summed(c, y)


def log_a(c: float, y: float) -> float:
    """The logarithm of Palm's A(c, y); 0 for *y* = 0."""
    return waiters(c, y).log_a if y > 0 else 0.0


def _flooded_from(c: float) -> float:
    """Above it the upper tail of the gamma law of shape *c* is below 1e-26."""
    return c + 12 * math.sqrt(c) + 60


def _summed(c: float, y: float) -> Waiters:
    """The series itself: term j is the weight of j callers waiting; all terms are positive."""
    weight, total = 1.0, 1.0
    behind = 1 / (c + 1)  #: sum of 1 / (c + k) for k up to j + 1
    queued, served = 0.0, c / (c + 1) * behind
    for j in range(1, _TERMS_MAX):
        weight *= y / (c + j)
        behind += 1 / (c + j + 1)
        total += weight
        queued += j * weight
        served += weight * c / (c + j + 1) * behind
        if y < c + j and weight * j < _EPS * total:
            break
    return Waiters(math.log(total), queued / (y * total), served / total)


def _flooded(c: float, y: float) -> Waiters:
    """Deep overload with few agents: exp(-w) is gamma distributed of shape *c* and scale 1/y, and never cut off."""
    served = c / y * (math.log(y) - digamma(c + 1))
    return Waiters(math.lgamma(c + 1) + y - c * math.log(y), 1 - c / y, served)


def _integrated(c: float, y: float) -> Waiters:
    """c * integral of exp(phi(w)) over w > 0, phi(w) = y (1 - exp(-w)) - c w, by Gauss-Legendre beside its peak.

    phi is concave, and for c >= 1000 nothing in it changes within the width of the peak, so 48 points are exact.
    """
    peak = math.log(y / c) if y > c else 0.0
    top = y * (1 - c / y) - c * peak if y > c else 0.0
    first = max(0.0, peak - _reach(c, y, peak, -1)) if peak > 0 else 0.0
    panels = [(first, peak), (peak, peak + _reach(c, y, peak, 1))]
    total = left = served = 0.0
    for low, high in panels:
        half = (high - low) / 2
        if half <= 0:
            continue
        w = low + half * (1 + _NODES[0])
        # the height above the peak, without the large numbers: y e^-peak is c behind the peak, y at 0
        weights = half * _NODES[1] * np.exp(_fall(c, y, peak, w - peak))
        gone = -np.expm1(-w)
        total += float(weights.sum())
        left += float((weights * gone).sum())
        served += float((weights * w * (1 - gone)).sum())
    return Waiters(top + math.log(c * total), left / total, served / total)


def _fall(c: float, y: float, peak: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """phi(peak + at) - phi(peak)."""
    scale = c if peak > 0 else y
    return -scale * np.expm1(-at) - c * at


def _reach(c: float, y: float, peak: float, sign: int) -> float:
    """How far from the peak (*sign* 1 to the right) phi has fallen by at least `_DROP`, at most about twice that."""
    low, high = 0.0, math.sqrt(2 * _DROP / c)

    def drop(at: float) -> float:
        scale = c if peak > 0 else y
        return scale * math.expm1(-sign * at) + c * sign * at

    while drop(high) < _DROP:
        low, high = high, 2 * high
    while drop(high) > 2 * _DROP:
        middle = (low + high) / 2
        low, high = (middle, high) if drop(middle) < _DROP else (low, middle)
    return high


def digamma(x: float) -> float:
    """The derivative of log Gamma at *x* > 0. Source: Abramowitz and Stegun 6.3.5 and 6.3.18."""
    below = 0.0
    while x < 10:
        below += 1 / x
        x += 1
    r = 1 / (x * x)
    tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))))
    return math.log(x) - 1 / (2 * x) - tail - below
