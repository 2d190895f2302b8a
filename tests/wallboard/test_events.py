"""The stream of events: a beginning, changes, resume without a gap, slow screens, a Valkey that forgets."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import redis
from redis.asyncio import Redis

from agents.projector import ProjectionLostError, Projector
from callwatch.stack import EmbeddedStack
from models.errors import WorkError
from models.keys import ALERTS_KEPT
from models.partition import partition_of
from models.runtime import KafkaSettings, Settings, WallboardSettings
from tests.wallboard.payloads import PARTITIONS, alert, order, row
from tests.wallboard.wall import Wall, free_port, running, until, watching
from wallboard.hub import Hub
from wallboard.server import serve

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
#: Two queues on each partition.
QUEUES = [
    q
    for p in range(PARTITIONS)
    for q in [f"north/q{n}" for n in range(99) if partition_of(f"north/q{n}", PARTITIONS) == p][:2]
]


def test_a_screen_begins_with_everything_and_then_gets_changes(wall: Wall) -> None:
    wall.put("metrics", row("north/report"))
    wall.put("workorders", order("north/report"))
    wall.put("alerts", alert("north/report", 10))
    until(lambda: wall.get("/api/orders")["orders"])
    with watching(wall) as screen:
        assert [e.event for e in screen.take(4)] == ["reset", "queue", "order", "alert"]
        wall.put("metrics", row("north/report", 0.4, state="breach"))
        assert screen.next().data["state"] == "breach"
        wall.put("workorders", order("north/report", offset=11, version=2, state="acknowledged"))
        assert screen.next().data["state"] == "acknowledged"
        wall.put("alerts", alert("north/report", 12))
        assert screen.next().data["title"] == "alert 12"


def test_resume_has_every_alert_once_and_the_state_as_it_is(wall: Wall) -> None:
    wall.put("alerts", *(alert(q, n) for n, q in enumerate(QUEUES)))
    with watching(wall) as screen:
        while True:  # the first alerts may come with the snapshot or after it
            last = screen.next_of("alert")
            if sum(int(n) for n in last.id.split(":")[1].split(",")) == len(QUEUES):
                break
    wall.put("alerts", *(alert(q, 100 + n) for n, q in enumerate(QUEUES)))
    wall.put("metrics", row(QUEUES[0], 0.33))
    until(lambda: wall.get("/api/queues")["queues"])
    with watching(wall, last.id) as screen:
        state = screen.next()
        assert (state.event, state.data["figures"]["service_level_live@5m"]) == ("queue", 0.33)
        missed = screen.take(len(QUEUES))
        assert {e.event for e in missed} == {"alert"}
        assert sorted(e.data["title"] for e in missed) == [f"alert {100 + n}" for n in range(len(QUEUES))]
        wall.put("alerts", alert(QUEUES[0], 200))
        assert screen.next().data["title"] == "alert 200"
    with watching(wall, missed[2].id) as screen:  # a connection that broke in the middle of the resume
        titles = [e.data["title"] for e in screen.take(7)[1:]]
        assert sorted(titles) == sorted([*(e.data["title"] for e in missed[3:]), "alert 200"])


@pytest.mark.parametrize("unknown", ["nothing:0,0,0,0", "garbage", "x:1", "x:1,2,3,4,5"])
def test_an_unknown_epoch_begins_anew(wall: Wall, unknown: str) -> None:
    wall.put("alerts", alert("north/report", 10))
    wall.put("metrics", row("north/report"))
    until(lambda: wall.get("/api/queues")["queues"])
    with watching(wall, unknown) as screen:
        first = screen.next()
        assert (first.event, first.data["reason"]) == ("reset", "epoch")
        assert [e.event for e in screen.take(2)] == ["queue", "alert"]


def test_alerts_that_are_trimmed_begin_anew(wall: Wall) -> None:
    wall.put("alerts", alert("north/report", 1))
    with watching(wall) as screen:
        last = screen.next_of("alert")
    wall.put("alerts", *(alert("north/report", 10 + n) for n in range(ALERTS_KEPT + 5)))
    with watching(wall, last.id) as screen:
        first = screen.next()
        assert (first.event, first.data["reason"]) == ("reset", "trimmed")
        assert screen.next().event == "alert"


def test_a_slow_screen_begins_anew_and_holds_up_nobody(stack: EmbeddedStack, prefix: str) -> None:
    async def main() -> tuple[list[bytes], list[bytes]]:
        valkey = Redis.from_url(stack.valkey_url)
        projector = Projector(valkey, prefix)
        await projector.start("metrics", 1)
        hub = Hub(valkey, prefix, PARTITIONS)
        following = asyncio.create_task(hub.run())
        slow, quick = hub.stream("", limit=50), hub.stream("", limit=50)
        slowly, quickly = [await anext(slow)], [await anext(quick)]
        for n in range(60):  # the slow one takes nothing meanwhile
            await projector.apply("metrics", 1, [(n, b"north/q", row("north/q", n / 100).model_dump_json().encode())])
            quickly.append(await asyncio.wait_for(anext(quick), 5))
        slowly.append(await asyncio.wait_for(anext(slow), 5))
        await projector.apply("metrics", 1, [(60, b"north/q", row("north/q", 0.99).model_dump_json().encode())])
        slowly.append(await asyncio.wait_for(anext(slow), 5))
        following.cancel()
        await asyncio.gather(following, slow.aclose(), quick.aclose(), return_exceptions=True)
        await valkey.aclose()
        return slowly, quickly

    slowly, quickly = asyncio.run(main())
    assert b'"reason":"start"' in slowly[0]
    assert b'"reason":"slow"' in slowly[1]
    assert b'"service_level_live@5m":0.59' in slowly[1], "the whole board as it is now"
    assert b"event: reset" not in slowly[2]
    assert b'"service_level_live@5m":0.99' in slowly[2]
    assert not any(b"event: reset" in frames for frames in quickly[2:])
    assert b'"service_level_live@5m":0.59' in quickly[-1]


def test_a_valkey_that_lost_its_data_is_a_clear_error_and_screens_begin_anew(wall: Wall) -> None:
    wall.put("metrics", row("north/report"), row("north/gone"))
    until(lambda: wall.get("/api/queues")["queues"])
    with watching(wall) as screen:
        screen.take(3)
        with redis.Redis.from_url(wall.settings.valkey_url) as valkey:
            valkey.delete(*valkey.keys(f"{wall.settings.kafka.prefix}*"))
        with pytest.raises(ProjectionLostError, match="restart the worker"):
            wall.put("metrics", row("north/report"))
        wall.restart_projector()
        assert wall.wait(wall.projector.start("metrics", 0)) == 0
        wall.put("metrics", row("north/report", 0.2))
        found = screen.next_of("reset")
        assert found.data["reason"] == "reloaded"
        assert screen.next().data["figures"]["service_level_live@5m"] == 0.2
    assert [r["queue"] for r in wall.get("/api/queues")["queues"]] == ["north/report"]


SERVER = """
import sys
from models.runtime import KafkaSettings, Settings, WallboardSettings
from wallboard.server import run
run(Settings(KafkaSettings(prefix=sys.argv[2]), sys.argv[1], wallboard=WallboardSettings(port=int(sys.argv[3]))))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_at_once_with_screens_connected(
    stack: EmbeddedStack, prefix: str, number: signal.Signals
) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVER, stack.valkey_url, prefix, str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: _connects(port), 20)
            with httpx.stream("GET", f"http://127.0.0.1:{port}/events") as answer:
                lines = answer.iter_lines()
                assert next(lines).startswith("id: ")
                began = time.monotonic()
                process.send_signal(number)
                assert list(lines)[-1] == "", "the stream ends, it does not break"
                out, err = process.communicate(timeout=10)
            assert time.monotonic() - began < 3
            assert (process.returncode, out, err) == (0, "ended\n", "")
        finally:
            process.kill()


