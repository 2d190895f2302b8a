"""The synthetic stream that every contender is given: the calls of a busy region, the same for the same seed.

Calls arrive at 200 a second of stream time over all queues; nine in ten are answered, after waits that most queues keep
short and a few do not for ten minutes, so that rules are broken and orders open. The log of a partition is what a
replay would have written: events by ``ts``, and a clock record at every whole second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.encode import clock_record
from models.errors import UsageError
from models.partition import partition_of

#: 2026-03-02 08:00 UTC, a Monday; the start of a half-hour.
START_MS: Final = 1_772_438_400_000
CALLS_PER_S: Final = 200
INTERVAL_MS: Final = 1_800_000
#: One event in 50 is an agent.state.
AGENT_SHARE: Final = 0.02
AGENTS_PER_QUEUE: Final = 20
SOURCE: Final = "bench"

_OFFERED, _ANSWERED, _ABANDONED, _COMPLETED, _AGENT = range(5)
_SITES: Final = ("north", "south", "east")
_STATES: Final = ("ready", "talking", "wrap", "not_ready")

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is asked for: *events* (clock records not counted) over *queues* on *partitions*."""

    events: int = 2_000_000
    queues: int = 200
    partitions: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        if self.events < 1_000:
            raise UsageError(f"--events {self.events}: give at least 1000, else there is nothing to measure.")
        if not 1 <= self.queues <= 10_000:
            raise UsageError(f"--queues {self.queues}: give 1 to 10000.")
        if not 1 <= self.partitions <= 64:
            raise UsageError(f"--partitions {self.partitions}: give 1 to 64.")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give a whole number from 0 on.")


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream as columns, by ``ts``: one row per event. *what* is the number of a call, or of an agent."""

    shape: Shape
    names: list[str]
    ts: Ints
    kind: NDArray[np.int8]
    queue: Ints
    what: Ints
    wait_ms: Ints
    talk_ms: Ints

    @property
    def home(self) -> list[int]:
        """The partition of each queue."""
        return [partition_of(name, self.shape.partitions) for name in self.names]

    def produced(self) -> dict[str, dict[str, int]]:
        """What was produced, by queue: offered, answered, abandoned."""
        counted = {
            name: np.bincount(self.queue[self.kind == kind], minlength=len(self.names)).tolist()
            for name, kind in (("offered", _OFFERED), ("answered", _ANSWERED), ("abandoned", _ABANDONED))
        }
        return {queue: {name: n[at] for name, n in counted.items()} for at, queue in enumerate(self.names)}

    def records(self) -> Iterator[tuple[int, bytes | None, bytes]]:
        """(partition, key, value) in log order: a clock at every second, and one after the last interval's end."""
        home, keys = self.home, [name.encode() for name in self.names]
        everywhere = range(self.shape.partitions)
        columns = (self.ts, self.kind, self.queue, self.what, self.wait_ms, self.talk_ms)
        clock_ms = START_MS
        yield from _clocks(clock_ms, everywhere)
        for ts, kind, queue, what, wait_ms, talk_ms in zip(*(c.tolist() for c in columns), strict=True):
            while clock_ms + 1000 < ts:  # what lies at the time of a clock comes before it
                clock_ms += 1000
                yield from _clocks(clock_ms, everywhere)
            yield home[queue], keys[queue], _VALUES[kind](self.names[queue], ts, what, wait_ms, talk_ms)
        yield from _clocks(clock_ms + 1000, everywhere)
        yield from _clocks((clock_ms + 1000) // INTERVAL_MS * INTERVAL_MS + INTERVAL_MS + 1000, everywhere)


def _clocks(ts_ms: int, partitions: range) -> Iterator[tuple[int, bytes | None, bytes]]:
    value = clock_record(ts_ms, SOURCE)
    for partition in partitions:
        yield partition, None, value


def make_stream(shape: Shape) -> Stream:
    """The stream of *shape*: exactly ``shape.events`` events, every call with its end."""
    rng = np.random.default_rng(shape.seed)
    names = [f"{_SITES[at % len(_SITES)]}/skill{at:04d}" for at in range(shape.queues)]
    calls = _calls(rng, shape)
    agents = shape.events - sum(len(rows["ts"]) for rows in calls)  # the agreed share and what no whole call fills
    last_ms = int(calls[0]["ts"].max())
    calls.append(
        {
            "ts": rng.integers(START_MS, last_ms, agents, endpoint=True),
            "kind": np.full(agents, _AGENT),
            "queue": rng.integers(0, shape.queues, agents),
            "what": rng.integers(0, AGENTS_PER_QUEUE, agents),
            "wait_ms": rng.integers(0, len(_STATES), agents),
            "talk_ms": np.zeros(agents, np.int64),
        }
    )
    columns: dict[str, Any] = {name: np.concatenate([rows[name] for rows in calls]) for name in calls[0]}
    order = np.lexsort((columns["kind"], columns["what"], columns["ts"]))
    columns = {name: column[order] for name, column in columns.items()}
    columns["kind"] = columns["kind"].astype(np.int8)
    return Stream(shape, names, **columns)


def _calls(rng: np.random.Generator, shape: Shape) -> list[dict[str, Ints]]:
    """Rows of offered, then of the outcomes, then of completed calls."""
    most = shape.events // 2
    weights = 1 / np.sqrt(np.arange(1, shape.queues + 1))
    queue = rng.choice(shape.queues, most, p=weights / weights.sum()).astype(np.int64)
    offered = START_MS + np.arange(1, most + 1) * 1000 // CALLS_PER_S
    slow = (queue % 25 == 7) & ((offered - START_MS) // 600_000 == 1)
    wait = np.where(slow, rng.exponential(90_000, most), rng.exponential(4_000, most)).astype(np.int64)
    patience = (1_000 + rng.exponential(150_000, most)).astype(np.int64)
    talk = (5_000 + np.minimum(rng.exponential(120_000, most), 600_000)).astype(np.int64)
    answered = wait <= patience
    budget = shape.events - int(shape.events * AGENT_SHARE)
    n = int(np.searchsorted(np.cumsum(np.where(answered, 3, 2)), budget, side="right"))
    queue, offered, talk, answered = queue[:n], offered[:n], talk[:n], answered[:n]
    call, waited = np.arange(n), np.minimum(wait, patience)[:n]
    none = np.zeros(n, np.int64)

    def rows(ts: Ints, kind: Any, wait_ms: Ints, talk_ms: Ints, of: Any) -> dict[str, Ints]:
        values = {"ts": ts, "kind": kind, "queue": queue, "what": call, "wait_ms": wait_ms, "talk_ms": talk_ms}
        return {name: np.broadcast_to(value, n)[of] for name, value in values.items()}

    ended = np.where(answered, _ANSWERED, _ABANDONED)
    return [
        rows(offered, _OFFERED, none, none, slice(None)),
        rows(offered + waited, ended, waited, none, slice(None)),
        rows(offered + waited + talk, _COMPLETED, none, talk, answered),
    ]


def _offered(queue: str, ts: int, call: int, wait_ms: int, talk_ms: int) -> bytes:
    return (
        b'{"id":"%x-1","source":"bench","type":"call.offered","ts":%d,"call":"bench-%x","queue":"%b",'
        b'"line":"report","customer":"c%08x"}' % (call, ts, call, queue.encode(), call * 2_654_435_761 & 0xFFFFFFFF)
    )


def _answered(queue: str, ts: int, call: int, wait_ms: int, talk_ms: int) -> bytes:
    return (
        b'{"id":"%x-2","source":"bench","type":"call.answered","ts":%d,"call":"bench-%x","queue":"%b",'
        b'"agent":"a%03d","wait_ms":%d}' % (call, ts, call, queue.encode(), call % AGENTS_PER_QUEUE, wait_ms)
    )


def _abandoned(queue: str, ts: int, call: int, wait_ms: int, talk_ms: int) -> bytes:
    return (
        b'{"id":"%x-2","source":"bench","type":"call.abandoned","ts":%d,"call":"bench-%x","queue":"%b",'
        b'"line":"report","wait_ms":%d}' % (call, ts, call, queue.encode(), wait_ms)
    )


def _completed(queue: str, ts: int, call: int, wait_ms: int, talk_ms: int) -> bytes:
    return (
        b'{"id":"%x-3","source":"bench","type":"call.completed","ts":%d,"call":"bench-%x","queue":"%b",'
        b'"agent":"a%03d","talk_ms":%d,"wrap_ms":%d}'
        % (call, ts, call, queue.encode(), call % AGENTS_PER_QUEUE, talk_ms, talk_ms // 4)
    )


def _agent(queue: str, ts: int, agent: int, state: int, talk_ms: int) -> bytes:
    return (
        b'{"id":"s%d-%b-%d","source":"bench","type":"agent.state","ts":%d,"queue":"%b","agent":"a%03d","state":"%b"}'
        % (
            *(ts, queue[-4:].encode(), agent, ts, queue.encode(), agent),
            _STATES[state].encode(),
        )
    )


_VALUES: Final = (_offered, _answered, _abandoned, _completed, _agent)
