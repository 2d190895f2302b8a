"""A plan as records, and the versions of it in force: bounded, restored, held to its bounds by whoever wrote it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import orjson
import pytest

from models.errors import InputError
from models.fields import VALUE_BYTES_MAX
from models.plan import book as books
from models.plan.book import AHEAD_MS, BEHIND_MS, VERSIONS_KEPT, PlanBook
from models.plan.interval import INTERVALS_MAX, PlanDay, PlanInterval, day_bounds_ms, local_day, version_of
from models.plan.record import EXAMPLE, plan_record, read_plan, schema
from models.refusal import Reason, Refused

ZONE = "Europe/Berlin"
HALF = 30 * 60_000


def day(date: str = "2026-03-02", queue: str = "north/report", offered: float = 10.0, zone: str = ZONE) -> PlanDay:
    first, end = day_bounds_ms(date, zone)
    intervals = tuple(
        PlanInterval(at, 30, offered + n, 240_000.0, None, 3.5) for n, at in enumerate(range(first, end, HALF))
    )
    return PlanDay(queue, date, zone, f"v{offered:g}", "week 10", intervals)


def written(plan: PlanDay) -> dict[str, Any]:
    record: dict[str, Any] = orjson.loads(plan_record(plan, id="1", source="s", ts_ms=5))
    return record


@pytest.mark.parametrize(("date", "halves"), [("2026-03-02", 48), ("2026-03-29", 46), ("2026-10-25", 50)])
def test_a_day_has_as_many_half_hours_as_its_clock_shows(date: str, halves: int) -> None:
    assert len(day(date).intervals) == halves
    assert read_plan(written(day(date))) == day(date)
    first, end = day_bounds_ms(date, ZONE)
    assert local_day(ZONE, first) == local_day(ZONE, end - 1) == date
    assert local_day(ZONE, end) != date


def test_a_day_without_midnight_begins_at_its_first_instant() -> None:
    """Beirut put its clock forward at midnight on 27 March 2022: the day began at 01:00."""
    first, end = day_bounds_ms("2022-03-27", "Asia/Beirut")
    assert datetime.fromtimestamp(first / 1000, ZoneInfo("Asia/Beirut")).hour == 1
    assert end - first == 23 * 3_600_000


def test_the_version_is_that_of_the_content() -> None:
    plan = [day(), day("2026-03-03"), day(queue="south/x")]
    assert version_of(plan) == version_of(plan[::-1])
    assert version_of([replace(one, name="other", version="z") for one in plan]) == version_of(plan)
    assert version_of(plan) != version_of(plan[:2])
    assert version_of([day(offered=11)]) != version_of([day()])


def test_the_record_stays_small() -> None:
    first, _ = day_bounds_ms("2026-10-25", ZONE)
    quarter = tuple(
        PlanInterval(first + n * 900_000, 15, 123456.789012345, 240_123.456789, 12345.678901, 12345.678901)
        for n in range(INTERVALS_MAX)
    )
    value = plan_record(replace(day("2026-10-25"), intervals=quarter), id="1", source="s", ts_ms=5)
    assert len(value) < 10_000 < VALUE_BYTES_MAX


BAD: list[tuple[str, Any, str]] = [
    ("version", "", "version is empty"),
    ("version", 5, "texts"),
    ("name", "x" * 600, "texts"),
    ("day", "2026-02-30", "is no day"),
    ("day", "tomorrow", "is no day"),
    ("day", "20260302", "is no day"),
    ("day", "2026-W10-1", "is no day"),
    ("day", "9999-12-31", "is no day"),
    ("day", "0001-01-01", "is no day"),
    ("zone", "Mars/Olympus", "is no day"),
    ("zone", "../etc", "is no day"),
    ("extra", 1, "extra: not known"),
    ("intervals", None, "a list"),
    ("intervals", [[1] * 6] * 101, "101 intervals"),
    ("intervals", [[1, 2, 3]], "intervals.0: not 6 numbers"),
    ("intervals", [{}], "intervals.0: not 6 numbers"),
    ("intervals", [[1.5, 30, 1, 1, 1, 1]], "integers"),
    ("intervals", [[True, 30, 1, 1, 1, 1]], "integers"),
    ("intervals", [[1, 30, "x", 1, 1, 1]], "a number or null"),
    ("intervals", [[1, 30, 1, 1, 1, 1]], "outside of its day"),
    ("intervals", [[0, 60, 1, 1, 1, 1]], "60 minutes"),
]


@pytest.mark.parametrize(("field", "value", "words"), BAD)
def test_what_is_no_plan_is_refused_by_name(field: str, value: Any, words: str) -> None:
    record = written(day())
    record["plan"][field] = value
    with pytest.raises(Refused) as refused:
        read_plan(record)
    assert refused.value.reason is Reason.BAD_PLAN
    assert words in refused.value.detail


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ([-1, 1, 1, 1], "offered -1"),
        ([1e9, 1, 1, 1], "offered 1e+09"),
        ([1, 0, 1, 1], "handle_ms 0"),
        ([1, 1, 1, 1e7], "scheduled"),
        ([None] * 4, "nothing is planned"),
    ],
)
def test_numbers_beyond_their_bounds_are_refused(figures: list[float | None], words: str) -> None:
    record = written(day())
    record["plan"]["intervals"][3][2:] = figures
    with pytest.raises(Refused, match=words.replace("+", r"\+")):
        read_plan(record)


def test_intervals_must_not_overlap() -> None:
    record = written(day())
    record["plan"]["intervals"][3][0] -= HALF // 2
    with pytest.raises(Refused, match="overlaps"):
        read_plan(record)


def test_the_last_interval_must_end_with_its_day() -> None:
    record = written(day())
    record["plan"]["intervals"][-1][0] += 60_000
    with pytest.raises(Refused, match="outside of its day"):
        read_plan(record)


def test_garbage_never_gets_through() -> None:
    rng = random.Random(1)
    junk: list[Any] = [None, -1, 1e308, "x", [], {}, True, float("inf"), 2**70, "2026-03-02"]
    for _ in range(600):
        record = written(day())
        plan = record["plan"]
        for _ in range(rng.randint(1, 3)):
            where = rng.choice([*plan, "row", "cell"])
            if where == "row":
                plan["intervals"] = [rng.choice(junk)]
            elif where == "cell" and isinstance(plan["intervals"], list) and plan["intervals"]:
                row = plan["intervals"][0]
                if isinstance(row, list) and row:
                    row[rng.randrange(len(row))] = rng.choice(junk)
            elif where in plan:
                plan[where] = rng.choice(junk)
        try:
            read = read_plan(record)  # nothing else than Refused may come out of it
        except Refused:
            continue
        assert read_plan(orjson.loads(plan_record(read, id="1", source="s", ts_ms=5))) == read


def test_a_day_that_would_be_refused_is_not_written() -> None:
    with pytest.raises(InputError, match="is a unit"):
        plan_record(replace(day(), queue="north/*"), id="1", source="s", ts_ms=5)
    with pytest.raises(InputError, match="60 minutes"):
        plan_record(replace(day(), intervals=(PlanInterval(0, 60, 1.0),)), id="1", source="s", ts_ms=5)


def test_the_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    own = {key: value for key, value in schema().items() if key != "allOf"}
    validator = jsonschema.Draft202012Validator({"$schema": "https://json-schema.org/draft/2020-12/schema", **own})
    jsonschema.Draft202012Validator.check_schema(own)
    validator.validate(EXAMPLE)
    validator.validate(written(day()))
    read_plan(EXAMPLE)
    unsayable = ("2026-02-30", "9999-12-31", "0001-01-01", "Mars/Olympus", "../etc")
    for field, value, words in BAD:
        record = written(day())
        record["plan"][field] = value
        if value not in unsayable and words != "outside of its day":
            assert not validator.is_valid(record), (field, value)


# -- versions in force ----------------------------------------------------------------------------------------------

START = day_bounds_ms("2026-03-02", ZONE)[0]


def test_a_plan_is_in_force_from_where_it_lies() -> None:
    book = PlanBook()
    assert book.take(day(offered=10), START - 1000)
    assert book.take(day(offered=20), START + 5 * HALF)
    third = START + 3 * HALF
    assert book.expected("north/report", third) == day(offered=20).intervals[3]
    assert book.expected("north/report", third, START + HALF) == day(offered=10).intervals[3]
    assert book.expected("north/report", third, START + 5 * HALF) == day(offered=20).intervals[3]
    assert book.expected("north/report", third, START - 2000) is None  # nothing was in force yet
    assert book.expected("north/report", third + HALF - 1) == day(offered=20).intervals[3]
    assert book.expected("south/x", third) is None
    assert book.expected("north/report", START - 1) is None
    found = book.in_force("north/report", third)
    assert found is not None
    assert (found.version, found.plan) == ("v20", day(offered=20))


def test_a_gap_in_the_plan_has_no_expectation_and_a_withdrawn_day_none() -> None:
    book = PlanBook()
    book.take(replace(day(), intervals=day().intervals[:2] + day().intervals[4:]), START)
    assert book.expected("north/report", START + 2 * HALF) is None
    assert book.expected("north/report", START + 4 * HALF) is not None
    book.take(replace(day(), intervals=(), version="none"), START + 1)
    assert book.expected("north/report", START) is None
    assert book.expected("north/report", START, START) is not None


def test_where_days_of_two_zones_overlap_the_one_told_last_holds() -> None:
    """A site's zone was wrong: the day planned anew in the right one lies elsewhere, and over the neighbour."""
    book = PlanBook()
    book.take(day("2026-03-03", offered=10), START)
    book.take(day("2026-03-02", offered=20, zone="America/New_York"), START + 1)
    at = day_bounds_ms("2026-03-03", ZONE)[0]
    assert book.expected("north/report", at, START).offered == 10  # type: ignore[union-attr]
    assert book.expected("north/report", at).offered == 20 + 36  # type: ignore[union-attr]


