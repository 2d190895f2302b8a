"""Moving an installation to another number of partitions, under a prefix of its own.

Records must not change their partition under a reader, and Kafka cannot take partitions away: so everything goes to
new topics, and the old ones stay as they are. In this order:

1. The old logs are applied to their ends, as by their next owner: outputs, snapshots, manifest. Nothing is left over
   that would have to be decided anew. Partitions tell each other of units meanwhile, so this is repeated until nothing
   new has come in.
2. The new topics are made, each partition behind a barrier that keeps workers out until all is there. The first record
   of each new log are the settings in force; what was moved counts as caused by it: ``pos`` is ``[partition, 0, n]``,
   rising as everywhere, and below that of all that the new workers will cause.
3. The outputs are copied, merged by their times, in order for every queue. Where a record had its ``pos`` before
   stands in the header ``callwatch_moved_from``, when it was appended there in ``callwatch_moved_at``. The ledger of
   notifications follows, the last word on each under the key that it has: whoever was told before is told of the end.
4. The state of every queue and unit is written as snapshots that stand at offset 1 (`agents.moved`).
5. The old logs must still end where they did; a barrier goes in front of them and their ledger (to which nobody may
   have written meanwhile), and those of the new topics are lifted.

Cut anywhere before the last step, the old installation is whole and goes on; the new topics stay barred and say so.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any, Final

import orjson
import zstandard

from agents.actor import PartitionActor
from agents.keeper import SEND_MAX, PartitionKeeper, cloud_headers
from agents.moved import actor_of, home_of
from agents.plans import queue_of_plan
from agents.units import BOARD
from alerts.case import supersedes
from alerts.workorder import OPEN
from models.catalogue import Catalogue
from models.errors import WorkError
from models.fields import is_unit
from models.interner import QUEUES_MAX
from models.moved import MOVED_AT, MOVED_FROM, origin
from models.notification import CLOSED, Notification, closing, encode, words
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.settings_record import digest, settings_record, unpacked
from models.topics import (
    ALERTS,
    ANOMALIES,
    DEAD_LETTERS,
    EVENTS,
    INTERVALS,
    METRICS,
    NOTIFICATIONS,
    OUTPUT_TOPICS,
    SNAPSHOTS,
    WORKORDER_LOG,
    WORKORDERS,
    topic_name,
)
from streams.broker import create_topics, ends, members, partition_numbers, read_partition, read_records
from streams.sending import Sender
from streams.snapshots import Manifest, SnapshotReader, Snapshots, barrier

Show = Callable[[str], None]

#: Rounds over the old logs until nothing new comes in: the second takes what partitions told each other in the first.
ROUNDS: Final = 5
#: Beyond the session timeout: a broker takes a dead worker out of its group by then.
GRACE_S: Final = 2.0
_TIME_OF: Final = {
    INTERVALS: "start_ms",
    ANOMALIES: "at_ms",
    WORKORDERS: "updated_ms",
    WORKORDER_LOG: "at_ms",
    ALERTS: "at_ms",
}
_NOTHING: Final = (0, (-1, -1))


@dataclass(slots=True)
class Former:
    """The old partitions at the ends of their logs."""

    catalogue: Catalogue
    ends: dict[int, int] = field(default_factory=dict)  #: partition -> offset after its last record
    common: list[dict[str, Any]] = field(default_factory=list)
    boards: list[bytes] = field(default_factory=list)
    states: dict[str, bytes] = field(default_factory=dict)  #: queue or unit -> its state, compressed


@dataclass(frozen=True, slots=True)
class Moved:
    """What was (or would be) moved: *homes* has the number of queues of each new partition."""

    queues: int
    open_orders: int
    homes: tuple[int, ...]
    records: dict[str, int]  #: by topic
    applied: int  #: records at the ends of the old logs that no manifest included yet


async def plan(kafka: KafkaSettings, target: KafkaSettings, show: Show) -> Moved:
    """What a move would move as things are, read from the old topics; writes nothing."""
    await _check_names(kafka, target)
    names, orders, tail = list[str](), 0, 0
    for partition in range(kafka.partitions):
        reader, where = SnapshotReader(), topic_name(kafka.prefix, SNAPSHOTS)
        async for rows in read_partition(kafka, where, partition):
            for _, key, value in rows:
                reader.add(key, value)
        found = reader.found()
        mine = _queues(found.queues)
        names += mine
        orders += sum(_has_open_order(found.queues[queue]) for queue in mine)
        start = found.manifest.offset if found.manifest else 0
        async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition, start):
            tail += len(rows)
    homes = check_room(names, target.partitions)
    records = dict.fromkeys(OUTPUT_TOPICS, 0)
    for topic in OUTPUT_TOPICS:
        for partition in range(kafka.partitions):
            async for _ in _once(topic, kafka, partition):
                records[topic] += 1
            show(f"{topic}: {records[topic]:,} records")
    return Moved(len(names), orders, homes, records, tail)


async def repartition(kafka: KafkaSettings, catalogue: Catalogue, target: KafkaSettings, show: Show) -> Moved:
    """Move the installation *kafka* to *target* (another prefix and number of partitions, the same broker).

    *catalogue* holds where no worker ever ran. Raises WorkError with the way out: when workers run, when the target is
    not empty, when partitions have different settings in force, when something came in meanwhile.
    """
    await _check_names(kafka, target)
    await check_stopped(kafka, show)
    await create_topics(kafka)  # one that was set up before there was a ledger gets an empty one
    async with Sender(kafka) as send:
        former, applied = await _to_the_ends(kafka, catalogue, send, show)
        check_room(former.states, target.partitions)
        await create_topics(target)
        unfinished = (
            f'The move to prefix "{target.prefix}" was not finished. The old installation ("{kafka.prefix}") is whole: '
            "delete the topics of the new prefix, or choose another with --to, and repeat `callwatch repartition`."
        )
        await _bar(target, send, unfinished)
        await _first_records(target, send, former)
        at = {topic: await _copy(topic, kafka, target, send, show) for topic in OUTPUT_TOPICS}
        told = await _copy_ledger(kafka, target, send, show)
        homes = [await _state(p, target, send, former, at, show) for p in range(target.partitions)]
        await _check_still(kafka, former)
        # in this order: whatever dies between the two, never both of them may be worked on
        closed = await _bar(kafka, send, moved_to(target))
        await _check_told(kafka, send, told, closed)
        show("the old installation is closed")
        await _bar(target, send, None)
    orders = sum(_has_open_order(zstandard.decompress(data)) for data in former.states.values())
    records = {topic: sum(n + 1 for _, (_, n) in found.values()) for topic, found in at.items()}
    return Moved(sum(homes), orders, tuple(homes), records, applied)


def moved_to(target: KafkaSettings) -> str:
    """What a worker on the old prefix is told."""
    return (
        f'This installation was moved: set [kafka] prefix = "{target.prefix}" and partitions = {target.partitions}. '
        "(To go back to the old one, which does not know what came after: `callwatch repartition --release`.)"
    )


async def release(kafka: KafkaSettings) -> None:
    """Take the barrier of a finished move away from the old installation. Raises WorkError for an unfinished one."""
    for partition in range(kafka.partitions):
        async for rows in read_partition(kafka, topic_name(kafka.prefix, SNAPSHOTS), partition):
            for _, key, value in rows:
                if key == barrier(None)[0] and value is not None and "was not finished" in orjson.loads(value)["why"]:
                    raise WorkError(orjson.loads(value)["why"])
    async with Sender(kafka) as send:
        await _bar(kafka, send, None)


# -- may it begin -------------------------------------------------------------------------------------------------


async def _check_names(kafka: KafkaSettings, target: KafkaSettings) -> None:
    if target.prefix == kafka.prefix:
        raise WorkError(f'"{kafka.prefix}" is the prefix it has now: choose another with --to.')
    here = (await partition_numbers(kafka))[EVENTS]
    if here != kafka.partitions:
        raise WorkError(
            f"{topic_name(kafka.prefix, EVENTS)} has {here} partitions, the settings say {kafka.partitions}: check "
            "[kafka] prefix and partitions."
        )
    there = {topic: n for topic, n in (await partition_numbers(target)).items() if n}
    if there:
        raise WorkError(
            f'The prefix "{target.prefix}" is in use: {", ".join(sorted(there))}. Choose another with --to, or delete '
            "these topics if they are what an earlier move left."
        )


def _queues(names: Iterable[str]) -> list[str]:
    return [name for name in names if name != BOARD and not is_unit(name) and not queue_of_plan(name)]


def check_room(names: Iterable[str], partitions: int) -> tuple[int, ...]:
    """How many of the queues each new partition gets. Raises WorkError where one would get more than it takes."""
    homes = [0] * partitions
    for queue in _queues(names):
        homes[partition_of(queue, partitions)] += 1
    if max(homes) > QUEUES_MAX:
        raise WorkError(
            f"With {partitions} partitions one of them would have {max(homes):,} queues, and takes {QUEUES_MAX:,}: "
            "choose more partitions."
        )
    return tuple(homes)


async def check_stopped(kafka: KafkaSettings, show: Show) -> None:
    """Raise WorkError while workers run.

    A broker lists dead workers until their session ends, the embedded one for ever. So those that it lists count as
    running when rows of figures come in, which every live worker writes each second.
    """
    before = await ends(kafka, METRICS)
    deadline_s = time.monotonic() + kafka.session_timeout_s + GRACE_S
    while listed := await members(kafka):
        if await ends(kafka, METRICS) != before:
            raise WorkError(
                f"{len(listed)} workers of the group {kafka.prefix}{kafka.group} run: stop all of them, and the "
                "sources, and repeat this."
            )
        if time.monotonic() > deadline_s:
            show(f"the broker still lists {len(listed)} workers, which write nothing any more: taken for stopped")
            return
        show("waiting for the sessions of stopped workers to end")
        await asyncio.sleep(0.5)


# -- the old partitions -------------------------------------------------------------------------------------------


async def _to_the_ends(kafka: KafkaSettings, catalogue: Catalogue, send: Sender, show: Show) -> tuple[Former, int]:
    applied = 0
    for _ in range(ROUNDS):
        former, new = Former(catalogue), 0
        for partition in range(kafka.partitions):
            new += await _to_the_end(kafka, partition, former, send, show)
        applied += new
        if not new:
            digests = {digest_of(common) for common in former.common}
            if len(digests) > 1:
                raise WorkError(
                    f"The partitions have different settings in force ({', '.join(sorted(digests))}): start the "
                    "workers, `callwatch rules apply`, and stop them again."
                )
            return former, applied
    raise WorkError("Records keep coming into the old logs: stop the workers and the sources, and repeat this.")


async def _to_the_end(kafka: KafkaSettings, partition: int, former: Former, send: Sender, show: Show) -> int:
    """Apply what the partition's snapshots do not include yet; returns how many records that were."""
    keeper = PartitionKeeper(partition, kafka, former.catalogue, send)
    start = await keeper.restore()
    new = 0
    async for records in read_records(kafka, topic_name(kafka.prefix, EVENTS), partition, start):
        await keeper.apply([r.value for r in records], [r.offset for r in records], appended_of(records))
        new += len(records)
        show(f"partition {partition}: {new} records that no snapshot had yet")
    if new:
        await keeper.snapshot()
    actor = keeper.actor
    former.ends[partition] = actor.position
    former.common.append(actor.freeze_common())
    former.catalogue = actor.catalogue
    states = actor.freeze(actor.kept())
    former.boards.append(states.pop(BOARD))
    former.states |= {name: zstandard.compress(data, 1) for name, data in states.items()}
    return new


