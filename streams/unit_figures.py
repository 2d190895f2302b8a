"""The figures of units, by the kernels that form a queue's: a row per unit, columns by ``models.metric.FIGURES``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.metric import COMPARISONS, FIGURES, OF_THE_WHOLE
from models.unit import ALL, REGION, SITE
from streams import counters as c
from streams import unit_sums as unit
from streams.figures import fill_agents, fill_load, fill_short, form
from streams.store import COMPLETE, DAY, RESOLVE, Store, empty_store, room_for_queues
from streams.windows import QueueSetup
from streams.zones import zone_table

#: By how far a unit reaches: calls that came from one of its own queues, and those that came so past the threshold.
_INNER: Final = {
    ALL: (c.INNER_ALL, c.INNER_LATE_ALL),
    SITE: (c.INNER_SITE, c.INNER_LATE_SITE),
    REGION: (c.INNER_REGION, c.INNER_LATE_REGION),
}
#: Counters by the wait in a queue, and what is added to count by the wait since the caller began to wait at all.
_FIRST: Final = {
    c.ANSWERED_IN: c.ANSWERED_IN_FIRST,
    c.ABANDONED_IN: c.ABANDONED_IN_FIRST,
    c.ABANDONED_SHORT: c.SHORT_FIRST,
    c.FLOWED_LATE: c.FLOWED_LATE_FIRST,
    c.WAIT_MS: c.WAIT_FIRST_MS,
}
#: Figures that no sums give: of the data of the whole, of members against each other.
_GIVEN: Final = [at for (metric, _), at in FIGURES.items() if metric in OF_THE_WHOLE | COMPARISONS]
#: Fields of a queue's record that agents of each state are counted in, by ``AgentState``.
_STATES: Final = ("offline", "ready", "ringing", "talking", "hold", "wrap", "not_ready")


def net(sums: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """The counters of a unit, from those of its queues added up (*sums*, ``(windows, counters)``). A new array.

    Flows between two of its queues are no arrivals and no departures: they are taken out of the offered and of those
    that flowed out. Waits are those since the caller began to wait at all. A call that left one queue at the end of a
    window and came to the other in the next would make less than nothing for a moment: then it is nothing.
    """
    out = sums.copy()
    inner, inner_late = _INNER[reach]
    for counter, first in _FIRST.items():
        out[:, counter] += sums[:, first]
    out[:, c.NETTED] = np.minimum(sums[:, inner], sums[:, c.OFFERED])
    out[:, c.OFFERED] -= out[:, c.NETTED]
    out[:, c.INNER_ALL] -= out[:, c.NETTED]
    out[:, c.FLOWED_OUT] = np.maximum(sums[:, c.FLOWED_OUT] - sums[:, inner], 0)
    late = np.maximum(out[:, c.FLOWED_LATE] - sums[:, inner_late], 0)
    out[:, c.FLOWED_LATE] = np.minimum(late, out[:, c.FLOWED_OUT])
    return out


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What the figures of one unit follow from, beside its counters.

    *now* are the fields of ``streams.unit_sums``; *agents* how many distinct ones are in each ``AgentState``;
    *agent_ms* ``(WINDOWS, 3)`` their time ready, busy and signed in; *length_ms* ``(WINDOWS,)`` how long each window is
    by now; *since* which window lies wholly behind the resolve of its order, -1 none; *known* the figures of this unit
    that no sums give, by (metric, window).
    """

    now: NDArray[np.int64]
    agents: Sequence[int]
    agent_ms: NDArray[np.int64]
    length_ms: NDArray[np.int64]
    complete: bool
    since: int
    known: Mapping[tuple[str, str], float]


@njit(cache=True, nogil=True, _nrt=False)
def _form(store: Store, u: int, now_ms: int, agent_ms: NDArray[np.int64], length_ms: NDArray[np.int64]) -> None:
    form(store, u, now_ms)
    for w in range(RESOLVE):
        fill_load(store.figures[u], w, store.sums[u, w], store.sums[u, DAY], length_ms[w])
        if store.queues[u].known == 1:
            fill_agents(store.figures[u], w, agent_ms[w, 0], agent_ms[w, 1], agent_ms[w, 2], length_ms[w])
    fill_short(store.figures[u])


class UnitFigures:
    """The figure matrix of units, each set up like a queue (formula, what a flow-out means)."""

    def __init__(self, setups: Sequence[QueueSetup], reach: Sequence[int]) -> None:
        self._reach = tuple(reach)
        self._store = room_for_queues(empty_store(*zone_table(())), max(len(setups), 1))
        for at, setup in enumerate(setups):
            queue = self._store.queues[at]
            queue["formula"], queue["flow_out"] = setup.formula, setup.flow_out
            queue["head"], queue["watch"] = -1, -1

    @property
    def figures(self) -> NDArray[np.float64]:
        """``(units, figures)`` as formed last. Not a copy."""
        return self._store.figures[: len(self._reach)]

    def form(self, u: int, now_ms: int, sums: NDArray[np.int64], facts: UnitFacts) -> None:
        """Form the figures of unit number *u* at *now_ms* from its *sums* ``(unit_sums.WINDOWS, counters)``."""
        store = self._store
        store.sums[u, : unit.WINDOWS] = net(sums, self._reach[u])
        store.sums[u, RESOLVE] = store.sums[u, facts.since] if facts.since >= 0 else 0
        queue, now = store.queues[u], facts.now
        queue["waiting"], queue["lost"] = now[unit.WAIT], now[unit.LOST]
        queue["past"], queue["longest_ms"] = now[unit.PAST], now[unit.LONGEST]
        queue["past_since"] = now[unit.PAST] if facts.since >= 0 else 0
        queue["known"], queue["open"] = now[unit.KNOWN] > 0, now[unit.OPEN] > 0
        queue["last_event"], queue["last_word"] = now[unit.LAST_EVENT], now[unit.LAST_WORD]
        queue["open_since"] = now[unit.OPEN_SINCE]
        queue["last_answered"], queue["last_came"] = now[unit.LAST_ANSWERED], now[unit.LAST_CAME]
        queue["late_day"], queue["too_late_day"] = now[unit.LATE], now[unit.TOO_LATE]
        queue["duplicates_day"] = now[unit.REPEATED]
        for state, count in zip(_STATES, facts.agents, strict=True):
            queue[state] = count
        queue["busy"], queue["staffed"] = sum(facts.agents[2:6]), sum(facts.agents[1:])
        store.meta[COMPLETE] = facts.complete
        _form(store, u, now_ms, facts.agent_ms, facts.length_ms)
        store.figures[u, _GIVEN] = math.nan
        for key, value in facts.known.items():
            store.figures[u, FIGURES[key]] = value
