"""Local time for the oracle: by walking and asking the zone, with no table of transitions."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.catalogue import OpeningHours

QUARTER_MS = 900_000


def local(zone: str, ts: int) -> datetime:
    """The wall clock of *zone* at *ts* (epoch ms)."""
    return datetime.fromtimestamp(ts / 1000, ZoneInfo(zone))


@lru_cache(maxsize=65536)  # quarter hours of a run of tests
def _day_start(zone: str, quarter: int) -> int:
    today = local(zone, quarter * QUARTER_MS).date()
    while local(zone, (quarter - 1) * QUARTER_MS).date() == today:
        quarter -= 1
    return quarter * QUARTER_MS


def day_start(zone: str, ts: int) -> int:
    """The first instant of the local day of *ts*: every offset of today's zones is a multiple of a quarter hour."""
    return _day_start(zone, ts // QUARTER_MS)


def interval_start(zone: str, minutes: int, ts: int) -> int:
    """The start (UTC ms) of the interval of *minutes* on the local clock that *ts* lies in."""
    at = local(zone, ts // 1000 * 1000)
    into_s = (at.hour * 3600 + at.minute * 60 + at.second) % (minutes * 60)
    return ts - into_s * 1000 - ts % 1000


def is_within(spans: tuple[OpeningHours, ...], zone: str, ts: int) -> bool:
    """Whether a wall clock shows a time in one of *spans*, none of which passes midnight; none at all is always."""
    at = local(zone, ts)
    minute = at.hour * 60 + at.minute
    return not spans or any(at.weekday() in s.days and s.opens_min <= minute < s.closes_min for s in spans)
