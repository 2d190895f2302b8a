"""A world run through the actors of its partitions, and held to the oracle wherever a batch ends with a clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import orjson

from agents.actor import PartitionActor
from models.catalogue import Catalogue
from models.fields import is_unit
from models.metric import FIGURES
from models.topics import DEAD_LETTERS, EVENTS, INTERVALS
from tests.oracle.lives import Event
from tests.oracle.log import BUCKET, Oracle, Watch
from tests.oracle.worlds import World


@dataclass
class Partition:
    """An actor, its log, and the oracle of the same log."""

    number: int
    partitions: int
    catalogue: Catalogue
    actor: PartitionActor = field(init=False)
    oracle: Oracle = field(init=False)
    log: list[Event] = field(default_factory=list)
    applied: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    compared: int = 0

    def __post_init__(self) -> None:
        self.actor = PartitionActor(self.number, self.partitions, self.catalogue)
        self.oracle = Oracle(self.catalogue, self.number, self.partitions)

    def watch(self, watch: Watch) -> None:
        """The window "resolve" begins or ends here, as when an order is resolved or closed."""
        if watch.queue not in self.oracle.queues:
            return
        self.oracle.read([watch])
        if watch.since is None:
            self.actor.windows.unwatch(watch.queue)
        else:
            self.actor.windows.watch(watch.queue, watch.since)

    def append(self, event: Event) -> None:
        at = len(self.log)
        self.log.append({"id": f"clock-{at}", "source": "w"} | event if event["type"] == "clock" else event)

    def catch_up(self) -> Iterator[tuple[int, Event]]:
        """Apply what was appended as one batch, and compare; what belongs to another partition comes out."""
        batch, begin = self.log[self.applied :], self.applied
        if not batch:
            return
        self.applied = len(self.log)
        effects = self.actor.apply([orjson.dumps(event) for event in batch], range(begin, self.applied))
        self.oracle.read(batch)
        forwarded = [record for record in effects.records if record.topic == EVENTS]
        assert sum(record.topic == DEAD_LETTERS for record in effects.records) == effects.dead
        self.rows += [orjson.loads(record.value) for record in effects.records if record.topic == INTERVALS]
        if batch[-1]["type"] == "clock":
            self.compare()
        for record in forwarded:
            yield record.partition, orjson.loads(record.value)

    def compare(self) -> None:
        """Figures of every queue, and all interval rows so far, equal those of the oracle."""
        actor, oracle = self.actor, self.oracle
        names = [name for name in actor.names.names if not is_unit(name)]
        assert set(names) == set(oracle.queues)
        for name in names:
            row = actor.windows.figures[actor.names.index(name)].tolist()
            assert oracle.figures[name].keys() == FIGURES.keys()
            want = [oracle.figures[name][key] for key in FIGURES]
            wrong = {key: pair for key, *pair in zip(FIGURES, row, want, strict=True) if not _same(*pair)}
            assert not wrong, (name, oracle.now, wrong)
        self.compared += 1
        rows = [{name: value for name, value in row.items() if name != "pos"} for row in self.rows]
        assert rows == oracle.rows, [pair for pair in zip_longest(rows, oracle.rows) if pair[0] != pair[1]]

    def cut(self) -> None:
        """Stop, and go on as another that has nothing but the bytes of snapshots, old ones of unchanged queues."""
        self.snapshots |= self.actor.freeze(self.actor.changed())
        common = orjson.dumps(self.actor.freeze_common())
        position = self.actor.position
        self.actor = PartitionActor(self.number, self.partitions, Catalogue())
        self.actor.thaw(position, orjson.loads(common), self.snapshots)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def run(world: World, ends: set[int], cuts: set[int]) -> list[Partition]:
    """Run *world*. A batch ends behind the entries *ends* of its script, a worker behind those of *cuts*."""
    partitions = [Partition(n, world.partitions, world.catalogue) for n in range(world.partitions)]
    for at, (partition, entry) in enumerate(world.script):
        if isinstance(entry, dict):
            for one in partitions if partition is None else [partitions[partition]]:
                one.append(entry)
        if at in ends or at in cuts or at == len(world.script) - 1 or isinstance(entry, Watch):
            _catch_up(partitions)
            for one in partitions if at in cuts else []:
                one.cut()
        if isinstance(entry, Watch) and partition is not None:
            partitions[partition].watch(entry)
    _catch_up(partitions)
    pass_time(partitions, BUCKET)  # and what was forwarded last is there
    return partitions


def _catch_up(partitions: list[Partition]) -> None:
    for one in partitions:
        for home, event in one.catch_up():
            partitions[home].append(event)


def pass_time(partitions: list[Partition], ms: int) -> None:
    """A clock everywhere, *ms* after the last."""
    for one in partitions:
        one.append({"type": "clock", "ts": (one.oracle.now or 0) + ms})
    _catch_up(partitions)
