"""The arithmetic of the growth benchmark, and one small size as it runs."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.growth import GOAL_BYTES, GOAL_SHARE, WAITING_QUEUES, Plan, slope
from benchmarks.growth_case import Case, run
from benchmarks.growth_report import plot, rows, verdict
from models.errors import UsageError


def test_the_slope_of_what_is_flat_and_of_what_grows_in_proportion() -> None:
    assert slope([10, 100, 1_000], [3.0, 3.0, 3.0]) == pytest.approx(0.0)
    assert slope([10, 100, 1_000], [1.0, 10.0, 100.0]) == pytest.approx(1.0)
    assert slope([10, 1_000], [1.0, 10.0]) == pytest.approx(0.5)


def test_queues_are_measured_without_callers_and_callers_over_a_few_queues() -> None:
    cases = Plan(queues=(10, 20), waiting=(7,), events=100).cases()
    assert cases == [Case(10, 0, 100), Case(20, 0, 100), Case(WAITING_QUEUES, 7, 100)]
    with pytest.raises(UsageError):
        Plan(queues=(10,))


def _results(event_us: tuple[float, float], quiet_bytes: int) -> dict[str, Any]:
    sizes = [
        {"queues": queues, "waiting": 0, "partitions": 1, "event_us": us, "clock_ms": 0.1, "quiet_bytes": quiet_bytes
         * queues, "peak_bytes": 2**28}
        for queues, us in zip((10, 10_000), event_us, strict=True)
    ]  # fmt: skip
    ratio = max(event_us) / min(event_us)
    goal = {"event": GOAL_SHARE, "bytes": GOAL_BYTES}
    return {"cases": sizes, "event_ratio": ratio, "event_slope": 0.0, "quiet_bytes": quiet_bytes, "goal": goal}


def test_both_goals_are_told_apart() -> None:
    assert verdict(_results((1.0, 1.1), GOAL_BYTES)).count(": held") == 2
    assert verdict(_results((1.0, 1.2), GOAL_BYTES)).count("NOT held") == 1
    assert verdict(_results((1.0, 1.0), GOAL_BYTES + 1)).count("NOT held") == 1
    assert rows(_results((1.0, 2.0), 8_192))[1][5] == "8.0"
    assert b"<svg" in plot(_results((1.0, 2.0), 8_192))


def test_a_small_size_counts_every_event_it_was_given() -> None:
    found = run(Case(queues=30, waiting=50, events=200))
    assert (found["queues"], found["partitions"]) == (30, 1)
    assert found["event_us"] > 0.0
    assert found["clock_ms"] > 0.0
