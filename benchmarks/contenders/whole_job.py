"""Callwatch itself: the worker as ``callwatch worker`` runs it, with the settings of the demo and everything on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import orjson
from faust.types import TP

from agents.warm import warm
from agents.worker import Worker
from benchmarks.job import Job, Stopwatch
from callwatch.settings import parse_settings
from models.runtime import KafkaSettings, Settings
from streams.app import run_worker


def settings_for(job: Job) -> Settings:
    """The demo's sites, rules, people and limits; where the job's topic is."""
    text = files("callwatch").joinpath("demo", "demo.toml").read_text(encoding="utf-8")
    kafka = KafkaSettings(bootstrap=job.bootstrap, partitions=job.partitions)
    return replace(parse_settings(text, "demo.toml", {}), kafka=kafka, valkey_url=job.valkey_url)


class TimedWorker(Worker):
    """A worker that notes when its partitions were restored and when the last record was done with."""

    def __init__(self, settings: Settings, job: Job) -> None:
        super().__init__(settings)
        self._job = job
        self._watch: Stopwatch | None = None
        self._done = False

    async def start(self, tp: TP) -> int | None:
        """As the worker does; the clock runs from the last restore on, before anything is fetched."""
        position = await super().start(tp)
        self._watch = Stopwatch()
        return position

    async def snapshot_if_due(self, partition: int) -> None:
        """After each batch. At the end of the log a last round of snapshots is taken and belongs to the job."""
        await super().snapshot_if_due(partition)
        if self._done or not self._at_end():
            return
        self._done = True
        for keeper in self.keepers.values():
            await keeper.snapshot()
        assert self._watch is not None
        self._watch.measured(self._job.events, "callwatch worker with the whole job and the projector").write(self._job)

    def _at_end(self) -> bool:
        at = {partition: keeper.actor.position for partition, keeper in self.keepers.items()}
        return all(at.get(partition, 0) >= end for partition, end in enumerate(self._job.ends))


class WorkerOfSeveral(Worker):
    """A worker that keeps telling to the outside how far it is, in a file of its own."""

    def __init__(self, settings: Settings, job: Job) -> None:
        super().__init__(settings)
        self._progress = Path(job.progress)

    async def start(self, tp: TP) -> int | None:
        """As the worker does."""
        position = await super().start(tp)
        self._tell()
        return position

    async def revoke(self, revoked: set[TP]) -> None:
        """As the worker does."""
        await super().revoke(revoked)
        self._tell()

    async def snapshot_if_due(self, partition: int) -> None:
        """After each batch."""
        await super().snapshot_if_due(partition)
        self._tell()

    def _tell(self) -> None:
        part = self._progress.with_suffix(".part")
        at = {str(partition): keeper.actor.position for partition, keeper in self.keepers.items()}
        part.write_bytes(orjson.dumps(at))
        part.rename(self._progress)


def run(job: Job) -> None:
    """Work through the whole topic. Timed from the last restore to the last outputs and snapshots confirmed; one of
    several is timed from outside."""
    warm()
    contender: Callable[[Settings, Job], Worker] = WorkerOfSeveral if job.progress else TimedWorker
    run_worker(contender(settings_for(job), job).app)