def appended_of(records: Iterable[Any]) -> list[tuple[int, int]]:
    """When the broker appended *records*, as `PartitionActor.apply` takes it: (first row, ms) from there on."""
    out, row = [], 0
    for appended_ms, some in groupby(records, key=lambda r: int(r.timestamp)):
        out.append((row, appended_ms))
        row += sum(1 for _ in some)
    return out


def digest_of(common: dict[str, Any]) -> str:
    """The settings of a manifest, in short."""
    return digest(unpacked(common["catalogue"]))


async def _check_still(kafka: KafkaSettings, former: Former) -> None:
    for partition, end in former.ends.items():
        async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition, end):
            raise WorkError(
                f"{len(rows)} records came into {topic_name(kafka.prefix, EVENTS)}[{partition}] meanwhile: stop the "
                "workers and the sources. The old installation is whole; delete the topics of the new prefix, or "
                "choose another with --to, and repeat this."
            )


# -- the new partitions -------------------------------------------------------------------------------------------


async def _bar(kafka: KafkaSettings, send: Sender, why: str | None) -> list[int]:
    """Keep workers and notifiers out, or let them in; returns where in each partition of the ledger that is said."""
    topic, ledger = topic_name(kafka.prefix, SNAPSHOTS), topic_name(kafka.prefix, NOTIFICATIONS)
    await send([(topic, partition, *barrier(why), None) for partition in range(kafka.partitions)])
    return await send([(ledger, partition, *closing(why), None) for partition in range(kafka.partitions)])


