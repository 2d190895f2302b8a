"""Nothing but the log decides: not who looks at the figures, not where a batch ends, not when a snapshot is taken."""

from __future__ import annotations

import random

import pytest

from agents.actor import PartitionActor, Record
from agents.view import MetricsView
from models.encode import clock_record, encode_event
from tests.agents.dense import START, dense_log, fresh, payloads
from tests.agents.logs import Log, run


@pytest.fixture(scope="module", params=[1, 2])
def log(request: pytest.FixtureRequest) -> Log:
    return dense_log(request.param)


@pytest.fixture(scope="module")
def whole(log: Log) -> list[Record]:
    return run(fresh(), log, 1)


def test_the_log_has_what_matters_in_it(whole: list[Record]) -> None:
    got = payloads(whole)
    assert {"anomalies", "workorders", "workorder-log", "alerts"} <= got.keys()
    said = b"".join(got["workorder-log"])
    assert b'"refused"' in said
    assert b"callers_waiting" in said
    assert b'"verifying"' in said


@pytest.mark.parametrize("batch", [2, 13, 97, 10**9])
def test_batches_may_end_anywhere(log: Log, whole: list[Record], batch: int) -> None:
    assert payloads(run(fresh(), log, batch)) == payloads(whole)


def test_looking_changes_nothing(log: Log, whole: list[Record]) -> None:
    actor, out = fresh(), []
    view = MetricsView(actor)
    for at, value in enumerate(log):
        out += actor.apply([value], [at]).records
        view.rows(at * 1_000)
    assert payloads(out) == payloads(whole)


def test_a_figure_looked_at_before_its_clock_is_computed_all_the_same() -> None:
    actor = fresh()
    answered = {"id": "1", "source": "s", "type": "call.answered", "ts": START, "queue": "day/a", "call": "c"}
    actor.apply([clock_record(START, "t"), encode_event(answered)], [0, 1])
    MetricsView(actor).rows(1_000)
    actor.apply([clock_record(START + 100, "t")], [2])
    assert actor.windows.value("day/a", "answered", "1m") == 1


@pytest.mark.parametrize("seed", range(12))
def test_snapshots_may_lie_anywhere(log: Log, whole: list[Record], seed: int) -> None:
    """Changed queues alone, several restores in a row, each from rounds of different offsets."""
    rng = random.Random(seed)
    actor, kept, out, at = fresh(), dict[str, bytes](), list[Record](), 0
    while at < len(log):
        until = min(at + rng.randrange(1, 60), len(log))
        out += run(actor, log[:until], rng.choice([1, 10, 500]), at)
        at = until
        kept.update(actor.freeze(actor.changed()))
        if rng.random() < 0.3:
            common = actor.freeze_common()
            actor = fresh()
            actor.thaw(at, common, kept)
    assert payloads(out) == payloads(whole)


def test_a_queue_first_heard_of_outside_its_hours_is_closed_after_a_restore_too() -> None:
    first = fresh()
    offered = {"id": "1", "source": "s", "type": "call.offered", "ts": START, "queue": "late/c", "call": "c"}
    first.apply([clock_record(START, "t"), encode_event(offered)], [0, 1])
    again = fresh()
    again.thaw(2, first.freeze_common(), first.freeze(first.changed()))
    for actor in (first, again):
        actor.apply([clock_record(START + 100, "t")], [2])
        assert actor.windows.value("late/c", "open", "now") == 0.0


def test_what_is_shown_of_an_order_is_what_was_last_logged(log: Log) -> None:
    """Else the first entry after a restore would name other changed fields than without one."""
    actor: PartitionActor = fresh()
    from alerts.order import public

    for at, value in enumerate(log):
        actor.apply([value], [at])
        for order in actor.judgement._orders.values():
            assert actor.judgement._shown[order.id] == public(order)
