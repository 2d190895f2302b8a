"""What the columns of a PBX's interval report mean (``callwatch reconcile --map``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sources.csv_file import Column

Attribution = Literal["arrival", "event"]
Kind = Literal["calls", "ratio", "ms"]

#: The figures that a report's column may be compared with, and what they are counted in.
FIGURES: Final[dict[str, Kind]] = {
    "offered": "calls",
    "answered": "calls",
    "abandoned": "calls",
    "flowed_out": "calls",
    "ivr_abandoned": "calls",
    "blocked": "calls",
    "answered_in_threshold": "calls",
    "abandoned_in_threshold": "calls",
    "short_abandoned": "calls",
    "unresolved": "calls",
    "service_level": "ratio",
    "answer_rate": "ratio",
    "abandonment_rate": "ratio",
    "wait_sum": "ms",
    "speed_of_answer": "ms",
}
#: Units of a figure's column by kind, the default first: what one of them is in ours (1, or ms). ``clock`` is H:MM:SS.
UNITS: Final[dict[Kind, dict[str, float]]] = {
    "calls": {"calls": 1.0},
    "ratio": {"percent": 0.01, "fraction": 1.0},
    "ms": {"s": 1000.0, "ms": 1.0, "min": 60_000.0, "clock": 1000.0},
}
#: A queue that the report names and that is none of ours.
SKIP: Final = "skip"
PLACES: Final = ("queue", "start", "minutes")


@dataclass(frozen=True, slots=True)
class ReportMap:
    """A checked map. *columns*: of `PLACES`; *figures*: our figure to its column; *units*: where not the default."""

    columns: Mapping[str, Column]
    figures: Mapping[str, Column]
    units: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)  #: the report's name of a queue to ours, or ``skip``
    queue: str = ""  #: of every row, when no column names one
    site: str = ""  #: of queues that the report names by skill alone
    minutes: int = 0  #: of every interval, when no column tells
    attribution: Attribution = "arrival"
    label: Literal["start", "end"] = "start"  #: which end of its interval the time of a row is
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    skip: int = 0  #: lines before the header
    decimal: str = "."
    thousands: str = ""
    time: str = "iso"  #: iso, epoch_s, epoch_ms or a format of strptime
    zone: str = "UTC"
    empty: frozenset[str] = frozenset({""})
    totals: tuple[str, ...] = ()  #: patterns: a row whose queue or time is like one is no interval
    file: str = "map"
    lines: Mapping[str, int] = field(default_factory=dict)  #: line of each column in the map's file

    def where(self, column: str) -> str:
        """``file:line: [table]`` of what the map says about *column*."""
        return f"{self.file}:{self.lines.get(column, 1)}: [{'columns' if column in PLACES else 'figures'}]"

    def unit(self, figure: str) -> str:
        """The unit of the column of *figure*."""
        return self.units.get(figure) or next(iter(UNITS[FIGURES[figure]]))
