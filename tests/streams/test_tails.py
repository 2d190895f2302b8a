"""Topics of one partition read to their ends with one consumer, on a real broker."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.errors import WorkError
from models.runtime import KafkaSettings
from models.topics import ALERTS, ANOMALIES, EVENTS, INTERVALS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import READ_RECORDS, Rows, create_topics
from streams.tails import read_to_ends

pytestmark = pytest.mark.stack

MANY = READ_RECORDS + 2_345


async def _read(kafka: KafkaSettings, partition: int, starts: dict[str, int]) -> dict[str, Rows]:
    found: dict[str, Rows] = {topic: [] for topic in starts}
    async with aclosing(read_to_ends(kafka, partition, starts)) as parts:
        async for topic, rows in parts:
            assert rows
            found[topic] += rows
    return found


def test_each_topic_is_read_from_its_start_to_its_end(stack: EmbeddedStack, prefix: str) -> None:
    kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=2)
    asyncio.run(create_topics(kafka))
    for topic, count in ((EVENTS, MANY), (ALERTS, 7)):
        with KafkaSink(client_options(kafka), topic_name(prefix, topic)) as sink:
            for n in range(count):
                sink.send(1, b"k%d" % n, b"v%d" % n)
    whole = asyncio.run(_read(kafka, 1, {EVENTS: 0, ALERTS: 0, ANOMALIES: 0}))
    assert whole[EVENTS] == [(n, b"k%d" % n, b"v%d" % n) for n in range(MANY)]
    assert whole[ALERTS] == [(n, b"k%d" % n, b"v%d" % n) for n in range(7)]
    assert whole[ANOMALIES] == []
    rest = asyncio.run(_read(kafka, 1, {EVENTS: MANY - 3, ALERTS: 7, INTERVALS: 0}))
    assert [offset for offset, _, _ in rest[EVENTS]] == [MANY - 3, MANY - 2, MANY - 1]
    assert rest[ALERTS] == rest[INTERVALS] == []
    beyond = asyncio.run(_read(kafka, 1, {EVENTS: MANY + 5_000, ALERTS: 3}))
    assert beyond[EVENTS] == []
    assert [offset for offset, _, _ in beyond[ALERTS]] == [3, 4, 5, 6]
    assert asyncio.run(_read(kafka, 0, {EVENTS: 0, ALERTS: 0})) == {EVENTS: [], ALERTS: []}


def test_a_broker_that_is_not_there_is_named() -> None:
    nowhere = KafkaSettings(bootstrap="127.0.0.1:1", partitions=1)
    with pytest.raises(WorkError, match=r"127\.0\.0\.1:1"):
        asyncio.run(_read(nowhere, 0, {EVENTS: 0}))
