"""The driver against the embedded broker: what crosses a wire and survives the death of a process."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callwatch.stack import EmbeddedStack
from models.runtime import KafkaSettings
from models.topics import EVENTS, PROJECTED_TOPICS
from streams.broker import create_topics
from tests.streams.processes import WorkerProcess, committed, send, wait_until

pytestmark = pytest.mark.stack

Rows = list[dict[str, Any]]


@pytest.fixture
def kafka(stack: EmbeddedStack, prefix: str) -> KafkaSettings:
    """Fresh topics."""
    settings = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix)
    asyncio.run(create_topics(settings))
    return settings


class Group:
    """The workers of one test."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self.kafka = kafka
        self.folder = folder
        self.workers: list[WorkerProcess] = []

    def start(self, script: str = "recorder", **settings: Any) -> WorkerProcess:
        """Start one more worker."""
        worker = WorkerProcess(
            script,
            self.folder,
            f"worker{len(self.workers)}",
            bootstrap=self.kafka.bootstrap,
            prefix=self.kafka.prefix,
            **settings,
        )
        self.workers.append(worker)
        return worker

    def batches(self) -> Rows:
        """What all of them were given, ended workers included."""
        return sorted((row for w in self.workers for row in w.rows("batch")), key=lambda row: row["at"])

    def seen(self) -> dict[tuple[str, int], list[int]]:
        """Offsets per (topic, partition), in the order of application."""
        offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
        for row in self.batches():
            offsets[row["topic"], row["partition"]] += range(row["first"], row["last"] + 1)
        return offsets

    def records(self) -> int:
        """How many different records have been applied."""
        return sum(len(set(offsets)) for offsets in self.seen().values())

    def send(self, n: int, topic: str = EVENTS) -> None:
        """Send *n* records round the partitions."""
        asyncio.run(send(self.kafka.bootstrap, f"{self.kafka.prefix}{topic}", [b"%d" % i for i in range(n)]))

    def committed(self) -> dict[tuple[str, int], int]:
        """Committed offsets of the group."""
        topics = [f"{self.kafka.prefix}{name}" for name in (EVENTS, *PROJECTED_TOPICS)]
        return asyncio.run(committed(self.kafka.bootstrap, f"{self.kafka.prefix}{self.kafka.group}", topics))


@pytest.fixture
def group(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Group]:
    """Workers that are ended with the test, whatever became of it."""
    group = Group(kafka, tmp_path)
    yield group
    for worker in group.workers:
        worker.kill()


def owned(worker: WorkerProcess) -> set[tuple[str, int]]:
    """Topic partitions of the worker's present assignment."""
    rows = worker.rows("start")
    if not rows:
        return set()
    last = rows[-1]["generation"]
    return {(row["topic"], row["partition"]) for row in rows if row["generation"] == last}


def test_three_workers_share_partition_numbers_and_repeat_nothing(group: Group) -> None:
    topics = [EVENTS, *PROJECTED_TOPICS]
    names = {f"{group.kafka.prefix}{t}" for t in topics}
    first = group.start(topics=topics, slow_s=0.01, fetch=20)
    group.send(2000)
    wait_until(lambda: group.records() > 400, 15, "the first worker in the middle of the log")
    others = [group.start(topics=topics, slow_s=0.01, fetch=20) for _ in range(2)]
    everybody = [first, *others]
    wait_until(lambda: all(owned(w) for w in others), 25, "three workers with partitions")
    group.send(400, "metrics")
    wait_until(lambda: group.records() == 2400, 20, "all records applied")

    for worker in everybody:
        numbers = {p for _, p in owned(worker)}
        assert owned(worker) == set(itertools.product(names, numbers))  # a number has one owner in all topics
    assert sorted(p for w in everybody for _, p in owned(w)) == sorted([0, 1, 2, 3] * len(topics))
    for offsets in group.seen().values():
        assert offsets == list(range(len(offsets)))  # in order, no gap, and no rebalance repeated a batch

    # kill -9: the others take over from the committed offset, and nothing is missing.
    victim = max(everybody, key=lambda w: len(owned(w)))
    lost = owned(victim)
    group.send(400)
    victim.process.send_signal(signal.SIGKILL)
    rest = [w for w in everybody if w is not victim]
    wait_until(lambda: lost <= set().union(*map(owned, rest)), 25, "the partitions of the dead worker taken over")
    wait_until(lambda: group.records() == 2800, 10, "all records applied")
    for (topic, partition), offsets in group.seen().items():
        assert sorted(set(offsets)) == list(range(max(offsets) + 1))
        if (topic, partition) not in lost:
            assert len(offsets) == len(set(offsets))
    assert [w.stop() for w in rest] == [0, 0]
    assert all(end == max(group.seen()[tp]) + 1 for tp, end in group.committed().items())


def test_a_crash_leaves_the_offset_at_the_first_unapplied_batch(group: Group) -> None:
    group.send(400)
    crashing = group.start(crash_at=57, fetch=10)
    assert crashing.wait() not in {0, None}
    assert "crash at 57" in crashing.log.read_text()
    assert list(crashing.rows("revoked")) == []  # no snapshot of a state in the middle of a batch
    events = f"{group.kafka.prefix}{EVENTS}"
    assert group.committed()[events, 0] == 50
    again = group.start(fetch=10)
    wait_until(lambda: group.records() == 400, 25, "the batch and what follows it applied")
    assert next(r["first"] for r in again.rows("batch") if r["partition"] == 0) == 50
    assert again.stop() == 0


def test_an_orderly_stop_finishes_the_batch_tells_the_app_and_commits(group: Group) -> None:
    group.send(400)
    worker = group.start(fetch=10, slow_s=0.3, start=20, revoke_s=0.2)
    wait_until(lambda: 0 in {row["partition"] for row in worker.rows("batch")}, 20, "a worker in the middle of the log")
    assert worker.stop() == 0
    assert len(worker.rows("revoked")) == len(worker.rows("kept")) == 1
    assert worker.rows("batch")[-1]["at"] < worker.rows("revoked")[0]["at"]
    seen = group.seen()
    assert seen[f"{group.kafka.prefix}{EVENTS}", 0][0] == 20  # the app said so
    assert group.committed() == {tp: offsets[-1] + 1 for tp, offsets in seen.items()}
