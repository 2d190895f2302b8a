"""Out of aiokafka's fetcher: what it has prefetched, as one `RecordBatch` per partition.

aiokafka makes an object of eleven fields of each record, which costs more than all else on the way in. Here its own
parser (checksums, decompression, aborted transactions, control batches) runs and only offset, key, value are kept.
Tied to aiokafka 0.14: ``fetcher._records``, `FetchResult` and `PartitionRecords`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any

from aiokafka.consumer.fetcher import FetchResult

from streams.batch import RecordBatch


def _raw_record(tp: Any, record: Any) -> Any:
    """Stands in for ``PartitionRecords._consumer_record``: keep the parser's record."""
    return record


def read_result(result: Any, tp: Any, max_records: int) -> RecordBatch | None:
    """Up to *max_records* of a `FetchResult`, or None if it is outdated (sought, revoked) or holds no record.

    Moves aiokafka's position of *tp* to the end of what was read.
    """
    if not result.has_more() or not result.check_assignment(tp):
        result._partition_records = None
        return None
    records = result._partition_records
    records._consumer_record = _raw_record
    start = records.next_fetch_offset
    offsets: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    headers = {}
    for record in records:
        if record.headers:
            headers[len(offsets)] = list(record.headers)
        offsets.append(record.offset)
        keys.append(record.key)
        values.append(record.value)
        if len(offsets) >= max_records:
            result._update_position()
            break
    else:
        result._update_position()
        result._partition_records = None
    if not offsets:
        return None
    return RecordBatch(tp.topic, tp.partition, start, records.next_fetch_offset, offsets, keys, values, headers)


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
