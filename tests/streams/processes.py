"""Worker processes for tests of the driver on a real broker: started, watched by what they write, ended by pid."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient

WORKERS = Path(__file__).parent / "workers"
ROOT = Path(__file__).parent.parent.parent


class WorkerProcess:
    """One process of ``workers/<script>.py``; ``rows()`` is what it has written so far."""

    def __init__(self, script: str, folder: Path, name: str, **settings: Any) -> None:
        self.out = folder / f"{name}.ndjson"
        self.out.touch()
        self.log = folder / f"{name}.log"
        self._log = self.log.open("ab")
        command = [sys.executable, str(WORKERS / f"{script}.py"), json.dumps({**settings, "out": str(self.out)})]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=ROOT, env=_environment())

    def rows(self, what: str) -> list[dict[str, Any]]:
        """Its rows of one kind, in order; a row half written is left out."""
        lines = self.out.read_text().split("\n")[:-1]
        return [row for row in map(json.loads, lines) if row["what"] == what]

    def wait(self, timeout_s: float = 15.0) -> int:
        """Its exit code. Raises `subprocess.TimeoutExpired`."""
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """SIGTERM and wait."""
        self.process.terminate()
        return self.wait()

    def kill(self) -> None:
        """SIGKILL and wait; harmless when it has ended."""
        self.process.kill()
        self.process.wait()
        self._log.close()


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll *condition*; AssertionError that names *what* when it stays false."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}"
        time.sleep(0.05)


async def send(bootstrap: str, topic: str, values: list[bytes], partitions: int = 4, **options: Any) -> None:
    """Send *values* round the partitions and wait until all are confirmed."""
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, **options)
    await producer.start()
    try:
        await asyncio.gather(
            *[await producer.send(topic, v, key=b"k%d" % i, partition=i % partitions) for i, v in enumerate(values)]
        )
    finally:
        await producer.stop()


async def committed(bootstrap: str, group: str, topics: list[str], partitions: int = 4) -> dict[tuple[str, int], int]:
    """Committed offsets of a group by (topic, partition)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        # Naming the partitions: the embedded broker's answer to "all" is malformed.
        tps = [aiokafka.TopicPartition(t, p) for t in topics for p in range(partitions)]
        found = await admin.list_consumer_group_offsets(group, partitions=tps)
    finally:
        await admin.close()
    return {(tp.topic, tp.partition): known.offset for tp, known in found.items() if known.offset >= 0}