def test_the_same_again_changes_nothing() -> None:
    book = PlanBook()
    assert book.take(day(), START)
    book.changed.clear()
    assert not book.take(day(), START + 1)
    assert book.changed == set()
    assert len(list(book.versions("north/report"))) == 1


def test_the_first_version_and_the_latest_are_kept() -> None:
    book = PlanBook()
    for n in range(10):
        book.take(day(offered=n), START + n)
    assert [one.version for one in book.versions("north/report")] == ["v0", "v7", "v8", "v9"]
    assert len(list(book.versions("north/report"))) == VERSIONS_KEPT == book._size


def test_days_too_far_ahead_or_over_are_refused_and_those_over_are_forgotten() -> None:
    book = PlanBook()
    with pytest.raises(Refused, match="days ahead"):
        book.take(day(), START - AHEAD_MS - 1)
    assert book.take(day(), START - AHEAD_MS)
    end = day_bounds_ms("2026-03-02", ZONE)[1]
    book.tidy(end + BEHIND_MS - 1)
    assert book.queues() == ["north/report"]
    book.changed.clear()
    book.tidy(end + BEHIND_MS)
    assert (book.queues(), book.changed) == ([], {"north/report"})
    with pytest.raises(Refused, match="is over"):
        book.take(day(), end + BEHIND_MS)


