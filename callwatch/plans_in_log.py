"""Plans in a running installation: told to the log, and read back from it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final

import orjson

from agents.plans import queue_of_plan
from models.decode import read
from models.errors import WorkError
from models.partition import partition_of
from models.plan.book import AHEAD_MS, PlanBook
from models.plan.interval import PlanDay, day_bounds_ms
from models.plan.record import TYPE, plan_record, read_plan
from models.refusal import Refused
from models.runtime import KafkaSettings
from models.topics import EVENTS, SNAPSHOTS, topic_name
from streams.broker import partition_numbers, read_partition
from streams.sending import Sender
from streams.snapshots import SnapshotReader

#: How a record says that it is one: others of a long log are not read.
_MARK: Final = TYPE.encode()
_CLOCK: Final = b'"clock"'
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
    """The plans in force, and the versions that are kept of them, as the partitions have them.

    Those of the last manifest, and what the log has said since. Raises WorkError when there is no such log, or its
    snapshots are unreadable.
    """
    await _check(kafka)
    whole = PlanBook()
    for book in await asyncio.gather(*(_book(kafka, partition) for partition in range(kafka.partitions))):
        for queue in book.queues():
            whole.thaw(queue, book.freeze(queue))
    return whole


async def _book(kafka: KafkaSettings, partition: int) -> PlanBook:
    """The plans of one partition, taken as its worker takes them: at the time of the clock before."""
    book, reader, where = PlanBook(), SnapshotReader(), topic_name(kafka.prefix, SNAPSHOTS)
    async for rows in read_partition(kafka, where, partition):
        for _, key, value in rows:
            reader.add(key, value)
    try:
        found = reader.found()
        for name, data in found.queues.items():
            if queue := queue_of_plan(name):
                book.thaw(queue, orjson.loads(data))
    except (ValueError, Refused) as error:
        raise WorkError(f"{where}[{partition}]: {error}. See docs/OPERATIONS.md, Upgrading.") from error
    first, now_ms, told = 0, -1, set[str]()
    if found.manifest is not None:
        time = found.manifest.common["time"]
        first, now_ms = found.manifest.offset, time["now_ms"] if time["clocked"] else -1
    async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition, first):
        for _, _, value in rows:
            if value is not None:
                now_ms = _take(book, value, now_ms, told)
    return book


def _take(book: PlanBook, value: bytes, now_ms: int, told: set[str]) -> int:
    """Take one record of the log; returns the time behind it."""
    if _MARK not in value and _CLOCK not in value:
        return now_ms
    try:
        record = read(value)
        if record["type"] == "clock":
            return max(now_ms, int(record["ts"]))
        ident = f"{record['source']}\x1f{record['id']}"
        if record["type"] == TYPE and ident not in told:
            book.take(read_plan(record), now_ms if now_ms >= 0 else int(record["ts"]))
            told.add(ident)
    except Refused:
        pass  # a worker refuses it too
    return now_ms


async def _check(kafka: KafkaSettings) -> None:
    numbers = await partition_numbers(kafka)
    if numbers[EVENTS] != kafka.partitions:
        found = f"has {numbers[EVENTS]}" if numbers[EVENTS] else "is not there"
        raise WorkError(
            f"The topic {topic_name(kafka.prefix, EVENTS)} {found}, the settings say {kafka.partitions} partitions. "
            "Check [kafka] bootstrap, prefix and partitions; a worker makes the topics when it starts."
        )
