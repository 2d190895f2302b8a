"""A wallboard that really runs: uvicorn on loopback in a thread of its own, fed through the projector."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
from pydantic import BaseModel
from redis.asyncio import Redis

from agents.projector import Projector, Record
from models.catalogue import Catalogue, Person, Rule, Site
from models.notify_settings import NotifySettings
from models.partition import partition_of
from models.runtime import KafkaSettings, Settings, WallboardSettings
from tests.wallboard.payloads import PARTITIONS
from wallboard.server import serve

CATALOGUE = Catalogue(
    sites=(Site("north", "Asia/Jerusalem"),),
    rules=(Rule("level_low", "service_level_live", "5m", limit=0.7, target=0.8, below=True),),
    people=(Person("li.wei", "Li Wei", "north"), Person("amy.ross", "Amy Ross", "north", tier=1)),
)
START_S = 15.0

# anyio loads this when it is first used, deep in a stack; pytest then rewrites its assertions there (anyio is a plugin)
# and CPython 3.11 counts the depth wrongly. Here the stack is flat.
getattr(anyio, "open_file")  # noqa: B009


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(check: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """The first true answer of *check*."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_s} s: {check}")


@dataclass
class Wall:
    """The server at *url*; `put` is a worker's write as the projector passes it on."""

    settings: Settings
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    valkey: Redis = field(init=False)
    projector: Projector = field(init=False)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.settings.wallboard.port}"

    def wait(self, coroutine: Any) -> Any:
        """Run *coroutine* in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def put(self, topic: str, *payloads: BaseModel) -> None:
        """Append *payloads* (each has ``queue``) to *topic* and project them."""
        batches: dict[int, list[Record]] = {}
        for payload in payloads:
            content = payload.model_dump()
            partition = partition_of(content["queue"], PARTITIONS)
            offset = self.offsets.get((topic, partition), 0)
            self.offsets[(topic, partition)] = offset + 1
            key = content["queue"].encode()
            batches.setdefault(partition, []).append((offset, key, payload.model_dump_json().encode()))
        for partition, batch in batches.items():
            self.apply(topic, partition, batch)

    def apply(self, topic: str, partition: int, batch: Sequence[Record]) -> int:
        """One batch through the projector."""
        position: int = self.wait(self.projector.apply(topic, partition, batch))
        return position

    def restart_projector(self) -> None:
        """What a worker's restart does."""
        self.projector = Projector(self.valkey, self.settings.kafka.prefix)
        self.offsets.clear()

    def get(self, path: str) -> Any:
        """The JSON at *path*."""
        answer = httpx.get(self.url + path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def running(
    kafka: KafkaSettings,
    valkey_url: str,
    token: str = "",
    healthy: bool = True,
    notify: NotifySettings | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Iterator[Wall]:
    """A wallboard on a free port until the end of the block; without *healthy* it has no Valkey."""
    at, told = WallboardSettings(port=free_port(), token=token), notify or NotifySettings()
    wall = Wall(Settings(kafka=kafka, valkey_url=valkey_url, wallboard=at, catalogue=catalogue, notify=told))
    stop = asyncio.Event()
    failures: list[BaseException] = []

    async def main() -> None:
        wall.valkey = Redis.from_url(valkey_url)
        wall.projector = Projector(wall.valkey, kafka.prefix)
        if healthy:
            await wall.projector.start("metrics", 0)
        try:
            await serve(wall.settings, stop)
        finally:
            await wall.valkey.aclose()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: wall.loop) as runner:
                runner.run(main())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="wallboard")
    thread.start()
    try:
        until(lambda: failures or _answers(wall, healthy), START_S)
        assert not failures, failures
        yield wall
    finally:
        if not wall.loop.is_closed():
            wall.loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"


def _answers(wall: Wall, healthy: bool) -> bool:
    try:
        return httpx.get(f"{wall.url}/healthz").status_code == 200 or not healthy
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Sse:
    """One event of a stream."""

    id: str
    event: str
    data: Any


class Screen:
    """A client of ``/events``."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self) -> Sse:
        """The next event; comments are passed over."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and fields:
                return Sse(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        raise AssertionError("the stream ended")

    def take(self, number: int) -> list[Sse]:
        """The next *number* events."""
        return [self.next() for _ in range(number)]

    def next_of(self, name: str) -> Sse:
        """The next event called *name*."""
        while (found := self.next()).event != name:
            pass
        return found


@contextmanager
def watching(wall: Wall, last_event_id: str = "", figures: str | None = None) -> Iterator[Screen]:
    """A screen that saw everything up to *last_event_id*, and shows *figures* (None: all)."""
    headers = {"last-event-id": last_event_id} if last_event_id else {}
    params = {} if figures is None else {"figures": figures}
    with httpx.stream("GET", f"{wall.url}/events", headers=headers, params=params, timeout=8.0) as answer:
        assert answer.status_code == 200
        yield Screen(answer.iter_lines())
