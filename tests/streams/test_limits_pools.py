"""The pools of a partition at their full size, what bounds the smaller ones, and what is held of a fetch."""

from __future__ import annotations

import logging
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from models.decode import LastClock, decode
from models.event import AHEAD_LIMIT_MS, LATENESS_MS, EventColumns
from models.metric import FIGURES
from streams.app import KINDS_MAX, OncePerWhile
from streams.fetch import HELD_BYTES, FetchedRecords
from streams.store import BUCKET_MS, ENTRIES, LONGEST, REFUSED, RING, ROWS, SLOT_LIMIT, SLOT_LIVE
from streams.windows import Windows
from tests.streams.feed import QUEUE, Event, clock, event, feed, windows

START = 918_248_400_000
HOUR = 3_600_000


def many(to: Windows, calls: int, first_key: int, first_ms: int, last_ms: int) -> EventColumns:
    """*calls* answered calls as a decoded batch: one is decoded and repeated, or JSON alone would take a minute."""
    one = decode(
        [orjson.dumps(event("call.answered", first_ms, "c", wait_ms=1))],
        [0],
        topic="events",
        partition=0,
        partitions=1,
        names=to.names,
        clock=LastClock(to.now_ms),
    ).columns
    arrays: dict[str, Any] = {
        f.name: np.repeat(getattr(one, f.name), calls) for f in fields(one) if f.name != "records"
    }
    arrays["key"] = np.arange(first_key, first_key + calls, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    arrays["ts"] = np.linspace(first_ms, last_ms, calls).astype(np.int64)
    return replace(one, **arrays)


@pytest.mark.timeout(300)
def test_four_million_calls_and_then_more() -> None:
    """The limit itself: at it the floor rises and the newest are kept; within half an hour it refuses and counts."""
    got = feed(windows(), [clock(START)])
    got.apply(many(got, SLOT_LIMIT, 1, START - HOUR, START - HOUR // 6), 0, SLOT_LIMIT)
    meta = got._store.meta
    assert int(meta[SLOT_LIVE]) == SLOT_LIMIT
    assert got.raised_ms is None
    assert sum(array.nbytes for array in got._store) < 600_000_000
    more = 100_000
    got.apply(many(got, more, SLOT_LIMIT + 1, START, START + 1_000), 0, more)
    feed(got, [clock(START + 2_000)])
    assert int(meta[REFUSED]) == 0
    assert int(meta[SLOT_LIVE]) < SLOT_LIMIT
    assert START - HOUR < (got.raised_ms or 0) <= START - HOUR // 2
    assert got.value(QUEUE, "answered", "1m") == more
    flood = SLOT_LIMIT * 5 // 8
    got.apply(many(got, flood, 2 * SLOT_LIMIT, START + 1_000, START + 2_000), 0, flood)
    assert int(meta[SLOT_LIVE]) == SLOT_LIMIT
    assert int(meta[REFUSED]) > 0
    assert len(got._store.slots) <= 2 * SLOT_LIMIT
    assert got.fullest() == QUEUE


def test_the_ring_holds_every_bucket_that_may_be_spoken_of() -> None:
    """From the oldest of the longest window to the last that may lie ahead of the clock, each in a place of its own."""
    assert LONGEST + AHEAD_LIMIT_MS // BUCKET_MS + 1 <= RING
    start = START // BUCKET_MS * BUCKET_MS
    times = range(start - (LONGEST - 1) * BUCKET_MS, start + AHEAD_LIMIT_MS + 1, BUCKET_MS)
    got = feed(windows(), [clock(start), *(event("call.answered", ts, f"c{ts}", wait_ms=1) for ts in times)])
    feed(got, [clock(start)])
    assert got.value(QUEUE, "answered", "30m") == LONGEST
    assert int(got._store.meta[ENTRIES]) == len(times)
    feed(got, [clock(start + AHEAD_LIMIT_MS)])
    assert got.value(QUEUE, "answered", "30m") == LONGEST


def test_entries_and_rows_of_a_queue_do_not_grow_with_time() -> None:
    got = windows()
    for hour in range(30):
        at = START + hour * HOUR
        for ts in range(at, at + HOUR, 60_000):
            calls = [event("call.answered", ts + n * BUCKET_MS, f"{ts}-{n}", wait_ms=1) for n in range(12)]
            feed(got, [*calls, clock(ts + 60_000)])
            got.due_rows()
    meta = got._store.meta
    assert int(meta[ENTRIES]) <= RING
    half_hours = LATENESS_MS // 1_800_000
    assert half_hours <= int(meta[ROWS]) <= half_hours + 3


def test_a_call_that_nobody_ends_is_lost_track_of_and_let_go_of() -> None:
    got = feed(windows(), [clock(START), *(event("call.offered", START, f"c{n}") for n in range(50))])
    feed(got, [clock(START + HOUR // 2 + 1_000)])
    assert (got.value(QUEUE, "waiting", "now"), got.value(QUEUE, "lost_track", "now")) == (0, 50)
    feed(got, [clock(START + LATENESS_MS + HOUR // 2)])
    assert int(got._store.meta[SLOT_LIVE]) == 0
    feed(got, [clock(START + LATENESS_MS + HOUR // 2 + 1_000)])
    assert got.value(QUEUE, "lost_track", "now") == 0


def agent(state: str, ts: int, who: str = "a") -> Event:
    return {"id": f"{state}-{ts}-{who}", "source": "test", "type": "agent.state", "ts": ts, "queue": QUEUE} | {
        "agent": who,
        "state": state,
    }


def test_an_agent_whom_nobody_signs_out_is_lost_track_of_and_let_go_of() -> None:
    begin = START // 60_000 * 60_000
    day = begin + 24 * HOUR
    got = feed(windows(), [clock(begin), *(agent("ready", begin, f"a{n}") for n in range(50))])
    feed(got, [agent("talking", begin, "busy"), clock(day - 1_000), clock(day - 500)])
    assert (got.value(QUEUE, "agents_ready", "now"), got.value(QUEUE, "agents_talking", "now")) == (50, 1)
    feed(got, [clock(day), clock(day + 60_000)])
    assert (got.value(QUEUE, "agents_ready", "now"), got.value(QUEUE, "agents_talking", "now")) == (0, 0)
    assert got.value(QUEUE, "agents_signed_in", "now") == 0
    assert got.value(QUEUE, "occupancy", "5m") == 1 / 51  # of the four minutes before
    feed(got, [clock(day + LATENESS_MS + 120_000)])
    assert int(got._store.meta[SLOT_LIVE]) == 0


@pytest.mark.parametrize("again", ["late", "restored"])
def test_a_word_that_comes_late_takes_it_back_that_an_agent_was_lost_track_of(again: str) -> None:
    begin = START // 60_000 * 60_000
    day = begin + 24 * HOUR
    clocks = [clock(day), clock(day + 30_000)]
    word = agent("wrap", day - HOUR)
    in_time = [clock(begin), agent("ready", begin), clock(day - HOUR), word]
    want = feed(windows(), [*in_time, *clocks, clock(day + 31_000)])
    got = feed(windows(), [clock(begin), agent("ready", begin), *clocks])
    if again == "restored":
        kept, time = got.freeze([QUEUE]), got.freeze_time()
        got = windows()
        got.thaw(time, kept)
        got.look()
    assert got.value(QUEUE, "agents_signed_in", "now") == 0
    feed(got, [word, clock(day + 31_000)])
    assert got.value(QUEUE, "agents_wrap", "now") == 1
    for (metric, window), at in FIGURES.items():
        if metric != "late":
            np.testing.assert_equal(got.figures[0, at], want.figures[0, at], f"{metric}@{window}")


def packed(base: int, records: int, size: int) -> bytes:
    """A record batch that compresses well: *records* of *size* bytes each."""
    builder = DefaultRecordBatchBuilder(2, 3, 0, -1, -1, -1, 1 << 30)  # lz4
    for n in range(records):
        builder.append(n, 0, b"k", b"x" * size, [])
    data = bytearray(builder.build())
    data[:8] = base.to_bytes(8, "big")
    return bytes(data)


def test_what_unpacks_to_much_is_taken_a_batch_at_a_time() -> None:
    """Twenty batches of 20 KB, each of which unpacks to 5 MB."""
    wire = b"".join(packed(n * 50, 50, 100_000) for n in range(20))
    assert len(wire) < 1_000_000
    records: Any = SimpleNamespace(
        _isolation_level=READ_UNCOMMITTED,
        _tp=SimpleNamespace(topic="events", partition=0),
        _records=MemoryRecords(wire),
        _check_crcs=False,
        next_fetch_offset=0,
    )
    taken = FetchedRecords(records)
    held, offsets = 0, []
    while not taken.exhausted:
        batch = taken.take(20_000)
        if batch is not None:
            held = max(held, sum(len(value or b"") for value in batch.values))
            offsets += batch.offsets
    assert offsets == list(range(1_000))
    assert held <= HELD_BYTES + 50 * 100_000


def test_kinds_of_messages_remembered_are_bounded() -> None:
    once = OncePerWhile()
    for n in range(3 * KINDS_MAX):
        record = logging.LogRecord("aiokafka", logging.ERROR, "", 0, f"lost node {n}", (), None)
        assert once.filter(record)
        assert len(once._last_s) <= KINDS_MAX
