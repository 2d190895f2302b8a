"""The first days of the month through the servers as they run: what worker, wallboard, Valkey and broker hold.

Flat out through the embedded broker, a day at a time: the next one is sent when the wallboard shows the midnight
before. The broker keeps its log in memory and never shrinks, so the run ends before its limit.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.month import DAY_MS, ZONE, Month, month_log, simulate_days
from callwatch.children import Children
from callwatch.demonstration import free_port, settings_text
from callwatch.stack import MEMORY_LIMIT_BYTES, EmbeddedStack
from models.broker_access import client_options
from models.errors import WorkError
from models.runtime import KafkaSettings
from models.topics import EVENTS
from sources.kafka_sink import KafkaSink
from streams.broker import create_topics

#: Partitions of the demo's settings, which this uses.
PARTITIONS: Final = 4
#: A worker that compiles its kernels, on a busy machine.
READY_S: Final = 300.0
#: A day of the log takes a quiet machine some twenty seconds.
DAY_S: Final = 600.0
#: The broker is asked for no more than this share of its limit.
SHARE: Final = 0.8

Say = Callable[[str], None]


class Servers:
    """Worker and wallboard on an embedded stack, and two screens: one reads, one never does."""

    def __init__(self, stack: EmbeddedStack, children: Children, folder: Path) -> None:
        self.stack = stack
        port = free_port(0)
        self.url = f"http://127.0.0.1:{port}"
        base = files("callwatch").joinpath("demo", "demo.toml").read_text(encoding="utf-8")
        settings, self.ready = folder / "settings.toml", folder / "worker.ready"
        text = settings_text(f'{base}\n[[site]]\nname = "*"\nzone = "{ZONE}"\n', stack, port)
        settings.write_text(text, encoding="utf-8")
        given = ["--settings", str(settings)]
        self.children = children
        self.pids = {
            "worker": children.start("worker", ["worker", *given, "--ready", str(self.ready)]),
            "wallboard": children.start("wallboard", ["wallboard", *given]),
            **stack.pids,
        }

    def wait(self, what: str, reached: Callable[[], object], limit_s: float) -> None:
        """Return once *reached*. Raises WorkError when that takes longer, or when a server has ended."""
        deadline = time.monotonic() + limit_s
        while not reached():
            self.children.check()
            self.stack.check()
            if self.children.stopping:
                raise WorkError("Stopped before the end.")
            if time.monotonic() > deadline:
                raise WorkError(f"{what} is not there after {limit_s:.0f} s.")
            time.sleep(0.2)

    def open_screens(self) -> None:
        """Connect both screens."""
        for reads in (True, False):
            threading.Thread(target=_screen, args=(self.url, reads), daemon=True).start()

    def has_shown(self, at_ms: int) -> bool:
        """Whether the wallboard shows all queues at *at_ms* of stream time or later; units a tick before it."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/queues", timeout=5) as answer:
                rows = orjson.loads(answer.read())["queues"]
        except OSError:
            return False
        rows = [row for row in rows if row.get("members") is None]
        return bool(rows) and all(row["at_ms"] >= at_ms for row in rows)

    def sizes(self) -> dict[str, float]:
        """Resident MiB of each server."""
        return {name: round(_rss_bytes(pid) / 2**20, 1) for name, pid in self.pids.items()}


def _screen(url: str, reads: bool) -> None:
    try:
        with urllib.request.urlopen(f"{url}/events", timeout=3600) as stream:
            while reads and stream.readline():
                pass
            time.sleep(3600)
    except OSError:
        return  # the wallboard has ended


def _rss_bytes(pid: int) -> int:
    if sys.platform != "linux":
        return 0
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(month: Month, days: int, say: Say) -> dict[str, Any]:
    """Send the first *days* of *month* through the servers; their sizes after each day.

    Fewer days when the broker would come near its limit. Raises WorkError when a server ends or falls silent.
    """
    import asyncio

    month = replace(month, days=min(days, month.days), partitions=PARTITIONS)
    with tempfile.TemporaryDirectory(prefix="callwatch-bench-") as name, Children() as children:
        recordings = simulate_days(month, Path(name), say)
        with EmbeddedStack() as stack:
            kafka = KafkaSettings(bootstrap=stack.bootstrap, partitions=PARTITIONS)
            asyncio.run(create_topics(kafka))
            servers = Servers(stack, children, Path(name))
            try:
                servers.wait("The worker", servers.ready.exists, READY_S)
                servers.wait("The wallboard", lambda: _answers(servers.url), READY_S)
                servers.open_screens()
                found = _send(month, recordings, servers, kafka, say)
            finally:
                children.stop()
    return {"partitions": PARTITIONS, "days": found}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2):
            return True
    except OSError:
        return False


def _send(
    month: Month, recordings: dict[int, Path], servers: Servers, kafka: KafkaSettings, say: Say
) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    events, begun_s = 0, time.monotonic()
    with KafkaSink(client_options(kafka), EVENTS) as sink:
        log = month_log(month, recordings)
        for told in log:
            everywhere = told.partition < 0
            events += not everywhere
            for partition in range(PARTITIONS) if everywhere else (told.partition,):
                sink.send(partition, told.key, told.value)
            midnight_ms = month.start_ms + (len(found) + 1) * DAY_MS
            if told.at_ms < midnight_ms or not told.value.startswith(b'{"id":"clock-'):
                continue
            sink.flush()
            servers.wait(f"Midnight of day {len(found) + 1}", partial(servers.has_shown, midnight_ms), DAY_S)
            day = {"events": float(events), "seconds": round(time.monotonic() - begun_s, 1), **servers.sizes()}
            found.append(day)
            say(f"servers: day {len(found)}: {day['worker']:.0f} MiB worker, {day['wallboard']:.0f} MiB wallboard")
            if day["broker"] * 2**20 * (len(found) + 1) / len(found) > SHARE * MEMORY_LIMIT_BYTES:
                say("servers: the embedded broker comes near its limit: no more days")
                break
    return found
