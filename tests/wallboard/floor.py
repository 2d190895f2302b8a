"""A floor behind the wallboard: the real judgement decides what people press, and the projector shows it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from alerts.judgement import Output
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue
from models.partition import partition_of
from models.runtime import KafkaSettings
from streams.broker import create_topics
from tests.alerts.world import PAYLOADS, World
from tests.wallboard.browser import commands
from tests.wallboard.payloads import PARTITIONS, row
from tests.wallboard.wall import Wall, running, until

QUEUE = "bank/PS"
SHOWN = ("workorder-log", "workorders", "alerts")


@dataclass
class Floor:
    """*world* judges one queue; `run` lets time pass, `decide` takes what lies in the log since."""

    wall: Wall
    world: World
    offset: int = -1  #: of the last command that was decided
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, ms: int, step_ms: int = 20_000) -> None:
        """Clocks until *ms* later, and what they brought."""
        self._show(self.world.run(ms, step_ms))

    def tell(self, command: str, actor: str, **fields: Any) -> None:
        """A command that came some other way than by the page."""
        self._show(self.world.tell(command, actor, QUEUE, **fields))

    def decide(self) -> dict[str, Any]:
        """Wait for the next command in the log and decide it, at its place."""
        records = until(lambda: len(found := commands(self.wall, QUEUE)) > self.offset + 1 and found)
        self.offset, self.numbers = self.offset + 1, itertools.count()
        outputs = self.world.judgement.command(records[self.offset], self.world.now_ms, self.world)
        self.world.outputs += outputs
        self._show(outputs)
        record: dict[str, Any] = records[self.offset]
        return record

    def _show(self, outputs: list[Output]) -> None:
        partition = partition_of(QUEUE, PARTITIONS)
        told = [(o.topic, {**o.payload, "pos": (partition, self.offset, next(self.numbers))}) for o in outputs]
        self.wall.put("metrics", row(QUEUE, at_ms=self.world.now_ms))
        for topic in SHOWN:
            self.wall.put(topic, *(PAYLOADS[topic].model_validate(payload) for name, payload in told if name == topic))


@contextmanager
def on_the_floor(stack: EmbeddedStack, prefix: str, catalogue: Catalogue) -> Iterator[Floor]:
    """A floor with *catalogue*, on keys and topics of its own."""
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    with running(kafka, stack.valkey_url, catalogue=catalogue) as wall:
        asyncio.run(create_topics(kafka))
        yield Floor(wall, World(catalogue, QUEUE))