async def _first_records(target: KafkaSettings, send: Sender, former: Former) -> None:
    topic = topic_name(target.prefix, EVENTS)
    now_ms = max(1, *(common["time"]["now_ms"] for common in former.common))
    record = settings_record(former.catalogue, id=f"repartition-{target.prefix}", source="callwatch", ts_ms=now_ms)
    offsets = await send([(topic, partition, None, record, None) for partition in range(target.partitions)])
    if any(offsets):
        raise WorkError(f"Something writes to {topic} already: stop it, choose another prefix with --to, and repeat.")


async def _copy(
    topic: str, kafka: KafkaSettings, target: KafkaSettings, send: Sender, show: Show
) -> dict[int, tuple[int, tuple[int, int]]]:
    """Copy an output topic; returns for each new partition where its next record lies, and its last ``pos``."""
    at = dict.fromkeys(range(target.partitions), _NOTHING)
    name, waiting, copied = topic_name(target.prefix, topic), list[Any](), 0

    async def flush() -> None:
        offsets = await send(waiting)
        for (_, partition, *_), offset in zip(waiting, offsets, strict=True):
            at[partition] = (offset + 1, at[partition][1])
        waiting.clear()

    async for partition, key, payload, appended in _merged(topic, kafka):
        home = partition_of(payload["queue"], target.partitions)
        old, pos = payload["pos"], (0, at[home][1][1] + 1)
        at[home] = (at[home][0], pos)
        payload["pos"] = [home, *pos]
        came = b"%b%d-%d-%d" % (kafka.prefix.encode(), partition, old[1], old[2])
        headers = [*cloud_headers(topic, home, pos), (MOVED_FROM, came), (MOVED_AT, b"%d" % appended)]
        waiting.append((name, home, key, orjson.dumps(payload), headers))
        copied += 1
        if len(waiting) >= SEND_MAX:
            await flush()
            show(f"{topic}: {copied:,} records copied")
    await flush()
    return at


