"""``callwatch replay`` as a person calls it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path

import orjson
import pytest

from callwatch.cli import main
from callwatch.stack import EmbeddedStack
from models.runtime import KafkaSettings
from sources.recording import RecordingHeader, RecordingWriter
from streams.broker import create_topics, read_partition

REPO = Path(__file__).parents[2]
START_MS = 918_036_000_000  # 1999-02-03 12:00 in Jerusalem
EVENTS = 3_600


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two hours from noon, an event every two seconds."""
    path = tmp_path / "noon.ndjson.zst"
    with RecordingWriter(path, RecordingHeader("Asia/Jerusalem", ("t",), "test")) as writer:
        for n in range(EVENTS):
            event = {"id": f"{n}", "source": "t", "type": "ivr.abandoned", "call": f"{n}", "queue": f"s/{n % 5}"}
            writer.write(orjson.dumps(event | {"ts": START_MS + n * 2_000 + 1}))
    return path


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "callwatch.cli", "replay", *args]


def callwatch(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*args), input=stdin, capture_output=True, cwd=REPO, check=False)


def times(stack: EmbeddedStack, prefix: str, partitions: int) -> list[list[int]]:
    """The ts of all records of each partition."""

    async def read() -> Iterator[list[int]]:
        kafka = changed(KafkaSettings(), bootstrap=stack.bootstrap, prefix=prefix, partitions=partitions)
        found = []
        for n in range(partitions):
            rows = [row async for part in read_partition(kafka, f"{prefix}events", n) for row in part]
            found.append([orjson.loads(value or b"")["ts"] for _, _, value in rows])
        return iter(found)

    return list(asyncio.run(read()))


@pytest.mark.stack
def test_flat_out_from_a_file_and_from_standard_input(stack: EmbeddedStack, prefix: str, recording: Path) -> None:
    options = ("--bootstrap", stack.bootstrap, "--partitions", "2", "--tail", "1")
    done = callwatch(str(recording), *options, "--prefix", prefix)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == f"sent 3,600 events and 7,260 clocks on 2 partitions of {prefix}events\n"
    piped = callwatch("-", *options, "--prefix", f"{prefix}piped-", stdin=recording.read_bytes())
    assert piped.returncode == 0, piped.stderr
    first, second = times(stack, prefix, 2), times(stack, f"{prefix}piped-", 2)
    assert first == second
    assert sum(map(len, first)) == EVENTS + 2 * 7_260
    assert all(part == sorted(part) for part in first)


@pytest.mark.stack
def test_settings_from_a_file(stack: EmbeddedStack, prefix: str, recording: Path, tmp_path: Path) -> None:
    settings = tmp_path / "callwatch.toml"
    settings.write_text(f'[kafka]\nbootstrap = "{stack.bootstrap}"\nprefix = "{prefix}"\npartitions = 1\n')
    done = callwatch(str(recording), "--settings", str(settings), "--from", "1999-02-03T13:00", "--warm-up", "0.5")
    assert done.returncode == 0, done.stderr
    assert times(stack, prefix, 1)[0][0] == START_MS + 30 * 60_000
    refused = callwatch(str(recording), "--settings", str(settings), "--partitions", "2")
    assert refused.returncode == 1
    assert b"events has 1" in refused.stderr


@pytest.mark.stack
def test_control_c_stops_in_order(stack: EmbeddedStack, prefix: str, recording: Path) -> None:
    args = (str(recording), "--bootstrap", stack.bootstrap, "--prefix", prefix, "--partitions", "1")
    kafka = changed(KafkaSettings(), bootstrap=stack.bootstrap, prefix=prefix, partitions=1)
    asyncio.run(create_topics(kafka))  # or the look at them would make them, as the broker likes them
    running = subprocess.Popen(
        command(*args, "--speed", "60", "--from", "1999-02-03T13:00"), cwd=REPO, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    sent: list[int] = []
    one_o_clock = START_MS + 60 * 60_000
    while (not sent or sent[-1] < one_o_clock) and time.monotonic() < deadline:  # the hour before goes flat out
        assert running.poll() is None
        time.sleep(0.5)
        sent = times(stack, prefix, 1)[0]
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 1
    sentence = said.decode().splitlines()[-1]
    assert "Stopped by request at 1999-02-03 13:" in sentence
    events, clocks = (int(word.replace(",", "")) for word in sentence.split() if word[0].isdigit() and "," in word)
    assert len(times(stack, prefix, 1)[0]) == events + clocks


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (("--from", "1999-02-04T13:00"), 2, "it covers 1999-02-03T12:00:00.001000+02:00 to 1999-02-03T13:59:58"),
        (("--from", "noon"), 2, "is no time"),
        (("--warm-up", "1"), 2, "--warm-up needs --from"),
        (("--speed", "-1"), 2, "--speed"),
        (("--bootstrap", "127.0.0.1:1"), 1, "127.0.0.1:1"),
    ],
)
def test_wrong_calls(
    recording: Path,
    args: tuple[str, ...],
    code: int,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["callwatch", "replay", str(recording), *args])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == code
    assert reason in capsys.readouterr().err


def test_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd").write_bytes(b"odd")
    monkeypatch.setattr("sys.argv", ["callwatch", "replay", str(tmp_path / "odd")])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 1
    assert "odd: line 1" in capsys.readouterr().err
