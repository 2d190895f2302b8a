"""What a worker would write, short to say: rows of figures, orders, decisions, alerts."""

from __future__ import annotations

import time
from typing import Any

from models.metric import FIGURES
from models.outputs import Alert, LogEntry, Order, QueueFigures
from models.partition import partition_of

PARTITIONS = 4
#: Stream time of these tests: a replay of 1999, far from the wall clock.
NOON_MS = 918_046_800_000


def row(queue: str, level: float | None = 0.86, at_ms: int = NOON_MS, **changes: Any) -> QueueFigures:
    """Figures of *queue* with *level* as live service level, written now."""
    figures: dict[str, float | None] = {f"{metric}@{window}": None for metric, window in FIGURES}
    figures |= {f"service_level_live@{window}": level for window in ("1m", "5m", "15m", "30m")}
    figures |= {"waiting@now": 3.0, "longest_wait_ms@now": 42_000.0, "agents_ready@now": 4.0, "agents_busy@now": 12.0}
    figures |= changes.pop("figures", {})
    fields: dict[str, Any] = {
        "queue": queue,
        "at_ms": at_ms,
        "wall_ms": time.time_ns() // 1_000_000,
        "state": "ok",
        "agents_known": True,
        "formula": "short_excluded",
        "threshold_ms": 20_000,
        "figures": figures,
    }
    return QueueFigures(**(fields | changes))


def order(queue: str, offset: int = 10, version: int = 1, **changes: Any) -> Order:
    """A dispatched order of *queue*, caused by the event at *offset*."""
    fields: dict[str, Any] = {
        "pos": (partition_of(queue, PARTITIONS), offset, 0),
        "id": f"order-{queue.replace('/', '-')}",
        "queue": queue,
        "state": "dispatched",
        "severity": 3,
        "owner": "li.wei",
        "owner_name": "Li Wei",
        "liaison": None,
        "escalation": 0,
        "symptoms": ["level_low"],
        "active": ["level_low"],
        "opened_ms": NOON_MS - 60_000,
        "respond_by_ms": NOON_MS + 600_000,
        "resolve_by_ms": NOON_MS + 3_600_000,
        "agreed_ms": None,
        "reopened": 0,
        "verification": None,
        "cause": None,
        "measure": None,
        "hold_until_ms": None,
        "closed_ms": None,
        "updated_ms": NOON_MS,
        "sentence": "live service level 52.3 % over the last 5 minutes, limit 70 %",
        "version": version,
    }
    return Order(**(fields | changes))


def alert(queue: str, offset: int, n: int = 0, **changes: Any) -> Alert:
    """An alert of *queue*, the *n*-th output of the event at *offset*."""
    fields: dict[str, Any] = {
        "pos": (partition_of(queue, PARTITIONS), offset, n),
        "kind": "raised",
        "queue": queue,
        "order": f"order-{queue.replace('/', '-')}",
        "at_ms": NOON_MS + offset,
        "severity": 3,
        "owner": "li.wei",
        "title": f"alert {offset}",
        "text": f"text of {offset}",
        "zh": "实时服务水平",
    }
    return Alert(**(fields | changes))


def entry(of: Order, decision: str = "raised", **changes: Any) -> LogEntry:
    """A decision about *of*."""
    fields: dict[str, Any] = {
        "pos": of.pos,
        "order": of.id,
        "queue": of.queue,
        "at_ms": of.updated_ms,
        "actor": "system",
        "event": "breached",
        "decision": decision,
        "before": None,
        "after": of.state,
        "why": "live service level below the limit",
        "live": {"service_level_live@5m": 0.523},
        "version": of.version,
        "order_after": {},
    }
    return LogEntry(**(fields | changes))
