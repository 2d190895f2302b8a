"""The sink against a real broker."""

from __future__ import annotations

import asyncio
from dataclasses import replace as changed
from pathlib import Path

import orjson
import pytest

from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.errors import WorkError
from models.partition import partition_of
from models.runtime import KafkaSettings
from sources.kafka_sink import BATCH_BYTES, KafkaSink
from sources.recording import RecordingHeader, RecordingWriter, open_recording
from sources.replay import replay
from streams.broker import create_topics, read_partition

pytestmark = pytest.mark.stack

KAFKA = KafkaSettings(partitions=3)


async def read(kafka: KafkaSettings, topic: str) -> list[list[tuple[bytes | None, bytes | None]]]:
    """Keys and values of each partition."""
    partitions = []
    for partition in range(kafka.partitions):
        records: list[tuple[bytes | None, bytes | None]] = []
        async for rows in read_partition(kafka, topic, partition):
            records += [(key, value) for _, key, value in rows]
        partitions.append(records)
    return partitions


def test_a_replay_lies_on_the_broker_in_order_and_in_its_partitions(
    stack: EmbeddedStack, prefix: str, tmp_path: Path
) -> None:
    kafka = changed(KAFKA, bootstrap=stack.bootstrap, prefix=prefix)
    queues = [f"site/{n}" for n in range(12)]
    events = [
        {"id": f"{n}", "source": "t", "type": "ivr.abandoned", "ts": 1_000_000 + n * 50, "call": f"{n}", "queue": q}
        for n in range(6_000)
        for q in [queues[n % 12]]
    ]
    with RecordingWriter(tmp_path / "rec", RecordingHeader()) as writer:
        writer.write_all(map(orjson.dumps, events))
    asyncio.run(create_topics(kafka))
    with open_recording(tmp_path / "rec") as recording, KafkaSink(client_options(kafka), f"{prefix}events") as sink:
        state = replay(recording, sink, kafka.partitions)
    assert (state.events, state.clocks) == (6_000, 302)
    assert sink.delivered == 6_000 + 3 * 302
    for partition, records in enumerate(asyncio.run(read(kafka, f"{prefix}events"))):
        values = [orjson.loads(value or b"") for _, value in records]
        clocks = [v["ts"] for v in values if v["type"] == "clock"]
        assert clocks == list(range(999_000, 1_300_001, 1_000))
        mine = [e for e in events if partition_of(str(e["queue"]), 3) == partition]
        assert [v for v in values if v["type"] != "clock"] == mine
        assert {key for key, _ in records} == {None} | {str(e["queue"]).encode() for e in mine}


def test_more_than_a_batch(stack: EmbeddedStack, prefix: str) -> None:
    kafka = changed(KAFKA, bootstrap=stack.bootstrap, prefix=prefix)
    asyncio.run(create_topics(kafka))
    values = [b"%07d" % n + b"x" * 1000 for n in range(3 * BATCH_BYTES // 1000)]
    with KafkaSink(client_options(kafka), f"{prefix}events", compression=None) as sink:
        for value in values:
            sink.send(1, b"k", value)
    assert sink.delivered == len(values)
    assert asyncio.run(read(kafka, f"{prefix}events"))[1] == [(b"k", value) for value in values]


def test_what_a_dead_broker_did_not_confirm_is_counted(own_stack: EmbeddedStack) -> None:
    kafka = changed(KAFKA, bootstrap=own_stack.bootstrap)
    asyncio.run(create_topics(kafka))
    with KafkaSink(client_options(kafka), "events", delivery_timeout_ms=1_000) as sink:
        for n in range(5):
            sink.send(n % 3, None, b"{}")
        sink.flush()
        own_stack.stop()
        for n in range(7):
            sink.send(n % 3, None, b"{}")
        with pytest.raises(WorkError, match=r"did not confirm 7 records of events \(5 before were\)"):
            sink.flush()


def test_no_broker_is_said_so() -> None:
    sink = KafkaSink({"bootstrap_servers": ["127.0.0.1:1"]}, "events")
    with pytest.raises(WorkError, match="Cannot reach the broker"), sink:
        pass
