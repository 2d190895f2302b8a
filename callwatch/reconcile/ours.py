"""Our side of a comparison: the interval rows and the calls, from a recording or from the running installation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from callwatch.intervals import IntervalTable, dead_lines
from callwatch.reconcile.calls import Call, CallBook, Odd
from callwatch.reconcile.figures import COUNTS, Sums
from models.catalogue import Formula
from models.fields import partition_of_queue
from models.runtime import KafkaSettings
from models.topics import EVENTS, INTERVALS, topic_name
from sources.recording import open_recording
from sources.report_map import Attribution
from streams.windows import QueueSetup, RowCounts

Wanted = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(slots=True)
class OurRows:
    """Our rows: queue to start (epoch ms) to sums. *first_ms* to *last_ms* is what the data cover."""

    rows: dict[str, dict[int, Sums]] = field(default_factory=dict)
    first_ms: int | None = None
    last_ms: int | None = None
    what: str = "recording"

    def add(self, queue: str, start_ms: int, sums: Sums) -> None:
        """Enter a row; a later revision takes the place of the one before."""
        self.rows.setdefault(queue, {})[start_ms] = sums

    def cover(self, ts: int) -> None:
        """The data hold something of *ts*."""
        self.first_ms = ts if self.first_ms is None else min(self.first_ms, ts)
        self.last_ms = ts if self.last_ms is None else max(self.last_ms, ts)


@dataclass(slots=True)
class OurCalls:
    """The calls of the intervals asked for. *full*: there were more than memory is given for."""

    calls: list[Call] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    full: bool = False

    def add(self, book: CallBook) -> None:
        """Take over what *book* collected."""
        self.calls += book.calls()
        self.odd += book.odd
        self.full = self.full or book.full


class Side(Protocol):
    """Where our rows and calls come from. Raises InputError or WorkError when they cannot be read."""

    def rows(self, attribution: Attribution) -> OurRows:
        """All rows by *attribution*."""

    def calls(self, wanted: Wanted) -> OurCalls:
        """The calls that came or left in or near the intervals *wanted*, by queue."""


class RecordingSide:
    """A recording, through the workers' kernels. It is read twice, so it must be a file."""

    def __init__(self, path: str, setup: Callable[[str], QueueSetup], show: Callable[[str], None]) -> None:
        self._path, self._setup, self._show = path, setup, show
        self.dead = 0  #: lines that are no events

    def rows(self, attribution: Attribution) -> OurRows:
        """See `Side`."""
        table = IntervalTable(self._setup, by_event=attribution == "event")
        with open_recording(self._path) as recording:
            self.dead = sum(1 for _ in dead_lines(table, recording, self._show))
        return _rows_of(table, self._setup)

    def calls(self, wanted: Wanted) -> OurCalls:
        """See `Side`."""
        out, book, line = OurCalls(), CallBook(wanted), 2
        with open_recording(self._path) as recording:
            for batch in recording.batches(8192):
                book.feed(batch, range(line, line + len(batch)), "line")
                line += len(batch)
                self._show(f"calls: {line} lines read")
        out.add(book)
        return out


class RunningSide:
    """The running installation: topic ``intervals``, and ``events`` as far as the broker retains them.

    By event there is no topic: those rows are computed from the events.
    """

    def __init__(self, kafka: KafkaSettings, setup: Callable[[str], QueueSetup], show: Callable[[str], None]) -> None:
        self._kafka, self._setup, self._show = kafka, setup, show

    def rows(self, attribution: Attribution) -> OurRows:
        """See `Side`."""
        return asyncio.run(self._published() if attribution == "arrival" else self._by_event())

    def calls(self, wanted: Wanted) -> OurCalls:
        """See `Side`."""
        return asyncio.run(self._calls(wanted))

    async def _published(self) -> OurRows:
        revisions: dict[tuple[str, int], int] = {}
        out = OurRows(what=f"topic {topic_name(self._kafka.prefix, INTERVALS)}")
        for partition in range(self._kafka.partitions):
            async for values in self._read(INTERVALS, partition):
                for value in values.values():
                    row = orjson.loads(value)
                    key = (row["queue"], row["start_ms"])
                    if row["revision"] >= revisions.get(key, 0):
                        revisions[key] = row["revision"]
                        out.add(*key, published(row))
                        out.cover(row["start_ms"])
                        out.cover(row["start_ms"] + row["minutes"] * 60_000 - 1)
        return out

    async def _by_event(self) -> OurRows:
        out = OurRows(what=f"topic {topic_name(self._kafka.prefix, EVENTS)}")
        for partition in range(self._kafka.partitions):
            table = IntervalTable(self._setup, by_event=True, partition=partition, partitions=self._kafka.partitions)
            async for values in self._read(EVENTS, partition):
                table.feed(list(values.values()))
            _rows_of(table, self._setup, out)
        return out

    async def _calls(self, wanted: Wanted) -> OurCalls:
        out = OurCalls()
        for partition in range(self._kafka.partitions):
            n = self._kafka.partitions
            here = {queue: cells for queue, cells in wanted.items() if partition_of_queue(queue, n) == partition}
            book = CallBook(here)
            async for values in self._read(EVENTS, partition):
                book.feed(values.values(), values, f"events[{partition}] offset")
            out.add(book)
        return out

    async def _read(self, name: str, partition: int) -> AsyncIterator[dict[int, bytes]]:
        from streams.broker import read_partition

        topic, read = topic_name(self._kafka.prefix, name), 0
        async for rows in read_partition(self._kafka, topic, partition):
            read += len(rows)
            self._show(f"{topic}[{partition}]: {read} records read")
            yield {offset: value for offset, _, value in rows if value is not None}


def _rows_of(table: IntervalTable, setup: Callable[[str], QueueSetup], out: OurRows | None = None) -> OurRows:
    out = out or OurRows()
    for row in table.rows():
        out.add(row.queue, row.start_ms, _sums(row, setup(row.queue)))
        out.cover(row.start_ms)
        out.cover(row.start_ms + row.minutes * 60_000 - 1)
    return out


def _sums(row: RowCounts, setup: QueueSetup) -> Sums:
    return Sums.of({name: int(row.counts[at]) for name, at in COUNTS.items()}, setup)


def published(row: Mapping[str, Any]) -> Sums:
    """The sums of a row of the topic. It has the service level and not its base, which follows unless it is 0."""
    counts = {name: int(row[name]) for name in COUNTS if name in row}
    counts["wait_ms"] = row["wait_ms_sum"]
    counts["wait_known"] = row["answered"]
    formula = Formula[row["formula"].upper()]
    level, base = row["service_level"], None
    met = counts["answered_in_threshold"]
    met += counts["abandoned_in_threshold"] if formula is Formula.POSITIVE else 0
    if level is None:
        base = 0
    elif level > 0:
        base = round(met / level)
    elif formula is Formula.ANSWERED_ONLY:
        base = counts["answered"]
    return Sums(counts, base, int(formula))
