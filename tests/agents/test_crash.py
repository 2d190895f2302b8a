"""Workers on a real broker, killed with -9 and rebalanced: their outputs equal those of the log applied in one go."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.catalogue import Rule
from models.runtime import KafkaSettings
from models.topics import DEAD_LETTERS, EVENTS, METRICS, OUTPUT_TOPICS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics, read_partition
from tests.agents.logs import Log, catalogue, morning, run

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

PARTITIONS = 2
ROOT = Path(__file__).parents[2]
#: topic and partition -> payloads in order
Outputs = dict[tuple[str, int], list[bytes]]


#: What partitions hear of each other depends on who reads first (`tests/agents/test_storms.py` and `test_units.py` have
#: that): no storms, and of units a rule that none breaks in place of the default ones.
NONE = Rule("none", "offered", "15m", limit=1_000_000, target=1_000_000, below=False, of="units")
APART = replace(
    catalogue(),
    limits=replace(catalogue().limits, storm_queues=0),
    rules=(*(rule for rule in catalogue().rules if rule.of == "queues"), NONE),
)
NONE_WRITTEN = 'id = "none"\nof = "units"\nmetric = "offered"\nwindow = "15m"\nbreach = "above"\nlimit = 1000000\n'


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Log]:
    return morning(tmp_path_factory.mktemp("morning"), PARTITIONS)


@pytest.fixture(scope="module")
def expected(logs: dict[int, Log]) -> Outputs:
    """What an uninterrupted run causes."""
    out: Outputs = {(t, p): [] for t in (*OUTPUT_TOPICS, DEAD_LETTERS) for p in range(PARTITIONS)}
    for p, log in logs.items():
        for record in run(PartitionActor(p, PARTITIONS, APART), log):
            out[(record.topic, p)].append(record.value)
    return out


class Site:
    """Topics of one test, workers on them, and what they have written."""

    def __init__(self, kafka: KafkaSettings, folder: Path, valkey_url: str) -> None:
        self.kafka = kafka
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        demo = (ROOT / "callwatch" / "demo" / "demo.toml").read_text(encoding="utf-8")
        where = f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = {PARTITIONS}\n'
        slow = 'clock = "log"\nsnapshot_every_s = 0.3\nfetch_max_records = 200\n'
        text = demo.replace('clock = "log"', slow, 1) + where + f'[valkey]\nurl = "{valkey_url}"\n'
        text += f"[limits]\nstorm_queues = 0\n[[rule]]\n{NONE_WRITTEN}"
        self.settings = folder / "settings.toml"
        self.settings.write_text(text, encoding="utf-8")

    def fill(self, logs: dict[int, Log]) -> None:
        with KafkaSink(client_options(self.kafka), topic_name(self.kafka.prefix, EVENTS)) as sink:
            for p, log in logs.items():
                for value in log:
                    sink.send(p, None, value or b"")

    def start(self) -> subprocess.Popen[bytes]:
        log = (self.folder / f"worker{len(self.workers)}.log").open("wb")
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(self.settings)]
        worker = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=dict(os.environ))
        log.close()
        self.workers.append(worker)
        return worker

    def raw(self) -> Outputs:
        return asyncio.run(self._read())

    async def _read(self) -> Outputs:
        out: Outputs = {}
        for topic in (*OUTPUT_TOPICS, DEAD_LETTERS):
            for p in range(PARTITIONS):
                out[(topic, p)] = []
                async for rows in read_partition(self.kafka, topic_name(self.kafka.prefix, topic), p):
                    out[(topic, p)] += [value for _, _, value in rows if value is not None]
        return out

    def count(self) -> int:
        return sum(map(len, self.raw().values()))

    def shown(self) -> int:
        """Rows of figures written so far: a worker writes some each second once it has restored."""
        return asyncio.run(self._count(METRICS))

    async def _count(self, topic: str) -> int:
        rows = 0
        for p in range(PARTITIONS):
            async for part in read_partition(self.kafka, topic_name(self.kafka.prefix, topic), p):
                rows += len(part)
        return rows

    def shows_more_than(self, rows: int) -> bool:
        return self.shown() > rows

    def has(self, outputs: float) -> bool:
        return self.count() >= outputs

    def wait_for(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}; see {self.folder}"
            time.sleep(0.2)

    def stop(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()


@pytest.fixture
def site(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> Iterator[Site]:
    kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(create_topics(kafka))
    made = Site(kafka, tmp_path, stack.valkey_url)
    yield made
    made.stop()


def once(values: list[bytes], topic: str) -> list[bytes]:
    """*values* as our readers take them: a ``pos`` that was seen is dropped; it must have been the same then."""
    seen: dict[tuple[Any, ...], bytes] = {}
    for value in values:
        payload = orjson.loads(value)
        pos = (payload["offset"],) if topic == DEAD_LETTERS else tuple(payload["pos"])
        assert seen.setdefault(pos, value) == value, f"{topic}: two different records at {pos}"
    return list(seen.values())


def assert_equal(site: Site, expected: Outputs) -> None:
    raw = site.raw()
    for (topic, p), want in expected.items():
        got = once(raw[(topic, p)], topic)
        assert len(got) == len(want), (topic, p)
        assert got == want, (topic, p)


def caused(site: Site) -> Outputs:
    """What the log as it lies on the broker causes: workers have put what their units add up to between the events."""

    async def read() -> dict[int, Log]:
        topic = topic_name(site.kafka.prefix, EVENTS)
        return {
            p: [value async for rows in read_partition(site.kafka, topic, p) for _, _, value in rows]
            for p in range(PARTITIONS)
        }

    out: Outputs = {(t, p): [] for t in (*OUTPUT_TOPICS, DEAD_LETTERS) for p in range(PARTITIONS)}
    for p, log in asyncio.run(read()).items():
        for record in run(PartitionActor(p, PARTITIONS, APART), log):
            if record.topic != EVENTS:
                out[(record.topic, p)].append(record.value)
    return out


def whole(site: Site, expected: Outputs) -> bool:
    raw = site.raw()
    return all(len(once(raw[key], key[0])) >= len(want) for key, want in expected.items())


@pytest.mark.crash  # long: with the crash harness
def test_killed_mid_stream_three_times(site: Site, logs: dict[int, Log], expected: Outputs) -> None:
    site.fill(logs)
    total = sum(map(len, expected.values()))
    for part in (0.15, 0.4, 0.7):
        worker = site.start()
        site.wait_for(partial(site.has, part * total), 120, f"{part:.0%} of the outputs")
        worker.kill()
        worker.wait()
    last = site.start()
    site.wait_for(lambda: whole(site, expected), 120, "all outputs")
    last.terminate()
    assert last.wait(20) == 0
    assert_equal(site, expected)


def test_two_workers_a_rebalance_and_a_death(site: Site, logs: dict[int, Log], expected: Outputs) -> None:
    half = {p: log[: len(log) // 2] for p, log in logs.items()}
    site.fill(half)
    first = site.start()
    site.wait_for(lambda: site.count() > 0, 120, "the first worker's outputs")
    second = site.start()  # joins while the first works: a rebalance
    third = {p: log[len(log) // 2 : len(log) * 3 // 4] for p, log in logs.items()}
    site.fill(third)
    before = site.count()
    site.wait_for(lambda: site.count() > before + 20, 120, "outputs after the rebalance")
    first.kill()
    first.wait()
    site.fill({p: log[len(log) * 3 // 4 :] for p, log in logs.items()})
    site.wait_for(lambda: whole(site, expected), 120, "all outputs from the survivor")
    second.terminate()
    assert second.wait(20) == 0
    assert_equal(site, caused(site))  # later parts lie at other offsets than in `expected`
    assert {key: len(values) for key, values in caused(site).items()} == {k: len(v) for k, v in expected.items()}


@pytest.mark.crash  # long: with the crash harness
def test_started_again_when_all_is_done_it_repeats_nothing(site: Site, logs: dict[int, Log], expected: Outputs) -> None:
    site.fill(logs)
    for _ in range(2):
        shown = site.shown()
        worker = site.start()
        site.wait_for(lambda: whole(site, expected), 120, "all outputs")
        site.wait_for(partial(site.shows_more_than, shown), 120, "figures after its restore")
        worker.terminate()
        assert worker.wait(20) == 0
    assert {key: len(values) for key, values in site.raw().items()} == {k: len(v) for k, v in expected.items()}


def test_another_number_of_partitions_is_refused_with_the_way_out(site: Site, logs: dict[int, Log]) -> None:
    site.settings.write_text(site.settings.read_text().replace(f"partitions = {PARTITIONS}", "partitions = 3"))
    worker = site.start()
    assert worker.wait(120) != 0
    said = (site.folder / "worker0.log").read_text()
    assert "partitions" in said
    assert "prefix" in said