def test_another_number_of_partitions_ends_the_server_loudly(stack: EmbeddedStack, prefix: str) -> None:
    async def main() -> None:
        valkey = Redis.from_url(stack.valkey_url)
        projector = Projector(valkey, prefix)
        await projector.start("metrics", 3)
        kafka = KafkaSettings(stack.bootstrap, prefix, partitions=2)
        settings = Settings(kafka, stack.valkey_url, wallboard=WallboardSettings(port=free_port()))
        serving = asyncio.create_task(serve(settings, asyncio.Event()))
        try:
            for offset in range(200):
                record = row("north/report").model_dump_json().encode()
                await projector.apply("metrics", 3, [(offset, b"north/report", record)])
                await asyncio.sleep(0.05)
                if serving.done():
                    break
            await asyncio.wait_for(serving, 5)
        finally:
            await valkey.aclose()

    with pytest.raises(WorkError, match="write partition 3, but the settings"):
        asyncio.run(main())


def test_a_port_that_is_taken_is_said(wall: Wall) -> None:
    with pytest.raises(WorkError, match="choose another port"):
        asyncio.run(serve(wall.settings, asyncio.Event()))


def _connects(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_without_valkey_it_says_so(prefix: str) -> None:
    with running(KafkaSettings(prefix=prefix), "redis://127.0.0.1:1/0", healthy=False) as wall:
        answer = httpx.get(f"{wall.url}/healthz")
        assert (answer.status_code, answer.json()["status"]) == (503, "no answer from Valkey")
        assert httpx.get(f"{wall.url}/api/queues").status_code == 503
        assert httpx.get(wall.url).status_code == 200, "the page loads and waits"
