"""One input's turn at the desk: what it may read, and the outputs that it leaves in their order.

Every decision is one `Turn.log`: it numbers the entry, notes which fields of the order changed since the entry before,
and so makes the log sufficient to rebuild the order. When the turn with a queue is over, `Turn.flush` appends the
order as it stands and then the alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from alerts.judge import Judge
from alerts.memory import Memory
from alerts.order import WorkOrder, public
from alerts.storm_book import StormBook
from models.catalogue import Rule
from models.topics import ALERTS, WORKORDER_LOG, WORKORDERS

if TYPE_CHECKING:
    from alerts.habit.book import Band

SYSTEM = "system"


class Habit(Protocol):
    """What is normal for queues, and the ways to change it (`alerts.habit.book.HabitBook`)."""

    def band(self, queue: str, subject: str, window: str) -> Band | None:
        """What was expected of *subject* over *window* when it was judged last; None when unknown."""

    def adopt(self, queue: str) -> Mapping[str, float] | None:
        """The level of late is the norm from here on: by what each figure's was multiplied, None when unknown."""

    def mark_odd(self, queue: str, day: date) -> bool:
        """The local *day* teaches nothing; False when it was learned long ago."""


class Live(Protocol):
    """The live figures, implemented by the windows. All times are stream time in milliseconds."""

    @property
    def habit(self) -> Habit | None:
        """What was learned of the queues; None where nothing is (units)."""

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """The current figure, None when it is undefined."""

    def behind(self, queue: str, metric: str) -> tuple[str, str]:
        """What a figure that no calls stand behind is made of, English and Chinese: the channel, the sources."""

    def watch(self, queue: str, since_ms: int) -> None:
        """Start counting the window ``resolve``: calls offered at or after *since_ms*."""

    def unwatch(self, queue: str) -> None:
        """Stop counting it."""


@dataclass(frozen=True, slots=True)
class Output:
    """A record to write: topic, queue (for the partition), key, and the payload without ``pos``."""

    topic: str
    queue: str
    key: str
    payload: dict[str, Any]


def _nothing_planned(order: WorkOrder) -> str | None:
    return None


def _unbriefed(order: WorkOrder) -> bool:
    return False


@dataclass(slots=True)
class Turn:
    """One input being decided at *now_ms*."""

    now_ms: int
    live: Live
    judge: Judge
    rules: Mapping[str, Rule]
    shown: dict[str, dict[str, Any]]  #: order id to its payload at its last log entry
    memory: Memory
    #: the planned event for which nobody is paged about an order; commands of people page all the same
    quiet: Callable[[WorkOrder], str | None] = _nothing_planned
    storms: StormBook | None = None  #: of queues: what is known of storms
    by_clock: bool = False  #: time brought it, or new settings; nobody asked
    #: writes what is known of the trouble into an order, before the decision that it belongs to is logged
    brief: Callable[[WorkOrder], bool] = _unbriefed
    outputs: list[Output] = field(default_factory=list)
    touched: dict[str, WorkOrder] = field(default_factory=dict)
    managers_told: set[str] = field(default_factory=set)  #: departments whose handover a manager was paged about
    _alerts: list[Output] = field(default_factory=list)

    def read(self, queue: str, metric: str, window: str) -> float | None:
        """A live figure."""
        return self.live.value(queue, metric, window)

    def figures(self, order: WorkOrder) -> dict[str, float | None]:
        """The live figures of an order's symptoms and of the callers waiting too long, as ``metric@window``."""
        wanted = {("waiting_past_threshold", "now")}
        wanted |= {(self.rules[r].metric, self.rules[r].window) for r in order.symptoms if r in self.rules}
        wanted |= {(f.metric, f.window) for f in order.findings if f.verify == "figure"}
        return {f"{m}@{w}": self.read(order.queue, m, w) for m, w in sorted(wanted)}

    def log(
        self,
        order: WorkOrder,
        event: str,
        decision: str,
        why: str,
        actor: str = SYSTEM,
        data: Mapping[str, str | int | float | bool | None] | None = None,
        live: Mapping[str, float | None] | None = None,
    ) -> None:
        """Write one decision about *order* as it now stands."""
        order.version += 1
        order.updated_ms = self.now_ms
        before, after = self.shown.get(order.id, {}), public(order)
        moved = before.get("state") != order.state
        if decision not in ("refused", "repeated") and (
            actor != SYSTEM or moved or decision in ("notified", "reminded")
        ):
            order.private.heard_ms = self.now_ms
        self.shown[order.id] = after
        self.touched[order.queue] = order
        entry = {
            "order": order.id,
            "queue": order.queue,
            "at_ms": self.now_ms,
            "actor": actor,
            "event": event,
            "decision": decision,
            "before": before.get("state"),
            "after": order.state,
            "why": why,
            "live": self.figures(order) | dict(live or {}),
            "data": dict(data or {}),
            "version": order.version,
            "order_after": {k: v for k, v in after.items() if k not in before or before[k] != v},
        }
        self.outputs.append(Output(WORKORDER_LOG, order.queue, order.queue, entry))

    def alert(self, kind: str, order: WorkOrder, text: str, zh: str, owner: str | None = None, title: str = "") -> None:
        """Tell wallboards and people; a page names its *owner*. Of the children of a storm its parent tells, in one."""
        if order.parent is not None and kind in ("raised", "changed", "cleared"):
            return
        heading = title or f"{order.queue}: work order {order.id}"
        self.alert_without_order(kind, order.queue, order.severity, heading, (text, zh), order.id, owner or order.owner)

    def alert_without_order(
        self,
        kind: str,
        queue: str,
        severity: int,
        title: str,
        said: tuple[str, str],
        order: str | None = None,
        owner: str | None = None,
        parts: Mapping[str, Any] | None = None,
    ) -> None:
        """An alert that need not belong to an order; *parts* are its note or its problem."""
        payload = {
            "kind": kind,
            "queue": queue,
            "order": order,
            "at_ms": self.now_ms,
            "severity": severity,
            "owner": owner,
            "title": title,
            "text": said[0],
            "zh": said[1],
            "note": None,
            "problem": None,
        } | dict(parts or {})
        self._alerts.append(Output(ALERTS, queue, queue, payload))

    def flush(self, queue: str) -> None:
        """Append the order of *queue* if it was touched, then the alerts."""
        order = self.touched.get(queue)
        if order is not None:
            self.outputs.append(Output(WORKORDERS, queue, order.id, public(order)))
        self.outputs += self._alerts
        self._alerts.clear()
