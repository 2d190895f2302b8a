"""Plans in a running installation: told to the log, and read back from it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final

from models.decode import read
from models.errors import WorkError
from models.partition import partition_of
from models.plan.book import AHEAD_MS, PlanBook
from models.plan.interval import PlanDay, day_bounds_ms
from models.plan.record import TYPE, plan_record, read_plan
from models.refusal import Refused
from models.runtime import KafkaSettings
from models.topics import EVENTS, topic_name
from streams.broker import partition_numbers, read_partition
from streams.sending import Sender

#: How a record says that it is one: others of a long log are not read.
_MARK: Final = TYPE.encode()
#: Sent and confirmed at a time: 8 MB of the largest days.
_AT_ONCE: Final = 1_000


def too_far(days: Sequence[PlanDay], now_ms: int) -> list[PlanDay]:
    """Those further ahead of *now_ms* than partitions keep."""
    return [day for day in days if day_bounds_ms(day.day, day.zone)[0] > now_ms + AHEAD_MS]


async def tell(kafka: KafkaSettings, days: Sequence[PlanDay], ts_ms: int) -> None:
    """Write *days* into the log, each to the partition of its queue; a day of a queue is replaced as a whole.

    Raises WorkError when there is no such log, or it cannot be written.
    """
    await _check(kafka)
    topic, import_id = topic_name(kafka.prefix, EVENTS), uuid.uuid4().hex
    records = [
        (
            topic,
            partition_of(day.queue, kafka.partitions),
            day.queue.encode(),
            plan_record(day, id=f"plan-{import_id}-{n}", source="callwatch", ts_ms=ts_ms),
            None,
        )
        for n, day in enumerate(days)
    ]
    async with Sender(kafka) as send:
        for first in range(0, len(records), _AT_ONCE):
            await send(records[first : first + _AT_ONCE])


async def plans_in_log(kafka: KafkaSettings) -> PlanBook:
    """The plans that the log holds, by version. Raises WorkError when there is no such log."""
    await _check(kafka)
    book = PlanBook()
    for rows in await asyncio.gather(*(_told(kafka, partition) for partition in range(kafka.partitions))):
        for ts_ms, plan in rows:
            try:
                book.take(plan, ts_ms)
            except Refused:
                continue  # a worker refuses it too
    return book


async def _told(kafka: KafkaSettings, partition: int) -> list[tuple[int, PlanDay]]:
    found = []
    async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition):
        for _, _, value in rows:
            if value is None or _MARK not in value:
                continue
            try:
                record = read(value)
                if record["type"] == TYPE:
                    found.append((record["ts"], read_plan(record)))
            except Refused:
                continue
    return found


async def _check(kafka: KafkaSettings) -> None:
    numbers = await partition_numbers(kafka)
    if numbers[EVENTS] != kafka.partitions:
        found = f"has {numbers[EVENTS]}" if numbers[EVENTS] else "is not there"
        raise WorkError(
            f"The topic {topic_name(kafka.prefix, EVENTS)} {found}, the settings say {kafka.partitions} partitions. "
            "Check [kafka] bootstrap, prefix and partitions; a worker makes the topics when it starts."
        )
