"""Trend notes (工作联系单): a breach of severity 4 is told to the liaison and is no order.

A note has the id of its episode. It opens, may get worse and ends with it; nobody answers it, nothing escalates. It is
kept and listed apart from orders: an alert without an order that carries the note as it stands.
"""

from __future__ import annotations

from typing import Final

from alerts import routing
from alerts.episode import anomaly_id
from alerts.judge import Change
from alerts.rules import Step
from alerts.turn import Turn
from models.catalogue import Catalogue

_KIND: Final = {Step.START: "raised", Step.UPDATE: "changed"}


def tell(catalogue: Catalogue, turn: Turn, change: Change, said: tuple[str, str]) -> None:
    """Tell one step of a trend to the liaison of the queue's department."""
    rule, over = change.rule, change.step not in _KIND
    note = {
        "id": anomaly_id(rule.id, change.queue, change.started_ms),
        "rule": rule.id,
        "metric": rule.metric,
        "window": rule.window,
        "value": change.value,
        "limit": rule.limit,
        "state": "over" if over else "open",
        "since_ms": change.started_ms,
        "ended_ms": turn.now_ms if over else None,
    }
    turn.alert_without_order(
        _KIND.get(change.step, "cleared"),
        change.queue,
        rule.severity,
        f"{change.queue}: trend",
        said,
        owner=routing.liaison(catalogue, change.queue, turn.now_ms),
        parts={"note": note},
    )
