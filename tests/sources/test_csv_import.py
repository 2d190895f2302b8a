from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from models.errors import InputError, SettingsError
from models.fields import check
from sources.csv_import import import_csv
from sources.csv_map import CsvMap
from sources.import_result import ImportCounts
from sources.pseudonym import Pseudonyms
from sources.recording import open_recording

PEOPLE = Pseudonyms("test")
NAMES = (
    "call,queue,offered,answered,abandoned,flowed_out,left_menu,blocked,completed,wait,talk,hold,wrap,agent,customer"
)
COLUMNS = {name: (name,) for name in NAMES.split(",")}


def run(
    tmp_path: Path, meaning: CsvMap, text: str, encoding: str = "utf-8"
) -> tuple[list[dict[str, Any]], ImportCounts, list[str]]:
    (tmp_path / "calls.csv").write_bytes(text.encode(encoding, "surrogateescape"))
    said: list[str] = []
    out = tmp_path / "out.ndjson.zst"
    counts = import_csv(
        [str(tmp_path / "calls.csv")], str(out), meaning, made_by="t", pseudonyms=PEOPLE, say=said.append
    )
    with open_recording(out) as recording:
        events = [orjson.loads(line) for line in recording]
    for event in events:
        check(event)  # what we write are events
    assert [e["ts"] for e in events] == sorted(e["ts"] for e in events)
    return events, counts, said


def rows(*cells: dict[str, str]) -> str:
    names = NAMES.split(",")
    return "\n".join([NAMES, *(",".join(({"queue": "s/q"} | row).get(name, "") for name in names) for row in cells)])


