"""Hours in local time, over midnight and on the days when the clock jumps."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import Catalogue, OpeningHours, QueueSettings, Site
from models.hours import (
    day_start_ms,
    hours_of,
    is_open,
    next_change_ms,
    settings_for,
    site_of,
)

WEEK = frozenset(range(7))
SUN_TO_THU = frozenset({6, 0, 1, 2, 3})
ALL = QueueSettings()
BANK = Site(
    "bank",
    "Asia/Jerusalem",
    hours=(
        OpeningHours(SUN_TO_THU, 7 * 60, 24 * 60),
        OpeningHours(frozenset({4}), 7 * 60, 14 * 60),
        OpeningHours(frozenset({5}), 20 * 60, 26 * 60),
    ),
)


def at(zone: str, text: str, fold: int = 0) -> int:
    """Local wall clock as epoch milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1000


def daily(first_min: int, last_min: int, zone: str) -> Site:
    return Site("x", zone, hours=(OpeningHours(WEEK, first_min, last_min),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1999-02-03T06:59:59", False),  # Wednesday
        ("1999-02-03T07:00:00", True),
        ("1999-02-03T23:59:59", True),
        ("1999-02-04T00:00:00", False),
        ("1999-02-05T13:59:59", True),  # Friday
        ("1999-02-05T14:00:00", False),
        ("1999-02-06T19:59:59", False),  # Saturday evening, until two
        ("1999-02-06T20:00:00", True),
        ("1999-02-07T01:59:59", True),
        ("1999-02-07T02:00:00", False),
        ("1999-02-07T07:00:00", True),
    ],
)
def test_opening_hours_of_the_bank(text: str, expected: bool) -> None:
    assert is_open(BANK, ALL, at("Asia/Jerusalem", text)) is expected


def test_no_hours_are_always_open_and_a_queue_may_have_its_own() -> None:
    assert is_open(Site("x"), ALL, 0)
    assert next_change_ms(Site("x"), ALL, 0) is None
    own = QueueSettings(hours=())
    assert hours_of(BANK, own) == ()
    assert is_open(BANK, own, at("Asia/Jerusalem", "1999-02-05T15:00:00"))


def test_next_change_walks_the_week() -> None:
    now, found = at("Asia/Jerusalem", "1999-02-04T12:00:00"), []
    for _ in range(6):
        now = next_change_ms(BANK, ALL, now) or 0
        found.append(datetime.fromtimestamp(now / 1000, ZoneInfo("Asia/Jerusalem")).strftime("%a %H:%M"))
    assert found == ["Fri 00:00", "Fri 07:00", "Fri 14:00", "Sat 20:00", "Sun 02:00", "Sun 07:00"]


def test_adjoining_spans_are_no_change() -> None:
    hours = (OpeningHours(WEEK, 0, 720), OpeningHours(WEEK, 720, 1440))
    assert next_change_ms(Site("x", hours=hours), ALL, 0) is None


def test_a_day_with_the_clock_put_forward() -> None:
    zone = "Europe/Berlin"  # 28 March 2021, 02:00 becomes 03:00
    night, early = daily(22 * 60, 26 * 60 + 30, zone), daily(2 * 60 + 30, 4 * 60, zone)
    jump = at(zone, "2021-03-28T03:00:00")
    assert is_open(night, ALL, jump - 1000)
    assert not is_open(night, ALL, jump)  # 02:30 never comes
    assert next_change_ms(night, ALL, jump - 3_600_000) == jump
    assert is_open(early, ALL, jump)  # it is past 02:30
    assert next_change_ms(early, ALL, jump - 3_600_000) == jump
    assert next_change_ms(early, ALL, jump) == jump + 3_600_000


def test_an_hour_that_comes_twice_counts_twice() -> None:
    zone = "Europe/Berlin"  # 31 October 2021, 03:00 becomes 02:00
    site, now, found = daily(2 * 60, 2 * 60 + 30, zone), at(zone, "2021-10-31T00:00:00"), []
    for _ in range(4):
        now = next_change_ms(site, ALL, now) or 0
        found.append((now - at(zone, "2021-10-31T00:00:00")) // 60_000)
    assert found == [120, 150, 180, 210]


def test_day_start_over_jumps() -> None:
    zone = "Europe/Berlin"
    assert day_start_ms(zone, at(zone, "2021-03-28T12:00:00")) == at(zone, "2021-03-28T00:00:00")
    assert at(zone, "2021-03-29T00:00:00") - day_start_ms(zone, at(zone, "2021-03-28T12:00:00")) == 23 * 3_600_000
    assert at(zone, "2021-11-01T00:00:00") - day_start_ms(zone, at(zone, "2021-10-31T12:00:00")) == 25 * 3_600_000
    beirut = "Asia/Beirut"  # midnight itself is skipped
    start = day_start_ms(beirut, at(beirut, "2021-03-28T12:00:00"))
    assert datetime.fromtimestamp(start / 1000, ZoneInfo(beirut)).strftime("%d %H:%M") == "28 01:00"


def test_sites_and_settings_of_queues() -> None:
    world = Catalogue(
        sites=(Site("*", "Asia/Shanghai", 15), BANK),
        queues=(QueueSettings("bank/P*", department="retail"), QueueSettings("bank/*", department="bank")),
    )
    assert site_of(world, "bank/PS") is BANK
    assert site_of(world, "east/bank/PS") == Site("east/bank", "Asia/Shanghai", 15)
    assert site_of(Catalogue(), "shop/x") == Site("shop")
    assert settings_for(world, "bank/PS").department == "retail"
    assert settings_for(world, "bank/IN").department == "bank"
    assert settings_for(world, "shop/x") == QueueSettings()


spans = st.builds(
    lambda days, first, long: OpeningHours(frozenset(days), first, min(first + long, 2880)),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(15, 1440),
)


@given(
    st.lists(spans, min_size=1, max_size=3),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "UTC"]),
    st.integers(at("UTC", "2021-03-10T00:00:00") // 60_000, at("UTC", "2021-04-08T00:00:00") // 60_000),
)
def test_next_change_is_the_first_minute_that_differs(hours: list[OpeningHours], zone: str, minute: int) -> None:
    site, now = Site("x", zone, hours=tuple(hours)), minute * 60_000
    state, change = is_open(site, ALL, now), next_change_ms(site, ALL, now)
    until = change if change is not None else now + 8 * 86_400_000
    assert all(is_open(site, ALL, t) == state for t in range(now, until, 15 * 60_000))
    if change is not None:
        assert is_open(site, ALL, change) != state
        assert is_open(site, ALL, change - 1000) == state
