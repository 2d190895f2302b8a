"""From a queue's live figures to how patient its callers are, and how many of them came from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alerts.staffing.figures import WINDOW
from alerts.staffing.patience import Patience, patience

#: A figure of the queue at hand: (metric, window) to its value, None when undefined.
Read = Callable[[str, str], float | None]

#: Fewer calls before the window say little about which share of them usually comes from elsewhere.
FLOW_MIN: Final = 50


def patience_of(read: Read) -> Patience:
    """The patience of the day's callers: those who hung up over the time that all of them waited."""
    abandoned, mean_ms = read("abandoned", "day"), read("patience_ms", "day")
    if abandoned and mean_ms is not None:
        return patience(int(abandoned), abandoned * mean_ms / 1000)
    waited_ms = (read("speed_of_answer_ms", "day") or 0.0) * (read("answered", "day") or 0.0)
    return patience(0, waited_ms / 1000)


def flow_share(read: Read, window: str = WINDOW) -> float:
    """The share of the calls of *window* that came from other queues; 0 without calls."""
    return _share(read("flowed_in", window), read("offered", window))


def usual_flow_share(read: Read, window: str = WINDOW) -> float:
    """The same of the day before *window*, which is what was usual; 0 with fewer than `FLOW_MIN` calls."""
    flowed, offered = ((read(name, "day") or 0.0) - (read(name, window) or 0.0) for name in ("flowed_in", "offered"))
    return _share(flowed, offered) if offered >= FLOW_MIN else 0.0


def _share(flowed: float | None, offered: float | None) -> float:
    return min(max(flowed / offered, 0.0), 1.0) if flowed and offered and offered > 0 else 0.0
