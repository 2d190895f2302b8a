"""A floor of queues for scenes: calls, commands, test calls, settings on a log, played through the workers' actors."""

from __future__ import annotations

from typing import Any

import orjson

from callwatch.rehearsal import Rehearsal
from models.catalogue import Catalogue
from models.encode import clock_record, command_record, encode_event
from models.settings_record import settings_record
from models.topics import ALERTS, WORKORDER_LOG, WORKORDERS
from tests.alerts.world import MIN, T0, S

Payload = dict[str, Any]
SOURCE = "floor"


class Floor:
    """One partition. Everything that happens is a record of its log; `run` writes the clocks."""

    def __init__(self, settings: Catalogue, begin_ms: int = T0) -> None:
        self.settings, self._begin, self.now_ms = settings, begin_ms, begin_ms
        self.log: list[Payload] = []
        self.orders: list[Payload] = []
        self.alerts: list[Payload] = []
        self._rehearsal = Rehearsal(settings, 1)
        self._told = 0
        self._kept = {WORKORDER_LOG: self.log, WORKORDERS: self.orders, ALERTS: self.alerts}
        self.run(S)

    def lay(self, value: bytes) -> None:
        self._rehearsal.lay(0, value)

    def play(self) -> None:
        while self._rehearsal.held:
            for record in self._rehearsal.play():
                if record.topic in self._kept:
                    self._kept[record.topic].append(orjson.loads(record.value))

    def run(self, ms: int, step_ms: int = 10 * S) -> None:
        """Clocks until *ms* later."""
        end = self.now_ms + ms
        while self.now_ms < end:
            self.now_ms = min(end, self.now_ms + step_ms)
            self.lay(clock_record(self.now_ms, SOURCE))
        self.play()

    def event(self, kind: str, **fields: Any) -> None:
        self._told += 1
        self.lay(encode_event({"id": f"e{self._told}", "source": SOURCE, "type": kind, "ts": self.now_ms, **fields}))

    def calls(self, queue: str, n: int, wait_ms: int) -> None:
        """*n* calls offered and answered now, after *wait_ms* as the source says."""
        for _ in range(n):
            call = f"floor:{self._told}"
            self.event("call.offered", queue=queue, call=call)
            self.event("call.answered", queue=queue, call=call, wait_ms=wait_ms)
        self.run(S)

    def queued(self, queue: str, n: int) -> list[str]:
        """*n* calls begin to wait, and wait for 30 seconds."""
        waiting = [f"floor:{queue}:{self._told + i}" for i in range(n)]
        for call in waiting:
            self.event("call.offered", queue=queue, call=call)
        self.run(30 * S)
        return waiting

    def hang_up(self, queue: str, calls: list[str]) -> None:
        for call in calls:
            self.event("call.abandoned", queue=queue, call=call)
        self.run(S)

    def breach(self, queue: str) -> Payload:
        """Late calls, until there is an order about them."""
        self.calls(queue, 12, 60 * S)
        self.run(80 * S)
        return self.order(queue)

    def found(self, queue: str) -> Payload:
        """A finding of severity 2, which only a test call ends: its order does not recover by itself."""
        report = {"kind": "complaint", "severity": 2, "verify": "probe", "text": "the menu hangs up"}
        self.tell("report", "lead" if self._knows("lead") else "ann", queue, order="-", **report)
        return self.order(queue)

    def _knows(self, person: str) -> bool:
        return any(one.id == person for one in self.settings.people)

    def recover(self, queue: str) -> None:
        """The late calls leave the window."""
        self.run(7 * MIN)

    def tell(self, command: str, actor: str, queue: str, /, order: str = "", **args: Any) -> Payload:
        """A command about the queue's last order; the last entry of the log after it."""
        self._told += 1
        about = order or self.order(queue)["id"]
        self.lay(
            command_record(
                id=f"c{self._begin}-{self._told}", source="page", ts_ms=self.now_ms, queue=queue, order=about,
                command=command, actor=actor, args=args,
            )
        )  # fmt: skip
        self.play()
        return self.log[-1] if self.log else {}

    def refused(self, reason: str, command: str, actor: str, queue: str, /, **args: Any) -> None:
        """A command that must be refused, with this reason."""
        entry = self.tell(command, actor, queue, **args)
        assert (entry["decision"], entry["data"].get("reason")) == ("refused", reason), entry

    def solve(self, queue: str, actor: str = "lead") -> None:
        """Resolve: the present speaks for it, the next calls have to."""
        self.tell("resolve", actor, queue, cause="staffing", measure="two agents moved over")
        assert self.order(queue)["state"] == "verifying", self.log[-1]

    def change(self, settings: Catalogue) -> None:
        """Other settings are in force from here."""
        self._told += 1
        self.settings = settings
        self.lay(settings_record(settings, id=f"s{self._told}", source=SOURCE, ts_ms=self.now_ms))
        self.play()

    def order(self, queue: str) -> Payload:
        """The queue's last order."""
        return next(order for order in reversed(self.orders) if order["queue"] == queue)
