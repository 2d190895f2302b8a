"""``callwatch orders`` and ``callwatch alerts`` against a running wallboard and broker."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.stack import EmbeddedStack
from models.errors import UsageError, WorkError
from models.outputs import Alert, Verification
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import ALERTS, topic_name
from streams.broker import create_topics
from tests.wallboard.payloads import NOON_MS, PARTITIONS, alert, entry, order, row
from tests.wallboard.wall import Wall, running, until

pytestmark = [
    pytest.mark.stack,
    # kafka-python's own, when it is imported
    pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning"),
]

ROOT = Path(__file__).parents[2]


def _callwatch(*arguments: str) -> str:
    result = CliRunner().invoke(build(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def wall(stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wall]:
    """A wallboard with an open and a closed order, named by CALLWATCH_URL."""
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    asyncio.run(create_topics(kafka))
    with running(kafka, stack.valkey_url) as found:
        monkeypatch.setenv("CALLWATCH_URL", found.url)
        passed = Verification(since_ms=1, needed=10, seen=10, state="passed", sentence="10 of 10 within 20 s")
        over = order("north/billing", state="closed", closed_ms=NOON_MS, verification=passed)
        found.put("metrics", row("north/report", at_ms=NOON_MS + 7_000))
        found.put("workorders", order("north/report"), over)
        found.put("workorder-log", entry(order("north/report")))
        until(lambda: len(found.get("/api/orders")["orders"]) == 2)
        until(lambda: found.get("/api/queues")["queues"])
        yield found


def test_list_and_show(wall: Wall) -> None:
    listed = _callwatch("orders", "list")
    assert "order-north-report" in listed
    assert "Li Wei" in listed
    assert "north/billing" not in listed
    assert "north/billing" in _callwatch("orders", "list", "--all")
    assert [o["queue"] for o in json.loads(_callwatch("orders", "list", "--json"))["orders"]] == ["north/report"]
    shown = _callwatch("orders", "show", "order-north-r")
    assert "raised" in shown
    assert "live service level below the limit" in shown
    assert "10 of 10 within 20 s" in _callwatch("orders", "show", "order-north-billing")


def test_commands_reach_the_log(wall: Wall) -> None:
    _callwatch("orders", "acknowledge", "order-north-report", "--as", "li.wei")
    _callwatch("orders", "hold", "order-north-report", "--as", "li.wei", "--for", "15", "--reason", "lunch")
    _callwatch("orders", "resolve", "order-north-report", "--as", "li.wei", "--cause", "surge", "--measure", "moved")
    from streams.broker import read_partition

    async def records() -> list[dict[str, object]]:
        topic = topic_name(wall.settings.kafka.prefix, "events")
        partition = partition_of("north/report", PARTITIONS)
        rows = [r async for batch in read_partition(wall.settings.kafka, topic, partition) for r in batch]
        return [json.loads(value or b"") for _, _, value in rows]

    first, second, third = asyncio.run(records())
    assert (first["command"], first["actor"]) == ("acknowledge", "li.wei")
    assert second["args"] == {"reason": "lunch", "until_ms": NOON_MS + 7_000 + 15 * 60_000}, "in stream time"
    assert third["args"] == {"cause": "surge", "measure": "moved"}


def test_what_is_wrong_is_said(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, error, text in (
        (["acknowledge", "nothing", "--as", "li.wei"], UsageError, "no order's id begins with nothing"),
        (["acknowledge", "order", "--as", "li.wei"], UsageError, "2 orders' ids begin"),
        (["acknowledge", "order-north-report", "--as", "mallory"], UsageError, "nobody is called mallory"),
        (["list", "--url", "http://127.0.0.1:1"], WorkError, "No wallboard answers"),
        (["list", "--url", "127.0.0.1:80"], UsageError, "http://"),
    ):
        with pytest.raises(error, match=text):
            _callwatch("orders", *arguments)


def _send(kafka: KafkaSettings, *alerts: Alert) -> None:
    async def main() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
        await producer.start()
        for payload in alerts:
            value = payload.model_dump_json().encode()
            await producer.send_and_wait(topic_name(kafka.prefix, ALERTS), value, partition=payload.pos[0])
        await producer.stop()

    asyncio.run(main())


def test_alerts_are_followed_and_each_shown_once(stack: EmbeddedStack, prefix: str) -> None:
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    where = ["--bootstrap", kafka.bootstrap, "--prefix", prefix]
    with pytest.raises(WorkError, match="There is no topic"):
        _callwatch("alerts", *where)
    asyncio.run(create_topics(kafka))
    assert _callwatch("alerts", *where) == ""
    one, two, three = (alert("north/report", n) for n in (1, 2, 3))
    _send(kafka, one, one, two, alert("north/q1", 1))
    assert len(_callwatch("alerts", *where).splitlines()) == 3
    (last,) = _callwatch("alerts", *where, "--last", "1", "--json").splitlines()
    assert json.loads(last)["title"] == "alert 2"
    command = [sys.executable, "-m", "callwatch.cli", "alerts", "--follow", "--last", "1", *where]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "alert 2" in process.stdout.readline()
            _send(kafka, two, three)
            assert (
                "1999-02-03T13:00:00Z raised   3 north/report [li.wei] alert 3: text of 3" in process.stdout.readline()
            )
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
            assert (process.returncode, out, err.strip()) == (0, "", "")
        finally:
            process.kill()
