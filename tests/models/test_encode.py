"""What we write is what we read."""

from __future__ import annotations

import base64

from models.decode import read
from models.encode import DEAD_VALUE_MAX, clock_record, command_record, dead_letter_record, encode_event
from models.event import DeadLetter
from models.refusal import Reason


def test_an_event_is_one_line_of_utf8() -> None:
    event = {"id": "1", "source": "s", "type": "call.offered", "ts": 5, "call": "c\n", "queue": "北/京"}
    assert b"\n" not in encode_event(event)
    assert "北/京".encode() in encode_event(event)


def test_a_clock_record_is_the_same_for_the_same_time() -> None:
    assert clock_record(5, "w") == clock_record(5, "w") == b'{"id":"clock-5","source":"w","type":"clock","ts":5}'


def test_a_command_has_all_its_fields() -> None:
    value = command_record(id="1", source="s", ts_ms=5, queue="a/b", order="o", command="take", actor="p")
    assert read(value) == {
        "id": "1",
        "source": "s",
        "type": "order.command",
        "ts": 5,
        "queue": "a/b",
        "order": "o",
        "command": "take",
        "actor": "p",
        "args": {},
    }


def letter(value: bytes) -> DeadLetter:
    return DeadLetter("events", 2, 7, Reason.NOT_JSON, "column 1", value)


def test_a_dead_letter_keeps_the_bytes() -> None:
    value = bytes(range(256))
    record = dead_letter_record(letter(value))
    assert base64.b64decode(record.value) == value
    assert (record.partition, record.offset, record.reason, record.detail) == (2, 7, "not_json", "column 1")


def test_a_large_dead_letter_is_cut_and_says_so() -> None:
    whole, cut = (dead_letter_record(letter(b"x" * size)) for size in (DEAD_VALUE_MAX, DEAD_VALUE_MAX + 1))
    assert base64.b64decode(whole.value) == base64.b64decode(cut.value) == b"x" * DEAD_VALUE_MAX
    assert whole.detail == "column 1"
    assert cut.detail == "column 1 (value cut: first 65536 of 65537 bytes)"
