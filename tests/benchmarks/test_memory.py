"""The benchmark of memory would find a leak; `callwatch bench memory --smoke` is the rest of it, in two minutes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks import memory_report
from benchmarks.flat import percent_a_day
from benchmarks.memory import HELD, LIMIT_PERCENT, WARM_UP_DAYS, leaks, slopes
from benchmarks.month import DAY_MS, Month, month_log, simulate_days
from models.decode import LastClock, decode
from models.interner import Names
from models.refusal import Reason

ROOT = Path(__file__).parents[2]


def days(grows: dict[str, float], number: int = 30) -> list[dict[str, float]]:
    """Days on which everything trembles, weekends are smaller, and some parts grow by a share of 1,000 a day."""
    rng = random.Random(1)
    return [
        {
            name: (700 if day % 7 > 4 else 1_000) + rng.uniform(-20, 20) + 1_000 * grows.get(name, 0.0) * day
            for name in HELD
        }
        for day in range(number)
    ]


def test_a_leak_is_found_and_a_weekend_is_none() -> None:
    assert leaks(slopes(days({}))) == []
    (found,) = leaks(slopes(days({"objects": 0.02})))
    assert found.startswith("objects grows by 1.")
    assert leaks(slopes(days({"rss_mib": 0.004}))) == []
    assert len(leaks(slopes(days(dict.fromkeys(HELD, 0.03))))) == len(HELD)


def test_what_is_full_only_after_some_days_is_no_leak() -> None:
    filling = days({})
    for day in range(WARM_UP_DAYS):
        filling[day]["rss_mib"] *= day / WARM_UP_DAYS
    assert leaks(slopes(filling)) == []


def test_the_slope_is_in_percent_of_the_middle() -> None:
    assert percent_a_day([100.0, 101.0, 102.0]) == pytest.approx(100 / 101)
    assert percent_a_day([5.0, 5.0]) == 0.0
    assert percent_a_day([10.0, 9.0, 8.0]) < 0


def test_a_leak_is_said_in_the_page() -> None:
    results: dict[str, Any] = {"days": [{}] * 30, "warm_up_days": 5, "leaks": ["objects grows by 2.00 % a day"]}
    assert memory_report.verdict(results) == "Not flat: objects grows by 2.00 % a day."
    results |= {"leaks": [], "percent_a_day": {"rss_mib": 0.1, "rows": 0.25}, "limit_percent_a_day": LIMIT_PERCENT}
    assert "the most: rows, +0.25 %" in memory_report.verdict(results)


@pytest.mark.timeout(200)
def test_the_log_of_a_month_is_one(tmp_path: Path) -> None:
    """In order of arrival, a clock every 20 s, midnight at the end of each day, and what goes wrong on the way."""
    month = Month(days=2, queues=2, partitions=2)
    recordings = simulate_days(month, tmp_path, lambda _: None)
    assert list(recordings) == [0]  # Tuesday is Monday again
    log = list(month_log(month, recordings))
    assert [told.at_ms for told in log] == sorted(told.at_ms for told in log)
    clocks = [told.at_ms for told in log if told.value.startswith(b'{"id":"clock-')]
    assert clocks == list(range(month.start_ms, month.start_ms + 2 * DAY_MS + 1, month.clock_ms))
    values = [told.value for told in log if told.partition in (-1, 0)]
    got = decode(
        values, range(len(values)), topic="t", partition=0, partitions=2, names=Names(), clock=LastClock(clocks[0])
    )
    assert {letter.reason for letter in got.dead} == {Reason.NOT_JSON}
    assert got.misrouted
    assert len(set(got.columns.key.tolist())) > 1_000
    calls = [{orjson.loads(t.value)["call"] for t in log if _of(t, day, month)} for day in (0, 1)]
    assert len(calls[0]) > 500
    assert len(calls[0] & calls[1]) < 5  # calls of one day are not those of the other, but for those over midnight
    assert list(month_log(month, recordings)) == log


def _of(told: Any, day: int, month: Month) -> bool:
    inside = month.start_ms + day * DAY_MS <= told.at_ms < month.start_ms + (day + 1) * DAY_MS
    return inside and b'"call.offered"' in told.value and told.value.endswith(b"}")
