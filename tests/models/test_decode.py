"""The decoder: columns, dead letters with their reasons, misrouting, the clock inside a batch, bounds."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from models.decode import Decoded, LastClock, decode
from models.encode import clock_record, command_record, encode_event
from models.event import (
    CALL_TYPES,
    CHANNELS,
    EVENT_TYPES,
    LINES,
    NEGATIVE,
    QUEUELESS_TYPES,
    UNKNOWN,
    AgentState,
    DeadLetter,
    EventType,
    FlowReason,
    Misrouted,
)
from models.fields import VALUE_BYTES_MAX
from models.identity import key
from models.interner import Names
from models.partition import partition_of
from models.refusal import WAY_OUT, Reason
from tests.models import naive

T0 = 918_000_000_000


def offered(n: int, **fields: Any) -> bytes:
    """A good event; *fields* replace its own, ``...`` removes one."""
    event = {"id": f"e{n}", "source": "pbx", "type": "call.offered", "ts": T0 + n, "call": f"pbx:{n}"}
    event |= {"queue": "north/report", **fields}
    return encode_event({name: value for name, value in event.items() if value is not ...})


def run(values: list[bytes | None], *, names: Names | None = None, now_ms: int = UNKNOWN, **where: int) -> Decoded:
    """`decode` with offsets from 1000."""
    partition, partitions = where.get("partition", 0), where.get("partitions", 1)
    offsets = range(1000, 1000 + len(values))
    names = Names() if names is None else names
    return decode(
        values,
        offsets,
        topic="events",
        partition=partition,
        partitions=partitions,
        names=names,
        clock=LastClock(now_ms),
    )


def test_one_bad_record_in_ten_thousand_costs_exactly_that_record() -> None:
    values: list[bytes | None] = [offered(n, queue=f"north/q{n % 7}") for n in range(10_000)]
    for at in (0, 1023, 1024, 7321, 9_999):
        batch = [*values]
        batch[at] = b'{"id": "torn'
        decoded = run(batch)
        assert [(d.offset, d.reason) for d in decoded.dead] == [(1000 + at, Reason.NOT_JSON)]
        assert decoded.columns.offset.tolist() == [1000 + n for n in range(10_000) if n != at]
        assert decoded.columns.ts.tolist() == [T0 + n for n in range(10_000) if n != at]


def test_an_empty_batch_has_empty_columns_of_the_same_types() -> None:
    full, empty = run([offered(1)]).columns, run([]).columns
    assert len(empty) == 0
    for name in [field.name for field in dataclasses.fields(full) if field.name != "records"]:
        assert getattr(empty, name).dtype == getattr(full, name).dtype
    assert run([b"x"]).columns.records == {}


def test_values_and_offsets_of_different_length_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="1 values and 0 offsets"):
        decode([b""], [], topic="events", partition=0, partitions=1, names=Names(), clock=LastClock())


def test_the_columns_of_every_field() -> None:
    names = Names()
    call = {"wait_ms": 5, "talk_ms": -1, "hold_ms": 0, "wrap_ms": None, "first_queued_ts": T0 - 9, "value": 4, "leg": 3}
    values: list[bytes | None] = [offered(1, type="call.completed", **call, unknown={"is": ["ignored"]}), offered(2)]
    columns = run(values, names=names).columns
    assert columns.kind.tolist() == [EventType.CALL_COMPLETED, EventType.CALL_OFFERED]
    assert columns.wait_ms.tolist() == [5, UNKNOWN]
    assert columns.talk_ms.tolist() == [NEGATIVE, UNKNOWN]
    assert columns.hold_ms.tolist() == [0, UNKNOWN]
    assert columns.wrap_ms.tolist() == [UNKNOWN, UNKNOWN]
    assert columns.first_queued_ts.tolist() == [T0 - 9, UNKNOWN]
    assert columns.value[0] == 4
    assert math.isnan(columns.value[1])
    assert columns.key.tolist() == [key("q", "north/report", "pbx:1", 3), key("q", "north/report", "pbx:2", 1)]
    assert names.names == ["north/report"]


def test_who_a_record_speaks_of() -> None:
    who = {"customer": "c1", "agent": "a1"}
    assert run([offered(1, **who)]).columns.who.tolist() == [key("c", "c1")]
    assert run([offered(1, type="callback.failed", **who)]).columns.who.tolist() == [key("c", "c1")]
    assert run([offered(1, type="agent.state", state="ready", **who)]).columns.who.tolist() == [key("g", "a1")]
    assert run([offered(1, type="agent.login_failed", **who)]).columns.who.tolist() == [key("g", "a1")]
    values: list[bytes | None] = [offered(1, agent="a1"), offered(2, type="agent.login_failed", customer="c1")]
    assert (
        run([*values, offered(3, type="probe.result", **who), offered(4, customer=None)]).columns.who.tolist()
        == [0] * 4
    )


@pytest.mark.parametrize(
    ("from_queue", "site"),
    [
        ("south/x", "south"),
        ("a/b/c", "a/b"),  # as `models.hours.site_of` cuts it
        ("/a/b", "/a"),
        ("//", ""),
        ("a//", ""),
        ("/a", ""),
        ("a/", ""),
        ("a", ""),
        ("/", ""),
        ("北京/报修", "北京"),
        ("a\nb/c", "a\nb"),
        ("é" * 300 + "/x", "é" * 300),
        (None, ""),
    ],
)
def test_the_site_that_a_call_came_from(from_queue: str | None, site: str) -> None:
    expected = [key("s", site) if site else 0]
    assert run([offered(1, from_queue=from_queue)]).columns.origin.tolist() == expected
    plain = offered(1, from_queue=from_queue).replace(b"call.offered", b"call.\\u006fffered")  # not scanned
    assert run([plain]).columns.origin.tolist() == expected


@pytest.mark.parametrize("how", [b"call.offered", b"call.\\u006fffered"])
def test_words_have_their_number_and_other_words_that_of_other(how: bytes) -> None:
    lines: list[str | None] = [None, "nothing", *LINES]
    channels: list[str | None] = [None, "nothing", *CHANNELS]
    values = [offered(n, line=word).replace(b"call.offered", how) for n, word in enumerate(lines)]
    assert run([*values]).columns.line.tolist() == [0, 0, *range(7)]
    values = [offered(n, channel=word).replace(b"call.offered", how) for n, word in enumerate(channels)]
    assert run([*values]).columns.channel.tolist() == [0, 6, *range(7)]
    values = [
        offered(n, direction=word).replace(b"call.offered", how) for n, word in enumerate((None, "x", "in", "out"))
    ]
    assert run([*values]).columns.direction.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_type_decodes_with_the_identity_of_its_kind(name: str) -> None:
    event: dict[str, Any] = {"id": "1", "source": "s", "type": name, "ts": T0, "call": "c", "queue": "a/b"}
    event |= {"agent": "x", "state": "ready", "order": "o", "command": "take", "actor": "p", "customer": "y"}
    decoded = run([encode_event(event)])
    assert naive.rows(decoded) == [(1000, *naive.row(event, []))]
    assert decoded.columns.queue.tolist() == [-1 if EVENT_TYPES[name] in QUEUELESS_TYPES else 0]


@pytest.mark.parametrize("name", [name for name, kind in EVENT_TYPES.items() if kind in CALL_TYPES])
def test_a_call_type_without_call_is_dead(name: str) -> None:
    assert reasons([offered(1, type=name, call=...)]) == [(Reason.MISSING_FIELD, "call")]


@pytest.mark.parametrize("name", [name for name, kind in EVENT_TYPES.items() if kind not in QUEUELESS_TYPES])
def test_a_type_of_a_queue_without_queue_is_dead(name: str) -> None:
    (reason, detail), *more = reasons([offered(1, type=name, queue=..., agent="x", state="ready")])
    assert (reason, detail, more) == (Reason.MISSING_FIELD, "queue", [])


def test_codes() -> None:
    values: list[bytes | None] = [
        offered(1, type="agent.state", agent="x", state="not_ready", reason="lunch"),
        offered(2, type="call.flowed_out", reason="no_agents"),
        offered(3, type="call.flowed_out", reason="something else"),
        offered(4, type="call.flowed_out", ok=True),
        offered(5, type="probe.result", ok=True),
        offered(6, type="probe.result", ok=False),
        offered(7),
    ]
    flow = [FlowReason.NO_AGENTS, FlowReason.UNKNOWN, FlowReason.UNKNOWN]
    assert run(values).columns.code.tolist() == [AgentState.NOT_READY, *flow, 1, 0, UNKNOWN]


def test_records_travel_whole_beside_their_row() -> None:
    command = command_record(
        id="k1", source="page", ts_ms=T0, queue="a/b", order="o1", command="hold", actor="p1", args={"until": 5}
    )
    values: list[bytes | None] = [offered(1), b"[]", clock_record(T0, "w1"), offered(2), command]
    decoded = run(values)
    assert sorted(decoded.columns.records) == [1, 3]
    assert decoded.columns.records[1] == {"id": f"clock-{T0}", "source": "w1", "type": "clock", "ts": T0}
    assert decoded.columns.records[3]["args"] == {"until": 5}
    assert decoded.columns.queue.tolist() == [0, -1, 0, 1]


def reasons(values: list[bytes | None]) -> list[tuple[str, str]]:
    """Reason and detail of each dead letter, each value being tried between good neighbours, which must survive."""
    decoded = run([offered(-1), *values, offered(-2, queue="south/站点")])
    assert decoded.columns.ts.tolist() == [T0 - 1, T0 - 2]
    assert [letter.value for letter in decoded.dead] == [value or b"" for value in values]
    return [(letter.reason, letter.detail) for letter in decoded.dead]


DEEP = b'{"id":"1","source":"s","type":"rules.changed","ts":9,"x":' + b"[" * 600 + b"]" * 600 + b"}"
BAD: list[tuple[bytes | None, Reason, str]] = [
    (None, Reason.EMPTY, "no value"),
    (b"", Reason.EMPTY, "no value"),
    (b" " * 10_000_000, Reason.TOO_LARGE, "10000000 bytes"),
    (offered(1, note="x" * VALUE_BYTES_MAX), Reason.TOO_LARGE, "at most"),
    (b"\xff\xfe{}", Reason.NOT_UTF8, "byte 0"),
    (b'{"id":"\xed\xa0\x80"}', Reason.NOT_UTF8, "byte 7"),
    (b"\xef\xbb\xbf{}", Reason.NOT_JSON, "BOM"),
    (b'{"id":"\\ud800"}', Reason.NOT_JSON, "surrogate"),
    (b'{"ts":NaN}', Reason.NOT_JSON, "column"),
    (b"[" * 200_000, Reason.NOT_JSON, "depth"),
    (offered(1)[:-1], Reason.NOT_JSON, "column"),
    (offered(1) + b",", Reason.NOT_JSON, "column"),
    (offered(1) + b"\n" + offered(2), Reason.NOT_JSON, "column"),
    (offered(1).replace(b",", b",\n", 1), Reason.NEWLINE_INSIDE, "byte"),
    (b"[" + offered(1) + b"]", Reason.NOT_AN_OBJECT, "list"),
    (b'"call.offered"', Reason.NOT_AN_OBJECT, "str"),
    (b"{}", Reason.MISSING_FIELD, "type"),
    (offered(1, type="call.teleported"), Reason.UNKNOWN_TYPE, "call.teleported"),
    (offered(1, type="x" * 9000), Reason.UNKNOWN_TYPE, "xxx..."),
    (offered(1, type=["call.offered"]), Reason.UNKNOWN_TYPE, "list"),
    (offered(1, id=...), Reason.MISSING_FIELD, "id"),
    (offered(1, source=None), Reason.MISSING_FIELD, "source"),
    (offered(1, ts=...), Reason.MISSING_FIELD, "ts"),
    (offered(1, id=7), Reason.WRONG_TYPE, "id"),
    (offered(1, call=7), Reason.WRONG_TYPE, "call"),
    (offered(1, id=""), Reason.BAD_TEXT, "id"),
    (offered(1, customer=""), Reason.BAD_TEXT, "customer"),
    (offered(1, customer="x" * 513), Reason.BAD_TEXT, "customer"),
    (offered(1, call="a\x1fb"), Reason.BAD_TEXT, "call"),
    (offered(1, id="a\nb"), Reason.BAD_TEXT, "id"),
    (offered(1, agent="a\x7fb"), Reason.BAD_TEXT, "agent"),
    (offered(1, source="a\x85b"), Reason.BAD_TEXT, "source"),
    (offered(1, ts=1.0), Reason.WRONG_TYPE, "ts"),
    (offered(1, ts=True), Reason.WRONG_TYPE, "ts"),
    (offered(1, ts="1"), Reason.WRONG_TYPE, "ts"),
    (offered(1, ts=0), Reason.OUT_OF_RANGE, "ts"),
    (offered(1, ts=4_102_444_800_000), Reason.OUT_OF_RANGE, "ts"),
    (offered(1, ts=2**64 - 1), Reason.OUT_OF_RANGE, "ts"),
    (offered(1).replace(b'"ts":918', b'"ts":' + b"9" * 400), Reason.NOT_JSON, "infinity"),
    (offered(1).replace(b'"ts":918', b'"ts":' + b"9" * 30), Reason.WRONG_TYPE, "ts"),
    (offered(1, leg=0), Reason.OUT_OF_RANGE, "leg"),
    (offered(1, leg=2**64 - 1), Reason.OUT_OF_RANGE, "leg"),
    (offered(1, leg=True), Reason.WRONG_TYPE, "leg"),
    (offered(1, wait_ms=1.5), Reason.WRONG_TYPE, "wait_ms"),
    (offered(1, talk_ms="5"), Reason.WRONG_TYPE, "talk_ms"),
    (offered(1, hold_ms=7 * 86_400_000 + 1), Reason.OUT_OF_RANGE, "hold_ms"),
    (offered(1, wrap_ms=-(2**63)), Reason.OUT_OF_RANGE, "wrap_ms"),
    (offered(1, first_queued_ts=0), Reason.OUT_OF_RANGE, "first_queued_ts"),
    (offered(1, value="4"), Reason.WRONG_TYPE, "value"),
    (offered(1, value=True), Reason.WRONG_TYPE, "value"),
    (offered(1, ok=1), Reason.WRONG_TYPE, "ok"),
    (offered(1, queue=["north/report"]), Reason.WRONG_TYPE, "queue"),
    (offered(1, queue=""), Reason.BAD_QUEUE, "site/skill"),
    (offered(1, queue="north"), Reason.BAD_QUEUE, "site/skill"),
    (offered(1, queue="/report"), Reason.BAD_QUEUE, "site/skill"),
    (offered(1, queue="north/"), Reason.BAD_QUEUE, "site/skill"),
    (offered(1, queue="north/" + "x" * 195), Reason.BAD_QUEUE, "200"),
    (offered(1, queue="north/re\x00port"), Reason.BAD_QUEUE, "control"),
    (offered(1, queue="north/re\x9fport"), Reason.BAD_QUEUE, "control"),
    (offered(1, queue="north/*"), Reason.BAD_QUEUE, "unit"),
    (offered(1, queue="*"), Reason.BAD_QUEUE, "site/skill"),
    (offered(1, type="agent.state", state="ready"), Reason.MISSING_FIELD, "agent"),
    (offered(1, type="agent.state", agent="x"), Reason.MISSING_FIELD, "state"),
    (offered(1, type="agent.state", agent="x", state=1), Reason.WRONG_TYPE, "state"),
    (offered(1, type="agent.state", agent="x", state=[]), Reason.WRONG_TYPE, "state"),
    (offered(1, type="agent.state", agent="x", state="dozing"), Reason.UNKNOWN_AGENT_STATE, "dozing"),
    (offered(1, type="order.command", order="o", actor="p"), Reason.MISSING_FIELD, "command"),
    (offered(1, type="order.command", order="o", actor="p", command="take", args=[]), Reason.WRONG_TYPE, "args"),
    (DEEP, Reason.TOO_DEEP, "ecursion"),
]


@pytest.mark.parametrize(("value", "reason", "part"), BAD, ids=lambda x: None if isinstance(x, bytes) else str(x))
def test_a_bad_record_is_dead_with_a_reason_and_the_field(value: bytes | None, reason: Reason, part: str) -> None:
    ((got, detail),) = reasons([value])
    assert got == reason
    assert part in detail
    assert len(detail) <= 300


def test_all_bad_records_at_once_lie_in_log_order() -> None:
    assert [reason for reason, _ in reasons([value for value, _, _ in BAD])] == [reason for _, reason, _ in BAD]


def test_every_reason_can_be_met_and_has_a_way_out() -> None:
    met = {reason for _, reason, _ in BAD} | {Reason.AHEAD_OF_CLOCK, Reason.TOO_MANY_QUEUES}  # tested below
    met |= {Reason.BAD_SETTINGS, Reason.SITE_CHANGED}  # the actor's verdicts on a rules.changed, see tests/agents
    met |= {Reason.BAD_PLAN}  # the verdict on a plan.changed, see tests/models/plan
    met |= {Reason.BAD_HABIT}  # the verdict on a habit.learned, see tests/agents
    assert met == set(Reason) == set(WAY_OUT)


GOOD = [
    offered(1, queue="north/report/deep"),
    offered(1, queue="北京/报修"),
    offered(1).replace(b"north/report", b"north\\/report"),
    offered(1).replace(b"north/report", b"\\u5317/\\u4eac"),
    offered(1, customer="line\nbreak", note="x" * 5000),
    offered(1, call="x" * 512, reason="\x7f"),
    offered(1, leg=None, wait_ms=None, value=None, ok=None, agent=None, first_queued_ts=None),
    offered(1, wait_ms=-7 * 86_400_000, value=2**64 - 1),
    b"  " + offered(1) + b"\n",
    b'{"ts":1,' + offered(1)[1:],
    offered(1, type="unit.sums", queue="*"),
    offered(1, type="unit.sums", queue="north/*"),
    offered(1, type="source.heartbeat", queue="whatever"),
    offered(1, type="clock", queue=""),
]


@pytest.mark.parametrize("value", GOOD)
def test_unusual_but_good_records_are_good_alone_and_beside_a_bad_one(value: bytes) -> None:
    alone, beside = run([value]), run([value, b"{"])
    assert alone.dead == []
    assert len(beside.dead) == 1
    assert naive.rows(alone) == naive.rows(beside) == [(1000, *row[1:]) for row in naive.decode([value], 0, 1, -1)[0]]


def test_a_record_of_another_partition_is_misrouted_not_applied() -> None:
    queues = [f"site/q{n}" for n in range(40)]
    values: list[bytes | None] = [offered(n, queue=queue) for n, queue in enumerate(queues)]
    names = Names()
    decoded = run([*values, clock_record(T0, "w")], names=names, partition=2, partitions=5)
    home = [partition_of(queue, 5) for queue in queues]
    assert decoded.dead == []
    assert names.names == [queue for queue, at in zip(queues, home, strict=True) if at == 2]
    assert decoded.columns.offset.tolist() == [1000 + n for n, at in enumerate(home) if at == 2] + [1040]
    assert decoded.misrouted == [
        Misrouted(1000 + n, queues[n], at, offered(n, queue=queues[n])) for n, at in enumerate(home) if at != 2
    ]


def test_ahead_of_the_clock_across_clocks_inside_the_batch() -> None:
    # clock      T0          +30 s        +10 s (older: time does not go back)
    # events     +60 s ok, +60.001 dead,  +90 s ok, +90.001 dead            +90 s ok
    names = Names()
    values: list[bytes | None] = [
        offered(1, ts=T0 + 60_000),
        offered(2, ts=T0 + 60_001, queue="never/seen"),
        clock_record(T0 + 30_000, "w"),
        offered(3, ts=T0 + 90_000),
        offered(4, ts=T0 + 90_001),
        clock_record(T0 + 10_000, "w"),
        offered(5, ts=T0 + 90_000),
        clock_record(T0 + 10_000_000, "w"),
    ]
    decoded = run(values, names=names, now_ms=T0)
    assert [(d.offset, d.reason, d.detail) for d in decoded.dead] == [
        (1001, Reason.AHEAD_OF_CLOCK, "ts lies 60001 ms ahead of the clock"),
        (1004, Reason.AHEAD_OF_CLOCK, "ts lies 60001 ms ahead of the clock"),
    ]
    assert decoded.columns.offset.tolist() == [1000, 1002, 1003, 1005, 1006, 1007]
    assert names.names == ["north/report"]  # a refused record brings no queue into being


def test_without_a_clock_nothing_is_ahead_and_a_dead_clock_moves_nothing() -> None:
    future = offered(1, ts=T0 * 2)
    dead_clock = encode_event({"id": "c", "source": 5, "type": "clock", "ts": T0})
    assert len(run([future]).columns) == 1
    assert [d.offset for d in run([dead_clock, future]).dead] == [1000]
    assert [d.offset for d in run([future, clock_record(T0, "w"), future]).dead] == [1002]


def test_the_clock_runs_on_from_chunk_to_chunk() -> None:
    values: list[bytes | None] = [clock_record(T0, "w"), *(offered(n) for n in range(3000)), offered(1, ts=T0 + 60_001)]
    assert [d.offset for d in run(values).dead] == [4001]


def test_at_the_limit_of_queues_further_ones_are_dead_and_known_ones_go_on() -> None:
    names = Names(limit=2)
    values: list[bytes | None] = [offered(n, queue=f"s/{name}") for n, name in enumerate("abcadb")]
    decoded = run([*values, clock_record(T0, "w")], names=names)
    assert [(d.offset, d.reason) for d in decoded.dead] == [(1002, "too_many_queues"), (1004, "too_many_queues")]
    assert "s/c" in decoded.dead[0].detail
    assert decoded.columns.queue.tolist() == [0, 1, 0, 1, -1]


def test_dead_letters_say_where_they_lay() -> None:
    assert run([b"[]"], partition=3, partitions=4).dead == [
        DeadLetter("events", 3, 1000, Reason.NOT_AN_OBJECT, "list", b"[]")
    ]
