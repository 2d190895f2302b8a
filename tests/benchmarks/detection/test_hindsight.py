"""Each order is named by what sets its hour apart from the same hour of other weeks, and false when nothing does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from benchmarks.detection.hindsight import NAMES, Hour, Months, apart, named
from models.hours import instant_ms

ZONE = "Asia/Jerusalem"
USUAL = Hour(came=40, menu=4, answered=34, in_time=30, gave_up=2, longest_ms=60_000)
WEEKS = [replace(USUAL, came=36 + n, in_time=26 + n % 5, gave_up=n % 4, menu=n % 6) for n in range(10)]


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("fewer callers", replace(USUAL, came=18)),
        ("more callers", replace(USUAL, came=70)),
        ("menu", replace(USUAL, menu=12)),
        ("gave up", replace(USUAL, gave_up=12)),
        ("slow", replace(USUAL, in_time=10)),
        ("long wait", replace(USUAL, longest_ms=200_000)),
        ("nothing", USUAL),
        ("nothing", replace(USUAL, came=50)),
    ],
)
def test_the_name_is_what_sets_the_hour_apart(name: str, hour: Hour) -> None:
    assert named(hour, WEEKS)[0] == name


def test_what_is_bad_each_week_is_no_surprise_but_harm() -> None:
    bad = replace(USUAL, gave_up=9)
    assert named(bad, [bad] * 10)[0] == "bad as usual"


def event(day: date, minute: int, kind: str, n: int, **more: Any) -> dict[str, Any]:
    return {"queue": "bank/PS", "ts": instant_ms(ZONE, day, minute) + n, "type": kind, **more}


def test_an_order_is_named_by_its_weekday_and_local_time_with_odd_days_left_out() -> None:
    sundays = [date(1999, 3, 7), date(1999, 3, 14), date(1999, 3, 21), date(1999, 3, 28), date(1999, 4, 4)]
    quiet, incident, now = sundays[1], sundays[2], sundays[4]
    events = [
        event(day, 600, "call.offered", n)
        for day in sundays
        for n in range({quiet: 0, incident: 99}.get(day, 30))  # the clock went forward on 2 April
    ]
    events += [event(now, 601, "call.offered", n) for n in range(30)]
    events += [event(now, 600, "call.abandoned", n, wait_ms=9_000) for n in range(30)]
    events += [event(date(1999, 3, 15), 600, "call.offered", n) for n in range(500)]  # a Monday
    events += [event(quiet, 60, "call.offered", 0)]
    months = Months(events, ZONE, apart([(incident, incident)], [quiet]))
    at = instant_ms(ZONE, now, 602)
    assert months.name("bank/PS", at) == ("more callers", "60 came, 30 in the median of 2 other weeks")
    assert months.name("bank/*", at)[0] == "more callers"
    assert months.name("bank/NE", at)[0] == "nothing"
    assert months.name("bank/PS", at, [now]) == ("holiday", "1999-04-04 is quiet")
    assert months.name("bank/PS", instant_ms(ZONE, date(1999, 3, 16), 600)) == ("no data", "no record of 1999-03-16")
    assert months.around("bank/PS", at).gave_up == 30
    assert months.around("bank/PS", instant_ms(ZONE, now, 580)).came == 0  # they come 20 minutes later


def test_every_name_says_what_it_means() -> None:
    assert all(NAMES.values())
