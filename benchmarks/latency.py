"""``callwatch bench latency``: from an event to the alert on the topic, with the clock of the wall, under load.

A real worker judges a steady load on its own queues; beside it probes go onto the log. A probe *by event* is the caller
who makes a queue one too many: what counts is the time from handing the event to the producer until a reader of
``alerts`` has it. A probe *by time* is a caller who waits too long: what counts is the time from the moment at which
the wait passes its limit. Up to 100 ms of both is the clock, which the owner of a partition appends ten times a second.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import confluent_kafka

from benchmarks import machine
from benchmarks.takeover import Crew
from callwatch.stack import EmbeddedStack
from models.encode import encode_event
from models.errors import UsageError, WorkError
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import ALERTS, EVENTS, topic_name
from streams.broker import create_topics

RATES: Final = (1_000, 5_000, 10_000, 50_000)
#: Load before the first probe, for kernels and caches to be warm.
WARM_S: Final = 5.0
#: Between two probes: they come at any place between two clocks.
PROBE_EVERY_S: Final = 0.103
#: How long the caller of a probe by time waits.
WAIT_MS: Final = 2_000
#: After the last probe: what has not come by then counts as lost.
LAST_S: Final = 10.0
#: Between two batches of load.
BEAT_S: Final = 0.02
START_S: Final = 600.0
KINDS: Final = ("event", "time")
GOAL_MS: Final = 250.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: *seconds* of probes at each of *rates* (events a second)."""

    rates: tuple[int, ...] = RATES
    seconds: float = 30.0
    queues: int = 200
    partitions: int = 4
    bootstrap: str = ""  #: a broker that runs already; else an embedded one

    def __post_init__(self) -> None:
        if not self.rates or min(self.rates) < 1:
            raise UsageError("--rate: events a second, at least 1.")
        if self.seconds < 1:
            raise UsageError(f"--seconds {self.seconds:g}: give at least 1.")


