"""``callwatch intervals``: against the bank's own rows, read once more in plain Python, and on small recordings."""

from __future__ import annotations

import csv
import io
import lzma
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from sources.recording import RecordingHeader, RecordingWriter
from tests import recorded

ZONE = "Asia/Jerusalem"


def table(*args: str) -> list[dict[str, str]]:
    result = CliRunner().invoke(build(), ["intervals", *args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def recording(path: Path, *events: dict[str, Any] | bytes) -> str:
    with RecordingWriter(path, RecordingHeader(zone=ZONE)) as out:
        for n, e in enumerate(events):
            out.write(e if isinstance(e, bytes) else orjson.dumps({"id": str(n), "source": "t", **e}))
    return str(path)


def call(kind: str, local: str, name: str, **more: Any) -> dict[str, Any]:
    ts = int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
    return {"type": kind, "ts": ts, "queue": "bank/PS", "call": name, **more}


def _instant(day: str, clock: str, entry: str) -> datetime:
    def seconds(text: str) -> int:
        h, m, s = text.split(":")
        return int(h) * 3600 + int(m) * 60 + int(s)

    base = datetime.strptime("19" + day, "%Y%m%d")  # noqa: DTZ007 - local on purpose
    late = seconds(entry) - seconds(clock) > 12 * 3600
    return base + timedelta(days=late, seconds=seconds(clock))


def _expected(lines: list[str], threshold_s: int) -> dict[tuple[str, str], Counter[str]]:
    """The table from the TSV by the mapping of its README, by arrival, without any of our code."""
    out: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in lines[1:]:
        f = line.rstrip("\n").split("\t")
        if len(f) != 17 or f[12].strip() == "PHANTOM":
            continue
        kind, day, entry, vru_exit, q_start, q_exit, outcome, ser_start = (
            f[i].strip() for i in (4, 5, 6, 7, 9, 10, 12, 13)
        )
        queued = q_start != "0:00:00"
        arrival = q_start if queued else (ser_start if outcome == "AGENT" and ser_start != "0:00:00" else vru_exit)
        at = _instant(day, arrival, entry)
        at = at.replace(minute=at.minute // 30 * 30, second=0)
        key = (f"bank/{kind}", at.replace(tzinfo=ZoneInfo(ZONE)).isoformat())
        if not queued and outcome == "HANG":
            out[key]["ivr_abandoned"] += 1
            continue
        wait = (
            int((_instant("990101", q_exit, q_start) - _instant("990101", q_start, q_start)).total_seconds()) % 86400
            if queued
            else 0
        )
        out[key]["offered"] += 1
        name = "answered" if outcome == "AGENT" else "abandoned"
        out[key][name] += 1
        out[key][f"{name}_in_threshold"] += wait <= threshold_s
        out[key]["short"] += name == "abandoned" and wait <= 5
        if name == "answered":
            out[key]["wait_ms_sum"] += wait * 1000
    return out


@pytest.mark.data
@pytest.mark.parametrize("month", ["01", "03"])
def test_a_month_of_the_bank_to_the_last_call(month: str, tmp_path: Path) -> None:
    source = recorded.month(month)
    rec = tmp_path / "month.ndjson.zst"
    made = CliRunner().invoke(build(), ["import", "anonymous-bank", str(source), "-o", str(rec)])
    assert made.exit_code == 0, made.output
    with lzma.open(source, "rt", encoding="latin-1") as file:
        want = _expected(file.readlines(), 20)
    got = table(str(rec))
    assert {(r["queue"], r["start"]) for r in got} == set(want)
    for row in got:
        n = want[(row["queue"], row["start"])]
        for name in (
            "offered",
            "answered",
            "abandoned",
            "ivr_abandoned",
            "answered_in_threshold",
            "abandoned_in_threshold",
            "wait_ms_sum",
        ):
            assert int(row[name]) == n[name], (row, name)
        base = n["answered"] + n["abandoned"] - n["short"]
        assert row["service_level"] == (f"{n['answered_in_threshold'] / base:.4f}" if base else "")
        assert row["answer_rate"] == (f"{n['answered'] / n['offered']:.4f}" if n["offered"] else "")
        assert row["abandonment_rate"] == (f"{n['abandoned'] / n['offered']:.4f}" if n["offered"] else "")


def test_a_call_over_the_half_hour_by_arrival_and_by_event(tmp_path: Path) -> None:
    rec = recording(
        tmp_path / "r",
        call("call.offered", "1999-02-01T10:29:50", "a"),
        call("call.answered", "1999-02-01T10:30:10", "a"),
    )
    (row,) = table(rec)
    assert (row["start"], row["offered"], row["answered"]) == ("1999-02-01T10:00:00+02:00", "1", "1")
    assert (row["answered_in_threshold"], row["service_level"], row["wait_ms_sum"]) == ("1", "1.0000", "20000")
    first, second = table(rec, "--attribution", "event")
    assert (first["start"][11:16], first["offered"], first["answered"], first["service_level"]) == (
        "10:00",
        "1",
        "0",
        "",
    )
    assert (second["start"][11:16], second["offered"], second["answered"]) == ("10:30", "0", "1")
    assert (first["answer_rate"], second["answer_rate"]) == ("", "1.0000"), "of the outcomes: never above one"


def test_the_end_of_a_talk_makes_no_row(tmp_path: Path) -> None:
    rec = recording(
        tmp_path / "r",
        call("call.offered", "1999-02-01T10:20:00", "a"),
        call("call.answered", "1999-02-01T10:20:05", "a"),
        call("call.completed", "1999-02-01T10:40:00", "a", talk_ms=1_195_000),
    )
    for attribution in ("arrival", "event"):
        (row,) = table(rec, "--attribution", attribution)
        assert row["start"] == "1999-02-01T10:00:00+02:00"


def test_threshold_and_minutes(tmp_path: Path) -> None:
    rec = recording(
        tmp_path / "r",
        call("call.answered", "1999-02-01T10:16:00", "a", wait_ms=15_000),
        call("call.answered", "1999-02-01T10:17:00", "b", wait_ms=15_001),
    )
    (row,) = table(rec, "--threshold", "15", "--minutes", "15")
    assert (row["start"], row["service_level"]) == ("1999-02-01T10:15:00+02:00", "0.5000")


def test_the_hour_that_the_clock_repeats_has_rows_of_its_own(tmp_path: Path) -> None:
    first = int(datetime(2026, 10, 25, 1, 15, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
    events = [
        {"type": "ivr.abandoned", "ts": first + h * 3_600_000, "queue": "bank/PS", "call": f"c{h}"} for h in range(2)
    ]
    starts = [row["start"] for row in table(recording(tmp_path / "r", *events))]
    assert starts == ["2026-10-25T01:00:00+03:00", "2026-10-25T01:00:00+02:00"]


def test_a_bad_line_is_named_and_its_neighbours_count(tmp_path: Path) -> None:
    rec = recording(
        tmp_path / "r",
        call("call.answered", "1999-02-01T10:16:00", "a", wait_ms=1),
        b'{"type":"call.answered"',
        call("call.answered", "1999-02-01T10:17:00", "b", wait_ms=1),
    )
    result = CliRunner().invoke(build(), ["intervals", rec])
    assert result.exit_code == 0
    assert "line 3: " in result.stderr
    assert "bank/PS,1999-02-01T10:00:00+02:00,2,2" in result.stdout


def test_a_call_without_outcome_is_offered_and_in_no_ratio(tmp_path: Path) -> None:
    rec = recording(tmp_path / "r", call("call.offered", "1999-02-01T10:16:00", "a"))
    (row,) = table(rec)
    assert (row["offered"], row["service_level"], row["answer_rate"], row["abandonment_rate"]) == ("1", "", "", "")


@pytest.mark.parametrize("args", [["--minutes", "7"], ["--threshold", "0"]])
def test_wrong_calls_are_refused(args: list[str], tmp_path: Path) -> None:
    rec = recording(tmp_path / "r", call("call.offered", "1999-02-01T10:16:00", "a"))
    result = CliRunner().invoke(build(), ["intervals", rec, *args])
    assert getattr(result.exception, "exit_code", None) == 2
