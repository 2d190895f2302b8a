"""The periods of a series, from its past alone: peaks of the robust autocorrelation."""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.detect.memory import HISTORY, Floats

#: Fewer rows say nothing of a period.
ROWS_MIN: Final = 40
#: An autocorrelation below this is no season; what is found must stand out of the dip before it by the second.
CORRELATION_MIN: Final = 0.25
PROMINENCE: Final = 0.12
#: The shortest lag as good as the best is the period; longer ones are its multiples.
AS_GOOD: Final = 0.9
#: By how much a longer season (the week above the day) must beat the shorter.
BETTER: Final = 0.04
#: Lags looked at: half of what is there, for a season must have been seen twice.
SHORTEST: Final = 4
DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS


def autocorrelation(values: Floats) -> Floats:
    """Of *values* without their trend, outliers cut, by lag up to half their number; each lag by the rows it has."""
    n = len(values)
    cut = np.clip(values, *np.quantile(values, (0.004, 0.996)))
    at = np.arange(n) - (n - 1) / 2
    cut = cut - cut.mean()
    cut = cut - at * ((at @ cut) / (at @ at))
    power = float(cut @ cut) / n
    if not power > 1e-18 * (1.0 + float(np.abs(values).max()) ** 2):
        return np.zeros(n // 2 + 1)
    spectrum = np.fft.rfft(cut, 1 << (2 * n - 1).bit_length())
    sums = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: n // 2 + 1]
    # by the energy of the overlapping parts, so that one wild stretch does not hide the rest
    squares = np.concatenate(([0.0], np.cumsum(cut**2)))
    lags = np.arange(n // 2 + 1)
    norm = np.sqrt(squares[n - lags] * (squares[n] - squares[lags]))
    found: Floats = sums / np.maximum(norm, 1e-300)
    return found


def peaks(correlation: Floats) -> list[int]:
    """Lags at which *correlation* has a peak that stands out of what lies before it."""
    smooth = np.convolve(correlation, np.ones(3) / 3, "same") if len(correlation) > 64 else correlation
    inner = smooth[1:-1]
    tops = 1 + np.flatnonzero((inner >= smooth[:-2]) & (inner > smooth[2:]) & (inner >= CORRELATION_MIN))
    lowest = np.minimum.accumulate(smooth)
    found = [int(lag) for lag in tops if lag >= SHORTEST and smooth[lag] - lowest[lag] >= PROMINENCE]
    exact = [lag - 1 + int(np.argmax(correlation[lag - 1 : lag + 2])) for lag in found]
    return [lag for lag in exact if lag >= SHORTEST and correlation[lag] >= CORRELATION_MIN]


def sharpen(correlation: Floats, lag: int) -> float:
    """The period near *lag* in parts of a row: from the peak nearest to its largest multiple that still has one."""
    period = float(lag)
    for k in (2, 3, 4):
        at = round(period * k)
        reach = max(1, lag // 20)
        if at + reach >= len(correlation):
            break
        near = correlation[at - reach : at + reach + 1]
        period = (at - reach + int(np.argmax(near))) / k
    return period


def _calendar(period: float, cadence_ms: int) -> float:
    """A period within 2 % of a day or week is one."""
    for span_ms in (DAY_MS, WEEK_MS):
        rows = span_ms / max(cadence_ms, 1)
        if rows >= SHORTEST and abs(period - rows) <= 0.02 * rows:
            return rows
    return period


def periods_of(values: Floats, cadence_ms: int) -> tuple[float, float]:
    """The shorter and the longer period of *values* in rows, 0 where there is none. Only the last `HISTORY` count."""
    values = values[-HISTORY:]
    if len(values) < ROWS_MIN:
        return 0.0, 0.0
    correlation = autocorrelation(values)
    # what is no day or week must have been seen three times
    found = [lag for lag in peaks(correlation) if 3 * lag <= len(values) or _calendar(lag, cadence_ms) != lag]
    if not found:
        return 0.0, 0.0
    best = max(correlation[lag] for lag in found)
    short = next(lag for lag in found if correlation[lag] >= AS_GOOD * best)
    longer = [lag for lag in found if lag > 1.5 * short and correlation[lag] > correlation[short] + BETTER]
    # a season inside of the season found first: the day when the week is the best
    inside = [lag for lag in found if 1.5 * lag < short]
    if not longer and inside:
        nearer = max(inside, key=lambda lag: float(correlation[lag]))
        if correlation[nearer] >= max(2 * CORRELATION_MIN, 0.5 * correlation[short]):
            longer, short = [short], nearer
    first = _calendar(sharpen(correlation, short), cadence_ms)
    second = (
        _calendar(sharpen(correlation, max(longer, key=lambda lag: float(correlation[lag]))), cadence_ms)
        if longer
        else 0.0
    )
    return first, second
