"""The half-hour of the week: clocks that change, holidays, bad days, levels that move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.detect.contract import Verdict
from alerts.detect.season import A_DAY, HALF_HOUR_MS, Calendar, WeekProfile
from alerts.detect.volume import VolumeDetector

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def curve(half_hour: int, day: int) -> float:
    return float((10 + 90 * np.exp(-(((half_hour - 22) / 8) ** 2))) * (0.4 if day % 7 >= 5 else 1.0))


def taught(weeks: int, seed: int = 1, factor: float = 1.0) -> VolumeDetector:
    random, detector = np.random.default_rng(seed), VolumeDetector()
    for i in range(weeks * 336):
        mean = curve(i % 48, i // 48) * factor
        detector.update(ms(START) + i * HALF_HOUR_MS, float(random.poisson(mean)))
    return detector


def test_a_clock_that_changes_moves_the_day_with_it() -> None:
    berlin = Calendar("Europe/Berlin")
    for moment in (datetime(2024, 3, 30, 7, tzinfo=UTC), datetime(2024, 3, 31, 6, tzinfo=UTC)):
        assert berlin.place(ms(moment)).slot % A_DAY == 16  # eight in the morning
    spring = [
        berlin.place(ms(datetime(2024, 3, 31, tzinfo=UTC) + timedelta(minutes=30 * i))).slot for i in range(-2, 44)
    ]
    assert len(spring) == 46
    assert len(set(spring)) == 46
    autumn = [
        berlin.place(ms(datetime(2024, 10, 26, 22, tzinfo=UTC) + timedelta(minutes=30 * i))).slot for i in range(50)
    ]
    assert len(set(autumn)) == 48


def test_a_holiday_is_a_sunday() -> None:
    calendar = Calendar("Asia/Shanghai", frozenset({"2024-10-01"}))
    tuesday, sunday = datetime(2024, 10, 1, 2, tzinfo=UTC), datetime(2024, 10, 6, 2, tzinfo=UTC)
    assert calendar.place(ms(tuesday)) == calendar.place(ms(sunday))
    assert Calendar("Asia/Shanghai").place(ms(tuesday)) != calendar.place(ms(sunday))


def test_a_half_hour_never_seen_leans_on_its_like() -> None:
    profile, calendar = WeekProfile(), Calendar()
    for i in range(4 * 48):  # Monday to Thursday
        profile.learn(calendar.place(ms(START) + i * HALF_HOUR_MS), curve(i % 48, 0))
    friday_noon = calendar.place(ms(START + timedelta(days=4, hours=11)))
    assert profile.expected(friday_noon) == pytest.approx(curve(22, 0), rel=0.2)
    assert profile.doubt(friday_noon) > profile.doubt(calendar.place(ms(START + timedelta(hours=11))))


def test_four_weeks_know_the_week() -> None:
    detector = taught(5)
    errors = []
    for i in range(336):
        mean = curve(i % 48, i // 48)
        judged = detector.update(ms(START) + (5 * 336 + i) * HALF_HOUR_MS, mean, learn=False)
        errors.append((judged.expected - mean) / (mean**0.5 + 1))
        assert judged.lower <= mean <= judged.upper
    assert float(np.sqrt(np.mean(np.square(errors)))) < 0.7


def test_a_bad_day_teaches_next_to_nothing() -> None:
    detector, calm = taught(4), taught(4)
    begin = ms(START) + 4 * 336 * HALF_HOUR_MS
    verdicts = []
    for i in range(48):
        verdicts.append(detector.update(begin + i * HALF_HOUR_MS, 5 * curve(i, 0)).verdict)
        calm.update(begin + i * HALF_HOUR_MS, float(round(curve(i, 0))))
    assert verdicts.count(Verdict.ANOMALY) > 40
    week_later = begin + 336 * HALF_HOUR_MS
    for i in range(16, 32):
        was = calm.update(week_later + i * HALF_HOUR_MS, 0.0, learn=False).expected
        now = detector.update(week_later + i * HALF_HOUR_MS, 0.0, learn=False).expected
        assert now == pytest.approx(was, rel=0.12)


def test_a_new_level_is_adopted_by_one_call() -> None:
    detector, random = taught(4), np.random.default_rng(9)
    begin = ms(START) + 4 * 336 * HALF_HOUR_MS

    def day(n: int) -> list[Verdict]:
        at = begin + n * 48 * HALF_HOUR_MS
        return [
            detector.update(at + i * HALF_HOUR_MS, float(random.poisson(1.8 * curve(i, n)))).verdict for i in range(48)
        ]

    before = day(0).count(Verdict.ANOMALY) + day(1).count(Verdict.ANOMALY)
    assert detector.adopt() == pytest.approx(1.8, rel=0.15)
    after = day(2).count(Verdict.ANOMALY) + day(3).count(Verdict.ANOMALY)
    assert after <= 1 < before


def test_nothing_is_called_on_the_first_day() -> None:
    random, detector = np.random.default_rng(4), VolumeDetector()
    verdicts = [
        detector.update(ms(START) + i * HALF_HOUR_MS, float(random.poisson(curve(i, 0)))).verdict for i in range(48)
    ]
    assert verdicts[0] is Verdict.UNJUDGED
    assert verdicts.count(Verdict.ANOMALY) <= 2
