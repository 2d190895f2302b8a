"""Problem records: orders of one queue that keep coming back have a cause beyond each of them.

So many orders of a queue within so many days (`LoopLimits.problem_orders`, `problem_ms`) open one problem record when
they have in common

- the half-hour of the local day in which they opened (``at:20``). Of the day and not of the week, because ten days hold
  no half-hour of the week three times;
- what is seen of their cause (``seen:menu``, `alerts.seen_cause`);
- the cause that a person gave when they were resolved, once the calls have proven it (``cause:trunk``).

It opens once, with somebody accountable for it, and stays open until it is closed by name with its root cause and a
measure; until then every later order with that in common belongs to it. After that as many more open another record.
An order counts for one problem only. A cancelled one (false alarm, duplicate, planned) does not count, nor does one
that a storm holds. `alerts.problem_desk` tells and closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from alerts import routing
from alerts.episode import short_id
from models import rota
from models.catalogue import Catalogue, LoopLimits
from models.rota import Choice

#: From this tier on somebody is accountable for a problem: what keeps coming back is not mended within one shift.
SUPERVISOR: Final = 3
AT, SEEN, GIVEN = "at:", "seen:", "cause:"


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
    title: str = ""  #: what its orders have in common, as people read it when it opened
    zh: str = ""


@dataclass(slots=True)
class Recurrence:
    """What is remembered of one queue: by what orders have in common, the last as (opened_ms, id), and the problem."""

    orders: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    problems: dict[str, Open] = field(default_factory=dict)

    def came(
        self, queue: str, keys: Sequence[str], at_ms: int, order: str, many: LoopLimits
    ) -> tuple[str | None, str | None]:
        """An order has *keys*, the first the most telling: the problem that it belongs to, if any, and its key when
        this is the order that opened it."""
        self._forget(at_ms - many.problem_ms)
        for key in keys:
            problem = self.problems.get(key)
            if problem is not None:
                problem.last_ms = at_ms
                problem.joined += 1
                self.cancelled(order)
                return problem.id, None
        for key in keys:
            self.orders[key] = [*self.orders.get(key, []), (at_ms, order)][-many.problem_orders :]
        full = next((key for key in keys if len(self.orders[key]) == many.problem_orders), None)
        if full is None:
            return None, None
        last = self.orders[full]
        names = [name for _, name in last]
        of = int(full.removeprefix(AT)) if full.startswith(AT) else full
        self.problems[full] = Open(short_id("PR-", queue, of, last[0][0]), at_ms, names, at_ms)
        for name in names:
            self.cancelled(name)
        return self.problems[full].id, full

    def cancelled(self, order: str) -> bool:
        """*order* counts no more; whether it did. A problem that is open stays open."""
        return self._without(order, lambda key: True)

    def withdrawn(self, order: str) -> bool:
        """*order* is open again: the cause that was given was not it. Whether it was remembered."""
        return self._without(order, lambda key: key.startswith(GIVEN))

    def _without(self, order: str, of: Callable[[str], bool]) -> bool:
        kept = {
            key: [(at, name) for at, name in found if name != order or not of(key)]
            for key, found in self.orders.items()
        }
        gone = sum(map(len, kept.values())) < sum(map(len, self.orders.values()))
        self.orders = {key: found for key, found in kept.items() if found}
        return gone

    def find(self, problem: str) -> tuple[str, Open] | None:
        """The open problem of that id, with its key."""
        return next(((key, found) for key, found in self.problems.items() if found.id == problem), None)

    def closed(self, key: str) -> None:
        """The problem of *key* is closed."""
        del self.problems[key]

    def _forget(self, since_ms: int) -> None:
        kept = {key: [(at, name) for at, name in found if at > since_ms] for key, found in self.orders.items()}
        self.orders = {key: found for key, found in kept.items() if found}

    def packed(self) -> list[Any]:
        """As JSON-able state, by key."""
        return [
            [[key, [[at, name] for at, name in self.orders[key]]] for key in sorted(self.orders)],
            [[key, asdict(self.problems[key])] for key in sorted(self.problems)],
        ]


def unpacked(state: list[Any]) -> Recurrence:
    """What `Recurrence.packed` wrote. Half-hours were numbers once, when nothing else was looked at."""
    orders, problems = state

    def key_of(key: int | str) -> str:
        return key if isinstance(key, str) else f"{AT}{key}"

    return Recurrence(
        {key_of(key): [(at, name) for at, name in found] for key, found in orders},
        {key_of(key): Open(**problem) for key, problem in problems},
    )


def clock_time(half: int) -> str:
    """A half-hour of the day as people say it: ``09:30``."""
    return f"{half // 2:02d}:{half % 2 * 30:02d}"


def half_hour(key: str) -> str:
    """The half-hour of a problem by its key, "" of one that comes back by its cause."""
    return clock_time(int(key.removeprefix(AT))) if key.startswith(AT) else ""


def told(queue: str, key: str, problem: Open) -> dict[str, Any]:
    """*problem* of *queue*, open, as ``models.outputs.Problem``."""
    return {
        "id": problem.id,
        "queue": queue,
        "half_hour": half_hour(key),
        "zone": problem.zone,
        "by": "half_hour" if key.startswith(AT) else "seen" if key.startswith(SEEN) else "given",
        "same": "" if key.startswith(AT) else key.partition(":")[2],
        "title": problem.title,
        "zh": problem.zh,
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
