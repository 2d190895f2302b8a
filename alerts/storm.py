"""Storms: which units are in one, by what all partitions told of their queues. Pure functions of told numbers.

Theory. One fault of a trunk, a site or the platform breaks many queues at once, and each of them opens an order. Who
gets two hundred pages reads none. So what broke within a short time is counted by unit, and the narrowest unit that
explains it gets one order, the *parent*; the orders of its queues are its children (`alerts.storm_orders`).

A unit *explains* what broke when it is more than chance (`storm_queues` queues) and a large part of its queues (the
share `storm_share`), or so many that nobody could answer them one by one (`MANY`). Where only one part of it is struck
(one site of a region) that part is the narrower explanation; where several are, it is the unit around them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from models.unit import EVERYTHING, NAMES_MAX, Layout, Trouble

#: What broke within this time broke together: the slowest default rule asks for a minute of breach, and queues with
#: few calls come to their least sample some minutes after the others.
TOGETHER_MS: Final = 300_000
#: So many queues are a storm whatever their share: at six orders that need typing per person and shift, three shifts'
#: worth within five minutes.
MANY: Final = 20
#: How long the page of an order waits for others to break, where a storm is possible: told at the next tick (5 s),
#: seen again at the one after it, in force one later, and 5 s for slow brokers. The shortest limit to respond is 5 min.
PAGE_WAITS_MS: Final = 20_000
#: And at most, while more and more of its unit break.
PAGE_WAITS_MAX_MS: Final = 60_000
#: Rules that are told of what broke.
RULES_MAX: Final = 8
#: Nothing is as grave as this.
_NOTHING: Final = 9


@dataclass(slots=True)
class Total:
    """What a unit comes to over all partitions; the fields of ``models.unit.Trouble``.

    *current*: every partition has told of it under the standing that was told last.
    """

    live: int = 0
    bad: int = 0
    worst: int = _NOTHING
    last_ms: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)
    held: int = 0
    joined: int = 0
    children: list[str] = field(default_factory=list)
    current: bool = True


def together(shares: Iterable[Trouble], n: int) -> Total:
    """The *shares* of all partitions as one; *n* is the standing told last."""
    total = Total()
    for share in shares:
        total.live += share.live
        total.bad += share.bad
        total.worst = min(total.worst, share.worst)
        total.last_ms = max(total.last_ms, share.last_ms)
        total.rules.update(share.rules)
        total.names += share.names
        total.held += share.held
        total.joined += share.joined
        total.children += share.children
        total.current &= share.n >= n
    total.names = sorted(total.names)[:NAMES_MAX]
    total.children = sorted(total.children)[:NAMES_MAX]
    return total


def explains(total: Total, queues: int, share: float) -> bool:
    """Whether the unit of *total* explains what broke in it: *queues* at least, and *share* of it or `MANY`."""
    return 0 < queues <= total.bad and (_is_struck(total, share) or total.bad >= MANY)


def gathers(total: Total, queues: int, share: float) -> bool:
    """Whether it is half-way to a storm: pages of its queues wait a little longer then."""
    return queues > 0 and total.bad >= max(2, queues - 1) and (2 * total.bad >= min(share * total.live, MANY))


def found(layout: Layout, totals: Mapping[str, Total], queues: int, share: float) -> list[str]:
    """The units in a storm, each the narrowest that explains what broke in it; none lies within another.

    *totals* by name of unit; *queues* 0 finds none.
    """
    inside = parts_of(layout)

    def walk(unit: str) -> list[str]:
        total = totals.get(unit)
        if total is None or total.bad < max(queues, 1):
            return []
        parts = [(part, totals[part]) for part in inside[unit] if part in totals]
        narrower = [name for part, _ in parts for name in walk(part)]
        if not explains(total, queues, share):
            return narrower
        struck = [part for part, of in parts if _is_struck(of, share)]
        beside = Total(
            live=total.live - sum(of.live for _, of in parts), bad=total.bad - sum(of.bad for _, of in parts)
        )
        is_one = len(struck) == 1 and not _is_struck(beside, share)
        return narrower if is_one and narrower else [unit]

    return walk(EVERYTHING) if queues > 0 else []


def parts_of(layout: Layout) -> dict[str, list[str]]:
    """Of each unit the units right within it: of everything the regions and the sites of none, of regions sites."""
    inside: dict[str, list[str]] = {name: [] for name in layout.names}
    within = set[str]()
    for site, region in layout.of_site.values():
        if region >= 0:
            inside[layout.names[region]].append(layout.names[site])
            within.add(layout.names[site])
    inside[EVERYTHING] = [name for name in layout.names if name != EVERYTHING and name not in within]
    return inside


def _is_struck(total: Total, share: float) -> bool:
    return total.bad > 0 and total.bad >= share * total.live
