"""A worker as a process: it ends when its broker has gone first, and does not fill the log with it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from callwatch.stack import EmbeddedStack
from models.runtime import KafkaSettings
from streams.app import OncePerWhile
from streams.broker import create_topics
from tests.streams.processes import WorkerProcess, wait_until


@pytest.mark.stack
def test_a_worker_ends_when_its_broker_has_gone_first(own_stack: EmbeddedStack, tmp_path: Path) -> None:
    asyncio.run(create_topics(KafkaSettings(bootstrap=own_stack.bootstrap)))
    worker = WorkerProcess("recorder", tmp_path, "w", bootstrap=own_stack.bootstrap, prefix="", loglevel="WARNING")
    try:
        wait_until(lambda: len(worker.rows("start")) == 4, 20, "a worker with its partitions")
        own_stack.stop()
        wait_until(lambda: "Unable connect" in worker.log.read_text(), 10, "the loss in the log")
        worker.process.terminate()
        assert worker.wait(25) is not None
        assert worker.log.read_text().count("Unable connect") < 5
    finally:
        worker.kill()


def test_a_message_is_repeated_only_after_a_while() -> None:
    once = OncePerWhile()

    def passes(text: str, at_s: float) -> bool:
        record = logging.LogRecord("aiokafka.client", logging.ERROR, "", 0, text, (1,), None)
        record.created = at_s
        return once.filter(record)

    assert [passes("lost %d", t) for t in (0.0, 1.0, 9.9, 10.0, 10.1)] == [True, False, False, True, False]
    assert passes("other %d", 10.1)