def test_a_partition_keeps_so_many_days_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "DAYS_MAX", 5)
    book = PlanBook()
    for n in range(5):
        book.take(day(queue=f"north/q{n}"), START)
    with pytest.raises(Refused, match="5 days of plans already"):
        book.take(day(queue="north/q5"), START)
    with pytest.raises(Refused, match="already"):
        book.take(day(queue="north/q0", offered=11), START)
    book.tidy(START + 10 * 86_400_000)
    assert book.take(replace(day("2026-03-12"), queue="north/q5"), START + 10 * 86_400_000)


def test_a_snapshot_restores_all_of_it() -> None:
    book, rng = PlanBook(), random.Random(3)
    for n in range(40):
        plan = day(f"2026-03-{rng.randint(2, 9):02d}", f"north/q{rng.randint(0, 3)}", rng.randint(0, 5))
        book.take(plan, START + n)
    other = PlanBook()
    for queue in book.queues():
        other.thaw(queue, json.loads(json.dumps(book.freeze(queue))))
    assert other.queues() == book.queues()
    for queue in book.queues():
        assert other.freeze(queue) == book.freeze(queue)
        for _ in range(50):
            at, since = START + rng.randint(-1, 9 * 48) * HALF, START + rng.randint(-1, 50)
            assert other.expected(queue, at, since) == book.expected(queue, at, since)
    assert other._size == book._size
