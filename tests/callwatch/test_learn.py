"""``callwatch learn``: recordings in, what is normal out; into a file, and from there into a partition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from agents.actor import PartitionActor
from callwatch.cli import build
from callwatch.learning import learn, read_learned, records
from models.encode import clock_record
from models.errors import InputError
from sources.recording import RecordingHeader, RecordingWriter
from tests.agents.weeks import CATALOGUE, MONDAY, QUEUE, day_of

SETTINGS = """
[[site]]
name = "north"
hours = ["Mon-Fri 10:00-14:30"]
"""


def recorded(path: Path, days: range) -> str:
    with RecordingWriter(path, RecordingHeader(zone="UTC", sources=("pbx",), made_by="test")) as out:
        for day in days:
            for _, value in day_of(day):
                if orjson.loads(value)["type"] != "clock":
                    out.write(value)
    return str(path)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    return recorded(tmp_path_factory.mktemp("learn") / "two.ndjson.zst", range(2))


@pytest.fixture(scope="module")
def found(recording: str) -> dict[str, dict[str, Any]]:
    return learn([recording], CATALOGUE)


def test_what_recordings_teach_is_taken_by_a_partition(found: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    assert set(found) == {QUEUE}
    assert found[QUEUE]["half_hours"] == pytest.approx(2 * 9, abs=2)  # but for the first and the last
    path = tmp_path / "learned.ndjson"
    path.write_bytes(b"".join(value + b"\n" for _, value in records(found, MONDAY)))
    told = read_learned(path)
    assert [queue for queue, _ in told] == [QUEUE]
    actor = PartitionActor(0, 1, CATALOGUE)
    values = [value for _, value in told] + [value for _, value in day_of(7)][:200]
    actor.apply(values, range(len(values)))
    assert actor.habits.learned(QUEUE)["half_hours"] >= found[QUEUE]["half_hours"]


def test_odd_days_teach_nothing(recording: str, found: dict[str, dict[str, Any]]) -> None:
    less = learn([recording], CATALOGUE, [date(2026, 3, 3)])
    assert less[QUEUE]["half_hours"] < found[QUEUE]["half_hours"]


def test_recordings_come_in_order_of_time(tmp_path: Path) -> None:
    first, second = recorded(tmp_path / "a.ndjson.zst", range(1)), recorded(tmp_path / "b.ndjson.zst", range(1, 2))
    with pytest.raises(InputError, match="in order of time"):
        learn([second, first], CATALOGUE)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "line 2"),
        (clock_record(MONDAY, "replay"), "clock is not habit.learned"),
        (
            orjson.dumps({"id": "1", "source": "s", "type": "habit.learned", "ts": MONDAY, "queue": QUEUE}),
            "bad_habit",
        ),
    ],
)
def test_a_file_of_something_else_is_refused_by_line(
    line: bytes, words: str, found: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    good = next(iter(records(found, MONDAY)))[1]
    path = tmp_path / "learned.ndjson"
    path.write_bytes(good + b"\n" + line + b"\n")
    with pytest.raises(InputError, match=words):
        read_learned(path)
    with pytest.raises(InputError, match="Cannot read"):
        read_learned(tmp_path / "none")


def test_the_command(recording: str, tmp_path: Path) -> None:
    settings, out = tmp_path / "s.toml", tmp_path / "learned.ndjson"
    settings.write_text(SETTINGS)
    run = CliRunner().invoke(build(), ["learn", recording, "-s", str(settings), "-o", str(out), "--odd", "2026-03-03"])
    assert (run.exit_code, run.stdout) == (0, f"1 queues: what was learned stands in {out}\n"), run.exception
    assert [queue for queue, _ in read_learned(out)] == [QUEUE]
    for wrong in (["--odd", "Monday", "-o", "-"], ["-o", recording]):
        run = CliRunner().invoke(build(), ["learn", recording, *wrong])
        assert run.exit_code != 0
