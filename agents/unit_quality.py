"""The quality of the data of the whole: records and bad records of the last minutes, from what all partitions count.

Each partition tells at each tick how many records it had in the day so far, and how many of them were refused or lay
in the wrong place. At the home of everything the differences from minute to minute are kept for two hours: a
verification that takes longer is decided by people.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from models.unit import TICK_MS

#: Minutes kept: as long as a verification waits for calls.
MINUTES: Final = 120
#: Minutes of the window that rules are judged by.
WINDOW: Final = 15
_TICKS: Final = 60_000 // TICK_MS


class Quality:
    """By minute, records and bad records. What a new day begins with counts whole."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, int, int]] = deque(maxlen=MINUTES)
        self._last = (0, 0)

    def note(self, tick: int, records: int, bad: int) -> None:
        """At *tick* the day so far holds so many."""
        before_records, before_bad = self._last
        anew = records < before_records or bad < before_bad
        more = (records, bad) if anew else (records - before_records, bad - before_bad)
        self._last = (records, bad)
        minute = tick // _TICKS
        if self._minutes and self._minutes[-1][0] == minute:
            _, had_records, had_bad = self._minutes.pop()
            more = (had_records + more[0], had_bad + more[1])
        self._minutes.append((minute, *more))

    def within(self, first: int, last: int) -> tuple[int, int]:
        """Records and bad records of the minutes from *first* to *last*, both included."""
        there = [(records, bad) for minute, records, bad in self._minutes if first <= minute <= last]
        return sum(records for records, _ in there), sum(bad for _, bad in there)

    def window(self, tick: int) -> tuple[int, int]:
        """Those of the last `WINDOW` minutes, the running one included."""
        minute = tick // _TICKS
        return self.within(minute - WINDOW + 1, minute)

    def freeze(self) -> list[list[int]]:
        """For JSON."""
        return [list(self._last), *map(list, self._minutes)]

    def thaw(self, state: list[list[int]]) -> None:
        """Take up what `freeze` gave."""
        (records, bad), *minutes = state
        self._last = (records, bad)
        self._minutes.clear()
        self._minutes.extend((minute, of, wrong) for minute, of, wrong in minutes)
