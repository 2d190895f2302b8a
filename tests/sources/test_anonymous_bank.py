from __future__ import annotations

import lzma
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from models.errors import InputError, UsageError
from sources.anonymous_bank import import_bank
from sources.import_result import ImportCounts
from sources.pseudonym import Pseudonyms
from sources.recording import open_recording
from tests import recorded

PEOPLE = Pseudonyms("test")
COLUMNS = (
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\t"
    "q_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"
)
NEVER = "0:00:00"


def row(
    call_id: int = 1,
    *,
    customer: str = "0",
    kind: str = "PS",
    date: str = "990203",
    entry: str = "10:00:00",
    vru_exit: str = "10:00:10",
    q: tuple[str, str] = (NEVER, NEVER),
    outcome: str = "AGENT",
    ser: tuple[str, str] = (NEVER, NEVER),
    server: str = "DORA",
) -> str:
    return "\t".join(
        ["AA0101", str(call_id), customer, "0", kind, date, entry, vru_exit, "10", *q, "0", outcome, *ser, "0", server]
    )


def run(
    tmp_path: Path, *rows: str, zone: str = "Asia/Jerusalem"
) -> tuple[list[dict[str, Any]], ImportCounts, list[str]]:
    source = tmp_path / "calls.tsv"
    source.write_text("\n".join([COLUMNS, *rows]) + "\n")
    said: list[str] = []
    out = tmp_path / "out.ndjson.zst"
    counts = import_bank([str(source)], str(out), made_by="test", pseudonyms=PEOPLE, zone=zone, say=said.append)
    with open_recording(out) as recording:
        assert recording.header.zone == zone
        assert "Technion" in recording.header.extra["acknowledge"]
        return [orjson.loads(line) for line in recording], counts, said


def ms(text: str, zone: str = "Asia/Jerusalem") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def brief(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(e["type"], e["ts"], e.get("wait_ms"), e.get("talk_ms")) for e in events]


def test_queued_and_served(tmp_path: Path) -> None:
    events, counts, _ = run(
        tmp_path,
        row(customer="77", q=("10:00:10", "10:00:40"), ser=("10:00:39", "10:03:00"), kind=" TT"),
    )
    assert brief(events) == [
        ("call.offered", ms("1999-02-03T10:00:10"), None, None),
        ("call.answered", ms("1999-02-03T10:00:40"), 30_000, None),
        ("call.completed", ms("1999-02-03T10:03:00"), None, 141_000),
    ]
    assert {e["queue"] for e in events} == {"bank/TT"}
    assert {e["channel"] for e in events} == {"voice"}
    assert {e["source"] for e in events} == {"anonymous-bank"}
    assert len({e["id"] for e in events}) == 3
    assert len({e["call"] for e in events}) == 1
    assert events[1]["agent"] == events[2]["agent"] == PEOPLE.agent("DORA")
    assert events[0]["customer"] == PEOPLE.customer("77")
    assert "agent" not in events[0]
    assert counts.line() == "offered 1 / answered 1 / abandoned 0 / left in the menu 0 / skipped 0"


def test_queued_and_hung_up(tmp_path: Path) -> None:
    events, counts, _ = run(tmp_path, row(q=("10:00:10", "10:01:10"), outcome="HANG", ser=("10:01:10", "10:02:00")))
    assert brief(events) == [
        ("call.offered", ms("1999-02-03T10:00:10"), None, None),
        ("call.abandoned", ms("1999-02-03T10:01:10"), 60_000, None),
    ]
    assert "customer" not in events[0]
    assert counts.line() == "offered 1 / answered 0 / abandoned 1 / left in the menu 0 / skipped 0"


def test_served_without_queue(tmp_path: Path) -> None:
    events, _, _ = run(tmp_path, row(ser=("10:00:09", "10:02:09")))
    at = ms("1999-02-03T10:00:09")
    assert brief(events) == [
        ("call.offered", at, None, None),
        ("call.answered", at, 0, None),
        ("call.completed", at + 120_000, None, 120_000),
    ]


def test_served_without_queue_and_times_of_service(tmp_path: Path) -> None:
    at = ms("1999-02-03T10:00:10")
    events, _, _ = run(tmp_path, row())
    assert brief(events) == [
        ("call.offered", at, None, None),
        ("call.answered", at, 0, None),
        ("call.completed", at, None, 0),
    ]


