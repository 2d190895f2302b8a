"""A log in memory under Faust's consumers, stock and ours: faults of ordering and offsets without a broker's delays.

Only the thread that talks to the broker is replaced. Consumer, conductor, streams, agents, app are the real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import faust
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers import aiokafka as stock
from faust.types import TP
from mode import Service
from mode.supervisors import CrashingSupervisor

from models.runtime import KafkaSettings, WorkerSettings
from streams import transport as ours
from streams.app import make_app
from streams.batch import RecordBatch


class Log:
    """A topic ``events`` of *sizes* records per partition; a record's value is its offset."""

    def __init__(self, *sizes: int, fetch: int = 1) -> None:
        self.size = {TP("events", p): n for p, n in enumerate(sizes)}
        self.first = dict.fromkeys(self.size, 0)
        self.committed: dict[TP, int] = {}
        self.commits = 0
        self.fetch = fetch  #: records of a partition per fetch
        self.sent: list[bytes] = []
        self.failing: Exception | None = None  #: what sends end with
        self.generation = 0
        self.silent = False  #: the broker does not say where partitions begin


class MemoryThread(Service):
    """What Faust's consumer asks of its thread, answered from a `Log`."""

    def __init__(self, consumer: Any, log_: Log, batched: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.consumer = consumer
        self.log_ = log_
        self.batched = batched
        self.at: dict[TP, int] = {}

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join: all partitions are ours, a moment later."""
        self.add_future(self.rebalance())

    async def rebalance(self) -> None:
        """An eager rebalance: everything is revoked and assigned again."""
        app = self.consumer.app
        app.on_rebalance_start()
        await self.consumer.on_partitions_revoked(set(self.at))
        self.at = dict.fromkeys(self.log_.size, 0)
        self.log_.generation += 1
        app.consumer_generation_id = self.log_.generation
        await self.consumer.on_partitions_assigned(set(self.at), self.log_.generation)

    async def getmany(self, active: Any, timeout: float) -> dict[TP, Any]:
        """The next ``fetch`` records of each active partition."""
        records: dict[TP, Any] = {}
        for tp in active or ():
            start, end = self.at[tp], min(self.at[tp] + self.log_.fetch, self.log_.size[tp])
            if start < end:
                self.at[tp] = end
                records[tp] = _batch(tp, start, end) if self.batched else [_record(tp, o) for o in range(start, end)]
        await asyncio.sleep(0 if records else 0.01)
        return records

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        """Keep *offsets* in the log."""
        self.log_.committed.update(offsets)
        self.log_.commits += 1
        return True

    async def seek_to_committed(self) -> dict[TP, int]:
        """As aiokafka: to the committed offset, or the first."""
        self.at.update({tp: self.log_.committed.get(tp, 0) for tp in self.at})
        return {tp: self.log_.committed.get(tp, 0) for tp in self.at}

    async def positions_known(self, tps: list[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
        """See `streams.transport.ConsumerThread`."""
        while self.log_.silent:
            await asyncio.sleep(0.01)
        return {tp: self.log_.first[tp] for tp in tps}, {
            tp: self.log_.committed[tp] for tp in tps if tp in self.log_.committed
        }

    async def seek_all(self, positions: Mapping[TP, int]) -> None:
        """Seek; an offset that is gone becomes the first one kept, as aiokafka does."""
        self.at.update({tp: max(o, self.log_.first[tp]) for tp, o in positions.items()})

    def assignment(self) -> set[TP]:
        """All of them."""
        return set(self.at)

    def highwater(self, tp: TP) -> int:
        """The log's end."""
        return self.log_.size[tp]

    def close(self) -> None:
        """Nothing is open."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing to verify."""


def _record(tp: TP, offset: int) -> Any:
    return ConsumerRecord(tp.topic, tp.partition, offset, 0, 0, None, b"%d" % offset, None, 0, 0, ())


def _batch(tp: TP, start: int, end: int) -> RecordBatch:
    offsets = list(range(start, end))
    return RecordBatch(tp.topic, tp.partition, start, end, offsets, [None] * len(offsets), [b"%d" % o for o in offsets])


class MemoryProducer(ours.Producer):
    """Sends into ``log.sent``, or fails."""

    log_: Log

    async def on_start(self) -> None:
        """No connection."""

    async def on_stop(self) -> None:
        """No connection."""

    async def flush(self) -> None:
        """Nothing waits."""

    async def send(self, topic: str, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        """A future that is done."""
        future = asyncio.get_running_loop().create_future()
        if self.log_.failing is not None:
            future.set_exception(self.log_.failing)
        else:
            self.log_.sent.append(value)
            future.set_result(SimpleNamespace(offset=len(self.log_.sent) - 1))
        return future


def memory_app(log: Log, kind: str, consumer: Any = None, **settings: Any) -> Any:
    """A Faust app on *log*: *kind* ``stock`` (Faust's own consumer, settings and records) or ``ours``."""
    if kind == "ours":
        app: Any = make_app(KafkaSettings(), WorkerSettings())
    else:
        app = faust.App(
            "stock", broker="kafka://nowhere", store="memory://", topic_disable_leader=True, web_enabled=False,
            agent_supervisor=CrashingSupervisor, value_serializer="raw", topic_allow_declare=False,
            broker_commit_interval=1.0, stream_wait_empty=False,
        )  # fmt: skip
        app._create_directories = lambda: None
    for name, value in settings.items():
        setattr(app.conf, name, value)
    base: Any = consumer or {"ours": ours.Consumer, "stock": stock.Consumer}[kind]

    class MemoryConsumer(base):
        def _new_consumer_thread(self) -> Any:
            return MemoryThread(self, log, batched=kind == "ours", loop=self.loop, beacon=self.beacon)

    class MemoryTransport(stock.Transport):
        Consumer = MemoryConsumer
        Producer = type("Producer", (MemoryProducer,), {"log_": log})

    app.transport = MemoryTransport(app.conf.broker_consumer, app)
    app.producer_transport = MemoryTransport(app.conf.broker_producer, app)
    return app


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[Any]:
    """The app, starting (a start is over when all is restored), and stopped at the end however it went."""
    starting = asyncio.ensure_future(app.start())
    try:
        yield app
    finally:
        await app.stop()
        await asyncio.wait({starting}, timeout=5)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)


async def until(condition: Any, timeout_s: float = 5.0) -> None:
    """Let the app run until *condition* holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
