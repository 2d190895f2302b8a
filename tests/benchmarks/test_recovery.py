"""What the recovery benchmark says of its figures; that it runs at all is seen by its small run (``--smoke``)."""

from __future__ import annotations

import pytest

from benchmarks.recovery import GOAL_S, Plan
from benchmarks.recovery_report import rows, verdict
from models.errors import UsageError


def test_the_goal_is_that_of_the_largest_size() -> None:
    small = {"queues": 100, "dark_s": 20.0, "beyond_s": 14.0, "restore_s": 9.0}
    large = {"queues": 10_000, "dark_s": 10.9, "beyond_s": 4.9, "restore_s": 1.0}
    results = {"sizes": [small, large], "session_s": 6.0, "goal_s": GOAL_S}
    assert verdict(results).endswith(": held")
    assert verdict(results | {"sizes": [large, small]}).endswith("NOT held")
    assert rows(results)[1] == ("10,000", "10.90", "4.90", "1.00")


def test_no_size_is_no_plan() -> None:
    for wrong in ((), (0,)):
        with pytest.raises(UsageError):
            Plan(queues=wrong)
