"""The shell around one partition's actor: restore, outputs, snapshots (DESIGN section 6, guarantee 1).

The order of work for a batch, each step confirmed by the broker before the next:

1. outputs (those that their topics already hold are dropped: the log decides everything, so they are the same)
2. the batch is acknowledged
3. now and then: snapshots of the queues that changed, then the manifest, then the keys of former owners are deleted

A crash between any two steps leaves what the next owner needs: it starts at the last manifest and applies again,
silently, what the output topics hold beyond it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial

import orjson

from agents.actor import Effects, PartitionActor, Record
from models.catalogue import Catalogue
from models.errors import WorkError
from models.refusal import Refused
from models.runtime import KafkaSettings
from models.settings_record import digest, settings_record
from models.topics import DEAD_LETTERS, EVENTS, OUTPUT_TOPICS, SNAPSHOTS, topic_name
from streams.app import Output
from streams.broker import Rows
from streams.snapshots import Found, KeyValue, Manifest, SnapshotReader, Snapshots
from streams.tails import read_to_ends
from streams.windows import setup_of

log = logging.getLogger("callwatch.worker")

#: Sends records and returns their offsets, in the same order, once the broker has confirmed all of them.
Send = Callable[[Sequence[Output]], Awaitable[list[int]]]
#: Records sent at once: a batch of them is confirmed before the next, so that memory stays bounded.
SEND_MAX = 2_000
_BEFORE_ALL = (-1, -1)
_KEPT_TOPICS = (*OUTPUT_TOPICS, DEAD_LETTERS)


class PartitionKeeper:
    """Owns a partition from its restore to its revoke."""

    def __init__(self, partition: int, kafka: KafkaSettings, catalogue: Catalogue, send: Send) -> None:
        self.actor = PartitionActor(partition, kafka.partitions, catalogue)
        self.dropped = 0  #: outputs that were there already
        self._kafka = kafka
        self._catalogue = catalogue
        self._send = send
        self._seen: dict[str, tuple[int, int]] = {}
        self._next: dict[str, int] = {}
        self._snapshots = Snapshots(1)
        self._full = True  # the first round of a session holds every queue
        self._round_at = -1
        self._unwritten = False  # a batch is applied, and what it caused not confirmed
        self._one_round = asyncio.Lock()  # a revoke may come while one is being written

    # -- restore --------------------------------------------------------------------------------------------------

    async def restore(self) -> int:
        """Take up the partition's state; returns the offset to go on from.

        Raises WorkError when the snapshots were made for another number of partitions or by another version.
        """
        found = await self._found()
        self._snapshots = Snapshots(found.epoch, found.stale)
        if found.manifest is not None:
            self._check(found.manifest)
            self._thaw(found.manifest, found.queues)
            self._round_at = found.manifest.offset
        await self._find_seen(found.manifest)
        if found.manifest is None:
            # the settings in force at the first record are those of its first owner, whoever comes after it
            await self._round()
        return self.actor.position

    async def _found(self) -> Found:
        reader = SnapshotReader()
        async for _, rows in self._read({SNAPSHOTS: 0}):
            for _, key, value in rows:
                reader.add(key, value)
        try:
            return reader.found()
        except ValueError as error:
            raise self._unreadable(error) from error

    def _thaw(self, manifest: Manifest, queues: dict[str, bytes]) -> None:
        try:
            self.actor.thaw(manifest.offset, manifest.common, queues)
        except (ValueError, Refused) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> WorkError:
        return WorkError(
            f"{topic_name(self._kafka.prefix, SNAPSHOTS)}[{self.actor.partition}]: {error}. Start the version of "
            "Callwatch that wrote it, or choose another [kafka] prefix and replay what you need (docs/OPERATIONS.md)."
        )

    def _check(self, manifest: Manifest) -> None:
        if manifest.partitions != self._kafka.partitions:
            raise WorkError(
                f"The snapshots were made with {manifest.partitions} partitions, the settings say "
                f"{self._kafka.partitions}. Set [kafka] partitions = {manifest.partitions}, or move everything with "
                f"`callwatch repartition {self._kafka.partitions} --to PREFIX`, or choose another [kafka] prefix and "
                "replay."
            )

    # -- settings -------------------------------------------------------------------------------------------------

    async def tell_settings(self) -> bool:
        """Append this owner's settings to the log when others are in force; True when they were.

        They are in force from where the record lies. Call it after `restore`. Raises WorkError for settings that would
        cut the intervals of a queue here otherwise.
        """
        mine = digest(self._catalogue)
        if mine == self.actor.digest:
            return False
        if recut := self.actor.windows.recut(partial(setup_of, self._catalogue)):
            raise WorkError(
                f"The settings give another time zone or interval length to {', '.join(recut[:3])}"
                f"{' and others' if len(recut) > 3 else ''} than the one in force, and rows that exist cannot be cut "
                "anew. Set it back, or choose another [kafka] prefix and replay what you need."
            )
        log.warning(
            "partition %d: settings %s were in force; those of this worker, %s, take their place in the log",
            self.actor.partition,
            self.actor.digest,
            mine,
        )
        ident, now_ms = f"settings-{mine}-{self._snapshots.session}", max(self.actor.windows.now_ms, 1)
        record = settings_record(self._catalogue, id=ident, source="callwatch", ts_ms=now_ms)
        await self._send([(topic_name(self._kafka.prefix, EVENTS), self.actor.partition, None, record, None)])
        return True

    def _settings_changed(self, before: str) -> None:
        mine, now = digest(self._catalogue), self.actor.digest
        whose = "this worker's own" if mine == now else f"not this worker's ({mine}): give all the same file"
        log.warning("partition %d: settings %s follow %s; they are %s", self.actor.partition, now, before, whose)

    async def _find_seen(self, manifest: Manifest | None) -> None:
        """Find the last ``pos`` that each output topic holds, and where its next record lies."""
        known = {} if manifest is None else manifest.outputs
        for topic in _KEPT_TOPICS:
            self._next[topic], self._seen[topic] = known.get(topic, (0, _BEFORE_ALL))
        async for topic, rows in self._read(dict(self._next)):
            for offset, _, value in rows:
                self._next[topic] = offset + 1
                if value is not None:
                    self._seen[topic] = max(self._seen[topic], _pos_of(topic, value))

    def _read(self, starts: Mapping[str, int]) -> AsyncIterator[tuple[str, Rows]]:
        return read_to_ends(self._kafka, self.actor.partition, starts)

    # -- the log --------------------------------------------------------------------------------------------------

    async def apply(
        self, values: Sequence[bytes | None], offsets: Sequence[int], appended: Sequence[tuple[int, int]] = ()
    ) -> Effects:
        """Apply a batch (see `PartitionActor.apply`) and write what it causes; returns when the broker has it."""
        self._unwritten = True
        settings = self.actor.digest
        effects = self.actor.apply(values, offsets, appended)
        if settings != self.actor.digest:
            self._settings_changed(settings)
        fresh = [record for record in effects.records if self._is_fresh(record)]
        self.dropped += len(effects.records) - len(fresh)
        fresh += effects.told
        for start in range(0, len(fresh), SEND_MAX):
            part = fresh[start : start + SEND_MAX]
            written = await self._send([self._output(record) for record in part])
            for record, offset in zip(part, written, strict=True):
                if record.topic != EVENTS:
                    self._seen[record.topic] = max(record.pos, self._seen.get(record.topic, _BEFORE_ALL))
                    self._next[record.topic] = max(offset + 1, self._next.get(record.topic, 0))
        self._unwritten = False
        return effects

    def _is_fresh(self, record: Record) -> bool:
        return record.pos > self._seen.get(record.topic, _BEFORE_ALL)

    def _output(self, record: Record) -> Output:
        headers = cloud_headers(record.topic, self.actor.partition, record.pos)
        forwarded = record.topic == EVENTS
        return (
            topic_name(self._kafka.prefix, record.topic),
            record.partition,
            record.key,
            record.value,
            None if forwarded else headers,
        )

    # -- snapshots ------------------------------------------------------------------------------------------------

    async def snapshot(self) -> int:
        """Write a round: what changed, then the manifest. Returns the number of queues written.

        Nothing is written of a state whose outputs are not confirmed (the send failed, or was cancelled): the next
        owner would not write them again.
        """
        async with self._one_round:
            return await self._round()

    async def _round(self) -> int:
        actor = self.actor
        offset = actor.position
        if self._unwritten or (offset == self._round_at and not self._full):
            return 0
        queues = actor.kept() if self._full else actor.changed()
        records = self._snapshots.round(offset, actor.freeze(queues))
        manifest = Manifest(
            offset=offset,
            partitions=self._kafka.partitions,
            epoch=self._snapshots.epoch,
            session=self._snapshots.session,
            common=actor.freeze_common(),
            outputs={topic: (self._next[topic], self._seen[topic]) for topic in _KEPT_TOPICS},
        )
        last = manifest.encode()
        await self._write(records)
        await self._write([last])
        self._full, self._round_at = False, offset
        await self._write(self._snapshots.confirmed())
        return len(queues)

    async def _write(self, records: Sequence[KeyValue]) -> None:
        topic = topic_name(self._kafka.prefix, SNAPSHOTS)
        outputs: list[Output] = [(topic, self.actor.partition, key, value, None) for key, value in records]
        for start in range(0, len(outputs), 64):  # 64 parts of 900 KB at most are under way at once
            await self._send(outputs[start : start + 64])


def cloud_headers(topic: str, partition: int, pos: tuple[int, int]) -> list[tuple[str, bytes]]:
    """The CloudEvents headers of an output."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"%d-%d-%d" % (partition, *pos)),
        ("ce_source", b"callwatch"),
        ("ce_type", b"callwatch." + topic.encode()),
        ("content-type", b"application/json"),
    ]


def _pos_of(topic: str, value: bytes) -> tuple[int, int]:
    payload = orjson.loads(value)
    if topic == DEAD_LETTERS:
        return payload["offset"], 0
    return payload["pos"][1], payload["pos"][2]
