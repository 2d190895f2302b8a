"""What the columns of somebody's call records mean (``callwatch import csv --map``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sources.csv_file import Column

Duration = Literal["s", "ms", "clock"]

#: What the map may say of a column.
TIMES: Final = ("offered", "answered", "abandoned", "flowed_out", "left_menu", "blocked", "completed")
DURATIONS: Final = ("wait", "talk", "hold", "wrap")
TEXTS: Final = ("call", "leg", "queue", "skill", "agent", "customer", "outcome")
COLUMNS: Final = (*TEXTS, *TIMES, *DURATIONS)

#: What became of a call: the type on the wire and the column of its time. ``skip``: the row is no call.
OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "answered": ("call.answered", "answered"),
    "abandoned": ("call.abandoned", "abandoned"),
    "flowed_out": ("call.flowed_out", "flowed_out"),
    "ivr_abandoned": ("ivr.abandoned", "left_menu"),
    "blocked": ("call.blocked", "blocked"),
}
SKIP: Final = "skip"


@dataclass(frozen=True, slots=True)
class CsvMap:
    """A checked map. *outcomes*: value of the outcome column to (a key of `OUTCOMES` or ``skip``, reason)."""

    columns: Mapping[str, Column]
    outcomes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    source: str = "csv"
    site: str = ""  #: of queues that the file names by skill alone
    queue: str = ""  #: of every call, when no column names one
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    time: str = "iso"  #: iso, epoch_s, epoch_ms or a format of strptime
    duration: Duration = "s"  #: seconds, milliseconds, or H:MM:SS
    zone: str = "UTC"
    empty: frozenset[str] = frozenset({""})  #: values that mean: nothing
    file: str = "map"
    lines: Mapping[str, int] = field(default_factory=dict)  #: line of each column in the map's file

    def where(self, column: str) -> str:
        """``file:line`` of what the map says about *column*."""
        return f"{self.file}:{self.lines.get(column, 1)}"
