"""Sources and their declared cadence: which of them are alive at a clock, and how far off the clock they are.

A source says with each heartbeat, in every partition, what time it has. Against the clock at which that lies in the
log this tells a late source (a pipe that is full, a clock that is slow) from one whose clock is fast. The median of the
last nine is judged, so that one heartbeat that was held up makes no late source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final, Literal

from models.catalogue import Source

#: What a heartbeat may be late by before its source counts as overdue.
GRACE_MS = 5_000
#: Heartbeats whose median is judged, and how many it takes.
LAGS: Final = 9
LAGS_LEAST: Final = 3
#: How far behind the clock a source is late, and how far before it its clock is wrong. A clock is as fine as the
#: replayer writes them (a second), and a machine that keeps its time is off by milliseconds.
LATE_MS: Final = 60_000
AHEAD_MS: Final = 5_000

State = Literal["dead", "late", "ahead"]
#: A source that is not well: its name, how, and by how many milliseconds.
Odd = tuple[str, State, int]


class SourceBook:
    """When each declared source was last heard of, in stream time, and by how much it lay behind the clock.

    Others are not remembered: nothing asks for them, and a source that invents names would grow the manifest, which is
    one record, beyond what a broker takes.
    """

    def __init__(self, declared: Sequence[Source]) -> None:
        self.heard: dict[str, int] = {}
        self.lags: dict[str, list[int]] = {}
        self.declare(declared)

    def declare(self, declared: Sequence[Source]) -> None:
        """These and no others have a cadence from here on; what was heard of them stays known."""
        self._declared = {source.name: source for source in declared}
        self.heard = {name: at_ms for name, at_ms in self.heard.items() if name in self._declared}
        self.lags = {name: lags for name, lags in self.lags.items() if name in self._declared}

    def hear(self, source: str, ts_ms: int, clock_ms: int | None = None) -> None:
        """A heartbeat of *source* at *ts_ms*, which lies behind the clock *clock_ms* in the log (None: before any)."""
        if source in self._declared:
            self.heard[source] = max(ts_ms, self.heard.get(source, ts_ms))
            if clock_ms is not None:
                self.lags[source] = [*self.lags.get(source, []), clock_ms - ts_ms][-LAGS:]

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

    def told(self, now_ms: int) -> list[Odd] | None:
        """The sources that are not well, by name; None where none is declared."""
        if not self._declared:
            return None
        dead = self.overdue(now_ms)
        found: list[Odd] = [(name, "dead", now_ms - self.heard[name]) for name in dead]
        for name, lags in self.lags.items():
            lag = int(median(lags))
            if name in dead or len(lags) < LAGS_LEAST:
                continue
            if lag > LATE_MS:
                found.append((name, "late", lag))
            elif lag < -AHEAD_MS:
                found.append((name, "ahead", -lag))
        return sorted(found)

    def freeze(self) -> dict[str, Any]:
        """For JSON."""
        return {"heard": self.heard, "lags": self.lags}

    def thaw(self, heard: Mapping[str, int], lags: Mapping[str, Sequence[int]]) -> None:
        """Take up what `freeze` gave."""
        self.heard = dict(heard)
        self.lags = {name: list(of) for name, of in lags.items()}
