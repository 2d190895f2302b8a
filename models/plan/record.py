"""A plan as records of the log: one ``plan.changed`` for each queue and local day, to the queue's own partition.

Like settings, a plan is in force from where it lies. A record carries the whole day of one queue, so that it does not
depend on records before it, stays small (100 intervals, 8 KB), and a day is never half of one version, half of another.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from models.encode import encode_event
from models.errors import InputError
from models.fields import TEXT_MAX
from models.plan.interval import INTERVALS_MAX, PlanDay, PlanInterval, fault_of
from models.refusal import Reason, Refused

TYPE: Final = "plan.changed"
_FIELDS: Final = ("start_ms", "minutes", "offered", "handle_ms", "required", "scheduled")


def plan_record(day: PlanDay, *, id: str, source: str, ts_ms: int) -> bytes:
    """A ``plan.changed``: *day* is what is planned from here on, says *source*.

    *id* must be its own for each telling. Raises InputError for a day that `read_plan` would refuse.
    """
    if fault := fault_of(day):
        raise InputError(f"{day.queue} {day.day}: {fault}")
    return encode_event(
        {"id": id, "source": source, "type": TYPE, "ts": ts_ms, "queue": day.queue, "plan": packed(day)}
    )


def packed(day: PlanDay) -> dict[str, Any]:
    """*day* as JSON-able data, without its queue: intervals as rows of numbers in the order of the fields."""
    rows = [[getattr(one, field) for field in _FIELDS] for one in day.intervals]
    return {"version": day.version, "name": day.name, "day": day.day, "zone": day.zone, "intervals": rows}


def read_plan(record: dict[str, Any]) -> PlanDay:
    """The day in a ``plan.changed``. Raises Refused (``bad_plan``) with what is wrong: anybody may write to the log."""
    return unpacked(str(record.get("queue")), record.get("plan"))


def unpacked(queue: str, body: Any) -> PlanDay:
    """The day that `packed` wrote. Raises Refused (``bad_plan``)."""
    if type(body) is not dict:
        raise _refused("plan is no object")
    texts = [body.get(name) for name in ("version", "name", "day", "zone")]
    rows = body.get("intervals")
    if not all(type(text) is str and len(text) <= TEXT_MAX for text in texts) or type(rows) is not list:
        raise _refused("version, name, day and zone are texts, intervals is a list")
    if unknown := sorted(set(body) - {"version", "name", "day", "zone", "intervals"}):
        raise _refused(f"{unknown[0]}: not known to this version")
    version, name, day, zone = map(str, texts)
    if len(rows) > INTERVALS_MAX:
        raise _refused(f"{len(rows)} intervals, where a day has {INTERVALS_MAX} at most")
    made = PlanDay(queue, day, zone, version, name, tuple(_interval(n, row) for n, row in enumerate(rows)))
    if fault := fault_of(made):
        raise _refused(fault)
    return made


def _interval(n: int, row: Any) -> PlanInterval:
    if type(row) is not list or len(row) != len(_FIELDS):
        raise _refused(f"intervals.{n}: not {len(_FIELDS)} numbers")
    start_ms, minutes, *figures = row
    if type(start_ms) is not int or type(minutes) is not int:
        raise _refused(f"intervals.{n}: start_ms and minutes are integers")
    if any(type(figure) not in (int, float, type(None)) for figure in figures):
        raise _refused(f"intervals.{n}: a figure is a number or null")
    return PlanInterval(start_ms, minutes, *(None if figure is None else float(figure) for figure in figures))


def _refused(detail: str) -> Refused:
    return Refused(Reason.BAD_PLAN, detail[:200])


def schema() -> dict[str, Any]:
    """The JSON Schema of the record, beside that of every event."""
    number: dict[str, Any] = {"type": ["number", "null"], "minimum": 0}
    start = {"description": "start_ms: epoch milliseconds UTC.", "type": "integer"}
    figures = [
        {"description": text, **number}
        for text in ("offered: calls.", "handle_ms: mean.", "required: agents.", "scheduled: agents.")
    ]
    row = {
        "type": "array",
        "minItems": len(_FIELDS),
        "maxItems": len(_FIELDS),
        "prefixItems": [start, {"description": "minutes.", "enum": [15, 30]}, *figures],
    }
    text = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX}
    plan = {
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "name", "day", "zone", "intervals"],
        "properties": {
            "version": {"description": "The plan that this day is part of.", **text},
            "name": {"description": "The plan in words of its planner.", **text},
            "day": {"description": "Local date.", "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "zone": {"description": "IANA time zone of the day.", **text},
            "intervals": {
                "description": "In order; none withdraws the plan of the day. null is not planned.",
                "type": "array",
                "maxItems": INTERVALS_MAX,
                "items": row,
            },
        },
    }
    return {
        "title": "PlanChanged",
        "description": "What is planned for a queue on a local day from here on: a record of the topic events.",
        "allOf": [{"$ref": "events.json"}],
        "properties": {"type": {"const": TYPE}, "plan": plan},
        "required": ["queue", "plan"],
        "examples": [EXAMPLE],
    }


EXAMPLE: Final[dict[str, Any]] = orjson.loads(
    encode_event(
        {
            "id": "plan-1",
            "source": "callwatch",
            "type": TYPE,
            "ts": 1_772_413_200_000,
            "queue": "north/report",
            "plan": {
                "version": "5f0c2a1b9d3e4f60",
                "name": "week 10",
                "day": "2026-03-02",
                "zone": "Asia/Shanghai",
                "intervals": [
                    [1_772_413_200_000, 30, 96.0, 236_000.0, 15.0, 16.0],
                    [1_772_415_000_000, 30, 120.0, 240_000.0, 18.0, 17.5],
                ],
            },
        }
    )
)
