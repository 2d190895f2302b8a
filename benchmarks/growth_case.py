"""One size of ``callwatch bench growth``, in a process of its own so that its memory is its own: case in, figures out.

The actors are those of a worker, fed as a worker feeds them, without a broker.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from agents.actor import PartitionActor
from agents.warm import warm
from benchmarks import machine
from models.catalogue import Catalogue
from models.encode import clock_record
from models.partition import partition_of

START_MS: Final = 1_772_438_400_000
#: Queues that one partition is given: two thirds of what it takes.
PER_PARTITION: Final = 6_500
#: Records in one fetched batch.
BATCH: Final = 10_000
#: Clocks of a live worker: ten a second.
CLOCK_MS: Final = 100
#: Clocks that are timed: a minute of stream time, with the work of a full minute in it.
CLOCKS: Final = 600
#: Before the memory of quiet queues is read: their half-hour is over and has gone into what is usual; between clocks
#: less than counts as a gap.
QUIET_MS: Final = 1_860_000
QUIET_STEP_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Case:
    """*queues* that have had a call, *waiting* calls over them all, *events* that are timed."""

    queues: int
    waiting: int = 0
    events: int = 200_000


class Log:
    """The partitions of a log and their actors; records are applied where they belong."""

    def __init__(self, queues: int) -> None:
        self.partitions = max(1, -(-queues // PER_PARTITION))
        self.actors = [PartitionActor(p, self.partitions, Catalogue()) for p in range(self.partitions)]
        self.names = [f"site{n % 50}/queue{n}" for n in range(queues)]
        self.homes = [partition_of(name, self.partitions) for name in self.names]
        self._held: list[list[bytes]] = [[] for _ in self.actors]
        self.took_s = 0.0  #: in actors alone

    def lay(self, partition: int, value: bytes) -> None:
        """Append a record; a full batch is applied."""
        self._held[partition].append(value)
        if len(self._held[partition]) >= BATCH:
            self.play(partition)

    def play(self, partition: int) -> None:
        """Apply what is held of *partition*."""
        values, self._held[partition] = self._held[partition], []
        if values:
            actor = self.actors[partition]
            begun_s = time.perf_counter()
            actor.apply(values, range(actor.position, actor.position + len(values)))
            self.took_s += time.perf_counter() - begun_s

    def clock(self, ts_ms: int) -> None:
        """A clock everywhere, after all that lies before it."""
        value = clock_record(ts_ms, "bench")
        for partition in range(self.partitions):
            self.lay(partition, value)
            self.play(partition)


def _call(log: Log, number: int, at: int, ts_ms: int, *, answered: bool) -> None:
    base = b'"source":"bench","queue":"%b","call":"c%d","ts":%d' % (log.names[at].encode(), number, ts_ms)
    log.lay(log.homes[at], b'{"id":"%do","type":"call.offered",%b}' % (number, base))
    if answered:
        log.lay(log.homes[at], b'{"id":"%da","type":"call.answered","wait_ms":0,%b}' % (number, base))


def run(case: Case) -> dict[str, Any]:
    """Measure *case*."""
    warm()
    log, now_ms, number = Log(case.queues), START_MS, 0
    before = machine.resident_bytes(os.getpid())
    log.clock(now_ms)
    for at in range(case.queues):  # every queue has had a call, and is quiet since
        _call(log, number, at, now_ms, answered=True)
        number += 1
    for now_ms in range(START_MS + QUIET_STEP_MS, START_MS + QUIET_MS, QUIET_STEP_MS):
        log.clock(now_ms)
    quiet_bytes = machine.resident_bytes(os.getpid()) - before
    for n in range(case.waiting):
        _call(log, number, n % case.queues, now_ms, answered=False)
        number += 1
    now_ms += 1_000
    log.clock(now_ms)
    log.took_s = 0.0
    for _ in range(CLOCKS):
        now_ms += CLOCK_MS
        log.clock(now_ms)
    clock_s = log.took_s / CLOCKS
    log.took_s = 0.0
    for n in range(case.events // 2):
        _call(log, number, n * 7_919 % case.queues, now_ms, answered=True)
        number += 1
    for partition in range(log.partitions):
        log.play(partition)
    return {
        **asdict(case),
        "partitions": log.partitions,
        "event_us": round(log.took_s / case.events * 1e6, 3),
        "clock_ms": round(clock_s * 1e3, 3),
        "quiet_bytes": quiet_bytes,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(run(Case(**orjson.loads(sys.argv[1])))))
