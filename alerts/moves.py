"""Moving one order: the table says whether and where to, and where BACK leads is kept."""

from __future__ import annotations

from alerts.order import WorkOrder
from alerts.workorder import OPEN, moved


def go(order: WorkOrder, event: str) -> bool:
    """Move *order* by *event* if that is legal, and keep where BACK leads."""
    came = order.private.came_from
    to = moved(order.state, event, came[-1] if came else None)
    if to is None:
        return False
    if event in ("hold", "recovered") and order.state not in ("on_hold", "accepted"):
        came.append(order.state)
    elif event in ("resume", "hold_due") or (event == "relapsed" and order.state == "verifying"):
        del came[-1:]
    elif event != "recovered" and to != order.state:
        came.clear()
    order.state = to
    if to not in OPEN:
        order.planned = order.private.still_since_ms = None
        order.withheld = False
    return True
