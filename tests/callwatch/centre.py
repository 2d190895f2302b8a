"""A judged world whose outputs lie in Kafka, as workers write them, and notifiers that read them there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from kafka import KafkaProducer

from callwatch.commands.notify import read_ledger
from callwatch.notifier import Notifier
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.catalogue import Catalogue
from models.notification import Notification, encode
from models.notify_settings import NotifySettings
from models.partition import partition_of
from models.runtime import KafkaSettings, Settings
from models.topics import NOTIFICATIONS, topic_name
from streams.broker import create_topics
from tests.alerts.desk import READ
from tests.alerts.world import World

PARTITIONS = 2


#: How long a test waits for what must come, on a machine that is busy with all else; what comes is taken at once.
PATIENCE_S = 150.0


def until(check: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """The first true answer of *check*."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_s} s")


@dataclass
class Centre:
    """*world* judges; `publish` writes its outputs with their ``pos``."""

    kafka: KafkaSettings
    notify: NotifySettings
    env: dict[str, str]
    world: World = field(default_factory=World)
    written: int = 0
    offset: int = 0
    producer: Any = None

    @property
    def settings(self) -> Settings:
        """The settings of a notifier."""
        return Settings(kafka=self.kafka, catalogue=Catalogue(people=self.world.catalogue.people), notify=self.notify)

    def publish(self) -> None:
        """Write what the world has put out since, all caused by one record of the log."""
        self.offset += 1
        for n, output in enumerate(self.world.outputs[self.written :]):
            if output.topic in READ:
                value = orjson.dumps({**output.payload, "pos": [0, self.offset, n]})
                self.put(output.topic, output.key, output.queue, value)
        self.written = len(self.world.outputs)
        self.producer.flush(10)

    def say(self, record: Notification) -> None:
        """A word of somebody else onto the ledger."""
        self.put(NOTIFICATIONS, record.key, record.queue, encode(record))
        self.producer.flush(10)

    def put(self, topic: str, key: str, queue: str, value: bytes) -> None:
        """A record where *queue* lies."""
        partition = partition_of(queue, self.kafka.partitions)
        name = topic_name(self.kafka.prefix, topic)
        self.producer.send(name, value, key=key.encode(), partition=partition)

    def tell(self, command: str, actor: str = "lead", **fields: Any) -> None:
        """A command of a person, decided and published."""
        self.world.tell(command, actor, **fields)
        self.publish()

    def ledger(self) -> list[tuple[str, str, str, int]]:
        """The last words: (to, occasion, state, tries)."""
        return [(r.to, r.occasion, r.state, r.tries) for r in read_ledger(self.kafka)]


def said(notifier: Notifier) -> list[tuple[str, str, str, int]]:
    """The last words as *notifier* has read them: (to, occasion, state, tries). Quicker than to read the topic."""
    entries = [entry.record for case in dict(notifier.ledger.cases).values() for entry in dict(case.entries).values()]
    return [(r.to, r.occasion, r.state, r.tries) for r in entries]


@contextmanager
def centre(stack: EmbeddedStack, prefix: str, notify: NotifySettings, env: dict[str, str]) -> Iterator[Centre]:
    """Topics of its own, and a world."""
    kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(create_topics(kafka))
    made = Centre(kafka, notify, env)
    made.producer = KafkaProducer(acks="all", linger_ms=0, **client_options(kafka))
    try:
        yield made
    finally:
        made.producer.close(5)


@contextmanager
def notifying(made: Centre) -> Iterator[Notifier]:
    """A notifier that has read all there is, in a thread; it has to end without an error."""
    notifier = Notifier(made.settings, made.env)
    stop, failures = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            notifier.run(stop)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: notifier.caught_up.is_set() or failures)
        yield notifier
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        if failures:
            raise failures[0]
