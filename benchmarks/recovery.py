"""``callwatch bench recovery``: a worker is killed (-9), another takes over; how long that takes by number of queues.

Two workers share the partitions under a steady load (`benchmarks.takeover`), so the dead one's queues need nobody to
start: what is measured is finding out, meeting, restoring and catching up. Nobody can know of a death before the
session timeout, so what counts is the time beyond it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks import machine, takeover
from models.errors import UsageError

QUEUES: Final = (100, 1_000, 10_000)
PARTITIONS: Final = 4
EVENTS_PER_S: Final = 2_000
STEPS: Final = ("start", "start", "kill")
GOAL_S: Final = 5.0
#: Until every queue has had some calls and the snapshots hold them.
SETTLE_S: Final = 15.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes to measure."""

    queues: tuple[int, ...] = QUEUES
    session_s: float = 6.0
    settle_s: float = SETTLE_S
    bootstrap: str = ""

    def __post_init__(self) -> None:
        if not self.queues or min(self.queues) < 1:
            raise UsageError("--queues: at least one size, and at least 1 queue.")


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a worker fails."""
    before, sizes = machine.load(), []
    for queues in plan.queues:
        say(f"{queues:,} queues")
        pause_s = plan.settle_s + 4.0 * queues / EVENTS_PER_S
        one = takeover.measure(
            takeover.Plan(
                partitions=PARTITIONS,
                queues=queues,
                events_per_s=EVENTS_PER_S,
                session_s=plan.session_s,
                heartbeat_s=min(1.0, plan.session_s / 3),
                pause_s=pause_s,
                steps=STEPS,
                bootstrap=plan.bootstrap,
            ),
            say,
        )
        killed = one["steps"][-1]
        sizes.append(
            {
                "queues": queues,
                "dark_s": killed["worst_s"],
                "restore_s": killed["restore_s"],
                "beyond_s": round(killed["worst_s"] - plan.session_s, 2),
            }
        )
    return {
        "benchmark": "recovery",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": before, "after": machine.load()},
        "broker": "Apache Kafka or what else was named" if plan.bootstrap else "embedded",
        "session_s": plan.session_s,
        "partitions": PARTITIONS,
        "events_per_s": EVENTS_PER_S,
        "goal_s": GOAL_S,
        "sizes": sizes,
    }
