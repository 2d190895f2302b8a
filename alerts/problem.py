"""Problem records: orders of one queue that keep coming back at the same time of day have a cause beyond each of them.

`ORDERS` orders of a queue that opened in the same half-hour of the local day within `SPAN_MS` open one problem record.
Of the day and not of the week, because ten days hold no half-hour of the week three times. It opens once: later orders
of that half-hour belong to it, until none has come for `SPAN_MS`. A cancelled order (false alarm, duplicate, planned)
does not count. What is kept is bounded: of each of 48 half-hours the last `ORDERS` orders and one problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from alerts.episode import short_id

ORDERS: Final = 3
SPAN_MS: Final = 10 * 86_400_000


@dataclass(slots=True)
class Open:
    """A problem that is open: its id and when the last order of it opened."""

    id: str
    last_ms: int


@dataclass(slots=True)
class Recurrence:
    """What is remembered of one queue: by half-hour of the day, the last orders as (opened_ms, id), and the problem."""

    orders: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    problems: dict[int, Open] = field(default_factory=dict)

    def opened(self, queue: str, half: int, at_ms: int, order: str) -> tuple[str | None, list[str]]:
        """An order opened in half-hour *half* (0 to 47): the problem that it belongs to, if any, and the orders that
        made it one when this is the order that opened it."""
        self._forget(at_ms)
        last = [*self.orders.get(half, []), (at_ms, order)][-ORDERS:]
        self.orders[half] = last
        problem = self.problems.get(half)
        if problem is not None:
            problem.last_ms = at_ms
            return problem.id, []
        if len(last) < ORDERS:
            return None, []
        self.problems[half] = Open(short_id("PR-", queue, half, last[0][0]), at_ms)
        return self.problems[half].id, [name for _, name in last]

    def cancelled(self, order: str) -> bool:
        """*order* was cancelled and counts no more; whether it was remembered. A problem that is open stays open."""
        for half, kept in self.orders.items():
            left = [(at, name) for at, name in kept if name != order]
            if len(left) < len(kept):
                self.orders[half] = left
                return True
        return False

    def _forget(self, now_ms: int) -> None:
        since = now_ms - SPAN_MS
        kept = {half: [(at, name) for at, name in found if at > since] for half, found in self.orders.items()}
        self.orders = {half: found for half, found in kept.items() if found}
        self.problems = {half: problem for half, problem in self.problems.items() if problem.last_ms > since}

    def packed(self) -> list[Any]:
        """As JSON-able state, in the order of the day."""
        return [
            [[half, [[at, name] for at, name in self.orders[half]]] for half in sorted(self.orders)],
            [[half, self.problems[half].id, self.problems[half].last_ms] for half in sorted(self.problems)],
        ]


def unpacked(state: list[Any]) -> Recurrence:
    """What `Recurrence.packed` wrote."""
    orders, problems = state
    return Recurrence(
        {half: [(at, name) for at, name in found] for half, found in orders},
        {half: Open(name, last_ms) for half, name, last_ms in problems},
    )


def clock_time(half: int) -> str:
    """A half-hour of the day as people say it: ``09:30``."""
    return f"{half // 2:02d}:{half % 2 * 30:02d}"