def test_left_in_the_menu_and_phantom(tmp_path: Path) -> None:
    events, counts, said = run(
        tmp_path, row(outcome="HANG"), row(2, outcome="PHANTOM", q=("10:00:10", "10:00:20"), ser=(NEVER, NEVER))
    )
    assert brief(events) == [("ivr.abandoned", ms("1999-02-03T10:00:10"), None, None)]
    assert counts.line() == "offered 0 / answered 0 / abandoned 0 / left in the menu 1 / skipped 1"
    assert said == []


def test_without_an_end_of_service_nothing_is_completed(tmp_path: Path) -> None:
    events, _, _ = run(
        tmp_path, row(q=("10:00:10", "10:00:40"), ser=("10:00:39", NEVER)), row(2, ser=("10:00:39", NEVER))
    )
    assert [e["type"] for e in events] == ["call.offered", "call.offered", "call.answered", "call.answered"]


def test_a_completion_is_never_before_its_answer(tmp_path: Path) -> None:
    events, _, _ = run(tmp_path, row(q=("10:00:10", "10:00:40"), ser=("10:00:20", "10:00:30")))
    assert brief(events)[1:] == [
        ("call.answered", ms("1999-02-03T10:00:40"), 30_000, None),
        ("call.completed", ms("1999-02-03T10:00:40"), None, 10_000),
    ]


def test_a_service_that_ends_before_it_begins_has_no_talk(tmp_path: Path) -> None:
    events, _, _ = run(tmp_path, row(q=("10:00:10", "10:00:40"), ser=("10:00:39", "10:00:35")))
    assert brief(events)[-1] == ("call.completed", ms("1999-02-03T10:00:40"), None, 0)


def test_midnight_is_crossed(tmp_path: Path) -> None:
    events, _, _ = run(
        tmp_path,
        row(entry="23:58:00", vru_exit="23:58:20", q=("23:58:20", "0:01:20"), ser=("0:01:19", "0:04:19")),
        row(2, entry="23:59:55", vru_exit="0:00:05", q=("0:00:05", "0:00:15"), outcome="HANG"),
        row(3, entry="23:59:00", vru_exit="23:59:10", q=("23:59:10", NEVER), outcome="HANG"),
        row(4, entry="23:59:30", vru_exit=NEVER, outcome="HANG"),
    )
    by_call = {n: brief([e for e in events if e["call"].endswith(f"-{n}")]) for n in (1, 2, 3, 4)}
    assert by_call[1] == [
        ("call.offered", ms("1999-02-03T23:58:20"), None, None),
        ("call.answered", ms("1999-02-04T00:01:20"), 180_000, None),
        ("call.completed", ms("1999-02-04T00:04:19"), None, 180_000),
    ]
    assert by_call[2] == [
        ("call.offered", ms("1999-02-04T00:00:05"), None, None),
        ("call.abandoned", ms("1999-02-04T00:00:15"), 10_000, None),
    ]
    assert by_call[3][1] == ("call.abandoned", ms("1999-02-04T00:00:00"), 50_000, None)
    assert by_call[4] == [("ivr.abandoned", ms("1999-02-04T00:00:00"), None, None)]


def test_an_hour_that_the_clock_repeats_is_read_as_its_first(tmp_path: Path) -> None:
    night = row(date="991031", entry="2:30:00", vru_exit="2:30:10", q=("2:30:10", "2:30:20"), outcome="HANG")
    events, _, _ = run(tmp_path, night, zone="Europe/Berlin")
    assert events[0]["ts"] == datetime(1999, 10, 31, 0, 30, 10, tzinfo=UTC).timestamp() * 1000


def test_an_hour_that_the_clock_skips_is_read_as_before_the_change(tmp_path: Path) -> None:
    night = row(date="990328", entry="2:30:00", vru_exit="2:30:10", q=("2:30:10", "2:30:20"), outcome="HANG")
    events, _, _ = run(tmp_path, night, zone="Europe/Berlin")
    assert events[0]["ts"] == datetime(1999, 3, 28, 1, 30, 10, tzinfo=UTC).timestamp() * 1000


def test_agents(tmp_path: Path) -> None:
    mended = ["NO_SERVERAMA", "ANO_SERVERT", "NO_SERVER", "DORA"]
    events, _, _ = run(tmp_path, *(row(n, server=s, ser=("10:00:09", NEVER)) for n, s in enumerate(mended)))
    agents = {e["call"][-1]: e.get("agent") for e in events if e["type"] == "call.answered"}
    assert agents == {
        "0": PEOPLE.agent("NA" + "AMA"),
        "1": PEOPLE.agent("A" + "NA" + "T"),
        "2": None,
        "3": PEOPLE.agent("DORA"),
    }


