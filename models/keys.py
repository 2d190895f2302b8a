"""Names of what the readers need in Valkey. One projector per partition writes it, the wallboards read it.

Everything here is rebuilt from Kafka; losing it loses nothing. All names begin with the same prefix as the topics, so
several installations can share one server.

| name | kind | holds |
|---|---|---|
| `epoch` | string | random name of this build-up of the data; a new one means: start over |
| `at(topic, partition)` | hash | `next`: offset to go on from; `seen`: highest ``pos`` applied |
| `queues` | hash | queue to its latest row of `metrics` |
| `partitions` | hash | queue to the partition that its rows come from |
| `fresh` | hash | partition to the latest ``wall_ms`` of any row of it |
| `history(queue)` | sorted set | one point per `HISTORY_STEP_MS` of stream time |
| `orders`, `closed` | hash | order id to the open, the recently closed orders |
| `closed_at` | sorted set | recently closed orders by the time of their closing |
| `log(order)` | list | the decisions about one order |
| `logs` | sorted set | orders that have a log, by the time of their last decision |
| `notes`, `notes_at` | hash, sorted set | what `NOTES_KEPT` names: by id the alert that tells it, ids by time |
| `planned`, `planned_at` | hash, sorted set | by id the alert that tells a planned event or an emergency, ids by end |
| `alerts(partition)` | stream | the alerts; the entry of offset o has the id ``<o+1>-0`` |
| `changed` | channel | what has just changed, for readers that stay |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: A trend of half an hour in 120 points: what a sparkline of 120 pixels can show.
HISTORY_STEP_MS: Final = 15_000
HISTORY_POINTS: Final = 120
#: The figures that a point of the trend holds, after its time.
HISTORY_FIGURES: Final = (
    "service_level_live@5m",
    "service_level_live@15m",
    "service_level_live@30m",
    "waiting@now",
)
#: Recently closed orders that readers can still see: some shifts' worth, about 400 kB.
CLOSED_KEPT: Final = 200
#: Decisions kept of one order; the topic `workorder-log` has all of them.
LOG_KEPT: Final = 200
#: Orders whose log is kept: all that can be listed (one open per queue, `CLOSED_KEPT` closed) several times over.
LOGS_KEPT: Final = 2_000
#: Trend notes, problem records, parts of handover sheets, lines of the floor log and breaches that were planned for,
#: as readers can still see them, all together: a week's bulletin.
NOTES_KEPT: Final = 1_000
#: Copies of planned events and emergencies, one from each partition: what ends last stays, however much else is told.
PLANNED_KEPT: Final = 1_000
#: Alerts kept per partition for screens that come back: at 500 bytes each about 2.5 MB.
ALERTS_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The names under one *prefix* (the prefix of the topics)."""

    prefix: str = ""

    def _name(self, name: str) -> str:
        return f"{self.prefix}callwatch:{name}"

    @property
    def epoch(self) -> str:
        """The random name of this build-up."""
        return self._name("epoch")

    def at(self, topic: str, partition: int) -> str:
        """How far the projection of one partition of a topic has come."""
        return self._name(f"at:{topic}:{partition}")

    @property
    def queues(self) -> str:
        """Latest row of each queue."""
        return self._name("queues")

    @property
    def partitions(self) -> str:
        """Partition of each queue, as its rows say."""
        return self._name("partitions")

    @property
    def fresh(self) -> str:
        """Latest ``wall_ms`` of any row of a partition."""
        return self._name("fresh")

    def history(self, queue: str) -> str:
        """Trend of one queue."""
        return self._name(f"history:{queue}")

    @property
    def orders(self) -> str:
        """Open orders."""
        return self._name("orders")

    @property
    def closed(self) -> str:
        """Recently closed and cancelled orders."""
        return self._name("closed")

    @property
    def closed_at(self) -> str:
        """Recently closed orders by time."""
        return self._name("closed_at")

    def log(self, order: str) -> str:
        """Decisions about one order."""
        return self._name(f"log:{order}")

    @property
    def logs(self) -> str:
        """Orders that have a log."""
        return self._name("logs")

    @property
    def notes(self) -> str:
        """Trend notes and problem records by id."""
        return self._name("notes")

    @property
    def notes_at(self) -> str:
        """Their ids by time."""
        return self._name("notes_at")

    @property
    def planned(self) -> str:
        """Planned events and emergencies by id."""
        return self._name("planned")

    @property
    def planned_at(self) -> str:
        """Their ids by their end."""
        return self._name("planned_at")

    def alerts(self, partition: int) -> str:
        """Stream of the alerts of one partition."""
        return self._name(f"alerts:{partition}")

    @property
    def changed(self) -> str:
        """Channel of changes."""
        return self._name("changed")
