"""The storms of the units at home in one partition: decided at each tick, and what partitions are told of them.

All homes hear what broke in every unit, so each works out the same storms from the same numbers and acts on those of
its own units. A storm begins when it was seen at two ticks one after the other: within five seconds the second site of
a region may break too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from agents.unit_board import UnitBoard
from alerts.judgement import Judgement
from alerts.storm import PAGE_WAITS_MS, Total, found, gathers, together
from alerts.storm_book import standing_of
from alerts.turn import Live, Output
from models.catalogue import LoopLimits
from models.storm import Standing
from models.unit import TICK_MS, Layout


@dataclass(frozen=True, slots=True)
class Place:
    """What a tick is decided from: the *board* and the orders of the units (*judgement*) that *live* has figures of."""

    layout: Layout
    names: Sequence[str]  #: of the units at home here
    board: UnitBoard
    judgement: Judgement
    limits: LoopLimits
    live: Live


class UnitStorms:
    """What was told last of each unit at home here."""

    def __init__(self) -> None:
        self.told: dict[str, Standing] = {}
        self._met: list[str] = []  # units found at the tick before

    def tick(self, place: Place, now_ms: int) -> tuple[list[Output], list[Standing]]:
        """A tick: what is decided of the units' orders, and the standings that are new."""
        out: list[Output] = []
        quiet = not place.board.in_trouble and not any(one.parent for one in self.told.values())
        totals = {} if quiet else self._totals(place)
        limits = place.limits
        met = found(place.layout, totals, limits.storm_queues, limits.storm_share)
        for unit, total in totals.items():
            if unit in place.names:
                seen = (unit in met) + (unit in met and unit in self._met)
                out += place.judgement.storm(unit, total, seen, now_ms, place.live)
        self._met = met
        return out, [new for unit in place.names if (new := self._new(place, unit, totals.get(unit), now_ms))]

    def _totals(self, place: Place) -> dict[str, Total]:
        """What every unit comes to, also of those that are gone from the settings with a storm on."""
        units = dict.fromkeys([*place.layout.names, *(unit for unit, one in self.told.items() if one.parent)])
        n = {unit: one.n for unit, one in self.told.items()}
        totals = {unit: together(place.board.trouble(unit), n.get(unit, 0)) for unit in units}
        for total in totals.values():
            total.current &= place.board.all_told
        return totals

    def _new(self, place: Place, unit: str, total: Total | None, now_ms: int) -> Standing | None:
        """How *unit* stands, None where that was told already."""
        told = self.told.get(unit) or Standing(unit, 0, 0)
        queues, share = place.limits.storm_queues, place.limits.storm_share
        wide, gathering_ms, ended = told.wide, told.gathering_ms, told.ended
        if not wide and queues:
            wide = place.board.members(unit) >= queues
        if total is not None and gathers(total, queues, share):
            gathering_ms = max(gathering_ms, total.last_ms + PAGE_WAITS_MS)
        parent, state = place.judgement.parent(unit)
        if parent is not None:
            ended = ""
        elif told.parent is not None:
            ended = "cancelled" if state == "cancelled" else "closed"
        new = replace(told, wide=wide, gathering_ms=gathering_ms, parent=parent, ended=ended)
        if new == told:
            return None
        self.told[unit] = replace(new, n=told.n + 1, from_ms=now_ms + TICK_MS)
        return self.told[unit]

    def freeze(self) -> dict[str, Any]:
        """For JSON."""
        return {"told": [asdict(one) for one in self.told.values()], "met": self._met}

    def thaw(self, state: dict[str, Any]) -> None:
        """Take up what `freeze` gave; nothing of an older snapshot."""
        self.told = {one["unit"]: standing_of(one) for one in state.get("told", [])}
        self._met = list(state.get("met", []))


def of_homes(former: Sequence[dict[str, Any]], at_home: set[str]) -> dict[str, Any]:
    """What `UnitStorms.freeze` gives of homes that are put together, of the units *at_home*."""
    told = [one for state in former for one in state.get("told", []) if one["unit"] in at_home]
    return {"told": told, "met": sorted({unit for state in former for unit in state.get("met", [])})}
