"""What a partition knows of storms: how each unit stands, from when on, and which of its queues a storm holds.

The homes of the units tell it (`models.storm.Standing`). A standing holds from its *from_ms* on, a tick after it was
decided: so it begins at the same time of the log in every partition, and where there is one partition only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any, Final

from alerts.storm import PAGE_WAITS_MAX_MS
from models.catalogue import Catalogue
from models.storm import Parent, Standing
from models.unit import UNITS_MAX, Layout, units_of

#: A storm that a partition hears of so late (its log lay behind, as in a replay at full speed) holds nothing there: the
#: queues have gone their own way.
LATE_MS: Final = 3_600_000
#: Standings that wait for their time: one tick's of every unit, twice.
COMING_MAX: Final = 2 * UNITS_MAX


class StormBook:
    """The standings of one partition, and the children of its storms."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.standings: dict[str, Standing] = {}
        self.children: dict[str, set[str]] = {}  #: id of a parent to the queues whose last order it holds or held
        self._coming: list[Standing] = []
        self._by_id: dict[str, tuple[Standing, Parent]] = {}
        self.settle(catalogue)

    def settle(self, catalogue: Catalogue) -> None:
        """*catalogue* says from here on which queue is of which unit."""
        self._layout: Layout = units_of(catalogue, 1)
        self._of: dict[str, tuple[str, ...]] = {}
        self.is_off = catalogue.limits.storm_queues == 0
        known = self.standings.items()
        self.standings = {unit: one for unit, one in known if one.parent is not None or unit in self._layout.names}

    # -- what is told ---------------------------------------------------------------------------------------------

    def take(self, standings: Iterable[Standing]) -> None:
        """A home tells how its units stand; what is known already, or was told before it, is no news."""
        for new in standings:
            if new.unit not in self._layout.names and new.unit not in self.standings:
                continue  # anybody may write to the log
            if all(new.n > known.n for known in self._known(new.unit)) and len(self._coming) < COMING_MAX:
                self._coming.append(new)

    def _known(self, unit: str) -> list[Standing]:
        there = self.standings.get(unit)
        return ([there] if there else []) + [one for one in self._coming if one.unit == unit]

    def clock(self, now_ms: int) -> bool:
        """What was told for *now_ms* or before holds now; whether anything does."""
        due = [one for one in self._coming if one.from_ms <= now_ms]
        if not due:
            return False
        self._coming = [one for one in self._coming if one.from_ms > now_ms]
        for one in due:
            before = self.standings.get(one.unit)
            known = before is not None and before.parent is not None
            if one.parent is not None and not known and now_ms - one.from_ms > LATE_MS:
                one = replace(one, parent=None, ended="closed")  # noqa: PLW2901
            self.standings[one.unit] = one
        self._index()
        return True

    def _index(self) -> None:
        self._by_id = {one.parent.id: (one, one.parent) for one in self.standings.values() if one.parent is not None}

    # -- what it means --------------------------------------------------------------------------------------------

    def units(self, queue: str) -> tuple[str, ...]:
        """The units that *queue* counts in, the narrowest first."""
        found = self._of.get(queue)
        if found is None:
            everything, site, region = self._layout.members(queue)
            found = tuple(self._layout.names[n] for n in (site, region, everything) if n >= 0)
            self._of[queue] = found
        return found

    def parent(self, order_id: str) -> Parent | None:
        """The storm whose order has that id, None when it is over."""
        found = self._by_id.get(order_id)
        return found[1] if found else None

    def ended(self, queue: str) -> str:
        """How the storm that held *queue* ended: ``cancelled`` or ``closed``."""
        ends = [self.standings[unit].ended for unit in self.units(queue) if unit in self.standings]
        return "cancelled" if "cancelled" in ends else "closed"

    def over(self, queue: str) -> Parent | None:
        """The storm that takes in what breaks in *queue* now, the narrowest; None when there is none."""
        if not self._by_id:
            return None
        there = (self.standings.get(unit) for unit in self.units(queue))
        return next((one.parent for one in there if one and one.parent and not one.parent.resolved), None)

    def may_come(self, queue: str) -> bool:
        """Whether a unit of *queue* has queues enough for a storm."""
        return not self.is_off and any(
            (one := self.standings.get(unit)) is not None and one.wide for unit in self.units(queue)
        )

    def waits_until(self, queue: str, from_ms: int, waits_ms: int) -> int:
        """Until when a page withheld since *from_ms*, for *waits_ms* at least, waits."""
        there = [self.standings[unit].gathering_ms for unit in self.units(queue) if unit in self.standings]
        return min(max([from_ms + waits_ms, *there]), from_ms + max(waits_ms, PAGE_WAITS_MAX_MS))

    def joins(self, order_id: str, queue: str) -> None:
        """The last order of *queue* is held by the storm *order_id*."""
        self.children.setdefault(order_id, set()).add(queue)

    def leaves(self, order_id: str | None, queue: str) -> None:
        """It is not any more."""
        held = self.children.get(order_id or "")
        if held is not None:
            held.discard(queue)
            if not held:
                del self.children[order_id or ""]

    # -- snapshots ------------------------------------------------------------------------------------------------

    def common(self) -> dict[str, Any]:
        """For JSON. Which queue is whose child stands in the queues' orders."""
        return {
            "standings": [asdict(one) for _, one in sorted(self.standings.items())],
            "coming": [asdict(one) for one in self._coming],
        }

    def thaw(self, state: dict[str, Any]) -> None:
        """Take up what `common` gave; nothing of an older snapshot."""
        self.standings = {one["unit"]: standing_of(one) for one in state.get("standings", [])}
        self._coming = [standing_of(one) for one in state.get("coming", [])]
        self._index()


def standing_of(state: dict[str, Any]) -> Standing:
    """A standing that `dataclasses.asdict` wrote."""
    parent = state["parent"]
    return Standing(**state | {"parent": Parent(**parent) if parent else None})


def newest(former: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What `StormBook.common` gives of partitions that are put together: of each unit what was told last."""
    standings: dict[str, dict[str, Any]] = {}
    coming: dict[tuple[str, int], dict[str, Any]] = {}
    for state in former:
        for one in state.get("standings", []):
            there = standings.get(one["unit"])
            if there is None or one["n"] > there["n"]:
                standings[one["unit"]] = one
        coming |= {(one["unit"], one["n"]): one for one in state.get("coming", [])}
    left = [one for (unit, n), one in sorted(coming.items()) if n > standings.get(unit, {"n": -1})["n"]]
    return {"standings": [standings[unit] for unit in sorted(standings)], "coming": left}
