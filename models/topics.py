"""Names of the topics, how long each is kept, and how much of a log one record may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVENTS: Final = "events"
METRICS: Final = "metrics"
INTERVALS: Final = "intervals"
ANOMALIES: Final = "anomalies"
WORKORDERS: Final = "workorders"
WORKORDER_LOG: Final = "workorder-log"
ALERTS: Final = "alerts"
SNAPSHOTS: Final = "snapshots"
DEAD_LETTERS: Final = "dead-letters"
NOTIFICATIONS: Final = "notifications"

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name without prefix and its topic configuration."""

    name: str
    cleanup: str
    retention_ms: int

    def config(self) -> dict[str, str]:
        """Topic configuration. LogAppendTime: event time is ``ts`` alone; else retention deletes a replay of 1999."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "message.timestamp.type": "LogAppendTime",
        }


TOPICS: Final[dict[str, Topic]] = {
    t.name: t
    for t in (
        Topic(EVENTS, "delete", 7 * DAY_MS),
        Topic(METRICS, "compact,delete", DAY_MS),
        Topic(INTERVALS, "compact", -1),
        Topic(ANOMALIES, "delete", 400 * DAY_MS),
        Topic(WORKORDERS, "compact", -1),
        Topic(WORKORDER_LOG, "delete", 400 * DAY_MS),
        Topic(ALERTS, "delete", 40 * DAY_MS),  # the bulletin of a month reads its trend notes
        Topic(SNAPSHOTS, "compact", -1),
        Topic(DEAD_LETTERS, "delete", 30 * DAY_MS),
        # as long as an order may be open and relapse: what is forgotten of an older one is sent again to tools only
        Topic(NOTIFICATIONS, "compact,delete", 90 * DAY_MS),
    )
}

#: Topics whose records carry ``pos`` and must hold each output exactly once after de-duplication by it.
OUTPUT_TOPICS: Final = (INTERVALS, ANOMALIES, WORKORDERS, WORKORDER_LOG, ALERTS)
#: Topics that the Valkey projector reads.
PROJECTED_TOPICS: Final = (METRICS, WORKORDERS, WORKORDER_LOG, ALERTS)


def topic_name(prefix: str, name: str) -> str:
    """The name of a topic on the broker."""
    return f"{prefix}{name}"
