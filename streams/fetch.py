"""Out of aiokafka's fetcher: what it has prefetched, as one `RecordBatch` per partition.

aiokafka wraps each record twice, in a generator and in an object of eleven fields, which costs more than all else on
the way in. Here its parser of record batches (checksums, decompression) is read directly, and only offset, key,
value and headers are kept. Transactions of others are read uncommitted, as Faust does; their markers are skipped.
Tied to aiokafka 0.14: ``fetcher._records``, `FetchResult` and `PartitionRecords`.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Collection
from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException

from streams.batch import Headers, RecordBatch

#: Bytes held of one partition from which on no further compressed batch is unpacked: as much as one fetch brings of
#: uncompressed ones. A batch is 1 MB on the broker, and what compresses well unpacks to a hundred times that.
HELD_BYTES = 4 * 1024**2


class FetchedRecords:
    """Stands in for aiokafka's `PartitionRecords` in a `FetchResult`: the same bytes, taken in pieces.

    ``next_fetch_offset`` is the position after what has been taken (`FetchResult` compares it with the consumer's).
    """

    def __init__(self, records: Any) -> None:
        assert records._isolation_level == READ_UNCOMMITTED
        self._tp = records._tp
        self._batches = records._records
        self._check_crcs = records._check_crcs
        self.next_fetch_offset: int = records.next_fetch_offset
        self._end = self.next_fetch_offset  #: the position after what has been parsed
        self._offsets: list[int] = []
        self._keys: list[bytes | None] = []
        self._values: list[bytes | None] = []
        self._headers: dict[int, Headers] = {}  #: by offset
        self._appended: list[tuple[int, int]] = []  #: (offset, time) from which on
        self._unpacked = 0  #: bytes of the values held that came compressed

    @property
    def exhausted(self) -> bool:
        """Whether all has been taken."""
        return not self._offsets and not self._batches.has_next()

    def take(self, max_records: int) -> RecordBatch | None:
        """The next records, at most *max_records*; None if there was nothing but markers and gaps."""
        while len(self._offsets) < max_records and self._unpacked < HELD_BYTES and self._batches.has_next():
            self._parse(self._batches.next_batch())
        start = self.next_fetch_offset
        offsets, self._offsets = self._offsets[:max_records], self._offsets[max_records:]
        keys, self._keys = self._keys[:max_records], self._keys[max_records:]
        values, self._values = self._values[:max_records], self._values[max_records:]
        if self._unpacked:
            self._unpacked = _size(self._values)
        self.next_fetch_offset = self._offsets[0] if self._offsets else self._end
        if not offsets:
            return None
        headers = {}
        if self._headers:
            headers = {row: self._headers.pop(o) for row, o in enumerate(offsets) if o in self._headers}
        appended = self._append_times(offsets)
        return RecordBatch(
            self._tp.topic, self._tp.partition, start, self.next_fetch_offset, offsets, keys, values, appended, headers
        )

    def _append_times(self, offsets: list[int]) -> list[tuple[int, int]]:
        """(row, time) from which on, for the records at *offsets*; what lies behind them is forgotten."""
        inside = [(offset, ms) for offset, ms in self._appended if offset <= offsets[-1]]
        current = max((pair for pair in self._appended if pair[0] <= offsets[-1]), default=(0, -1))
        self._appended = [current, *(pair for pair in self._appended if pair[0] > offsets[-1])]
        return [(bisect_left(offsets, max(offset, offsets[0])), ms) for offset, ms in inside]

    def _parse(self, batch: Any) -> None:
        if self._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {self._tp}")
        if not batch.is_control_batch:
            base = getattr(batch, "base_offset", self._end)  # batches of the oldest format tell neither
            self._appended.append((base, getattr(batch, "max_timestamp", -1)))
            held = len(self._values)
            first = self._end  # a compressed batch is sent whole, with records before what was asked for
            add_offset, add_key, add_value = self._offsets.append, self._keys.append, self._values.append
            for record in batch:
                offset = record.offset
                if offset < first:
                    continue
                add_offset(offset)
                add_key(record.key)
                add_value(record.value)
                if record.headers:
                    self._headers[offset] = list(record.headers)
            if getattr(batch, "compression_type", 0):
                self._unpacked += _size(self._values[held:])
        # Also past records that compaction has removed from the batch's end.
        self._end = batch.next_offset


def _size(values: list[bytes | None]) -> int:
    return sum(len(value) for value in values if value)


def read_result(result: Any, tp: Any, max_records: int) -> RecordBatch | None:
    """Up to *max_records* of a `FetchResult`, or None if it is outdated (sought, revoked) or holds no record.

    Moves aiokafka's position of *tp* to the end of what was read. Raises `CorruptRecordException`.
    """
    if not result.has_more() or not result.check_assignment(tp):
        return None
    if type(result._partition_records) is not FetchedRecords:
        result._partition_records = FetchedRecords(result._partition_records)
    records = result._partition_records
    batch: RecordBatch | None = records.take(max_records)
    result._update_position()
    if records.exhausted:
        result._partition_records = None
    return batch


async def fetched_batches(
    fetcher: Any, partitions: Collection[Any], timeout_s: float, max_records: int
) -> dict[Any, RecordBatch]:
    """What has arrived of *partitions*, waiting up to *timeout_s* for the first; at most *max_records* of each.

    The twin of ``Fetcher.fetched_records``. A cap per partition, not per call: a busy partition cannot keep the
    others waiting. Raises what the broker answered to the fetch (`aiokafka.errors`), and on corrupt records.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        batches = _drain(fetcher, partitions, max_records)
        left_s = deadline - time.monotonic()
        if batches or left_s <= 0 or fetcher._closed:
            return batches
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait([waiter], timeout=left_s)
        if not done:
            waiter.cancel()
            return {}
        waiter.result()


def _drain(fetcher: Any, partitions: Collection[Any], max_records: int) -> dict[Any, RecordBatch]:
    batches: dict[Any, RecordBatch] = {}
    for tp in list(fetcher._records):
        if tp not in partitions:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records[tp]
        if type(result) is FetchResult:
            batch = read_result(result, tp, max_records)
            if batch is not None:
                batches[tp] = batch
            if result.has_more():
                continue
        elif batches:
            return batches  # an answer of the broker that is an error: raised by the next call, after these
        del fetcher._records[tp]
        fetcher._notify(fetcher._wait_consume_future)  # it may fetch this partition again
        if type(result) is not FetchResult:
            result.check_raise()
    return batches
