"""A town of queues on a clock of seconds: calls that get through or do not, people who act, several partitions.

Every second is laid on the logs and played before the next, as live workers would: what partitions tell each other is
heard one second later.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import orjson

from callwatch.rehearsal import Rehearsal
from models.catalogue import Catalogue, Department, LoopLimits, Person, QueueSettings, Rule, Site
from models.encode import clock_record, command_record, encode_event
from models.partition import partition_of
from models.topics import ALERTS, WORKORDER_LOG, WORKORDERS

#: Monday 2026-03-02, 08:00 UTC.
START: Final = 1_772_438_400_000
S: Final = 1_000
#: Between two calls of a queue; who gets through waits 2 s, who does not hangs up after 20 s.
EVERY_S, QUICK_S, LOST_S = 5, 2, 20

RULE: Final = Rule(
    "service-level", "service_level_live", "1m", 0.6, 0.8, True, severity=2, min_sample=3, hold_ms=0, recovery=0.1
)


def catalogue(*sites: tuple[str, str], **limits: Any) -> Catalogue:
    """*sites* as (name, region), one department, a shift lead and two above."""
    return Catalogue(
        sites=tuple(Site(name, "UTC", region=region) for name, region in sites),
        queues=(QueueSettings(threshold_ms=10_000, short_ms=1_000, department="floor"),),
        rules=(RULE, Rule("never", "longest_wait_ms", "now", 9e9, 9e9, False, of="units")),
        departments=(Department("floor", "Floor"),),
        people=(Person("ann", "Ann", "floor", 1), Person("bo", "Bo", "floor", 2), Person("cy", "Cy", "floor", 3)),
        limits=LoopLimits(**{"verify_calls": 4, **limits}),
    )


class Town:
    """*queues* over *partitions*. `run` passes seconds, `down` says which queues lose their calls."""

    def __init__(self, settings: Catalogue, queues: list[str], partitions: int = 1) -> None:
        self.settings, self.queues = settings, queues
        self.begin(partitions)
        self.down: set[str] = set()
        self.now_ms = START
        self.said: dict[str, list[dict[str, Any]]] = defaultdict(list)  #: payloads by topic
        self._due: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        self._calls = 0
        self._commands = 0

    def begin(self, partitions: int) -> None:
        """New logs, with nothing on them."""
        self.partitions = partitions
        self.rehearsal = Rehearsal(self.settings, partitions)
        self.laid: list[list[bytes]] = [[] for _ in range(partitions)]  #: what the world wrote to each log

    def lay(self, partition: int, value: bytes) -> None:
        self.laid[partition].append(value)
        self.rehearsal.lay(partition, value)

    def _lay(self, queue: str, value: bytes) -> None:
        self.lay(partition_of(queue, self.partitions), value)

    def run(self, seconds: int) -> None:
        """So many seconds pass."""
        for _ in range(seconds):
            self.now_ms += S
            second = self.now_ms // S
            for n, queue in enumerate(self.queues):
                if (second + n) % EVERY_S == 0:
                    self._call(queue)
            for kind, call, queue in self._due.pop(self.now_ms, []):
                self._event(kind, call, queue)
            for partition in range(self.partitions):
                self.lay(partition, clock_record(self.now_ms, "replay"))
            self.play()

    def _call(self, queue: str) -> None:
        self._calls += 1
        call = f"c{self._calls}"
        self._event("call.offered", call, queue)
        lost = queue in self.down
        at = self.now_ms + (LOST_S if lost else QUICK_S) * S
        self._due[at].append(("call.abandoned" if lost else "call.answered", call, queue))

    def _event(self, kind: str, call: str, queue: str) -> None:
        event = {"id": f"{kind}{call}", "source": "pbx", "type": kind, "ts": self.now_ms, "call": call, "queue": queue}
        self._lay(queue, encode_event(event))

    def play(self) -> None:
        for record in self.rehearsal.play():
            if record.topic in (ALERTS, WORKORDERS, WORKORDER_LOG):
                self.said[record.topic].append(orjson.loads(record.value))

    def tell(self, queue: str, command: str, actor: str = "ann", **args: Any) -> None:
        """A person does something with the order of *queue*."""
        self._commands += 1
        value = command_record(
            id=str(self._commands),
            source="page",
            ts_ms=self.now_ms,
            queue=queue,
            order=self.order(queue)["id"],
            command=command,
            actor=actor,
            args=args,
        )
        self._lay(queue, value)
        self.run(1)

    # what came out

    def orders(self) -> dict[str, dict[str, Any]]:
        """Every order as it stands, by id."""
        return {order["id"]: order for order in self.said[WORKORDERS]}

    def order(self, queue: str) -> dict[str, Any]:
        """The last order of *queue*."""
        return next(order for order in reversed(self.said[WORKORDERS]) if order["queue"] == queue)

    def children(self, parent: str) -> list[dict[str, Any]]:
        return [order for order in self.orders().values() if order["parent"] == parent]

    def pages(self) -> list[tuple[str, str]]:
        """Who was paged about what, in the order of time."""
        found = sorted((a["at_ms"], a["owner"], a["queue"]) for a in self.said[ALERTS] if a["kind"] == "page")
        return [(owner, queue) for _, owner, queue in found]

    def log(self, queue: str) -> list[tuple[str, str, str]]:
        """Decisions about the orders of *queue*."""
        return [(e["event"], e["decision"], e["why"]) for e in self.said[WORKORDER_LOG] if e["queue"] == queue]
