"""How far workers have written, asked in one question: to read all of it whenever a test looks would take seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from models.broker_access import client_options
from models.runtime import KafkaSettings
from models.topics import topic_name


class Written:
    """What workers append to *topics* (names without prefix)."""

    def __init__(self, kafka: KafkaSettings, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._places = [
            TopicPartition(topic_name(kafka.prefix, topic), p) for topic in topics for p in range(kafka.partitions)
        ]
        self._last: dict[TopicPartition, int] = {}

    def count(self) -> int:
        """At least so many records are there: of the last batch of a partition the embedded broker tells the first."""
        return sum(asyncio.run(self._ends()).values())

    def stands(self) -> bool:
        """Whether there is something, and nothing more than when this was last asked: now it is worth reading."""
        before, self._last = self._last, asyncio.run(self._ends())
        return self._last == before and any(before.values())

    async def _ends(self) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(**client_options(self._kafka), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign(self._places)
            return dict(await consumer.end_offsets(self._places))
        finally:
            await consumer.stop()
