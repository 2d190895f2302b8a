"""``callwatch bench wallboard``: many screens on one wallboard process that has one core.

A real wallboard over a real Valkey, which the projector of the workers writes: once a second the rows of all queues,
as an actor formed them. Screens are connections that read server-sent events; what counts is the time from writing a
row to Valkey until a screen has its frame. Some screens never read: they must not hold up the others. First all screens
ask for the figures that the page shows, then, on a new wallboard, all of them for whole rows.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import tempfile
import time
from collections import Counter
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
from models.partition import partition_of
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
#: What screens ask for: the page's figures (``static/tile.js``), or everything.
ASKS: Final = {
    "page": "waiting@now,waiting_past_threshold@now,waiting_soon@now,longest_wait_ms@now,agents_ready@now,"
    "agents_busy@now,service_level_live@5m",
    "whole": None,
}
#: As `settings_text` says.
PARTITIONS: Final = 4
_NAME: Final = b'"wall_ms":'
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
    """All that the screens saw: delays with how many frames had them, bytes, and how often one had to begin anew."""

    delays_ms: list[tuple[float, int]] = field(default_factory=list)
    received: int = 0  #: bytes
    resets: int = 0
    ready: int = 0
    lost: int = 0
    counting: bool = False

    def delay_ms(self, share: float) -> float:
        """The delay that *share* of the frames do not exceed. Raises WorkError without any."""
        wanted, seen = share * self.frames, 0
        for delay, number in sorted(self.delays_ms):
            seen += number
            if seen >= wanted:
                return round(delay, 1)
        raise WorkError("No screen got anything: is the machine too busy?")

    @property
    def frames(self) -> int:
        """Rows of queues that came."""
        return sum(number for _, number in self.delays_ms)


class Screen(asyncio.Protocol):
    """One screen that asks for *figures*. What it does for each piece is little: a thousand share a process."""

    def __init__(self, seen: Screens, figures: str | None) -> None:
        self._seen, self._rest, self._begun = seen, b"", False
        self._request = _request(figures)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """The wallboard closed the stream, or we did."""
        self._seen.lost += 1

    def data_received(self, data: bytes) -> None:
        """Count what is whole; the rest waits for more."""
        now_ms, seen = time.time() * 1_000, self._seen
        held = self._rest + data
        cut = held.rfind(b"\n\n") + 2
        whole, self._rest = (held[:cut], held[cut:]) if cut > 1 else (b"", held)
        resets = whole.count(b"event: reset")
        if resets and not self._begun:
            self._begun = True
            seen.ready += 1
            return
        if seen.counting:
            seen.resets += resets
            seen.received += len(data)
            seen.delays_ms += [(now_ms - at_ms, number) for at_ms, number in written(whole)]


def written(frames: bytes) -> list[tuple[int, int]]:
    """When the rows of *frames* were written (epoch ms), and how many at each time."""
    number = frames.count(_NAME)
    if not number:
        return []
    ends = [_WALL_MS.match(frames, at) for at in (frames.find(_NAME), frames.rfind(_NAME))]
    first, last = (int(end[1]) for end in ends if end)
    if first == last:  # rows of one update: of all that a screen gets nearly always
        return [(first, number)]
    return sorted(Counter(int(found) for found in _WALL_MS.findall(frames)).items())


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a server fails."""
    before = machine.load()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callwatch-wallboard-")))
        server = stack.enter_context(EmbeddedStack())
        found = {ask: _asking(plan, server, folder, ask, say) for ask in ASKS}
    return _results(plan, found, before)


def _asking(plan: Plan, server: EmbeddedStack, folder: Path, ask: str, say: Say) -> dict[str, Any]:
    """All screens ask for the same, of a wallboard that nobody has asked before."""
    with Children() as children:
        port, settings = free_port(0), folder / f"{ask}.toml"
        settings.write_text(settings_text("", server, port), encoding="utf-8")
        pid = children.start("wallboard", ["wallboard", "--settings", str(settings)])
        if sys.platform == "linux":
            os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
        _wait_for(port, children)
        empty = machine.resident_bytes(pid)
        screens, used = asyncio.run(_run(plan, server.valkey_url, port, pid, ask, say))
        children.check()
    return _told(plan, screens, used | {"empty_bytes": empty})


