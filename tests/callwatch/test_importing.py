"""The command as a person calls it: exit codes, what it prints where, and the example of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson

from sources.recording import open_recording

REPO = Path(__file__).parents[2]


def callwatch(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "callwatch.cli", *args], input=stdin, capture_output=True, cwd=REPO, check=False
    )


EXAMPLE = ("import", "csv", "examples/csv/calls.csv", "--map", "examples/csv/map.toml")


def test_the_example(tmp_path: Path) -> None:
    out = tmp_path / "calls.ndjson.zst"
    done = callwatch(*EXAMPLE, "-o", str(out))
    assert done.returncode == 0
    assert done.stdout.decode() == (
        "offered 4 / answered 2 / abandoned 1 / flowed out 1 / left in the menu 1 / skipped 2\n"
    )
    assert "calls.csv: line 8: skipped: wait 'soon'" in done.stderr.decode()
    with open_recording(out) as recording:
        assert recording.header.zone == "Europe/Berlin"
        assert recording.header.made_by.endswith("import csv")
        assert len([orjson.loads(line) for line in recording]) == 11
    piped = callwatch("import", "csv", "-", *EXAMPLE[3:], "-o", "-", stdin=(REPO / EXAMPLE[2]).read_bytes())
    assert piped.stdout == out.read_bytes()
    assert b"offered 4 / answered 2" in piped.stderr


def test_wrong_calls_exit_with_2(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    for args, reason in (
        (("import", "excel", "x", "-o", out), "Unknown format 'excel'"),
        (("import", "csv", "x", "-o", out), "needs --map"),
        (("import", "anonymous-bank", "x", "--map", "m.toml", "-o", out), "takes none"),
        (("import", "anonymous-bank", "x", "--timezone", "Mars", "-o", out), "no known time zone"),
        (("import", "csv", "x", "--map", str(tmp_path / "m.toml"), "-o", out), "cannot read the map"),
        (("import", "csv", "x"), "--output"),
    ):
        done = callwatch(*args)
        assert done.returncode == 2, args
        assert reason in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_failed_work_exits_with_1(tmp_path: Path) -> None:
    done = callwatch("import", "anonymous-bank", str(tmp_path / "gone.tsv"), "-o", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "gone.tsv" in done.stderr.decode()
