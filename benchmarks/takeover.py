"""``callwatch bench takeover``: how long queues are dark when workers come, go in order, and are killed under load.

Several real workers share the partitions of one topic, with the wall clock, under a steady load. What a reader sees is
measured: a partition is *dark* at a moment for as long as the newest figures that have arrived are old (the stream
time of the newest row of ``metrics``). With all well that is one to two seconds, for rows are written every second.

Held against it: after a death nobody can know of it before the session timeout; the others hear of it with their next
heartbeat, and the new owner restores. So no queue may be dark for longer than session timeout + heartbeat + restore +
the two seconds of a row. The embedded broker lets a group wait for half the rebalance timeout more.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
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
import orjson

from benchmarks import machine
from callwatch.children import stop_child
from callwatch.stack import EmbeddedStack, ending_with_us
from models.broker_access import client_options
from models.encode import encode_event
from models.errors import UsageError, WorkError
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import EVENTS, METRICS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics

#: What is done, one after the other: at most three workers run at a time, and every way of coming and going is in it.
STEPS: Final = ("start", "start", "kill", "start", "start", "stop", "kill", "start", "kill", "start")
#: Rows of figures are written every second, and of a queue where nothing happens every other.
ROW_S: Final = 2.0
#: The first figures of all: kernels are loaded or compiled, the group is made.
START_S: Final = 600.0
#: Between two batches of load.
BEAT_S: Final = 0.05
#: Stopping a worker in order: its last snapshots.
STOP_S: Final = 25.0
_RESTORED: Final = re.compile(rb"partition (\d+) restored in ([\d.]+) s")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. *pause_s*: between two steps, besides the time until all is bright again."""

    partitions: int = 6
    queues: int = 120
    events_per_s: int = 2_000
    session_s: float = 6.0
    rebalance_s: float = 5.0
    heartbeat_s: float = 1.0
    pause_s: float = 5.0
    steps: tuple[str, ...] = STEPS
    bootstrap: str = ""  #: a broker that runs already; else an embedded one

    def __post_init__(self) -> None:
        if self.heartbeat_s * 3 > self.session_s:
            raise UsageError(f"--session-timeout {self.session_s:g}: give at least three heartbeats.")
        alive = 0
        for step in self.steps:
            alive += 1 if step == "start" else -1
            if alive < 1:
                raise UsageError(f"The steps {', '.join(self.steps)} leave no worker.")


@dataclass(slots=True)
class Watcher:
    """Follows the topics from outside, in a thread of its own: when was which partition last seen alive?"""

    kafka: KafkaSettings
    seen: dict[int, float] = field(default_factory=dict)  #: partition -> stream time of its newest row, epoch s
    worst: dict[int, float] = field(default_factory=dict)  #: partition -> longest dark since `begin`, s
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Follow until `stop`."""
        options = {"bootstrap.servers": self.kafka.bootstrap, "group.id": "takeover", "enable.auto.commit": False}
        consumer = confluent_kafka.Consumer({**options, "fetch.wait.max.ms": 20})
        topic = topic_name(self.kafka.prefix, METRICS)
        consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(self.kafka.partitions)])
        while not self._end.is_set():
            for record in consumer.consume(200, 0.05):
                if record.error() is None and record.value() is not None:
                    self._row(record.partition(), orjson.loads(record.value())["at_ms"] / 1_000)
            self._look()
        consumer.close()

    def _row(self, partition: int, at_s: float) -> None:
        with self._lock:
            self._note(partition)  # just before this row came it was darkest
            self.seen[partition] = max(at_s, self.seen.get(partition, at_s))

    def _look(self) -> None:
        with self._lock:
            for partition in self.seen:
                self._note(partition)

    def _note(self, partition: int) -> None:
        if partition in self.seen:
            self.worst[partition] = max(self.worst.get(partition, 0.0), time.time() - self.seen[partition])

    def begin(self) -> None:
        """A new step: what was dark before does not count."""
        with self._lock:
            self.worst.clear()

    def dark(self) -> float:
        """The longest that a partition is dark now; infinite as long as one was never seen."""
        with self._lock:
            if len(self.seen) < self.kafka.partitions:
                return float("inf")
            return time.time() - min(self.seen.values())

    def stop(self) -> None:
        """End `run`."""
        self._end.set()


def load(kafka: KafkaSettings, plan: Plan, end: threading.Event) -> None:
    """Calls at a steady rate, with the times of the wall, until *end*."""
    queues = [f"site{n % 12}/queue{n}" for n in range(plan.queues)]
    homes = [partition_of(queue, plan.partitions) for queue in queues]
    number, due_s = 0, time.monotonic()
    with KafkaSink(client_options(kafka), topic_name(kafka.prefix, EVENTS), compression=None) as sink:
        while not end.is_set():
            now_ms = int(time.time() * 1_000)
            for _ in range(max(1, int(plan.events_per_s * BEAT_S / 2))):
                at = number % plan.queues
                call = {"source": "load", "queue": queues[at], "call": f"c{number}", "ts": now_ms}
                sink.send(homes[at], None, encode_event({**call, "id": f"{number}o", "type": "call.offered"}))
                answered = {**call, "id": f"{number}a", "type": "call.answered", "wait_ms": 1_000}
                sink.send(homes[at], None, encode_event(answered))
                number += 1
            sink.flush()
            due_s = max(due_s + BEAT_S, time.monotonic())
            end.wait(due_s - time.monotonic())


class Crew:
    """The worker processes of the benchmark."""

    def __init__(self, settings: Path, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self._logs: list[Path] = []
        self._read = 0
        self.running: list[subprocess.Popen[bytes]] = []

    def do(self, step: str) -> None:
        """Start a worker, or end the one that has run longest: in order (``stop``) or with SIGKILL (``kill``)."""
        if step == "start":
            self._start()
            return
        worker = self.running.pop(0)
        if step == "kill":
            worker.kill()
            worker.wait()
        else:
            stop_child(worker, STOP_S)

    def _start(self) -> None:
        log = self._folder / f"worker{len(self._logs)}.log"
        ready = log.with_suffix(".ready")
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(self._settings)]
        command += ["--loglevel", "INFO", "--ready", str(ready)]
        with log.open("wb") as out:
            worker = subprocess.Popen(ending_with_us(command), cwd=machine.ROOT, stdout=out, stderr=out)
        self._logs.append(log)
        self.running.append(worker)
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if worker.poll() is not None or time.monotonic() > deadline:
                raise WorkError(f"A worker does not start: {log.read_text(errors='replace')[-1000:]}")
            time.sleep(0.02)

    def restores(self) -> list[float]:
        """Seconds of each restore so far, of all workers that ever ran."""
        return [float(found[2]) for log in self._logs for found in _RESTORED.finditer(log.read_bytes())]

    def check(self) -> None:
        """Raise WorkError if a worker has ended by itself."""
        for worker in self.running:
            if worker.poll() is not None:
                raise WorkError(f"A worker ended by itself with exit code {worker.returncode}; see {self._folder}.")

    def stop(self) -> None:
        """End all."""
        for worker in self.running:
            stop_child(worker, STOP_S)


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a worker fails."""
    before = machine.load()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callwatch-takeover-")))
        server = stack.enter_context(EmbeddedStack(broker=not plan.bootstrap))
        kafka = KafkaSettings(
            bootstrap=plan.bootstrap or server.bootstrap,
            prefix=f"takeover{int(time.time())}-",
            partitions=plan.partitions,
        )
        asyncio.run(create_topics(kafka))
        crew = Crew(_settings(plan, kafka, server.valkey_url, folder), folder)
        stack.callback(crew.stop)
        watcher, end = Watcher(kafka), threading.Event()
        for work in (threading.Thread(target=load, args=(kafka, plan, end)), threading.Thread(target=watcher.run)):
            work.start()
            stack.callback(work.join, 10.0)
        stack.callback(watcher.stop)
        stack.callback(end.set)
        steps = [_step(plan, step, crew, watcher, say) for step in plan.steps]
    return _results(plan, steps, before)


