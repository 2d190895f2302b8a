"""The demo as a person runs it: an order within the promised time, and nothing left of it however it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from sources.recording import RecordingHeader, RecordingWriter

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # on a slow machine with kernels compiled cold

#: The promise is 90 s after the replay's start; kernels that are compiled cold come before it.
ORDER_S = 90.0
START_S = 240.0
PID = re.compile(r"pid (\d+)")


@contextmanager
def demo(log: Path, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """``callwatch demo`` with its messages in *log*; killed at the end where a test left it running."""
    with log.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "callwatch.cli", "demo", *args], stderr=out, stdout=out, start_new_session=True
        )
        try:
            yield running
        finally:
            if running.poll() is None:
                running.terminate()
                try:
                    running.wait(60)
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()


def wait_for(look: Callable[[], object], limit_s: float, log: Path) -> None:
    deadline = time.monotonic() + limit_s
    while not look():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def orders(port: int) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/orders", timeout=5) as answer:
        found: list[dict[str, object]] = orjson.loads(answer.read())["orders"]
    return found


def pids(log: Path) -> set[int]:
    """Every process that the demo named, when it started or when it stopped it."""
    return {int(pid) for pid in PID.findall(log.read_text())}


def test_an_order_in_time_and_ctrl_c_ends_everything_and_says_so(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with demo(log, "--port", str(port)) as running:
        wait_for(lambda: "demo: replaying" in log.read_text(), START_S, log)
        wait_for(lambda: "in another terminal" in log.read_text() and orders(port), ORDER_S, log)
        assert all(order["owner_name"] for order in orders(port))
        said = log.read_text()
        assert said.index("worker: ready") < said.index("demo: replaying"), "else orders lapse while kernels compile"
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
    for name in ("liaison", "replay", "wallboard", "worker", "broker", "valkey"):
        assert f"stopped {name} (pid " in log.read_text()
    assert log.read_text().endswith("demo: everything that the demo started has ended\n")
    assert len(pids(log)) == 6
    assert not any(alive(pid) for pid in pids(log))


def test_a_worker_that_is_killed_ends_the_demo_with_its_name(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with demo(log, "--port", str(free_port())) as running:
        wait_for(lambda: "demo: wallboard:" in log.read_text(), START_S, log)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        if not children.exists():
            pytest.skip("which process is the worker is read from /proc, which only Linux has")
        workers = [
            int(pid)
            for pid in children.read_text().split()
            if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(workers[0], signal.SIGKILL)
        assert running.wait(60) == 1
    said = log.read_text()
    assert f"worker (pid {workers[0]}) was ended from outside by signal 9" in said
    assert "stopped broker (pid " in said
    assert "demo: everything that the demo started has ended" in said
    assert not any(alive(pid) for pid in pids(log))


def test_a_wrong_call_is_told_before_anything_starts(tmp_path: Path) -> None:
    rec, settings = tmp_path / "rec", tmp_path / "settings.toml"
    with RecordingWriter(rec, RecordingHeader("Asia/Jerusalem", extra={"first_ts": 0, "last_ts": 1})) as out:
        out.write(b"{}")
    settings.write_text('[kafka]\nbootstrap = "elsewhere:9092"\n')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for args, reason in (
            (["--port", port], f"Port {port} is taken"),
            (["--recording", str(rec), "--from", "noon"], "'noon' is no time"),
            (["--recording", str(rec), "--from", "2005-01-01T00:00"], "is not in"),
            (["--recording", str(rec), "--settings", str(settings)], "take out [kafka]"),
        ):
            log = tmp_path / "log"
            with demo(log, *args) as running:
                assert running.wait(60) == 2, log.read_text()
            assert reason in log.read_text()
            assert "broker" not in log.read_text()
