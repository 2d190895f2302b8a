"""What a partition tells of the units at each tick: what the queues that it owns add up to.

Theory. A unit lives in one partition and its queues in all of them, so every partition appends its share to the unit's
home (``unit.sums``). What a record says is absolute: the counters as they are, never what to add. A record names only
what is other than at the tick before (a quiet night costs two hundred bytes a tick), and now and then everything.
Agents are told by name, because one who serves queues of several partitions is one agent of the unit. Copies are
harmless (`agents.unit_board` takes each tick once), so they are sent again after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.sources import Odd
from alerts.siblings.apart import LEAST
from alerts.storm_book import StormBook
from alerts.usual import GATE
from models.metric import FIGURES
from models.unit import EVERYTHING, MEMBERS_MAX, NAMES_MAX, TICK_MS, Layout, Trouble
from streams import unit_sums
from streams.counters import COUNTERS
from streams.freeze import VERSION
from streams.windows import Windows

#: Ticks after which everything is told again: ten minutes.
WHOLE_EVERY: Final = 120
#: Bytes of units in one record; the rest goes into further records of the tick. Records end at 256 KB.
PART_BYTES: Final = 150_000
#: Agents that a partition tells of one unit; the rest is counted. A floor of 20,000 is ten times a large centre's.
AGENTS_MAX: Final = 20_000
#: Agents in one record: 24 bytes each.
AGENTS_AT_ONCE: Final = 4_000
#: A member of a unit: its name, calls abandoned, outcomes, and whether that share is usual at this time of the week.
Member = tuple[str, int, int, bool]
_UNUSUAL: Final = FIGURES[("abandonment_unusual", "now")]
_ANSWERED: Final = FIGURES[("answered", "30m")]
_ABANDONED: Final = FIGURES[("abandoned", "30m")]
#: Tells which counters the numbers stand for.
COUNTING: Final = [VERSION, COUNTERS]

_NO_TROUBLE: Final = Trouble(live=0)

Share = dict[str, Any]
#: Who is not offline, by identity, and in which state (``AgentState``); in what is told 0 for those who left.
Agents = dict[int, int]
#: One thing to tell: under which key of a record, of which unit, what.
_Item = tuple[str, str, Any]
#: The partition to tell, and the ``unit.sums`` record; its ``queue`` is one of the units at home there.
Telling = tuple[int, dict[str, Any]]


class UnitTeller:
    """Tells the homes of all units of *layout* what *partition* has of them."""

    def __init__(self, partition: int, layout: Layout) -> None:
        self._partition = partition
        self.told: dict[str, Share] = {}  #: of each unit what was told last
        self.agents: dict[str, Agents] = {}  #: and of its agents
        self.last = -1  #: tick told last
        self.trouble: dict[str, Share] = {}  #: and of the orders of its queues
        self._home: dict[str, int] = {}  #: of every unit there is or was: what was a home goes on to have ticks
        self._anew = False  #: everything is told at the next tick, since there are homes that were told nothing yet
        self.begin(layout)

    def begin(self, layout: Layout) -> None:
        """*layout* holds from here on."""
        self._layout = layout
        home = dict(zip(layout.names, layout.home, strict=True))
        self._anew |= not set(home.values()) <= set(self._home.values())
        first = {at: name for name, at in reversed(self._home.items())}  # of each home one name is enough
        self._home = (
            home
            | {name: at for at, name in first.items()}
            | {name: at for name, at in self._home.items() if name in self.told}
        )
        self._members = np.empty((0, 3), np.int32)
        self._names: dict[str, tuple[int, list[str]]] = {}
        units = len(layout.names)
        self._sums = np.zeros((units, unit_sums.WINDOWS, COUNTERS), np.int64)
        self._now = np.zeros((units, unit_sums.FIELDS), np.int64)
        self._signs = np.zeros(units, np.int64)
        self._listed: dict[str, tuple[int, Agents, int]] = {}

    def tell(
        self,
        cause: int,
        ts_ms: int,
        windows: Windows,
        blind: bool,
        strays: Sequence[int],
        book: StormBook,
        broken: Mapping[str, Trouble],
        records: int = 0,
        sources: Sequence[Odd] | None = None,
    ) -> list[Telling]:
        """What to tell at the clock *ts_ms*, the record at offset *cause*; nothing unless it begins a tick.

        *blind* says that nothing is heard of the sources of any queue; *strays* are the misrouted and the dead records
        of the day so far; *broken* is what the orders come to, and *book* what is known here of storms. *records* are
        those of the day so far; *sources* which are not well, None where none is declared.
        """
        tick = ts_ms // TICK_MS
        if tick <= self.last:
            return []
        after, self.last = self.last, tick
        shares = self._shares(windows)
        agents = {unit: self._listed[unit][1] for unit in shares}
        whole = after < 0 or self._anew or tick // WHOLE_EVERY != after // WHOLE_EVERY
        self._anew = False
        if whole:
            self.agents = {}
        trouble = self._trouble(shares, windows, book, broken)
        news: dict[int, list[_Item]] = {home: [] for home in self._home.values()}
        for unit, home in self._home.items():
            share = shares.get(unit)
            if share != self.told.get(unit) or (whole and share is not None):
                news[home].append(("units", unit, share))
            news[home] += _moves(unit, self.agents.get(unit, {}), agents.get(unit, {}))
        for unit in sorted(trouble.keys() | self.trouble.keys()):
            if trouble.get(unit) != self.trouble.get(unit) or (whole and unit in trouble):
                for items in news.values():  # every home works out the storms of all units
                    items.append(("trouble", unit, trouble.get(unit)))
        self.told, self.agents, self.trouble = shares, agents, trouble
        beside = self._beside(records, sources)
        members = self._members_of(windows) if is_minute(tick, after) else None
        for unit, found in sorted((members or {}).items()):
            news[self._home[unit]].append(("members", unit, found))
        head = {
            "partition": self._partition,
            "tick": tick,
            "after": after,
            "whole": whole,
            "blind": blind,
            "strays": list(strays),
        }
        return [
            telling
            for home, items in sorted(news.items())
            for telling in self._records(
                home, items, cause, ts_ms, head | {"beside": beside(home)}, members is not None
            )
        ]

    def _records(
        self, home: int, items: list[_Item], cause: int, ts_ms: int, head: dict[str, Any], compared: bool = False
    ) -> list[Telling]:
        """The records for *home*. With *compared* they say of all members; else those that were told hold."""
        queue = next(name for name, at in self._home.items() if at == home)
        parts = _parts(items)
        out = []
        for part, some in enumerate(parts):
            record = {
                "id": f"u-{self._partition}-{cause}-{home}-{part}",
                "source": "callwatch",
                "type": "unit.sums",
                "ts": ts_ms,
                "queue": queue,
                **head,
                "part": part,
                "parts": len(parts),
                "counting": COUNTING,
                **some,
            }
            if not compared:
                del record["members"]
            if part:
                del record["beside"]
            out.append((home, record))
        return out

    def _beside(self, records: int, sources: Sequence[Odd] | None) -> Callable[[int], dict[str, Any]]:
        """What is told beside sums, by home: of the sources to itself alone, since all partitions hear of those."""

        def told(home: int) -> dict[str, Any]:
            at_home = home == self._partition == self._home.get(EVERYTHING)
            of = None if sources is None or not at_home else [list(odd) for odd in sources[:NAMES_MAX]]
            return {"records": records, "sources": of}

        return told

    def _members_of(self, windows: Windows) -> dict[str, list[Member]]:
        """What is compared with its like, by unit: of a site its queues, of a region its sites, of everything the sites
        of no region; abandoned, and outcomes of the last 30 minutes."""
        rows = windows.figures[: len(self._members)]
        lost = rows[:, _ABANDONED]
        of = lost + rows[:, _ANSWERED]
        usual = rows[:, _UNUSUAL] < GATE  # not so where nothing is known: NaN
        found: dict[str, list[Member]] = {}
        sites: dict[tuple[str, str], list[int]] = {}
        for row in np.flatnonzero(of > 0).tolist():
            queue, (_, site, region) = windows.names.names[row], self._members[row].tolist()
            if site < 0:
                continue
            if of[row] >= LEAST:
                found.setdefault(self._layout.names[site], []).append(
                    (queue, int(lost[row]), int(of[row]), bool(usual[row]))
                )
            above = self._layout.names[region] if region >= 0 else EVERYTHING
            total = sites.setdefault((above, self._layout.names[site]), [0, 0, 1])
            total[0] += int(lost[row])
            total[1] += int(of[row])
            total[2] &= bool(usual[row])
        for (above, site_name), (site_lost, site_of, all_usual) in sites.items():
            found.setdefault(above, []).append((site_name, site_lost, site_of, bool(all_usual)))
        return {unit: sorted(of, key=lambda one: (-one[2], one[0]))[:MEMBERS_MAX] for unit, of in found.items()}

    def _shares(self, windows: Windows) -> dict[str, Share]:
        """What the queues here add up to, by unit; only units that have a queue here."""
        names = windows.names.names
        if new := names[len(self._members) : windows.ready]:
            members = np.array([self._layout.members(queue) for queue in new], np.int32)
            self._members = np.concatenate([self._members, members])
        windows.add_up(self._members, self._sums, self._now, self._signs)
        shares = {}
        for u in np.flatnonzero(self._now[:, unit_sums.QUEUES]).tolist():
            unit, flat = self._layout.names[u], self._sums[u].ravel()
            at = np.flatnonzero(flat)
            shares[unit] = {
                "at": at.tolist(),
                "n": flat[at].tolist(),
                "now": self._now[u].tolist(),
                "queues": self._queues(u, unit, windows),
                "unlisted": self._agents(u, unit, windows),
            }
        return shares

    def _trouble(
        self, units: Collection[str], windows: Windows, book: StormBook, broken: Mapping[str, Trouble]
    ) -> dict[str, Share]:
        """What the queues here have of orders, by unit; ``live`` are those with a call lately, or broken."""
        if book.is_off and not broken:
            return {}
        calls = windows.figures[: len(self._members), FIGURES[("arrivals", "30m")]] > 0
        called = np.bincount(self._members[calls].ravel() + 1, minlength=len(self._layout.names) + 1)[1:].tolist()
        found = {}
        for unit, live in zip(self._layout.names, called, strict=True):
            if unit in units:
                share = broken.get(unit) or _NO_TROUBLE
                standing = book.standings.get(unit)
                known = {"live": max(live, share.bad), "n": standing.n if standing else 0}
                found[unit] = share.model_copy(update=known).model_dump(exclude_defaults=True)
        return found

    def _agents(self, u: int, unit: str, windows: Windows) -> int:
        """List the agents of unit number *u* where any has changed the state; how many there was no room for."""
        sign = int(self._signs[u])
        known = self._listed.get(unit)
        if known is None or known[0] != sign:
            who, states = windows.agents_of(self._members, u)
            order = np.lexsort((unit_sums.BUSY_RANK[states], who))  # of an agent in several queues the busiest last
            last = order[np.append(who[order][1:] != who[order][:-1], True)] if len(order) else order
            kept = last[:AGENTS_MAX]
            agents = dict(zip(who[kept].tolist(), states[kept].tolist(), strict=True))
            known = self._listed[unit] = (sign, agents, len(last) - len(kept))
        return known[2]

    def _queues(self, u: int, unit: str, windows: Windows) -> list[str]:
        """The first `NAMES_MAX` names of its queues here; sorted anew only when there are more than before."""
        count = int(self._now[u, unit_sums.QUEUES])
        known = self._names.get(unit)
        if known is None or known[0] != count:
            mine = np.flatnonzero((self._members == u).any(axis=1)).tolist()
            named = sorted(windows.names.names[at] for at in mine if windows.heard(at))
            known = self._names[unit] = (count, named[:NAMES_MAX])
        return known[1]

    # -- snapshots ------------------------------------------------------------------------------------------------

    def freeze(self) -> dict[str, Any]:
        """For JSON."""
        agents = {unit: list(agents.items()) for unit, agents in self.agents.items()}
        return {
            "last": self.last,
            "told": self.told,
            "agents": agents,
            "trouble": self.trouble,
            "home": self._home,
            "anew": self._anew,
        }

    def thaw(self, state: dict[str, Any]) -> None:
        """Take up what `freeze` gave."""
        self.last, self.told = state["last"], state["told"]
        self.agents = {unit: dict(agents) for unit, agents in state["agents"].items()}
        self.trouble = state.get("trouble", {})
        self._home, self._anew = state["home"], state["anew"]


def is_minute(tick: int, before: int) -> bool:
    """Whether a minute has begun since the tick *before*."""
    return tick * TICK_MS // 60_000 > before * TICK_MS // 60_000


def _moves(unit: str, before: Agents, now: Agents) -> list[_Item]:
    """Whose state is other than *before*, at most `AGENTS_AT_ONCE` in one item."""
    moved = [[who, state] for who, state in now.items() if before.get(who) != state]
    moved += [[who, 0] for who in before if who not in now]
    return [("agents", unit, moved[at : at + AGENTS_AT_ONCE]) for at in range(0, len(moved), AGENTS_AT_ONCE)]


def _parts(items: list[_Item]) -> list[dict[str, dict[str, Any]]]:
    """*items* in as many parts as it takes for each to stay below `PART_BYTES`, or to be one item; at least one."""
    parts: list[dict[str, dict[str, Any]]] = [{"units": {}, "agents": {}, "trouble": {}, "members": {}}]
    size = 0
    for kind, unit, what in items:
        length = _length(kind, unit, what)
        if size and (size + length > PART_BYTES or unit in parts[-1][kind]):
            parts.append({"units": {}, "agents": {}, "trouble": {}, "members": {}})
            size = 0
        size += length
        parts[-1][kind][unit] = what
    return parts


def _length(kind: str, unit: str, what: Any) -> int:
    """Bytes that an item has at most: a number 20, and a character of a name 4."""
    if what is None:
        return 4 * len(unit) + 20
    if kind == "members":
        return 4 * len(unit) + sum(4 * len(name) + 48 for name, *_ in what) + 20
    if kind == "agents":
        return 4 * len(unit) + 26 * len(what) + 20
    if kind == "trouble":
        told = [*what.get("names", ()), *what.get("children", ()), *what.get("rules", ())]
        return 4 * len(unit) + 200 + sum(4 * len(name) + 24 for name in told)
    names = sum(4 * len(name) + 3 for name in what["queues"])
    return 4 * len(unit) + 27 * len(what["at"]) + 21 * unit_sums.FIELDS + names + 100


def _numbers(values: Any) -> NDArray[np.int64]:
    """*values* as an array; only a list of whole numbers of 64 bits is one. Raises TypeError or ValueError."""
    if type(values) is not list:
        raise TypeError("no list")
    array = np.array(values) if values else np.zeros(0, np.int64)
    if array.dtype != np.int64 or array.ndim != 1:
        raise TypeError("no whole numbers")
    return array


def share_of(share: Share) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str], int]:
    """Sums ``(WINDOWS, COUNTERS)``, fields of now, names, and the number of unlisted agents of a told share.

    Raises ValueError, TypeError or KeyError for what no teller wrote.
    """
    at, n, now = _numbers(share["at"]), _numbers(share["n"]), _numbers(share["now"])
    sums = np.zeros(unit_sums.WINDOWS * COUNTERS, np.int64)
    if len(now) == unit_sums.FIELDS_BEFORE:  # told, or kept, before it was noted when callers come and get through
        now = np.append(now, [-1, -1])
    if at.shape != n.shape or now.shape != (unit_sums.FIELDS,) or (at < 0).any():
        raise ValueError("no share of a unit")
    if len(at) and at.max() >= len(sums):
        raise ValueError("no such counter")
    sums[at] = n
    queues = share["queues"]
    if type(queues) is not list or len(queues) > NAMES_MAX or not all(type(name) is str for name in queues):
        raise ValueError("no names of queues")
    if type(share["unlisted"]) is not int:
        raise TypeError("no number of agents")
    return sums.reshape(unit_sums.WINDOWS, COUNTERS), now, queues, share["unlisted"]
