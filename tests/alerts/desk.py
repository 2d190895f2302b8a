"""A notification desk for tests: a judgement writes its topics, notifiers read them in any order, time is ours.

The ledger topic is a list; appending to it is what a broker's partition does. Nothing is sent: who sends what is seen
in `Desk.sent`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from alerts.judgement import Output
from alerts.ledger import Job, Ledger
from models.notification import Notification
from models.notify_settings import Channel, Contact, NotifySettings
from models.topics import ALERTS, NOTIFICATIONS, WORKORDER_LOG, WORKORDERS
from tests.alerts.world import World

WALL = 1_700_000_000_000
#: What a notifier reads beside the ledger.
READ = (ALERTS, WORKORDERS, WORKORDER_LOG)

SETTINGS = NotifySettings(
    contacts=(
        Contact("lead", ("LEAD_CHAT",)),
        Contact("lead", ("LEAD_SMS",), severity=1),
        Contact("lead2", ("LEAD2_CHAT",)),
        Contact("team", ("TEAM_CHAT",)),
        Contact("super", ("SUPER_CHAT",)),
        Contact("boss", ("BOSS_CHAT",)),
    ),
    channels=(),
)
PAGER = Channel("pager", "pagerduty", key_env="PD_KEY")
MANAGER = Channel("am", "alertmanager", url_env="AM_URL")
HOOK = Channel("crm", "webhook", url_env="CRM_URL", key_env="CRM_KEY")


@dataclass
class Desk:
    """*world* judges; `ledgers` notify. *log* is what a broker would hold, record by record with its append time."""

    settings: NotifySettings = SETTINGS
    world: World = field(default_factory=World)
    now_ms: int = WALL
    log: list[tuple[str, Any, int]] = field(default_factory=list)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)
    sent: list[tuple[str, str, str]] = field(default_factory=list)  #: (to, way or "", occasion), as they go out
    broken: set[str] = field(default_factory=set)  #: ways and channels that fail
    written: int = 0
    causes: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.add("n1")

    def add(self, me: str) -> Ledger:
        """Another notifier, or the same one restarted under a new name; it reads everything from the beginning."""
        self.ledgers[me], self.at[me] = Ledger(self.settings, me), 0
        return self.ledgers[me]

    def kill(self, me: str) -> None:
        """It is gone, whatever it was at."""
        del self.ledgers[me]

    def publish(self) -> None:
        """What the judgement has put out since goes onto the topics; each input is a record of the log."""
        fresh = self.world.outputs[self.written :]
        self.written = len(self.world.outputs)
        offset = next(self.causes)
        for n, output in enumerate(fresh):
            if output.topic in READ:
                self.put(output, offset, n)

    def put(self, output: Output, offset: int, n: int) -> None:
        """One output as a record."""
        self.log.append((output.topic, {**output.payload, "pos": [0, offset, n]}, self.now_ms))

    def read(self) -> None:
        """Every notifier reads to the end."""
        for me, ledger in self.ledgers.items():
            for topic, payload, appended_ms in self.log[self.at[me] :]:
                ledger.take(topic, payload, appended_ms, self.now_ms)
            self.at[me] = len(self.log)

    def append(self, record: Notification) -> None:
        """A record onto the ledger topic."""
        self.log.append((NOTIFICATIONS, record, self.now_ms))

    def turn(self, *, finish: bool = True) -> list[Job]:
        """One round of every notifier: read, claim, read back, send (unless not *finish*), record, read."""
        self.publish()
        self.read()
        for ledger in self.ledgers.values():
            for record in ledger.steps(self.now_ms):
                self.append(record)
        self.read()
        jobs = []
        for ledger in self.ledgers.values():
            for job in ledger.jobs(self.now_ms):
                jobs.append(job)
                if finish:
                    self.finish(ledger, job)
        self.read()
        return jobs

    def finish(self, ledger: Ledger, job: Job) -> None:
        """Send *job*, or fail to."""
        item = job.item
        if {item.way, item.to} & self.broken:
            self.append(ledger.done(job, "failed", "no answer", self.now_ms))
            return
        self.sent.append((item.to, item.way, item.occasion))
        self.append(ledger.done(job, "sent", "", self.now_ms))

    def run(self, ms: int, step_ms: int = 1_000) -> None:
        """Rounds of the notifiers while wall time passes and the world stands still."""
        end = self.now_ms + ms
        while self.now_ms < end:
            self.now_ms = min(end, self.now_ms + step_ms)
            self.turn()

    def tell(self, command: str, actor: str = "lead", **fields: Any) -> None:
        """A command of a person, decided and published."""
        self.world.tell(command, actor, **fields)
        self.publish()

    def states(self) -> list[tuple[str, str, str, str]]:
        """The ledger's last word on each notification: (to, occasion, state, reason)."""
        last = {record.key: record for topic, record, _ in self.log if topic == NOTIFICATIONS}
        return [(r.to, r.occasion, r.state, r.reason) for r in last.values()]
