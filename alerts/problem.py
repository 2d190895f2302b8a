"""Problem records: orders of one queue that keep coming back at the same time of day have a cause beyond each of them.

`ORDERS` orders of a queue that opened in the same half-hour of the local day within `SPAN_MS` open one problem record.
Of the day and not of the week, because ten days hold no half-hour of the week three times. It opens once, with somebody
accountable for it, and stays open until it is closed by name with its root cause and a measure; until then every later
order of that half-hour belongs to it. After that three more open another record. A cancelled order (false alarm,
duplicate, planned) does not count. What is kept is bounded: of each of 48 half-hours the last `ORDERS` orders and one
problem. `alerts.problem_desk` tells and closes them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from alerts import routing
from alerts.episode import short_id
from models import rota
from models.catalogue import Catalogue
from models.rota import Choice

ORDERS: Final = 3
SPAN_MS: Final = 10 * 86_400_000
#: From this tier on somebody is accountable for a problem: what keeps coming back is not mended within one shift.
SUPERVISOR: Final = 3


@dataclass(slots=True)
class Open:
    """A problem that is open: what opened it, who is accountable for it, when the last order of it opened."""

    id: str
    last_ms: int
    orders: list[str] = field(default_factory=list)
    since_ms: int = 0
    zone: str = "UTC"
    owner: str | None = None
    joined: int = 0  #: orders that came after those that opened it


@dataclass(slots=True)
class Recurrence:
    """What is remembered of one queue: by half-hour of the day, the last orders as (opened_ms, id), and the problem."""

    orders: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    problems: dict[int, Open] = field(default_factory=dict)

    def opened(self, queue: str, half: int, at_ms: int, order: str) -> tuple[str | None, list[str]]:
        """An order opened in half-hour *half* (0 to 47): the problem that it belongs to, if any, and the orders that
        made it one when this is the order that opened it."""
        self._forget(at_ms)
        problem = self.problems.get(half)
        if problem is not None:
            problem.last_ms = at_ms
            problem.joined += 1
            return problem.id, []
        last = [*self.orders.get(half, []), (at_ms, order)][-ORDERS:]
        self.orders[half] = last
        if len(last) < ORDERS:
            return None, []
        names = [name for _, name in last]
        self.problems[half] = Open(short_id("PR-", queue, half, last[0][0]), at_ms, names, at_ms)
        return self.problems[half].id, names

    def cancelled(self, order: str) -> bool:
        """*order* was cancelled and counts no more; whether it was remembered. A problem that is open stays open."""
        for half, kept in self.orders.items():
            left = [(at, name) for at, name in kept if name != order]
            if len(left) < len(kept):
                self.orders[half] = left
                return True
        return False

    def find(self, problem: str) -> tuple[int, Open] | None:
        """The open problem of that id, with its half-hour."""
        return next(((half, found) for half, found in self.problems.items() if found.id == problem), None)

    def closed(self, half: int) -> None:
        """The problem of *half* is closed: the orders that made it one count for no other."""
        del self.problems[half]
        self.orders.pop(half, None)

    def _forget(self, now_ms: int) -> None:
        since = now_ms - SPAN_MS
        kept = {half: [(at, name) for at, name in found if at > since] for half, found in self.orders.items()}
        self.orders = {half: found for half, found in kept.items() if found}

    def packed(self) -> list[Any]:
        """As JSON-able state, in the order of the day."""
        return [
            [[half, [[at, name] for at, name in self.orders[half]]] for half in sorted(self.orders)],
            [[half, asdict(self.problems[half])] for half in sorted(self.problems)],
        ]


def unpacked(state: list[Any]) -> Recurrence:
    """What `Recurrence.packed` wrote."""
    orders, problems = state
    return Recurrence(
        {half: [(at, name) for at, name in found] for half, found in orders},
        {half: Open(**problem) for half, problem in problems},
    )


def clock_time(half: int) -> str:
    """A half-hour of the day as people say it: ``09:30``."""
    return f"{half // 2:02d}:{half % 2 * 30:02d}"


def told(queue: str, half: int, problem: Open) -> dict[str, Any]:
    """*problem* of *queue*, open, as ``models.outputs.Problem``."""
    return {
        "id": problem.id,
        "queue": queue,
        "half_hour": clock_time(half),
        "zone": problem.zone,
        "orders": list(problem.orders),
        "since_ms": problem.since_ms,
        "state": "open",
        "owner": problem.owner,
        "joined": problem.joined,
        "closed_ms": None,
        "closed_by": None,
        "cause": "",
        "measure": "",
    }


def owner_of(catalogue: Catalogue, queue: str, now_ms: int) -> Choice:
    """Who is accountable for a problem of *queue*: the supervisor on duty, else a manager, else the supervisor who is
    off duty (it does not hurry), and where there is none of these whoever is accountable for an order."""
    for rung in rota.ladder(catalogue, queue, now_ms):
        if rung.tier >= SUPERVISOR:
            return Choice(rung.person, "supervisor_on_duty" if rung.tier == SUPERVISOR else "manager_on_duty")
    own = [person for person in routing.staff(catalogue, queue) if person.tier >= SUPERVISOR]
    if own:
        return Choice(min(own, key=lambda person: person.tier), "supervisor_off_duty")
    return routing.first_owner(catalogue, queue, now_ms)
