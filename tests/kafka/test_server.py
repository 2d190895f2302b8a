"""The runner: a node that starts, goes down in order or not, comes back at the same address, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from models.errors import WorkError
from tests.kafka.jars import HERE
from tests.kafka.server import ApacheKafka
from tests.streams.processes import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.kafka]


async def topics(bootstrap: str, *new: str) -> set[str]:
    """Make topics *new*; names of all that there are then."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if new:
            await admin.create_topics([NewTopic(name, 1, 1) for name in new])
        return set(await admin.list_topics())
    finally:
        await admin.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def checked(kafka: ApacheKafka, for_s: float) -> None:
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        kafka.check()
        time.sleep(0.05)


def test_a_node_keeps_its_data_and_address_until_it_is_stopped() -> None:
    with ApacheKafka() as kafka:
        first, address, folder = kafka.pid, kafka.bootstrap, kafka.log.parent
        assert asyncio.run(topics(address, "a")) == {"a"}
        kafka.halt()
        assert not alive(first)
        assert kafka.bootstrap == address
        with pytest.raises(WorkError, match="does not run"):
            _ = kafka.pid
        kafka.resume()
        with pytest.raises(WorkError, match="not down"):
            kafka.resume()
        assert asyncio.run(topics(address, "b")) >= {"a", "b"}
        kafka.restart(kill=True)
        assert asyncio.run(topics(kafka.bootstrap)) >= {"a", "b"}
        kafka.check()
        os.kill(kafka.pid, signal.SIGKILL)
        with pytest.raises(WorkError, match=r"ended by itself with status -9: see .*broker\.log"):
            checked(kafka, 10.0)
        kafka._failed = False  # nobody needs the log
        last = kafka.pid
    assert not alive(last)
    assert not folder.exists()


def test_what_it_cannot_run_with_is_told_with_its_log() -> None:
    kafka = ApacheKafka({"num.io.threads": "none"})
    with pytest.raises(WorkError, match=r"num\.io\.threads"):
        kafka.start()
    with pytest.raises(WorkError, match="does not run"):
        _ = kafka.bootstrap


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no parent-death signal: the broker ends at exit there")
def test_it_dies_with_a_killed_parent() -> None:
    code = (
        "import time; from tests.kafka.server import ApacheKafka; k = ApacheKafka().start();"
        "print(k.pid, k.log.parent, flush=True); time.sleep(100)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        parent.kill()
    wait_until(lambda: not alive(int(pid)), 20, "its end")
    for left in sorted(Path(folder).rglob("*"), reverse=True):
        left.rmdir() if left.is_dir() else left.unlink()
    Path(folder).rmdir()
