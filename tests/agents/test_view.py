"""The states of a tile told apart: closed, no calls, no agents, agents unknown, no data, warn, breach, ok."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from agents.actor import PartitionActor
from agents.view import REFRESH_MS, ROWS_MAX, MetricsView
from models.encode import clock_record, encode_event
from models.outputs import QueueFigures
from tests.agents.dense import START, fresh

MINUTE = 60_000
_offsets = itertools.count()


def tell(actor: PartitionActor, *values: bytes) -> None:
    actor.apply(values, [next(_offsets) for _ in values])


def event(kind: str, ts: int, queue: str = "day/a", **more: Any) -> bytes:
    base = {"id": f"{kind}{ts}{sorted(more.items())}", "source": "pbx", "type": kind, "ts": ts, "queue": queue}
    return encode_event(base | more)


def heard(ts: int) -> bytes:
    return encode_event({"id": f"h{ts}", "source": "pbx", "type": "source.heartbeat", "ts": ts})


def tile(actor: PartitionActor, queue: str = "day/a") -> QueueFigures:
    rows = dict(MetricsView(actor).rows(1_000_000))
    return QueueFigures.model_validate_json(rows[queue])


@pytest.fixture
def actor() -> PartitionActor:
    made = fresh()
    tell(made, clock_record(START, "t"), heard(START))
    return made


def at(actor: PartitionActor, now: int) -> None:
    """The clock stands at *now*, and the source is alive."""
    tell(actor, heard(now), clock_record(now, "t"))


def test_agents_unknown_is_not_no_agents(actor: PartitionActor) -> None:
    tell(actor, event("call.answered", START, call="c", wait_ms=1))
    at(actor, START + 100)
    row = tile(actor)
    assert (row.state, row.agents_known) == ("ok", False)
    assert not {"agents_ready@now", "agents_busy@now"} & row.figures.keys()


def test_no_agents_once_the_last_has_left(actor: PartitionActor) -> None:
    tell(actor, event("call.answered", START, call="c", wait_ms=1))
    tell(actor, event("agent.state", START, agent="x", state="not_ready"))
    at(actor, START + 100)
    row = tile(actor)
    assert (row.state, row.agents_known, row.figures["agents_ready@now"]) == ("ok", True, 0)  # there, if not ready
    tell(actor, event("agent.state", START + 200, agent="x", state="offline"))
    at(actor, START + 300)
    assert tile(actor).state == "no_agents"
    tell(actor, event("agent.state", START + 400, agent="x", state="ready"))
    at(actor, START + 500)
    row = tile(actor)
    assert (row.state, row.figures["agents_ready@now"]) == ("ok", 1)


def test_no_calls_for_a_quarter_hour_with_a_source_that_lives(actor: PartitionActor) -> None:
    tell(actor, event("agent.state", START, agent="x", state="ready"))
    at(actor, START + 100)
    row = tile(actor)
    assert row.state == "no_calls"
    assert "service_level@15m" not in row.figures
    tell(actor, event("call.answered", START + 200, call="c", wait_ms=1))
    at(actor, START + 3_000)
    assert tile(actor).state == "ok"


def test_closed_outside_its_hours_unless_somebody_waits(actor: PartitionActor) -> None:
    tell(actor, event("call.answered", START, "late/c", call="c", wait_ms=1))
    at(actor, START + 100)
    row = tile(actor, "late/c")
    assert (row.state, row.figures["open@now"], row.figures.get("silence_ms@now")) == ("closed", 0, None)
    tell(actor, event("call.offered", START + 200, "late/c", call="d"))
    at(actor, START + 300)
    assert tile(actor, "late/c").state == "ok"
    tell(actor, event("call.abandoned", START + 400, "late/c", call="d"))
    at(actor, START + 500)
    assert tile(actor, "late/c").state == "closed"
    at(actor, START + 10_000)  # 09:00
    assert tile(actor, "late/c").state == "ok"


def test_no_data_when_every_source_is_overdue_and_when_a_queue_was_never_heard_of(actor: PartitionActor) -> None:
    tell(actor, event("call.answered", START, call="c", wait_ms=1))
    at(actor, START + 100)
    assert tile(actor).state == "ok"
    tell(actor, clock_record(START + 100 + 10_000, "t"))
    assert tile(actor).state == "warn"  # silent, by the rule on a trend, and the source is not yet overdue
    tell(actor, clock_record(START + 100 + 10_001, "t"))
    row = tile(actor)
    assert (row.state, row.figures["data_complete@now"]) == ("no_data", 0)
    tell(actor, event("probe.result", START + 100, "day/b", ok=True))
    at(actor, START + 11_000)
    assert tile(actor).state == "warn"
    assert tile(actor, "day/b").state == "no_data"


def test_warn_and_breach_while_a_caller_waits(actor: PartitionActor) -> None:
    tell(actor, event("call.offered", START, call="c"))
    for ms, state in ((1_000, "ok"), (2_500, "warn"), (3_500, "breach")):
        at(actor, START + ms)
        assert tile(actor).state == state


def test_before_the_first_clock_nothing_is_shown() -> None:
    actor = fresh()
    tell(actor, event("call.offered", START, call="c"))
    assert MetricsView(actor).rows(1) == []


def test_rows_are_bounded_and_each_queue_has_its_turn(actor: PartitionActor) -> None:
    queues = [f"day/q{n}" for n in range(2 * ROWS_MAX + 10)]
    tell(actor, *(event("call.answered", START, queue, call="c", wait_ms=1) for queue in queues))
    at(actor, START + 100)
    view = MetricsView(actor)
    shown = [[queue for queue, _ in view.rows(1_000_000 + n)] for n in range(3)]
    assert [len(rows) for rows in shown] == [ROWS_MAX, ROWS_MAX, 10]
    assert sorted(itertools.chain(*shown)) == sorted(queues)
    assert view.rows(1_000_100) == []
    assert len(view.rows(1_000_000 + REFRESH_MS)) == ROWS_MAX


def test_what_is_undefined_is_left_out_and_lines_without_calls(actor: PartitionActor) -> None:
    tell(actor, event("call.answered", START, call="c", wait_ms=1, line="report"))
    at(actor, START + 100)
    figures = tile(actor).figures
    assert None not in figures.values()
    assert "agents_ready@now" not in figures
    assert "rating@5m" not in figures
    assert figures["ratings@5m"] == 0
    assert figures["line_report_answered@30m"] == 1
    assert "line_other_answered@30m" not in figures
