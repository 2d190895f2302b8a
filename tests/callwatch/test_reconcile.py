"""``callwatch reconcile``: five days of the bank against reports from an independent reading, and small reports."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from callwatch.cli import build
from models.errors import CallwatchError
from sources.anonymous_bank import import_bank
from sources.pseudonym import Pseudonyms
from tests.callwatch.bank_report import (
    MAP,
    SKILLS,
    ZONE,
    BankCall,
    Key,
    by_arrival,
    by_outcome,
    calls_of,
    half_hour,
    lines_of,
    write_report,
)
from tests.callwatch.test_intervals import call, recording

TZ = ZoneInfo(ZONE)


def reconcile(*args: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(build(), ["reconcile", *args], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit | CallwatchError):
        raise result.exception
    return result


def found(*args: str, code: int = 1) -> dict[str, Any]:
    result = reconcile(*args, "--format", "json")
    assert result.exit_code == code, result.output
    out: dict[str, Any] = json.loads(result.stdout)
    return out


# -- the bank --------------------------------------------------------------------------------------------------------


class Bank:
    """The bank from 1 to 5 February: a recording, a map, and the calls as an independent reading has them."""

    def __init__(self, folder: Path) -> None:
        lines = lines_of("02", 5)
        self.calls = calls_of(lines)
        (folder / "feb.tsv").write_text("".join(lines), encoding="latin-1")
        self.recording = str(folder / "feb.ndjson.zst")
        import_bank([str(folder / "feb.tsv")], self.recording, made_by="t", pseudonyms=Pseudonyms("t"), zone=ZONE)
        (folder / "map.toml").write_text(MAP)
        self.args = ("--map", str(folder / "map.toml"), "--recording", self.recording)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tmp_path_factory.mktemp("bank"))


def keys_of(result: dict[str, Any]) -> set[Key]:
    return {
        (row["queue"].partition("/")[2], datetime.fromtimestamp(row["start_ms"] / 1000, TZ).replace(tzinfo=None))
        for row in result["intervals"]
    }


@pytest.mark.data
def test_a_right_report_of_the_bank_agrees_and_five_calls_less_are_found(bank: Bank, tmp_path: Path) -> None:
    intervals = by_arrival(bank.calls)
    report = write_report(tmp_path / "report.csv", intervals)
    result = found(report, *bank.args, code=0)
    assert (result["agrees"], result["compared"], result["intervals"]) == (True, len(intervals), [])
    key = ("PS", datetime(1999, 2, 3, 10, 0))  # noqa: DTZ001 - local
    intervals[key] -= Counter(offered=5, answered=5)
    result = found(write_report(tmp_path / "less.csv", intervals), *bank.args, "--limit", "1000")
    assert keys_of(result) == {key}
    (row,) = result["intervals"]
    apart = {f["figure"]: f["difference"] for f in row["figures"]}
    assert (apart["offered"], apart["answered"]) == (-5, -5)
    assert {f["guesses"][0] for f in row["figures"][:2]} == {
        "5 fewer than our calls; no way of counting that we know gives the report's figure"
    }
    mine = [c for c in bank.calls if (c.skill, half_hour(c.arrival)) == key]
    assert sorted(c["call"] for c in row["calls"]) == sorted(c.call for c in mine)
    assert {c["call"]: c["wait_ms"] for c in row["calls"]} == {c.call: c.wait_s * 1000 for c in mine}


def differs(ours: Counter[str], theirs: Counter[str]) -> bool:
    """The rule that the command documents, once more."""

    def count(a: int, b: int) -> bool:
        return abs(a - b) > 2 or (abs(a - b) >= 1 and abs(a - b) > 0.005 * max(a, b))

    if any(count(ours[n], theirs[n]) for n in ("offered", "answered", "abandoned", "in")):
        return True
    if abs(ours["wait"] - theirs["wait"]) > max(1, 0.005 * max(ours["wait"], theirs["wait"])):
        return True
    bases = [n["answered"] + n["abandoned"] - n["short"] for n in (ours, theirs)]
    return all(bases) and abs(ours["in"] / bases[0] - round(theirs["in"] / bases[1], 4)) > 0.005


@pytest.mark.data
def test_a_report_by_outcome_is_named_with_the_calls_over_the_edge(bank: Bank, tmp_path: Path) -> None:
    days = [c for c in bank.calls if c.arrival.day <= 4]
    ours, theirs = by_arrival(days), by_outcome(days)
    report = write_report(tmp_path / "by_outcome.csv", theirs)
    result = found(report, *bank.args, "--limit", "1000")
    assert keys_of(result) == {key for key in ours.keys() | theirs.keys() if differs(ours[key], theirs[key])}
    assert result["explained_by"]["by-outcome"] == len(result["intervals"]) > 50
    by_key: dict[Key, list[BankCall]] = {}
    for c in days:
        if half_hour(c.arrival) != half_hour(c.ended):
            for at in (c.arrival, c.ended):
                by_key.setdefault((c.skill, half_hour(at)), []).append(c)
    for row in result["intervals"]:
        (key,) = keys_of({"intervals": [row]})
        assert {c["call"] for c in row["calls"] if c["explains"]} == {c.call for c in by_key[key]}, key
        assert "count by outcome" in row["figures"][0]["guesses"][0]
    bank_map = tmp_path / "event.toml"
    bank_map.write_text(MAP.replace("minutes = 30", 'minutes = 30\nattribution = "event"'))
    last = half_hour(max(c.arrival for c in days)) + timedelta(hours=1)
    whole = [c for c in bank.calls if c.arrival < last]
    report = write_report(tmp_path / "whole.csv", {k: n for k, n in by_outcome(whole).items() if k[1].day <= 4})
    result = found(report, "--map", str(bank_map), "--recording", bank.recording, code=0)
    assert result["attribution"] == "event"
    assert set(SKILLS) >= {c.skill for c in days}


# -- small ones ------------------------------------------------------------------------------------------------------

SMALL_MAP = """\
[file]
zone = "Asia/Jerusalem"
minutes = 30
queue = "bank/PS"

