"""The figures of units, by the kernels that form a queue's: a row per unit, columns by ``models.metric.FIGURES``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.unit import ALL
from streams import unit_sums as unit
from streams.figures import form
from streams.store import COMPLETE, RESOLVE, Store, empty_store, room_for_queues
from streams.windows import QueueSetup
from streams.zones import zone_table


def net(sums: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """The counters of a unit, from those of its queues added up (*sums*, ``(windows, counters)``): flows between two of
    its queues are taken out, and waits are those since the caller began to wait at all. A new array."""
    return sums.copy()


@njit(cache=True, nogil=True, _nrt=False)
def _form_all(store: Store, units: int, now_ms: int) -> None:
    for u in range(units):
        form(store, u, now_ms)


class UnitFigures:
    """The figure matrix of units, each set up like a queue (formula, what a flow-out means)."""

    def __init__(self, setups: Sequence[QueueSetup], reach: Sequence[int]) -> None:
        self._reach = tuple(reach)
        self._store = room_for_queues(empty_store(*zone_table(())), max(len(setups), 1))
        for at, setup in enumerate(setups):
            queue = self._store.queues[at]
            queue["formula"], queue["flow_out"] = setup.formula, setup.flow_out
            queue["threshold"], queue["short"] = setup.threshold_ms, setup.short_ms
            queue["head"], queue["watch"] = -1, -1

    @property
    def figures(self) -> NDArray[np.float64]:
        """``(units, figures)`` as formed last. Not a copy."""
        return self._store.figures[: len(self._reach)]

    def form(
        self,
        now_ms: int,
        sums: NDArray[np.int64],
        now: NDArray[np.int64],
        complete: NDArray[np.bool_],
        since: Sequence[int],
    ) -> None:
        """Form the figures at *now_ms* from *sums* ``(units, unit_sums.WINDOWS, counters)``, *now* ``(units, FIELDS)``.

        *complete* says of each unit whether its data are; *since* which of its windows lies wholly behind the resolve
        of its order, -1 for none.
        """
        store = self._store
        for u, reach in enumerate(self._reach):
            store.sums[u, : unit.WINDOWS] = net(sums[u], reach)
            store.sums[u, RESOLVE] = store.sums[u, since[u]] if since[u] >= 0 else 0
            queue, n = store.queues[u], now[u]
            queue["waiting"], queue["lost"] = n[unit.WAIT], n[unit.LOST]
            queue["past"], queue["longest_ms"] = n[unit.PAST], n[unit.LONGEST]
            queue["past_since"] = n[unit.PAST] if since[u] >= 0 else 0
            queue["ready"], queue["busy"], queue["staffed"] = n[unit.READY], n[unit.BUSY], n[unit.STAFFED]
            queue["known"], queue["open"] = n[unit.KNOWN] > 0, n[unit.OPEN] > 0
            queue["last_event"], queue["open_since"] = n[unit.LAST_EVENT], n[unit.OPEN_SINCE]
        store.meta[COMPLETE] = 1
        _form_all(store, len(self._reach), now_ms)
        self.figures[:, _COMPLETE] = complete


from models.metric import FIGURES  # noqa: E402

_COMPLETE = FIGURES[("data_complete", "now")]
_ = ALL
