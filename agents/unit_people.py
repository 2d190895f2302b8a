"""The agents of units as their home knows them: who is in which state in which partition, each counted once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from models.event import AgentState
from models.unit import UNITS_MAX
from streams.unit_sums import BUSY_RANK

STATES = len(AgentState)
_RANK: tuple[int, ...] = tuple(BUSY_RANK.tolist())
#: One unit's agents in one partition, by identity.
Agents = dict[int, int]


def read_moves(moves: Any) -> list[tuple[int, int]]:
    """Agents and states as they were told. Raises TypeError or ValueError for what no teller wrote."""
    if type(moves) is not list:
        raise TypeError("no list of agents")
    out = []
    for who, state in moves:
        if type(who) is not int or type(state) is not int or not 0 <= state < STATES:
            raise TypeError("no agent's state")
        out.append((who, state))
    return out


class LinePeople:
    """The agents of one partition by unit. *versions* change when they do."""

    def __init__(self) -> None:
        self.units: dict[str, Agents] = {}
        self.versions: dict[str, int] = {}
        self._version = 0

    def clear(self) -> None:
        """Everything is told anew."""
        for unit in list(self.units):
            self.drop(unit)

    def drop(self, unit: str) -> None:
        """The partition has no queue of *unit* any more."""
        if self.units.pop(unit, None) is not None:
            del self.versions[unit]

    def move(self, unit: str, moves: Iterable[tuple[int, int]]) -> None:
        """Agents of *unit* changed their state; 0 is offline."""
        if unit not in self.units and len(self.units) >= UNITS_MAX:
            return
        agents = self.units.setdefault(unit, {})
        for who, state in moves:
            if state:
                agents[who] = state
            else:
                agents.pop(who, None)
        self._version += 1
        self.versions[unit] = self._version


class People:
    """Distinct agents of each unit by their busiest state; counted again only where somebody moved."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[list[int], tuple[int, ...]]] = {}

    def counts(self, unit: str, lines: Sequence[LinePeople | None]) -> tuple[int, ...]:
        """How many are in each ``AgentState``; *lines* by partition, None for one that says nothing of now."""
        versions = [0 if line is None else line.versions.get(unit, 0) for line in lines]
        known = self._counts.get(unit)
        if known is not None and known[0] == versions:
            return known[1]
        busiest: Agents = {}
        for line in lines:
            for who, state in (line.units.get(unit, {}) if line else {}).items():
                if _RANK[state] > _RANK[busiest.get(who, 0)]:
                    busiest[who] = state
        counted = [0] * STATES
        for state in busiest.values():
            counted[state] += 1
        self._counts[unit] = (versions, tuple(counted))
        return self._counts[unit][1]
