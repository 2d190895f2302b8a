"""What the benchmark of starting says of its figures; that it runs at all is seen by its small run (``--smoke``)."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.start import GOAL_S, Plan
from benchmarks.start_report import markdown, rows, verdict
from models.errors import UsageError


def _results(*ready_s: float) -> dict[str, Any]:
    launches = [{"ready_s": one, "cpu_s": 3.0, "watches_s": one + 4.0} for one in ready_s]
    return {
        "goal_s": GOAL_S,
        "launches": launches,
        **launches[0],
        "worst_s": max(ready_s),
        "partitions": 4,
        "broker": "embedded",
        "machine": {"cpu": "c", "cores": 2, "memory_bytes": 2**33, "os": "o", "python": "3"},
        "load_1m": {"before": 0.1, "after": 0.2},
        "versions": {"numpy": "2"},
        "commit": "c",
        "date": "d",
    }


def test_the_slowest_launch_meets_the_goal_or_not() -> None:
    assert verdict(_results(3.0, 4.9)).endswith(": held")
    assert verdict(_results(3.0, 5.0)).endswith(": NOT held")
    assert rows(_results(3.0, 4.0)) == [
        ("1", "3.00", "3.00", "7.00"),
        ("2", "4.00", "3.00", "8.00"),
        ("median", "3.00", "3.00", "7.00"),
    ]
    assert "| median | 3.00 | 3.00 | 7.00 |" in markdown(_results(3.0))


def test_a_plan_without_launches_is_refused() -> None:
    with pytest.raises(UsageError):
        Plan(launches=0)
