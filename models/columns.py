"""A batch of parsed events as columns, field by field, or the verdict that something in it is at fault.

What counts as an event is defined by `models.fields.check`. Here the same is decided for all rows of a field at once,
which costs a quarter of asking each row; on any fault the caller asks `check` row by row to find whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import fields
from models.event import (
    AGENT_STATES,
    CALL_TYPES,
    EVENT_TYPES,
    FLOW_REASONS,
    NEGATIVE,
    QUEUELESS_TYPES,
    RECORDED_TYPES,
    UNKNOWN,
    EventType,
)
from models.fields import Event
from models.identity import keys
from models.refusal import Refused

_KIND: Final[dict[str, int]] = {name: int(kind) for name, kind in EVENT_TYPES.items()}
_KINDS: Final = max(_KIND.values()) + 1
#: Mark of the identity by type (`models.identity`).
_MARK: Final = [
    {10: "b", 11: "m", **dict.fromkeys(range(12, 18), "q"), 30: "a"}.get(kind, "r") for kind in range(_KINDS)
]
_RECORDED: Final = np.array([kind in RECORDED_TYPES for kind in range(_KINDS)])
_CALLS: Final = np.array([kind in CALL_TYPES for kind in range(_KINDS)])
_FLOW: Final[dict[str, int]] = {name: int(reason) for name, reason in FLOW_REASONS.items()}
_STATE: Final[dict[str, int]] = {name: int(state) for name, state in AGENT_STATES.items()}
_NONE: Final = type(None)


class Fault(Exception):  # noqa: N818 - a verdict, not an error: the caller then asks row by row
    """Some row of the batch is no event."""


@dataclass(slots=True)
class Rows:
    """Good events by field, before it is known where they belong. Units as in ``EventColumns``."""

    events: Sequence[Event]
    kind: NDArray[np.int16]
    ts: NDArray[np.int64]
    queues: list[str | None]  #: None for types that name no queue
    key: NDArray[np.uint64]
    durations: list[NDArray[np.int64]]  #: in the order of ``fields.DURATIONS``
    first_queued_ts: NDArray[np.int64]
    code: NDArray[np.int8]
    value: NDArray[np.float64]


def columns(events: Sequence[Event], *, strict: bool) -> Rows:
    """The columns of *events* (at least one). Raises Fault when one of them is no event.

    *strict*: look at the characters and lengths of texts too. A caller may leave it out when no value had a backslash,
    a DEL or a byte above 127, and none was longer than a text may be: then no text can be at fault but an empty one.
    """
    present = set().union(*events)
    try:
        kinds = [_KIND[event["type"]] for event in events]
        ts = np.array(_whole([event["ts"] for event in events], required=True), np.int64)
        texts = {name: _texts(events, name, present, strict) for name in (*fields.OPTIONAL_TEXTS, "queue")}
        ids, sources = ([event[name] for event in events] for name in ("id", "source"))
        legs = _legs(events, present)
    except (KeyError, TypeError, OverflowError):
        raise Fault from None
    for name, column in (("id", ids), ("source", sources)):
        _check_texts(column, name, strict, required=True)
    kind = np.array(kinds, np.int16)
    _between(ts, 1, fields.TS_END_MS - 1)
    queues = _queues(events, kind, texts["queue"])
    calls, agents = texts["call"], texts["agent"]
    if None in calls and (_CALLS[kind] & np.array([call is None for call in calls])).any():
        raise Fault
    marks = [_MARK[k] for k in kinds]
    return Rows(
        events=events,
        kind=kind,
        ts=ts,
        queues=queues,
        key=keys(_identities(marks, queues, calls, legs, agents, sources, ids)),
        durations=[_duration(events, name, present) for name in fields.DURATIONS],
        first_queued_ts=_first_queued(events, present),
        code=_codes(events, kind, texts["reason"], present),
        value=_values(events, present),
    )


def _whole(column: list[Any], *, required: bool = False) -> list[Any]:
    """*column* when it holds integers only (or None, where a field may be absent). Raises Fault."""
    kinds = set(map(type, column))
    if kinds != {int} and (required or not kinds <= {int, _NONE}):
        raise Fault
    return column


def _between(column: NDArray[Any], low: int, high: int) -> None:
    if column.min() < low or column.max() > high:
        raise Fault


def _texts(events: Sequence[Event], name: str, present: set[str], strict: bool) -> list[str | None]:
    """The optional text *name* of each event. Raises Fault."""
    if name not in present:
        return [None] * len(events)
    column = [event.get(name) for event in events]
    _check_texts(column, name, strict and name != "queue")
    return column


def _check_texts(column: list[str | None], name: str, strict: bool, *, required: bool = False) -> None:
    """Every text of *column* is one, is not empty and, if *strict*, has legal length and characters. Raises Fault."""
    kinds = set(map(type, column))
    if kinds != {str} and (required or not kinds <= {str, _NONE}):
        raise Fault
    if "" in column:
        raise Fault
    if strict:
        given = [text for text in column if text is not None]
        if given and max(map(len, given)) > fields.TEXT_MAX:
            raise Fault
        if name in fields.IDENTIFYING and fields.CONTROL_CHARACTER.search("".join(given)):
            raise Fault


def _queues(events: Sequence[Event], kind: NDArray[np.int16], column: list[str | None]) -> list[str | None]:
    """The queue of each row, None for types that name none; rows that Python reads later are checked whole."""
    recorded = _RECORDED[kind]
    ordinary: set[str | None]
    if recorded.any():
        column = list(column)
        for row in np.flatnonzero(recorded).tolist():
            try:
                if fields.check(events[row]) in QUEUELESS_TYPES:
                    column[row] = None
            except Refused:
                raise Fault from None
        ordinary = {column[row] for row in np.flatnonzero(~recorded).tolist()}
    else:
        ordinary = set(column)
    for queue in ordinary:
        if queue is None or fields.queue_fault(queue) or fields.is_unit(queue):
            raise Fault
    return column


def _legs(events: Sequence[Event], present: set[str]) -> list[int]:
    """The leg of each row, 1 where it is not given. Raises Fault."""
    if "leg" not in present:
        return [1] * len(events)
    legs = [1 if leg is None else leg for leg in _whole([event.get("leg") for event in events])]
    if min(legs) < 1 or max(legs) > fields.LEG_MAX:
        raise Fault
    return legs


def _identities(
    marks: list[str],
    queues: list[str | None],
    calls: list[str | None],
    legs: list[int],
    agents: list[str | None],
    sources: list[str],
    ids: list[str],
) -> list[str]:
    """The text of each row's identity (`models.identity`). Raises Fault when an agent's state names no agent."""
    out = []
    for mark, queue, call, leg, agent, source, ident in zip(
        marks, queues, calls, legs, agents, sources, ids, strict=True
    ):
        if mark == "r":
            out.append(f"r\x1f{source}\x1f{ident}")
        elif mark == "a":
            if agent is None:
                raise Fault
            out.append(f"a\x1f{queue}\x1f{agent}")
        else:
            out.append(f"{mark}\x1f{queue}\x1f{call}\x1f{leg}")
    return out


def _numbers(events: Sequence[Event], name: str, low: int, high: int) -> NDArray[np.float64]:
    """The optional integer *name* as floats (exact: both bounds are far below 2^53), NaN where absent."""
    out = np.array(_whole([event.get(name) for event in events]), np.float64)
    # NaN fails neither comparison
    if (out < low).any() or (out > high).any():
        raise Fault
    return out


def _duration(events: Sequence[Event], name: str, present: set[str]) -> NDArray[np.int64]:
    """A duration in ms: UNKNOWN where absent, NEGATIVE where its source gave a negative one."""
    if name not in present:
        return np.full(len(events), UNKNOWN, np.int64)
    given = _numbers(events, name, -fields.DURATION_MAX_MS, fields.DURATION_MAX_MS)
    given[given < 0] = NEGATIVE
    return np.nan_to_num(given, nan=UNKNOWN).astype(np.int64)


def _first_queued(events: Sequence[Event], present: set[str]) -> NDArray[np.int64]:
    if "first_queued_ts" not in present:
        return np.full(len(events), UNKNOWN, np.int64)
    given = _numbers(events, "first_queued_ts", 1, fields.TS_END_MS - 1)
    return np.nan_to_num(given, nan=UNKNOWN).astype(np.int64)


def _values(events: Sequence[Event], present: set[str]) -> NDArray[np.float64]:
    """``value`` of each row, NaN where absent."""
    if "value" not in present:
        return np.full(len(events), np.nan)
    column = [event.get("value") for event in events]
    if not set(map(type, column)) <= {int, float, _NONE}:
        raise Fault
    return np.array(column, np.float64)


def _codes(
    events: Sequence[Event], kind: NDArray[np.int16], reasons: list[str | None], present: set[str]
) -> NDArray[np.int8]:
    """AgentState of agent.state, FlowReason of call.flowed_out, ``ok`` (0/1) of the others; UNKNOWN without."""
    out = np.full(len(events), UNKNOWN, np.int8)
    if "ok" in present:
        column = [event.get("ok") for event in events]
        if not set(map(type, column)) <= {bool, _NONE}:
            raise Fault
        out[:] = [UNKNOWN if ok is None else ok for ok in column]
    for row in np.flatnonzero(kind == EventType.CALL_FLOWED_OUT).tolist():
        out[row] = _FLOW.get(reasons[row] or "", 0)
    rows = np.flatnonzero(kind == EventType.AGENT_STATE)
    if len(rows):
        try:
            out[rows] = [_STATE[events[row]["state"]] for row in rows.tolist()]
        except (KeyError, TypeError):
            raise Fault from None
    return out