def brief(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(e["type"], e["ts"] // 1000, e.get("wait_ms"), e.get("talk_ms")) for e in events]


EPOCH = CsvMap(columns=COLUMNS, time="epoch_s")


def test_all_outcomes_from_their_times(tmp_path: Path) -> None:
    text = rows(
        {"call": "1", "offered": "100", "answered": "130.5", "completed": "200", "agent": "Ann", "customer": "7"},
        {"call": "2", "offered": "300", "abandoned": "310"},
        {"call": "3", "offered": "400", "flowed_out": "410"},
        {"call": "4", "left_menu": "500"},
        {"call": "5", "blocked": "600"},
    )
    events, counts, said = run(tmp_path, EPOCH, text)
    assert brief(events) == [
        ("call.offered", 100, None, None),
        ("call.answered", 130, 30_500, None),
        ("call.completed", 200, None, 69_500),
        ("call.offered", 300, None, None),
        ("call.abandoned", 310, 10_000, None),
        ("call.offered", 400, None, None),
        ("call.flowed_out", 410, 10_000, None),
        ("ivr.abandoned", 500, None, None),
        ("call.blocked", 600, None, None),
    ]
    assert events[1]["agent"] == events[2]["agent"] == PEOPLE.agent("Ann")
    assert {e["customer"] for e in events[:3]} == {PEOPLE.customer("7")}
    assert said == []
    assert counts.line() == (
        "offered 3 / answered 1 / abandoned 1 / flowed out 1 / blocked 1 / left in the menu 1 / skipped 0"
    )


def test_what_is_missing_is_derived(tmp_path: Path) -> None:
    text = rows(
        {"call": "1", "offered": "100", "answered": "130", "wait": "29", "talk": "60", "hold": "10", "wrap": "5"},
        {"call": "2", "answered": "330", "wait": "30"},
    )
    events, _, _ = run(tmp_path, EPOCH, text)
    assert brief(events) == [
        ("call.offered", 100, None, None),
        ("call.answered", 130, 29_000, None),  # the wait of the source wins over the difference
        ("call.completed", 200, None, 60_000),
        ("call.offered", 300, None, None),
        ("call.answered", 330, 30_000, None),
    ]
    assert (events[2]["hold_ms"], events[2]["wrap_ms"]) == (10_000, 5_000)


def test_the_outcome_column_decides(tmp_path: Path) -> None:
    meaning = CsvMap(
        columns=COLUMNS | {"outcome": (1,), "call": (2,), "offered": ("offered",)},
        outcomes={"T": ("flowed_out", "timeout"), "X": ("skip", ""), "B": ("blocked", "")},
        time="epoch_s",
        queue="s/q",
    )
    header = NAMES.replace("call,queue", "res,id")
    del meaning.columns["queue"]  # type: ignore[attr-defined]
    text = f"{header}\nT,1,100,,,,,,,9,,,,,\nX,2,,,,,,,,,,,,,\nB,3,100,,,,,,,,,,,,\nwhat,4,100,,,,,,,,,,,,\n"
    events, counts, said = run(tmp_path, meaning, text)
    assert sorted(e["type"] for e in events) == ["call.blocked", "call.flowed_out", "call.offered"]
    assert next(e for e in events if e["type"] == "call.flowed_out")["reason"] == "timeout"
    assert counts.skipped == 2
    assert [s.split("calls.csv: ")[1] for s in said] == ["line 5: skipped: outcome 'what' is not in [outcomes] of map"]


@pytest.mark.parametrize(
    ("form", "zone", "text"),
    [
        ("iso", "Europe/Berlin", "2025-02-03T08:00:05"),
        ("iso", "Asia/Tokyo", "2025-02-03 07:00:05Z"),
        ("%d.%m.%Y %H:%M:%S", "Europe/Berlin", "03.02.2025 08:00:05"),
        ("%Y%m%d %H%M%S %z", "Asia/Tokyo", "20250203 080005 +0100"),
        ("epoch_s", "Asia/Tokyo", "1738566005"),
        ("epoch_ms", "Asia/Tokyo", "1738566005000"),
    ],
)
def test_forms_of_time(tmp_path: Path, form: str, zone: str, text: str) -> None:
    meaning = CsvMap(columns=COLUMNS, time=form, zone=zone)
    events, _, said = run(tmp_path, meaning, rows({"call": "1", "left_menu": text}))
    assert said == []
    assert events[0]["ts"] == 1_738_566_005_000


@pytest.mark.parametrize(
    ("unit", "text", "ms"), [("s", "1.5", 1500), ("ms", "1500", 1500), ("clock", "1:02:03", 3_723_000)]
)
def test_units_of_duration(tmp_path: Path, unit: Any, text: str, ms: int) -> None:
    meaning = CsvMap(columns=COLUMNS, time="epoch_s", duration=unit)
    events, _, said = run(tmp_path, meaning, rows({"call": "1", "abandoned": "9000", "wait": text}))
    assert said == []
    assert events[1]["wait_ms"] == ms


def test_numbered_and_joined_columns_without_a_header(tmp_path: Path) -> None:
    meaning = CsvMap(
        columns={"call": (1,), "skill": (4,), "left_menu": (2, 3)}, site="s", header=False, delimiter="\t", quote="'"
    )
    events, _, _ = run(
        tmp_path, meaning, "1\t2025-02-03\t07:00:05\t'a\tb'\n\n2\t2025-02-03\t07:00:06\tb\n".replace("a\tb", "a b")
    )
    assert [(e["queue"], e["ts"]) for e in events] == [("s/a b", 1_738_566_005_000), ("s/b", 1_738_566_006_000)]


def test_encodings(tmp_path: Path) -> None:
    text = rows({"call": "1", "left_menu": "9", "queue": "s/Tür"})
    assert run(tmp_path, EPOCH, text, "utf-8-sig")[0][0]["queue"] == "s/Tür"
    latin = CsvMap(columns=COLUMNS, time="epoch_s", encoding="latin-1")
    assert run(tmp_path, latin, text, "latin-1")[0][0]["queue"] == "s/Tür"
    _, counts, said = run(tmp_path, EPOCH, text, "latin-1")
    assert counts.bad == 1
    assert "line 2: skipped: it holds bytes that are not utf-8" in said[0]


def test_bad_rows_are_named_and_skipped(tmp_path: Path) -> None:
    good = {"call": "1", "offered": "100", "answered": "130"}
    bad = {
        "was read before": good,
        "no call": {"offered": "100", "answered": "130"},
        "no queue": good | {"call": "2", "queue": ""},
        "queue is not site/skill": good | {"call": "3", "queue": "q"},
        "offered 'x' is not a time": good | {"call": "4", "offered": "x"},
        "answered lies 30 s before offered": good | {"call": "5", "offered": "160"},
        "no time of an outcome": {"call": "6", "offered": "100"},
        "no time for offered": {"call": "7", "answered": "100"},
        "completed lies 1 s before answered": good | {"call": "8", "completed": "129"},
        "wait 'soon' is no duration": good | {"call": "9", "wait": "soon"},
        "wait '-1' is negative": good | {"call": "10", "wait": "-1"},
        "ts is": {"call": "11", "blocked": "99999999999"},
        "id has more than": {"call": "1" * 600, "blocked": "100"},
        "talk 'nan' is no duration": good | {"call": "12", "talk": "nan"},
    }
    text = rows(good, *bad.values()) + "\n1,2\n"
    events, counts, said = run(tmp_path, EPOCH, text)
    assert len(events) == 2
    assert counts.bad == counts.skipped == len(bad) + 1
    for line_no, (reason, sentence) in enumerate(zip([*bad, "it has 2 columns"], said, strict=True), 3):
        assert f"calls.csv: line {line_no}: skipped: " in sentence
        assert reason in sentence


def test_line_numbers_count_lines_not_rows(tmp_path: Path) -> None:
    text = 'call,queue,blocked\n1,"s/\nq",100\n\n2,s/q,x\n3,"s/q" x,100\n4,s/q,100\n'
    meaning = CsvMap(columns={name: (name,) for name in ("call", "queue", "blocked")}, time="epoch_s")
    events, _, said = run(tmp_path, meaning, text)
    assert [e["call"] for e in events] == ["csv-4"]
    assert [s.split("calls.csv: ")[1][:15] for s in said] == ["line 2: skipped", "line 5: skipped", "line 6: skipped"]


def test_a_column_that_the_file_does_not_have(tmp_path: Path) -> None:
    meaning = CsvMap(columns={"call": ("Id",)}, file="m.toml", lines={"call": 4})
    with pytest.raises(SettingsError, match=r'm.toml:4: .*calls.csv has no column "Id"; it has a, b'):
        run(tmp_path, meaning, "a,b\n1,2\n")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        import_csv([str(tmp_path / "gone.csv")], str(tmp_path / "out"), EPOCH, made_by="t", pseudonyms=PEOPLE)
    assert list(tmp_path.iterdir()) == []


def test_standard_input_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(rows({"call": "1", "blocked": "100"}).encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert import_csv(["-"], str(tmp_path / "out"), EPOCH, made_by="t", pseudonyms=PEOPLE).blocked == 1
    assert not stdin.buffer.closed