def _settings(plan: Plan, kafka: KafkaSettings, valkey_url: str, folder: Path) -> Path:
    path = folder / "settings.toml"
    path.write_text(
        f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = {plan.partitions}\n'
        f"session_timeout_s = {plan.session_s}\nrebalance_timeout_s = {plan.rebalance_s}\n"
        f'heartbeat_s = {plan.heartbeat_s}\n[valkey]\nurl = "{valkey_url}"\n[worker]\nclock = "wall"\n',
        encoding="utf-8",
    )
    return path


def _step(plan: Plan, step: str, crew: Crew, watcher: Watcher, say: Say) -> dict[str, Any]:
    """Do *step*, wait until all is bright again and for the pause, and tell how long each partition was dark."""
    had, workers = len(crew.restores()), len(crew.running)
    watcher.begin()
    crew.do(step)
    begun_s = time.monotonic()
    while (dark_s := watcher.dark()) > ROW_S + 1.0 or time.monotonic() - begun_s < plan.session_s + plan.pause_s:
        crew.check()
        time.sleep(0.1)
        if time.monotonic() - begun_s > START_S:
            raise WorkError(f"After '{step}' a partition has been dark for {dark_s:.0f} s: its queues are not watched.")
    dark = {str(p): round(s, 2) for p, s in sorted(watcher.worst.items())}
    restores = crew.restores()[had:]
    result = {
        "step": step,
        "workers": [workers, len(crew.running)],
        "dark_s": dark,
        "worst_s": max(dark.values()),
        "restores": len(restores),
        "restore_s": round(max(restores, default=0.0), 3),
    }
    say(f"{step}: {workers} to {len(crew.running)} workers, dark for {result['worst_s']:.1f} s at most")
    return result


def _results(plan: Plan, steps: list[dict[str, Any]], load_before: float) -> dict[str, Any]:
    restore_s = max(step["restore_s"] for step in steps)
    meeting_s = plan.heartbeat_s + (0.0 if plan.bootstrap else plan.rebalance_s / 2)
    bound_s = round(plan.session_s + meeting_s + restore_s + ROW_S, 2)
    by_step = {kind: [s["worst_s"] for s in steps[1:] if s["step"] == kind] for kind in ("start", "stop", "kill")}
    return {
        "benchmark": "takeover",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": load_before, "after": machine.load()},
        "broker": "Apache Kafka or what else was named" if plan.bootstrap else "embedded",
        **{name: getattr(plan, name) for name in ("partitions", "queues", "events_per_s", "session_s", "heartbeat_s")},
        "restore_s": restore_s,
        "meeting_s": meeting_s,
        "bound_s": bound_s,
        "worst_s": {kind: max(found) for kind, found in by_step.items() if found},
        "held": all(found <= bound_s for many in by_step.values() for found in many),
        "steps": steps,
    }
