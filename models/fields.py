"""The fields of an event, and the one definition of which object is an event (`check`).

``models.columns`` decides the same for a whole batch at a time, ``models.scan`` from the bytes of plain records; tests
hold them together.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import orjson

from models.event import AGENT_STATES, CALL_TYPES, EVENT_TYPES, QUEUELESS_TYPES, RECORDED_TYPES, EventType
from models.event import CONTROL_TYPES as CONTROLS
from models.partition import partition_of
from models.refusal import Reason, Refused

#: An event has about 150 bytes; commands, rules and unit sums are larger. Beyond this it is something else.
VALUE_BYTES_MAX: Final = 262_144
#: Characters of any text but ``queue``: room for a prefix and several UUIDs.
TEXT_MAX: Final = 512
QUEUE_MAX: Final = 200
#: 2100-01-01: later times are seconds, micro- or nanoseconds taken for milliseconds.
TS_END_MS: Final = 4_102_444_800_000
DURATION_MAX_MS: Final = 7 * 86_400_000
LEG_MAX: Final = 2**31 - 1
#: Queues whose verdict and partition are remembered: those of six full partitions, 85 MB at the very worst. Beyond it
#: the one longest not asked for is looked at again.
_QUEUES_REMEMBERED: Final = 65_536

#: Texts that identify something: no control characters, since identity separates its parts by one.
IDENTIFYING: Final = ("id", "source", "call", "agent")
OPTIONAL_TEXTS: Final = ("call", "agent", "from_queue", "channel", "line", "direction", "customer", "trunk", "reason")
DURATIONS: Final = ("wait_ms", "talk_ms", "hold_ms", "wrap_ms")

CONTROL_CHARACTER: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

Event = dict[str, Any]


@lru_cache(maxsize=_QUEUES_REMEMBERED)
def partition_of_queue(queue: str, partitions: int) -> int:
    """`partition_of`, remembered: a murmur2 in Python costs as much as decoding the event does."""
    return partition_of(queue, partitions)


@lru_cache(maxsize=_QUEUES_REMEMBERED)
def queue_fault(queue: str) -> str:
    """What is wrong with *queue* as the name ``site/skill`` of a queue, or an empty string."""
    site, slash, skill = queue.partition("/")
    if not (slash and site and skill):
        return "queue is not site/skill"
    if len(queue) > QUEUE_MAX:
        return f"queue has more than {QUEUE_MAX} characters"
    return "queue has a control character" if CONTROL_CHARACTER.search(queue) else ""


def is_unit(queue: str) -> bool:
    """Whether *queue* names a unit (``site/*``, ``region/*``, ``*``), which has sums but no calls of its own."""
    return queue == "*" or queue.endswith("/*")


def check(event: Event) -> EventType:
    """The type of *event*. Raises Refused, with the first field at fault, when it is not an event."""
    name = event.get("type")
    if name is None:
        raise Refused(Reason.MISSING_FIELD, "type")
    kind = EVENT_TYPES.get(name) if type(name) is str else None
    if kind is None:
        raise Refused(Reason.UNKNOWN_TYPE, f"type {_short(name)}")
    for field in ("id", "source"):
        _text(event, field, required=True)
    _whole(event, "ts", 1, TS_END_MS - 1, required=True)
    for field in OPTIONAL_TEXTS:
        _text(event, field, required=(field == "call" and kind in CALL_TYPES))
    _queue(event, kind)
    for field in DURATIONS:
        _whole(event, field, -DURATION_MAX_MS, DURATION_MAX_MS)
    _whole(event, "first_queued_ts", 1, TS_END_MS - 1)
    _whole(event, "leg", 1, LEG_MAX)
    _scalars(event)
    if kind is EventType.AGENT_STATE:
        _agent_state(event)
    if kind in RECORDED_TYPES:
        _recorded(event, kind)
    return kind


def _short(value: object) -> str:
    """*value* for a detail, cut so that a dead letter stays small whatever the field holds."""
    text = repr(value) if isinstance(value, (str, int, float, type(None))) else type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."


def _text(event: Event, field: str, *, required: bool = False) -> None:
    """*field* is a non-empty bounded text, or absent when it may be (null is absent)."""
    value = event.get(field)
    if value is None:
        if required:
            raise Refused(Reason.MISSING_FIELD, field)
        return
    if type(value) is not str:
        raise Refused(Reason.WRONG_TYPE, f"{field} is no text: {_short(value)}")
    if not value:
        raise Refused(Reason.BAD_TEXT, f"{field} is empty")
    if len(value) > TEXT_MAX:
        raise Refused(Reason.BAD_TEXT, f"{field} has more than {TEXT_MAX} characters")
    if field in IDENTIFYING and CONTROL_CHARACTER.search(value):
        raise Refused(Reason.BAD_TEXT, f"{field} has a control character: {_short(value)}")


def _whole(event: Event, field: str, low: int, high: int, *, required: bool = False) -> None:
    """*field* is an integer (no bool, no float) from *low* to *high*, or absent when it may be."""
    value = event.get(field)
    if value is None:
        if required:
            raise Refused(Reason.MISSING_FIELD, field)
        return
    if type(value) is not int:
        raise Refused(Reason.WRONG_TYPE, f"{field} is no integer: {_short(value)}")
    if not low <= value <= high:
        raise Refused(Reason.OUT_OF_RANGE, f"{field} is {_short(value)}, not from {low} to {high}")


def _queue(event: Event, kind: EventType) -> None:
    """``queue`` is a queue's name where the type needs one, and text wherever it is given."""
    queue = event.get("queue")
    if queue is None:
        if kind not in QUEUELESS_TYPES:
            raise Refused(Reason.MISSING_FIELD, "queue")
        return
    if type(queue) is not str:
        raise Refused(Reason.WRONG_TYPE, f"queue is no text: {_short(queue)}")
    if kind in QUEUELESS_TYPES or (queue == "*" and kind in CONTROLS):
        return
    if fault := queue_fault(queue):
        raise Refused(Reason.BAD_QUEUE, f"{fault}: {_short(queue)}")
    if is_unit(queue) and kind not in CONTROLS:
        raise Refused(Reason.BAD_QUEUE, f"queue is a unit: {_short(queue)}")


def _scalars(event: Event) -> None:
    """``value`` is a number and ``ok`` a bool, or absent."""
    if type(event.get("value")) not in (int, float, type(None)):
        raise Refused(Reason.WRONG_TYPE, f"value is no number: {_short(event['value'])}")
    if type(event.get("ok")) not in (bool, type(None)):
        raise Refused(Reason.WRONG_TYPE, f"ok is not true or false: {_short(event['ok'])}")


def _agent_state(event: Event) -> None:
    """An ``agent.state`` names the agent and one of the states."""
    if event.get("agent") is None:
        raise Refused(Reason.MISSING_FIELD, "agent")
    state = event.get("state")
    if state is None:
        raise Refused(Reason.MISSING_FIELD, "state")
    if type(state) is not str:
        raise Refused(Reason.WRONG_TYPE, f"state is no text: {_short(state)}")
    if state not in AGENT_STATES:
        raise Refused(Reason.UNKNOWN_AGENT_STATE, f"state {_short(state)}")


def _recorded(event: Event, kind: EventType) -> None:
    """A record that Python reads later can be written again, and a command is whole."""
    if kind is EventType.ORDER_COMMAND:
        for field in ("order", "command", "actor"):
            _text(event, field, required=True)
        args = event.get("args")
        if args is not None and type(args) is not dict:
            raise Refused(Reason.WRONG_TYPE, f"args is no object: {_short(args)}")
    try:
        orjson.dumps(event)
    except orjson.JSONEncodeError as error:
        # orjson reads 1024 levels and writes 254: what a worker cannot write again would stop it there
        raise Refused(Reason.TOO_DEEP, f"{error}") from None
