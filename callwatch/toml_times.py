"""Zones, spans of the week and days of the calendar in a table of the settings, refused with line and reason."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta
from typing import Any, Final

from callwatch.timetable import WeeklySpan, parse_span
from callwatch.toml_table import Table
from models.settings_record import FIRST_DAY, LAST_DAY

#: Days in one range of a calendar: nobody closes for longer than a year.
_RANGE_MAX: Final = 366


def zone(table: Table, default: str = "UTC") -> str:
    """The IANA time zone under ``zone``."""
    name = table.string("zone", default)
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        table.refuse("zone", f'"{name}" is not an IANA time zone such as Asia/Shanghai')
    return name


def spans(table: Table, key: str) -> list[WeeklySpan]:
    """The spans of the week under *key*, none when it is missing."""
    found = []
    for text in table.strings(key, ()):
        try:
            found.append(parse_span(text))
        except ValueError as error:
            table.refuse(key, str(error))
    return found


def day(table: Table, key: str, default: date | None = None, *, needed: bool = False) -> date | None:
    """A day of the calendar: 2026-10-01, with or without quotes. Refused when it is *needed* and missing."""
    if not needed and not table.has(key):
        table.taken.add(key)
        return default
    return _day(table, key, table.take(key, (date, str), _A_DAY))


def days(table: Table, key: str) -> frozenset[date]:
    """A list of days and of ranges of days: ``["2026-10-01..2026-10-07", 2027-01-01]``."""
    found: set[date] = set()
    for value in table.take(key, (list,), "a list of days"):
        first_text, dots, last_text = value.partition("..") if isinstance(value, str) else (value, "", "")
        first = _day(table, key, first_text)
        last = _day(table, key, last_text) if dots else first
        long = (last - first).days
        if not 0 <= long < _RANGE_MAX:
            table.refuse(key, f'"{value}" is not a range of 1 to {_RANGE_MAX} days')
        found |= {first + timedelta(days=n) for n in range(long + 1)}
    return frozenset(found)


_A_DAY: Final = "a day such as 2026-10-01"


def _day(table: Table, key: str, value: Any) -> date:
    try:
        found = value if isinstance(value, date) else date.fromisoformat(value.strip())
    except (ValueError, AttributeError):
        table.refuse(key, f'"{value}" is not {_A_DAY}')
    if isinstance(found, datetime) or not FIRST_DAY <= found <= LAST_DAY:
        table.refuse(key, f'"{value}" is not {_A_DAY}, from {FIRST_DAY} to {LAST_DAY}')
    return found
