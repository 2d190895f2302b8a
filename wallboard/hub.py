"""The hub: one reader of Valkey per process, any number of screens.

Theory. The hub holds one subscription and one `Board`. A message moves the board on and becomes SSE frames, encoded
once and handed to the bounded queue of each screen without waiting. A screen that cannot keep up loses its queue and
gets ``reset`` and the whole board instead; it never holds up another. Whatever breaks the subscription (Valkey gone,
another epoch) ends in loading the board again and a ``reset`` for all, so nothing can be missed unseen.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.keys import Keys
from wallboard.board import Board, Event
from wallboard.position import Position
from wallboard.store import Store, TrimmedError

#: Frames that a screen may lag behind: sixty queues for half a minute. Frames are shared: 7 MB in all.
CLIENT_FRAMES: Final = 2_000
#: Screens per process. Each costs up to `CLIENT_FRAMES`; more belong to a second process.
CLIENTS: Final = 500
#: Between attempts to reach Valkey.
RETRY_S: Final = 1.0
#: A subscription that is silent for so long is asked whether it lives.
QUIET_S: Final = 5.0

log = logging.getLogger("callwatch.wallboard")


def wall_ms() -> int:
    """Wall clock, epoch milliseconds: staleness is judged by it and by nothing else."""
    return time.time_ns() // 1_000_000


class Client:
    """One screen: frames not yet sent, or the reason why it must begin anew."""

    def __init__(self, limit: int = CLIENT_FRAMES) -> None:
        self.reset: str | None = None
        self.closed = False
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()

    def push(self, frame: bytes) -> None:
        """Hand over a frame; at the limit all waiting frames are dropped and the screen begins anew."""
        if self.reset is not None:
            return
        if len(self._frames) >= self._limit:
            self.begin_anew("slow")
            return
        self._frames.append(frame)
        self._wake.set()

    def begin_anew(self, reason: str) -> None:
        """Drop what waits; the screen gets ``reset`` with *reason* and the whole board."""
        self._frames.clear()
        self.reset = reason
        self._wake.set()

    def close(self) -> None:
        """The server stops: end the stream."""
        self.closed = True
        self._wake.set()

    async def wait(self) -> None:
        """Until there is something to do."""
        await self._wake.wait()
        self._wake.clear()

    def take(self) -> bytes:
        """All frames that wait, as one."""
        frames = b"".join(self._frames)
        self._frames.clear()
        return frames


class Hub:
    """Follows the projector's channel (`run`) and serves the screens (`stream`). One event loop, no locks."""

    def __init__(self, valkey: Redis, prefix: str, partitions: int, now_ms: Callable[[], int] = wall_ms) -> None:
        self.store = Store(valkey, prefix, partitions)
        self.board: Board | None = None  #: None until Valkey answered the first time
        self.connected = False
        self._valkey: Any = valkey
        self._channel = Keys(prefix).changed
        self._now_ms = now_ms
        self._clients: set[Client] = set()

    async def run(self) -> None:
        """Follow Valkey until cancelled; whatever breaks is tried again every `RETRY_S`."""
        while True:
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                if self.connected or self.board is None:
                    log.warning("Valkey does not answer (%s): trying again every %g s", error, RETRY_S)
                self.connected = False
                await asyncio.sleep(RETRY_S)

    def close(self) -> None:
        """End all streams."""
        for client in self._clients:
            client.close()

    @property
    def full(self) -> bool:
        """Whether no further screen can be served."""
        return len(self._clients) >= CLIENTS

    async def stream(self, last_event_id: str, limit: int = CLIENT_FRAMES) -> AsyncGenerator[bytes, None]:
        """SSE frames for one screen that saw everything up to *last_event_id* ("" = nothing)."""
        client = Client(limit)
        self._clients.add(client)
        try:
            async for frame in self._resumed(client, last_event_id):
                yield frame
            while not client.closed:
                if client.reset is not None and self.board is not None:
                    reason, client.reset = client.reset, None
                    yield self._beginning(self.board, reason)
                if frames := client.take():
                    yield frames
                await client.wait()
        finally:
            self._clients.discard(client)

    async def _resumed(self, client: Client, last_event_id: str) -> AsyncIterator[bytes]:
        """What the screen missed; or nothing, and the client set to begin anew."""
        board = self.board
        since = Position.parse(last_event_id)
        if board is None or not last_event_id:
            client.begin_anew("start")
            return
        if since is None or since.epoch != board.position.epoch:
            client.begin_anew("epoch")
            return
        upto = board.position
        if len(since.offsets) != len(upto.offsets) or any(
            a > b for a, b in zip(since.offsets, upto.offsets, strict=True)
        ):
            client.begin_anew("epoch")
            return
        # figures and orders as of now stand for all changes of them that were missed; what comes from here on waits
        # in the client's queue
        state = _frames((name, data, since) for name, data, _ in board.snapshot(self._now_ms()) if name != "alert")
        try:
            missed = await self.store.missed(since, upto)
        except (TrimmedError, RedisError, OSError):
            client.begin_anew("trimmed")
            return
        yield state
        for partition, offset, alert in missed:
            since = since.advanced(partition, offset)
            yield _frame("alert", alert, since)

    def _beginning(self, board: Board, reason: str) -> bytes:
        data = {"reason": reason, "epoch": board.position.epoch}
        return _frame("reset", data, board.position) + _frames(board.snapshot(self._now_ms()))

    async def _follow(self) -> None:
        """Subscribe, load, follow. Returns when the epoch is another one."""
        async with self._valkey.pubsub() as pubsub:
            await pubsub.subscribe(self._channel)
            # the board must be loaded after Valkey took the subscription, else a change could fall between the two
            await self._next(pubsub)
            board = await self.store.load()
            self.board = board
            self.connected = True
            for client in self._clients:
                client.begin_anew("start" if client.reset == "start" else "reloaded")
            while True:
                message = await self._next(pubsub)
                if message["type"] != "message":
                    continue
                content = orjson.loads(message["data"])
                if content["epoch"] != board.position.epoch:
                    return
                self._spread(board.take(content, self._now_ms()))

    async def _next(self, pubsub: Any) -> dict[str, Any]:
        """The next message of the subscription, or the answer to our ping after `QUIET_S` without any.

        Raises ConnectionError when that does not come either: a half-open connection shows itself in no other way.
        """
        for _ in range(2):
            message: dict[str, Any] | None = await pubsub.get_message(timeout=QUIET_S)
            if message is not None:
                return message
            await pubsub.ping()
        raise ConnectionError(f"no word for {2 * QUIET_S:g} s")

    def _spread(self, events: Iterable[Event]) -> None:
        for name, data, position in events:
            frame = _frame(name, data, position)
            for client in self._clients:
                client.push(frame)


def _frame(name: str, data: dict[str, Any], position: Position) -> bytes:
    """One SSE event. The JSON has no line breaks, so it is one ``data:`` line."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(position).encode(), name.encode(), orjson.dumps(data))


def _frames(events: Iterable[Event]) -> bytes:
    return b"".join(_frame(name, data, position) for name, data, position in events)
