"""What DESIGN section 5 takes for granted of the broker, on Apache Kafka: retention, compaction, sizes, a restart.

Why not on the embedded one: see ``tests/brokers.py``.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from agents.actor import PartitionActor
from agents.keeper import PartitionKeeper
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.runtime import KafkaSettings
from models.topics import EVENTS, OUTPUT_TOPICS, SNAPSHOTS, TOPICS, topic_name
from streams.app import Output
from streams.broker import create_topics, read_partition
from streams.snapshots import PART_BYTES, Snapshots
from tests.agents.dense import catalogue, dense_log, payloads
from tests.agents.logs import run
from tests.brokers import on_apache
from tests.kafka.server import ApacheStack
from tests.streams.processes import WorkerProcess, committed, send, wait_until
from tests.streams.test_broker import fetched_all

pytestmark = [pytest.mark.stack, on_apache]

#: 1999-02-03 12:00 in Jerusalem: a replay of the bank's records.
OLD_MS = 918_036_000_000
#: Segments end, and are looked at, within a second; everything else of a topic is as we make it.
QUICK = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "100"}

#: The key of a record that only makes the log longer. Readers of snapshots pass over it.
END = b'["end", 0, ""]'

Rows = list[tuple[int, bytes | None, bytes | None]]


@pytest.fixture
def kafka(stack: EmbeddedStack, prefix: str) -> KafkaSettings:
    """A prefix of its own with one partition, no topics yet."""
    return KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=1)


async def make(kafka: KafkaSettings, name: str, **changed: str | None) -> str:
    """Make topic *name* with our own settings for it, those of *changed* aside (None: the broker's)."""
    settings = {**TOPICS[name].config(), **QUICK, **changed}
    topic = topic_name(kafka.prefix, name)
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        configs = {key: value for key, value in settings.items() if value is not None}
        answer = await admin.create_topics([NewTopic(topic, kafka.partitions, 1, topic_configs=configs)])
    finally:
        await admin.close()
    assert [error[1] for error in answer.topic_errors] == [0]
    return topic


@asynccontextmanager
async def producing(kafka: KafkaSettings) -> AsyncIterator[aiokafka.AIOKafkaProducer]:
    producer = aiokafka.AIOKafkaProducer(**client_options(kafka), acks="all", max_request_size=4 * 1024**2)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def rows(kafka: KafkaSettings, topic: str, start: int = 0) -> Rows:
    return [row async for part in read_partition(kafka, topic, 0, start) for row in part]


async def eventually(check: Callable[[], Awaitable[Any]], what: str, timeout_s: float = 60.0) -> Any:
    """The first true answer of *check*."""
    deadline = time.monotonic() + timeout_s
    while not (found := await check()):
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}"
        await asyncio.sleep(0.2)
    return found


