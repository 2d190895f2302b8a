"""What a partition remembers of orders that are over: experience, and how often a queue comes back.

It is state of the partition, kept by queue in the queues' snapshots, and no projection for readers: what was offered to
whom is a decision, which a replay must repeat and people answer (`helped`). So it holds the orders of this partition
only; a similar order of a queue of another partition is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from alerts import problem
from alerts.experience import Experience, case_of, experience_of, similar
from alerts.order import BY_ITSELF, WorkOrder
from models.catalogue import Catalogue
from models.hours import site_of

#: Experiences of one queue and of a partition: some months of a centre. 0.6 KB each, so 1.2 MB; and all of them are
#: looked through when an order opens (5 ms).
PER_QUEUE: Final = 16
IN_ALL: Final = 2_000


class Memory:
    """The experiences and recurrences of all queues of one judgement. *changed* is told which queues' state changed."""

    def __init__(self, changed: set[str]) -> None:
        self._changed = changed
        self._past: dict[str, list[Experience]] = {}
        self._back: dict[str, problem.Recurrence] = {}

    def offer(self, catalogue: Catalogue, order: WorkOrder) -> None:
        """Fill in the similar closed orders of *order*, which opens."""
        order.like = similar(case_of(catalogue, order), self._all())

    def keep(self, catalogue: Catalogue, order: WorkOrder) -> bool:
        """*order* is closed: keep what it teaches. Whether it teaches anything."""
        if order.cause in BY_ITSELF:
            return False
        past = self._past.setdefault(order.queue, [])
        past.append(experience_of(catalogue, order))
        del past[:-PER_QUEUE]
        self._changed.add(order.queue)
        while sum(map(len, self._past.values())) > IN_ALL:  # more than one when partitions were put together
            self._drop(min(self._all(), key=lambda e: (e.closed_ms, e.order)))
        return True

    def withdraw(self, order: WorkOrder) -> bool:
        """*order* is open again: what it taught was wrong. Whether there was anything."""
        found = [e for e in self._past.get(order.queue, []) if e.order == order.id]
        for past in found:
            self._drop(past)
        return bool(found)

    def judge(self, queue: str, order: str, helped: bool) -> None:
        """Somebody says whether the experience of *order*, of *queue*, has helped."""
        for past in self._past.get(queue, []):
            if past.order == order:
                past.helped += 1 if helped else -1
                self._changed.add(queue)

    def came(self, catalogue: Catalogue, order: WorkOrder, keys: Sequence[str]) -> tuple[str, problem.Open] | None:
        """*order* has *keys* in common with others (`alerts.problem`): fill in its problem. The problem, with its key,
        if it opens now."""
        back = self._back.setdefault(order.queue, problem.Recurrence())
        self._changed.add(order.queue)
        order.problem, key = back.came(order.queue, keys, order.opened_ms, order.id, catalogue.limits)
        if key is None:
            return None
        found = back.problems[key]
        found.zone = site_of(catalogue, order.queue).zone
        return key, found

    def open_problem(self, queue: str, name: str) -> tuple[str, problem.Open] | None:
        """The open problem *name* of *queue*, with its key."""
        back = self._back.get(queue)
        return None if back is None else back.find(name)

    def problem_closed(self, queue: str, key: str) -> None:
        """The problem of *key* is closed."""
        self._back[queue].closed(key)
        self._changed.add(queue)

    def recurrences(self) -> Iterator[tuple[str, problem.Recurrence]]:
        """The queues with open problems, by name. Whoever changes one says so in *changed*."""
        return ((queue, self._back[queue]) for queue in sorted(self._back) if self._back[queue].problems)

    def cause_withdrawn(self, order: WorkOrder) -> None:
        """*order* is open again: the cause that was given for it does not count."""
        back = self._back.get(order.queue)
        if back is not None and back.withdrawn(order.id):
            self._changed.add(order.queue)

    def cancelled(self, order: WorkOrder) -> None:
        """*order* was cancelled: it does not count as one that came back."""
        back = self._back.get(order.queue)
        if back is not None and back.cancelled(order.id):
            self._changed.add(order.queue)

    def snapshot(self, queue: str) -> dict[str, Any]:
        """What is remembered of *queue*, for JSON; empty when nothing is."""
        past, back = self._past.get(queue), self._back.get(queue)
        found: dict[str, Any] = {"past": [asdict(e) for e in past]} if past else {}
        return found | ({"back": back.packed()} if back else {})

    def restore(self, queue: str, state: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self._past.pop(queue, None)
        self._back.pop(queue, None)
        if "past" in state:
            self._past[queue] = [Experience(**e) for e in state["past"]]
        if "back" in state:
            self._back[queue] = problem.unpacked(state["back"])

    def _all(self) -> Iterator[Experience]:
        return (e for past in self._past.values() for e in past)

    def _drop(self, gone: Experience) -> None:
        self._past[gone.queue].remove(gone)
        if not self._past[gone.queue]:
            del self._past[gone.queue]
        self._changed.add(gone.queue)
