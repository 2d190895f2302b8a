"""The topics of one crash run: the log is fed into them bit by bit, and each output held against the expected one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import confluent_kafka
import orjson

from models.broker_access import client_options
from models.runtime import KafkaSettings
from models.topics import DEAD_LETTERS, EVENTS, OUTPUT_TOPICS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics
from tests.crash.centre import Centre

Where = tuple[str, int]
#: From a disturbance to the last output of what lies in the log. Twice what the slowest rebalance took.
SETTLE_S: Final = 90.0
#: A part of the log is fed in so many pieces, this long apart, where workers are to be busy for a while.
PIECES: Final = 20
PIECE_S: Final = 0.05
_READ_S: Final = 0.05


class WrongOutputError(AssertionError):
    """An output that the uninterrupted run does not have, or has elsewhere."""


class Site:
    """One prefix on a broker. ``duplicates``: outputs found again, byte for byte (our readers drop them by `pos`)."""

    def __init__(self, kafka: KafkaSettings, centre: Centre) -> None:
        self.kafka = kafka
        self.centre = centre
        self.fed = [0] * centre.partitions
        self.duplicates = 0
        self.last_s = time.monotonic()  #: when the last output was found
        self._got: dict[Where, int] = dict.fromkeys(centre.caused, 0)
        self._places: dict[Where, dict[tuple[int, int], int]] = {
            where: {record.pos: n for n, record in enumerate(records)} for where, records in centre.caused.items()
        }
        self._topics = {topic_name(kafka.prefix, topic): topic for topic in (*OUTPUT_TOPICS, DEAD_LETTERS)}

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
        for partition, log in enumerate(self.centre.logs):
            end = self.centre.cut(partition, share)
            for value in log[self.fed[partition] : end]:
                self._sink.send(partition, None, value)
            self.fed[partition] = max(end, self.fed[partition])
        self._sink.flush()

    # -- what came of it -------------------------------------------------------------------------------------------

    @property
    def got(self) -> int:
        """Outputs found so far, each once."""
        return sum(self._got.values())

    @property
    def due(self) -> int:
        """Outputs that what was fed causes."""
        return sum(self.centre.due((t, p), self.fed[p]) for t, p in self._got)

    def read(self, timeout_s: float = _READ_S) -> int:
        """Take what there is; returns the number of records. Raises `WrongOutputError`."""
        records = self._reader.consume(500, timeout_s)
        for record in records:
            if record.error() is None:
                self._take((self._topics[record.topic()], record.partition()), record.value())
        if records:
            self.last_s = time.monotonic()
        return len(records)

    def read_all(self) -> None:
        """Take until nothing comes for a moment."""
        while self.read(4 * _READ_S):
            pass

    def _take(self, where: Where, value: bytes) -> None:
        pos = pos_of(where[0], value)
        n = self._places[where].get(pos)
        want = None if n is None else self.centre.caused[where][n].value
        if value != want:
            raise WrongOutputError(f"{where} has at pos {pos}\n  {value!r}\nand should have\n  {want!r}")
        assert n is not None
        if n < self._got[where]:
            self.duplicates += 1
        elif n > self._got[where]:
            missing = self.centre.caused[where][self._got[where]]
            raise WrongOutputError(f"{where} has at pos {pos}, and never had {missing.pos} before it: it is lost")
        else:
            self._got[where] += 1

    def settle(self, timeout_s: float = SETTLE_S) -> None:
        """Wait for every output of what was fed. Raises `WrongOutputError` when one does not come."""
        deadline = time.monotonic() + timeout_s
        while self.got < self.due:
            self.read()
            if time.monotonic() > deadline:
                raise WrongOutputError(
                    f"in {timeout_s:.0f} s {self.got} of {self.due} outputs have come: {self.missing()}"
                )

    def missing(self) -> dict[str, tuple[int, int]]:
        """Of each topic and partition that is not whole: outputs found, outputs due."""
        found = {}
        for (topic, partition), got in self._got.items():
            due = self.centre.due((topic, partition), self.fed[partition])
            if got < due:
                found[f"{topic}[{partition}]"] = (got, due)
        return found


def pos_of(topic: str, value: bytes) -> tuple[int, int]:
    """The place of an output's cause: offset and number."""
    payload = orjson.loads(value)
    if topic == DEAD_LETTERS:
        return payload["offset"], 0
    return payload["pos"][1], payload["pos"][2]


class _Silent:
    """librdkafka speaks of every lost connection; here they are the point."""

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


_silent: Final = _Silent()
