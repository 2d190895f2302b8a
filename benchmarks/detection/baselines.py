"""Five others on the same streams: fixed limits, seasonal naive, quantile band, CUSUM alone, random cut forest.

Each gives a score for every minute, from the ordinary weeks of the queue and the minutes so far; what score is an alarm
is set from outside, so that all cost the same in false orders. Figures are rolled over a window that is chosen for each
baseline as suits it best, also from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.forest import Forest, shingled
from benchmarks.detection.minutes import MINUTES, SIDES

Floats = NDArray[np.float64]
SLOT: Final = 30
#: A spread below this is one of nothing: in the unit of each figure of `minutes.FIGURES`.
LEAST: Final = np.array([1.0, 0.01, 0.02, 0.5, 5.0, 0.005, 0.01, 10.0, 10.0])
#: Limits of the default rules on abandonment, service level, callers waiting, longest wait, unreached, silence:
#: (figure, limit): a score of 1 is the limit. The service level counts from 1 downwards.
FIXED: Final = ((1, 0.15), (2, 0.4), (3, 5.0), (4, 180.0), (5, 0.6), (6, 0.6), (8, 600.0))
#: Half a standard deviation of drift is let go by: tuned to shifts of one (Page 1954).
SLACK: Final = 0.5
SHINGLE: Final = 4


class Past(NamedTuple):
    """Figures of ordinary days in a row, from a Monday on: (days, MINUTES, figures)."""

    figures: Floats


#: Past, day of the week and figures of a day (MINUTES, figures) to a score for each minute.
Scorer = Callable[[int, Floats], Floats]


def fixed(past: Past) -> Scorer:
    """How far beyond the limits, the worst of all; a breach must hold for two minutes."""

    def score(weekday: int, day: Floats) -> Floats:
        worst = np.zeros(len(day))
        for figure, limit in FIXED:
            value = 1 - day[:, figure] if figure == 2 else day[:, figure]
            worst = np.fmax(worst, value / limit)
        held: Floats = np.minimum(worst, np.concatenate([[0.0], worst[:-1]]))
        return held

    return score


def naive(past: Past) -> Scorer:
    """How far from the same minute a week before, in standard deviations of that difference."""
    weeks = past.figures
    differences = weeks[7:] - weeks[:-7]
    spread = np.fmax(_quiet(_deviation, differences.reshape(-1, differences.shape[-1])), LEAST)

    def score(weekday: int, day: Floats) -> Floats:
        before = weeks[len(weeks) - 7 + weekday]
        return _worst((day - before) / spread)

    return score


def band(past: Past) -> Scorer:
    """How far off the median of the half-hour of the week, in half-widths of the band of its 2 and 98 % quantiles.

    A band is never narrower than that of all half-hours together: some hundred minutes know little of a tail.
    """
    middle, low, high = (_by_slot(past, partial(_quantile, share=share)) for share in (0.5, 0.02, 0.98))
    off = _off(past, middle)
    above_all, under_all = (np.fmax(_quiet(partial(_quantile, share=0.98), s * off), LEAST) for s in (1.0, -1.0))

    def score(weekday: int, day: Floats) -> Floats:
        mid, lo, hi = (np.repeat(one[weekday], SLOT, axis=0) for one in (middle, low, high))
        above = (day - mid) / np.fmax(hi - mid, above_all)
        under = (day - mid) / np.fmax(mid - lo, under_all)
        return _worst(np.where(day > mid, above, under))

    return score


def cusum(past: Past) -> Scorer:
    """One-sided sums of what is more than half a standard deviation off the half-hour's mean; both sides for volume."""
    standard = _standard(past)

    def score(weekday: int, day: Floats) -> Floats:
        z = np.nan_to_num(np.clip(standard(weekday, day), -6, 6))
        worst = np.zeros(len(day))
        for sign, sides in ((1.0, (0.0, 1.0)), (-1.0, (0.0, -1.0))):
            used = sign * z[:, np.isin(SIDES, sides)] - SLACK
            total = np.zeros(used.shape[1])
            for minute, step in enumerate(used):
                total = np.maximum(total + step, 0.0)
                worst[minute] = max(worst[minute], float(total.max()))
        return worst

    return score


