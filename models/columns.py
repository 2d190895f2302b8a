"""A batch of parsed events as columns, field by field, or the verdict that something in it is at fault.

What counts as an event is defined by `models.fields.check`. Here the same is decided for all rows of a field at once,
which costs less than a third of asking each row; on any fault the caller asks `check` row by row to find whose it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import fields
from models.event import (
    AGENT_STATES,
    CALL_TYPES,
    CHANNELS,
    DIRECTIONS,
    EVENT_TYPES,
    FLOW_REASONS,
    LINES,
    NEGATIVE,
    QUEUELESS_TYPES,
    RECORDED_TYPES,
    UNKNOWN,
    EventType,
)
from models.fields import Event
from models.identity import SEPARATOR, keys
from models.refusal import Refused
from models.vocabulary import numbered

_KIND: Final[dict[str, int]] = {name: int(kind) for name, kind in EVENT_TYPES.items()}
_KINDS: Final = max(_KIND.values()) + 1
#: Mark of the identity by type (`models.identity`).
MARKS: Final = [
    {10: "b", 11: "m", **dict.fromkeys(range(12, 18), "q"), 30: "a"}.get(kind, "r") for kind in range(_KINDS)
]
_RECORDED: Final = np.array([kind in RECORDED_TYPES for kind in range(_KINDS)])
_CALLS: Final = np.array([kind in CALL_TYPES for kind in range(_KINDS)])
_FLOW: Final[dict[str, int]] = {name: int(reason) for name, reason in FLOW_REASONS.items()}
_STATE: Final[dict[str, int]] = {name: int(state) for name, state in AGENT_STATES.items()}
#: By type, the field that says who a record speaks of and the mark of that identity.
WHO: Final[dict[int, tuple[str, str]]] = {
    **dict.fromkeys(CALL_TYPES, ("customer", "c")),
    **dict.fromkeys((EventType.AGENT_STATE, EventType.AGENT_LOGIN_FAILED), ("agent", "g")),
}
SITE_MARK: Final = "s"
#: Words of a field, and the number of a word that is none of them; an absent one is always 0.
_LINE: Final = numbered(LINES), 0
_CHANNEL: Final = numbered(CHANNELS), CHANNELS.index("other")
_DIRECTION: Final = numbered(DIRECTIONS), 0
_NONE: Final = type(None)
#: Texts that become columns, and those that only have to be texts.
_READ: Final = (
    *("call", "agent", "reason", "queue", "customer", "from_queue"),
    *("line", "channel", "direction"),
)
_UNREAD: Final = frozenset(fields.OPTIONAL_TEXTS) - set(_READ)


class Fault(Exception):  # noqa: N818 - a verdict, not an error: the caller then asks row by row
    """Some row of the batch is no event."""


@dataclass(slots=True)
class Rows:
    """Good events by field, before it is known where they belong. Units as in ``EventColumns``."""

    kind: NDArray[np.int16]
    ts: NDArray[np.int64]
    queue: NDArray[np.int32]  #: position in ``queues``; -1 for types that name none
    queues: list[str]  #: each once
    key: NDArray[np.uint64]
    durations: list[NDArray[np.int64]]  #: in the order of ``fields.DURATIONS``
    first_queued_ts: NDArray[np.int64]
    code: NDArray[np.int8]
    value: NDArray[np.float64]
    who: NDArray[np.uint64]
    origin: NDArray[np.uint64]
    line: NDArray[np.int8]
    channel: NDArray[np.int8]
    direction: NDArray[np.int8]


def columns(events: Sequence[Event], *, strict: bool) -> Rows:
    """The columns of *events* (at least one). Raises Fault when one of them is no event.

    *strict*: look at the characters and lengths of texts too. A caller may leave it out when no value had a backslash,
    a DEL or a byte above 127, and none was longer than a text may be: then no text can be at fault but an empty one.
    """
    present = set().union(*events)
    try:
        kinds = [_KIND[event["type"]] for event in events]
        ts = np.array(_whole([event["ts"] for event in events]), np.int64)
        texts = {name: _texts(events, name, present, strict) for name in _READ}
        for name in _UNREAD & present:
            _check_texts({event.get(name) for event in events}, name, strict)
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
    marks = [MARKS[k] for k in kinds]
    named = [queue for queue in dict.fromkeys(queues) if queue is not None]
    number: dict[str | None, int] = {None: UNKNOWN, **{queue: at for at, queue in enumerate(named)}}
    span = fields.DURATION_MAX_MS
    return Rows(
        kind=kind,
        ts=ts,
        queue=np.array([number[queue] for queue in queues], np.int32),
        queues=named,
        key=keys(_identities(marks, queues, calls, legs, agents, sources, ids)),
        durations=[_whole_numbers(events, name, present, -span, span) for name in fields.DURATIONS],
        first_queued_ts=_whole_numbers(events, "first_queued_ts", present, 1, fields.TS_END_MS - 1),
        code=_codes(events, kind, texts["reason"], present),
        value=_values(events, present),
        who=_some_keys(_who(kinds, texts["customer"], agents)),
        origin=_some_keys(map(_origin, texts["from_queue"])),
        line=_numbers(texts["line"], *_LINE),
        channel=_numbers(texts["channel"], *_CHANNEL),
        direction=_numbers(texts["direction"], *_DIRECTION),
    )


def merged(parts: Sequence[Rows], order: NDArray[np.int64]) -> Rows:
    """All rows of *parts* (at least one), row n being the one at position ``order[n]`` of them laid end to end."""
    queues: dict[str, int] = {}
    renumbered = []
    for part in parts:
        # the last one is that of -1
        number = np.array([*(queues.setdefault(queue, len(queues)) for queue in part.queues), UNKNOWN], np.int32)
        renumbered.append(number[part.queue])

    def of(columns: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(list(columns))[order]

    return Rows(
        kind=of(part.kind for part in parts),
        ts=of(part.ts for part in parts),
        queue=of(renumbered),
        queues=list(queues),
        key=of(part.key for part in parts),
        durations=[of(part.durations[at] for part in parts) for at in range(len(fields.DURATIONS))],
        first_queued_ts=of(part.first_queued_ts for part in parts),
        code=of(part.code for part in parts),
        value=of(part.value for part in parts),
        who=of(part.who for part in parts),
        origin=of(part.origin for part in parts),
        line=of(part.line for part in parts),
        channel=of(part.channel for part in parts),
        direction=of(part.direction for part in parts),
    )


def _whole(column: list[Any], *others: type) -> list[Any]:
    """*column* when it holds integers, or one of *others*, only. Raises Fault."""
    if not set(map(type, column)) <= {int, *others}:
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


def _check_texts(column: Collection[str | None], name: str, strict: bool, *, required: bool = False) -> None:
    """Every text of *column* is one, is not empty and, if *strict*, has legal length and characters. Raises Fault."""
    kinds = set(map(type, column))
    if kinds != {str} and (required or not kinds <= {str, _NONE}):
        raise Fault
    if "" in column and name != "queue":  # an empty queue is legal where none is needed: `_queues` knows
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
    legs = [1 if leg is None else leg for leg in _whole([event.get("leg") for event in events], _NONE)]
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


def _who(kinds: list[int], customers: list[str | None], agents: list[str | None]) -> Iterator[str | None]:
    """The text of the identity of the customer, or the agent, that each row speaks of."""
    for kind, customer, agent in zip(kinds, customers, agents, strict=True):
        field, mark = WHO.get(kind, ("", ""))
        who = customer if field == "customer" else agent if field == "agent" else None
        yield None if who is None else f"{mark}{SEPARATOR}{who}"


def _origin(from_queue: str | None) -> str | None:
    """The text of the identity of the site that *from_queue* belongs to."""
    site, _, skill = (from_queue or "").rpartition("/")
    return f"{SITE_MARK}{SEPARATOR}{site}" if site and skill else None


def _some_keys(texts: Iterable[str | None]) -> NDArray[np.uint64]:
    """The identity behind each of *texts*, 0 for none."""
    given = list(texts)
    out = np.zeros(len(given), np.uint64)
    rows = [row for row, text in enumerate(given) if text is not None]
    if rows:
        out[rows] = keys([text for text in given if text is not None])
    return out


def _numbers(column: list[str | None], numbers: Mapping[str, int], unknown: int) -> NDArray[np.int8]:
    """The number of each word, 0 where there is none, *unknown* for a word that has no number."""
    return np.array([0 if word is None else numbers.get(word, unknown) for word in column], np.int8)


def _given(events: Sequence[Event], name: str, present: set[str], *kinds: type) -> tuple[list[int], list[Any]]:
    """The rows that have *name*, and what they have: only one of *kinds*. null is absent. Raises Fault."""
    if name not in present:
        return [], []
    rows = [row for row, event in enumerate(events) if name in event]
    column = [events[row][name] for row in rows]
    found = set(map(type, column))
    if _NONE in found:
        rows = [row for row in rows if events[row][name] is not None]
        column = [events[row][name] for row in rows]
        found.discard(_NONE)
    if not found <= set(kinds):
        raise Fault
    return rows, column


def _whole_numbers(events: Sequence[Event], name: str, present: set[str], low: int, high: int) -> NDArray[np.int64]:
    """The optional integer *name*: UNKNOWN where absent, NEGATIVE where below 0 (only a duration's *low* lets it)."""
    out = np.full(len(events), UNKNOWN, np.int64)
    rows, column = _given(events, name, present, int)
    if rows:
        try:
            given = np.array(column, np.int64)
        except OverflowError:
            raise Fault from None
        _between(given, low, high)
        out[rows] = np.where(given < 0, NEGATIVE, given)
    return out


def _values(events: Sequence[Event], present: set[str]) -> NDArray[np.float64]:
    """``value`` of each row, NaN where absent."""
    out = np.full(len(events), np.nan)
    rows, column = _given(events, "value", present, int, float)
    if rows:
        out[rows] = column
    return out


def _codes(
    events: Sequence[Event], kind: NDArray[np.int16], reasons: list[str | None], present: set[str]
) -> NDArray[np.int8]:
    """AgentState of agent.state, FlowReason of call.flowed_out, ``ok`` (0/1) of the others; UNKNOWN without."""
    out = np.full(len(events), UNKNOWN, np.int8)
    rows, column = _given(events, "ok", present, bool)
    if rows:
        out[rows] = column
    for row in np.flatnonzero(kind == EventType.CALL_FLOWED_OUT).tolist():
        out[row] = _FLOW.get(reasons[row] or "", 0)
    rows = np.flatnonzero(kind == EventType.AGENT_STATE).tolist()
    if rows:
        try:
            out[rows] = [_STATE[events[row]["state"]] for row in rows]
        except (KeyError, TypeError):
            raise Fault from None
    return out
