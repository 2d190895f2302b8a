"""From the figures of a queue to what the models ask for: its load, its present, its situation.

Figures are those of ``models.metric``, by ``metric@window``; None, NaN or absent is undefined. A queue of which
something needed is undefined has no such thing, and `unknown` says in words why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from alerts.staffing.erlang import Load
from alerts.staffing.recovery import Present
from alerts.staffing.why import Situation
from models.metric import WINDOW_MS
from models.plan.interval import PlanInterval

Figures = Mapping[str, float | None]

#: The half-hour: long enough for a handle time, short enough to be of now.
WINDOW: Final = "30m"


def unknown(figures: Figures, window: str = WINDOW) -> tuple[str, str]:
    """What of it is missing, in English and Chinese; empty texts when nothing is."""
    if _get(figures, "agents_signed_in@now") is None:
        return "agents unknown", "坐席数未知"
    if not _get(figures, f"handle_ms@{window}") and not _get(figures, "handle_ms@day"):
        return "no handle time known", "处理时长未知"
    if not _get(figures, f"offered@{window}"):
        return "no calls", "无来话"
    return "", ""


def handle_s(figures: Figures, window: str = WINDOW) -> float | None:
    """Mean handle time of the window in seconds, else that of the day; None when nobody has finished a call."""
    found = _get(figures, f"handle_ms@{window}") or _get(figures, "handle_ms@day")
    return found / 1000 if found else None


def agents_here(figures: Figures) -> float | None:
    """Agents who take calls of the queue now: ready for it, or busy with one of its calls; None when unknown.

    Those ready for several queues count in each of them.
    """
    ready, busy = _get(figures, "agents_ready@now"), _get(figures, "agents_busy@now")
    return None if ready is None or busy is None else ready + busy


def load_of(figures: Figures, patience_s: float, window: str = WINDOW) -> Load | None:
    """The load of a rolling *window* (``5m`` to ``30m``); None when `unknown`. Raises KeyError for other windows."""
    offered, seconds = _get(figures, f"offered@{window}"), handle_s(figures, window)
    if not offered or not seconds:
        return None
    return Load(offered / (WINDOW_MS[window] / 1000), seconds, patience_s)


def present_of(figures: Figures) -> Present | None:
    """Callers waiting and agents busy now; None when agents are unknown."""
    waiting, busy = _get(figures, "waiting@now"), _get(figures, "agents_busy@now")
    return None if waiting is None or busy is None else Present(waiting, busy)


def situation_of(
    figures: Figures, plan: PlanInterval | None = None, flow_share: float = 0.0, window: str = WINDOW
) -> Situation | None:
    """What the queue has to deal with; *flow_share* of its calls came from other queues. None when `unknown`.

    With a roster in *plan* its agents are what was scheduled; who is signed in is present, who of them takes calls is
    adherent. A queue of agents lent to it has shares above 1.
    """
    load, agents = load_of(figures, math.inf, window), agents_here(figures)
    signed_in = _get(figures, "agents_signed_in@now")
    if load is None or agents is None or signed_in is None:
        return None
    own, flow = load.per_s * (1 - flow_share), load.per_s * flow_share
    if plan is None or not plan.scheduled or not signed_in:
        return Situation(own, load.handle_s, agents, flow)
    return Situation(own, load.handle_s, plan.scheduled, flow, signed_in / plan.scheduled, agents / signed_in)


def planned(
    plan: PlanInterval, present: float = 1.0, adherent: float = 1.0, flow_share: float = 0.0
) -> Situation | None:
    """What *plan* expects: all on the roster there and taking calls, unless it is usual that a share of them is not.

    None where calls, handle time or roster are not planned.
    """
    if plan.offered is None or plan.handle_ms is None or plan.scheduled is None:
        return None
    per_s = plan.offered / (plan.minutes * 60)
    return Situation(
        per_s * (1 - flow_share), plan.handle_ms / 1000, plan.scheduled, per_s * flow_share, present, adherent
    )


def _get(figures: Figures, name: str) -> float | None:
    value = figures.get(name)
    return None if value is None or math.isnan(value) else value
