"""The metrics view of units: their figures for readers, at each tick and, where nothing moves, now and then."""

from __future__ import annotations

import math
from typing import Final

import orjson

from agents.shown import shown
from agents.units import Units
from models.hours import settings_for
from models.metric import FIGURES

#: A unit that stands still is written anew this often, as a quiet queue is.
REFRESH_MS: Final = 2_000
#: Names of stale queues in a row; *stale_count* tells how many there are.
STALE_MAX: Final = 50

_WAITING, _OPEN = FIGURES[("waiting", "now")], FIGURES[("open", "now")]
_READY: Final = FIGURES[("agents_ready", "now")]
_ARRIVALS: Final = FIGURES[("arrivals", "15m")]


class UnitView:
    """The rows of the units at home in one partition. At most `models.unit.UNITS_MAX` are due at once."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._tick = -1
        self._written_ms = 0

    def rows(self, wall_ms: int) -> list[tuple[str, bytes]]:
        """(unit, payload) of the rows due at *wall_ms*; none before the first tick, none of a unit without queues."""
        units = self._units
        if units.board.tick < 0 or (units.board.tick == self._tick and wall_ms - self._written_ms < REFRESH_MS):
            return []
        self._tick, self._written_ms = units.board.tick, wall_ms
        counted = [(at, name, units.board.members(name)) for at, name in enumerate(units.names)]
        return [(name, self._payload(at, name, members, wall_ms)) for at, name, members in counted if members]

    def _payload(self, at: int, name: str, members: int, wall_ms: int) -> bytes:
        row = self._units.figures[at].tolist()
        count, stale = self._units.stale(name)
        settings = settings_for(self._units.catalogue, name)
        return orjson.dumps(
            {
                "queue": name,
                "at_ms": self._units.now_ms,
                "wall_ms": wall_ms,
                "state": "no_data" if count >= members else self._state(name, row),
                "agents_known": not math.isnan(row[_READY]),
                "formula": settings.formula.name.lower(),
                "threshold_ms": settings.threshold_ms,
                "members": members,
                "stale": stale[:STALE_MAX],
                "stale_count": count,
                "figures": shown(self._units.figures[at]),
            }
        )

    def _state(self, name: str, row: list[float]) -> str:
        """As of a queue (`agents.view.state_of`): closed, breach, no agents, no calls, warn or ok."""
        if row[_OPEN] == 0 and row[_WAITING] == 0:
            return "closed"
        tile = self._units.judgement.tile(name)
        if tile == "breach":
            return tile
        if not math.isnan(row[_READY]) and not self._units.is_staffed(name):
            return "no_agents"
        if row[_ARRIVALS] == 0 and row[_WAITING] == 0:
            return "no_calls"
        return tile
