"""Agent time of one unit: for how long how many of its distinct agents were ready, busy and signed in.

An agent serves queues in several partitions, so the time of distinct agents cannot be added up from partitions' times.
It is summed at the unit's home from who is in which state at each tick: exact to a tick (5 seconds), not to the
millisecond as a queue's is. A level holds from its tick to the next.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import Any, Final, NamedTuple

from models.unit import TICK_MS

#: Ticks that the longest rolling window reaches back.
KEPT: Final = 360

#: Ready, busy (talking, holding, wrapping up) and signed in (not offline).
Three = tuple[int, int, int]


class _Run(NamedTuple):
    """From *tick* on *levels* hold; *until* is the agent time in ticks before it, since the beginning."""

    tick: int
    until: Three
    levels: Three


class UnitTime:
    """Agent time since the first tick, of which the last half hour and the day so far can be asked."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._day_tick, self._day_until = -1, (0, 0, 0)

    def hold(self, tick: int, levels: Three, day_tick: int) -> None:
        """From *tick* on *levels* hold; the business day began at *day_tick*."""
        if not self._runs:
            self._day_tick = tick
        if day_tick > self._day_tick:
            self._day_tick, self._day_until = day_tick, self._at(day_tick)
        if not self._runs or self._runs[-1].levels != levels:
            self._runs.append(_Run(tick, self._at(tick), levels))
        while len(self._runs) > 1 and self._runs[1].tick <= tick - KEPT:
            del self._runs[0]

    def within(self, first: int, last: int) -> Three:
        """Agent milliseconds from tick *first*, at most `KEPT` back, to tick *last*."""
        return _less(self._at(last), self._at(first))

    def today(self, last: int) -> Three:
        """Agent milliseconds from the beginning of the day to tick *last*."""
        return _less(self._at(last), self._day_until)

    def _at(self, tick: int) -> Three:
        at = bisect_right(self._runs, tick, key=attrgetter("tick")) - 1
        if at < 0:
            return self._runs[0].until if self._runs else (0, 0, 0)
        run = self._runs[at]
        ready, busy, signed = (n + level * (tick - run.tick) for n, level in zip(run.until, run.levels, strict=True))
        return ready, busy, signed

    def freeze(self) -> list[Any]:
        """For JSON."""
        return [self._day_tick, self._day_until, [[run.tick, run.until, run.levels] for run in self._runs]]

    def thaw(self, state: list[Any]) -> None:
        """Take up what `freeze` gave."""
        self._day_tick, self._day_until = state[0], tuple(state[1])
        self._runs = [_Run(tick, tuple(until), tuple(levels)) for tick, until, levels in state[2]]


def _less(one: Three, other: Three) -> Three:
    """The difference in milliseconds."""
    ready, busy, signed = ((a - b) * TICK_MS for a, b in zip(one, other, strict=True))
    return ready, busy, signed
