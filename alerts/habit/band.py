"""Where alarms begin: what is expected of a subject and its band, for sentences and pages, computed when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, isnan

import numpy as np
from numpy.typing import NDArray

from alerts.habit.judge import expected_share, expected_volume, mean_scores, share_score, spread_at, volume_scores
from alerts.habit.limits import Limits
from alerts.habit.norm import alike_of, scatter_of
from alerts.habit.state import BELOW, HALF_HOUR, SERVICE, TALK, VOLUME, Habits, Ready
from alerts.habit.subjects import SUBJECTS


@dataclass(frozen=True, slots=True)
class Band:
    """What is expected of a subject's figure over a window, and from where to where it is no alarm; in its unit.

    Both ends are no alarm yet. One on the side that no alarm is on, or beyond which no count can lie, is infinite.
    """

    expected: float
    lower: float
    upper: float


def band_of(
    state: Habits, made: Ready, q: int, subject: str, w: int, now_ms: int, found: NDArray[np.float64], limits: Limits
) -> Band | None:
    """The band of *subject* in window number *w* of row *q*, for the sums *found* in it. Raises KeyError for no
    subject."""
    names = [one.id for one in SUBJECTS]
    if subject not in names:
        raise KeyError(subject)
    test = max(names.index(subject) - 1, VOLUME)
    window, limit, guard = min(w, HALF_HOUR), float(limits.rarity[w]), limits.guards[test]
    if test == VOLUME:
        least, most = expected_volume(state, made, q, w, now_ms)
        return _of_volume(least, most, spread_at(state, made, q, window), limit, guard, subject == names[0])
    n, norm = float(found[BELOW[test]]), float(expected_share(made, q, test, w, now_ms))
    if isnan(norm) or n < max(guard[0], 1.0):
        return None
    behind = float(made.behind[q, test])
    if test < TALK:
        alike = alike_of(state.vary[q], test, window, behind)
        k = _first(lambda k: share_score(k, n, norm, alike, limit, guard) >= 1.0, int(n * norm), int(n) + 1)
        share = (k - 1) / n if k <= n else inf
        return Band(1.0 - norm, 1.0 - share, inf) if test == SERVICE else Band(norm, -inf, share)
    scatter = scatter_of(state.vary[q], test, window)
    return _of_mean(n, norm, scatter, behind, limit, guard, both=test == TALK)


def _first(alarms: Callable[[int], bool], low: int, high: int) -> int:
    """The first whole number above *low* that *alarms*, as those above it do; *high* when none before it does."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if alarms(middle) else (middle, high)
    return high


def _of_volume(
    least: float, most: float, spread: float, limit: float, guard: NDArray[np.float64], surge: bool
) -> Band | None:
    if not isfinite(most):
        return None
    expected = (least + most) / 2.0
    if surge:
        top = int(most * 60 + 1000)
        k = _first(lambda k: volume_scores(k, least, most, spread, limit, guard)[0] >= 1.0, int(most), top)
        return Band(expected, -inf, float(k - 1) if k < top else inf)
    # counts turned round, so that the first that alarms is the highest that does
    turned = _first(
        lambda k: volume_scores(-k, least, most, spread, limit, guard)[1] >= 1.0, -int(least) - 1, 1
    )  # fmt: skip
    return Band(expected, float(1 - turned) if turned < 1 else -inf, inf)


def _of_mean(
    n: float, norm: float, scatter: float, behind: float, limit: float, guard: NDArray[np.float64], *, both: bool
) -> Band:
    def far(k: int) -> bool:
        return bool(mean_scores(k * n, n, norm, scatter, behind, limit, guard)[0] >= 1.0)

    def near(k: int) -> bool:
        return bool(mean_scores(-k * n, n, norm, scatter, behind, limit, guard)[1] >= 1.0)

    top = int(norm * 60 + 100)
    upper, lower = _first(far, int(norm), top), _first(near, -int(norm) - 1, 1) if both else 1
    # tenths of a second are what is summed, ms what is read
    return Band(norm * 100.0, (1 - lower) * 100.0 if lower < 1 else -inf, (upper - 1) * 100.0 if upper < top else inf)
