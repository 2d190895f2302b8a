from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.errors import InputError, SettingsError
from sources.interval_report import Report, read_report
from sources.report_map import ReportMap

MAP = ReportMap(
    columns={"queue": ("Skill",), "start": ("Time",)},
    figures={"offered": ("In",), "service_level": ("SL",), "speed_of_answer": ("ASA",)},
    queues={"Billing": "north/billing", "Test": "skip"},
    minutes=30,
    zone="Europe/Berlin",
    totals=("Total*", "Sum"),
    empty=frozenset({"", "n/a"}),
)
HEADER = "Skill,Time,In,SL,ASA"


def run(tmp_path: Path, text: str, encoding: str = "utf-8", **options: Any) -> tuple[Report, list[str]]:
    path = tmp_path / "report.csv"
    path.write_bytes(text.encode(encoding, "surrogateescape"))
    said: list[str] = []
    report = read_report(str(path), replace(MAP, **options), said.append)
    return report, said


def rows(tmp_path: Path, *lines: str, **options: Any) -> tuple[Report, list[str]]:
    return run(tmp_path, "\n".join([HEADER, *lines]) + "\n", **options)


def ms(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def test_a_row_in_our_units(tmp_path: Path) -> None:
    report, said = rows(tmp_path, "Billing,2026-03-02T10:30,12,87.5%,14.2", "north/tech,2026-03-02T10:30,,n/a,")
    billing, tech = report.rows
    assert (billing.line, billing.queue, billing.minutes) == (2, "north/billing", 30)
    assert (billing.start_ms, billing.end_ms) == (ms("2026-03-02T10:30"), ms("2026-03-02T11:00"))
    assert billing.values == {"offered": 12, "service_level": 0.875, "speed_of_answer": 14_200}
    assert tech.values == {"offered": 0, "service_level": None, "speed_of_answer": None}
    assert said == []


def test_decimal_comma_thousands_clock_and_fraction(tmp_path: Path) -> None:
    report, _ = run(
        tmp_path,
        "title\n\nSkill;Time;In;SL;ASA\nBilling;02.03.2026 10:30;1.012;0,875;1:02:03,5\n",
        delimiter=";", decimal=",", thousands=".", skip=2, time="%d.%m.%Y %H:%M",
        units={"service_level": "fraction", "speed_of_answer": "clock"},
    )  # fmt: skip
    (row,) = report.rows
    assert row.line == 4
    assert row.values == {"offered": 1012, "service_level": 0.875, "speed_of_answer": 3_723_500}


def test_date_and_time_apart_numbers_for_columns_and_minutes_of_a_column(tmp_path: Path) -> None:
    columns = {"queue": (1,), "start": (2, 3), "minutes": (4,)}
    text = "Billing,2026-03-02,10:30,15,7\n"
    report, _ = run(tmp_path, text, columns=columns, figures={"offered": (5,)}, minutes=0, header=False)
    (row,) = report.rows
    assert (row.start_ms, row.end_ms, row.values) == (ms("2026-03-02T10:30"), ms("2026-03-02T10:45"), {"offered": 7})


def test_totals_and_queues_that_are_none_of_ours_are_counted_and_left_out(tmp_path: Path) -> None:
    good = "Billing,2026-03-02T10:30,1,,"
    report, said = rows(tmp_path, good, "Total of all,,1,,", "Billing,Sum,1,,", "Test,2026-03-02T10:30,9,,")
    assert (len(report.rows), report.totals, report.skipped, report.bad, said) == (1, 2, 1, 0, [])


def test_a_label_at_the_end_and_the_midnight_of_24_hours(tmp_path: Path) -> None:
    report, _ = rows(
        tmp_path, "Billing,2026-03-02 24:00,1,,", "Billing,2026-03-02 10:30,1,,",
        label="end", time="%Y-%m-%d %H:%M",
    )  # fmt: skip
    assert [row.start_ms for row in report.rows] == [ms("2026-03-02T10:00"), ms("2026-03-02T23:30")]


def test_the_hour_that_comes_twice_is_told_by_its_order_and_refused_when_it_stands_once(tmp_path: Path) -> None:
    night = [f"Billing,2026-10-25T{at},1,," for at in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")]
    report, said = rows(tmp_path, *night)
    starts = [row.start_ms for row in report.rows]
    assert [b - a for a, b in pairwise(starts)] == [1_800_000] * 5
    assert starts[3] == ms("2026-10-25T02:00", fold=1)
    assert said == []
    report, said = rows(tmp_path, *night[:3], night[5])
    assert [row.start_ms for row in report.rows] == [starts[0], starts[5]]
    assert [text.partition(": ")[2] for text in said] == [
        f"line {n}: skipped: 2026-10-25 {at}:00 came twice in Europe/Berlin and stands here once: "
        "nothing says which it is. Let the report have both, or times with an offset"
        for n, at in ((3, "02:00"), (4, "02:30"))
    ]


def test_with_an_offset_the_hour_that_comes_twice_needs_no_order(tmp_path: Path) -> None:
    report, said = rows(tmp_path, "Billing,2026-10-25T02:00+01:00,1,,")
    assert report.rows[0].start_ms == datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp() * 1000
    assert said == []


def test_a_time_that_never_was_is_refused(tmp_path: Path) -> None:
    report, said = rows(tmp_path, "Billing,2026-03-29T02:30,1,,", "Billing,2026-03-29T03:00,1,,")
    assert len(report.rows) == 1
    assert "line 2: skipped: 2026-03-29 02:30:00 never was in Europe/Berlin" in said[0]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-03-02", 24)])
def test_a_day_is_a_local_day(day: str, hours: int, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, f"Billing,{day}T00:00,1,,", minutes=1440)[0].rows
    assert row.end_ms - row.start_ms == hours * 3_600_000


def test_bad_rows_are_named_and_their_neighbours_go_through(tmp_path: Path) -> None:
    good = "Billing,2026-03-02T10:30,1,50,3"
    bad = {
        "it has 3 columns": "Billing,2026-03-02T11:00,1",
        "queue 'Sales' is not in [queues]": "Sales,2026-03-02T11:00,1,,",
        "it has no queue": ",2026-03-02T11:00,1,,",
        "time 'noon' is not of the form iso": "Billing,noon,1,,",
        "offered 'x' is no number": "Billing,2026-03-02T12:00,x,,",
        "offered '1,5' is no number": 'Billing,2026-03-02T12:00,"1,5",,',
        "offered '-1' is negative": "Billing,2026-03-02T12:00,-1,,",
        "offered '1.5' is no whole number": "Billing,2026-03-02T12:00,1.5,,",
        "offered 'nan' is no number": "Billing,2026-03-02T12:00,nan,,",
        "more than all, in the unit percent": "Billing,2026-03-02T12:00,1,101,",
        "the same interval as line 2": good,
        "it overlaps line 2": "Billing,2026-03-02T10:45,1,,",
        "bytes that are not utf-8": "Bi\udcffling,2026-03-02T12:00,1,,",
    }
    report, said = rows(tmp_path, good, *bad.values(), "Billing,2026-03-02T13:00,4,,")
    assert [row.values["offered"] for row in report.rows] == [1, 4]
    assert report.bad == len(bad)
    for n, reason in enumerate(bad, 3):
        (sentence,) = [text for text in said if f"report.csv: line {n}: skipped: " in text]
        assert reason in sentence


def test_a_point_is_no_decimal_where_the_map_says_comma(tmp_path: Path) -> None:
    _, said = rows(tmp_path, "Billing,2026-03-02T10:30,1,87.5,", "Billing,2026-03-02T11:00,1,,", decimal=";")
    assert "service_level '87.5' is no number" in said[0]


def test_columns_that_are_not_there_and_files_without_a_row(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'm:3: \[figures\], offered: .* has no column "In"; it has A, B'):
        run(tmp_path, "A,B\n", file="m", lines={"offered": 3}, columns={"queue": (1,), "start": (2,)})
    with pytest.raises(InputError, match="no interval can be read from it"):
        rows(tmp_path, "Total,,,,")
    with pytest.raises(InputError, match="cannot be read"):
        read_report(str(tmp_path / "gone.csv"), MAP)
