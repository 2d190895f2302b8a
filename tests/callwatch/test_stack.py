"""The embedded stack starts, answers, stops, and dies with its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from callwatch.stack import MEMORY_LIMIT_BYTES, EmbeddedStack
from models.errors import WorkError

pytestmark = pytest.mark.stack


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_dead(pids: list[int], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while any(_alive(p) for p in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(_alive(p) for p in pids)


def _check_for(stack: EmbeddedStack, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        stack.check()
        time.sleep(0.02)


def test_both_servers_answer_and_end_with_the_block() -> None:
    with EmbeddedStack() as stack:
        pids = list(stack.pids.values())
        assert len(pids) == 2
        with redis.Redis.from_url(stack.valkey_url) as valkey:
            assert valkey.ping()
            assert valkey.config_get("save") == {"save": ""}
        assert stack.bootstrap.startswith("127.0.0.1:")
        assert 0 < stack.broker_memory_bytes() < MEMORY_LIMIT_BYTES
        stack.check()
    assert _wait_dead(pids)
    with pytest.raises(WorkError, match="does not run"):
        _ = stack.bootstrap
    stack.stop()


def test_a_server_that_ended_is_named_with_its_log() -> None:
    with EmbeddedStack() as stack:
        os.kill(stack.pids["valkey"], signal.SIGKILL)
        with pytest.raises(WorkError, match=r"valkey ended by itself with status -9: see .*valkey\.log") as caught:
            _check_for(stack, 5.0)
        log = Path(str(caught.value).rpartition("see ")[2].rstrip("."))
    assert log.exists()  # kept, because the error names it
    for left in log.parent.iterdir():
        left.unlink()
    log.parent.rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no parent-death signal: servers end at exit there")
def test_servers_die_with_a_killed_parent() -> None:
    code = (
        "import time; from callwatch.stack import EmbeddedStack; s = EmbeddedStack().start();"
        "print(*s.pids.values(), s._folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        broker, valkey, folder = parent.stdout.readline().split()
        parent.kill()
    assert _wait_dead([int(broker), int(valkey)])
    for left in Path(folder).iterdir():
        left.unlink()
    Path(folder).rmdir()
