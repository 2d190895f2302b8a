"""Times of a week as people write them: ``Sun-Thu 07:00-24:00``, ``daily 22:00-06:00``, ``Mon,Wed-Fri 09:00-17:30``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 1440

_SPAN = re.compile(r"(?P<h1>\d{1,2}):(?P<m1>\d{2})\s*-\s*(?P<h2>\d{1,2}):(?P<m2>\d{2})")


@dataclass(frozen=True, slots=True)
class WeeklySpan:
    """On *days* (0 = Monday) from *starts_min* to *ends_min*, local minutes after midnight.

    *ends_min* passes 1440 when the span runs over midnight; the day is the one on which it starts.
    """

    days: frozenset[int]
    starts_min: int
    ends_min: int


def parse_span(text: str) -> WeeklySpan:
    """Read one span. Raises ValueError with the reason, fit to follow ``file:line:``."""
    parts = re.sub(r"\s*([-,])\s*", r"\1", text.strip()).split()
    if len(parts) != 2:
        raise ValueError(f'"{text}" is not days and times, such as "Mon-Fri 08:00-18:00" or "daily 22:00-06:00"')
    return WeeklySpan(parse_days(parts[0]), *parse_times(parts[1]))


def parse_days(text: str) -> frozenset[int]:
    """Days as ``daily``, ``Mon``, ``Sun-Thu`` (may pass the end of the week) or several of them with commas."""
    if text.strip().lower() == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        ends = [_day(name) for name in part.split("-")]
        if len(ends) > 2:
            raise ValueError(f'"{part.strip()}" is not a day or a range of two days')
        first, last = ends[0], ends[-1]
        days.update((first + i) % 7 for i in range((last - first) % 7 + 1))
    return frozenset(days)


def parse_times(text: str) -> tuple[int, int]:
    """Start and end in minutes after midnight; an end that is not after the start is on the next day."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a span of times such as 07:00-24:00')
    starts = _minutes(match["h1"], match["m1"])
    ends = _minutes(match["h2"], match["m2"])
    if starts in (DAY_MIN, ends):
        raise ValueError(f'"{text}" starts where it ends; the whole day is 00:00-24:00')
    return starts, ends if ends > starts else ends + DAY_MIN


def _day(name: str) -> int:
    try:
        return DAYS.index(name.strip().lower())
    except ValueError:
        raise ValueError(f'"{name.strip()}" is not a day; days are Mon Tue Wed Thu Fri Sat Sun, or daily') from None


def _minutes(hours: str, minutes: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > DAY_MIN:
        raise ValueError(f"{hours}:{minutes} is not a time of day (00:00 to 24:00)")
    return total
