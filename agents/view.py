"""The metrics view: a queue's figures for readers. Not an output: it has no ``pos`` and may be written at any time."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import orjson

from agents.actor import PartitionActor
from agents.plan_view import PlanView
from agents.shown import shown
from agents.unit_view import UnitView
from models.hours import settings_for
from models.metric import FIGURES

#: Rows of one partition written at most in a wall second: 500 rows of 4 KB are 2 MB.
ROWS_MAX: Final = 500
#: A quiet queue is written anew this often, so that a reader can tell a quiet queue from a dead worker.
REFRESH_MS: Final = 2_000

_READY: Final = FIGURES[("agents_ready", "now")]
_WAITING: Final = FIGURES[("waiting", "now")]
_OPEN: Final = FIGURES[("open", "now")]
_ARRIVALS: Final = FIGURES[("arrivals", "15m")]


def state_of(actor: PartitionActor, at: int, staffed: int) -> str:
    """One word for queue number *at*: no data, closed, breach, no agents, no calls, warn or ok, in this order."""
    row = actor.windows.figures[at]
    queue = actor.names.names[at]
    waiting = row[_WAITING] > 0
    if actor.sources.all_overdue(actor.windows.now_ms) or not actor.windows.heard(at):
        return "no_data"
    if row[_OPEN] == 0 and not waiting:
        return "closed"
    tile = actor.judgement.tile(queue)
    if tile == "breach":
        return tile
    if not math.isnan(row[_READY]) and staffed == 0:
        return "no_agents"
    if row[_ARRIVALS] == 0 and not waiting:
        return "no_calls"
    return tile


class MetricsView:
    """Decides which queues of an actor to write now: those that changed, then the longest not written."""

    def __init__(self, actor: PartitionActor) -> None:
        self._actor = actor
        self._units = UnitView(actor.units)
        self._plans = PlanView(actor.plans, actor.live)
        self._written: dict[int, int] = {}
        self._pending: set[int] = set()

    def rows(self, wall_ms: int) -> list[tuple[str, bytes]]:
        """(queue, payload) of the rows due at *wall_ms*, units first; of queues at most `ROWS_MAX`, the rest waits."""
        actor = self._actor
        if not actor.windows.clocked:
            return []
        self._pending |= {int(at) for at in actor.windows.stirred()}
        self._pending |= {int(at) for at in np.flatnonzero(actor.windows.figures[:, _WAITING] > 0)}
        quiet = [at for at in range(len(actor.windows.figures)) if wall_ms - self._written.get(at, 0) >= REFRESH_MS]
        due = sorted(self._pending.union(quiet), key=lambda at: self._written.get(at, 0))[:ROWS_MAX]
        staffed = actor.windows.counts("staffed")
        self._plans.begin()
        out = self._units.rows(wall_ms)
        for at in due:
            self._pending.discard(at)
            self._written[at] = wall_ms
            out.append((actor.names.names[at], self._payload(at, int(staffed[at]), wall_ms)))
        return out

    def _payload(self, at: int, staffed: int, wall_ms: int) -> bytes:
        actor = self._actor
        queue, row = actor.names.names[at], actor.windows.figures[at]
        settings = settings_for(actor.catalogue, queue)
        plan = self._plans.part(actor.catalogue, queue, actor.windows.now_ms)
        return orjson.dumps(
            ({"plan": plan} if plan else {})
            | {
                "queue": queue,
                "at_ms": actor.windows.now_ms,
                "wall_ms": wall_ms,
                "state": state_of(actor, at, staffed),
                "agents_known": not math.isnan(row[_READY]),
                "formula": settings.formula.name.lower(),
                "threshold_ms": settings.threshold_ms,
                "figures": shown(row),
            }
        )
