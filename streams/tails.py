"""Reading several topics of one partition to their ends, as a restore does: with one consumer, at once.

A consumer of its own for each topic would ask the broker for its version and metadata each time, which took most of a
restore.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaConnectionError

from models.broker_access import client_options
from models.errors import WorkError
from models.runtime import KafkaSettings
from models.topics import topic_name
from streams.broker import READ_RECORDS, READ_TIMEOUT_S, Rows

#: How long the broker may hold a fetch back when there is nothing: of an empty partition the end is known after it.
_WAIT_MS: Final = 20


async def read_to_ends(
    kafka: KafkaSettings, partition: int, starts: Mapping[str, int], timeout_s: float = READ_TIMEOUT_S
) -> AsyncGenerator[tuple[str, Rows], None]:
    """Read one *partition* of topics (names without prefix) from their offsets in *starts* to their ends at the call.

    Yields (topic, its next records as (offset, key, value)); nothing for a topic that has none from its start on. A
    start is clamped to the first offset kept. The end is the high watermark of the first FETCH answer: the embedded
    broker's ListOffsets(latest) is wrong. Raises `WorkError` when the broker gives no answer for *timeout_s*.
    """
    topics = {aiokafka.TopicPartition(topic_name(kafka.prefix, topic), partition): topic for topic in starts}
    consumer = aiokafka.AIOKafkaConsumer(
        **client_options(kafka),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_WAIT_MS,
        check_crcs=True,
    )
    try:
        await consumer.start()
        consumer.assign(list(topics))
        for tp, first in (await consumer.beginning_offsets(list(topics))).items():
            consumer.seek(tp, max(starts[topics[tp]], first))
        ends: dict[Any, int] = {}
        left = set(topics)
        deadline = time.monotonic() + timeout_s
        while left:
            fetched = await consumer.getmany(*left, timeout_ms=_WAIT_MS, max_records=READ_RECORDS)
            for tp in left - ends.keys():
                if (end := consumer.highwater(tp)) is not None:
                    ends[tp] = end
            for tp, records in fetched.items():
                deadline = time.monotonic() + timeout_s
                # A start beyond the end is out of range, and aiokafka goes to the earliest then.
                start, end = starts[topics[tp]], ends[tp]
                if rows := [(r.offset, r.key, r.value) for r in records if start <= r.offset < end]:
                    yield topics[tp], rows
            left = {tp for tp in left if tp not in ends or await consumer.position(tp) < ends[tp]}
            if left and time.monotonic() > deadline:
                names = ", ".join(sorted(f"{tp.topic}[{tp.partition}]" for tp in left))
                raise WorkError(f"The broker gives no answer for {names} in {timeout_s:.0f} s.")
    except KafkaConnectionError as error:
        raise WorkError(f"No Kafka broker answers at {kafka.bootstrap}: is it running?") from error
    finally:
        await consumer.stop()
