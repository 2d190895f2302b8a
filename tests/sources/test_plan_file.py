"""A plan's csv: what is read, local time and its jumps, and bad rows that leave their neighbours alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from models.catalogue import Catalogue, Site
from models.errors import InputError
from models.plan.interval import PlanInterval
from sources import plan_file
from sources.plan_file import PlanFile, read_plan_file

ZONE = "Europe/Berlin"
CATALOGUE = Catalogue(sites=(Site("north", ZONE, 30), Site("south", "Asia/Kathmandu", 15)))
HEAD = "queue,start,offered,handle_s,required,scheduled\n"


def read(tmp_path: Path, text: str | bytes, name: str = "") -> tuple[PlanFile, list[str]]:
    file, said = tmp_path / "week10.csv", list[str]()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = read_plan_file(str(file), CATALOGUE, name, said.append)
    return found, [line.removeprefix(f"{file}: ") for line in said]


def at(text: str, zone: str = ZONE, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def test_rows_become_days_of_queues(tmp_path: Path) -> None:
    found, said = read(
        tmp_path,
        HEAD
        + "north/report,2026-03-02 09:00,96,236,15,16\n"
        + "north/report,2026-03-02T09:30,120,240.5,,17.5\n"
        + "north/report,2026-03-03 00:00,3,,,\n"
        + "south/x,2026-03-02 23:45,7,200,1,1\n",
    )
    assert (found.rows, found.bad, said) == (4, 0, [])
    assert [(day.queue, day.day, day.zone, len(day.intervals)) for day in found.days] == [
        ("north/report", "2026-03-02", ZONE, 2),
        ("north/report", "2026-03-03", ZONE, 1),
        ("south/x", "2026-03-02", "Asia/Kathmandu", 1),
    ]
    assert found.days[0].intervals == (
        PlanInterval(at("2026-03-02 09:00"), 30, 96.0, 236_000.0, 15.0, 16.0),
        PlanInterval(at("2026-03-02 09:30"), 30, 120.0, 240_500.0, None, 17.5),
    )
    assert found.days[2].intervals[0].start_ms == at("2026-03-02 23:45", "Asia/Kathmandu")
    assert found.days[2].intervals[0].minutes == 15
    assert {day.name for day in found.days} == {"week10"}
    assert len({day.version for day in found.days}) == 1


def test_columns_come_in_any_order_and_further_ones_are_named(tmp_path: Path) -> None:
    found, said = read(
        tmp_path, "\ufeffDate;Time;Scheduled;shedule;Offered;Queue\n2026-03-02;09:00;16,5;x;96;north/report\n", "mine"
    )
    assert said == ['line 1: column "shedule" is left out; is it "scheduled"?']
    assert found.days[0].intervals == (PlanInterval(at("2026-03-02 09:00"), 30, 96.0, None, None, 16.5),)
    assert found.days[0].name == "mine"


def test_the_name_and_the_order_of_rows_do_not_make_another_version(tmp_path: Path) -> None:
    rows = [f"north/report,2026-03-02 {h:02d}:00,{h},200,1,1\n" for h in range(24)]
    one, _ = read(tmp_path, HEAD + "".join(rows))
    two, _ = read(tmp_path, HEAD + "".join(reversed(rows)), "other")
    assert one.days[0].version == two.days[0].version
    assert one.days[0].intervals == two.days[0].intervals
    three, _ = read(tmp_path, HEAD + "".join(rows[1:]))
    assert three.days[0].version != one.days[0].version


BAD = [
    (
        "north/report,2026-03-02 09:10,1,1,1,1",
        "09:10:00 is not where an interval of 30 minutes begins in Europe/Berlin",
    ),
    ("north/report,02.03.2026 09:00,1,1,1,1", "time '02.03.2026 09:00' is not like 2026-03-02 09:00"),
    ("north/report,2026-03-02,1,1,1,1", "time '2026-03-02' is not like"),
    ("north/report,0001-01-01 00:00,1,1,1,1", "the year of '0001-01-01 00:00' cannot be"),
    ("north/report,9999-12-31T23:30+00:00,1,1,1,1", "cannot be"),
    ("north/report,2026-03-02 10:00,-5,1,1,1", "offered '-5' is no number of 0 or more"),
    ("north/report,2026-03-02 10:00,1e3,1,1,1", "offered '1e3' is no number"),
    ("north/report,2026-03-02 10:00,1,0,1,1", "handle_ms 0 is not from 1"),
    ("north/report,2026-03-02 10:00,,,,", "nothing is planned in it"),
    ("north,2026-03-02 10:00,1,1,1,1", "queue is not site/skill"),
    ("north/*,2026-03-02 10:00,1,1,1,1", "is a unit"),
    ("north/report,2026-03-02 10:00", "it has 2 columns; scheduled is column 6"),
    ('north/report,2026-03-02 10:00,"1"x,1,1,1', "it is no csv"),
    ("north/report,2026-03-29 02:30,1,1,1,1", "never was in Europe/Berlin"),
    ("north/report,2026-10-25 02:30,1,1,1,1", "comes twice in Europe/Berlin and stands here once"),
    ("north/report,2026-03-02 09:00,1,1,1,1", "the same interval as line 2"),
]


@pytest.mark.parametrize(("row", "words"), BAD)
def test_a_bad_row_is_named_with_its_line_and_its_neighbours_go_through(tmp_path: Path, row: str, words: str) -> None:
    good = "north/report,2026-03-02 09:00,96,236,15,16\n{}\nnorth/report,2026-03-02 09:30,97,236,15,16\n"
    found, said = read(tmp_path, HEAD + good.format(row))
    assert (found.rows, found.bad) == (3, 1)
    assert len(said) == 1
    assert said[0].startswith("line 3: left out: ")
    assert words in said[0]
    assert [one.offered for one in found.days[0].intervals] == [96.0, 97.0]


def test_a_date_without_its_time_is_no_midnight(tmp_path: Path) -> None:
    found, said = read(tmp_path, "queue,date,time,offered\nnorth/a,2026-03-02,,5\nnorth/a,2026-03-02,00:00,7\n")
    assert [one.offered for one in found.days[0].intervals] == [7.0]
    assert "line 2: left out: time '2026-03-02' is not like" in said[0]


def test_another_length_of_interval_is_refused_with_the_way_out(tmp_path: Path) -> None:
    text = "queue,start,minutes,offered\nnorth/a,2026-03-02 09:00,60,5\nnorth/a,2026-03-02 10:00,30,5\n"
    found, said = read(tmp_path, text)
    assert found.bad == 1
    assert "intervals of north have 30 ([[site]] interval_min)" in said[0]


def test_hours_that_come_twice_and_times_with_an_offset(tmp_path: Path) -> None:
    rows = [
        f"north/a,2026-10-25 {h}:{m}" for h, m in (("01", "30"), ("02", "00"), ("02", "30"), ("02", "00"), ("02", "30"))
    ]
    found, said = read(tmp_path, HEAD + "".join(f"{row},{n},200,1,1\n" for n, row in enumerate(rows)))
    assert said == []
    first = at("2026-10-25 01:30")
    assert [one.start_ms for one in found.days[0].intervals] == [first + n * 1_800_000 for n in range(5)]
    assert [one.offered for one in found.days[0].intervals] == [0, 1, 2, 3, 4]
    found, said = read(
        tmp_path, HEAD + "north/a,2026-10-25T00:30:00Z,1,1,1,1\nsouth/x,2026-03-02T00:00+05:45,1,1,1,1\n"
    )
    assert said == []
    assert found.days[0].intervals[0].start_ms == at("2026-10-25 02:30")
    assert found.days[1].intervals[0].start_ms == at("2026-03-02 00:00", "Asia/Kathmandu")
    # a day of the plan is one of the site's clock, wherever the offset says that it lies
    assert [day.day for day in found.days] == ["2026-10-25", "2026-03-02"]


def test_a_file_that_is_no_plan_is_said(tmp_path: Path) -> None:
    cases: list[tuple[str | bytes, str]] = [
        ("", "it is empty"),
        ("a,b,c\n1,2,3\n", "line 1: a plan has the columns queue, start"),
        (
            "queue,start\nnorth/a,2026-03-02 09:00\n",
            "one of offered, handle_s, required, scheduled; this line has queue",
        ),
        (HEAD, "no interval of a plan can be read from it (0 bad rows)"),
        (HEAD + "x,y,z,1,1,1\n", "(1 bad rows)"),
        (b"\xff\xfe\x00" * 40, "a plan has the columns"),
    ]
    for text, words in cases:
        with pytest.raises(InputError, match=r".") as raised:
            read(tmp_path, text)
        assert words in str(raised.value), text
    with pytest.raises(InputError, match="cannot be read"):
        read_plan_file(str(tmp_path / "none.csv"), CATALOGUE)


def test_bytes_that_are_not_utf8_cost_their_row_only(tmp_path: Path) -> None:
    found, said = read(
        tmp_path, HEAD.encode() + b"north/\xff,2026-03-02 09:00,1,1,1,1\nnorth/a,2026-03-02 09:00,1,1,1,1\n"
    )
    assert len(found.days) == 1
    assert "bytes that are not utf-8" in said[0]


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name is empty or has more than 512"):
        read(tmp_path, HEAD + "north/a,2026-03-02 09:00,1,1,1,1\n", "x" * 600)


def test_a_plan_with_more_rows_than_can_be_held_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_file, "ROWS_MAX", 2)
    rows = [f"north/a,2026-03-02 0{n}:00,1,1,1,1\n" for n in range(3)]
    assert len(read(tmp_path, HEAD + "".join(rows[:2]))[0].days[0].intervals) == 2
    with pytest.raises(InputError, match="import it in parts"):
        read(tmp_path, HEAD + "".join(rows))
