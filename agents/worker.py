"""The worker: Faust agents that hand batches to the keepers of their partitions, and to the projector."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import redis.asyncio
from faust.types import TP

from agents.keeper import PartitionKeeper
from agents.projector import Projector
from agents.trouble import Trouble
from agents.view import MetricsView
from models.runtime import Settings
from models.topics import EVENTS, METRICS, PROJECTED_TOPICS, topic_name
from streams.app import Output, WorkerApp, make_app, send_all
from streams.clock import keep_time, wall_ms

log = logging.getLogger("callwatch.worker")


class Worker:
    """What one worker process owns: a keeper per partition, the projector, the app that feeds them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kafka = settings.kafka
        self.app: WorkerApp = make_app(settings.kafka, settings.worker)
        self.keepers: dict[int, PartitionKeeper] = {}
        self.views: dict[int, MetricsView] = {}
        self.trouble = Trouble()
        self.projector: Projector | None = None
        if settings.valkey_url:
            self.projector = Projector(redis.asyncio.from_url(settings.valkey_url), settings.kafka.prefix)
        self._snapshot_s: dict[int, float] = {}
        self.app.partition_starts = self.start
        self.app.partition_revoked = self.revoke
        add_agents(self)

    async def send(self, outputs: Sequence[Output]) -> list[int]:
        """Send and wait until the broker has confirmed all."""
        return await send_all(self.app, outputs)

    def topic(self, name: str) -> str:
        """The name of a topic on the broker."""
        return topic_name(self.kafka.prefix, name)

    async def start(self, tp: TP) -> int | None:
        """Where a partition that was just assigned starts; the events' state is restored here."""
        if tp.topic == self.topic(EVENTS):
            keeper = PartitionKeeper(tp.partition, self.kafka, self.settings.catalogue, self.send)
            begun_s = time.monotonic()
            position = await keeper.restore()
            await keeper.tell_settings()
            log.info("partition %d restored in %.3f s", tp.partition, time.monotonic() - begun_s)
            self.keepers[tp.partition] = keeper
            self.views[tp.partition] = MetricsView(keeper.actor)
            self._snapshot_s[tp.partition] = time.monotonic()
            return position
        if self.projector is None:
            return None
        return await self.projector.start(self.bare(tp.topic), tp.partition)

    def bare(self, topic: str) -> str:
        """The name of a topic without the prefix."""
        return topic.removeprefix(self.kafka.prefix)

    async def revoke(self, revoked: set[TP]) -> None:
        """Leave partitions: a last round of snapshots each, then their state is dropped."""
        gone = sorted(tp.partition for tp in revoked if tp.topic == self.topic(EVENTS))
        leaving = [self.keepers.pop(p) for p in gone if p in self.keepers]
        for partition in gone:
            self.views.pop(partition, None)
        for keeper in leaving:
            await keeper.snapshot()

    async def snapshot_if_due(self, partition: int) -> None:
        """A round of snapshots when the last is long enough ago."""
        now_s = time.monotonic()
        if now_s - self._snapshot_s[partition] >= self.settings.worker.snapshot_every_s:
            await self.keepers[partition].snapshot()
            self._snapshot_s[partition] = time.monotonic()

    async def show(self) -> None:
        """Write the metrics rows that are due on all partitions."""
        now_ms = wall_ms()
        for partition, view in list(self.views.items()):
            rows = view.rows(now_ms)
            await self.send([(self.topic(METRICS), partition, queue.encode(), row, None) for queue, row in rows])

    async def append_clock(self, partition: int, record: bytes) -> None:
        """One clock record to one partition of the log."""
        await self.send([(self.topic(EVENTS), partition, None, record, None)])


def add_agents(worker: Worker) -> None:
    """Declare the agents and timers of *worker* on its app."""
    app = worker.app

    @app.agent(app.topic(worker.topic(EVENTS)), name="watch")
    async def watch(stream: Any) -> None:
        async for event in stream.noack().events():
            batch = event.value
            effects = await worker.keepers[batch.partition].apply(batch.values, batch.offsets, batch.appended)
            await stream.ack(event)
            worker.trouble.add(effects)
            await worker.snapshot_if_due(batch.partition)

    @app.task
    async def show() -> None:
        while True:  # not a timer: behind a large batch it would warn that it overlaps with itself
            await asyncio.sleep(1.0)
            await worker.show()
            refused = sum(keeper.actor.windows.refused for keeper in worker.keepers.values())
            worker.trouble.tell(time.monotonic(), refused)

    if worker.settings.worker.clock == "wall":

        @app.task
        async def clock() -> None:
            await keep_time(lambda: list(worker.keepers), worker.append_clock)

    if worker.projector is not None:
        projector = worker.projector

        @app.agent(app.topic(*map(worker.topic, PROJECTED_TOPICS)), name="project")
        async def project(stream: Any) -> None:
            async for event in stream.noack().events():
                batch = event.value
                records = list(zip(batch.offsets, batch.keys, batch.values, strict=True))
                await projector.apply(worker.bare(batch.topic), batch.partition, records)
                await stream.ack(event)
