"""What a trouble costs is what it takes, and delay counts from the second in which that passes five."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.detection.loss import costs_from_s, expected_loss
from benchmarks.detection.shape import Line
from benchmarks.detection.suite import summary
from benchmarks.detection.trouble import Trouble

LINE = Line(3, "middle")


def test_calls_that_stay_away_are_lost_one_by_one() -> None:
    whole = Trouble("drop", 1.0, 29, 11 * 3600, 13 * 3600)
    loss = expected_loss(LINE, whole, 8)
    rates = LINE.rates()[29 % 7][6:10] * LINE.busy(29)
    came = rates.sum() * 1800
    assert loss[-1] == pytest.approx(came, rel=0.15)  # less those who would have been lost anyway
    assert costs_from_s(loss) == pytest.approx(5 / rates[0], rel=0.4)


def test_loss_grows_with_the_trouble_and_is_nothing_without_one() -> None:
    ends = [expected_loss(LINE, Trouble("agents", share, 29, 39600, 43200), 4)[-1] for share in (0.0, 0.5, 1.0)]
    assert ends[0] == 0
    assert ends[0] < ends[1] < ends[2]


def test_the_moment_is_the_first_second_at_five() -> None:
    assert costs_from_s(np.array([0.0, 1.0, 4.9, 5.0, 4.0, 6.0])) == 3
    assert costs_from_s(np.array([0.0, 4.9])) is None


def test_delays_count_from_there_and_what_costs_nothing_is_left_out() -> None:
    rows: list[dict[str, Any]] = [
        {"costs_s": 100, "found": {"x": 130.0}},
        {"costs_s": 100, "found": {"x": 60.0}},
        {"costs_s": 50, "found": {"x": None}},
        {"costs_s": None, "found": {"x": 10.0}},
    ]
    found = summary(rows, "x")
    assert (found["found"], found["of"], found["median_s"]) == (2, 3, -5.0)