#: A record on its way: key, payload, and when the broker first had it (its clock, ms).
_Taken = tuple[bytes | None, dict[str, Any], int]


async def _merged(topic: str, kafka: KafkaSettings) -> AsyncIterator[tuple[int, bytes | None, dict[str, Any], int]]:
    """All records of an output topic (old partition, and as in `_Taken`), by time, each once, in their partition's
    order."""
    number = count()
    readers = [_once(topic, kafka, partition) for partition in range(kafka.partitions)]
    heap: list[tuple[int, int, int, _Taken]] = []

    async def take(partition: int) -> None:
        async for taken in readers[partition]:
            heapq.heappush(heap, (taken[1][_TIME_OF[topic]], partition, next(number), taken))
            return

    for partition in range(kafka.partitions):
        await take(partition)
    while heap:
        _, partition, _, taken = heapq.heappop(heap)
        yield partition, *taken
        await take(partition)


async def _once(topic: str, kafka: KafkaSettings, partition: int) -> AsyncIterator[_Taken]:
    """As our readers take it: a ``pos`` that was seen is dropped. Tombstones are not kept."""
    seen = (-1, -1)
    async for records in read_records(kafka, topic_name(kafka.prefix, topic), partition):
        for record in records:
            if record.value is None:
                continue
            payload = orjson.loads(record.value)
            pos = (payload["pos"][1], payload["pos"][2])
            if pos > seen:
                seen = pos
                came = origin(record.headers)
                yield record.key, payload, (came.appended_ms if came else record.timestamp)


