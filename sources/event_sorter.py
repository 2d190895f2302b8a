"""Sorting of more events than fit in memory: sorted runs on disk, merged.

Order: event time, then the course of a call (offered before its outcome before its completion), then the bytes of
the event, which begin with its id. So the order of files and of their rows does not matter to the result.
"""

from __future__ import annotations

import heapq
import marshal
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final

Entry = tuple[int, int, bytes]

#: Events held in memory before a run goes to disk: about 100 MB.
RUN_EVENTS: Final = 250_000
#: Events of a run read back at once.
_BLOCK: Final = 2_000

#: Place of a type within one millisecond.
RANK: Final[dict[str, int]] = {
    "call.blocked": 0,
    "ivr.abandoned": 0,
    "call.offered": 1,
    "call.answered": 2,
    "call.abandoned": 2,
    "call.flowed_out": 2,
    "call.completed": 3,
}


class EventSorter:
    """``add`` in any order, then iterate the lines once in order. A context manager (its runs are temporary files)."""

    def __init__(self, run_events: int = RUN_EVENTS) -> None:
        self._run_events = run_events
        self._held: list[Entry] = []
        self._runs: list[IO[bytes]] = []
        self.events = 0
        self.first_ts: int | None = None
        self.last_ts: int | None = None

    def add(self, ts: int, kind: str, line: bytes) -> None:
        """Take one event: its time in epoch ms, its type, its bytes."""
        self._held.append((ts, RANK[kind], line))
        self.events += 1
        self.first_ts = ts if self.first_ts is None else min(ts, self.first_ts)
        self.last_ts = ts if self.last_ts is None else max(ts, self.last_ts)
        if len(self._held) >= self._run_events:
            self._spill()

    def span(self) -> dict[str, int | None]:
        """What the header of a recording says of its events: their number, the first and the last time."""
        return {"events": self.events, "first_ts": self.first_ts, "last_ts": self.last_ts}

    def __iter__(self) -> Iterator[bytes]:
        self._held.sort()
        for _, _, line in heapq.merge(self._held, *(_read(run) for run in self._runs)):
            yield line

    def __enter__(self) -> EventSorter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            run.close()
        self._runs.clear()
        self._held.clear()

    def _spill(self) -> None:
        self._held.sort()
        run = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        for start in range(0, len(self._held), _BLOCK):
            marshal.dump(self._held[start : start + _BLOCK], run)
        self._runs.append(run)
        self._held.clear()


def _read(run: IO[bytes]) -> Iterator[Entry]:
    run.seek(0)
    while True:
        try:
            block: list[Entry] = marshal.load(run)
        except EOFError:
            return
        yield from block
