"""Each of the five finds what is easy, says little of ordinary days, and costs what it is allowed to."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection import baselines
from benchmarks.detection.baselines import BASELINES, JOINED_MIN, Past, limit_for, orders
from benchmarks.detection.forest import Forest, shingled
from benchmarks.detection.life import ABANDONED, ANSWERED, draw_day, live
from benchmarks.detection.minutes import FIGURES, MINUTES, counts, figures
from benchmarks.detection.shape import OPENS_S, Line
from benchmarks.detection.trouble import Trouble

LINE = Line(5, "large")
WINDOW = 5
DAY = 16


def day(number: int, trouble: Trouble | None = None) -> baselines.Floats:
    return figures(counts(live(LINE, number, draw_day(LINE, number), trouble)), WINDOW)


@pytest.fixture(scope="module")
def past() -> Past:
    return Past(np.stack([day(n) for n in range(14)]))


@pytest.mark.parametrize("name", BASELINES)
def test_an_easy_case_is_found_and_ordinary_days_are_not(name: str, past: Past) -> None:
    scorer = BASELINES[name](past)
    limit = limit_for([scorer(n % 7, day(n)) for n in (14, 15, 17, 18)], 2.0)
    trouble = Trouble("menu", 1.0, DAY, 12 * 3600, 14 * 3600)
    scores = scorer(DAY % 7, day(DAY, trouble))
    minutes = np.flatnonzero(scores >= limit)
    first = (12 * 3600 - OPENS_S) // 60
    assert len(minutes[(minutes >= first) & (minutes < first + 120)]) > 20
    assert scores[first : first + 120].max() > 1.5 * scores[:first].max()
    assert scores[:first] == pytest.approx(scorer(DAY % 7, day(DAY))[:first])  # nothing of it is known before


def test_minutes_count_what_happened() -> None:
    lived = live(LINE, DAY, draw_day(LINE, DAY))
    made = counts(lived)
    queued = np.isin(lived.fate, (ANSWERED, ABANDONED))
    assert made.offered.sum() == queued.sum()
    at = 200
    end_s = OPENS_S + 60 * (at + 1)
    waiting = queued & (lived.at <= end_s) & (lived.at + lived.wait > end_s)
    assert made.waiting[at] == waiting.sum()
    found = figures(made, 15)
    assert found.shape == (MINUTES, len(FIGURES))
    assert found[at, 0] == made.offered[at - 14 : at + 1].sum()
    answered, gone = made.answered[at - 14 : at + 1].sum(), made.abandoned[at - 14 : at + 1].sum()
    assert found[at, 1] == pytest.approx(gone / (answered + gone))


def test_alarms_close_to_each_other_are_one_order() -> None:
    scores = np.zeros(300)
    scores[[10, 11, 10 + JOINED_MIN, 100, 200]] = 1.0
    assert (orders(scores, 1.0), orders(scores, 1.1)) == (3, 0)


@pytest.mark.parametrize("allowed", [0, 1, 7, 30])
def test_a_limit_costs_at_most_what_is_allowed_and_no_less_than_it_must(allowed: int) -> None:
    rng = np.random.default_rng(2)
    days = [rng.normal(size=MINUTES) for _ in range(20)]
    limit = limit_for(days, allowed)
    cost = sum(orders(one, limit) for one in days)
    assert cost <= allowed
    assert cost >= 0.8 * allowed - 1


def test_the_forest_knows_what_is_far_from_all_it_has_seen() -> None:
    rng = np.random.default_rng(4)
    forest = Forest(rng.normal(size=(2000, 4)), seed=1)
    ordinary, far = rng.normal(size=(300, 4)), rng.normal(size=(20, 4)) + np.array([0, 9.0, 0, 0])
    assert forest.score(far).min() > np.quantile(forest.score(ordinary), 0.99)
    assert (forest.score(far) == forest.score(far)).all()


def test_the_forest_displaces_as_the_definition_says() -> None:
    """One tree over a tight cluster: what lies far off is parted at the root, and moves all of it."""
    cluster = np.random.default_rng(1).normal(scale=1e-6, size=(64, 2))
    forest = Forest(cluster, seed=1, trees=20, sample=64)
    assert forest.score(np.array([[5.0, 5.0]]))[0] == pytest.approx(64, rel=0.01)
    assert forest.score(cluster[:10]).max() < 32


def test_shingles_look_back_and_not_ahead() -> None:
    values = np.arange(10.0).reshape(5, 2)
    found = shingled(values, 3)
    assert found[4].tolist() == [4, 5, 6, 7, 8, 9]
    assert found[0].tolist() == [0, 1] * 3
