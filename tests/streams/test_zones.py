"""Local days and intervals in zones with odd offsets, on the days that the clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streams.zones import day_start, interval_start, zone_table

#: Zone and a day on (or next to) which its clock jumps, or an odd offset holds.
DAYS = [
    ("Asia/Kathmandu", "2026-03-02"),
    ("Asia/Jerusalem", "2026-03-27"),
    ("Asia/Jerusalem", "2026-10-25"),
    ("America/St_Johns", "2026-03-08"),
    ("America/St_Johns", "2026-11-01"),
    ("America/St_Johns", "1999-10-31"),  # 00:01 becomes 23:01 of the day before
    ("Australia/Lord_Howe", "2026-04-05"),  # half an hour
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Havana", "2026-03-08"),  # midnight is skipped
    ("America/Havana", "2026-11-01"),  # midnight comes twice
    ("Atlantic/Azores", "2026-10-25"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2018-02-18"),  # midnight becomes 23:00
    ("Pacific/Apia", "2011-12-31"),  # a day that does not exist before it
]


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_days_and_intervals_where_the_clock_jumps(zone: str, day: str) -> None:
    at = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000 - 36 * 3_600_000
    starts, offsets = zone_table([zone])
    began, latest = None, None
    for ts in range(at, at + 96 * 3_600_000, 60_000):
        local = datetime.fromtimestamp(ts / 1000, ZoneInfo(zone))
        offset = int((local.utcoffset() or timedelta()) / timedelta(milliseconds=1))
        assert interval_start(starts[0], offsets[0], ts, 900_000) == ts - (ts + offset) % 900_000
        if latest is None or local.date() > latest:  # a day begins when its date is first seen
            latest, began = local.date(), None if latest is None else ts
        found = day_start(starts[0], offsets[0], ts)
        if began is not None:
            assert found == began, local
