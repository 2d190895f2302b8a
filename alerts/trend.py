"""Trend notes (工作联系单): a breach of severity 4 is told to the liaison and is no order.

A note has the id of its episode. It opens, may get worse and ends with it; nobody answers it, nothing escalates. It is
kept and listed apart from orders: an alert without an order that carries the note as it stands.
"""

from __future__ import annotations

from typing import Any, Final

from alerts import routing
from alerts.episode import anomaly_id, short_id
from alerts.judge import TREND, Change
from alerts.rules import Step
from alerts.turn import Turn
from models.catalogue import Catalogue

#: Chronic trouble is a trend whatever the limit's severity: it is hidden from nobody, and wakes nobody.
AS_USUAL: Final = TREND
_KIND: Final = {Step.START: "raised", Step.UPDATE: "changed"}


def as_usual(catalogue: Catalogue, turn: Turn, change: Change, said: tuple[str, str], day_ms: int) -> None:
    """A queue breaks a limit as it usually does: told once for the day that began at *day_ms*, and nothing opens."""
    note = _note(change, short_id("AN-", "as_usual", change.queue, day_ms), turn.now_ms)
    owner = routing.liaison(catalogue, change.queue, turn.now_ms)
    heading = f"{change.queue}: as usual"
    turn.alert_without_order("raised", change.queue, AS_USUAL, heading, said, owner=owner, parts={"note": note})


def _note(change: Change, name: str, ended_ms: int | None) -> dict[str, Any]:
    rule = change.rule
    return {
        "id": name,
        "rule": rule.id,
        "metric": rule.metric,
        "window": rule.window,
        "value": change.value,
        "limit": rule.limit,
        "state": "open" if ended_ms is None else "over",
        "since_ms": change.started_ms,
        "ended_ms": ended_ms,
    }


def tell(catalogue: Catalogue, turn: Turn, change: Change, said: tuple[str, str]) -> None:
    """Tell one step of a trend to the liaison of the queue's department."""
    rule, over = change.rule, change.step not in _KIND
    note = _note(change, anomaly_id(rule.id, change.queue, change.started_ms), turn.now_ms if over else None)
    turn.alert_without_order(
        _KIND.get(change.step, "cleared"),
        change.queue,
        rule.severity,
        f"{change.queue}: trend",
        said,
        owner=routing.liaison(catalogue, change.queue, turn.now_ms),
        parts={"note": note},
    )