@dataclass(slots=True)
class Reader:
    """Follows ``alerts`` in a thread of its own, and notes when the first alert of each queue came."""

    kafka: KafkaSettings
    came_s: dict[str, float] = field(default_factory=dict)  #: queue -> epoch s
    ready: threading.Event = field(default_factory=threading.Event)
    _end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Follow until `stop`."""
        options = {"bootstrap.servers": self.kafka.bootstrap, "group.id": "latency", "enable.auto.commit": False}
        consumer = confluent_kafka.Consumer({**options, "fetch.wait.max.ms": 500, "fetch.min.bytes": 1})
        topic = topic_name(self.kafka.prefix, ALERTS)
        consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(self.kafka.partitions)])
        self.ready.set()
        while not self._end.is_set():
            record = consumer.poll(0.1)
            now_s = time.time()
            if record is not None and record.error() is None and (key := record.key()) is not None:
                self.came_s.setdefault(key.decode(), now_s)
        consumer.close()

    def stop(self) -> None:
        """End `run`."""
        self._end.set()


def load(bootstrap: str, topic: str, plan: Plan, rate: int, end: Any, sent: Any) -> None:
    """A process of its own: calls at *rate* events a second with the times of the wall, until *end*. Counts in *sent*.

    What it cannot send in time it does not make up for: the rate that was reached is told.
    """
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "acks": "1"})
    queues = [f"load/queue{n:03d}" for n in range(plan.queues)]
    homes, names = [partition_of(queue, plan.partitions) for queue in queues], [q.encode() for q in queues]
    number, due_s = 0, time.monotonic()
    calls = max(1, int(rate * BEAT_S / 2))
    while not end.is_set():
        now_ms = int(time.time() * 1_000)
        for _ in range(calls):
            at = number % plan.queues
            base = b'"source":"load","queue":"%b","call":"c%d","ts":%d' % (names[at], number, now_ms)
            producer.produce(topic, b'{"id":"%do","type":"call.offered",%b}' % (number, base), None, homes[at])
            answer = b'{"id":"%da","type":"call.answered","wait_ms":1000,%b}' % (number, base)
            producer.produce(topic, answer, None, homes[at])
            number += 1
        sent.value = number * 2
        producer.poll(0)
        due_s = max(due_s + BEAT_S, time.monotonic())
        end.wait(max(0.0, due_s - time.monotonic()))
    producer.flush(10)


class Prober:
    """Sends probes, each to a queue of its own, and knows from when on each of them counts."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.due_s: dict[str, float] = {}  #: queue -> epoch s
        self._kafka = kafka
        self._number = 0
        self._producer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 0, "acks": "1"})

    def send(self, kind: str) -> None:
        """One probe of *kind*."""
        self._number += 1
        queue = f"{kind}/probe{self._number}"
        now_s = time.time()
        now_ms = int(now_s * 1_000)
        self.due_s[queue] = now_s if kind == "event" else (now_ms + WAIT_MS) / 1_000
        event = {"source": "probe", "type": "call.offered", "queue": queue, "ts": now_ms, "call": f"{queue}-1"}
        topic = topic_name(self._kafka.prefix, EVENTS)
        partition = partition_of(queue, self._kafka.partitions)
        self._producer.produce(topic, encode_event({**event, "id": queue}), None, partition)
        self._producer.flush(5)


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when the worker fails."""
    before = machine.load()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callwatch-latency-")))
        server = stack.enter_context(EmbeddedStack(broker=not plan.bootstrap))
        kafka = KafkaSettings(
            bootstrap=plan.bootstrap or server.bootstrap,
            prefix=f"latency{int(time.time())}-",
            partitions=plan.partitions,
        )
        asyncio.run(create_topics(kafka))
        crew = Crew(_settings(kafka, server.valkey_url, folder), folder)
        stack.callback(crew.stop)
        crew.do("start")
        reader, prober = Reader(kafka), Prober(kafka)
        work = threading.Thread(target=reader.run)
        work.start()
        stack.callback(work.join, 10.0)
        stack.callback(reader.stop)
        _first(prober, reader, crew)
        found = [_at(plan, kafka, rate, prober, reader, crew, say) for rate in plan.rates]
    return _results(plan, found, before)


def _settings(kafka: KafkaSettings, valkey_url: str, folder: Path) -> Path:
    path = folder / "settings.toml"
    rule = (
        '[[rule]]\nid = "{}"\nmetric = "{}"\nwindow = "now"\npattern = "{}/*"\nlimit{} = {}\nseverity = 2\nhold_s = 0\n'
    )
    path.write_text(
        f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = {kafka.partitions}\n'
        f'[valkey]\nurl = "{valkey_url}"\n[worker]\nclock = "wall"\n'
        + rule.format("by-event", "waiting", "event", "", 0)
        + rule.format("by-time", "longest_wait_ms", "time", "_s", WAIT_MS // 1_000)
        + rule.format("load", "waiting", "load", "", 1_000_000),
        encoding="utf-8",
    )
    return path


def _first(prober: Prober, reader: Reader, crew: Crew) -> None:
    """Wait until a probe is answered at all: the group is made, the kernels are there."""
    deadline = time.monotonic() + START_S
    reader.ready.wait(10.0)
    prober.send("event")
    while not reader.came_s:
        crew.check()
        if time.monotonic() > deadline:
            raise WorkError(f"No alert came within {START_S:.0f} s of the first event.")
        time.sleep(0.05)
    prober.due_s.clear()
    reader.came_s.clear()


def _at(plan: Plan, kafka: KafkaSettings, rate: int, prober: Prober, reader: Reader, crew: Crew, say: Say) -> Any:
    """Probe under a load of *rate* events a second."""
    say(f"{rate:,} events a second")
    context = multiprocessing.get_context("spawn")
    end, sent = context.Event(), context.Value("q", 0, lock=False)
    given = (kafka.bootstrap, topic_name(kafka.prefix, EVENTS), plan, rate, end, sent)
    loader = context.Process(target=load, args=given, daemon=True)
    prober.due_s.clear()
    reader.came_s.clear()
    loader.start()
    try:
        while sent.value == 0:
            time.sleep(0.05)
        time.sleep(WARM_S)
        begun_s, had = time.monotonic(), sent.value
        number = 0
        while (now_s := time.monotonic()) < begun_s + plan.seconds:
            prober.send(KINDS[number % 2])
            number += 1
            time.sleep(max(0.0, PROBE_EVERY_S - (time.monotonic() - now_s)))
            crew.check()
        reached = (sent.value - had) / (time.monotonic() - begun_s)
        _wait(prober, reader)
    finally:
        end.set()
        loader.join(20)
    return {"rate": rate, "reached_per_s": round(reached)} | {kind: _told(kind, prober, reader) for kind in KINDS}


def _wait(prober: Prober, reader: Reader) -> None:
    deadline = time.monotonic() + LAST_S
    while prober.due_s.keys() - reader.came_s.keys() and time.monotonic() < deadline:
        time.sleep(0.05)


def _told(kind: str, prober: Prober, reader: Reader) -> dict[str, Any]:
    due = {queue: at for queue, at in prober.due_s.items() if queue.startswith(f"{kind}/")}
    took = sorted((reader.came_s[queue] - at) * 1_000 for queue, at in due.items() if queue in reader.came_s)
    return {
        "probes": len(due),
        "lost": len(due) - len(took),
        **{name: round(rank(took, share), 1) for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0))},
    }


def rank(values: list[float], share: float) -> float:
    """The value of rank ceil(share n) of the sorted *values*; NaN without any."""
    if not values:
        return float("nan")
    return values[max(0, -(-int(share * 1_000) * len(values) // 1_000) - 1)]


def _results(plan: Plan, found: list[dict[str, Any]], load_before: float) -> dict[str, Any]:
    return {
        "benchmark": "latency",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": load_before, "after": machine.load()},
        "broker": "Apache Kafka or what else was named" if plan.bootstrap else "embedded",
        "seconds": plan.seconds,
        "queues": plan.queues,
        "partitions": plan.partitions,
        "goal_ms": GOAL_MS,
        "rates": found,
    }
