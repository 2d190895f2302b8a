"""``callwatch orders why``, ``report`` and ``log``, and ``callwatch lost topic``, on a real broker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.stack import EmbeddedStack
from models.errors import UsageError
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import ALERTS, EVENTS, WORKORDER_LOG, topic_name
from streams.broker import create_topics
from tests.callwatch.golden_journal import JOURNAL

pytestmark = [
    pytest.mark.stack,
    # kafka-python's own, when it is imported
    pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning"),
]

PARTITIONS = 4
T = 918_036_000_000


def run(*arguments: str) -> str:
    result = CliRunner().invoke(build(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def put(kafka: KafkaSettings, records: list[tuple[str, str, bytes]]) -> None:
    """Write (topic, queue, value), each into the partition of its queue."""

    async def write() -> None:
        await create_topics(kafka)
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            for topic, queue, value in records:
                partition = partition_of(queue, PARTITIONS)
                await producer.send_and_wait(topic_name(kafka.prefix, topic), value, partition=partition)

    asyncio.run(write())


def golden() -> list[tuple[str, str, bytes]]:
    """The journal as its topics hold it: each queue in a partition of its own, ``pos`` with it."""
    records = []
    for line in JOURNAL.read_bytes().splitlines():
        payload = orjson.loads(line)
        payload["pos"][0] = partition_of(payload["queue"], PARTITIONS)
        topic = WORKORDER_LOG if "order_after" in payload else ALERTS
        records.append((topic, payload["queue"], orjson.dumps(payload)))
    return records


def test_the_topics_tell_what_the_file_tells(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> None:
    at = ("--bootstrap", stack.bootstrap, "--prefix", prefix)
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    records = golden()
    put(kafka, [*records, *records[-3:]])  # the last ones twice: a worker died after it wrote them
    week = ("orders", "report", "--period", "week", "--at", "1999-02-04", "--format", "json")
    told = json.loads(run(*week, *at))
    assert told == json.loads(run(*week, "--log", str(JOURNAL)))
    order = told["orders"][0]["id"]
    assert run("orders", "why", order, *at) == run("orders", "why", order, "--log", str(JOURNAL))
    for name in ("log.ndjson", "log.ndjson.zst"):
        copy = str(tmp_path / name)
        run("orders", "log", "-o", copy, *at)
        assert json.loads(run(*week, "--log", copy)) == told


def test_lost_calls_of_the_topic(stack: EmbeddedStack, prefix: str) -> None:
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    records = []
    for n, queue in enumerate(("north/a", "north/b", "south/c")):
        base = {"source": "pbx", "call": f"pbx:{n}", "queue": queue, "customer": f"customer-{n}"}
        for kind, ts in (("call.offered", T + n), ("call.abandoned", T + 9_000)):
            event = {"id": f"{kind}{n}", "type": kind, "ts": ts, **base}
            records.append((EVENTS, queue, orjson.dumps(event)))
        records.append((EVENTS, queue, b"garbage"))
    put(kafka, records)
    found = json.loads(run("lost", "topic", "--json", "--bootstrap", stack.bootstrap, "--prefix", prefix))
    assert [(day["arrivals"], day["lost"]["abandoned"]) for day in found["days"]] == [(3, 3)]
    assert {caller["caller"] for caller in found["lost_callers"]} == {"…er-0", "…er-1", "…er-2"}
    shown = run("lost", "topic", "--queue", "north/*", "--bootstrap", stack.bootstrap, "--prefix", prefix)
    assert "2 to ring back 待回拨" in shown
    assert "customer-" not in shown


def test_topics_that_are_not_there_are_named(stack: EmbeddedStack, prefix: str) -> None:
    at = ("--bootstrap", stack.bootstrap, "--prefix", prefix)
    for arguments in (("orders", "why", "WO-1"), ("orders", "report", "--period", "day"), ("lost", "topic")):
        with pytest.raises(UsageError, match=f"There is no topic {prefix}"):
            run(*arguments, *at)
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    put(kafka, [])
    with pytest.raises(UsageError, match="no decision in the log yet"):
        run("orders", "report", "--period", "day", *at)
