"""A recording as a timeline: its events and the clock records between them, in the order in which a log has them.

The clock of a replay is written from event time: one record at every whole step (a second) of stream time, to every
partition, quiet hours included, because limits and silences are judged at clocks and nowhere else. A night of ten
hours is 36,000 clocks a partition, some 0.2 s of a replay flat out.

Events up to and including the time of a clock come before it, later ones after it. So a clock says: all until now has
happened. A recording in log order has clocks of its own and keeps them; those that are not later than the last
(each partition had its own) are left out, since each goes to every partition here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from models.encode import clock_record
from models.errors import InputError
from models.event import QUEUELESS_TYPES, TYPE_NAMES, EventType
from sources.recording import Recording

SOURCE: Final = "replay"
DEFAULT_CLOCK_MS: Final = 1000
#: Nothing for longer than this is a wrong ts rather than a quiet time; its clocks would fill the topic.
MAX_GAP_MS: Final = 40 * 86_400_000
#: Lines looked at to see whether a recording that does not say so has clocks of its own.
_PEEKED_LINES: Final = 4096

_CLOCK: Final = TYPE_NAMES[EventType.CLOCK]
#: What partitions tell each other: the workers that read a capture tell their own.
_TOLD: Final = frozenset({TYPE_NAMES[EventType.UNIT_SUMS], TYPE_NAMES[EventType.STORM_CHANGED]})
_EVERYWHERE: Final = frozenset(TYPE_NAMES[t] for t in QUEUELESS_TYPES)


class Item(NamedTuple):
    """A record to send once stream time has come to *at_ms*. *queue* None: *everywhere* or, if broken, anywhere."""

    at_ms: int
    value: bytes
    queue: str | None
    everywhere: bool
    clock: bool


def timeline(
    recording: Recording, *, clock_every_ms: int = DEFAULT_CLOCK_MS, since_ms: int | None = None, tail_ms: int = 0
) -> Iterator[Item]:
    """The records of *recording* from *since_ms* on, with clocks, and *tail_ms* of clocks after its end.

    Raises InputError for a damaged file and for a jump of more than `MAX_GAP_MS`.
    """
    first = list(itertools.islice(recording, _PEEKED_LINES))
    lines = itertools.chain(first, recording)
    if recording.header.ordered == "log" or any(_read(line).get("type") == _CLOCK for line in first):
        return _with_own_clocks(lines, since_ms)
    return _with_clocks(recording, lines, clock_every_ms, since_ms, tail_ms)


def _with_clocks(
    recording: Recording, lines: Iterable[bytes], every_ms: int, since_ms: int | None, tail_ms: int
) -> Iterator[Item]:
    now: int | None = None  # the last clock written
    last = 0  # the latest event
    for line_no, line in enumerate(lines, 2):
        event = _read(line)
        ts = event.get("ts")
        if isinstance(ts, int):
            if since_ms is not None and ts < since_ms:
                continue
            if now is None:
                now = -(-ts // every_ms) * every_ms - every_ms  # the last whole step before the event
                yield _clock(now)
            if ts - now > MAX_GAP_MS:
                raise InputError(
                    f"{recording.name}: line {line_no}: time jumps from {_utc(now)} to {_utc(ts)}: "
                    "mend the ts of this line or replay the parts apart."
                )
            while now + every_ms < ts:
                now += every_ms
                yield _clock(now)
            last = max(last, ts)
        yield _item(max(last, now or 0), line, event)
    if now is not None:
        while now < last + tail_ms:
            now += every_ms
            yield _clock(now)


def _with_own_clocks(lines: Iterable[bytes], since_ms: int | None) -> Iterator[Item]:
    now = -1
    begun = since_ms is None
    for line in lines:
        event = _read(line)
        if event.get("type") == _CLOCK:
            ts = event.get("ts")
            if not isinstance(ts, int) or ts <= now:
                continue
            now = ts
            begun = begun or (since_ms is not None and ts >= since_ms)
            if begun:
                yield _clock(now)  # not the line: who replays keeps this time, not the worker that wrote it
        elif event.get("type") in _TOLD:
            continue
        elif begun:
            ts = event.get("ts")
            # before the first clock the event's own time is all there is
            yield _item(now if now >= 0 or not isinstance(ts, int) else ts, line, event)


def _item(at_ms: int, line: bytes, event: dict[str, Any]) -> Item:
    queue = event.get("queue")
    return Item(at_ms, line, queue if isinstance(queue, str) else None, event.get("type") in _EVERYWHERE, False)


def _clock(ts_ms: int) -> Item:
    return Item(ts_ms, clock_record(ts_ms, SOURCE), None, True, True)


def _read(line: bytes) -> dict[str, Any]:
    """What a line says; nothing if it is garbage, which is sent all the same: the dead letters will tell of it."""
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _utc(ts_ms: int) -> str:
    try:
        return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{ts_ms} ms"
