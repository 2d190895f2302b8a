"""Workers start, are stopped and are killed under load: no queue is dark for longer than is promised."""

from __future__ import annotations

import pytest

from benchmarks.takeover import Plan, measure
from benchmarks.takeover_report import markdown, verdict
from tests.kafka.server import ApacheKafka

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]


def test_no_queue_is_dark_for_longer_than_session_timeout_meeting_and_restore() -> None:
    with ApacheKafka() as kafka:
        plan = Plan(
            partitions=3,
            queues=24,
            events_per_s=400,
            session_s=3.0,
            heartbeat_s=0.5,
            pause_s=3.0,
            steps=("start", "start", "kill", "start", "stop"),
            bootstrap=kafka.bootstrap,
        )
        results = measure(plan, lambda text: None)
    assert results["held"], verdict(results)
    assert results["worst_s"]["kill"] > 2.0, "a death that nobody notices was not measured"
    assert sum(step["restores"] for step in results["steps"]) >= 3 * 5
    assert "NOT" not in markdown(results)
