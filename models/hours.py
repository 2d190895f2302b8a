"""Questions of local time: is a queue open, which instant is a time of day, when did the local day begin.

Pure functions of an instant (epoch milliseconds UTC) and a zone. Hours are wall-clock hours: on the day that the clock
jumps, 07:00 is still 07:00. An hour that the clock repeats counts both times, an hour that it skips not at all. A span
may pass midnight (``closes_min`` up to 2880): it then belongs to the day on which it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from models.catalogue import Catalogue, OpeningHours, QueueSettings, Site

DAY_MIN = 1440
#: Spans repeat every week, so nothing can change later than that if it has not changed by then (one day for the zone).
LOOKAHEAD_DAYS = 8

#: (days, first minute, minute after the last).
Span = tuple[frozenset[int], int, int]


def settings_for(catalogue: Catalogue, queue: str) -> QueueSettings:
    """The settings of *queue*: the first pattern that matches, else the defaults."""
    for settings in catalogue.queues:
        if fnmatchcase(queue, settings.pattern):
            return settings
    return QueueSettings()


def site_of(catalogue: Catalogue, queue: str) -> Site:
    """The site of *queue* (what stands before its last slash); an unknown one has the clock of site ``*``, else UTC."""
    name = queue.rpartition("/")[0]
    fallback = Site(name)
    for site in catalogue.sites:
        if site.name == name:
            return site
        if site.name == "*":
            fallback = Site(name, site.zone, site.interval_min, site.hours)
    return fallback


def hours_of(site: Site, settings: QueueSettings) -> tuple[OpeningHours, ...]:
    """The opening hours that hold for a queue: its own, else the site's; empty is always open."""
    return site.hours if settings.hours is None else settings.hours


def local(zone: str, now_ms: int) -> datetime:
    """The wall clock of *zone* at *now_ms*."""
    return datetime.fromtimestamp(now_ms // 1000, ZoneInfo(zone))


def day_start_ms(zone: str, now_ms: int) -> int:
    """When the local day of *now_ms* began. Where midnight does not exist, its first instant."""
    return _instant_ms(zone, local(zone, now_ms).date(), 0)


def instant_ms(zone: str, day: date, minute: int) -> int:
    """The first instant at which the clock of *zone* shows *minute* of *day* or more; *minute* may pass 1440.

    A time that comes twice is its first coming, one that never comes is the moment at which the clock jumps over it.
    """
    at_ms = _instant_ms(zone, day, minute)
    low, high = _instant_ms(zone, day, minute, 1) // 1000, at_ms // 1000
    if low >= high:
        return at_ms
    offset = _offset(zone, low)  # skipped: its second reading lies before the jump, its first behind it
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high * 1000


def is_open(site: Site, settings: QueueSettings, now_ms: int) -> bool:
    """Whether the queue is within its opening hours."""
    return _within(_opening(site, settings), site.zone, now_ms)


def next_change_ms(site: Site, settings: QueueSettings, now_ms: int) -> int | None:
    """The first instant after *now_ms* at which the queue opens or closes, None when it never does."""
    return _next_change(_opening(site, settings), site.zone, now_ms)


def _opening(site: Site, settings: QueueSettings) -> Sequence[Span]:
    return [(h.days, h.opens_min, h.closes_min) for h in hours_of(site, settings)]


def _within(spans: Sequence[Span], zone: str, now_ms: int) -> bool:
    if not spans:
        return True
    at = local(zone, now_ms)
    minute, today, yesterday = at.hour * 60 + at.minute, at.weekday(), (at.weekday() - 1) % 7
    return any(
        (today in days and first <= minute < last) or (yesterday in days and first <= minute + DAY_MIN < last)
        for days, first, last in spans
    )


def _next_change(spans: Sequence[Span], zone: str, now_ms: int) -> int | None:
    if not spans:
        return None
    state = _within(spans, zone, now_ms)
    for at_ms in sorted(_candidates(spans, zone, now_ms)):
        if at_ms > now_ms and _within(spans, zone, at_ms) != state:
            return at_ms
    return None


def _candidates(spans: Sequence[Span], zone: str, now_ms: int) -> set[int]:
    """Every instant at which the answer may change: the ends of all spans in both readings, and the clock's jumps."""
    first = local(zone, now_ms).date() - timedelta(days=2)
    days = [first + timedelta(days=n) for n in range(LOOKAHEAD_DAYS + 3)]
    minutes = {minute for _, starts, ends in spans for minute in (starts, ends)}
    found = {_instant_ms(zone, day, minute, fold) for day in days for minute in minutes for fold in (0, 1)}
    return found | set(_jumps(zone, days))


def _jumps(zone: str, days: Iterable[date]) -> list[int]:
    """The instants on *days* at which the offset of *zone* changes, found by bisection to the second."""
    found = []
    for day in days:
        low, high = _instant_ms(zone, day, 0) // 1000, _instant_ms(zone, day, DAY_MIN) // 1000
        offset = _offset(zone, low)
        if _offset(zone, high) == offset:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
        found.append(high * 1000)
    return found


def _offset(zone: str, at_s: int) -> timedelta | None:
    return datetime.fromtimestamp(at_s, ZoneInfo(zone)).utcoffset()


def _instant_ms(zone: str, day: date, minute: int, fold: int = 0) -> int:
    """The instant of local *minute* of *day*; ``fold`` 1 is the second reading of an hour that comes twice."""
    extra, minute = divmod(minute, DAY_MIN)
    on = day + timedelta(days=extra)
    wall = datetime(on.year, on.month, on.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone), fold=fold)
    return int(wall.astimezone(UTC).timestamp()) * 1000
