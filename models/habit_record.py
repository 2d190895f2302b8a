"""What was learned of a queue as a record of the log: one ``habit.learned`` to the queue's own partition.

It carries what a rehearsal of recordings came to (`callwatch learn`) into a running installation. Like a plan it is in
force from where it lies. What it says of the queue takes the place of what was learned there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.encode import encode_event
from models.errors import InputError
from models.fields import VALUE_BYTES_MAX, is_unit, queue_fault
from models.refusal import Reason, Refused

TYPE: Final = "habit.learned"


def habit_record(queue: str, learned: Mapping[str, Any], *, id: str, source: str, ts_ms: int) -> bytes:
    """A ``habit.learned``: *learned* of *queue* holds from here on, says *source*.

    *id* must be its own for each telling. Raises InputError for what is larger than a record may be.
    """
    value = encode_event(
        {"id": id, "source": source, "type": TYPE, "ts": ts_ms, "queue": queue, "learned": dict(learned)}
    )
    if len(value) > VALUE_BYTES_MAX:
        raise InputError(f"What was learned of {queue} has {len(value):,} bytes; a record takes {VALUE_BYTES_MAX:,}.")
    return value


def read_habit(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a ``habit.learned`` says. Raises Refused (``bad_habit``): anybody may write to the log."""
    learned, queue = record.get("learned"), str(record.get("queue"))
    if is_unit(queue) or queue_fault(queue):
        raise Refused(Reason.BAD_HABIT, f"{queue} is no queue: of units nothing is learned")
    if type(learned) is not dict or not learned:
        raise Refused(Reason.BAD_HABIT, "learned is no object, or empty")
    return learned


def schema() -> dict[str, Any]:
    """The JSON Schema of the record, beside that of every event."""
    return {
        "title": "HabitLearned",
        "description": "What is normal for a queue from here on, as learned elsewhere: a record of the topic events.",
        "allOf": [{"$ref": "events.json"}],
        "properties": {
            "type": {"const": TYPE},
            "learned": {
                "description": "As `callwatch learn` writes it; its form is a matter of the program's version.",
                "type": "object",
                "minProperties": 1,
            },
        },
        "required": ["queue", "learned"],
    }
