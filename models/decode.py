"""From the record values of one fetched batch to columns, dead letters and what belongs to another partition.

A batch is decoded in chunks. Records written plainly are scanned (`models.scan`) without an object being built; the
others of a chunk are read into dicts, and if something is at fault among these, once more one by one: so that one bad
record costs exactly itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from models import fields
from models.columns import Fault, Rows, columns, merged
from models.event import (
    AHEAD_LIMIT_MS,
    CONTROL_TYPES,
    RECORDED_TYPES,
    UNKNOWN,
    DeadLetter,
    EventColumns,
    EventType,
    Misrouted,
)
from models.fields import Event
from models.interner import Names, NamesFullError
from models.refusal import Reason, Refused
from models.scan import scan

#: Records a chunk: what is read of them fits the second-level cache, numpy's cost per call is spread thin.
_CHUNK: Final = 4096
#: Of those that are not scanned: their dicts have about 1 KB each.
_READ_AT_ONCE: Final = 1024
_CONTROL: Final = np.array([kind in CONTROL_TYPES for kind in range(max(EventType) + 1)])
_RECORDED: Final = np.array([kind in RECORDED_TYPES for kind in range(max(EventType) + 1)])
_DETAIL_MAX: Final = 200
#: In place of a queue's number when there is no room for it.
_NO_ROOM: Final = -2


#: Events, and the places of their records in the batch, rising.
_Part = tuple[Rows, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class LastClock:
    """The last clock record of a log so far: its time, and when the broker appended it; -1 where that is not known."""

    ts_ms: int = UNKNOWN
    appended_ms: int = UNKNOWN


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch, decoded: every record is in exactly one of the first three, each of them in log order."""

    columns: EventColumns
    dead: list[DeadLetter]
    misrouted: list[Misrouted]
    clock: LastClock  #: as it is after the batch


def decode(
    values: Sequence[bytes | None],
    offsets: Sequence[int],
    *,
    topic: str,
    partition: int,
    partitions: int,
    names: Names,
    clock: LastClock,
    appended: Sequence[tuple[int, int]] = (),
) -> Decoded:
    """Decode the record *values* at *offsets* of one partition of *topic*.

    *clock* is that before the batch; where there was none yet, nothing is ahead of it. Inside the batch it is the
    latest `clock` record so far. While no worker owns the partition nobody writes clocks, and what comes in then is
    not ahead: the time that has passed on the broker since the last clock is allowed for. *appended* says when the
    broker appended the records: (first row, epoch ms) from there on; empty where it is not known.

    Adds the queues it meets to *names* and changes nothing else. Raises nothing, whatever the bytes are; ValueError if
    *values* and *offsets* differ in length.
    """
    if len(values) != len(offsets):
        raise ValueError(f"{len(values)} values and {len(offsets)} offsets are no batch")
    batch = _Batch(values, offsets, topic, partition, partitions, names, clock.ts_ms, clock.appended_ms)
    if appended:
        rows, times_ms = np.array(appended, np.int64).T
        batch.appended = times_ms[np.searchsorted(rows, np.arange(len(values)), side="right") - 1]
    for start in range(0, len(values), _CHUNK):
        batch.add(start, min(start + _CHUNK, len(values)))
    return batch.decoded()


def read(value: bytes | None) -> Event:
    """The event in the value of one record. Raises Refused with the reason when it holds none."""
    if not value:
        raise Refused(Reason.EMPTY, "no value")
    if len(value) > fields.VALUE_BYTES_MAX:
        raise Refused(Reason.TOO_LARGE, f"{len(value)} bytes, at most {fields.VALUE_BYTES_MAX}")
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _unreadable(value, error) from None
    if type(event) is not dict:
        raise Refused(Reason.NOT_AN_OBJECT, type(event).__name__)
    newline = value.strip().find(b"\n")
    if newline >= 0:
        raise Refused(Reason.NEWLINE_INSIDE, f"newline at byte {newline}")
    fields.check(event)
    return event


def _unreadable(value: bytes, error: orjson.JSONDecodeError) -> Refused:
    try:
        value.decode()
    except UnicodeDecodeError as at:
        return Refused(Reason.NOT_UTF8, f"byte {at.start}: {at.reason}")
    return Refused(Reason.NOT_JSON, str(error)[:_DETAIL_MAX])


