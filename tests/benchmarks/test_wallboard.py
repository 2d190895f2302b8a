"""What the wallboard benchmark says of its figures; that it runs at all is seen by its small run (``--smoke``)."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.wallboard import GOAL_MS, Plan
from benchmarks.wallboard_report import row, verdict
from models.errors import UsageError


def _results(**other: Any) -> dict[str, Any]:
    return {
        "screens": 1_000,
        "queues": 60,
        "frames": 100,
        "frames_wanted": 100,
        "resets": 0,
        "p50_ms": 20.0,
        "p99_ms": 200.0,
        "max_ms": 240.0,
        "bytes_per_screen_s": 2_048,
        "bytes_per_screen": 4_096,
        "core": 0.5,
        "goal_ms": GOAL_MS,
    } | other


def test_soon_whole_and_for_all_or_the_goal_is_not_met() -> None:
    assert verdict(_results()).endswith(": held")
    assert verdict(_results(p99_ms=250.0)).endswith("NOT held")
    assert verdict(_results(resets=1)).endswith("NOT held")
    assert verdict(_results(frames=99)).endswith("NOT held")
    assert row(_results())[7:] == ("2", "4", "0.50")


@pytest.mark.parametrize("wrong", [{"screens": 0}, {"queues": 0}, {"seconds": 1.0}, {"slow": -1}])
def test_a_plan_that_shows_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Plan(**wrong)
