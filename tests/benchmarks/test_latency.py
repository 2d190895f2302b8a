"""The arithmetic of the latency benchmark; that it runs at all is seen by its small run (``--smoke``)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.latency import GOAL_MS, Plan, rank
from benchmarks.latency_report import markdown, rows, verdict
from models.errors import UsageError


def test_ranks_of_sorted_values() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [rank(hundred, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert rank([7.0], 0.5) == rank([7.0], 0.99) == 7.0
    assert rank([1.0, 2.0, 3.0], 0.5) == 2.0
    assert math.isnan(rank([], 0.99))


@pytest.mark.parametrize("wrong", [{"rates": ()}, {"rates": (0,)}, {"seconds": 0.5}])
def test_a_plan_that_measures_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Plan(**wrong)


def _results(p99_ms: float, lost: int = 0) -> dict[str, Any]:
    one = {"probes": 10, "lost": lost, "p50_ms": 90.0, "p99_ms": p99_ms, "max_ms": 400.0}
    return {
        "goal_ms": GOAL_MS,
        "rates": [{"rate": 10_000, "reached_per_s": 9_990, "event": one, "time": one}],
        "queues": 5,
        "partitions": 2,
        "broker": "embedded",
        "seconds": 3.0,
        "machine": {"cpu": "c", "cores": 2, "memory_bytes": 2**33, "os": "o", "python": "3"},
        "load_1m": {"before": 0.1, "after": 0.2},
        "commit": "abc",
        "date": "2026-01-01",
        "versions": {"callwatch": "1"},
    }


def test_the_goal_is_met_or_not_and_a_lost_alert_meets_nothing() -> None:
    assert verdict(_results(249.0)).endswith(": held")
    assert verdict(_results(250.0)).endswith(": NOT held")
    assert verdict(_results(249.0, lost=1)).endswith(": NOT held")
    assert "not measured" in verdict(_results(1.0) | {"rates": []})


def test_both_kinds_of_breach_are_in_the_page() -> None:
    assert [row[2] for row in rows(_results(120.0))] == ["event", "time"]
    assert "| 10,000 | 9,990 | event | 10 | 0 | 90 | 120 | 400 |" in markdown(_results(120.0))
