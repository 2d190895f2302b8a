"""The board: what is known now of queues, orders and alerts, as the screens see it.

Plain state without a clock or a connection. `Store` fills it from Valkey, `Board.take` moves it on by one message of
the projector and says what that means for the screens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from models.errors import WorkError
from models.keys import CLOSED_KEPT
from wallboard.position import Position

EventName = Literal["queue", "order", "alert"]
#: An event for the screens: its name, its data, and the position after it.
Event = tuple[EventName, dict[str, Any], Position]

CLOSED_STATES: Final = frozenset({"closed", "cancelled"})
#: Alerts that a screen gets when it begins: what fits on it twice.
RECENT_ALERTS: Final = 40


@dataclass(slots=True)
class Board:
    """*queues* and *orders* are the payloads of their topics by name and id; *fresh* is ``wall_ms`` by partition."""

    position: Position
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    partitions: dict[str, int] = field(default_factory=dict)
    fresh: dict[int, int] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    alerts: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT_ALERTS))

    def row(self, queue: str, now_ms: int) -> dict[str, Any]:
        """The figures of *queue* with ``partition`` and ``age_ms``, how old they are by wall time at *now_ms*.

        One actor judges all queues of a partition at each clock and writes the changed ones, so a row of a quiet
        queue is as fresh as the freshest of its partition.
        """
        row = self.queues[queue]
        partition = self.partitions[queue]
        written = max(row["wall_ms"], self.fresh.get(partition, 0))
        return {**row, "partition": partition, "age_ms": max(0, now_ms - written)}

    def rows(self, now_ms: int) -> list[dict[str, Any]]:
        """All queues by name (see `row`)."""
        return [self.row(queue, now_ms) for queue in sorted(self.queues)]

    def order_list(self) -> list[dict[str, Any]]:
        """Open orders, gravest and then oldest first; then the closed ones, latest first."""
        still_open = [o for o in self.orders.values() if o["state"] not in CLOSED_STATES]
        over = [o for o in self.orders.values() if o["state"] in CLOSED_STATES]
        return sorted(still_open, key=lambda o: (o["severity"], o["opened_ms"], o["id"])) + sorted(
            over, key=lambda o: (-_closed_ms(o), o["id"])
        )

    def stream_ms(self, queue: str) -> int | None:
        """Stream time of *queue* as its last row says."""
        row = self.queues.get(queue)
        return None if row is None else int(row["at_ms"])

    def snapshot(self, now_ms: int) -> Iterator[Event]:
        """The whole board as events that all stand at the present position."""
        for row in self.rows(now_ms):
            yield "queue", row, self.position
        for order in reversed(self.order_list()):
            yield "order", order, self.position
        for alert in self.alerts:
            yield "alert", alert, self.position

    def take(self, message: dict[str, Any], now_ms: int) -> Iterator[Event]:
        """Move on by one *message* of the projector (same epoch); yields what changed.

        Messages that crossed the loading of this board are older than it: alerts are known by their offset, orders
        by their version, and a row of figures that comes again is only the same row. Raises WorkError for a message
        of a partition that we know nothing of.
        """
        partition: int = message["partition"]
        if partition >= len(self.position.offsets):
            raise WorkError(
                f"The workers write partition {partition}, but the settings of this wallboard say that there are only "
                f"{len(self.position.offsets)}: give it the same [kafka] partitions as the workers"
            )
        for item in message["rows"]:
            if message["kind"] == "queue":
                yield self._take_row(partition, item, now_ms)
            elif message["kind"] == "order":
                if item["version"] >= self.orders.get(item["id"], item)["version"]:
                    self.orders[item["id"]] = item
                    yield "order", item, self.position
            elif item["id"] > self.position.offsets[partition]:
                self.position = self.position.advanced(partition, item["id"])
                self.alerts.append(item["alert"])
                yield "alert", item["alert"], self.position
        self._forget_closed()

    def _take_row(self, partition: int, row: dict[str, Any], now_ms: int) -> Event:
        queue = row["queue"]
        self.queues[queue] = row
        self.partitions[queue] = partition
        self.fresh[partition] = max(self.fresh.get(partition, 0), row["wall_ms"])
        return "queue", self.row(queue, now_ms), self.position

    def _forget_closed(self) -> None:
        over = [o for o in self.orders.values() if o["state"] in CLOSED_STATES]
        for order in sorted(over, key=_closed_ms)[: max(0, len(over) - CLOSED_KEPT)]:
            del self.orders[order["id"]]


def retold(log: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The order that *log* tells of, all its decisions in their order; None when its beginning is not there any more.

    Every decision holds what it changed (`models.outputs.LogEntry.order_after`), so their sum is the order as it stood.
    """
    if not log or log[0]["version"] != 1:
        return None
    found: dict[str, Any] = {}
    for entry in log:
        found |= entry["order_after"]
    return found | {"pos": log[-1]["pos"]}


def _closed_ms(order: dict[str, Any]) -> int:
    return int(order["closed_ms"] or order["updated_ms"])
