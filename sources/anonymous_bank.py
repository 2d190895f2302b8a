"""Importer of the "Anonymous Bank" call records of 1999 (Technion: Ilan Guedj and Avi Mandelbaum).

Tab separated, one row a call, local wall-clock times in whole seconds, grouped by line and not by time. What each
kind of row becomes:

===========================  ======================================================================================
PHANTOM                      nothing: counted as skipped
q_start set, AGENT           call.offered at q_start, call.answered at q_exit, call.completed at ser_exit
q_start set, HANG            call.offered at q_start, call.abandoned at q_exit
q_start empty, AGENT         call.offered and call.answered at ser_start (wait 0), call.completed at ser_exit;
                             without ser_start all three at vru_exit, talk 0
q_start empty, HANG          ivr.abandoned at vru_exit: never offered to agents
===========================  ======================================================================================

``0:00:00`` is empty, so a call that was queued on the stroke of midnight reads as never queued: the data cannot tell.
Without ser_exit there is no call.completed; a completion is never before its answer.

``date`` is the day of vru_entry; a clock time more than 12 h before it belongs to the next day. The wait is the
difference of the clock times of the queue modulo a day, the talk likewise. On the night when the clock changes both
are therefore off by an hour if the change lies within; the data holds no such call. See `sources.local_time` for
hours that a clock repeats or skips.
"""

from __future__ import annotations

import functools
import lzma
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from models.errors import InputError
from sources.event_sorter import EventSorter
from sources.import_result import BadRowError, BadRows, ImportCounts
from sources.local_time import epoch_ms, zone_of
from sources.pseudonym import Pseudonyms
from sources.recording import RecordingHeader, RecordingWriter

SOURCE: Final = "anonymous-bank"
SITE: Final = "bank"
DEFAULT_ZONE: Final = "Asia/Jerusalem"  # not stated by the data: the bank is Israeli

#: The data is free for use if its source is named wherever a figure from it is shown: recordings carry this along.
ACKNOWLEDGEMENT: Final = "Anonymous Bank call records of 1999, Technion: Ilan Guedj and Avi Mandelbaum"

_COLUMNS: Final = 17
_DAY_S: Final = 86_400
_HALF_DAY_S: Final = 43_200
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9]):([0-5][0-9])")
_TYPE: Final = re.compile(r"[A-Z]{2}")  # six are documented; three calls of the first months have a seventh
_LINE: Final = re.compile(r"[A-Za-z0-9_]+")
_NUMBER: Final = re.compile(r"[0-9]+")
#: A few dozen round numbers a month were shortened by a spreadsheet: 2.5E+08 is customer 250000000.
_CUSTOMER: Final = re.compile(r"[0-9]+(\.[0-9]+)?(E\+[0-9]{1,2})?")
#: What stands in two agents' names for the letters that it replaced, and for a call without an agent.
_NO_SERVER: Final = "NO_SERVER"
_PROGRESS_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Row:
    """A checked row. Times are seconds after midnight of *date*, the next day's above 86,400; None is empty."""

    call: str
    customer: str | None
    agent: str | None
    queue: str
    date: datetime
    vru_exit: int
    q_start: int | None
    q_exit: int | None
    ser_start: int | None
    ser_exit: int | None
    outcome: str


class _Event(NamedTuple):
    kind: str
    ts: int
    line: bytes


