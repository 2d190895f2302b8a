"""Where a daily series turns: the days from which on more, or fewer, are lost than before.

Method: optimal partitioning (Jackson et al. 2005, IEEE Signal Processing Letters 12(2); Killick, Fearnhead and Eckley
2012, JASA 107, is the pruned form of it). A stretch of days has one rate, lost calls per arrival, and costs minus
its Poisson log-likelihood with the arrivals as exposure: a busy Monday is no turning point, one that loses more
of its calls is. Each turning point must gain more than two log n (BIC, a rate and a place) times the dispersion:
counts of calls vary more than Poisson's, so the series' own unrest, measured between neighbouring days, sets the bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: Days that are looked at: the search takes their square, and two years are enough to see a turn in.
DAYS_MAX = 731
#: Days before and after one that it is held against: with it a week.
ABOUT = 3
#: How many times farther off than the usual day a day must be to stand out: three sigma, where the days are steady.
FAR = 3.0
#: The median of |z| of a standard normal: what the unrest of a Poisson series would be.
_MEDIAN_Z = 0.6745


@dataclass(frozen=True, slots=True)
class Turn:
    """From day number *at* on the rate is *after*, and was *before*: lost per arrival."""

    at: int
    before: float
    after: float

    @property
    def is_rise(self) -> bool:
        """Whether more are lost from there on."""
        return self.after > self.before


def turning_points(lost: Sequence[int], arrivals: Sequence[int]) -> list[Turn]:
    """The turns of the series, first to last; days without arrivals say nothing and belong to the stretch before.

    Raises ValueError when the two are not equally long, longer than `DAYS_MAX`, or more were lost than arrived.
    """
    if len(lost) != len(arrivals) or len(lost) > DAYS_MAX:
        raise ValueError(f"{len(lost)} and {len(arrivals)} days: both the same, {DAYS_MAX} at most")
    if any(not 0 <= part <= of for part, of in zip(lost, arrivals, strict=True)):
        raise ValueError("more calls were lost than arrived")
    days = [at for at, of in enumerate(arrivals) if of]
    parts, wholes = [lost[at] for at in days], [arrivals[at] for at in days]
    begins = _partition(parts, wholes, 2 * math.log(max(len(days), 2)) * dispersion(parts, wholes))
    rates = [
        sum(parts[begin:end]) / sum(wholes[begin:end]) for begin, end in pairwise([*begins, len(days)]) if end > begin
    ]
    return [Turn(days[at], *rates[n : n + 2]) for n, at in enumerate(begins[1:])]


def dispersion(parts: Sequence[int], wholes: Sequence[int]) -> float:
    """How much more neighbouring days differ than Poisson counts of one rate would: 1 when they do not.

    Of two such days the first has its share of both, binomially (the counts given their sum). The median of the squared
    deviations is not moved by a few true turns.
    """
    found = []
    for (a, of_a), (b, of_b) in pairwise(zip(parts, wholes, strict=True)):
        share, total = of_a / (of_a + of_b), a + b
        if total:
            found.append(abs(a - total * share) / math.sqrt(total * share * (1 - share)))
    if not found:
        return 1.0
    return max(1.0, (sorted(found)[len(found) // 2] / _MEDIAN_Z) ** 2)


def _cost(part: int, whole: int) -> float:
    """Minus the Poisson log-likelihood of *part* of *whole* at their own rate, without what is the same for all."""
    return part - part * math.log(part / whole) if part else 0.0


def _partition(parts: Sequence[int], wholes: Sequence[int], penalty: float) -> list[int]:
    """Where the stretches of the cheapest partition begin, 0 first. Ties take fewer stretches."""
    n = len(parts)
    sums = [(0, 0)]
    for part, whole in zip(parts, wholes, strict=True):
        sums.append((sums[-1][0] + part, sums[-1][1] + whole))
    best, last = [-penalty], [0]
    for end in range(1, n + 1):
        costs = (
            (best[begin] + penalty + _cost(sums[end][0] - sums[begin][0], sums[end][1] - sums[begin][1]), begin)
            for begin in range(end)
        )
        cost, begin = min(costs)
        best.append(cost)
        last.append(begin)
    begins, end = [], n
    while end > 0:
        begins.append(last[end])
        end = last[end]
    return begins[::-1] or [0]


def outstanding(lost: Sequence[int], arrivals: Sequence[int]) -> list[int]:
    """The days that lost far more than those about them: what one bad day is, where a turn would have to last.

    Each day is held against the median share of `ABOUT` days before and after it; how far it is off in binomial
    standard deviations, against what that is on the usual day (median, at least 1), must reach `FAR`. A quiet weekend
    with few calls does not stand out, whatever its share.
    """
    days = [at for at, of in enumerate(arrivals) if of]
    off: dict[int, float] = {}
    for n, at in enumerate(days):
        about = [days[i] for i in range(max(0, n - ABOUT), min(len(days), n + ABOUT + 1)) if i != n]
        if len(about) < ABOUT:
            continue
        shares = sorted(min(lost[i] / arrivals[i], 1.0) for i in about)
        usual = shares[len(shares) // 2]
        deviation = math.sqrt(max(arrivals[at] * usual * (1 - usual), 1.0))
        off[at] = (lost[at] - usual * arrivals[at]) / deviation
    unrest = sorted(abs(z) for z in off.values())
    bar = FAR * max(1.0, unrest[len(unrest) // 2] / _MEDIAN_Z) if unrest else math.inf
    return [at for at, z in off.items() if z >= bar]
