"""JSON Schemas of every topic and payload, made from the models. ``python -m models.schemas`` writes ``schemas/``.

They are checked in, so that a producer in any language can be held to them; a test checks that they are current. Three
things of `models.fields.check` cannot be said in JSON Schema: an integer is written without a fraction (``1``, not
``1.0``), a record is one line, and it is bounded in bytes and depth.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from models import fields, habit_record, outputs, topics
from models.event import AGENT_STATES, CALL_TYPES, CONTROL_TYPES, EVENT_TYPES, FLOW_REASONS, QUEUELESS_TYPES, TYPE_NAMES
from models.notification import Notification
from models.plan import record as plan_record
from models.storm import StormChanged
from models.unit import UnitSums

Schema = dict[str, Any]

FOLDER: Final = Path(__file__).resolve().parent.parent / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

#: What each topic holds. ``snapshots`` is our own memory, no interface, and has none.
PAYLOADS: Final[dict[str, type[BaseModel]]] = {
    topics.METRICS: outputs.QueueFigures,
    topics.INTERVALS: outputs.IntervalRow,
    topics.ANOMALIES: outputs.Anomaly,
    topics.WORKORDERS: outputs.Order,
    topics.WORKORDER_LOG: outputs.LogEntry,
    topics.ALERTS: outputs.Alert,
    topics.DEAD_LETTERS: outputs.DeadLetterRecord,
    topics.NOTIFICATIONS: Notification,
}

_CONTROL: Final = "[\\u0000-\\u001f\\u007f-\\u009f]"
_TEXTS: Final = {
    "id": "Together with source unique: a repeat is the same event.",
    "source": "Who says so; part of the event's identity.",
    "call": "The contact, unique over all sources (a connector prefixes it). Needed by every type of a contact.",
    "agent": "Pseudonym of the agent (keyed hash). Needed by agent.state.",
    "from_queue": "Where an overflow or a transfer came from.",
    "channel": "voice (taken when absent), callback, chat, ...",
    "line": "report, dispatch, enquiry, complaint, callback, information.",
    "direction": "in (taken when absent) or out.",
    "customer": "Pseudonym of the customer (keyed hash).",
    "trunk": "Pseudonym of the trunk (keyed hash).",
    "reason": f"Why. Of call.flowed_out: {', '.join(FLOW_REASONS)}; any other counts as unknown.",
}
_DURATIONS: Final = {
    "wait_ms": "Wait in this queue; wins over a difference of times. A negative one is taken as 0 and counted.",
    "talk_ms": "Talk time.",
    "hold_ms": "Hold time.",
    "wrap_ms": "Wrap-up time.",
}
_NAMES_OF_CALLS: Final = sorted(TYPE_NAMES[kind] for kind in CALL_TYPES)
_NAMES_WITHOUT_QUEUE: Final = sorted(TYPE_NAMES[kind] for kind in QUEUELESS_TYPES)
_NAMES_OF_CONTROLS: Final = sorted(TYPE_NAMES[kind] for kind in CONTROL_TYPES)


def _text(name: str, description: str, *, optional: bool) -> Schema:
    schema: Schema = {"description": description, "type": ["string", "null"] if optional else "string"}
    schema |= {"minLength": 1, "maxLength": fields.TEXT_MAX}
    if name in fields.IDENTIFYING:
        schema["not"] = {"type": "string", "pattern": _CONTROL}
    return schema


def _whole(description: str, low: int, high: int, *, optional: bool = True) -> Schema:
    kind = ["integer", "null"] if optional else "integer"
    return {"description": description, "type": kind, "minimum": low, "maximum": high}


def _properties() -> Schema:
    """Every field of an event."""
    end = fields.TS_END_MS - 1
    properties: Schema = {
        name: _text(name, text, optional=name not in ("id", "source")) for name, text in _TEXTS.items()
    }
    span = fields.DURATION_MAX_MS
    properties |= {name: _whole(f"{text} Milliseconds.", -span, span) for name, text in _DURATIONS.items()}
    return properties | {
        "type": {"description": "What happened.", "enum": sorted(EVENT_TYPES)},
        "ts": _whole("Event time, epoch milliseconds UTC.", 1, end, optional=False),
        "queue": {
            "description": "site/skill; a unit (site/*, region/*, *) for our own types.",
            "type": ["string", "null"],
        },
        "leg": _whole("The contact's nth entry into this queue (1 when absent).", 1, fields.LEG_MAX),
        "first_queued_ts": _whole("When the caller began to wait at all, epoch milliseconds UTC.", 1, end),
        "value": {"description": "A score or rating.", "type": ["number", "null"]},
        "ok": {"description": "Whether a test call or callback succeeded.", "type": ["boolean", "null"]},
    }


def _when(names: list[str], then: Schema, otherwise: Schema | None = None) -> Schema:
    """*then* holds for the types *names*, *otherwise* for the rest."""
    rule: Schema = {"if": {"properties": {"type": {"enum": names}}}, "then": then}
    return rule if otherwise is None else rule | {"else": otherwise}


def _needs(**properties: Schema) -> Schema:
    return {"required": sorted(properties), "properties": properties}


def _rules() -> list[Schema]:
    """What the types ask for beyond `_properties`."""
    given: Schema = {"type": "string", "minLength": 1, "maxLength": fields.TEXT_MAX}
    name: Schema = {"type": "string", "pattern": "^[^/]+/[\\s\\S]", "maxLength": fields.QUEUE_MAX}
    clean: Schema = {"not": {"pattern": _CONTROL}}
    unit: Schema = {"anyOf": [{"const": "*"}, {**name, **clean}]}
    own: Schema = {**name, "allOf": [clean, {"not": {"pattern": "/\\*$"}}]}
    queue = _when(_NAMES_OF_CONTROLS, _needs(queue=unit), _needs(queue=own))
    command: Schema = dict.fromkeys(("order", "command", "actor"), given)
    return [
        _when(_NAMES_WITHOUT_QUEUE, {}, queue),
        _when(_NAMES_OF_CALLS, _needs(call=given)),
        _when(["agent.state"], _needs(agent=given, state={"enum": sorted(AGENT_STATES)})),
        _when(
            ["order.command"],
            {"required": sorted(command), "properties": {**command, "args": {"type": ["object", "null"]}}},
        ),
    ]


def events_schema() -> Schema:
    """The schema of a record of ``events``. Fields that it does not name are ignored."""
    return {
        "$schema": DIALECT,
        "title": "Event",
        "description": "One record of the topic events: a JSON object, UTF-8, no newline inside. null is absent.",
        "type": "object",
        "required": ["id", "source", "type", "ts"],
        "properties": dict(sorted(_properties().items())),
        "allOf": _rules(),
        "examples": EXAMPLES,
    }


def command_schema() -> Schema:
    """The schema of an ``order.command``, as a page or a terminal has to send it."""
    return {
        "$schema": DIALECT,
        "title": "OrderCommand",
        "description": "A command of a person on a work order: a record of the topic events.",
        "allOf": [{"$ref": "events.json"}],
        "properties": {
            "type": {"const": "order.command"},
            "order": {"description": "Id of the order.", "type": "string"},
            "command": {"description": "acknowledge, resolve, ...: a move of the loop.", "type": "string"},
            "actor": {"description": "Id of the person who gives it.", "type": "string"},
            "args": {"description": "What the command needs: cause, measure, until, ...", "type": ["object", "null"]},
        },
        "required": ["queue", "order", "command", "actor"],
        "examples": [EXAMPLES[7]],
    }


_T: Final = 918_049_380_000
_CALL: Final[Schema] = {"source": "pbx", "ts": _T, "call": "pbx:1", "queue": "north/report"}
EXAMPLES: Final[list[Schema]] = [
    {"id": "1", "type": "call.offered", **_CALL, "channel": "voice", "customer": "c-51b2"},
    {"id": "2", "type": "call.answered", **_CALL, "ts": _T + 12_000, "agent": "a-07fe", "wait_ms": 12_000},
    {"id": "3", "type": "call.completed", **_CALL, "ts": _T + 90_000, "talk_ms": 78_000, "wrap_ms": 20_000},
    {"id": "4", "type": "call.flowed_out", **_CALL, "reason": "timeout", "leg": 2, "first_queued_ts": _T - 60_000},
    {
        "id": "5",
        "type": "agent.state",
        "source": "pbx",
        "ts": _T,
        "queue": "north/report",
        "agent": "a",
        "state": "ready",
    },
    {"id": "6", "type": "source.heartbeat", "source": "pbx", "ts": _T},
    {"id": f"clock-{_T}", "type": "clock", "source": "worker-1", "ts": _T},
    {"id": "7", "type": "order.command", "source": "page", "ts": _T, "queue": "north/report", "order": "a1b2"}
    | {"command": "resolve", "actor": "p-li", "args": {"cause": "staffing", "measure": "two agents moved over"}},
    plan_record.EXAMPLE,
]


def schemas() -> dict[str, Schema]:
    """Every schema by file name without ``.json``: the topics by their names, and the records of ours that have one."""
    made = {topics.EVENTS: events_schema(), "order.command": command_schema()}
    made["plan.changed"] = {"$schema": DIALECT, **plan_record.schema()}
    made["habit.learned"] = {"$schema": DIALECT, **habit_record.schema()}
    made["unit.sums"] = {"$schema": DIALECT, **UnitSums.model_json_schema()}
    made["storm.changed"] = {"$schema": DIALECT, **StormChanged.model_json_schema()}
    for topic, payload in PAYLOADS.items():
        made[topic] = {"$schema": DIALECT, **payload.model_json_schema()}
    return made


def rendered() -> dict[str, str]:
    """The files of the folder ``schemas`` by name, as they are checked in."""
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas().items()
    }


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"schemas/{name}\n")


if __name__ == "__main__":
    main()
