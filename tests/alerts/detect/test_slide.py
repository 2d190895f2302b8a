"""A slide that no single value gives away is found by its sum; the guards that hold an alarm back."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from alerts.detect.contract import LIMIT_SCORE, Detector, Judged, Verdict
from alerts.detect.guard import Guard
from alerts.detect.ratio import RatioDetector
from alerts.detect.season import HALF_HOUR_MS
from alerts.detect.slide import RatioSlide, VolumeSlide
from alerts.detect.volume import VolumeDetector

START_MS = 1_704_067_200_000  # a Monday


def weeks(detector: Detector, half_hours: int, factor: float, begin: int = 0, seed: int = 3) -> list[Judged]:
    """Sixty calls a half-hour, 85 % of them in time; counts, or ratios, times *factor*."""
    random, found = np.random.default_rng([seed, begin]), []
    for i in range(begin, begin + half_hours):
        offered = int(random.poisson(60))
        if isinstance(detector, VolumeDetector):
            value, sample = float(random.poisson(60 * factor)), inf
        else:
            value, sample = random.binomial(offered, 0.85 * factor) / offered, float(offered)
        found.append(detector.update(START_MS + i * HALF_HOUR_MS, value, sample))
    return found


@pytest.mark.parametrize(
    ("point", "slide", "factor"), [(VolumeDetector, VolumeSlide, 0.82), (RatioDetector, RatioSlide, 0.93)]
)
def test_a_slide_is_found_by_its_sum_and_not_by_one_value(
    point: type[Detector], slide: type[Detector], factor: float
) -> None:
    called = {}
    for kind in (point, slide):
        detector = kind()
        weeks(detector, 5 * 336, 1.0)
        judged = weeks(detector, 24, factor, begin=5 * 336)
        called[kind] = [i for i, j in enumerate(judged) if j.verdict is Verdict.ANOMALY]
    assert len(called[point]) <= 1  # one of 24 may be unlucky
    assert len(called[slide]) >= 6
    assert called[slide][0] <= 18


def test_a_slide_that_is_over_is_soon_forgotten() -> None:
    detector = VolumeSlide()
    weeks(detector, 5 * 336, 1.0)
    assert weeks(detector, 30, 0.7, begin=5 * 336)[-1].verdict is Verdict.ANOMALY
    assert all(j.verdict is Verdict.NORMAL for j in weeks(detector, 48, 1.0, begin=5 * 336 + 30)[16:])


@pytest.mark.parametrize(
    ("guard", "value", "score"),
    [
        (Guard(), 30.0, 0.6),
        (Guard(side="above"), 30.0, 0.0),
        (Guard(side="below"), 30.0, 0.6),
        (Guard(min_absolute=80.0), 30.0, 0.5),
        (Guard(min_relative=0.8), 30.0, 0.5),
    ],
)
def test_what_does_not_matter_wakes_nobody(guard: Guard, value: float, score: float) -> None:
    judged = guard.judged(value, 100.0, (80.0, 120.0), 4.5, 3.0)
    assert judged.score == pytest.approx(score, abs=1e-5)
    assert (judged.verdict is Verdict.ANOMALY) == (judged.score >= LIMIT_SCORE) == (score > 0.5)


def test_a_band_ends_where_the_figure_does() -> None:
    judged = Guard(least=0.0, most=1.0).judged(0.9, 0.97, (0.7, 1.2), 0.1, 3.0)
    assert (judged.lower, judged.upper) == (0.7, 1.0)


def test_few_calls_are_no_ratio() -> None:
    detector = RatioDetector()
    weeks(detector, 5 * 336, 1.0)
    at = START_MS + 5 * 336 * HALF_HOUR_MS
    assert detector.update(at, 0.0, 9.0, learn=False).verdict is Verdict.UNJUDGED
    assert detector.update(at, 0.0, 12.0, learn=False).verdict is Verdict.ANOMALY
