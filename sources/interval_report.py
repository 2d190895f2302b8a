"""Reader of a PBX's interval report, by a map (`sources.report_map`): intervals as instants, figures in our units.

Local times: one that the clock skips is refused; one that it repeats is read as the first hour where it stands first
in the file and as the second where it stands again, and refused when it stands only once, since nothing says which
of the two it is. A time with an offset of its own needs none of this. An interval of whole days ends at the same local
time, so that a day has 23, 24 or 25 hours; a shorter one lasts as many minutes as it says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from models.errors import InputError
from models.fields import queue_fault
from sources.csv_file import csv_rows, places_of
from sources.import_result import MAX_NAMED, BadRowError
from sources.local_time import epoch_ms, readings, zone_of
from sources.report_map import FIGURES, SKIP, UNITS, ReportMap

#: Rows of one report: a year of 50 queues in half-hours, some 500 MB. What is longer can be compared in parts.
ROWS_MAX: Final = 1_000_000
_DAY_MIN: Final = 1440
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_CLOCK: Final = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One interval of the report: instants in epoch ms, figures as counts, fractions and ms (None: undefined)."""

    line: int
    queue: str
    start_ms: int
    end_ms: int
    minutes: int
    values: Mapping[str, float | None]


@dataclass(slots=True)
class Report:
    """The rows by queue and start; how many *bad* ones were named and left out, how many were no intervals."""

    rows: list[ReportRow] = field(default_factory=list)
    bad: int = 0
    totals: int = 0  #: rows that are totals
    skipped: int = 0  #: rows of queues that the map leaves out


@dataclass(frozen=True, slots=True)
class _Read:
    """A row whose local time may stand for two instants yet; *at* is an instant or a local time."""

    line: int
    queue: str
    at: int | datetime
    minutes: int
    values: dict[str, float | None]


class _BadLines:
    def __init__(self, report: Report, file: str, say: Callable[[str], None]) -> None:
        self.report, self.file, self.say = report, file, say

    def name(self, line: int, reason: object) -> None:
        self.report.bad += 1
        if self.report.bad <= MAX_NAMED:
            self.say(f"{self.file}: line {line}: skipped: {reason}")
        elif self.report.bad == MAX_NAMED + 1:
            self.say(f"{self.file}: line {line}: skipped, as further rows from here on: they are only counted")


def read_report(file: str, meaning: ReportMap, say: Callable[[str], None] = lambda _: None) -> Report:
    """Read *file* (``-`` is standard input). *say* gets a sentence for every bad row; good ones go through.

    Raises InputError for a file that cannot be read or holds no interval, SettingsError (with the map's line) for a
    column that it does not have.
    """
    report = Report()
    bad = _BadLines(report, file, say)
    instants = _placed(_rows(file, meaning, report, bad), meaning, bad)
    last: ReportRow | None = None
    for row in sorted(instants, key=lambda row: (row.queue, row.start_ms, row.line)):
        if last is not None and row.queue == last.queue and row.start_ms < last.end_ms:
            same = (row.start_ms, row.end_ms) == (last.start_ms, last.end_ms)
            bad.name(row.line, f"{row.queue}: {'the same interval as' if same else 'it overlaps'} line {last.line}")
            continue
        report.rows.append(row)
        last = row
    if not report.rows:
        raise InputError(f"{file}: no interval can be read from it ({report.bad} bad rows, {report.totals} totals).")
    return report


def _rows(file: str, meaning: ReportMap, report: Report, bad: _BadLines) -> list[_Read]:
    columns = {**meaning.columns, **meaning.figures}
    places = None if meaning.header else places_of(columns, meaning.where, None, file)
    out: list[_Read] = []
    for line, row in csv_rows(
        file, delimiter=meaning.delimiter, quote=meaning.quote, encoding=meaning.encoding, skip=meaning.skip
    ):
        if places is None:
            places = places_of(columns, meaning.where, [] if isinstance(row, BadRowError) else row, file)
            continue
        try:
            if isinstance(row, BadRowError):
                raise row
            if _is_total(row, places, meaning):
                report.totals += 1
            elif (read := _read(line, row, places, meaning)) is None:
                report.skipped += 1
            else:
                out.append(read)
        except BadRowError as error:
            bad.name(line, error)
        if len(out) > ROWS_MAX:
            raise InputError(f"{file}: more than {ROWS_MAX:,} rows: compare it in parts.")
    return out


def _is_total(row: list[str], places: Mapping[str, Sequence[int]], meaning: ReportMap) -> bool:
    cells = [row[n].strip() for name in ("queue", "start") for n in places.get(name, ()) if n < len(row)]
    return any(fnmatchcase(cell, pattern) for cell in cells for pattern in meaning.totals)


def _read(line: int, row: list[str], places: Mapping[str, Sequence[int]], meaning: ReportMap) -> _Read | None:
    """One row, None for a queue that is left out. Raises BadRowError with the reason."""
    cells = {}
    for name, column in places.items():
        if max(column) >= len(row):
            raise BadRowError(f"it has {len(row)} columns; {name} is column {max(column) + 1}")
        parts = [row[n].strip() for n in column]
        cells[name] = "" if all(part in meaning.empty for part in parts) else " ".join(parts)
    queue = _queue(cells, meaning)
    if queue == SKIP:
        return None
    values = {name: _value(name, cells[name], meaning) for name in meaning.figures}
    return _Read(line, queue, _time(cells["start"], meaning), _minutes(cells, meaning), values)


