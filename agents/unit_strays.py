"""Records of a partition that no queue counts, of the day so far: misrouted ones and dead letters. Figures of ``*``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import merge

#: Which count.
MISROUTED, DEAD = 0, 1


class Strays:
    """Counts what lay before a clock, so that it does not depend on where a batch ends."""

    def __init__(self) -> None:
        self.counts = [0, 0]
        self.records = 0  #: records of calls and agents of the day so far, which the actor counts
        self._day_ms = -1
        self._batch: deque[tuple[int, int]] = deque()

    def begin(self, misrouted: Iterable[int], dead: Iterable[int]) -> None:
        """A batch begins that holds these, by rising offsets."""
        self._batch.extend(merge(((at, MISROUTED) for at in misrouted), ((at, DEAD) for at in dead)))

    def clock(self, cause: int, day_ms: int) -> list[int]:
        """The counts at the clock at offset *cause*, in the local day that began at *day_ms*; a new one begins anew."""
        if day_ms > self._day_ms:
            self._pass(cause)
            self._day_ms, self.counts, self.records = day_ms, [0, 0], 0
        self._pass(cause)
        return list(self.counts)

    def end(self) -> None:
        """The batch ends."""
        self._pass(None)

    def _pass(self, until: int | None) -> None:
        while self._batch and (until is None or self._batch[0][0] < until):
            self.counts[self._batch.popleft()[1]] += 1

    def freeze(self) -> list[int]:
        """For JSON."""
        return [self._day_ms, *self.counts, self.records]

    def thaw(self, state: list[int]) -> None:
        """Take up what `freeze` gave."""
        self._day_ms, *self.counts = state[:3]
        self.records = state[3] if len(state) > 3 else 0  # not counted of old
