"""Reader of a plan's csv: a row for each queue and interval, in local time, into the days of a plan.

| column | |
|---|---|
| `queue` | `site/skill` |
| `start` | local time of the queue's site (`2026-03-02 09:00`), or with an offset of its own; or `date` and `time` |
| `minutes` | length; without it the site's interval |
| `offered`, `handle_s` | calls and mean handle time that are forecast |
| `required`, `scheduled` | agents asked for, and on the roster |

What is empty is not planned. Columns may come in any order, further ones are named and left out. Local times: one that
the clock skips is refused; one that it repeats is read as the first hour where it stands first in the file and as the
second where it stands again, and refused when it stands once. A bad row is named and left out, its neighbours go
through.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from models.catalogue import Catalogue, Site
from models.errors import InputError
from models.fields import is_unit, queue_fault
from models.hours import site_of
from models.plan.interval import PlanDay, PlanInterval, fault_of, interval_fault, local_day, version_of
from sources.csv_file import csv_rows
from sources.import_result import MAX_NAMED, BadRowError
from sources.local_time import epoch_ms, readings, zone_of

#: Rows of one plan: a year of 50 queues in half-hours, some 500 MB. What is longer can be imported in parts.
ROWS_MAX: Final = 1_000_000
FIGURES: Final = ("offered", "handle_s", "required", "scheduled")
COLUMNS: Final = ("queue", "start", "date", "time", "minutes", *FIGURES)
_NUMBER: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)")
_SECOND_MS: Final = 1000.0
#: Years beyond these are mistakes, and too close to the ends of the calendar to be counted with.
_FIRST_YEAR, _LAST_YEAR = 1970, 2100


@dataclass(slots=True)
class PlanFile:
    """The *days* of a plan by queue and date; how many rows it has, and how many *bad* ones were left out."""

    days: list[PlanDay] = field(default_factory=list)
    rows: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class _Read:
    """A row whose local time may stand for two instants yet."""

    line: int
    queue: str
    at: datetime
    minutes: int
    figures: tuple[float | None, ...]


class _Bad:
    def __init__(self, found: PlanFile, file: str, say: Callable[[str], None]) -> None:
        self.found, self.file, self.say = found, file, say

    def name(self, line: int, reason: object) -> None:
        self.found.bad += 1
        if self.found.bad <= MAX_NAMED:
            self.say(f"{self.file}: line {line}: left out: {reason}")
        elif self.found.bad == MAX_NAMED + 1:
            self.say(f"{self.file}: line {line}: left out, as further rows from here on: they are only counted")


def read_plan_file(
    file: str, catalogue: Catalogue, name: str = "", say: Callable[[str], None] = lambda _: None
) -> PlanFile:
    """Read the plan in *file* (``-`` is standard input); zones and interval lengths are those of *catalogue*.

    *name* is what people call the plan (default: the file's name). *say* gets a sentence for each row that is left
    out. Raises InputError for a file that cannot be read, has not the columns, or holds no interval.
    """
    found = PlanFile()
    bad = _Bad(found, file, say)
    placed = _placed(_rows(file, catalogue, found, bad), catalogue, bad)
    by_day: dict[tuple[str, str], list[PlanInterval]] = {}
    last: tuple[str, PlanInterval, int] | None = None
    for queue, interval, line in sorted(placed, key=lambda one: (one[0], one[1].start_ms, one[2])):
        if last is not None and queue == last[0] and interval.start_ms < last[1].end_ms:
            same = interval.start_ms == last[1].start_ms
            bad.name(line, f"{queue}: {'the same interval as' if same else 'it overlaps'} line {last[2]}")
            continue
        last = queue, interval, line
        by_day.setdefault((queue, local_day(site_of(catalogue, queue).zone, interval.start_ms)), []).append(interval)
    if not by_day:
        raise InputError(f"{file}: no interval of a plan can be read from it ({found.bad} bad rows).")
    label = name or (Path(file).stem if file != "-" else "standard input")
    found.days = _named(by_day, catalogue, label)
    return found


def _named(by_day: Mapping[tuple[str, str], list[PlanInterval]], catalogue: Catalogue, name: str) -> list[PlanDay]:
    days = [
        PlanDay(queue, day, site_of(catalogue, queue).zone, "", name, tuple(intervals))
        for (queue, day), intervals in by_day.items()
    ]
    version = version_of(days)
    named = [PlanDay(day.queue, day.day, day.zone, version, name, day.intervals) for day in days]
    for day in named:
        if fault := fault_of(day):  # rows were looked at one by one: the plan's name is left
            raise InputError(f"{day.queue} {day.day}: {fault}.")
    return named


def _rows(file: str, catalogue: Catalogue, found: PlanFile, bad: _Bad) -> list[_Read]:
    places: dict[str, int] | None = None
    decimal, out = ".", []
    delimiter = _delimiter(file)
    if delimiter == ";":
        decimal = ","
    for line, row in csv_rows(file, delimiter=delimiter, quote='"', encoding="utf-8"):
        if places is None:
            places = _header([] if isinstance(row, BadRowError) else row, file, bad.say)
            continue
        found.rows += 1
        if found.rows > ROWS_MAX:
            raise InputError(f"{file}: more than {ROWS_MAX:,} rows: import it in parts.")
        try:
            if isinstance(row, BadRowError):
                raise row
            out.append(_read(line, row, places, catalogue, decimal))
        except BadRowError as error:
            bad.name(line, error)
    if places is None:
        raise InputError(f"{file}: it is empty; the first line names the columns: queue,start,offered,handle_s,...")
    return out


def _delimiter(file: str) -> str:
    """The one of comma, semicolon and tab that the first line has most of; of standard input a comma."""
    if file == "-":
        return ","
    try:
        with Path(file).open(encoding="utf-8-sig", errors="replace") as stream:
            first = stream.readline(65_536)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}.") from error
    return max(",;\t", key=first.count)


def _header(row: list[str], file: str, say: Callable[[str], None]) -> dict[str, int]:
    places: dict[str, int] = {}
    for n, cell in enumerate(row):
        name = cell.strip().lower()
        if name in COLUMNS:
            places.setdefault(name, n)
        elif name:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            say(f'{file}: line 1: column "{cell.strip()}" is left out' + (f'; is it "{near[0]}"?' if near else ""))
    has_time = "start" in places or {"date", "time"} <= places.keys()
    if "queue" not in places or not has_time or not places.keys() & set(FIGURES):
        raise InputError(
            f"{file}: line 1: a plan has the columns queue, start (or date and time) and one of {', '.join(FIGURES)}; "
            f"this line has {', '.join(cell.strip() for cell in row) or 'none'}."
        )
    return places


def _read(line: int, row: Sequence[str], places: Mapping[str, int], catalogue: Catalogue, decimal: str) -> _Read:
    """One row. Raises BadRowError with the reason."""
    if max(places.values()) >= len(row):
        raise BadRowError(
            f"it has {len(row)} columns; {max(places, key=lambda n: places[n])} is column {max(places.values()) + 1}"
        )
    cells = {name: row[n].strip() for name, n in places.items()}
    queue = cells["queue"]
    if fault := queue_fault(queue):
        raise BadRowError(f"{fault}: {queue!r}")
    if is_unit(queue):
        raise BadRowError(f"{queue} is a unit: plan its queues")
    site = site_of(catalogue, queue)
    at = _time(cells["start"] if "start" in cells else f"{cells['date']} {cells['time']}")
    minutes = _minutes(cells.get("minutes", ""), site)
    shown = at if at.tzinfo is None else at.astimezone(zone_of(site.zone))
    if shown.second or shown.microsecond or (shown.hour * 60 + shown.minute) % minutes:
        raise BadRowError(f"{shown:%H:%M:%S} is not where an interval of {minutes} minutes begins in {site.zone}")
    figures = [_number(name, cells.get(name, ""), decimal) for name in FIGURES]
    offered, handle_s, *agents = figures
    handle_ms = None if handle_s is None else handle_s * _SECOND_MS
    if fault := interval_fault(PlanInterval(0, minutes, offered, handle_ms, *agents)):
        raise BadRowError(fault)
    return _Read(line, queue, at, minutes, (offered, handle_ms, *agents))


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        at = None
    if at is None or ":" not in text:  # a date alone would be its midnight
        raise BadRowError(f"time {text.strip()!r} is not like 2026-03-02 09:00")
    if not _FIRST_YEAR < at.year < _LAST_YEAR:
        raise BadRowError(f"the year of {text.strip()!r} cannot be")
    return at


def _minutes(text: str, site: Site) -> int:
    if not text:
        return site.interval_min
    if not text.isdecimal() or int(text) != site.interval_min:
        raise BadRowError(
            f"minutes {text!r}: intervals of {site.name} have {site.interval_min} ([[site]] interval_min); "
            "let the plan have the same"
        )
    return int(text)


def _number(name: str, text: str, decimal: str) -> float | None:
    if not text:
        return None
    number = text.replace(",", ".") if decimal == "," else text
    if not _NUMBER.fullmatch(number):
        raise BadRowError(f"{name} {text!r} is no number of 0 or more, with a decimal {decimal!r}")
    return float(number)


def _placed(reads: Sequence[_Read], catalogue: Catalogue, bad: _Bad) -> list[tuple[str, PlanInterval, int]]:
    """The rows at their instants; those whose local time is none, or cannot be told from its double, are named."""
    times = Counter((read.queue, read.at) for read in reads if read.at.tzinfo is None)
    met: Counter[tuple[str, datetime]] = Counter()
    out = []
    for read in reads:
        zone, key = zone_of(site_of(catalogue, read.queue).zone), (read.queue, read.at)
        instants = (epoch_ms(read.at, zone),) if read.at.tzinfo is not None else readings(read.at, zone)
        if not instants:
            bad.name(read.line, f"{read.at} never was in {zone.key}: the clock was put forward over it")
        elif len(instants) == 2 and times[key] == 1:
            bad.name(read.line, f"{read.at} comes twice in {zone.key} and stands here once: give both, or offsets")
        else:
            start_ms = instants[min(met[key], len(instants) - 1)]
            met[key] += 1
            out.append((read.queue, PlanInterval(start_ms, read.minutes, *read.figures), read.line))
    return out
