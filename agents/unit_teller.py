"""What a partition tells of the units at each tick: what the queues that it owns add up to.

Theory. A unit lives in one partition and its queues in all of them, so every partition appends its share to the unit's
home (``unit.sums``). What a record says is absolute: the counters as they are, never what to add. A record names only
what is other than at the tick before (a quiet night costs two hundred bytes a tick), and now and then everything.
Copies are harmless (`agents.unit_board` takes each tick once), so they are sent again after a restart.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from models.unit import TICK_MS, Layout
from streams import unit_sums
from streams.counters import COUNTERS
from streams.freeze import VERSION
from streams.windows import Windows

#: Names of queues that a partition tells of each unit, for the case that it falls silent: what a screen can show.
NAMES_MAX: Final = 50
#: Ticks after which everything is told again: ten minutes.
WHOLE_EVERY: Final = 120
#: Bytes of units in one record; the rest goes into further records of the tick. Records end at 256 KB.
PART_BYTES: Final = 150_000
#: Tells which counters the numbers stand for.
COUNTING: Final = [VERSION, COUNTERS]

Share = dict[str, Any]
#: The partition to tell, and the ``unit.sums`` record; its ``queue`` is one of the units at home there.
Telling = tuple[int, dict[str, Any]]


class UnitTeller:
    """Tells the homes of all units of *layout* what *partition* has of them."""

    def __init__(self, partition: int, layout: Layout) -> None:
        self._partition = partition
        self.told: dict[str, Share] = {}  #: of each unit what was told last
        self.last = -1  #: tick told last
        self.begin(layout)

    def begin(self, layout: Layout) -> None:
        """*layout* holds from here on."""
        self._layout = layout
        self._members = np.empty((0, 3), np.int32)
        self._names: dict[str, tuple[int, list[str]]] = {}
        units = len(layout.names)
        self._sums = np.zeros((units, unit_sums.WINDOWS, COUNTERS), np.int64)
        self._now = np.zeros((units, unit_sums.FIELDS), np.int64)

    def tell(self, cause: int, ts_ms: int, windows: Windows, blind: bool) -> list[Telling]:
        """What to tell at the clock *ts_ms*, the record at offset *cause*; nothing unless it begins a tick.

        *blind* says that nothing is heard of the sources of any queue.
        """
        tick = ts_ms // TICK_MS
        if tick <= self.last:
            return []
        after, self.last = self.last, tick
        shares = self._shares(windows)
        whole = after < 0 or tick // WHOLE_EVERY != after // WHOLE_EVERY
        news: dict[int, dict[str, Share | None]] = {home: {} for home in self._layout.home}
        for name, home in zip(self._layout.names, self._layout.home, strict=True):
            share = shares.get(name)
            if share != self.told.get(name) or (whole and share is not None):
                news[home][name] = share
        self.told = shares
        head = {"partition": self._partition, "tick": tick, "after": after, "whole": whole, "blind": blind}
        return [
            telling
            for home, units in sorted(news.items())
            for telling in self._records(home, units, cause, ts_ms, head)
        ]

    def _records(
        self, home: int, units: dict[str, Share | None], cause: int, ts_ms: int, head: dict[str, Any]
    ) -> list[Telling]:
        queue = self._layout.names[self._layout.home.index(home)]
        parts = _parts(units)
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
                "units": some,
            }
            out.append((home, record))
        return out

    def _shares(self, windows: Windows) -> dict[str, Share]:
        """What the queues here add up to, by unit; only units that have a queue here."""
        names = windows.names.names
        if new := names[len(self._members) : windows.ready]:
            members = np.array([self._layout.members(queue) for queue in new], np.int32)
            self._members = np.concatenate([self._members, members])
        windows.add_up(self._members, self._sums, self._now)
        shares = {}
        for u in np.flatnonzero(self._now[:, unit_sums.QUEUES]).tolist():
            unit, flat = self._layout.names[u], self._sums[u].ravel()
            at = np.flatnonzero(flat)
            shares[unit] = {
                "at": at.tolist(),
                "n": flat[at].tolist(),
                "now": self._now[u].tolist(),
                "queues": self._queues(u, unit, windows),
            }
        return shares

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
        return {"last": self.last, "told": self.told}

    def thaw(self, state: dict[str, Any]) -> None:
        """Take up what `freeze` gave."""
        self.last, self.told = state["last"], state["told"]


def _parts(units: dict[str, Share | None]) -> list[dict[str, Share | None]]:
    """*units* in as many parts as it takes for each to stay below `PART_BYTES`; at least one."""
    parts: list[dict[str, Share | None]] = [{}]
    size = 0
    for name, share in units.items():
        size += len(orjson.dumps({name: share}))
        if size > PART_BYTES and parts[-1]:
            parts.append({})
            size = 0
        parts[-1][name] = share
    return parts


def _numbers(values: Any) -> NDArray[np.int64]:
    """*values* as an array; only a list of whole numbers of 64 bits is one. Raises TypeError or ValueError."""
    if type(values) is not list:
        raise TypeError("no list")
    array = np.array(values) if values else np.zeros(0, np.int64)
    if array.dtype != np.int64 or array.ndim != 1:
        raise TypeError("no whole numbers")
    return array


def share_of(share: Share) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Sums ``(WINDOWS, COUNTERS)``, fields of now and names of a told share.

    Raises ValueError, TypeError or KeyError for what no teller wrote.
    """
    at, n, now = _numbers(share["at"]), _numbers(share["n"]), _numbers(share["now"])
    sums = np.zeros(unit_sums.WINDOWS * COUNTERS, np.int64)
    if at.shape != n.shape or now.shape != (unit_sums.FIELDS,) or (at < 0).any():
        raise ValueError("no share of a unit")
    if len(at) and at.max() >= len(sums):
        raise ValueError("no such counter")
    sums[at] = n
    queues = share["queues"]
    if type(queues) is not list or len(queues) > NAMES_MAX or not all(type(name) is str for name in queues):
        raise ValueError("no names of queues")
    return sums.reshape(unit_sums.WINDOWS, COUNTERS), now, queues
