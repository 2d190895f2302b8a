"""How well series are judged: ``python -m benchmarks.series_report [--seeds N]``, beside three plain ways of doing it.

Of the scores: average precision (rows of a trouble, then also 10 and 30 rows after it: a window that holds some of it
is no false alarm), area under the ROC curve, best F1. Of the alarms, at the default budget: troubles found, rows until
then, false alarms per 10,000 rows (alarms less than 20 rows apart are one).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.series import Floats, Series, suite

Truth = NDArray[np.int8]
#: Rows by which a trouble is widened for the average precision; the mean over them counts.
WIDER: Final = (0, 10, 30)
#: Alarms that lie nearer are one; a trouble may be found so many rows after it is over.
ONE_ALARM: Final = 20
DAY_MS: Final = 86_400_000


def precision(score: Floats, truth: Truth) -> tuple[float, float]:
    """Average precision, and the best F1 of any limit."""
    order = np.argsort(-score, kind="stable")
    hits, ranked = np.cumsum(truth[order]), score[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    at = np.arange(1, len(score) + 1)[last]
    hits = hits[last]
    gained = np.diff(np.append(0, hits)) / truth.sum()
    return float(np.sum(gained * hits / at)), float((2 * hits / (at + truth.sum())).max())


def roc_area(score: Floats, truth: Truth) -> float:
    """The chance that a row of a trouble scores higher than another one."""
    _, place, many = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(many) - (many - 1) / 2)[place]
    bad = int(truth.sum())
    return float((rank[truth == 1].sum() - bad * (bad + 1) / 2) / (bad * (len(truth) - bad)))


def _rolling(values: Floats, rows: int) -> tuple[Floats, Floats]:
    """Mean and deviation of the *rows* before each row."""
    total, squares = (np.cumsum(np.append(0.0, v)) for v in (values, values * values))
    at = np.arange(len(values))
    first = np.maximum(at - rows, 0)
    many = np.maximum(at - first, 1)
    mean = (total[at] - total[first]) / many
    spread: Floats = np.sqrt(np.maximum((squares[at] - squares[first]) / many - mean * mean, 0))
    return mean, spread


def rolling_z(series: Series, rows: int = 100) -> Floats:
    """Distance from the mean of the last rows, in their deviations."""
    values = series.values - series.values[0]
    mean, spread = _rolling(values, rows)
    score: Floats = np.abs(values - mean) / (spread + 1e-3 * values.std() + 1e-9)
    score[:20] = 0
    return score


def windowed_gaussian(series: Series) -> Floats:
    """The same over 6400 rows, as the windowed Gaussian of the NAB."""
    return rolling_z(series, 6400)


def seasonal_naive(series: Series) -> Floats:
    """Distance from the row a week before (a day, where there is no week). It is told the season."""
    n = len(series.values)
    rows = next(
        (days * DAY_MS // series.cadence_ms for days in (7, 1) if 3 * days * DAY_MS // series.cadence_ms < n), 1
    )
    score = np.zeros(n)
    score[rows:] = np.abs(series.values[rows:] - series.values[:-rows])
    return score


def ours(series: Series) -> Floats:
    """The score that ``callwatch detect`` writes."""
    from alerts.detect.series import SCORE, SeriesDetector

    return SeriesDetector().judge(series.ts_ms, series.values)[:, SCORE]


CONTENDERS: Final[dict[str, Callable[[Series], Floats]]] = {
    "callwatch detect": ours,
    "seasonal naive": seasonal_naive,
    "windowed Gaussian": windowed_gaussian,
    "rolling z": rolling_z,
}


@dataclass(frozen=True, slots=True)
class Alarms:
    """Of one series at the default limit."""

    found: int
    troubles: int
    delays: tuple[int, ...]
    false: int
    rows: int


def alarms(series: Series, score: Floats) -> Alarms:
    """What the rows from a score of 1/2 on say of the troubles of *series*."""
    rows = np.flatnonzero(score >= 0.5)
    delays, right = [], np.zeros(len(score), bool)
    for first, last in series.events:
        inside = rows[(rows >= first) & (rows < last + ONE_ALARM)]
        right[first : last + max(ONE_ALARM, 2 * (last - first))] = True
        if len(inside):
            delays.append(int(inside[0]) - first)
    begins = rows[np.diff(np.append(-(10**9), rows)) > ONE_ALARM]
    false = int((~right[begins]).sum())
    return Alarms(len(delays), len(series.events), tuple(delays), false, len(score))


def widened(series: Series, rows: int) -> Truth:
    """The truth with *rows* after each trouble."""
    truth = np.zeros(len(series.values), np.int8)
    for first, last in series.events:
        truth[first : last + rows] = 1
    return truth


@dataclass(frozen=True, slots=True)
class Result:
    """Of one contender on one series with trouble."""

    contender: str
    series: Series
    precision: float
    area: float
    best: float


def measure(all_series: Sequence[Series], say: Callable[[str], None]) -> tuple[list[Result], dict[str, Alarms]]:
    """Every contender on every series; the alarms are ours."""
    results, found = [], {}
    for n, series in enumerate(all_series):
        say(f"{n} of {len(all_series)} series")
        for name, judge in CONTENDERS.items():
            score = judge(series)
            if judge is ours:
                found[series.name] = alarms(series, score)
            if series.events:
                wide = [precision(score, widened(series, rows))[0] for rows in WIDER]
                area, best = roc_area(score, series.truth), precision(score, series.truth)[1]
                results.append(Result(name, series, float(np.mean(wide)), area, best))
    return results, found


def _table(results: list[Result], by: Callable[[Series], str]) -> list[str]:
    keys = list(dict.fromkeys(by(r.series) for r in results))
    lines = [f"| average precision | {' | '.join(keys)} | all | ROC area | best F1 |", "|---" * (len(keys) + 4) + "|"]
    for name in CONTENDERS:
        mine = [r for r in results if r.contender == name]
        cells = [np.mean([r.precision for r in mine if by(r.series) == key]) for key in keys]
        cells += [
            np.mean([r.precision for r in mine]),
            np.mean([r.area for r in mine]),
            np.mean([r.best for r in mine]),
        ]
        lines.append(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return lines


def _alarm_table(all_series: Sequence[Series], found: dict[str, Alarms], by: Callable[[Series], str]) -> list[str]:
    lines = ["| | troubles found | rows until then (median) | false alarms per 10,000 rows |", "|---|---|---|---|"]
    for key in dict.fromkeys(by(s) for s in all_series):
        mine = [found[s.name] for s in all_series if by(s) == key]
        troubles, rows = sum(a.troubles for a in mine), sum(a.rows for a in mine)
        delays = [delay for a in mine for delay in a.delays]
        share = f"{sum(a.found for a in mine)} of {troubles}" if troubles else ""
        median = f"{np.median(delays):.0f}" if delays else ""
        lines.append(f"| {key} | {share} | {median} | {1e4 * sum(a.false for a in mine) / rows:.1f} |")
    return lines


def report(seeds: range, say: Callable[[str], None]) -> str:
    """The tables as Markdown."""
    all_series = suite(seeds)
    results, found = measure(all_series, say)
    parts = [
        _table(results, lambda s: s.trouble),
        _table(results, lambda s: s.kind),
        _alarm_table(all_series, found, lambda s: s.trouble),
        _alarm_table(all_series, found, lambda s: s.kind),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def main() -> None:
    """Print the report; progress goes to standard error."""
    from callwatch.progress import Progress

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="series of each kind with each trouble (default 4)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    given = parser.parse_args()
    with Progress() as progress:
        sys.stdout.write(report(range(given.first, given.first + given.seeds), progress.show))


if __name__ == "__main__":
    main()
