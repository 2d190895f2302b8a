"""Which settings are in force in a partition: those of its manifest, and what the log has said since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agents.plans import queue_of_plan
from models.catalogue import Catalogue
from models.decode import read
from models.errors import WorkError
from models.refusal import Refused
from models.runtime import KafkaSettings
from models.settings_record import digest, read_settings, unpacked
from models.topics import EVENTS, SNAPSHOTS, topic_name
from streams.broker import partition_numbers, read_partition
from streams.snapshots import SnapshotReader
from streams.windows import setup_of

#: How a record says that it is one: others of a long tail are not read.
_MARK: Final = b"rules.changed"


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings of one partition. *offset* is that of the record that brought them, -1 when a manifest did."""

    partition: int
    catalogue: Catalogue
    offset: int
    queues: tuple[str, ...]  #: those that the manifest knows

    @property
    def digest(self) -> str:
        """Which settings, in short."""
        return digest(self.catalogue)


async def settings_in_force(kafka: KafkaSettings) -> list[InForce]:
    """The settings in force of every partition of a running (or stopped) system.

    Raises WorkError when there is none under the prefix, or another number of partitions.
    """
    numbers = await partition_numbers(kafka)
    if numbers[EVENTS] != kafka.partitions or not numbers[SNAPSHOTS]:
        found = f"has {numbers[EVENTS]}" if numbers[EVENTS] else "is not there"
        raise WorkError(
            f"The topic {topic_name(kafka.prefix, EVENTS)} {found}, the settings say {kafka.partitions} partitions. "
            "Check [kafka] bootstrap, prefix and partitions; a worker makes the topics when it starts."
        )
    found_all = await asyncio.gather(*(in_force(kafka, partition) for partition in range(kafka.partitions)))
    missing = [str(partition) for partition, found_one in enumerate(found_all) if found_one is None]
    if missing:
        raise WorkError(
            f"No worker has ever had partition {', '.join(missing)}: start one, its settings file is in force then."
        )
    return [found_one for found_one in found_all if found_one is not None]


async def in_force(kafka: KafkaSettings, partition: int) -> InForce | None:
    """The settings in force in *partition*, None before its first owner. Raises WorkError for unreadable snapshots."""
    reader, where = SnapshotReader(), topic_name(kafka.prefix, SNAPSHOTS)
    async for rows in read_partition(kafka, where, partition):
        for _, key, value in rows:
            reader.add(key, value)
    try:
        found = reader.found()
        if found.manifest is None:
            return None
        catalogue, offset = unpacked(found.manifest.common["catalogue"]), -1
    except (ValueError, Refused) as error:
        raise WorkError(f"{where}[{partition}]: {error}. See docs/OPERATIONS.md, Upgrading.") from error
    queues = sorted(name for name in found.queues if not queue_of_plan(name))
    async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition, found.manifest.offset):
        for at, _, value in rows:
            told = _told(value)
            if told is not None and not recut(queues, catalogue, told):
                catalogue, offset = told, at
    return InForce(partition, catalogue, offset, tuple(queues))


def _told(value: bytes | None) -> Catalogue | None:
    if value is None or _MARK not in value:
        return None
    try:
        record = read(value)
        return read_settings(record) if record["type"] == "rules.changed" else None
    except Refused:
        return None


def recut(queues: Iterable[str], old: Catalogue, new: Catalogue) -> list[str]:
    """The *queues* whose days or intervals *new* cuts otherwise than *old*: their rows cannot be cut anew."""
    found = []
    for queue in queues:
        was, will = setup_of(old, queue), setup_of(new, queue)
        if (was.zone, was.interval_ms) != (will.zone, will.interval_ms):
            found.append(queue)
    return found