def _queue(cells: Mapping[str, str], meaning: ReportMap) -> str:
    if meaning.queue:
        return meaning.queue
    name = cells["queue"]
    if not name:
        raise BadRowError("it has no queue")
    if name in meaning.queues:
        return meaning.queues[name]
    queue = f"{meaning.site}/{name}" if meaning.site else name
    if queue_fault(queue):
        raise BadRowError(f"queue {name!r} is not in [queues] of {meaning.file}, and is not site/skill itself")
    return queue


def _minutes(cells: Mapping[str, str], meaning: ReportMap) -> int:
    if meaning.minutes:
        return meaning.minutes
    text = cells["minutes"]
    if not text.isdecimal() or not 1 <= int(text) <= 7 * _DAY_MIN:
        raise BadRowError(f"minutes {text!r} is no whole number of minutes up to a week")
    return int(text)


def _time(text: str, meaning: ReportMap) -> int | datetime:
    """An instant (epoch ms), or a local time where the text has no offset."""
    try:
        if meaning.time == "epoch_s":
            return round(float(text) * 1000)
        if meaning.time == "epoch_ms":
            return int(text)
        late = re.search(r"\b24:00(:00)?\b", text)  # how some reports write the midnight that ends a day
        if late is not None:
            text = text[: late.start()] + "00" + text[late.start() + 2 :]
        at = datetime.fromisoformat(text) if meaning.time == "iso" else datetime.strptime(text, meaning.time)  # noqa: DTZ007
    except (ValueError, OverflowError) as error:
        raise BadRowError(f"time {text!r} is not of the form {meaning.time}") from error
    at += timedelta(days=late is not None)
    return at if at.tzinfo is None else epoch_ms(at, zone_of(meaning.zone))


def _value(name: str, text: str, meaning: ReportMap) -> float | None:
    """A figure in our units; an empty count is 0, other empty figures are undefined."""
    kind, unit = FIGURES[name], meaning.unit(name)
    if not text:
        return 0.0 if kind == "calls" else None
    number = text.replace(meaning.thousands, "") if meaning.thousands else text
    number = number.removesuffix("%").strip() if unit == "percent" else number
    if meaning.decimal != ".":
        number = number.replace(".", "?").replace(meaning.decimal, ".")  # a point is none then, and shall not pass
    if unit == "clock":
        clock = _CLOCK.fullmatch(number)
        if clock is None:
            raise BadRowError(f"{name} {text!r} is no duration of the form H:MM:SS")
        return (int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])) * 1000
    if not _NUMBER.fullmatch(number):
        raise BadRowError(f"{name} {text!r} is no number (decimal {meaning.decimal!r} by the map)")
    value = float(number) * UNITS[kind][unit]
    if value < 0:
        raise BadRowError(f"{name} {text!r} is negative")
    if kind == "calls" and value != int(value):
        raise BadRowError(f"{name} {text!r} is no whole number")
    if kind == "ratio" and value > 1:
        raise BadRowError(f"{name} {text!r} is more than all, in the unit {unit}: see [units]")
    return value


def _placed(reads: Sequence[_Read], meaning: ReportMap, bad: _BadLines) -> list[ReportRow]:
    """The rows as instants; those whose local time is none, or cannot be told from its double, are named as bad."""
    zone = zone_of(meaning.zone)
    times = Counter((read.queue, read.at) for read in reads if isinstance(read.at, datetime))
    met: Counter[tuple[str, datetime]] = Counter()
    out = []
    for read in reads:
        if not isinstance(read.at, datetime):
            out.append(_row(read, read.at, meaning))
            continue
        instants, local = readings(read.at, zone), (read.queue, read.at)
        if not instants:
            bad.name(read.line, f"{read.at} never was in {meaning.zone}: the clock was put forward over it")
        elif len(instants) == 2 and times[local] == 1:
            bad.name(
                read.line,
                f"{read.at} came twice in {meaning.zone} and stands here once: nothing says which it is. "
                "Let the report have both, or times with an offset",
            )
        else:
            # beyond the readings it is a repetition, which is named when all rows lie in order
            out.append(_row(read, instants[min(met[local], len(instants) - 1)], meaning))
            met[local] += 1
    return out


def _row(read: _Read, at_ms: int, meaning: ReportMap) -> ReportRow:
    """*read* at *at_ms*, which is the end of its interval or the other."""
    sign = 1 if meaning.label == "start" else -1
    other_ms = at_ms + sign * read.minutes * 60_000
    if isinstance(read.at, datetime) and read.minutes % _DAY_MIN == 0:
        other_ms = epoch_ms(read.at + sign * timedelta(minutes=read.minutes), zone_of(meaning.zone))
    start_ms, end_ms = sorted((at_ms, other_ms))
    return ReportRow(read.line, read.queue, start_ms, end_ms, read.minutes, read.values)
