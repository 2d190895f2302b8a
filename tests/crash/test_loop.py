"""A worker is killed with -9 right before or right after each clock of the loop rings: each rings once."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import replace

import orjson
import pytest

from models.runtime import KafkaSettings
from models.topics import WORKORDER_LOG
from tests.crash.drive import WORKER, Ground
from tests.crash.nursery import Child
from tests.crash.shift_log import START_MS, evening, settings
from tests.crash.shift_log import catalogue as of_the_evening
from tests.crash.site import Site

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


class Watch:
    """One worker after the other over the log of the evening, each in a group of its own."""

    def __init__(self, ground: Ground, kafka: KafkaSettings, snapshot_every_s: float) -> None:
        self._ground, self._kafka, self._every_s = ground, kafka, snapshot_every_s
        self.ended: list[int | None] = []
        self.child: Child | None = None

    def start(self) -> None:
        number = len(self.ended)
        kafka = replace(self._kafka, group=f"watch{number}")
        log = self._ground.folder / f"{self._kafka.prefix}watch{number}.log"
        worker = replace(WORKER, snapshot_every_s=self._every_s)
        self.child = self._ground.nursery.start(kafka, worker, log, settings=settings())

    def kill(self) -> None:
        assert self.child is not None
        self.child.kill()
        self.ended.append(self.child.code)


@pytest.mark.parametrize(
    ("side", "snapshot_every_s"),
    [
        ("before", 0.1),  # the next owner goes on from a snapshot just before it
        ("after", 3600.0),  # the next owner applies it again and finds that it was said
    ],
)
def test_each_boundary_fires_once(ground: Ground, side: str, snapshot_every_s: float) -> None:
    centre, boundaries = evening()
    kafka = KafkaSettings(
        bootstrap=ground.bootstrap, prefix=f"{ground.name}{side}-", partitions=1, heartbeat_s=ground.heartbeat_s,
        session_timeout_s=ground.session_s, rebalance_timeout_s=ground.rebalance_s,
    )  # fmt: skip
    watch = Watch(ground, kafka, snapshot_every_s)
    with Site(kafka, centre, of_the_evening()) as site:
        try:
            for record in sorted({boundary.record for boundary in boundaries}):
                site.feed_until(0, record if side == "before" else record + 1)
                watch.start()
                site.settle(60.0)
                watch.kill()
            site.feed(1.0)
            watch.start()
            site.settle(60.0)
        finally:
            watch.kill()
        site.read_all()
        site.assert_whole()
        assert set(watch.ended) == {-signal.SIGKILL}
        fired = Counter(
            (entry["queue"], f"{entry['event']}:{entry['decision']}", (entry["at_ms"] - START_MS) // 1_000)
            for (topic, _), said in site.said.items()
            if topic == WORKORDER_LOG
            for entry in map(orjson.loads, said)
        )
        for due in boundaries:
            assert fired[(due.queue, due.decided, due.at_s)] == 1, due.name
