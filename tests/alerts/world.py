"""A small world for the judgement: figures that a test sets by hand, a clock, and everything that came out."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel

from alerts.judgement import Judgement, Output
from models.catalogue import Catalogue, Duty, LoopLimits, Person, QueueSettings, Rule
from models.metric import FIGURES, figure
from models.outputs import Alert, Anomaly, LogEntry, Order

S = 1_000
MIN = 60_000
HOUR = 3_600_000
#: Wednesday 3 February 1999, 10:00 UTC.
T0 = 918_036_000_000
WEEK = frozenset(range(7))

PAYLOADS: dict[str, type[BaseModel]] = {
    "anomalies": Anomaly,
    "workorders": Order,
    "workorder-log": LogEntry,
    "alerts": Alert,
}

SERVICE = Rule(
    "sl", "service_level_live", "15m", limit=0.6, target=0.8, below=True, severity=2, min_sample=10, recovery=0.1
)
WAITING = Rule(
    "wait", "waiting_past_threshold", "now", limit=5, target=2, below=False, severity=3, hold_ms=0, recovery=2
)
UNREACHED = Rule(
    "unreached", "unreached_share", "15m", limit=0.6, target=0.4, below=False, severity=1, min_sample=20, recovery=0.2
)
RULES = (SERVICE, WAITING, UNREACHED)


def person(pid: str, tier: int, department: str = "desk", duty: tuple[Duty, ...] = ()) -> Person:
    """Somebody, named by id, on duty always unless told otherwise."""
    return Person(pid, pid.title(), department, tier, "UTC", duty)


NIGHT = (Duty(WEEK, 22 * 60, 30 * 60),)
PEOPLE = (
    person("lia", 0),
    person("lead", 1),
    person("late", 1, duty=NIGHT),
    person("lead2", 1),
    person("team", 2),
    person("super", 3),
    person("boss", 4),
)


def catalogue(
    rules: tuple[Rule, ...] = RULES,
    people: tuple[Person, ...] = PEOPLE,
    limits: LoopLimits | None = None,
) -> Catalogue:
    """A catalogue with one department for all queues."""
    queues = (QueueSettings(department="desk"),)
    return Catalogue(queues=queues, rules=rules, people=people, limits=limits or LoopLimits())


class World:
    """Queues whose figures the test sets; it implements ``Live`` from the same figures."""

    def __init__(self, settings: Catalogue | None = None, *queues: str) -> None:
        self.names = list(queues or ("bank/PS",))
        self.figures = np.full((len(self.names), len(FIGURES)), np.nan)
        self.figures[:, figure("open", "now")] = 1.0
        for metric in ("waiting", "waiting_past_threshold", "longest_wait_ms"):
            self.figures[:, figure(metric, "now")] = 0.0
        self.watched: dict[str, int] = {}
        self.said: dict[tuple[str, str], tuple[str, str]] = {}  #: what stands behind a figure
        self.catalogue = settings or catalogue()
        self.judgement = Judgement(self.catalogue)
        self.now_ms = T0
        self.outputs: list[Output] = []
        self.told = 0

    # the Live protocol

    def value(self, queue: str, metric: str, window: str) -> float | None:
        value = float(self.figures[self.names.index(queue), figure(metric, window)])
        return None if np.isnan(value) else value

    @property
    def habit(self) -> None:
        """Nothing was learned here."""

    def behind(self, queue: str, metric: str) -> tuple[str, str]:
        return self.said.get((queue, metric), ("", ""))

    def watch(self, queue: str, since_ms: int) -> None:
        self.watched[queue] = since_ms

    def unwatch(self, queue: str) -> None:
        self.watched.pop(queue, None)

    # what a test does

    def put(self, window: str, queue: str = "bank/PS", **values: float) -> None:
        """Set figures of a window."""
        for metric, value in values.items():
            self.figures[self.names.index(queue), figure(metric, window)] = value

    def service(self, level: float, calls: int = 30, window: str = "15m", queue: str = "bank/PS") -> None:
        """Set the live service level with the calls behind it."""
        self.put(window, queue, service_level_live=level, service_sample=calls, outcomes=calls)

    def run(self, ms: int, step_ms: int = S) -> list[Output]:
        """Clocks until *ms* later; what came out on the way."""
        end, out = self.now_ms + ms, []
        while self.now_ms < end:
            self.now_ms = min(end, self.now_ms + step_ms)
            out += self.judgement.clock(self.now_ms, self.figures, self.names, self)
        self.outputs += out
        return out

    def tell(self, command: str, actor: str = "lead", queue: str = "bank/PS", **fields: Any) -> list[Output]:
        """Send a command about the queue's order as it last was, or about the *order* in *fields*."""
        order = fields.pop("order", None) or self.order(queue)["id"]
        self.told += 1
        record = {"type": "order.command", "source": "test", "id": str(self.told), "queue": queue}
        record |= {"order": order, "command": command}
        out = self.judgement.command(record | {"actor": actor, "args": fields}, self.now_ms, self)
        self.outputs += out
        return out

    def probe(self, ok: bool, queue: str = "bank/PS") -> list[Output]:
        """A test call."""
        out = self.judgement.probe({"type": "probe.result", "queue": queue, "ok": ok}, self.now_ms, self)
        self.outputs += out
        return out

    # what a test looks at

    def order(self, queue: str = "bank/PS") -> dict[str, Any]:
        """The last order of a queue as it was published."""
        return next(o.payload for o in reversed(self.outputs) if o.topic == "workorders" and o.queue == queue)

    def orders(self) -> set[str]:
        """The ids of all orders published."""
        return {o.key for o in self.outputs if o.topic == "workorders"}

    def log(self) -> list[dict[str, Any]]:
        """All decisions."""
        return [o.payload for o in self.outputs if o.topic == "workorder-log"]

    def decisions(self) -> list[str]:
        """All decisions as ``event:decision``."""
        return [f"{e['event']}:{e['decision']}" for e in self.log()]

    def alerts(self, kind: str = "") -> list[dict[str, Any]]:
        """Alerts of a kind, or all."""
        return [o.payload for o in self.outputs if o.topic == "alerts" and kind in ("", o.payload["kind"])]

    def anomalies(self) -> list[tuple[str, str]]:
        """Episodes as (rule, phase)."""
        return [(o.payload["rule"], o.payload["phase"]) for o in self.outputs if o.topic == "anomalies"]


def breach(world: World, level: float = 0.4) -> str:
    """Let the service level fall until an order exists; its id."""
    world.service(level)
    world.run(61 * S)
    return str(world.order()["id"])


def refusal(outputs: list[Output]) -> str:
    """The named reason of the refusal among *outputs*."""
    refused = [o.payload for o in outputs if o.topic == "workorder-log" and o.payload["decision"] == "refused"]
    assert len(refused) == 1
    return str(refused[0]["data"]["reason"])