def import_bank(
    files: Sequence[str],
    out: str,
    *,
    made_by: str,
    pseudonyms: Pseudonyms,
    zone: str = DEFAULT_ZONE,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportCounts:
    """Import *files* (``.tsv``, ``.txt``, ``.xz``, ``-`` for standard input, not compressed) into the recording *out*.

    *say* gets a sentence for every bad row, *progress* the number of rows read so far. The recording depends on the
    rows, the zone and the key alone: not on the order of files or rows. Raises InputError, UsageError, WorkError.
    """
    place = zone_of(zone)
    counts = ImportCounts()
    bad = BadRows(counts, say)
    seen: dict[str, str] = {}
    with EventSorter() as sorter:
        for file in files:
            for line_no, text in _rows(file):
                try:
                    _take(text, f"{file} line {line_no}", place, pseudonyms, seen, sorter, counts)
                except BadRowError as error:
                    bad.report(file, line_no, str(error))
                counts.rows += 1
                if counts.rows % _PROGRESS_ROWS == 0:
                    progress(counts.rows)
        extra = {"acknowledge": ACKNOWLEDGEMENT, **sorter.span()}
        header = RecordingHeader(zone, (SOURCE,), made_by, "ts", extra)
        with RecordingWriter(out, header) as writer:
            writer.write_all(sorter)
    progress(counts.rows)
    return counts


def _take(
    text: str,
    where: str,
    zone: ZoneInfo,
    pseudonyms: Pseudonyms,
    seen: dict[str, str],
    sorter: EventSorter,
    counts: ImportCounts,
) -> None:
    row = parse_row(text)
    if row is None:
        counts.skipped += 1
        return
    # One entry a call, about 150 bytes: 70 MB for the whole year.
    if row.call in seen:
        raise BadRowError(f"the call was read before, at {seen[row.call]}")
    seen[row.call] = where
    for event in events_of(row, zone, pseudonyms):
        counts.take(event.kind)
        sorter.add(event.ts, event.kind, event.line)


def parse_row(text: str) -> _Row | None:
    """One line of the file, or None for a PHANTOM. Raises BadRowError with the reason."""
    fields = text.split("\t")
    if len(fields) != _COLUMNS:
        raise BadRowError(f"it has {len(fields)} columns instead of {_COLUMNS}: a tab is lost or too many")
    line, call_id, customer, _, kind, day, entry, *times, server = (f.strip() for f in fields)
    vru_exit, _, q_start, q_exit, _, outcome, ser_start, ser_exit, _ = times
    if outcome not in ("AGENT", "HANG", "PHANTOM"):
        raise BadRowError(f"outcome {outcome!r} is none of AGENT, HANG, PHANTOM")
    if not _LINE.fullmatch(line) or not _NUMBER.fullmatch(call_id) or not _CUSTOMER.fullmatch(customer):
        raise BadRowError("vru+line, call_id or customer_id is not as it should be: a tab may be lost")
    if not _TYPE.fullmatch(kind):
        raise BadRowError(f"type {kind!r} is not two letters")
    date = _date(day)
    entered = _seconds("vru_entry", entry)

    def clock(name: str, value: str) -> int | None:
        second = _seconds(name, value)
        if second == 0:
            return None
        return second + _DAY_S if second < entered - _HALF_DAY_S else second

    row = _Row(
        call=f"{SITE}-{day}-{line}-{int(call_id)}",
        customer=_customer(customer),
        agent=_agent(server),
        queue=f"{SITE}/{kind}",
        date=date,
        vru_exit=clock("vru_exit", vru_exit) or _midnight(entered),
        q_start=clock("q_start", q_start),
        q_exit=clock("q_exit", q_exit),
        ser_start=clock("ser_start", ser_start),
        ser_exit=clock("ser_exit", ser_exit),
        outcome=outcome,
    )
    return None if outcome == "PHANTOM" else row


def events_of(row: _Row, zone: ZoneInfo, pseudonyms: Pseudonyms) -> Iterator[_Event]:
    """The events of a call, in the order in which they happened."""

    def at(second: int) -> int:
        return epoch_ms(row.date + timedelta(seconds=second), zone)

    customer = {"customer": pseudonyms.customer(row.customer)} if row.customer else {}
    agent = {"agent": pseudonyms.agent(row.agent)} if row.agent else {}
    if row.q_start is None and row.outcome == "HANG":
        yield _event(row, "ivr.abandoned", at(row.vru_exit), **customer)
        return
    if row.q_start is not None:
        offered = at(row.q_start)
        # q_exit of 0:00:00 is empty, but whoever was queued left the queue: at midnight
        left = _DAY_S if row.q_exit is None else row.q_exit
        wait_ms = (left - row.q_start) % _DAY_S * 1000
        outcome = max(at(left), offered)
    else:
        offered = outcome = at(row.vru_exit if row.ser_start is None else row.ser_start)
        wait_ms = 0
    yield _event(row, "call.offered", offered, **customer)
    if row.outcome == "HANG":
        yield _event(row, "call.abandoned", outcome, wait_ms=wait_ms, **customer)
        return
    yield _event(row, "call.answered", outcome, wait_ms=wait_ms, **agent, **customer)
    if row.ser_exit is not None:
        known = row.ser_start is not None
        talk_s = (row.ser_exit - (row.ser_start or 0)) % _DAY_S
        # half a day and more is no talk over midnight but a service that ends before it begins
        talk = {"talk_ms": talk_s * 1000 if talk_s < _HALF_DAY_S else 0} if known else {}
        yield _event(row, "call.completed", max(at(row.ser_exit), outcome), **talk, **agent)
    elif row.q_start is None and row.ser_start is None:
        yield _event(row, "call.completed", outcome, talk_ms=0, **agent)


def _event(row: _Row, kind: str, ts: int, **more: Any) -> _Event:
    event = {
        "id": f"{row.call}.{kind.rpartition('.')[2]}",
        "source": SOURCE,
        "type": kind,
        "ts": ts,
        "call": row.call,
        "queue": row.queue,
        "channel": "voice",
        **more,
    }
    return _Event(kind, ts, orjson.dumps(event))


def _customer(text: str) -> str | None:
    number = int(Decimal(text))
    return str(number) if number else None


def _agent(server: str) -> str | None:
    # NO_SERVER replaced the letters NA all over the data once, and with them those inside of two names
    if server in ("", "0", _NO_SERVER):
        return None
    return server.replace(_NO_SERVER, "NA").upper()


def _seconds(name: str, value: str) -> int:
    match = _TIME.fullmatch(value)
    if match is None or int(match[1]) > 23:
        raise BadRowError(f"{name} {value!r} is no time of the form H:MM:SS")
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])


def _midnight(entered: int) -> int:
    """vru_exit of 0:00:00: the midnight that is nearer to the entry, as seconds after the entry's midnight."""
    return _DAY_S if entered > _HALF_DAY_S else 0


@functools.lru_cache(maxsize=1024)
def _date(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{6}", text):
        raise BadRowError(f"date {text!r} is not of the form YYMMDD")
    try:
        return datetime(1900 + int(text[:2]), int(text[2:4]), int(text[4:]))  # noqa: DTZ001 - local, zone comes later
    except ValueError as error:
        raise BadRowError(f"date {text!r}: {error}") from error


def _rows(file: str) -> Iterator[tuple[int, str]]:
    """Line numbers (the first line is 1) and lines, without the header and without empty lines."""
    line_no = 0
    try:
        with _opened(file) as stream:
            for line_no, raw in enumerate(stream, 1):
                text = raw.decode("utf-8", "replace").rstrip("\r\n")
                if text and not (line_no == 1 and text.startswith("vru")):
                    yield line_no, text
    except (OSError, lzma.LZMAError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{file}: cannot be read after line {line_no}: {reason}. Is it whole?") from error


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
    elif file.endswith(".xz"):
        with lzma.open(file) as stream:
            yield stream
    else:
        with Path(file).open("rb") as plain:
            yield plain
