"""``callwatch bench throughput``: events a second of the worker with the whole job on, beside three yardsticks.

Every round starts an embedded broker, preloads one topic, and lets the contenders work through it one after the other,
each as a process of its own. Rounds interleave them, so that a busy minute of the machine hits all; of several rounds
each contender's median counts.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median_low
from typing import Any, Final, Literal

import orjson

from benchmarks import machine, together
from benchmarks.job import Job
from benchmarks.stream import Shape, Stream, make_stream
from callwatch.children import stop_child
from callwatch.stack import MEMORY_LIMIT_BYTES, EmbeddedStack, ending_with_us
from models.broker_access import client_options
from models.errors import UsageError, WorkError
from models.runtime import KafkaSettings
from models.topics import EVENTS, INTERVALS
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics, read_partition

#: In this order in every round; plain Faust is the last.
CONTENDERS: Final = ("librdkafka", "aiokafka", "callwatch", "faust")
#: What a record takes in the broker's memory: 160 bytes of value, its key and framing.
RECORD_BYTES: Final = 250
#: Plain Faust does some thousands of events a second: it is given these many of the topic.
FAUST_EVENTS: Final = 100_000
DEFAULT_EVENTS: Final = 2_000_000
SMOKE_EVENTS: Final = 50_000
SMOKE_FAUST_EVENTS: Final = 5_000
#: The slowest that a contender may be before it counts as hung, beside the start: joining a group, compiling kernels.
START_S: Final = 180.0
SLOWEST_PER_S: Final = 500
#: Between SIGTERM and SIGKILL: a worker takes a last snapshot.
STOP_S: Final = 20.0

Say = Callable[[str], None]
Counts = dict[str, dict[str, int]]
#: How the records are compressed on the broker. Plain Faust is measured without: its own work hides it.
Codec = Literal["none", "zstd"]
CODECS: Final[tuple[Codec, ...]] = ("none", "zstd")
WORKERS: Final = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: a stream, how many rounds with each of *codecs*, how many events plain Faust is given, and in
    which numbers workers share the log (none: not measured)."""

    shape: Shape
    runs: int = 1
    faust_events: int = FAUST_EVENTS
    codecs: tuple[Codec, ...] = CODECS
    workers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.codecs or set(self.codecs) - set(CODECS):
            raise UsageError(f"--codec: one or more of {', '.join(CODECS)}.")
        if any(not 1 <= n <= self.shape.partitions for n in self.workers):
            raise UsageError(f"--workers: each has 1 to {self.shape.partitions} partitions to share (--partitions).")
        if not 1 <= self.runs <= 100:
            raise UsageError(f"--runs {self.runs}: give 1 to 100.")
        needed = self.shape.events * RECORD_BYTES
        if needed > MEMORY_LIMIT_BYTES:
            raise UsageError(
                f"--events {self.shape.events}: the embedded broker keeps its log in memory, which would be some "
                f"{needed >> 20} MiB of at most {MEMORY_LIMIT_BYTES >> 20}. Give at most "
                f"{MEMORY_LIMIT_BYTES // RECORD_BYTES}."
            )


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a contender fails."""
    load = machine.load()
    say(f"making {plan.shape.events:,} events (seed {plan.shape.seed})")
    stream = make_stream(plan.shape)
    measured = {codec: _rounds(plan, stream, codec, say) for codec in plan.codecs}
    first = plan.codecs[0]
    return {
        "benchmark": "throughput",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": load, "after": machine.load()},
        "events": plan.shape.events,
        "queues": plan.shape.queues,
        "partitions": plan.shape.partitions,
        "seed": plan.shape.seed,
        "runs": plan.runs,
        "codec": first,
        **measured[first],
        "codecs": {codec: one for codec, one in measured.items() if codec != first},
        "workers": _together(plan, stream, say) if plan.workers else {},
    }


def _rounds(plan: Plan, stream: Stream, codec: Codec, say: Say) -> dict[str, Any]:
    """All rounds with records compressed by *codec*: the contenders' medians and what they are to each other."""
    rounds = []
    for n in range(1, plan.runs + 1):
        rounds.append(_round(plan, stream, codec, partial(_say_round, say, n, plan.runs)))
    contenders = {name: _median([results[name] for results in rounds]) for name in rounds[0]}
    rate = {name: result["events_per_s"] for name, result in contenders.items()}
    return {
        "contenders": contenders,
        "ratios": {
            f"callwatch/{name}": round(rate["callwatch"] / rate[name], 3) for name in rate if name != "callwatch"
        },
    }


