"""Topics made and checked, partitions read to their end, batches as the broker holds them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiokafka
import certifi
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.errors import SettingsError, WorkError
from models.runtime import KafkaSettings, WorkerSettings
from models.topics import TOPICS
from streams.app import make_app
from streams.batch import RecordBatch
from streams.broker import create_topics, read_partition
from streams.fetch import fetched_batches
from tests.streams.processes import send

pytestmark = pytest.mark.stack


@pytest.fixture
def kafka(stack: EmbeddedStack, prefix: str) -> KafkaSettings:
    """A prefix of its own, no topics yet."""
    return KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix)


async def _partitions(kafka: KafkaSettings) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        described = await admin.describe_topics()
    finally:
        await admin.close()
    return {t["topic"]: len(t["partitions"]) for t in described if t["topic"].startswith(kafka.prefix)}


def test_all_topics_are_made_once_and_again_is_harmless(kafka: KafkaSettings) -> None:
    async def two_at_once() -> None:
        await asyncio.gather(create_topics(kafka), create_topics(kafka))

    asyncio.run(two_at_once())
    asyncio.run(create_topics(kafka))
    assert asyncio.run(_partitions(kafka)) == {f"{kafka.prefix}{name}": 4 for name in TOPICS}


def test_another_number_of_partitions_is_refused_with_the_way_out(kafka: KafkaSettings) -> None:
    async def foreign() -> None:
        admin = AIOKafkaAdminClient(**client_options(kafka))
        await admin.start()
        await admin.create_topics([NewTopic(f"{kafka.prefix}events", 3, 1)])
        await admin.close()

    asyncio.run(foreign())
    with pytest.raises(WorkError, match=r"partitions = 4, but \S+events has 3.*another prefix"):
        asyncio.run(create_topics(kafka))


def test_no_broker_is_said_in_a_sentence() -> None:
    nowhere = KafkaSettings(bootstrap="127.0.0.1:9")
    with pytest.raises(WorkError, match=r"No Kafka broker answers at 127\.0\.0\.1:9"):
        asyncio.run(create_topics(nowhere))
    with pytest.raises(WorkError, match="No Kafka broker answers"):
        asyncio.run(_read(nowhere, "events", 0))


async def _read(kafka: KafkaSettings, topic: str, partition: int, start: int = 0) -> list[tuple[Any, ...]]:
    return [row async for rows in read_partition(kafka, topic, partition, start) for row in rows]


def test_a_partition_is_read_to_its_end(kafka: KafkaSettings) -> None:
    asyncio.run(create_topics(kafka))
    topic = f"{kafka.prefix}events"
    asyncio.run(send(kafka.bootstrap, topic, [b"a%d" % i for i in range(40)]))
    asyncio.run(send(kafka.bootstrap, topic, [b"b%d" % i for i in range(4000)]))  # in batches: ListOffsets is wrong

    rows = asyncio.run(_read(kafka, topic, 1))
    assert [offset for offset, _, _ in rows] == list(range(1010))
    assert rows[0] == (0, b"k1", b"a1")
    assert rows[-1] == (1009, b"k3997", b"b3997")
    assert asyncio.run(_read(kafka, topic, 1, start=1000)) == rows[1000:]
    assert asyncio.run(_read(kafka, topic, 1, start=1010)) == []
    assert asyncio.run(_read(kafka, topic, 1, start=5000)) == []
    assert asyncio.run(_read(kafka, f"{kafka.prefix}alerts", 0)) == []


async def fetched_all(kafka: KafkaSettings, topic: str, start: int, max_records: int) -> list[RecordBatch]:
    """What the driver makes of partition 0 from *start* on."""
    consumer = aiokafka.AIOKafkaConsumer(**client_options(kafka), enable_auto_commit=False)
    await consumer.start()
    try:
        tp = aiokafka.TopicPartition(topic, 0)
        consumer.assign([tp])
        consumer.seek(tp, start)
        batches: list[RecordBatch] = []
        while got := await fetched_batches(consumer._fetcher, {tp}, 1.0, max_records):
            batches += got.values()
        assert consumer.highwater(tp) == batches[-1].end == await consumer.position(tp)
        return batches
    finally:
        await consumer.stop()


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_batches_hold_what_was_sent_whatever_the_codec(kafka: KafkaSettings, codec: str | None) -> None:
    asyncio.run(create_topics(kafka))
    topic = f"{kafka.prefix}events"
    values = [b"%d " % i * (i % 7) for i in range(500)]
    asyncio.run(send(kafka.bootstrap, topic, values, partitions=1, compression_type=codec))
    batches = asyncio.run(fetched_all(kafka, topic, 130, 64))
    assert max(map(len, batches)) <= 64
    assert [o for b in batches for o in b.offsets] == list(range(130, 500))
    assert [v for b in batches for v in b.values] == values[130:]
    assert [k for b in batches for k in b.keys] == [b"k%d" % i for i in range(130, 500)]
    assert [b.start for b in batches] == [130, *(b.end for b in batches[:-1])]


def test_nulls_and_headers_come_through(kafka: KafkaSettings) -> None:
    asyncio.run(create_topics(kafka))
    topic = f"{kafka.prefix}events"
    headers = [("ce_id", b"1"), ("ce_type", "呼".encode()), ("empty", b"")]

    async def three() -> None:
        producer = aiokafka.AIOKafkaProducer(**client_options(kafka), linger_ms=20)
        await producer.start()
        sent = [
            await producer.send(topic, b"v", partition=0),
            await producer.send(topic, None, key=b"k", partition=0),
            await producer.send(topic, b"", key=b"", partition=0, headers=headers),
        ]
        await asyncio.gather(*sent)
        await producer.stop()

    asyncio.run(three())
    batches = asyncio.run(fetched_all(kafka, topic, 0, 100))
    assert [(k, v) for b in batches for k, v in zip(b.keys, b.values, strict=True)] == [
        (None, b"v"),
        (b"k", None),
        (b"", b""),
    ]
    assert {b.offsets[row]: h for b in batches for row, h in b.headers.items()} == {2: headers}


def test_signing_in_and_encryption_reach_every_client(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cafile"):
        client_options(KafkaSettings(security_protocol="SSL", cafile=str(tmp_path / "absent.pem")))
    kafka = KafkaSettings(security_protocol="SASL_SSL", username="u", password="p", cafile=certifi.where())
    options = client_options(kafka)
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert isinstance(options["ssl_context"], ssl.SSLContext)
    assert "p" not in repr(kafka).split()
    credentials = make_app(kafka, WorkerSettings()).conf.broker_credentials
    assert (credentials.username, credentials.password, credentials.protocol.value) == ("u", "p", "SASL_SSL")
    assert client_options(KafkaSettings()) == {"bootstrap_servers": ["127.0.0.1:9092"]}
