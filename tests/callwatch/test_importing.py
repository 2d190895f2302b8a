"""The command as a person calls it: exit codes, what it prints where, and the example of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from callwatch.cli import main
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


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> object:
    """The exit code of a call inside of this process, which is quicker."""
    monkeypatch.setattr("sys.argv", ["callwatch", "import", *args])
    with pytest.raises(SystemExit) as exit_:
        main()
    return exit_.value.code


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("excel", "x", "-o", "out"), "Unknown format 'excel'"),
        (("csv", "x", "-o", "out"), "needs --map"),
        (("anonymous-bank", "x", "--map", "m.toml", "-o", "out"), "takes none"),
        (("anonymous-bank", "x", "--timezone", "Mars", "-o", "out"), "no known time zone"),
        (("csv", "x", "--map", "m.toml", "-o", "out"), "cannot read the map"),
        (("csv", "x"), "--output"),
    ],
)
def test_wrong_calls_exit_with_2(
    args: tuple[str, ...],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *args) == 2
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_bank_s_data_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("none.tsv").write_text("vru+line\n")
    monkeypatch.setattr("sys.argv", ["callwatch", "import", "anonymous-bank", "none.tsv", "-o", "out"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert not exit_.value.code
    said = capsys.readouterr()
    assert said.out == "offered 0 / answered 0 / abandoned 0 / left in the menu 0 / skipped 0\n"
    assert "Technion" in said.err


def test_failed_work_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "anonymous-bank", "gone.tsv", "-o", "out") == 1
    assert "gone.tsv" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_write_over_what_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, meaning = tmp_path / "calls.csv", tmp_path / "map.toml"
    source.write_bytes((REPO / EXAMPLE[2]).read_bytes())
    meaning.write_bytes((REPO / EXAMPLE[4]).read_bytes())
    (tmp_path / "link").symlink_to(source)
    for out in (source, tmp_path / "link", meaning):
        assert run(monkeypatch, "csv", str(source), "--map", str(meaning), "-o", str(out)) == 2
        assert "write over what is read" in capsys.readouterr().err
    assert source.read_bytes() == (REPO / EXAMPLE[2]).read_bytes()
    assert meaning.read_bytes() == (REPO / EXAMPLE[4]).read_bytes()
