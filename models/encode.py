"""The bytes of what Callwatch and its sources write on ``events`` and ``dead-letters``."""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson

from models.event import DeadLetter
from models.outputs import DeadLetterRecord

#: Bytes of a bad record that a dead letter keeps: with base64 it stays far below a broker's 1 MB for one record.
DEAD_VALUE_MAX: Final = 65_536


def encode_event(event: dict[str, Any]) -> bytes:
    """*event* as the value of a record: compact JSON, UTF-8, one line. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(event)


def clock_record(ts_ms: int, source: str) -> bytes:
    """A ``clock`` record: time is *ts_ms* from here on, says *source*."""
    return encode_event({"id": f"clock-{ts_ms}", "source": source, "type": "clock", "ts": ts_ms})


def command_record(
    *,
    id: str,
    source: str,
    ts_ms: int,
    queue: str,
    order: str,
    command: str,
    actor: str,
    args: dict[str, Any] | None = None,
) -> bytes:
    """An ``order.command``: *actor* (a person's id) wants *command* done to *order* of *queue*.

    *id* makes a repeated send harmless: the same (source, id) is the same command.
    """
    return encode_event(
        {
            "id": id,
            "source": source,
            "type": "order.command",
            "ts": ts_ms,
            "queue": queue,
            "order": order,
            "command": command,
            "actor": actor,
            "args": args or {},
        }
    )


def dead_letter_record(letter: DeadLetter) -> DeadLetterRecord:
    """*letter* as it is written: the value in base64, its first DEAD_VALUE_MAX bytes with a note when it is larger."""
    detail = letter.detail
    if len(letter.value) > DEAD_VALUE_MAX:
        detail = f"{detail} (value cut: first {DEAD_VALUE_MAX} of {len(letter.value)} bytes)"
    return DeadLetterRecord(
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        reason=letter.reason,
        detail=detail,
        value=base64.b64encode(letter.value[:DEAD_VALUE_MAX]).decode("ascii"),
    )