def _together(plan: Plan, stream: Stream, say: Say) -> dict[str, Any]:
    """Each number of workers on a broker of its own, uncompressed."""
    rates = {}
    for workers in sorted({1, *plan.workers}):
        with tempfile.TemporaryDirectory(prefix="callwatch-bench-") as folder, EmbeddedStack() as stack:
            kafka = KafkaSettings(bootstrap=stack.bootstrap, partitions=plan.shape.partitions)
            job = _job(plan, stack, _preload(kafka, stream, "none"), "")
            rates[workers] = together.race(job, workers, Path(folder))
            say(f"{workers} workers: {rates[workers]['events_per_s']:,} events/s")
            _check(stream.produced(), asyncio.run(_counted(kafka)))
    return together.compared(rates)


def _say_round(say: Say, n: int, runs: int, text: str) -> None:
    say(text if runs == 1 else f"round {n} of {runs}: {text}")


def _round(plan: Plan, stream: Stream, codec: Codec, say: Say) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="callwatch-bench-") as folder, EmbeddedStack() as stack:
        kafka = KafkaSettings(bootstrap=stack.bootstrap, partitions=plan.shape.partitions)
        say(f"preloading the topic (compression: {codec})")
        ends = _preload(kafka, stream, codec)
        results = {}
        for name in CONTENDERS if codec == "none" else CONTENDERS[:-1]:
            say(f"{name} (the broker holds {stack.broker_memory_bytes() >> 20} MiB)")
            job = _job(plan, stack, ends, str(Path(folder, f"{name}.json")))
            results[name] = _contend(name, job, Path(folder))
            say(f"{name}: {results[name]['events_per_s']:,.0f} events/s")
            stack.check()
        _check(stream.produced(), asyncio.run(_counted(kafka)))
        return results


def _job(plan: Plan, stack: EmbeddedStack, ends: tuple[int, ...], output: str) -> Job:
    return Job(
        bootstrap=stack.bootstrap,
        valkey_url=stack.valkey_url,
        topic=EVENTS,
        partitions=plan.shape.partitions,
        ends=ends,
        events=plan.shape.events,
        limit=min(plan.faust_events, plan.shape.events),
        output=output,
    )


def _preload(kafka: KafkaSettings, stream: Stream, codec: Codec) -> tuple[int, ...]:
    """Write the stream's log and return the number of records in each partition."""
    asyncio.run(create_topics(kafka))
    sent = [0] * kafka.partitions
    # Not compressed is a producer's default, and then no contender is measured by its decompression.
    with KafkaSink(client_options(kafka), EVENTS, compression=None if codec == "none" else codec) as sink:
        for partition, key, value in stream.records():
            sink.send(partition, key, value)
            sent[partition] += 1
    return tuple(sent)


def _contend(name: str, job: Job, folder: Path) -> dict[str, Any]:
    """Run one contender to its result, then stop it. Raises WorkError with its last words when there is none."""
    path, output = folder / f"{name}.job", Path(job.output)
    job.write(path)
    command = [sys.executable, "-m", "benchmarks.contenders", name, str(path)]
    limit_s = START_S + job.records / SLOWEST_PER_S
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(
            ending_with_us(command), cwd=machine.ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + limit_s
        while not output.exists():
            ended = child.poll() is not None
            if (ended and not output.exists()) or time.monotonic() > deadline:
                words = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                what = f"ended with exit code {child.returncode}" if ended else f"is not done in {limit_s:.0f} s"
                raise WorkError(f"The contender {name} {what}. Its last words:\n" + "\n".join(words))
            time.sleep(0.05)
    finally:
        stop_child(child, STOP_S)
    result = orjson.loads(output.read_bytes())
    return {"events_per_s": round(result["events"] / result["seconds"]), **result}


async def _counted(kafka: KafkaSettings) -> Counts:
    """What Callwatch counted, by queue: its interval rows in their last revision, summed."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for partition in range(kafka.partitions):
        async for records in read_partition(kafka, INTERVALS, partition):
            for _, _, value in records:
                row = orjson.loads(value or b"{}")
                rows[(row["queue"], row["start_ms"])] = row
    counted: Counts = {}
    for (queue, _), row in rows.items():
        of_queue = counted.setdefault(queue, {"offered": 0, "answered": 0, "abandoned": 0})
        for name in of_queue:
            of_queue[name] += row[name]
    return counted


def _check(produced: Counts, counted: Counts) -> None:
    """Raise WorkError unless every queue's figures are what was produced: a wrong count is no throughput."""
    silent = {"offered": 0, "answered": 0, "abandoned": 0}
    for queue, wanted in produced.items():
        found = counted.get(queue, silent)
        if found != wanted:
            raise WorkError(
                f"Callwatch counted {found} for {queue}, but {wanted} were produced: its figures are wrong, so the "
                "measurement is void. Please report this with the seed and the sizes."
            )


def _median(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The result in the middle by events/s, with the rates of all rounds when there are several."""
    rates = [result["events_per_s"] for result in results]
    middle = results[rates.index(median_low(rates))]
    rounded = {**middle, "seconds": round(middle["seconds"], 3), "cpu_s": round(middle["cpu_s"], 3)}
    return rounded if len(results) == 1 else {**rounded, "all_events_per_s": rates}
