"""The actor is a function of its log: any batching, any cut and restore, the same outputs to the byte."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor, Record
from agents.view import MetricsView
from models.outputs import Alert, Anomaly, DeadLetterRecord, IntervalRow, LogEntry, Order, QueueFigures
from models.topics import ALERTS, ANOMALIES, DEAD_LETTERS, EVENTS, INTERVALS, WORKORDER_LOG, WORKORDERS
from tests.agents.logs import Log, catalogue, morning, run

MODELS: dict[str, Any] = {
    INTERVALS: IntervalRow,
    ANOMALIES: Anomaly,
    WORKORDERS: Order,
    WORKORDER_LOG: LogEntry,
    ALERTS: Alert,
    DEAD_LETTERS: DeadLetterRecord,
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return morning(tmp_path_factory.mktemp("morning"), 1)[0]


def fresh() -> PartitionActor:
    return PartitionActor(0, 1, catalogue())


@pytest.fixture(scope="module")
def whole(log: Log) -> list[Record]:
    """What the log causes in one go."""
    return run(fresh(), log)


def by_topic(records: list[Record]) -> dict[str, list[bytes]]:
    out: dict[str, list[bytes]] = {}
    for record in records:
        out.setdefault(record.topic, []).append(record.value)
    return out


def test_the_morning_has_all_that_matters_in_it(whole: list[Record]) -> None:
    entries = [orjson.loads(r.value) for r in whole if r.topic == WORKORDER_LOG]
    assert {"raised", "dispatched", "refused"} <= {e["decision"] for e in entries}
    assert "closed" in {e["after"] for e in entries}
    assert sum(r.topic == DEAD_LETTERS for r in whole) >= 1
    assert any(r.topic == INTERVALS for r in whole)


def test_every_output_is_of_its_model_and_in_order(whole: list[Record]) -> None:
    last: dict[str, tuple[int, int]] = {}
    for record in whole:
        MODELS[record.topic].model_validate_json(record.value)
        assert record.pos > last.get(record.topic, (-1, -1))
        last[record.topic] = record.pos


@pytest.mark.parametrize("batch", [1, 7, 4096, 10**9])
def test_batching_does_not_matter(log: Log, whole: list[Record], batch: int) -> None:
    assert by_topic(run(fresh(), log, batch)) == by_topic(whole)


@pytest.mark.parametrize("seed", range(6))
def test_restored_at_any_offset_it_goes_on_the_same(log: Log, whole: list[Record], seed: int) -> None:
    rng = random.Random(seed)
    cut = rng.randrange(len(log))
    first = fresh()
    out = run(first, log[:cut], rng.choice([50, 1000]))
    again = fresh()
    again.thaw(cut, first.freeze_common(), first.freeze(first.kept()))
    assert by_topic(out + run(again, log, rng.choice([50, 1000]), cut)) == by_topic(whole)


@pytest.mark.parametrize("seed", range(4))
def test_snapshots_of_changed_queues_alone_are_enough(log: Log, whole: list[Record], seed: int) -> None:
    rng = random.Random(seed)
    first, kept, at, out = fresh(), {}, 0, []
    for _ in range(12):
        until = min(at + rng.randrange(1, len(log) // 12), len(log))
        out += run(first, log[:until], 333, at)
        kept.update(first.freeze(first.changed()))
        at = until
    again = fresh()
    again.thaw(at, first.freeze_common(), kept)
    assert by_topic(out + run(again, log, 333, at)) == by_topic(whole)


def test_a_clock_that_comes_again_is_no_news(log: Log, whole: list[Record]) -> None:
    """A producer that got no answer writes its batch twice, and a stale owner its clocks: a time is judged once."""
    again: Log = []
    last = None
    for n, value in enumerate(log):
        if b'"clock"' in (value or b""):
            if last is not None and n % 3 == 0:
                again.append(last)  # what came after it is known now
            last = value
        again.append(value)
    assert len(again) > len(log) + 100

    def words(record: Record) -> tuple[str, bytes]:
        payload = orjson.loads(record.value)
        return record.topic, orjson.dumps({name: payload[name] for name in payload if name not in ("pos", "offset")})

    assert sorted(map(words, run(fresh(), again))) == sorted(map(words, whole))


def test_a_record_of_another_partition_is_forwarded_and_not_applied() -> None:
    actor = PartitionActor(0, 2, catalogue())
    from models.partition import partition_of

    stray = next(q for q in ("a/a", "a/b", "a/c", "a/d") if partition_of(q, 2) == 1)
    value = orjson.dumps({"id": "1", "source": "s", "type": "call.offered", "ts": 1_000, "queue": stray, "call": "c"})
    effects = actor.apply([value], [5])
    assert effects.misrouted == 1
    assert effects.events == 0
    (record,) = effects.records
    assert (record.topic, record.partition, record.key, record.value) == (EVENTS, 1, stray.encode(), value)
    assert actor.names.names == []


def test_the_view_tells_the_states_apart(log: Log) -> None:
    actor = fresh()
    run(actor, log[: len(log) // 3])
    view = MetricsView(actor)
    rows = {queue: QueueFigures.model_validate_json(row) for queue, row in view.rows(1_000_000)}
    assert set(rows) == {*actor.names.names, *actor.units.names}
    assert {row.state for row in rows.values()} <= {"ok", "warn", "breach"}
    assert view.rows(1_000_500) == [] or all(q in rows for q, _ in view.rows(1_000_500))
    # the world goes silent: no heartbeat for longer than the cadence
    now = actor.windows.now_ms + 120_000
    actor.apply([orjson.dumps({"id": "x", "source": "t", "type": "clock", "ts": now})], [len(log)])
    states = {QueueFigures.model_validate_json(row).state for _, row in view.rows(2_000_000)}
    assert states == {"no_data"}