[columns]
start = "start"

[figures]
offered = "offered"
answered = "answered"
abandoned = "abandoned"
"""


class Small:
    """A recording of a few calls and reports on them."""

    def __init__(self, folder: Path, *events: dict[str, Any] | bytes, meaning: str = SMALL_MAP) -> None:
        self.folder = folder
        self.recording = recording(folder / "rec", *events)
        (folder / "map.toml").write_text(meaning)

    def args(self, *rows: str, header: str = "start,offered,answered,abandoned") -> tuple[str, ...]:
        path = self.folder / "report.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return (str(path), "--map", str(self.folder / "map.toml"), "--recording", self.recording)


def served(name: str, at: str, wait_s: int = 10, **more: Any) -> list[dict[str, Any]]:
    day = f"1999-02-01T{at}"
    left = (datetime.fromisoformat(day) + timedelta(seconds=wait_s)).isoformat()
    return [call("call.offered", day, name, **more), call("call.answered", left, name)]


def lost(name: str, at: str, wait_s: int) -> list[dict[str, Any]]:
    offered, answered = served(name, at, wait_s)
    return [offered, {**answered, "type": "call.abandoned"}]


def one(result: dict[str, Any]) -> dict[str, Any]:
    (row,) = result["intervals"]
    return dict(row)


def guesses(row: dict[str, Any]) -> dict[str, str]:
    return {f["figure"]: f["guesses"][0] for f in row["figures"]}


def test_short_abandons_are_told_from_the_calls(tmp_path: Path) -> None:
    events = [*served("a", "10:05:00"), *served("b", "10:06:00")]
    for n in range(6):
        events += lost(f"s{n}", f"10:0{n}:30", 3)
    events += lost("long", "10:15:00", 40)
    small = Small(tmp_path, *sorted(events, key=lambda e: e["ts"]))
    row = one(found(*small.args("1999-02-01T10:00,3,2,1")))
    said = "differs by exactly the 6 short abandon(s) up to 5 s: the report seems to leave them out"
    assert guesses(row) == {"offered": said, "abandoned": said}
    assert [c["call"] for c in row["calls"]] == [*(f"s{n}" for n in range(6)), "a", "b", "long"], "the explaining first"
    assert all("short abandon" in c["flags"] for c in row["calls"][:6])
    assert guesses(one(found(*small.args("1999-02-01T10:00,9,2,1")))) == {
        "abandoned": said.replace("leave them out", "count them as offered alone")
    }


def test_what_is_odd_about_a_call_is_said(tmp_path: Path) -> None:
    small = Small(
        tmp_path,
        *served("edge", "10:00:01"),
        call("call.offered", "1999-02-01T10:10:00", "open"),
        call("call.offered", "1999-02-01T10:11:00", "two"),
        call("call.answered", "1999-02-01T10:11:05", "two"),
        call("call.abandoned", "1999-02-01T10:11:09", "two"),
        call("call.answered", "1999-02-01T10:12:00", "never", wait_ms=9000),
        call("call.offered", "1999-02-01T10:13:00", "negative"),
        call("call.answered", "1999-02-01T10:13:05", "negative", wait_ms=-4000),
        call("call.offered", "1999-02-01T10:14:00", "moved", from_queue="bank/NE", first_queued_ts=917856600000, leg=2),
        call("call.answered", "1999-02-01T10:14:05", "moved", leg=2),
        b'{"type":"call.answered","queue":"bank/PS","ts":"now"}',
        *served("late", "10:29:30", 50),
    )
    result = found(*small.args("1999-02-01T10:00,1,1,0"))
    flags = {c["call"]: set(c["flags"]) for c in one(result)["calls"]}
    assert flags == {
        "edge": {"within 1 s of the edge"},
        "open": {"no outcome"},
        "two": {"two outcomes"},
        "never": {"never offered"},
        "negative": {"negative wait"},
        "moved": {"from bank/NE", "leg 2"},
        "late": {"outcome in another interval", "within 60 s of the edge"},
    }
    (dead,) = one(result)["counts_nowhere"]
    assert dead.startswith("line 13: missing_field")
    table = reconcile(*small.args("1999-02-01T10:00,1,1,0"))
    assert "bank/PS 1999-02-01T10:00:00+02:00 to 10:30, line 2" in table.stdout
    assert "moved leg 2  10:14:00  answered  10:14:05  wait 5 s  from bank/NE; leg 2" in table.stdout


def test_a_clock_that_is_a_minute_ahead_is_told(tmp_path: Path) -> None:
    events = [*served("a", "10:05:00"), *served("b", "10:10:00"), *served("c", "10:29:20"), *served("d", "10:40:00")]
    small = Small(tmp_path, *events)
    result = found(*small.args("1999-02-01T10:00,2,2,0", "1999-02-01T10:30,2,2,0"))
    said = "1 call within 60 s of the interval's edges: the report's clock seems to be 60 s ahead of ours"
    assert [guesses(row)["offered"] for row in result["intervals"]] == [said, said]


def test_intervals_that_one_side_alone_has_are_listed(tmp_path: Path) -> None:
    small = Small(tmp_path, *served("a", "10:05:00"), *served("b", "11:05:00"), *served("c", "12:05:00"))
    rows = ["1999-02-01T10:00,1,1,0", "1999-02-01T10:30,4,4,0", "1999-02-01T11:30,0,0,0", "1999-02-01T12:00,1,1,0"]
    result = found(*small.args(*rows, "1999-02-01T15:00,2,2,0"))
    assert [(row["start"][11:16], row["side"]) for row in result["intervals"]] == [
        ("10:30", "report"),
        ("11:00", "ours"),
        ("15:00", "report"),
    ]
    assert [c["call"] for c in result["intervals"][1]["calls"]] == ["b"]
    assert result["intervals"][2]["notes"] == ["the recording ends before"]


def test_a_report_of_hours_is_the_sum_of_our_half_hours(tmp_path: Path) -> None:
    meaning = SMALL_MAP.replace("minutes = 30", "minutes = 60") + 'service_level = "sl"\nspeed_of_answer = "asa"\n'
    events = [*served("a", "10:05:00", 30), *served("b", "10:35:00", 10), *lost("c", "10:50:00", 60)]
    small = Small(tmp_path, *events, meaning=meaning)
    header = "start,offered,answered,abandoned,sl,asa"
    found(*small.args("1999-02-01T10:00,3,2,1,33.33,20", header=header), code=0)
    row = one(found(*small.args("1999-02-01T10:00,3,2,1,50,20", header=header)))
    assert guesses(row) == {"service_level": "the report seems to use the formula answered_only"}
    result = reconcile(*small.args("1999-02-01T10:15,3,2,1,,", "1999-02-01T12:00,0,0,0,,", header=header))
    assert result.exit_code == 1
    assert "report.csv: line 2: skipped: bank/PS does not begin with one of our 30 min intervals" in result.stderr


def test_a_report_of_shorter_intervals_is_refused_with_the_way_out(tmp_path: Path) -> None:
    small = Small(tmp_path, *served("a", "10:05:00"), meaning=SMALL_MAP.replace("minutes = 30", "minutes = 15"))
    args = small.args("1999-02-01T10:00,1,1,0")
    result = reconcile(*args)
    assert "are shorter than ours of 30 min (bank/PS): give --minutes" in str(result.exception)
    assert getattr(result.exception, "exit_code", None) == 2
    found(*args, "--minutes", "15", code=0)


def test_the_zone_is_suspected_when_everything_agrees_an_hour_later(tmp_path: Path) -> None:
    events = [e for h in range(8, 18) for n in range(h - 6) for e in served(f"{h}-{n}", f"{h:02}:0{n % 10}:00")]
    small = Small(tmp_path, *sorted(events, key=lambda e: e["ts"]))
    rows = [f"1999-02-01T{h - 1:02}:00,{h - 6},{h - 6},0" for h in range(8, 18)]
    result = found(*small.args(*rows))
    assert any("if the report's times were +60 min later" in note for note in result["summary"])


def test_a_queue_that_we_do_not_know_is_told_with_ours(tmp_path: Path) -> None:
    meaning = SMALL_MAP.replace('queue = "bank/PS"\n', "").replace("[columns]", '[columns]\nqueue = "q"')
    small = Small(tmp_path, *served("a", "10:05:00"), meaning=meaning)
    args = small.args("bank/PX,1999-02-01T10:00,1,1,0", header="q,start,offered,answered,abandoned")
    ours, theirs = found(*args)["intervals"]
    assert (ours["queue"], ours["side"]) == ("bank/PS", "ours")
    assert theirs["notes"] == ["we know no such queue: see [queues] of the map; ours are bank/PS"]


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "code"),
    [
        (6, 5, (), 1),  # one call is more than 0.5 % of six
        (6, 5, ("--share", "20"), 0),
        (6, 3, ("--share", "60"), 1),  # three are more than two calls
        (6, 3, ("--share", "60", "--calls", "3"), 0),
    ],
)
def test_the_tolerance(ours: int, theirs: int, options: tuple[str, ...], code: int, tmp_path: Path) -> None:
    small = Small(tmp_path, *(e for n in range(ours) for e in served(str(n), f"10:{10 + n}:00")))
    args = small.args(f"1999-02-01T10:00,{theirs}", header="start,offered,answered,abandoned")
    meaning = SMALL_MAP.replace('answered = "answered"\nabandoned = "abandoned"\n', "")
    (tmp_path / "map.toml").write_text(meaning)
    found(*args, *options, code=code)


def test_csv_standard_input_and_a_bad_row(tmp_path: Path) -> None:
    small = Small(tmp_path, *served("a", "10:05:00"), *served("b", "10:35:00"))
    _, *args = small.args()
    text = "start,offered,answered,abandoned\n1999-02-01T10:00,1,1,0\nx,1,1,0\n1999-02-01T10:30,4,1,0\n"
    result = reconcile("-", *args, "--format", "csv", stdin=text)
    assert result.exit_code == 1
    assert "-: line 3: skipped: time 'x' is not of the form iso" in result.stderr
    figure, behind = csv.DictReader(io.StringIO(result.stdout))
    assert (figure["figure"], figure["ours"], figure["theirs"], figure["difference"]) == ("offered", "1", "4", "3")
    assert figure["guess"].startswith("3 more than we have any word of")
    assert (behind["call"], behind["offered"], behind["wait_ms"]) == ("b", "1999-02-01T10:35:00+02:00", "10000")
    good = reconcile("-", *args, stdin=text.replace("x,1,1,0\n", "").replace(",4,", ",1,"))
    assert good.exit_code == 0
    assert "none differs" in good.stdout
    bad = reconcile("-", *args, stdin=text.replace(",4,", ",1,"))
    assert bad.exit_code == 1, "a row that cannot be read has not agreed"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "Name what to compare with"),
        (("--recording", "-"), "must be a file"),
        (("--settings", "s.toml", "--minutes", "15"), "need --recording"),
        (("--recording", "r", "--minutes", "7"), "divide the day evenly"),
        (("--recording", "r", "--threshold", "0"), "above 0"),
        (("--recording", "report.csv", "-o", "report.csv"), "write over what is read"),
        (("--recording", "report.csv", "--map", "gone.toml"), "is no recording|is missing|no zstd"),
    ],
)
def test_wrong_calls(options: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("report.csv").write_text("start\n")
    Path("map.toml").write_text(SMALL_MAP)
    result = reconcile("report.csv", "--map", "map.toml", *options)
    assert result.exit_code != 0
    with pytest.raises(CallwatchError, match=reason):
        raise result.exception or AssertionError(result.output)
