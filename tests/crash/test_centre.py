"""The log of the crash runs has in it what can break, and what it says does not hang on how it is written down."""

from __future__ import annotations

import orjson
import pytest

from models.topics import ALERTS, ANOMALIES, DEAD_LETTERS, INTERVALS, WORKORDER_LOG, WORKORDERS
from tests.crash.centre import Said, centre, in_one_go, said_by

pytestmark = pytest.mark.crash


def _of(said: Said, topic: str) -> list[dict[str, object]]:
    return [orjson.loads(value) for (name, _), values in said.items() if name == topic for value in values]


@pytest.mark.parametrize("seed", [1, 2])
def test_it_has_in_it_what_matters(seed: int) -> None:
    said = centre(seed).said
    assert {order["state"] for order in _of(said, WORKORDERS)} >= {
        *("dispatched", "acknowledged", "analysing", "verifying", "on_hold", "closed")
    }
    assert {entry["event"] for entry in _of(said, WORKORDER_LOG)} >= {"breached", "joined", "resolve"}
    assert any(str(row["queue"]).endswith("/*") for row in _of(said, ANOMALIES)), "no unit is ever in trouble"
    assert any(int(str(row["revision"])) > 1 for row in _of(said, INTERVALS)), "nothing is ever corrected"
    assert len(_of(said, DEAD_LETTERS)) > 5
    assert len(_of(said, ALERTS)) > 50
    assert centre(seed).repeated > 500


def test_limits_fall_due_in_one_or_the_other() -> None:
    logs = [_of(centre(seed).said, WORKORDER_LOG) for seed in (1, 2)]
    assert "respond_due" in {entry["event"] for log in logs for entry in log}


def test_records_that_a_producer_wrote_twice_change_nothing() -> None:
    once, twice = centre(3, repeats=False).said, centre(3, repeats=True).said
    assert {key: words for key, words in once.items() if key[0] != DEAD_LETTERS} == {
        key: words for key, words in twice.items() if key[0] != DEAD_LETTERS
    }


def test_batches_and_the_order_of_partitions_change_nothing() -> None:
    logs = centre(3).logs
    assert said_by(in_one_go(logs, 37)) == said_by(in_one_go(logs, 100_000)) == centre(3).said