async def _run(plan: Plan, valkey_url: str, port: int, pid: int, ask: str, say: Say) -> tuple[Screens, dict[str, Any]]:
    writer = _Writer(plan.queues)
    valkey = Redis.from_url(valkey_url)
    projector = Projector(valkey)
    await valkey.flushdb()
    await writer.write(projector)
    screens, slow = Screens(), [_never_read(port, ASKS[ask]) for _ in range(plan.slow)]
    say(f"{plan.screens:,} screens connect ({ask})")
    transports = await _connect(plan, port, ask, screens)
    say(f"{plan.seconds:g} s of updates ({ask})")
    before = writer.rows
    cpu_s, screens.counting = machine.cpu_s(pid), True
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < plan.seconds:
        at_s = time.monotonic()
        await writer.write(projector)
        await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - at_s)))
    screens.counting = False
    used = {
        "cpu_s": machine.cpu_s(pid) - cpu_s,
        "took_s": time.monotonic() - begun_s,
        "full_bytes": machine.resident_bytes(pid),
    }
    if screens.lost:
        raise WorkError(f"The wallboard closed {screens.lost} streams of screens that read.")
    for transport in transports:
        transport.close()
    for one in slow:
        one.close()
    await valkey.aclose()
    return screens, used | {"updates": writer.updates - 1, "rows": writer.rows - before}


async def _connect(plan: Plan, port: int, ask: str, screens: Screens) -> list[asyncio.BaseTransport]:
    """Until every screen has a board. Raises WorkError when one is turned away, or has none in time."""
    loop, transports = asyncio.get_running_loop(), list[asyncio.BaseTransport]()
    wanted = plan.screens - plan.slow
    for n in range(wanted):
        connected, _ = await loop.create_connection(lambda: Screen(screens, ASKS[ask]), "127.0.0.1", port)
        transports.append(connected)
        if n % CONNECT_AT_ONCE == 0:
            await asyncio.sleep(0.1)
    deadline = time.monotonic() + READY_S
    while screens.ready < wanted:
        if screens.lost:
            raise WorkError(f"{screens.lost} screens were turned away.")
        if time.monotonic() > deadline:
            raise WorkError(f"{screens.ready} of {wanted} screens have a board after {READY_S:.0f} s.")
        await asyncio.sleep(0.1)
    return transports


class _Writer:
    """Rows as an actor forms them, written as a worker's projector does."""

    def __init__(self, queues: int) -> None:
        self.updates = self.rows = 0
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
        batches: dict[int, list[tuple[int, bytes, bytes]]] = {}
        self.rows += len(rows)
        for queue, value in rows:
            told = _WALL_MS.sub(b'"wall_ms":%d' % wall_ms, value)
            batches.setdefault(partition_of(queue, PARTITIONS), []).append((self._offset, queue.encode(), told))
            self._offset += 1
        for partition, records in batches.items():
            await projector.apply(METRICS, partition, records)


def _request(figures: str | None) -> bytes:
    path = "/events" if figures is None else f"/events?figures={figures}"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode()


def _never_read(port: int, figures: str | None) -> socket.socket:
    """A screen that has hung: connected, and nothing is taken from it."""
    slow = socket.create_connection(("127.0.0.1", port))
    slow.sendall(_request(figures))
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


def _told(plan: Plan, screens: Screens, used: dict[str, Any]) -> dict[str, Any]:
    return {
        "updates": used["updates"],
        "frames": screens.frames,
        "frames_wanted": (plan.screens - plan.slow) * used["rows"],
        "resets": screens.resets,
        "p50_ms": screens.delay_ms(0.5),
        "p99_ms": screens.delay_ms(0.99),
        "max_ms": screens.delay_ms(1.0),
        "bytes_per_screen_s": round(screens.received / (plan.screens - plan.slow) / used["took_s"]),
        "core": round(used["cpu_s"] / used["took_s"], 3),
        "bytes_per_screen": max(0, used["full_bytes"] - used["empty_bytes"]) // plan.screens,
    }


def _results(plan: Plan, found: dict[str, dict[str, Any]], load_before: float) -> dict[str, Any]:
    page, whole = found["page"], found["whole"]
    return {
        "benchmark": "wallboard",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": load_before, "after": machine.load()},
        **{name: getattr(plan, name) for name in ("screens", "queues", "slow", "seconds")},
        "goal_ms": GOAL_MS,
        **found,
        "ratios": {
            f"whole/page {name}": round(whole[name] / page[name], 2)
            for name in ("p99_ms", "core", "bytes_per_screen_s")
            if page[name]
        },
    }
