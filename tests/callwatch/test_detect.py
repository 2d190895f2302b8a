"""``callwatch detect``: a row out for each row in, its texts unchanged, whatever stands in the file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.series_file import CHUNK, COLUMNS, layout_of, time_ms
from models.errors import CallwatchError, UsageError

EPOCH_MS = 1_700_000_000_000


def detect(text: str | bytes, tmp_path: Path, *options: str) -> tuple[list[dict[str, str]], str]:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    result = CliRunner().invoke(build(), ["detect", str(source), "-o", str(target), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    with target.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        return list(reader), result.stderr


def wave(n: int, period: int = 24) -> list[str]:
    random = np.random.default_rng(3)
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(n) / period) + random.normal(size=n)
    return [f"{value:.3f}" for value in values]


def test_a_spike_is_found_and_texts_stay_as_they_were(tmp_path: Path) -> None:
    values = wave(900)
    values[700] = "  1.50E+2"
    text = "timestamp,value\n" + "".join(
        f"2024-01-{1 + i // 24:02d}T{i % 24:02d}:00:00Z,{v}\n" for i, v in enumerate(values[:744])
    )
    rows, _ = detect(text, tmp_path)
    assert [row["value"] for row in rows] == values[:744]
    assert rows[700]["timestamp"] == "2024-01-30T04:00:00Z"
    assert rows[700]["anomaly"] == "1"
    assert float(rows[700]["upper"]) < 150
    assert max(rows, key=lambda row: float(row["score"])) is rows[700]
    for row in rows[9:]:
        assert float(row["lower"]) <= float(row["expected"]) <= float(row["upper"])
        assert 0 <= float(row["score"]) <= 1
        assert row["anomaly"] == str(int(float(row["score"]) >= 0.5))


def test_a_row_follows_from_the_rows_up_to_it(tmp_path: Path) -> None:
    lines = [f"{1_700_000_000 + 300 * i},{v}\n" for i, v in enumerate(wave(CHUNK + 300, 288))]
    whole, _ = detect("timestamp,value\n" + "".join(lines), tmp_path)
    for cut in (1, 30, 500, CHUNK - 1, CHUNK + 7):
        part, _ = detect("timestamp,value\n" + "".join(lines[:cut]), tmp_path)
        assert part == whole[:cut]


def test_nothing_is_lost_of_a_bad_file_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    lines = [f"2024-01-01 {i // 60:02d}:{i % 60:02d}:00,{v}" for i, v in enumerate(wave(200))]
    lines[50] = "2024-01-01 00:50:00,"
    lines[60] = "2024-01-01 01:00:00,NaN"
    lines[70] = "yesterday,5"
    lines[80] = "2024-01-01 01:20:00,much"
    lines[90] = "2024-01-01 01:30:00"
    lines[100] = lines[99]
    lines[110], lines[111] = lines[111], lines[110]
    lines[120] = "2024-01-01 02:00:00,inf"
    rows, said = detect("timestamp,value\n" + "\n".join(lines) + "\n", tmp_path)
    assert len(rows) == 200
    assert [rows[i]["value"] for i in (50, 60, 70, 80, 90, 120)] == ["", "NaN", "5", "much", "", "inf"]
    assert rows[70]["timestamp"] == "yesterday"
    for i in (50, 60, 70, 80, 90, 120):
        assert (rows[i]["expected"], rows[i]["score"], rows[i]["anomaly"]) == ("", "0", "0")
    assert rows[100]["expected"] != ""
    assert "line 72: 'yesterday' is no time" in said
    assert "line 82: 'much' is no number" in said
    assert "line 92: 1 columns, 2 are needed" in said
    assert said.count("passed through unjudged") == 3


def test_bytes_of_another_encoding_go_out_as_they_came_in(tmp_path: Path) -> None:
    source = (
        b"timestamp,value\n" + b"".join(b"%d,%d\n" % (1_700_000_000 + i, i % 7) for i in range(60)) + b"caf\xe9,3\n"
    )
    rows, said = detect(source, tmp_path)
    assert rows[-1]["timestamp"].encode("utf-8", "surrogateescape") == b"caf\xe9"
    assert "line 62" in said


def test_an_empty_line_is_a_missing_value_where_values_stand_alone_and_no_row_elsewhere(tmp_path: Path) -> None:
    rows, _ = detect("value\n" + "1\n2\n" * 20 + "\n3\n", tmp_path)
    assert [row["value"] for row in rows[-3:]] == ["2", "", "3"]
    assert [row["timestamp"] for row in rows[-3:]] == ["39", "40", "41"]
    rows, said = detect("timestamp,value\n1,2\n\n2,3\n\n", tmp_path)
    assert [row["value"] for row in rows] == ["2", "3"]
    assert "line" not in said


@pytest.mark.parametrize("text", ["timestamp,value\n", ""])
def test_a_file_without_rows_gives_one_without_rows(text: str, tmp_path: Path) -> None:
    assert detect(text, tmp_path)[0] == []


def test_columns_are_found_named_or_asked_for() -> None:
    assert layout_of(["timestamp", "value", "is_anomaly"], None, None).value == 1
    assert layout_of(["Value"], None, None).time == -1
    assert layout_of(["1.5"], None, None).header is False
    assert layout_of(["when", "load"], None, None).value == 1
    assert layout_of(["x", "Load", "t"], "t", "load").value == 1
    with pytest.raises(UsageError, match="--value"):
        layout_of(["t", "cpu", "memory"], None, None)
    with pytest.raises(UsageError, match="no such column"):
        layout_of(["t", "cpu"], None, "ram")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2023-11-14T22:13:20Z", ""),
        ("2023-11-14 22:13:20", ""),
        ("2023/11/14 22:13:20", ""),
        ("2023-11-15T06:13:20+08:00", ""),
        ("1700000000", ""),
        ("1700000000.0", ""),
        ("1700000000000", ""),
        ("1700000000000000", ""),
        ("1700000000000000000", ""),
        ("14.11.2023 22:13:20", "%d.%m.%Y %H:%M:%S"),
    ],
)
def test_times_in_every_dress(text: str, pattern: str) -> None:
    assert time_ms(text, pattern) == EPOCH_MS


@pytest.mark.parametrize(
    "options", [["--alarms-per-week", "0"], ["--delimiter", "::"], ["--value", "speed"], ["-o", "SOURCE"]]
)
def test_a_wrong_call_is_refused(options: list[str], tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("timestamp,value\n1,2\n", encoding="utf-8")
    given = [str(source) if option == "SOURCE" else option for option in options]
    with pytest.raises(CallwatchError):
        CliRunner().invoke(build(), ["detect", str(source), *given], catch_exceptions=False)


def test_a_file_of_which_nothing_can_be_judged_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("timestamp,value\nx,y\n", encoding="utf-8")
    with pytest.raises(CallwatchError, match="none of 1 rows"):
        CliRunner().invoke(build(), ["detect", str(source)], catch_exceptions=False)