# -- time and retention ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", [None, "lz4"])
def test_the_time_of_a_record_is_the_brokers(kafka: KafkaSettings, codec: str | None) -> None:
    """Whatever the one who sent it says: ``LogAppendTime``. It travels with the batch as ``appended``."""
    topic = topic_name(kafka.prefix, EVENTS)
    asyncio.run(create_topics(kafka))

    async def two() -> list[tuple[int, int]]:
        producer = aiokafka.AIOKafkaProducer(**client_options(kafka), compression_type=codec)
        await producer.start()
        sent = []
        for _ in range(2):
            at = time.time_ns() // 1_000_000
            await producer.send_and_wait(topic, b"v", partition=0, timestamp_ms=OLD_MS)
            sent.append((at, time.time_ns() // 1_000_000))
            await asyncio.sleep(0.05)
        await producer.stop()
        return sent

    sent = asyncio.run(two())
    (batch,) = asyncio.run(fetched_all(kafka, topic, 0, 100))
    assert [row for row, _ in batch.appended] == [0, 1]
    for (before, after), (_, appended) in zip(sent, batch.appended, strict=True):
        assert before <= appended <= after


async def append_until_the_first_is_gone(kafka: KafkaSettings, topic: str) -> tuple[float, Rows]:
    """Append records that say 1999 now and then; seconds until the first was deleted, and what was left then."""
    began = time.monotonic()
    async with producing(kafka) as producer:

        async def append() -> Rows:
            value = b"%d" % int((time.monotonic() - began) * 1000)
            await producer.send_and_wait(topic, value, partition=0, timestamp_ms=OLD_MS)
            found = await rows(kafka, topic)
            # none at all: the broker was quicker than the reading, and this one is gone too
            return found if found and found[0][0] > 0 else []

        left = await eventually(append, "the first record deleted")
        return time.monotonic() - began, left


def test_retention_goes_by_the_brokers_time_so_that_a_replay_of_1999_is_kept(kafka: KafkaSettings) -> None:
    async def replayed() -> tuple[float, Rows]:
        return await append_until_the_first_is_gone(kafka, await make(kafka, EVENTS, **{"retention.ms": "4000"}))

    took_s, left = asyncio.run(replayed())
    assert took_s > 4.0
    # Whole segments go, each when its newest record is old enough: what was appended a moment ago is there.
    assert len(left) > 0
    assert took_s - int(left[-1][2] or b"0") / 1000 < 4.0


def test_by_the_records_own_time_it_would_be_deleted_at_once(kafka: KafkaSettings) -> None:
    """What `LogAppendTime` is for: a week of retention, and the replay is gone within a second or two."""

    async def replayed() -> tuple[float, Rows]:
        topic = await make(kafka, EVENTS, **{"message.timestamp.type": "CreateTime"})
        return await append_until_the_first_is_gone(kafka, topic)

    took_s, _ = asyncio.run(replayed())
    assert took_s < 30


def test_what_retention_took_from_a_worker_is_named_and_it_goes_on(kafka: KafkaSettings, tmp_path: Path) -> None:
    async def replayed() -> Rows:
        topic = await make(kafka, EVENTS, **{"retention.ms": "2000"})
        return (await append_until_the_first_is_gone(kafka, topic))[1]

    asyncio.run(replayed())
    worker = WorkerProcess(
        "recorder", tmp_path, "w", bootstrap=kafka.bootstrap, prefix=kafka.prefix, partitions=1, start=0
    )
    try:
        # The rest may be deleted meanwhile too; a record that comes now is applied.
        wait_until(lambda: bool(worker.rows("start")), 30, "an assignment")
        asyncio.run(send(kafka.bootstrap, f"{kafka.prefix}{EVENTS}", [b"now"], partitions=1))
        wait_until(lambda: bool(worker.rows("batch")), 30, "a batch")
        assert "are gone by retention" in worker.log.read_text()
        assert worker.rows("batch")[0]["first"] > 0
        assert worker.stop() == 0
    finally:
        worker.kill()


# -- compaction --------------------------------------------------------------------------------------------------------


async def compacted(kafka: KafkaSettings, topic: str, wanted: dict[bytes, bytes]) -> Rows:
    """Wait until of everything before the active segment only *wanted* is left."""
    async with producing(kafka) as producer:

        async def clean() -> Rows:
            # The active segment is never compacted: one more record ends it when it is old enough.
            await producer.send_and_wait(topic, b"", key=END, partition=0)
            found = [row for row in await rows(kafka, topic) if row[1] != END]
            return found if len(found) == len(wanted) else []

        found = await eventually(clean, "a compacted log")
    assert {key: value for _, key, value in found} == wanted
    return cast(Rows, found)


def test_compaction_keeps_the_newest_of_each_key_and_drops_what_was_deleted(kafka: KafkaSettings) -> None:
    async def test() -> None:
        topic = await make(kafka, SNAPSHOTS)
        async with producing(kafka) as producer:
            for n in range(300):
                await producer.send(topic, b"%d" % n, key=b"k%d" % (n % 7), partition=0)
            await producer.send_and_wait(topic, None, key=b"k3", partition=0)
            await producer.flush()
        wanted = {b"k%d" % (n % 7): b"%d" % n for n in range(293, 300) if n % 7 != 3}
        found = await compacted(kafka, topic, wanted)
        # Offsets stay, with holes between them; a reader may start in a hole.
        assert [offset for offset, _, _ in found] == [n for n in range(293, 300) if n % 7 != 3]
        assert (await rows(kafka, topic, 100))[0] == found[0]

    asyncio.run(test())


def sender(producer: aiokafka.AIOKafkaProducer) -> Callable[[Sequence[Output]], Awaitable[list[int]]]:
    async def confirmed(outputs: Sequence[Output]) -> list[int]:
        sent = [
            await producer.send(topic, value, key=key, partition=partition, headers=headers or [])
            for topic, partition, key, value, headers in outputs
        ]
        return [int((await one).offset) for one in sent]

    return confirmed


def test_a_worker_restores_from_the_compacted_log(kafka: KafkaSettings) -> None:
    """Three owners in a row write snapshots, the log is compacted, and the fourth goes on as if nothing had been."""
    log = dense_log(5, seconds=30)
    cuts = [0, len(log) // 4, len(log) // 2, len(log) * 3 // 4]

    async def live(keeper: PartitionKeeper, until: int) -> None:
        assert keeper.actor.position < until
        while (at := keeper.actor.position) < until:
            end = min(at + 50, until)
            await keeper.apply(log[at:end], range(at, end))
            await keeper.snapshot()

    async def lives() -> tuple[int, int, PartitionActor]:
        topic = await make(kafka, SNAPSHOTS)
        await create_topics(kafka)
        async with producing(kafka) as producer:
            for until in cuts[1:]:
                keeper = PartitionKeeper(0, kafka, catalogue(), sender(producer))
                await keeper.restore()
                await live(keeper, until)
            written = await rows(kafka, topic)
            newest = {key: value for _, key, value in written}
            left = await compacted(kafka, topic, {k: v for k, v in newest.items() if k is not None and v is not None})
            keeper = PartitionKeeper(0, kafka, catalogue(), sender(producer))
            assert await keeper.restore() == cuts[-1]
            await live(keeper, len(log))
            return len(written), len(left), keeper.actor

    written, left, last = asyncio.run(lives())
    assert left < written / 3
    whole = PartitionActor(0, 1, catalogue())
    expected = payloads(run(whole, log))
    for name in OUTPUT_TOPICS:
        found = asyncio.run(rows(kafka, topic_name(kafka.prefix, name)))
        assert [value for _, _, value in found] == expected.get(name, []), name
    assert {"anomalies", "workorders", "workorder-log", "alerts"} <= expected.keys()
    assert last.freeze_common() == whole.freeze_common()


# -- sizes -------------------------------------------------------------------------------------------------------------


def test_our_largest_record_passes_and_one_above_the_limit_is_refused_by_name(kafka: KafkaSettings) -> None:
    """A part of a snapshot is the largest record we write; a queue's state of any size is cut into such parts."""
    state = os.urandom(3 * PART_BYTES)  # of which no compression makes less
    records = Snapshots(1).round(7, {"a" * 200: state})

    async def test() -> Rows:
        topic = await make(kafka, SNAPSHOTS)
        async with producing(kafka) as producer:
            for key, value in records:
                await producer.send_and_wait(topic, value, key=key, partition=0)
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send_and_wait(topic, os.urandom(1024**2), key=b"k", partition=0)
        return await rows(kafka, topic)

    found = asyncio.run(test())
    assert [(key, value) for _, key, value in found] == records
    assert len(records) == 4
    assert max(len(key) + len(value or b"") for key, value in records) > PART_BYTES


# -- restart -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "killed"])
def test_records_offsets_and_committed_offsets_outlive_the_broker(
    stack: ApacheStack, kafka: KafkaSettings, tmp_path: Path, kill: bool
) -> None:
    topic = f"{kafka.prefix}{EVENTS}"

    def known() -> dict[tuple[str, int], int]:
        return asyncio.run(committed(kafka.bootstrap, f"{kafka.prefix}{kafka.group}", [topic], 1))

    asyncio.run(create_topics(kafka))
    asyncio.run(send(kafka.bootstrap, topic, [b"%d" % n for n in range(500)], partitions=1))
    worker = WorkerProcess("recorder", tmp_path, "w", bootstrap=kafka.bootstrap, prefix=kafka.prefix, partitions=1)
    try:
        wait_until(lambda: sum(r["size"] for r in worker.rows("batch")) == 500, 30, "all applied")
        assert worker.stop() == 0
    finally:
        worker.kill()
    before = asyncio.run(rows(kafka, topic))
    assert known() == {(topic, 0): 500}
    stack.kafka.restart(kill=kill)
    assert asyncio.run(rows(kafka, topic)) == before
    assert len(before) == 500
    asyncio.run(create_topics(kafka))  # finds them as they were
    wait_until(lambda: known() == {(topic, 0): 500}, 20, "committed offsets read in again")
    asyncio.run(send(kafka.bootstrap, topic, [b"after"], partitions=1))
    assert asyncio.run(rows(kafka, topic, 500)) == [(500, b"k0", b"after")]