@dataclass(slots=True)
class _Batch:
    """One call of `decode` while it runs."""

    values: Sequence[bytes | None]
    offsets: Sequence[int]
    topic: str
    partition: int
    partitions: int
    names: Names
    now_ms: int
    clock_appended_ms: int
    appended: NDArray[np.int64] | None = None
    parts: list[EventColumns] = field(default_factory=list)
    rows: int = 0
    at: NDArray[np.int64] = field(init=False)
    records: dict[int, Event] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    misrouted: list[Misrouted] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = self.offsets
        if isinstance(given, range):  # numpy walks a range as slowly as a list, and can make one quickly
            self.at = np.arange(given.start, given.stop, given.step)
        else:
            self.at = np.array(given, np.int64)

    def add(self, start: int, stop: int) -> None:
        """Decode the records from *start* up to *stop*."""
        dead_before = len(self.dead)
        parts = self._parts(start, stop)
        if parts:
            self._place(*_in_order(parts))
        # a chunk finds its bad records in several passes; readers get them in log order
        self.dead[dead_before:] = sorted(self.dead[dead_before:], key=attrgetter("offset"))

    def _parts(self, start: int, stop: int) -> list[_Part]:
        """The events among the records from *start* up to *stop*, and where they lie."""
        parts = []
        unread = np.arange(start, stop)
        chunk, taken = scan(self.values[start:stop])
        if len(taken) == len(unread):
            return [(chunk, unread)]
        if len(taken):
            parts.append((chunk, unread[taken]))
            unread = np.delete(unread, taken)
        for at in range(0, len(unread), _READ_AT_ONCE):
            parts += self._read(unread[at : at + _READ_AT_ONCE])
        return parts

    def _read(self, places: NDArray[np.int64]) -> list[_Part]:
        """The events among the records at *places*, and where they lie; nothing if there are none."""
        chunk = _quick([self.values[place] for place in places.tolist()])
        if chunk is None:
            events, kept = self._one_by_one(places.tolist())
            if not events:
                return []
            chunk, places = columns(events, strict=True), np.array(kept, np.int64)
        return [(chunk, places)]

    def _one_by_one(self, places: Iterable[int]) -> tuple[list[Event], list[int]]:
        """The events among the records at *places*, and where they lie; the others become dead letters."""
        events, kept = [], []
        for place in places:
            try:
                events.append(read(self.values[place]))
                kept.append(place)
            except Refused as refused:
                self._bury(place, refused.reason, refused.detail)
        return events, kept

    def _bury(self, place: int, reason: Reason, detail: str) -> None:
        value = self.values[place] or b""
        self.dead.append(DeadLetter(self.topic, self.partition, self.offsets[place], reason, detail, value))

    def _place(self, chunk: Rows, places: NDArray[np.int64]) -> None:
        """Keep the rows of *chunk* that belong here, are not ahead of the clock and have room."""
        keep = self._at_home(chunk, places)
        keep &= self._not_ahead(chunk, places, keep)
        queue = self._numbered(chunk, places, keep)
        keep &= queue > _NO_ROOM
        chosen = np.flatnonzero(keep)
        for n in np.flatnonzero(_RECORDED[chunk.kind[chosen]]).tolist():
            # they are few, and no reader before this one keeps what it has read
            self.records[self.rows + n] = orjson.loads(self.values[places[chosen[n]]] or b"")
        self.rows += len(chosen)
        self.parts.append(_chosen(chunk, self.at[places], queue, chosen))

    def _at_home(self, chunk: Rows, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows belong to this partition; the others are noted as misrouted."""
        home = [fields.partition_of_queue(queue, self.partitions) for queue in chunk.queues]
        if all(partition == self.partition for partition in home):
            return np.ones(len(places), np.bool_)
        # the last one is that of -1: a row without a queue is at home everywhere
        away = np.array([*(partition != self.partition for partition in home), False])[chunk.queue]
        for row in np.flatnonzero(away).tolist():
            place, queue = int(places[row]), int(chunk.queue[row])
            self.misrouted.append(
                Misrouted(self.offsets[place], chunk.queues[queue], home[queue], self.values[place] or b"")
            )
        at_home: NDArray[np.bool_] = ~away
        return at_home

    def _not_ahead(self, chunk: Rows, places: NDArray[np.int64], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows are not too far ahead of the clock at their place; moves the clock on."""
        is_clock = chunk.kind == EventType.CLOCK
        clock = np.maximum.accumulate(np.maximum(np.where(is_clock, chunk.ts, UNKNOWN), self.now_ms))
        self.now_ms = int(clock[-1])
        allowed = clock + AHEAD_LIMIT_MS + self._since_clock(is_clock, places)
        ahead = (clock != UNKNOWN) & (chunk.ts > allowed) & ~_CONTROL[chunk.kind]
        for row in np.flatnonzero(ahead & keep).tolist():
            by_ms = int(chunk.ts[row] - clock[row])
            self._bury(int(places[row]), Reason.AHEAD_OF_CLOCK, f"ts lies {by_ms} ms ahead of the clock")
        not_ahead: NDArray[np.bool_] = ~ahead
        return not_ahead

    def _since_clock(self, is_clock: NDArray[np.bool_], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Time in ms that had passed on the broker since the last clock record when each row was appended."""
        if self.appended is None:
            return np.zeros(len(places), np.int64)
        appended = self.appended[places]
        last = np.maximum.accumulate(np.where(is_clock, np.arange(1, len(places) + 1), 0))
        base = np.where(last > 0, appended[last - 1], self.clock_appended_ms)
        self.clock_appended_ms = int(base[-1])
        return np.where((base >= 0) & (appended >= 0), np.maximum(appended - base, 0), 0)

    def _numbered(self, chunk: Rows, places: NDArray[np.int64], keep: NDArray[np.bool_]) -> NDArray[np.int32]:
        """The number of each row's queue, -1 for none or a unit, _NO_ROOM where a new one finds no room.

        Adds what is kept. A unit, which only records of our own may name, is no queue with windows.
        """
        named = np.flatnonzero(keep & (chunk.queue != UNKNOWN))
        first = np.full(len(chunk.queues), len(places))
        np.minimum.at(first, chunk.queue[named], named)
        number = np.full(len(chunk.queues) + 1, UNKNOWN, np.int32)
        # in log order, so that the same log gives the same numbers
        for queue in np.argsort(first, kind="stable").tolist():
            if first[queue] < len(places) and not fields.is_unit(chunk.queues[queue]):
                number[queue] = self._number(chunk.queues[queue])
        out: NDArray[np.int32] = number[chunk.queue]
        for row in np.flatnonzero(keep & (out == _NO_ROOM)).tolist():
            detail = f"queue {chunk.queues[chunk.queue[row]]} would be one more than {self.names.limit}"
            self._bury(int(places[row]), Reason.TOO_MANY_QUEUES, detail)
        return out

    def _number(self, queue: str) -> int:
        try:
            return self.names.index(queue)
        except NamesFullError:
            return _NO_ROOM

    def decoded(self) -> Decoded:
        """What came of the batch."""
        clock = LastClock(self.now_ms, self.clock_appended_ms)
        return Decoded(_joined(self.parts, self.records), self.dead, self.misrouted, clock)


def _in_order(parts: list[_Part]) -> _Part:
    """The rows of all *parts* (at least one) by place."""
    if len(parts) == 1:
        return parts[0]
    places = np.concatenate([places for _, places in parts])
    order = np.argsort(places)
    return merged([chunk for chunk, _ in parts], order), places[order]


def _quick(values: Sequence[bytes | None]) -> Rows | None:
    """The columns of a chunk in which every record is an event, or None when one may not be."""
    try:
        joined = b"".join(values)  # type: ignore[arg-type]  # a None among them raises TypeError, caught here
        longest = max(map(len, values))  # type: ignore[arg-type]
        if longest > fields.VALUE_BYTES_MAX or b"\n" in joined:
            return None
        events = list(map(orjson.loads, values))  # type: ignore[arg-type]
        if set(map(type, events)) != {dict}:
            return None
        plain = longest <= fields.TEXT_MAX and joined.isascii() and b"\\" not in joined and b"\x7f" not in joined
        return columns(events, strict=not plain)
    except (TypeError, orjson.JSONDecodeError, Fault):
        return None


_TYPES: Final[dict[str, type[np.generic]]] = {
    "offset": np.int64,
    "kind": np.int16,
    "ts": np.int64,
    "queue": np.int32,
    "key": np.uint64,
    **dict.fromkeys(fields.DURATIONS, np.int64),
    "first_queued_ts": np.int64,
    "code": np.int8,
    "value": np.float64,
    **dict.fromkeys(("who", "origin"), np.uint64),
    **dict.fromkeys(("line", "channel", "direction"), np.int8),
}


def _chosen(
    chunk: Rows, offset: NDArray[np.int64], queue: NDArray[np.int32], chosen: NDArray[np.int64]
) -> EventColumns:
    """The *chosen* rows of *chunk* as columns."""
    whole: list[NDArray[Any]] = [offset, chunk.kind, chunk.ts, queue, chunk.key, *chunk.durations]
    whole += [chunk.first_queued_ts, chunk.code, chunk.value, chunk.who, chunk.origin]
    whole += [chunk.line, chunk.channel, chunk.direction]
    if len(chosen) < len(offset):
        whole = [column[chosen] for column in whole]
    return _event_columns(dict(zip(_TYPES, whole, strict=True)), {})


def _joined(parts: list[EventColumns], records: dict[int, Event]) -> EventColumns:
    """The columns of all chunks, one after the other."""
    if not parts:
        return _event_columns({name: np.empty(0, kind) for name, kind in _TYPES.items()}, records)
    return _event_columns({name: np.concatenate([getattr(p, name) for p in parts]) for name in _TYPES}, records)


def _event_columns(arrays: dict[str, Any], records: dict[int, Event]) -> EventColumns:
    return EventColumns(**arrays, records=records)
