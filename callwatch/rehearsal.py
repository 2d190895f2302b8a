"""Rehearsal: what workers would write of a recording, computed without Kafka.

The recording is laid out as ``callwatch replay`` lays it on the log (`sources.timeline`, `sources.replay.places`): with
clocks from its event time, or, a capture, with its own clocks and with the commands of people where they lie. Each
partition has its actor, the same that a worker has. So what comes out is what workers write, byte for byte, whatever
the speed of the replay and the size of their fetches. One thing differs: what partitions tell each other of units lies
in the log of workers wherever it was appended, and here it has no place of its own; so ``pos`` is not theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from agents.actor import PartitionActor, Record
from models.catalogue import Catalogue
from models.topics import EVENTS
from sources.recording import Recording
from sources.replay import places
from sources.timeline import DEFAULT_CLOCK_MS, timeline

#: Records held, over all partitions, before they are applied: some 2 MB; the default of a worker's fetch.
BATCH: Final = 20_000


class Rehearsal:
    """The partitions of a log and their actors: `lay` records on it, then `play` what was laid.

    *actors* may be asked for figures and orders between two plays; state is as bounded as a worker's.
    """

    def __init__(self, catalogue: Catalogue, partitions: int) -> None:
        self.actors = [PartitionActor(p, partitions, catalogue) for p in range(partitions)]
        self.held = 0  #: records laid and not played yet
        self._log: list[list[bytes]] = [[] for _ in self.actors]
        self._told: list[list[bytes]] = [[] for _ in self.actors]  # of units, by other partitions

    def lay(self, partition: int, value: bytes) -> None:
        """Append a record to the log of *partition*."""
        self._log[partition].append(value)
        self.held += 1

    def play(self) -> list[Record]:
        """Apply all that was laid; returns what it caused, partition by partition, each in the order of its log.

        What an actor appends to the log itself (a record of another partition, forwarded) is laid there for the next,
        which also hears what was told of units.
        """
        out: list[Record] = []
        held, self._log, self.held = self._log, [[] for _ in self.actors], 0
        told, self._told = self._told, [[] for _ in self.actors]
        for actor, values, heard in zip(self.actors, held, told, strict=True):
            for value in heard:
                out += actor.hear(value)
            if not values:
                continue
            effects = actor.apply(values, range(actor.position, actor.position + len(values)))
            for record in effects.told:
                self._told[record.partition].append(record.value)
                self.held += 1
            for record in effects.records:
                if record.topic == EVENTS:
                    self.lay(record.partition, record.value)
            out += [record for record in effects.records if record.topic != EVENTS]
        return out


def rehearse(
    recording: Recording,
    catalogue: Catalogue,
    partitions: int = 1,
    *,
    since_ms: int | None = None,
    tail_ms: int = 0,
    clock_every_ms: int = DEFAULT_CLOCK_MS,
    batch: int = BATCH,
) -> Iterator[Record]:
    """All that workers would write of *recording*, read once as a stream: intervals, anomalies, orders, alerts, ...

    *since_ms*, *tail_ms* and *clock_every_ms* as for `sources.replay.replay`. Records come partition by partition for
    each *batch* of the log, so the order over partitions is no order of time; within one it is that of its topics.
    Raises InputError for a damaged recording.

    Units (``site/*``, ``*``) are judged with one partition only, since what partitions tell each other of them does not
    lie at the same place in two logs; what units say is the same with any number of partitions. Storms, which hold
    orders of queues by what units say, there are with one partition only.
    """
    if partitions > 1:
        catalogue = replace(catalogue, limits=replace(catalogue.limits, storm_queues=0))
    rehearsal = Rehearsal(catalogue, partitions)
    for item in timeline(recording, clock_every_ms=clock_every_ms, since_ms=since_ms, tail_ms=tail_ms):
        for partition in places(item, partitions):
            rehearsal.lay(partition, item.value)
        if rehearsal.held >= batch:
            yield from rehearsal.play()
    while rehearsal.held:
        yield from rehearsal.play()
