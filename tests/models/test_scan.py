"""The scanner: what it takes it reads as `fields.check` and Python do, to the bit; what is plainly written it takes.

The fuzz writes JSON by hand, because a JSON library never writes most of what is asked here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from models.decode import read
from models.event import (
    AGENT_STATES,
    CHANNELS,
    DIRECTIONS,
    EVENT_TYPES,
    FLOW_REASONS,
    LINES,
    QUEUELESS_TYPES,
    UNKNOWN,
    EventType,
)
from models.fields import DURATIONS, OPTIONAL_TEXTS, TEXT_MAX, VALUE_BYTES_MAX
from models.scan import scan
from models.vocabulary import FIELDS, NO_WORD, Vocabulary, find
from tests.models import naive

T0: Final = 918_000_000_000
LEFT: Final = {
    EventType.ORDER_COMMAND,
    EventType.RULES_CHANGED,
    EventType.UNIT_SUMS,
    EventType.PLAN_CHANGED,
    EventType.HABIT_LEARNED,
    EventType.STORM_CHANGED,
}
#: How values may be written. Most of them are at fault in most fields.
NUMBERS: Final = (
    *("0", "-0", "00", "01", "-01", "1", "-1", "+1", "1.", ".5", "1.0", "-1.5", "0.1", "-0.5", "0.0", "-0.0", "1e3"),
    *("1E3", "1e-3", "-", "--1", "1.5.5", "0x1", "1_0", "NaN", "Infinity", "-Infinity", "1e400", "4.35", "2.675"),
    *("999999999999999", "1000000000000000", "-999999999999999", "9007199254740993", "18446744073709551615"),
    *("0.99999999999999", "0.999999999999999", "0.9999999999999999", "12345.6789012345", "1234567.890123456"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "123456789012345678901234567890"),
    *("2147483647", "2147483648", "604800000", "604800001", "-604800000", "-604800001", "604800000.5"),
    *("4102444799999", "4102444800000", "918000000001", "918000000001.0", "9180000000010000"),
)
TEXTS: Final = (
    *("", "a", "x y", "é", "北京", "\U0001f4de", "\u00a0", "\ufeff", "\uffff", "\x80", "\x85", "\x9f", "\x7f", "\x1f"),
    *("\t", "\n", "\\", '"', "/", "a" * TEXT_MAX, "a" * (TEXT_MAX + 1), "é" * 256, "é" * 257, "é" * TEXT_MAX),
    *("x" * 5000, "\u2028", "{", "},{", ":", "null", "call.offered", "Call.offered", "call.offere", "call.offeredd"),
)
QUEUES: Final = (
    *("north/report", "south/x", "north/报修", "a/b/c", "a/", "/a", "/", "a", "*", "a/*", "a/b*", "*/a", "a//*", "a//"),
    *("a/b/*", "/*", "//", "a/" + "x" * 198, "a/" + "x" * 199, "é/" + "é" * 198, "é/" + "é" * 99, "a/\x7f", "a/\x80"),
)
LITERALS: Final = (
    *("null", "true", "false", "nul", "tru", "fals", "Null", "nulll", "truefalse", "", "[]", "{}", "[1,2]", '{"a":1}'),
    *("'a'", '"', '"a', '"\\ud800"', '"\\u0041"', '"a\\/b"', "[[[]]]", '{"ts":1}', "nullx", "true1"),
)
SPACES: Final = (*("",) * 300, *(" ",) * 40, "  ", "\t", "\r", "\n", "\x00", "\xa0", "//")
#: Fields of which some words mean something.
WORDS: Final[dict[str, Sequence[str]]] = {
    "line": LINES,
    "channel": CHANNELS,
    "direction": DIRECTIONS,
    "reason": list(FLOW_REASONS),
}
#: Names of fields that are nearly ours, or none of the scanner's business.
STRANGE: Final = (
    *("", "x", "Id", "ids", "i", "wait_m", "wait_mss", "wbit_ms", "order", "args", "command", "é", "\x7f", "a b"),
)


def text(rng: Random, value: str) -> str:
    """*value* as a JSON string, now and then with escapes or with what should have been escaped."""
    how = rng.random()
    if how < 0.03:
        return f'"{value}"'
    return json.dumps(value, ensure_ascii=how < 0.06)


def good(rng: Random) -> dict[str, str]:
    """A good event, each of its values as JSON."""
    kind = rng.choice(list(EVENT_TYPES))
    event = {name: json.dumps(f"{name}{rng.randrange(9)}") for name in ("id", "source", "call", "agent")}
    event |= {"type": f'"{kind}"', "ts": str(T0 + rng.randrange(-9, 90_000))}
    event["queue"] = json.dumps(rng.choice(QUEUES[:4]), ensure_ascii=False)
    event["state"] = json.dumps(rng.choice(list(AGENT_STATES)))
    event |= dict.fromkeys(("order", "command", "actor"), '"x"')
    for name in rng.sample(DURATIONS, 2):
        event[name] = rng.choice(("0", "-5", "null", "17", "604800000"))
    for name in rng.sample(OPTIONAL_TEXTS[2:], 3):
        known = rng.choice(WORDS.get(name, QUEUES))
        event[name] = rng.choice(("null", '"x"', '"北"', *[json.dumps(known, ensure_ascii=False)] * 3))
    event |= rng.choice(({}, {"ok": "true"}, {"ok": "false", "leg": "3"}, {"leg": "null", "value": "4.25"}))
    return event | rng.choice(({}, {"first_queued_ts": str(T0 - 7)}, {"value": "-3"}, {"value": "0.1"}))


def written(rng: Random, members: list[tuple[str, str]], spaces: Sequence[str] = ("",)) -> bytes:
    """An object of *members* with some of *spaces* wherever there may be one."""

    def pad() -> str:
        return rng.choice(spaces)

    out = ",".join(f"{pad()}{key}{pad()}:{pad()}{value}{pad()}" for key, value in members)
    return f"{pad()}{{{out}}}{pad()}".encode("utf-8", "surrogatepass")


def record(rng: Random) -> bytes:
    """A good event with some members changed, missing, twice, new or in another order; it may still be good."""
    event = good(rng)
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        name = rng.choice(list(FIELDS))
        how = rng.randrange(5)
        if how == 0:
            event.pop(name, None)
        else:
            pools = (LITERALS, NUMBERS, TEXTS, QUEUES)
            value = rng.choice(pools[how - 1])
            event[name] = text(rng, value) if how > 2 else value
    members = [(f'"{name}"', value) for name, value in event.items()]
    if rng.random() < 0.3:
        rng.shuffle(members)
    if rng.random() < 0.1:
        again, value = rng.choice(members)  # of two the last one counts, also when it is null
        members.append((again, rng.choice((value, "null", "7", '"x"'))))
    if rng.random() < 0.2:
        members.insert(rng.randrange(len(members)), (text(rng, rng.choice(STRANGE)), rng.choice(NUMBERS + LITERALS)))
    out = bytearray(written(rng, members, SPACES if rng.random() < 0.2 else ("",)))
    if rng.random() < 0.2:
        at = rng.randrange(len(out))
        out[at : at + rng.randrange(3)] = rng.choice((b"", b'"', b",", b"\\", b"}", b"\xff", b"\xc2", b"0", b"\n"))
    return bytes(out)


def held(values: list[bytes | None], *, now_ms: int = UNKNOWN) -> int:
    """Hold the scanner and the whole decoder to reading one by one; how many were scanned."""
    chunk, taken = scan(values)
    assert taken.tolist() == sorted(set(taken.tolist()))
    names: list[str] = []
    columns: list[NDArray[Any]] = [chunk.kind, chunk.ts, chunk.queue, chunk.key, *chunk.durations]
    columns += [chunk.first_queued_ts, chunk.code, chunk.who, chunk.origin, chunk.line, chunk.channel, chunk.direction]
    lists = [column.tolist() for column in columns]
    for at, value, *row in zip(taken.tolist(), chunk.value.tolist(), *lists, strict=True):
        event = read(values[at])  # raises when it is none
        *expected, number = naive.row(event, names)
        assert row == expected, values[at]
        # to the bit: 0.0 is not -0.0 here
        assert struct.pack("d", value) == struct.pack("d", float("nan") if number is None else number), values[at]
    assert chunk.queues == names
    naive.hold(values, partition=1, partitions=3, now_ms=now_ms)
    return len(taken)


@pytest.mark.parametrize("seed", range(6))
def test_fuzz_agrees_with_reading_one_by_one(seed: int) -> None:
    rng = Random(seed)
    values: list[bytes | None] = [record(rng) for _ in range(5000)]
    scanned = held(values, now_ms=T0)
    assert 1000 < scanned < 4000  # neither the one nor the other way is asked in vain


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_byte_changed_left_out_or_doubled(name: str) -> None:
    event: dict[str, Any] = {"id": "e1", "source": "s", "type": name, "ts": T0, "queue": "a/b", "call": "c", "leg": 2}
    event |= {"state": "wrap", "agent": "x", "ok": False, "value": 0.25, "wait_ms": -10, "reason": "key", "line": None}
    whole = orjson.dumps(event | {"order": "o", "command": "c", "actor": "p", "first_queued_ts": 10, "é": "北"})
    values: list[bytes | None] = [whole]
    for at in range(len(whole)):
        before, after = whole[:at], whole[at + 1 :]
        values += [before, before + after, before + whole[at : at + 1] + whole[at:]]
        values += [
            before + bytes([byte]) + after for byte in b'\x00\n\x1f !"*+,-./019:E[\\]_aenz{}\x7f\x80\xbf\xc2\xe0\xff'
        ]
    assert (held(values) > 0) is (EVENT_TYPES[name] not in LEFT)


@pytest.mark.parametrize("name", FIELDS)
def test_every_value_in_every_field(name: str) -> None:
    """Each alone in a good event of two types, as text, as number, as anything."""
    values: list[bytes | None] = []
    for kind in ("call.flowed_out", "agent.state", "clock", "probe.result", "callback.failed"):
        event = good(Random(1)) | {"type": f'"{kind}"'}
        words = (*EVENT_TYPES, *AGENT_STATES, *FLOW_REASONS, *LINES, *CHANNELS, *DIRECTIONS)
        texts = [f'"{word}"' for word in words]
        texts += [json.dumps(value, ensure_ascii=False) for value in TEXTS + QUEUES]
        for value in (*NUMBERS, *LITERALS, *texts):
            members = [(f'"{key}"', old) for key, old in (event | {name: value}).items()]
            values.append(written(Random(1), members))
    assert held(values) > 10


def test_every_form_of_bytes_beyond_ascii() -> None:
    """Every first byte with the bytes at the bounds of RFC 3629 behind it: short, long, surrogates, too high."""
    before, after = orjson.dumps({"source": "s", "type": "clock", "ts": 1, "id": "|"}).split(b"|")
    seconds = (0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0)
    tails = (b"", b"\x80", b"\xbf", b"A", b"\x80\x80", b"\xbf\xbf", b"\x80A", b"\xbf\xbf\xbf")
    values: list[bytes | None] = []
    for first in range(0x80, 0x100):
        values += [before + bytes([first, second]) + tail + after for second in seconds for tail in tails]
        values += [before + bytes([first]) + after, before + bytes([first])]
    assert held(values) > 300


def test_plainly_written_events_are_all_scanned() -> None:
    """Else a decoder that scanned nothing would pass all of the above."""
    values: list[bytes | None] = []
    for name, kind in EVENT_TYPES.items():
        if kind not in LEFT:
            event = {"id": "1", "source": "床", "type": name, "ts": T0, "queue": "北京/报修", "agent": "é", "call": "c"}
            event |= {"state": "ready", "leg": 2**31 - 1, "value": 1.5, "ok": True, "first_queued_ts": 1, "new": "x"}
            values += [orjson.dumps(event | dict.fromkeys(DURATIONS, 604_800_000) | {"reason": None, "y": [2][0]})]
            if kind in QUEUELESS_TYPES:
                values.append(b' { "type" : "%b" , "ts" : 1 , "id" : "1" , "source" : "s" } ' % name.encode())
    assert held(values) == len(values)


def test_a_record_at_the_bound_of_bytes_is_scanned_and_one_beyond_is_left() -> None:
    event = orjson.dumps({"id": "1", "source": "s", "type": "clock", "ts": 1})
    at_most = event + b" " * (VALUE_BYTES_MAX - len(event))
    assert scan([at_most, None, at_most + b" ", b"", event])[1].tolist() == [0, 4]
    assert held([at_most, None, at_most + b" ", b"", event]) == 2


def test_nothing_to_scan() -> None:
    batches: list[list[bytes | None]] = [[], [None], [b""], [b"{}", b"{"]]
    for values in batches:
        chunk, taken = scan(values)
        assert (len(taken), len(chunk.kind), chunk.queues) == (0, 0, [])


def test_every_queue_its_own_and_many_of_them_again() -> None:
    """As many queues as rows fill the table of queues as far as it ever gets."""
    names = [f"s/{n}" for n in range(4096)]
    events = [
        orjson.dumps({"id": "1", "source": "s", "type": "call.offered", "ts": 1, "call": "c", "queue": q})
        for q in names
    ]
    chunk, taken = scan(events)
    assert chunk.queues == names
    assert chunk.queue.tolist() == taken.tolist() == list(range(4096))
    chunk, _ = scan(events[:50] + events[:50][::-1])
    assert chunk.queue.tolist() == [*range(50), *range(49, -1, -1)]


def test_a_queue_is_not_one_whose_name_it_begins() -> None:
    """The longest first, so many in so small a table that most searches pass other names."""
    names = ["s/" + "x" * length for length in range(198, 0, -1)]
    event = {"id": "1", "source": "s", "type": "call.offered", "ts": 1, "call": "c"}
    chunk, _ = scan([orjson.dumps(event | {"queue": queue}) for queue in names + names[::-1]])
    assert chunk.queues == names
    assert chunk.queue.tolist() == [*range(198), *range(197, -1, -1)]


def test_every_word_is_found_and_nothing_near_it() -> None:
    lists: list[Mapping[str, int]] = [FIELDS, EVENT_TYPES, AGENT_STATES, FLOW_REASONS]
    lists += [{word: at for at, word in enumerate(words)} for words in (LINES, CHANNELS, DIRECTIONS)]
    everything = [word for words in lists for word in words]
    for vocabulary, words in zip(Vocabulary, lists, strict=True):
        near = [change for word in words for change in (word + "s", word[:-1], word[1:], word.upper(), f"{word}\0")]
        for word in [*everything, *near, "", "z"]:
            buffer = np.frombuffer(f"({word})".encode(), np.uint8)
            assert find(buffer, 1, len(buffer) - 1, int(vocabulary)) == words.get(word, NO_WORD)
