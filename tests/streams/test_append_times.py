"""When the broker appended a record travels with its batch, however a fetch is cut into batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from models.decode import LastClock, decode
from models.interner import Names
from streams.fetch import FetchedRecords


def on_the_wire(base: int, appended_ms: int, size: int) -> bytes:
    """A record batch as a broker sends it: *size* records from offset *base* on, appended at *appended_ms*."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for n in range(size):
        builder.append(n, appended_ms, b"k", b"v%d" % (base + n), [])
    data = bytearray(builder.build())
    data[:8] = base.to_bytes(8, "big")
    return bytes(data)


def fetched(*batches: tuple[int, int, int], start: int = 0) -> FetchedRecords:
    records: Any = SimpleNamespace(
        _isolation_level=READ_UNCOMMITTED,
        _tp=SimpleNamespace(topic="events", partition=0),
        _records=MemoryRecords(b"".join(on_the_wire(*batch) for batch in batches)),
        _check_crcs=False,
        next_fetch_offset=start,
    )
    return FetchedRecords(records)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("start", [0, 1, 4])
def test_each_record_keeps_the_time_of_its_record_batch(most: int, start: int) -> None:
    batches = [(0, 1000, 3), (3, 2000, 2), (7, 3000, 4)]
    # a broker sends from the record batch on that holds what was asked for
    records = fetched(*(b for b in batches if b[0] + b[2] > start), start=start)
    truth = {**dict.fromkeys(range(3), 1000), **dict.fromkeys((3, 4), 2000), **dict.fromkeys(range(7, 11), 3000)}
    found: dict[int, int] = {}
    while not records.exhausted:
        batch = records.take(most)
        if batch is None:
            continue
        assert batch.appended[0][0] == 0
        for row, offset in enumerate(batch.offsets):
            found[offset] = [ms for first, ms in batch.appended if first <= row][-1]
    assert found == {offset: ms for offset, ms in truth.items() if offset >= start}


def test_the_decoder_keeps_the_time_of_the_last_clock() -> None:
    clock = b'{"id":"c","source":"s","type":"clock","ts":5000}'
    values = [clock, b"garbage", clock, b"garbage"]
    decoded = decode(
        values,
        range(4),
        topic="events",
        partition=0,
        partitions=1,
        names=Names(),
        clock=LastClock(),
        appended=[(0, 10), (2, 30), (3, 40)],
    )
    assert decoded.clock == LastClock(5000, 30)
