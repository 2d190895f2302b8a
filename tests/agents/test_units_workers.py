"""Two workers on a real broker, one of them killed: their units say what one process says of the same calls."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from callwatch.settings import parse_settings
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.runtime import KafkaSettings
from models.topics import ANOMALIES, EVENTS, METRICS, WORKORDERS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics, read_partition
from tests.agents.unit_world import JUDGED, PARTITIONS, World, catalogue, commands, feeds, with_commands

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
SETTINGS = """
[worker]
clock = "log"
snapshot_every_s = 0.5
fetch_max_records = 100
[limits]
storm_queues = 0
[[site]]
name = "ash"
zone = "Asia/Shanghai"
region = "east"
[[site]]
name = "birch"
zone = "Asia/Shanghai"
region = "east"
[[site]]
name = "cedar"
hours = ["daily 08:00-18:00"]
[[queue]]
pattern = "*"
threshold_s = 10
short_s = 2
department = "floor"
[[rule]]
id = "queue-longest"
metric = "longest_wait_ms"
window = "now"
limit_s = 40
target_s = 30
hold_s = 0
recover_hold_s = 10
[[rule]]
id = "unit-lost"
of = "units"
metric = "abandonment_rate"
window = "1m"
limit = 0.3
target = 0.2
severity = 2
min_sample = 5
hold_s = 0
recover_hold_s = 10
[[rule]]
id = "unit-waiting"
of = "units"
metric = "waiting_past_threshold"
window = "now"
limit = 2
target = 1
hold_s = 5
recover_hold_s = 10
[[rule]]
id = "all-level"
of = "units"
pattern = "[*]"
metric = "service_level"
window = "5m"
limit = 0.5
target = 0.6
severity = 4
min_sample = 20
recover_hold_s = 10
[[department]]
name = "floor"
title = "Floor"
[[person]]
id = "ann"
name = "Ann"
department = "floor"
tier = "group_leader"
[[person]]
id = "bo"
name = "Bo"
department = "floor"
tier = "team_leader"
"""


class Site:
    """Topics of one test and the workers on them."""

    def __init__(self, kafka: KafkaSettings, folder: Path, valkey_url: str) -> None:
        self.kafka, self.folder = kafka, folder
        self.workers: list[subprocess.Popen[bytes]] = []
        where = f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = {PARTITIONS}\n'
        (folder / "settings.toml").write_text(f'{SETTINGS}{where}[valkey]\nurl = "{valkey_url}"\n', encoding="utf-8")

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(self.folder / "settings.toml")]
        with (self.folder / f"worker{len(self.workers)}.log").open("wb") as log:
            self.workers.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=dict(os.environ)))
        return self.workers[-1]

    def fill(self, logs: list[list[bytes]]) -> None:
        with KafkaSink(client_options(self.kafka), topic_name(self.kafka.prefix, EVENTS)) as sink:
            for p, log in enumerate(logs):
                for value in log:
                    sink.send(p, None, value)

    async def _rows(self, topic: str, p: int) -> list[dict[str, Any]]:
        name = topic_name(self.kafka.prefix, topic)
        return [
            orjson.loads(v) async for rows in read_partition(self.kafka, name, p) for _, _, v in rows if v is not None
        ]

    def rows(self, topic: str) -> list[dict[str, Any]]:
        return [row for p in range(PARTITIONS) for row in asyncio.run(self._rows(topic, p))]

    def judged(self) -> dict[tuple[int, str], list[dict[str, Any]]]:
        """What was said of units, each ``pos`` once and without it."""
        out: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for p in range(PARTITIONS):
            for topic in JUDGED:
                once: dict[tuple[int, ...], dict[str, Any]] = {}
                for row in asyncio.run(self._rows(topic, p)):
                    assert once.setdefault(tuple(row["pos"]), row) == row
                if said := [row for row in once.values() if row["queue"].endswith("*")]:
                    out[(p, topic)] = [{k: v for k, v in row.items() if k != "pos"} for row in said]
        return out

    def figures(self) -> dict[str, dict[str, Any]]:
        """The last figures told of each unit."""
        return {row["queue"]: row for row in self.rows(METRICS) if row.get("members")}

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 90
        while not condition():
            assert time.monotonic() < deadline, f"not in 90 s: {what}; see {self.folder}"
            assert self.workers[-1].poll() is None, f"the second worker ended; see {self.folder}"
            time.sleep(0.3)


@pytest.fixture
def site(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> Iterator[Site]:
    kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(create_topics(kafka))
    made = Site(kafka, tmp_path, stack.valkey_url)
    yield made
    for worker in made.workers:
        if worker.poll() is None:
            worker.kill()
        worker.wait()


def test_a_worker_killed_under_units_changes_nothing_of_what_they_say(site: Site) -> None:
    assert parse_settings(SETTINGS, "s.toml", {}).catalogue == catalogue()
    plain = feeds(5, minutes=8)
    first = World(plain, catalogue(), random.Random(0))
    first.run()
    given = with_commands(plain, commands(5, [r for records in first.outputs.values() for r in records]))
    world = World(given, catalogue(), random.Random(1))
    world.run()
    expected = world.judged()
    assert {topic for _, topic in expected} >= {ANOMALIES, WORKORDERS}
    doomed = site.start()
    site.start()
    half = [len(log) // 2 for log in given]
    site.fill([log[:end] for log, end in zip(given, half, strict=True)])
    some = sum(map(len, expected.values())) // 5
    site.until(lambda: sum(map(len, site.judged().values())) >= some, "units of the first half")
    doomed.kill()
    site.fill([log[end:] for log, end in zip(given, half, strict=True)])
    site.until(lambda: sum(map(len, site.judged().values())) >= sum(map(len, expected.values())), "all that units say")
    assert site.judged() == expected
    # figures are told by the worker's own clock, a second or two behind what it judges
    named = {"*", "ash/*", "birch/*", "cedar/*", "east/*"}
    site.until(lambda: named <= site.figures().keys(), "figures of every unit")
    site.until(lambda: site.figures()["*"]["members"] == 12, "figures of every queue in the unit of all")
