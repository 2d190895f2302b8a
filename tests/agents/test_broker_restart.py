"""The broker goes down under a worker that is at work and comes back with its data: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.runtime import KafkaSettings
from streams.broker import create_topics
from tests.agents.logs import Log
from tests.agents.test_crash import PARTITIONS, Outputs, Site, assert_equal, expected, logs, once, whole
from tests.brokers import on_apache
from tests.kafka.server import ApacheStack

__all__ = ["expected", "logs"]  # fixtures

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400), on_apache]


@pytest.fixture
def site(stack: ApacheStack, prefix: str, tmp_path: Path) -> Iterator[Site]:
    kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(create_topics(kafka))
    made = Site(kafka, tmp_path, stack.valkey_url)
    yield made
    made.stop()


@pytest.mark.parametrize(("kill", "down_s"), [(False, 0.0), (True, 8.0)], ids=["in order", "killed for 8 s"])
def test_the_broker_restarts_under_a_worker(
    site: Site, stack: ApacheStack, logs: dict[int, Log], expected: Outputs, kill: bool, down_s: float
) -> None:
    site.fill(logs)
    worker = site.start()
    total = sum(map(len, expected.values()))
    site.wait_for(lambda: site.has(0.1 * total), 120, "a worker in the middle of the log")
    stack.kafka.restart(kill=kill, down_s=down_s)
    assert site.count() < total
    site.wait_for(lambda: whole(site, expected) or worker.poll() is not None, 120, "all outputs")
    assert worker.poll() is None, (site.folder / "worker0.log").read_text()[-3000:]
    worker.terminate()
    assert worker.wait(20) == 0
    assert_equal(site, expected)
    # It never died, and a retried send is not repeated: the producer is idempotent here.
    assert [(key, len(values)) for key, values in site.raw().items() if len(once(values, key[0])) != len(values)] == []
