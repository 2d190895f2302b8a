"""``callwatch rules`` and snapshots of other versions, through the real keeper on a real broker."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from typer.testing import CliRunner, Result

from agents.keeper import PartitionKeeper
from callwatch.children import stop_child
from callwatch.cli import build
from callwatch.in_force import InForce
from callwatch.in_force import in_force as in_force_in
from callwatch.settings import parse_settings
from callwatch.stack import EmbeddedStack
from models.errors import CallwatchError, WorkError
from models.runtime import KafkaSettings
from models.settings_record import digest
from models.topics import EVENTS, SNAPSHOTS, topic_name
from streams.broker import create_topics, read_partition
from streams.sending import Sender
from tests.agents.logs import ZONE, Log

pytestmark = pytest.mark.stack

PARTITIONS = 2
ROOT = Path(__file__).parents[2]
TEXT = f"""
[kafka]
partitions = {PARTITIONS}
[[site]]
name = "bank"
zone = "{ZONE}"
[[rule]]
id = "wait"
metric = "longest_wait_ms"
window = "now"
limit_s = 60
"""
TIGHT = TEXT.replace("limit_s = 60", "limit_s = 30")


@pytest.fixture
def kafka(stack: EmbeddedStack, prefix: str) -> KafkaSettings:
    made = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=PARTITIONS)
    asyncio.run(create_topics(made))
    return made


async def owned(
    kafka: KafkaSettings, partition: int, text: str, then: Callable[[PartitionKeeper], Awaitable[Any]]
) -> Any:
    """What *then* gives with the keeper of *partition*, restored, whose file holds *text*."""
    async with Sender(kafka) as send:
        keeper = PartitionKeeper(partition, kafka, parse_settings(text, "settings.toml").catalogue, send)
        start = await keeper.restore()
        async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition, start):
            await keeper.apply([value for _, _, value in rows], [offset for offset, _, _ in rows])
        return await then(keeper)


async def in_force(kafka: KafkaSettings, text: str) -> list[str]:
    async def say(keeper: PartitionKeeper) -> str:
        await keeper.snapshot()
        return keeper.actor.digest

    return [await owned(kafka, partition, text, say) for partition in range(PARTITIONS)]


def put(kafka: KafkaSettings, partition: int, log: Log) -> None:
    async def fill() -> None:
        async with Sender(kafka) as send:
            await send([(topic_name(kafka.prefix, EVENTS), partition, None, value, None) for value in log])

    asyncio.run(fill())


def call(kafka: KafkaSettings, tmp_path: Path, text: str, *args: str) -> Result:
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    where = ["--settings", str(file), "--bootstrap", kafka.bootstrap, "--prefix", kafka.prefix]
    return CliRunner().invoke(build(), ["rules", args[0], *where, *args[1:]])


def digest_of(text: str) -> str:
    return digest(parse_settings(text, "settings.toml").catalogue)


def test_rules_are_applied_to_every_partition_and_shown(kafka: KafkaSettings, tmp_path: Path) -> None:
    assert asyncio.run(in_force(kafka, TEXT)) == [digest_of(TEXT)] * PARTITIONS
    shown = call(kafka, tmp_path, TIGHT, "show")
    assert shown.exit_code == 0
    assert shown.stdout.count("NOT the file's") == PARTITIONS
    applied = call(kafka, tmp_path, TIGHT, "apply")
    assert applied.exit_code == 0, applied.exception
    assert f"{digest_of(TIGHT)} take the place of {digest_of(TEXT)} in 2 of 2" in applied.stdout
    again = call(kafka, tmp_path, TIGHT, "apply")  # it lies in the log, no worker has read it yet
    assert "in force already" in again.stdout
    rows = json.loads(call(kafka, tmp_path, TIGHT, "show", "--json").stdout)["partitions"]
    assert [row["digest"] for row in rows] == [digest_of(TIGHT)] * PARTITIONS
    assert [row["catalogue"]["rules"][0]["limit"] for row in rows] == [30_000.0] * PARTITIONS
    # a worker with the old file reads it where it lies, and goes on with it
    assert asyncio.run(in_force(kafka, TEXT)) == [digest_of(TIGHT)] * PARTITIONS


def test_another_zone_is_refused_before_anything_is_written(kafka: KafkaSettings, tmp_path: Path) -> None:
    queue = next(f"bank/q{n}" for n in range(9) if _home(f"bank/q{n}") == 0)
    clock = {"id": "t", "source": "t", "type": "clock", "ts": 1_772_421_290_000}
    offered = {**clock, "id": "1", "type": "call.offered", "queue": queue, "call": "c"}
    put(kafka, 0, [orjson.dumps(clock), orjson.dumps(offered)])
    asyncio.run(in_force(kafka, TEXT))
    refused = call(kafka, tmp_path, TEXT.replace(ZONE, "Europe/Paris"), "apply")
    assert isinstance(refused.exception, WorkError)
    assert queue in str(refused.exception)
    assert "prefix" in str(refused.exception)
    assert asyncio.run(in_force(kafka, TEXT)) == [digest_of(TEXT)] * PARTITIONS


def _home(queue: str) -> int:
    from models.partition import partition_of

    return partition_of(queue, PARTITIONS)


def test_where_no_worker_ever_ran_and_where_nothing_is_both_are_said(kafka: KafkaSettings, tmp_path: Path) -> None:
    never = call(kafka, tmp_path, TEXT, "show").exception
    assert isinstance(never, CallwatchError)
    assert "No worker has ever had partition 0, 1" in str(never)
    nothing = call(replace(kafka, prefix=f"{kafka.prefix}no-"), tmp_path, TEXT, "apply").exception
    assert isinstance(nothing, CallwatchError)
    assert "is not there" in str(nothing)


def rewritten(kafka: KafkaSettings, kind: str, change: Callable[[bytes], bytes]) -> None:
    """Write each record of *kind* in the snapshots of partition 0 again, as *change* makes it."""

    async def go() -> None:
        topic = topic_name(kafka.prefix, SNAPSHOTS)
        found = {key: value async for rows in read_partition(kafka, topic, 0) for _, key, value in rows}
        async with Sender(kafka) as send:
            for key, value in found.items():
                if value is not None and orjson.loads(key or b"")[0] == kind:
                    await send([(topic, 0, key, change(value), None)])

    asyncio.run(go())


def older_manifest(value: bytes) -> bytes:
    body = orjson.loads(value)
    del body["common"]["catalogue"]
    return orjson.dumps(body | {"version": 1})


def older_queue(value: bytes) -> bytes:
    """Of a queue its version becomes 0; what is kept of units has none of its own."""
    head, _, packed = value.partition(b"\n")
    data = re.sub(rb'"version":\d+', b'"version":0', zstandard.decompress(packed), count=1)
    return head + b"\n" + zstandard.compress(data)


@pytest.mark.parametrize("kind", ["m", "q"])
def test_snapshots_of_an_older_version_are_refused_with_place_versions_and_way_out(
    kafka: KafkaSettings, kind: str
) -> None:
    queue = next(f"bank/q{n}" for n in range(9) if _home(f"bank/q{n}") == 0)
    clock = {"id": "t", "source": "t", "type": "clock", "ts": 1_772_421_290_000}
    offered = {**clock, "id": "1", "type": "call.offered", "queue": queue, "call": "c"}
    put(kafka, 0, [orjson.dumps(clock), orjson.dumps(offered)])
    asyncio.run(in_force(kafka, TEXT))
    rewritten(kafka, kind, older_manifest if kind == "m" else older_queue)
    with pytest.raises(WorkError) as refused:
        asyncio.run(in_force(kafka, TEXT))
    said = str(refused.value)
    assert ("version 1," if kind == "m" else "version 0,") in said
    for part in (f"{kafka.prefix}snapshots[0]", "this program reads", "Start the version", "prefix"):
        assert part in said


@pytest.mark.timeout(400)
def test_a_worker_that_is_started_with_another_file_tells_the_log(
    kafka: KafkaSettings, stack: EmbeddedStack, tmp_path: Path
) -> None:
    where = f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\n'
    file, log = tmp_path / "worker.toml", tmp_path / "worker.log"
    for text in (TEXT, TIGHT):
        more = f'[worker]\nclock = "log"\n[valkey]\nurl = "{stack.valkey_url}"\n'
        file.write_text(text.replace("[kafka]\n", where) + more, encoding="utf-8")
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(file)]
        with log.open("ab") as out:
            worker = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT)
        try:
            deadline = time.monotonic() + 150
            while {one and one.digest for one in found(kafka)} != {digest_of(text)}:
                assert worker.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.3)
        finally:
            stop_child(worker, 20)
    assert f"settings {digest_of(TEXT)} were in force" in log.read_text()
    assert asyncio.run(told(kafka)) == [["rules.changed"]] * PARTITIONS


def found(kafka: KafkaSettings) -> list[InForce | None]:
    async def all_of_them() -> list[InForce | None]:
        return [await in_force_in(kafka, partition) for partition in range(PARTITIONS)]

    return asyncio.run(all_of_them())


async def told(kafka: KafkaSettings) -> list[list[str]]:
    """The types of the records of each partition."""
    topic = topic_name(kafka.prefix, EVENTS)
    parts = [[rows async for rows in read_partition(kafka, topic, partition)] for partition in range(PARTITIONS)]
    return [[orjson.loads(value or b"")["type"] for rows in part for _, _, value in rows] for part in parts]
