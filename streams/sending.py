"""Confirmed sends without a Faust app: for commands that write to the topics themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from models.broker_access import client_options
from models.errors import WorkError
from models.runtime import KafkaSettings
from streams.app import Output

#: As of a worker: a part of a snapshot has 900 KB.
REQUEST_BYTES: Final = 4 * 1024**2


class Sender:
    """An async context manager; calling it sends records in order and waits until the broker has confirmed all.

    Records of one partition keep their order, also when a send is retried. Raises WorkError when the broker cannot be
    reached or does not confirm.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    async def __aenter__(self) -> Sender:
        self._producer = AIOKafkaProducer(
            **client_options(self._kafka), acks="all", max_request_size=REQUEST_BYTES, compression_type="lz4"
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise WorkError(f"No Kafka broker answers at {self._kafka.bootstrap}: {error}.") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def __call__(self, outputs: Sequence[Output]) -> list[int]:
        """Send *outputs* and return their offsets."""
        try:
            pending = [
                await self._producer.send(topic, value, key, partition, headers=headers or [])
                for topic, partition, key, value, headers in outputs
            ]
            return [int(answer.offset) for answer in await asyncio.gather(*pending)]
        except KafkaError as error:
            raise WorkError(f"The broker does not confirm what is written: {error!r}.") from error
