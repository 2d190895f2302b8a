"""The half-hour table of a recording: the workers' kernels over a file, without Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from models.catalogue import Catalogue, Site
from models.decode import LastClock, decode
from models.event import DeadLetter, EventColumns, EventType
from models.interner import Names
from sources.recording import Recording
from streams import counters
from streams.windows import QueueSetup, RowCounts, Windows, setup_of

COLUMNS: Final = (
    "queue",
    "start",
    "offered",
    "answered",
    "abandoned",
    "flowed_out",
    "ivr_abandoned",
    "answered_in_threshold",
    "abandoned_in_threshold",
    "wait_ms_sum",
    "service_level",
    "answer_rate",
    "abandonment_rate",
)
_COUNTERS: Final = (
    counters.OFFERED,
    counters.ANSWERED,
    counters.ABANDONED,
    counters.FLOWED_OUT,
    counters.IVR_ABANDONED,
    counters.ANSWERED_IN,
    counters.ABANDONED_IN,
    counters.WAIT_MS,
)
#: A row of these alone tells of calls that arrived and were answered in others.
_AFTERMATH: Final = (counters.COMPLETED, counters.TALK_MS, counters.HANDLE_MS)


def in_zone(catalogue: Catalogue, zone: str) -> Catalogue:
    """*catalogue* in which a site that it does not name has the clock of *zone* (a recording's)."""
    if any(site.name == "*" for site in catalogue.sites):
        return catalogue
    return replace(catalogue, sites=(*catalogue.sites, Site("*", zone)))


def setup_for(catalogue: Catalogue, minutes: int | None, threshold_ms: int | None) -> Callable[[str], QueueSetup]:
    """Queues as *catalogue* has them, with the interval and threshold of the command line where given."""

    def setup(queue: str) -> QueueSetup:
        made = setup_of(catalogue, queue)
        if minutes is not None:
            made = replace(made, interval_ms=minutes * 60_000)
        if threshold_ms is not None:
            made = replace(made, threshold_ms=threshold_ms)
        return made

    return setup


class IntervalTable:
    """Collects the rows of a recording: feed it batches, then ask for the rows."""

    def __init__(
        self, setup: Callable[[str], QueueSetup], *, by_event: bool, partition: int = 0, partitions: int = 1
    ) -> None:
        self._partition, self._partitions = partition, partitions  # of a log; a recording is one of one
        self._windows = Windows(Names(), setup, by_event=by_event)
        self._setup = setup
        self._rows: dict[tuple[str, int], RowCounts] = {}
        self._line = 2  # line 1 is the header
        self._clock = LastClock()

    def feed(self, lines: list[bytes]) -> list[DeadLetter]:
        """Apply *lines*; returns those that are no events, ``offset`` being their line in the recording."""
        windows = self._windows
        decoded = decode(
            lines,
            range(self._line, self._line + len(lines)),
            topic="recording",
            partition=self._partition,
            partitions=self._partitions,
            names=windows.names,
            clock=self._clock,
        )
        self._clock = decoded.clock
        self._line += len(lines)
        self._apply(decoded.columns)
        self._keep(windows.due_rows())
        windows.tidy()
        return decoded.dead

    def _apply(self, columns: EventColumns) -> None:
        first = 0
        for row in (columns.kind == EventType.CLOCK).nonzero()[0]:
            self._windows.apply(columns, first, int(row))
            self._windows.clock(int(columns.ts[row]))
            first = int(row) + 1
        self._windows.apply(columns, first, len(columns))

    def _keep(self, rows: list[RowCounts]) -> None:
        self._rows.update({(row.queue, row.start_ms): row for row in rows})

    def rows(self) -> list[RowCounts]:
        """Every interval in which a call arrived or had its outcome, by queue and start."""
        self._keep(self._windows.due_rows(all_rows=True))
        return [self._rows[key] for key in sorted(self._rows) if np.delete(self._rows[key].counts, _AFTERMATH).any()]

    def start(self, row: RowCounts) -> str:
        """When *row* began: ISO 8601 with the site's offset."""
        return datetime.fromtimestamp(row.start_ms / 1000, ZoneInfo(self._setup(row.queue).zone)).isoformat()

    def record(self, row: RowCounts) -> list[str]:
        """*row* as the fields of `COLUMNS`: fractions with four decimals, empty where undefined."""
        fractions = (row.service_level, row.answer_rate, row.abandonment_rate)
        return [
            row.queue,
            self.start(row),
            *(str(int(row.counts[at])) for at in _COUNTERS),
            *("" if value is None else f"{value:.4f}" for value in fractions),
        ]


def dead_lines(table: IntervalTable, recording: Recording, show: Callable[[str], None]) -> Iterator[DeadLetter]:
    """Feed all of *recording* into *table*; yields each line that is no event. *show* is told how far it is."""
    for batch in recording.batches(8192):
        yield from table.feed(batch)
        show(f"{recording.line_no - 1} events read")
