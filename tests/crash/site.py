"""The topics of one crash run: the log is fed into them bit by bit, and each output held against the expected one."""

from __future__ import annotations

import asyncio
import operator
import time
from collections import defaultdict, deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import confluent_kafka
import orjson
from aiokafka.admin import AIOKafkaAdminClient

from agents.actor import PartitionActor, Record
from models.broker_access import client_options
from models.catalogue import Catalogue
from models.runtime import KafkaSettings
from models.topics import DEAD_LETTERS, EVENTS, OUTPUT_TOPICS, TOPICS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics
from tests.crash.centre import Centre, Said, catalogue, said_in

Where = tuple[str, int]
#: From a disturbance to the last output of what lies in the log: seconds, or minutes where ten processes want a core.
SETTLE_S: Final = 240.0
#: A part of the log is fed in so many pieces, this long apart, where workers are to be busy for a while.
PIECES: Final = 20
PIECE_S: Final = 0.05
_READ_S: Final = 0.05
_KEPT: Final = (*OUTPUT_TOPICS, DEAD_LETTERS)


class WrongOutputError(AssertionError):
    """An output that the uninterrupted run does not have, or has elsewhere."""


class Site:
    """One prefix on a broker, and beside it the uninterrupted run of the log that is really there.

    The log is read back, for the workers write into it too (what partitions tell the homes of units), and applied in
    order by an actor of each partition that nothing ever happens to. ``duplicates``: outputs found again, byte for byte
    (our readers drop them by `pos`).
    """

    def __init__(self, kafka: KafkaSettings, centre: Centre, settings: Catalogue | None = None) -> None:
        self.kafka = kafka
        self.centre = centre
        self.fed = [0] * centre.partitions
        self.duplicates = 0
        self.last_s = time.monotonic()  #: when the last output was found
        self.said: Said = defaultdict(list)
        known = settings or catalogue()
        self._actors = [PartitionActor(p, centre.partitions, known) for p in range(centre.partitions)]
        self._there = [0] * centre.partitions  # of what was fed, found in the log
        self._caused: dict[Where, list[Record]] = {(t, p): [] for t in _KEPT for p in range(centre.partitions)}
        self._places: dict[Where, dict[tuple[int, int], int]] = {where: {} for where in self._caused}
        self._got: dict[Where, int] = dict.fromkeys(self._caused, 0)
        self._unproved: deque[tuple[Where, bytes]] = deque()  # found before their cause
        self._topics = {topic_name(kafka.prefix, topic): topic for topic in (*_KEPT, EVENTS)}

    def __enter__(self) -> Site:
        asyncio.run(create_topics(self.kafka))
        self._sink = KafkaSink(client_options(self.kafka), topic_name(self.kafka.prefix, EVENTS))
        self._sink.__enter__()
        self._reader = confluent_kafka.Consumer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "group.id": f"{self.kafka.prefix}reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "logger": _silent,
            }
        )
        self._reader.assign(
            [confluent_kafka.TopicPartition(t, p, 0) for t in self._topics for p in range(len(self.fed))]
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self._sink.__exit__(kind, error, trace)
        if kind is None:  # else somebody may want to look at it
            asyncio.run(_delete(self.kafka))

    # -- the log ---------------------------------------------------------------------------------------------------

    def trickle(self, share: float, enough: Callable[[], bool]) -> None:
        """Append the log up to *share* of it in small pieces, reading in between, until *enough*; then the rest."""
        start = max(self.fed[p] / len(log) for p, log in enumerate(self.centre.logs))
        for n in range(PIECES):
            self.feed(start + (share - start) * (n + 1) / PIECES)
            self.read(PIECE_S)
            if enough():
                break
        self.feed(share)

    def feed(self, share: float) -> None:
        """Append the log up to *share* of it."""
        for partition in range(self.centre.partitions):
            self.feed_until(partition, self.centre.cut(partition, share))

    def feed_until(self, partition: int, end: int) -> None:
        """Append the log of *partition* up to its record *end*."""
        for value in self.centre.logs[partition][self.fed[partition] : end]:
            self._sink.send(partition, None, value)
        self.fed[partition] = max(end, self.fed[partition])
        self._sink.flush()

    def _apply(self, partition: int, values: list[bytes], offsets: list[int]) -> None:
        """Go on with the uninterrupted run."""
        for record in self._actors[partition].apply(values, offsets).records:
            where = (record.topic, record.partition)
            self._places[where][record.pos] = len(self._caused[where])
            self._caused[where].append(record)
        self._there[partition] += sum(b'"unit.sums"' not in value for value in values)

    # -- what came of it -------------------------------------------------------------------------------------------

    @property
    def got(self) -> int:
        """Outputs found so far, each once."""
        return sum(self._got.values())

    @property
    def due(self) -> int:
        """Outputs that the log so far causes."""
        return sum(map(len, self._caused.values()))

    @property
    def settled(self) -> bool:
        """Whether every output of what was fed has been found."""
        return all(map(operator.ge, self._there, self.fed)) and self.got == self.due

    def read(self, timeout_s: float = _READ_S) -> int:
        """Take what there is; returns the number of outputs. Raises `WrongOutputError`."""
        log: dict[int, tuple[list[bytes], list[int]]] = defaultdict(lambda: ([], []))
        found = len(self._unproved)
        for record in self._reader.consume(500, timeout_s):
            if record.error() is not None:
                continue
            topic, partition = self._topics[record.topic()], record.partition()
            if topic == EVENTS:
                log[partition][0].append(record.value())
                log[partition][1].append(record.offset())
            else:
                self._unproved.append(((topic, partition), record.value()))
        found = len(self._unproved) - found
        for partition, (values, offsets) in log.items():
            self._apply(partition, values, offsets)
        self._prove()
        if found:
            self.last_s = time.monotonic()
        return found + len(log)

    def read_all(self) -> None:
        """Take until nothing comes for a moment; then each output must have its cause in the log."""
        while self.read(4 * _READ_S):
            pass
        if self._unproved:
            where, value = self._unproved[0]
            raise WrongOutputError(f"{where} has what nothing in the log causes: {value!r}")

    def _prove(self) -> None:
        """Hold each output found against the one caused, as far as the log is read."""
        for _ in range(len(self._unproved)):
            where, value = self._unproved.popleft()
            pos = pos_of(where[0], value)
            if pos[0] >= self._actors[where[1]].position:
                self._unproved.append((where, value))
            else:
                self._take(where, pos, value)

    def _take(self, where: Where, pos: tuple[int, int], value: bytes) -> None:
        n = self._places[where].get(pos)
        want = None if n is None else self._caused[where][n].value
        if n is None or value != want:
            raise WrongOutputError(f"{where} has at pos {pos}\n  {value!r}\nand should have\n  {want!r}")
        if n < self._got[where]:
            self.duplicates += 1
        elif n > self._got[where]:
            missing = self._caused[where][self._got[where]]
            raise WrongOutputError(f"{where} has at pos {pos}, and never had {missing.pos} before it: it is lost")
        else:
            self._got[where] += 1
            queue, words = said_in(where[0], value)
            self.said[(where[0], queue)].append(words)

    def settle(self, timeout_s: float = SETTLE_S) -> None:
        """Wait for every output of what was fed. Raises `WrongOutputError` when one does not come."""
        deadline = time.monotonic() + timeout_s
        while not self.settled or self.read(4 * _READ_S):
            self.read()
            if time.monotonic() > deadline:
                raise WrongOutputError(f"not in {timeout_s:.0f} s: {self.missing()}")

    def missing(self) -> dict[str, tuple[int, int]]:
        """Of each topic and partition that is not whole: outputs found, outputs due; of the log: found, fed."""
        found = {}
        for (topic, partition), got in self._got.items():
            if got < (due := len(self._caused[(topic, partition)])):
                found[f"{topic}[{partition}]"] = (got, due)
        for partition, (there, fed) in enumerate(zip(self._there, self.fed, strict=True)):
            if there < fed:
                found[f"{EVENTS}[{partition}]"] = (there, fed)
        return found

    def assert_whole(self) -> None:
        """All that an uninterrupted run says was said, once; nothing else was.

        Where a broker died under whoever feeds it, what was not confirmed lies there twice: so may dead letters.
        """
        for key, want in self.centre.said.items():
            got = self.said.get(key, [])
            if key[0] == DEAD_LETTERS:
                got, want = sorted(set(got)), sorted(set(want))  # noqa: PLW2901
            assert len(got) == len(want), f"{key}: {len(got)} outputs, an uninterrupted run has {len(want)}"
            for n, (one, other) in enumerate(zip(got, want, strict=True)):
                assert one == other, f"{key} says as number {n}\n  {one!r}\nand an uninterrupted run\n  {other!r}"
        assert self.said.keys() == self.centre.said.keys()


def pos_of(topic: str, value: bytes) -> tuple[int, int]:
    """The place of an output's cause: offset and number."""
    payload = orjson.loads(value)
    if topic == DEAD_LETTERS:
        return payload["offset"], 0
    return payload["pos"][1], payload["pos"][2]


async def _delete(kafka: KafkaSettings) -> None:
    """Take the run's topics off the broker: a campaign of hundreds of runs would leave it thousands of partitions."""
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        await admin.delete_topics([topic_name(kafka.prefix, name) for name in TOPICS])
    finally:
        await admin.close()


class _Silent:
    """librdkafka speaks of every lost connection; here they are the point."""

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


_silent: Final = _Silent()
