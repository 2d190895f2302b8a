"""No worker for a while: nobody writes clocks, and what came in meanwhile is neither ahead of the time nor lost."""

from __future__ import annotations

import itertools
import random
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor, Record
from models.catalogue import Catalogue
from models.encode import clock_record, encode_event
from models.topics import DEAD_LETTERS, INTERVALS

START = 1_772_409_600_000
MINUTE = 60_000
#: The broker's clock is its own: here ten years behind.
BROKER = START - 10 * 365 * 86_400_000

Log = list[tuple[bytes, int]]


def event(kind: str, ts: int, call: str, **more: Any) -> bytes:
    return encode_event(
        {"id": f"{kind}{call}", "source": "s", "type": kind, "ts": ts, "queue": "a/b", "call": call, **more}
    )


def outage(minutes: int, rogue_ms: int = 0) -> Log:
    """A call a second, with clocks; then none for *minutes*; then a new owner's clocks at the end of the log."""
    log: Log = []
    for second in range(120):
        ts = START + second * 1000
        log += [(event("call.answered", ts, f"a{second}", wait_ms=0), ts - START + BROKER)]
        log += [(clock_record(ts, "w"), ts - START + BROKER)]
    for second in range(120, 120 + minutes * 60):
        ts = START + second * 1000
        log += [(event("call.answered", ts + rogue_ms, f"a{second}", wait_ms=0), ts - START + BROKER + 50)]
    end = START + (120 + minutes * 60) * 1000
    for second in range(0, 3 * 3600, 5):
        log += [(clock_record(end + second * 1000, "w2"), end - START + BROKER + second * 1000)]
    return log


def run(log: Log, batch: int, cuts: tuple[int, ...] = ()) -> list[Record]:
    actor = PartitionActor(0, 1, Catalogue())
    out: list[Record] = []
    bounds = sorted({*range(0, len(log), batch), *cuts, len(log)})
    for first, end in itertools.pairwise(bounds):
        if first in cuts:
            again = PartitionActor(0, 1, Catalogue())
            again.thaw(first, actor.freeze_common(), actor.freeze(sorted(actor.names.names)))
            actor = again
        part = log[first:end]
        appended = [(row, ms) for row, (_, ms) in enumerate(part)]
        out += actor.apply([value for value, _ in part], range(first, end), appended).records
    return out


def answered(records: list[Record]) -> int:
    last = {}
    for record in records:
        if record.topic == INTERVALS:
            row = orjson.loads(record.value)
            last[row["start_ms"]] = row["answered"]
    return sum(last.values())


@pytest.mark.parametrize("minutes", [2, 15, 300])
def test_what_came_in_while_nobody_kept_the_time_is_counted(minutes: int) -> None:
    records = run(outage(minutes), 500)
    assert [r for r in records if r.topic == DEAD_LETTERS] == []
    assert answered(records) == 120 + minutes * 60


@pytest.mark.parametrize("seed", range(4))
def test_the_same_in_any_batching_and_restored_anywhere(seed: int) -> None:
    log, rng = outage(20), random.Random(seed)
    cuts = tuple(sorted(rng.sample(range(1, len(log)), 3)))
    whole = run(log, 10**9)
    assert run(log, rng.choice([1, 37, 900]), cuts) == whole


def test_what_lies_ahead_of_the_broker_too_is_refused() -> None:
    records = run(outage(5, rogue_ms=2 * MINUTE), 200)
    reasons = {orjson.loads(r.value)["reason"] for r in records if r.topic == DEAD_LETTERS}
    assert reasons == {"ahead_of_clock"}
    assert sum(r.topic == DEAD_LETTERS for r in records) == 300


def test_without_the_brokers_time_only_the_clock_counts() -> None:
    actor = PartitionActor(0, 1, Catalogue())
    values = [clock_record(START, "w"), event("call.offered", START + MINUTE + 1, "late")]
    assert actor.apply(values, range(2)).dead == 1
