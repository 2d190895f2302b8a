"""What the judgement reads of a partition's queues: figures of the windows, and what the habits say is usual."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.habit.book import HabitBook
from alerts.siblings.book import SiblingBook
from streams.counters import OFFERED
from streams.windows import Windows


@dataclass(frozen=True, slots=True)
class LiveQueues:
    """The live figures of a partition, as ``alerts.turn.Live`` wants them."""

    windows: Windows
    habit: HabitBook
    siblings: SiblingBook

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """One figure at the last clock, None when undefined or the queue is unknown."""
        return self.windows.value(queue, metric, window)

    def came(self, queue: str, at_ms: int) -> int | None:
        """Calls offered in the interval that *at_ms* lies in, None when nothing of it is kept."""
        row = self.windows.interval(queue, at_ms)
        return None if row is None else int(row.counts[OFFERED])

    def behind(self, queue: str, metric: str) -> tuple[str, str]:
        """What a comparison of *queue* is made of, English and Chinese."""
        return self.siblings.behind(queue, metric)

    def watch(self, queue: str, since_ms: int) -> None:
        """Begin to count what comes after *since_ms*, against what was expected since."""
        self.windows.watch(queue, since_ms)
        self.habit.begin_since(queue, since_ms)
        row = self.windows.names.index(queue)
        if row < len(self.windows.figures):
            self.siblings.begin_since(queue, self.windows.figures[row])

    def unwatch(self, queue: str) -> None:
        """End it."""
        self.windows.unwatch(queue)
        self.habit.end_since(queue)
        self.siblings.end_since(queue)
