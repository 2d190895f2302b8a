"""``callwatch bench wallboard``: many screens on one wallboard process that has one core.

A real wallboard over a real Valkey, which the projector of the workers writes: once a second the rows of all queues,
as an actor formed them. Screens are connections that read server-sent events; what counts is the time from writing a
row to Valkey until a screen has its frame. Some screens never read: they must not hold up the others.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from agents.actor import PartitionActor
from agents.projector import Projector
from agents.view import MetricsView
from benchmarks import machine
from benchmarks.stream import Shape, make_stream
from callwatch.children import Children
from callwatch.demonstration import free_port, settings_text
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue
from models.errors import UsageError, WorkError
from models.topics import METRICS

SCREENS: Final = 1_000
QUEUES: Final = 60
#: Of the screens, those that connect and never read.
SLOW: Final = 10
GOAL_MS: Final = 250.0
#: Until everybody has the whole board.
READY_S: Final = 120.0
#: Screens that connect at once: a wall of them comes up over some seconds.
CONNECT_AT_ONCE: Final = 50
_WALL_MS: Final = re.compile(rb'"wall_ms":(\d+)')

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: *seconds* of one update a second to *screens*, of which *slow* never read."""

    screens: int = SCREENS
    queues: int = QUEUES
    seconds: float = 30.0
    slow: int = SLOW

    def __post_init__(self) -> None:
        if self.screens < 1 or self.queues < 1 or self.seconds < 2 or self.slow < 0:
            raise UsageError("--screens, --queues and --slow: at least 1, 1 and 0; --seconds at least 2.")


@dataclass(slots=True)
class Screens:
    """All that the screens saw: the delay of each frame in ms, bytes, and how often one had to begin anew."""

    delays_ms: list[float] = field(default_factory=list)
    received: int = 0  #: bytes
    resets: int = 0
    ready: int = 0
    counting: bool = False

    async def show(self, port: int) -> None:
        """One screen, until cancelled."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        writer.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        first = True
        try:
            while line := await reader.readline():
                if line.startswith(b"event: reset"):
                    self.resets += self.counting
                    self.ready += first
                    first = False
                if self.counting:
                    self._count(line)
        finally:
            writer.close()

    def _count(self, line: bytes) -> None:
        self.received += len(line)
        if line.startswith(b"data:") and (found := _WALL_MS.search(line)):
            self.delays_ms.append(time.time() * 1_000 - int(found[1]))


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a server fails."""
    before = machine.load()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callwatch-wallboard-")))
        server, children = stack.enter_context(EmbeddedStack()), stack.enter_context(Children())
        port, settings = free_port(0), folder / "settings.toml"
        settings.write_text(settings_text("", server, port), encoding="utf-8")
        pid = children.start("wallboard", ["wallboard", "--settings", str(settings)])
        if sys.platform == "linux":
            os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
        _wait_for(port, children)
        empty = _resident(pid)
        screens, used = asyncio.run(_run(plan, server.valkey_url, port, pid, say))
        children.check()
    return _results(plan, screens, used | {"empty_bytes": empty}, before)


async def _run(plan: Plan, valkey_url: str, port: int, pid: int, say: Say) -> tuple[Screens, dict[str, Any]]:
    writer = _Writer(plan.queues)
    valkey = Redis.from_url(valkey_url)
    projector = Projector(valkey)
    await writer.write(projector)
    screens, slow = Screens(), [_never_read(port) for _ in range(plan.slow)]
    say(f"{plan.screens:,} screens connect")
    tasks: list[asyncio.Task[None]] = []
    for n in range(plan.screens - plan.slow):
        tasks.append(asyncio.create_task(screens.show(port)))
        if n % CONNECT_AT_ONCE == 0:
            await asyncio.sleep(0.1)
    deadline = time.monotonic() + READY_S
    while screens.ready < len(tasks):
        for task in tasks:
            if task.done():
                raise WorkError(f"A screen was turned away: {task.exception() or 'the wallboard closed its stream'}.")
        if time.monotonic() > deadline:
            raise WorkError(f"{screens.ready} of {len(tasks)} screens have a board after {READY_S:.0f} s.")
        await asyncio.sleep(0.1)
    say(f"{plan.seconds:g} s of updates")
    cpu_s, screens.counting = _cpu_s(pid), True
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < plan.seconds:
        at_s = time.monotonic()
        await writer.write(projector)
        await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - at_s)))
    screens.counting = False
    used = {"cpu_s": _cpu_s(pid) - cpu_s, "took_s": time.monotonic() - begun_s, "full_bytes": _resident(pid)}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in slow:
        one.close()
    await valkey.aclose()
    return screens, used | {"updates": writer.updates - 1}


class _Writer:
    """Rows as an actor forms them, written as a worker's projector does."""

    def __init__(self, queues: int) -> None:
        self.updates = 0
        stream = make_stream(Shape(events=50 * queues + 1_000, queues=queues, partitions=1))
        actor = PartitionActor(0, 1, Catalogue())
        values = [value for _, _, value in stream.records()]
        actor.apply(values, range(len(values)))
        self._view = MetricsView(actor)
        self._offset = 0

    async def write(self, projector: Projector) -> None:
        """The rows of all queues, with the time of now."""
        self.updates += 1
        now_ms = int(time.time() * 1_000) + self.updates * 10_000  # all are due at each call
        rows = self._view.rows(now_ms)
        wall_ms = int(time.time() * 1_000)
        records = []
        for queue, value in rows:
            told = _WALL_MS.sub(b'"wall_ms":%d' % wall_ms, value)
            records.append((self._offset, queue.encode(), told))
            self._offset += 1
        await projector.apply(METRICS, 0, records)


def _never_read(port: int) -> socket.socket:
    """A screen that has hung: connected, and nothing is taken from it."""
    slow = socket.create_connection(("127.0.0.1", port))
    slow.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return slow


def _wait_for(port: int, children: Children) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        children.check()
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise WorkError(f"The wallboard does not answer after {READY_S:.0f} s.") from None
            time.sleep(0.1)


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _results(plan: Plan, screens: Screens, used: dict[str, Any], load_before: float) -> dict[str, Any]:
    delays = sorted(screens.delays_ms)
    if not delays:
        raise WorkError("No screen got anything: is the machine too busy?")
    wanted = (plan.screens - plan.slow) * plan.queues * used["updates"]
    return {
        "benchmark": "wallboard",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": load_before, "after": machine.load()},
        **{name: getattr(plan, name) for name in ("screens", "queues", "slow", "seconds")},
        "updates": used["updates"],
        "frames": len(delays),
        "frames_wanted": wanted,
        "resets": screens.resets,
        "p50_ms": round(delays[len(delays) // 2], 1),
        "p99_ms": round(delays[min(len(delays) - 1, int(len(delays) * 0.99))], 1),
        "max_ms": round(delays[-1], 1),
        "bytes_per_screen_s": round(screens.received / (plan.screens - plan.slow) / used["took_s"]),
        "core": round(used["cpu_s"] / used["took_s"], 3),
        "bytes_per_screen": max(0, used["full_bytes"] - used["empty_bytes"]) // plan.screens,
        "goal_ms": GOAL_MS,
    }