def forest(past: Past) -> Scorer:
    """Collusive displacement of the last four values of all figures, standardised by half-hour of the week."""
    standard = _standard(past)
    days = [_points(standard(n % 7, day)) for n, day in enumerate(past.figures)]
    trees = Forest(np.concatenate(days), seed=1)

    def score(weekday: int, day: Floats) -> Floats:
        return trees.score(_points(standard(weekday, day)))

    return score


BASELINES: Final[dict[str, Callable[[Past], Scorer]]] = {
    "fixed limits": fixed,
    "seasonal naive": naive,
    "quantile band": band,
    "CUSUM alone": cusum,
    "random cut forest": forest,
}
WINDOWS: Final[dict[str, tuple[int, ...]]] = {
    "fixed limits": (5, 15),
    "seasonal naive": (5, 15, 30),
    "quantile band": (5, 15, 30),
    "CUSUM alone": (1, 5),
    "random cut forest": (5,),
}


def _points(z: Floats) -> Floats:
    return shingled(np.nan_to_num(np.clip(z, -8, 8)), SHINGLE)


def _worst(z: Floats) -> Floats:
    """The largest departure to the bad side; an undefined figure is none."""
    bad = np.where(SIDES == 0, np.abs(z), SIDES * z)
    found: Floats = np.fmax(np.nan_to_num(bad).max(axis=1), 0.0)
    return found


def _quantile(values: Floats, share: float) -> Floats:
    found: Floats = np.nanquantile(values, share, axis=0)
    return found


def _deviation(values: Floats) -> Floats:
    found: Floats = np.nanstd(values, axis=0)
    return found


def _mean(values: Floats) -> Floats:
    found: Floats = np.nanmean(values, axis=0)
    return found


def _off(past: Past, middle: Floats) -> Floats:
    """All minutes of *past*, off the *middle* of their half-hour of the week."""
    weekdays = np.arange(len(past.figures)) % 7
    off = past.figures - np.repeat(middle, SLOT, axis=1)[weekdays]
    found: Floats = off.reshape(-1, off.shape[-1])
    return found


def _quiet(of: Callable[[Floats], Floats], values: Floats) -> Floats:
    """*of* the rows of *values*, undefined where all are."""
    empty = np.isnan(values).all(axis=0)
    found = of(np.where(empty, 0.0, values))
    return np.where(empty, np.nan, found)


def _by_slot(past: Past, of: Callable[[Floats], Floats]) -> Floats:
    """*of* the minutes of each half-hour of the week, over the weeks: (7, slots, figures)."""
    figures = past.figures
    slots = MINUTES // SLOT
    out = np.full((7, slots, figures.shape[-1]), np.nan)
    for weekday in range(7):
        days = figures[weekday::7].reshape(-1, slots, SLOT, figures.shape[-1])
        for slot in range(slots):
            out[weekday, slot] = _quiet(of, days[:, slot].reshape(-1, figures.shape[-1]))
    return out


def _standard(past: Past) -> Scorer:
    """A day in standard deviations off the means of its half-hours of the week."""
    means, spreads = _by_slot(past, _mean), _by_slot(past, _deviation)
    least = np.fmax(0.5 * _quiet(_deviation, _off(past, means)), LEAST)

    def standard(weekday: int, day: Floats) -> Floats:
        mean = np.repeat(means[weekday], SLOT, axis=0)
        spread = np.fmax(np.repeat(spreads[weekday], SLOT, axis=0), least)
        found: Floats = (day - mean) / spread
        return found

    return standard


# --- alarms ---------------------------------------------------------------------------------------------------------

#: Alarms no further apart than this are one order: the reopen window of the loop.
JOINED_MIN: Final = 30


def orders(scores: Floats, limit: float) -> int:
    """Orders of a day with alarms from *limit* on."""
    minutes = np.flatnonzero(scores >= limit)
    return int((np.diff(minutes, prepend=-JOINED_MIN - 1) > JOINED_MIN).sum()) if len(minutes) else 0


def limit_for(days: list[Floats], allowed: float) -> float:
    """The least limit at which ordinary *days* of scores give at most *allowed* orders in all."""
    tops = np.unique(np.concatenate([np.sort(day)[-60:] for day in days]))
    low, high = 0, len(tops)  # at `high` nothing alarms
    while low < high:
        middle = (low + high) // 2
        if sum(orders(day, float(tops[middle])) for day in days) <= allowed:
            high = middle
        else:
            low = middle + 1
    return float(tops[low]) if low < len(tops) else float(np.nextafter(tops[-1], np.inf))
