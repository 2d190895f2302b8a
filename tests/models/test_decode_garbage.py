"""Garbage of every kind among good events: nothing raises, no neighbour is touched, each bad record is one dead letter.

The oracle reads record by record (`tests.models.naive`), so this also holds the decoder of whole columns to the one
definition of an event in ``models/fields.py``.
"""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decode import LastClock, decode
from models.event import AGENT_STATES, CHANNELS, DIRECTIONS, EVENT_TYPES, LINES, UNKNOWN
from models.fields import DURATIONS, OPTIONAL_TEXTS
from models.interner import Names
from tests.models import naive

T0 = 918_000_000_000
PARTITIONS = 3
FIELDS = ("id", "source", "type", "ts", "queue", "leg", "first_queued_ts", "value", "ok", "state", "order", "args")
ALL_FIELDS = (*FIELDS, *OPTIONAL_TEXTS, *DURATIONS)

name = st.text(st.characters(categories=("L", "N"), include_characters="-:_. '\"/"), min_size=1, max_size=12)
queues = st.sampled_from(["north/report", "north/dispatch", "south/报修", "a/b/c", "x/y z"])
times = st.integers(T0 - 10_000, T0 + 130_000)


@st.composite
def good_events(draw: st.DrawFn) -> dict[str, Any]:
    """Any legal event, with any of its optional fields."""
    event: dict[str, Any] = {
        "id": draw(name),
        "source": draw(name),
        "type": draw(st.sampled_from(sorted(EVENT_TYPES))),
        "ts": draw(times),
        "queue": draw(queues),
        "call": draw(name),
        "agent": draw(name),
        "state": draw(st.sampled_from(sorted(AGENT_STATES))),
        **dict.fromkeys(("order", "command", "actor"), "x"),
    }
    for field in DURATIONS:
        if draw(st.booleans()):
            event[field] = draw(st.none() | st.integers(-5, 100_000))
    if draw(st.booleans()):
        event |= {"leg": draw(st.integers(1, 9)), "ok": draw(st.booleans()), "reason": draw(name)}
    if draw(st.booleans()):
        event |= {"customer": draw(st.text(min_size=1, max_size=9)), "from_queue": draw(queues | name)}
        event |= {"line": draw(st.sampled_from(LINES) | name), "channel": draw(st.sampled_from(CHANNELS) | name)}
        event["direction"] = draw(st.sampled_from(DIRECTIONS) | name)
    if draw(st.booleans()):
        event |= {"value": draw(st.floats(-9, 9) | st.integers(-9, 9)), "first_queued_ts": draw(times)}
    return event


edges = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.0,
        2**31,
        2**63,
        2**64 - 1,
        -(2**63),
        604_800_001,
        T0 * 9,
        "",
        "x" * 513,
        "a\x1fb",
        "\x00",
        "*",
    ]
) | st.sampled_from(
    [[], {}, [[]], "north/*", "/x", "x/", "ü/\x85", "é", "\x7f", "call.offered", "agent.state", "clock"]
)
json_values = st.recursive(
    edges | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def field_mutants(draw: st.DrawFn) -> bytes:
    """A good event with some fields replaced by anything, or gone. It may still be good."""
    event = draw(good_events())
    for field in draw(st.lists(st.sampled_from(ALL_FIELDS), min_size=1, max_size=3)):
        if draw(st.booleans()):
            event[field] = draw(json_values)
        else:
            event.pop(field, None)
    return orjson.dumps(event)


@st.composite
def byte_mutants(draw: st.DrawFn) -> bytes:
    """The bytes of a good event with some replaced, put in, or cut off."""
    value = bytearray(orjson.dumps(draw(good_events())))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b"\\", b'"', b","])
        )
    return bytes(value[: draw(st.integers(0, len(value)))] if draw(st.booleans()) else value)


garbage = (
    st.none()
    | st.binary(max_size=40)
    | st.text(max_size=20).map(str.encode)
    | json_values.map(orjson.dumps)
    | field_mutants()
    | byte_mutants()
)


@given(st.lists(good_events().map(orjson.dumps) | garbage, max_size=24), st.sampled_from([UNKNOWN, T0]))
@settings(max_examples=600, deadline=None)
def test_equals_reading_record_by_record(values: list[bytes | None], now_ms: int) -> None:
    naive.hold(values, partition=1, partitions=PARTITIONS, now_ms=now_ms)


@given(st.lists(st.tuples(good_events(), st.lists(garbage, max_size=2)), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_good_neighbours_are_decoded_exactly(mixed: list[tuple[dict[str, Any], list[bytes | None]]]) -> None:
    values: list[bytes | None] = []
    expected: dict[int, dict[str, Any]] = {}
    for event, bad in mixed:
        expected[len(values)] = event
        values += [orjson.dumps(event), *bad]
    names = Names()
    decoded = decode(
        values, range(len(values)), topic="events", partition=0, partitions=1, names=names, clock=LastClock()
    )
    # garbage may by chance be a clock: then a good event may rightly lie ahead of it
    ahead = {letter.offset for letter in decoded.dead if letter.reason == "ahead_of_clock"}
    rows = {row[0]: row[1:] for row in naive.rows(decoded)}
    for offset, event in expected.items():
        if offset not in ahead:
            assert rows[offset] == naive.row(event, list(names.names))