def test_a_customer_number_that_a_spreadsheet_shortened(tmp_path: Path) -> None:
    events, _, _ = run(tmp_path, row(customer="2.5E+08", outcome="HANG"))
    assert events[0]["customer"] == PEOPLE.customer("250000000")


def test_bad_rows_are_named_and_skipped(tmp_path: Path) -> None:
    good = row(1, outcome="HANG")
    bad = {
        "16 columns": row(2).replace("\t0\tPS", "0\tPS"),
        "H:MM:SS": row(3, entry="25:00:00"),
        "q_start": row(4, q=("10:61:00", "10:00:00")),
        "outcome 'LOST'": row(5, outcome="LOST"),
        "YYMMDD": row(6, date="9902030"),
        "month": row(7, date="991303"),
        "two letters": row(8, kind="PSX"),
        "customer_id": row(9, customer="x"),
        "1 columns": "garbage \xff \x00",
        "read before": good,
    }
    events, counts, said = run(tmp_path, good, *bad.values())
    assert len(events) == 1
    assert (counts.bad, counts.skipped) == (len(bad), len(bad))
    for line_no, (reason, sentence) in enumerate(zip(bad, said, strict=True), 3):
        assert f"calls.tsv: line {line_no}: skipped: " in sentence
        assert reason in sentence


def test_sorted_whatever_the_order_of_files_and_rows(tmp_path: Path) -> None:
    rows = [row(n, outcome="HANG", q=("10:00:10", f"10:00:{20 + n}")) for n in range(30)]
    (tmp_path / "a.txt").write_text("\r\n".join([COLUMNS, *rows[:10]]))
    (tmp_path / "b.tsv").write_text("\n".join(rows[10:20]))
    (tmp_path / "c.tsv.xz").write_bytes(lzma.compress("\n".join([COLUMNS, *rows[20:]]).encode()))
    outs = []
    for order in ("a.txt", "b.tsv", "c.tsv.xz"), ("c.tsv.xz", "b.tsv", "a.txt"):
        out = tmp_path / "out"
        files = [str(tmp_path / name) for name in order]
        assert import_bank(files, str(out), made_by="t", pseudonyms=PEOPLE).offered == 30
        outs.append(out.read_bytes())
    assert outs[0] == outs[1]
    with open_recording(tmp_path / "out") as recording:
        keys = [(e["ts"], e["type"] != "call.offered") for e in map(orjson.loads, recording)]
    assert keys == sorted(keys)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    cut = tmp_path / "cut.tsv.xz"
    cut.write_bytes(lzma.compress("\n".join(map(row, range(1000))).encode())[:-50])
    for name in (str(cut), str(tmp_path / "gone.tsv")):
        with pytest.raises(InputError, match=name):
            import_bank([name], str(tmp_path / "out"), made_by="t", pseudonyms=PEOPLE)
    with pytest.raises(UsageError, match="Nowhere"):
        import_bank([], str(tmp_path / "out"), made_by="t", pseudonyms=PEOPLE, zone="Nowhere")
    assert not (tmp_path / "out").exists()


@pytest.mark.data
@pytest.mark.parametrize(
    ("month", "expected"),
    [
        ("01", (30161, 27060, 3101, 1198, 240)),
        ("02", (31125, 27162, 3963, 1941, 278)),
        ("03", (36451, 27847, 8604, 1943, 407)),
        ("04", (29277, 23583, 5694, 2454, 305)),
        ("05", (37067, 29923, 7144, 2068, 418)),
    ],
)
def test_the_recorded_months(tmp_path: Path, month: str, expected: tuple[int, ...]) -> None:
    out = tmp_path / "out"
    counts = import_bank([str(recorded.month(month))], str(out), made_by="t", pseudonyms=PEOPLE)
    c = counts
    assert (c.offered, c.answered, c.abandoned, c.ivr_abandoned, c.skipped) == expected
    assert c.bad == 0
    last = 0
    ids = set()
    with open_recording(out) as recording:
        for event in map(orjson.loads, recording):
            assert event["ts"] >= last
            last = event["ts"]
            ids.add(event["id"])
            assert 0 <= event.get("wait_ms", 0) < 2 * 3_600_000
    assert len(ids) == c.events
