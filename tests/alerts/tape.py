"""A world whose log is kept, so that it can be run again: straight, and cut by a crash at any of its records.

A worker that crashes leaves two things behind: the outputs that it has written, each with its ``pos``, and the newest
snapshot. The next owner restores the snapshot, applies again what came after it, and writes nothing at or below the
highest ``pos`` that is there. `cut` does the same with a record of the log anywhere between snapshot and crash.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import orjson

from alerts.judgement import Judgement, Output
from models.catalogue import Catalogue
from models.metric import figure
from tests.alerts.world import MIN, S, World

Written = tuple[tuple[int, int], bytes]


@dataclass
class Record:
    """One record of the log with the figures as they were where it lies."""

    kind: str
    now_ms: int
    figures: np.ndarray
    body: dict[str, Any] = field(default_factory=dict)


class Tape:
    """Stands before a judgement and keeps what it is told."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.judgement = Judgement(catalogue)
        self.records: list[Record] = []

    def clock(self, now_ms: int, figures: np.ndarray, names: list[str], live: World) -> list[Output]:
        self.records.append(Record("clock", now_ms, figures.copy()))
        return self.judgement.clock(now_ms, figures, names, live)

    def command(self, record: dict[str, Any], now_ms: int, live: World) -> list[Output]:
        self.records.append(Record("command", now_ms, live.figures.copy(), record))
        return self.judgement.command(record, now_ms, live)

    def probe(self, record: dict[str, Any], now_ms: int, live: World) -> list[Output]:
        self.records.append(Record("probe", now_ms, live.figures.copy(), record))
        return self.judgement.probe(record, now_ms, live)


class TapedWorld(World):
    """A world that marks the records around a boundary."""

    def __init__(self, settings: Catalogue | None = None, *queues: str) -> None:
        super().__init__(settings, *queues)
        self.tape = Tape(self.catalogue)
        self.judgement = self.tape  # type: ignore[assignment]
        self.first, self.last = 0, 0

    def around(self, at_ms: int) -> None:
        """Come to *at_ms* in long steps, cross it second by second, and go on for a while."""
        if at_ms - 4 * S > self.now_ms:
            self.run(at_ms - 4 * S - self.now_ms, 20 * S)
        with_mark = len(self.tape.records)
        self.run(at_ms + 4 * S - self.now_ms, S)
        self.first, self.last = with_mark, len(self.tape.records)
        self.run(2 * MIN, 20 * S)


class Replayed:
    """One owner after another over the same log."""

    def __init__(self, world: TapedWorld) -> None:
        self.catalogue, self.names, self.records = world.catalogue, world.names, world.tape.records
        self.judgement = Judgement(self.catalogue)
        self.figures = world.figures
        self.written: list[Written] = []

    # the Live protocol

    @property
    def habit(self) -> None:
        """Nothing was learned here."""

    def value(self, queue: str, metric: str, window: str) -> float | None:
        value = float(self.figures[self.names.index(queue), figure(metric, window)])
        return None if np.isnan(value) else value

    def behind(self, queue: str, metric: str) -> tuple[str, str]:
        """Nothing is told beside the figures."""
        return "", ""

    def watch(self, queue: str, since_ms: int) -> None:
        """The figures are taped."""

    def unwatch(self, queue: str) -> None:
        """The figures are taped."""

    def apply(self, offset: int) -> list[Written]:
        record = self.records[offset]
        self.figures = record.figures
        if record.kind == "clock":
            out = self.judgement.clock(record.now_ms, record.figures, self.names, self)
        elif record.kind == "command":
            out = self.judgement.command(record.body, record.now_ms, self)
        else:
            out = self.judgement.probe(record.body, record.now_ms, self)
        return [((offset, n), orjson.dumps(asdict(o))) for n, o in enumerate(out)]

    def go_on(self, first: int, last: int) -> None:
        for offset in range(first, last):
            self.written += self.apply(offset)

    def snapshot(self) -> bytes:
        queues = {queue: self.judgement.snapshot(queue) for queue in self.names}
        return orjson.dumps({"queues": queues, "planned": self.judgement.plan.common()})

    def crash(self, snapshot: bytes, since: int, at: int) -> None:
        """A new owner restores *snapshot*, which includes all below *since*, and applies again up to *at*."""
        self.judgement = Judgement(self.catalogue)
        kept = orjson.loads(snapshot)
        self.judgement.plan.thaw(kept["planned"])
        for queue, state in kept["queues"].items():
            self.judgement.restore(queue, state)
        highest = self.written[-1][0] if self.written else (-1, -1)
        for offset in range(since, at):
            again = self.apply(offset)
            assert [w for w in self.written if w[0][0] == offset] == again  # said once more, it is the same
            self.written += [w for w in again if w[0] > highest]


def straight(world: TapedWorld) -> list[Written]:
    """What the log causes in one go."""
    run = Replayed(world)
    run.go_on(0, len(run.records))
    return run.written


def survives(world: TapedWorld, fired: str, times: int = 1) -> None:
    """Crash at every record around the boundary, with snapshots of every age; *fired* is decided *times* all the same.

    *fired* is ``event:decision`` in the ``workorder-log`` of the marked records.
    """
    assert world.last > world.first, "the boundary was not marked"
    whole = straight(world)
    logged = [orjson.loads(value) for (offset, _), value in whole if world.first <= offset < world.last]
    found = [o["payload"] for o in logged if o["topic"] == "workorder-log"]
    assert sum(f"{e['event']}:{e['decision']}" == fired for e in found) == times, [
        f"{e['event']}:{e['decision']}" for e in found
    ]
    for at in range(world.first, world.last + 1):
        for age in (0, 1, 3, at - world.first + 2):
            run = Replayed(world)
            since = max(0, at - age)
            run.go_on(0, since)
            kept = run.snapshot()
            run.go_on(since, at)
            run.crash(kept, since, at)
            run.go_on(at, len(run.records))
            assert run.written == whole, f"crash before record {at} with a snapshot {age} records old"
