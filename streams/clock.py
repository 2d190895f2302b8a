"""The one place that reads the wall clock for the log: clock records of the partitions that this worker owns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from models.encode import clock_record

#: The source of these clocks: where they are the time, somebody keeps it by the wall clock.
SOURCE: Final = "callwatch"
#: Between two clock records of a partition (DESIGN section 4).
CLOCK_EVERY_S: Final = 0.1


def wall_ms() -> int:
    """Now, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


async def keep_time(owned: Callable[[], Iterable[int]], append: Callable[[int, bytes], Awaitable[None]]) -> None:
    """Append a clock record to each partition of *owned* every 100 ms, for ever.

    The pace is kept against a schedule; a beat that comes late is not made up for.
    """
    due_s = time.monotonic()
    while True:
        due_s = max(due_s + CLOCK_EVERY_S, time.monotonic())
        await asyncio.sleep(due_s - time.monotonic())
        record = clock_record(wall_ms(), SOURCE)
        await asyncio.gather(*(append(partition, record) for partition in owned()))