async def _copy_ledger(kafka: KafkaSettings, target: KafkaSettings, send: Sender, show: Show) -> list[int]:
    """Copy the last word on every notification, each to where its queue lies now, in the order in which they came.

    Returns where each old partition ended.
    """
    old, new, ends_at, copied = (*(topic_name(k.prefix, NOTIFICATIONS) for k in (kafka, target)), list[int](), 0)
    for partition in range(kafka.partitions):
        last, end = dict[str, Notification](), 0
        async for rows in read_partition(kafka, old, partition):
            end = rows[-1][0] + 1
            for record in words(rows):
                if record.key not in last or supersedes(record, last[record.key]):
                    last.pop(record.key, None)
                    last[record.key] = record
        ends_at.append(end)
        copies = [
            (new, partition_of(r.queue, target.partitions), r.key.encode(), encode(r), None) for r in last.values()
        ]
        for at in range(0, len(copies), SEND_MAX):
            await send(copies[at : at + SEND_MAX])
        copied += len(copies)
    show(f"{NOTIFICATIONS}: {copied:,} last words copied")
    return ends_at


async def _check_told(kafka: KafkaSettings, send: Sender, told: list[int], closed: list[int]) -> None:
    """Raise WorkError when somebody notified between the copy of the old ledger (to *told*) and its end (*closed*)."""
    topic = topic_name(kafka.prefix, NOTIFICATIONS)
    for partition, (start, end) in enumerate(zip(told, closed, strict=True)):
        async for rows in read_partition(kafka, topic, partition, start):
            if any(offset < end and key != CLOSED for offset, key, _ in rows):
                await _bar(kafka, send, None)
                raise WorkError(
                    f"Something was told meanwhile ({topic}[{partition}]): stop the notifiers. The old installation is "
                    "whole; delete the topics of the new prefix, or choose another with --to, and repeat this."
                )


async def _state(
    partition: int,
    target: KafkaSettings,
    send: Sender,
    former: Former,
    at: dict[str, dict[int, tuple[int, tuple[int, int]]]],
    show: Show,
) -> int:
    """Write the snapshots and the manifest of a new partition; returns how many queues it has."""
    mine = [name for name in former.states if home_of(name, target.partitions) == partition]
    states = {name: zstandard.decompress(former.states[name]) for name in sorted(mine)}
    show(f"partition {partition} of {target.partitions}: {len(states)} queues")
    actor: PartitionActor = actor_of(
        partition, target.partitions, former.catalogue, former.common, former.boards, states
    )
    snapshots, topic = Snapshots(1), topic_name(target.prefix, SNAPSHOTS)
    records = snapshots.round(actor.position, actor.freeze(actor.kept()))
    for start in range(0, len(records), 64):  # 64 parts of 900 KB at most are under way at once
        await send([(topic, partition, key, value, None) for key, value in records[start : start + 64]])
    outputs = {name: found[partition] for name, found in at.items()}
    manifest = Manifest(
        offset=actor.position,
        partitions=target.partitions,
        epoch=snapshots.epoch,
        session=snapshots.session,
        common=actor.freeze_common(),
        outputs={**outputs, DEAD_LETTERS: _NOTHING},
    )
    await send([(topic, partition, *manifest.encode(), None)])
    return len(actor.names.names)


def _has_open_order(data: bytes) -> bool:
    length, _, rest = data.partition(b"\n")
    if not length.isdigit():
        return False  # of units
    order = orjson.loads(rest[: int(length)]).get("order")
    return order is not None and order["state"] in OPEN
