"""Sources and their declared cadence: which of them are alive at a clock."""

from __future__ import annotations

from collections.abc import Sequence

from models.catalogue import Source

#: What a heartbeat may be late by before its source counts as overdue.
GRACE_MS = 5_000


class SourceBook:
    """When each declared source was last heard of, in stream time.

    Others are not remembered: nothing asks for them, and a source that invents names would grow the manifest, which is
    one record, beyond what a broker takes.
    """

    def __init__(self, declared: Sequence[Source]) -> None:
        self.heard: dict[str, int] = {}
        self.declare(declared)

    def declare(self, declared: Sequence[Source]) -> None:
        """These and no others have a cadence from here on; what was heard of them stays known."""
        self._declared = {source.name: source for source in declared}
        self.heard = {name: at_ms for name, at_ms in self.heard.items() if name in self._declared}

    def hear(self, source: str, ts_ms: int) -> None:
        """A heartbeat of *source* at *ts_ms*."""
        if source in self._declared:
            self.heard[source] = max(ts_ms, self.heard.get(source, ts_ms))

    def overdue(self, now_ms: int) -> list[str]:
        """Declared sources that were heard of once and are silent for longer than their cadence and the grace."""
        return sorted(
            name
            for name, source in self._declared.items()
            if name in self.heard and now_ms - self.heard[name] > source.cadence_ms + GRACE_MS
        )

    def all_overdue(self, now_ms: int) -> bool:
        """Whether every declared source that was ever heard of is overdue: then nothing is known of any queue."""
        heard = self._declared.keys() & self.heard.keys()
        return bool(heard) and len(self.overdue(now_ms)) == len(heard)
