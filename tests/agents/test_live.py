"""A worker by the wall clock: it keeps the time itself, judges callers who still wait, and fills Valkey."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.encode import encode_event
from models.fields import is_unit
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import ALERTS, ANOMALIES, DEAD_LETTERS, EVENTS, METRICS, topic_name
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics, read_partition

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
QUEUE = "site/skill"
SETTINGS = """
[worker]
clock = "wall"
[[rule]]
id = "longest-wait"
metric = "longest_wait_ms"
window = "now"
limit_s = 3
target_s = 2
severity = 3
hold_s = 0
recovery_s = 1
recover_hold_s = 1
[[person]]
id = "lead"
name = "Ann"
department = "floor"
tier = "shift_lead"
[[department]]
name = "floor"
title = "Floor"
[[queue]]
pattern = "*"
department = "floor"
"""


@pytest.fixture
def kafka(stack: EmbeddedStack, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=2)
    asyncio.run(create_topics(settings))
    return settings


@pytest.fixture
def worker(kafka: KafkaSettings, stack: EmbeddedStack, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    where = f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = 2\n'
    path = tmp_path / "settings.toml"
    path.write_text(f'{SETTINGS}{where}[valkey]\nurl = "{stack.valkey_url}"\n', encoding="utf-8")
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(path)]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=dict(os.environ))
    yield process
    process.kill()
    process.wait()


def send(kafka: KafkaSettings, *values: bytes) -> None:
    with KafkaSink(client_options(kafka), topic_name(kafka.prefix, EVENTS)) as sink:
        for value in values:
            sink.send(partition_of(QUEUE, 2), QUEUE.encode(), value)


def payloads(kafka: KafkaSettings, topic: str) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        out = []
        for p in range(2):
            async for rows in read_partition(kafka, topic_name(kafka.prefix, topic), p):
                out += [orjson.loads(value) for _, _, value in rows if value]
        return out

    return asyncio.run(read())


def until(found: Callable[[], Any], timeout_s: float = 120.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return result


def event(kind: str, call: str, ts: int | None = None, **more: Any) -> bytes:
    now = time.time_ns() // 1_000_000
    fields = {"id": f"{kind}-{call}", "source": "t", "type": kind, "ts": ts or now, "queue": QUEUE, "call": call}
    return encode_event({**fields, **more})


def test_a_caller_who_waits_is_found_while_waiting(
    kafka: KafkaSettings, worker: subprocess.Popen[bytes], stack: EmbeddedStack
) -> None:
    until(lambda: len(payloads(kafka, EVENTS)) > 2)  # it keeps the time of its partitions
    send(kafka, event("call.offered", "c1"), b"garbage", event("call.answered", "c0", wait_ms=1000))
    # rows of units, which may come first, are left out
    rows = until(
        lambda: [r for r in payloads(kafka, METRICS) if r["figures"]["waiting@now"] == 1 and not is_unit(r["queue"])]
    )
    assert rows[0]["queue"] == QUEUE
    assert rows[0]["agents_known"] is False
    starts = until(lambda: [a for a in payloads(kafka, ANOMALIES) if a["phase"] == "start"])
    assert (starts[0]["rule"], starts[0]["queue"]) == ("longest-wait", QUEUE)
    assert 3_000 <= starts[0]["value"] <= 10_000  # while the caller still waits
    raised = until(lambda: [a for a in payloads(kafka, ALERTS) if a["kind"] == "raised"])
    assert raised[0]["owner"] == "lead"
    assert [d["reason"] for d in payloads(kafka, DEAD_LETTERS)] == ["not_json"]
    send(kafka, event("call.answered", "c1", wait_ms=5_000))
    until(lambda: [a for a in payloads(kafka, ANOMALIES) if a["phase"] == "end"])
    valkey = redis.Redis.from_url(stack.valkey_url)
    keys = until(lambda: list(valkey.scan_iter(f"*{kafka.prefix}*")))
    assert any(b"orders" in key for key in keys)
    worker.terminate()
    assert worker.wait(20) == 0
