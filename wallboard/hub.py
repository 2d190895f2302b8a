"""The hub: one reader of Valkey per process, any number of screens.

Theory. The hub holds one subscription and one `Board`. A message moves the board on; what the messages of a moment
(`GATHER_S`) changed becomes one chunk of SSE frames for each set of figures that screens asked for, encoded once and
handed to the bounded queue of each screen without waiting. A screen that cannot keep up loses its queue and gets
``reset`` and the whole board instead; it never holds up another. Whatever breaks the subscription (Valkey gone, another
epoch) ends in loading the board again and a ``reset`` for all, so nothing can be missed unseen.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.keys import Keys
from wallboard.board import Board, Event
from wallboard.frames import Chosen, frame, frames
from wallboard.position import Position
from wallboard.store import Store, TrimmedError

#: Frames that a screen may lag behind: sixty queues for half a minute. Frames are shared: 7 MB for each set of figures.
CLIENT_FRAMES: Final = 2_000
#: Screens per process: as many as one core reaches well within a quarter of a second (``callwatch bench wallboard``);
#: more belong to a second process.
CLIENTS: Final = 1_000
#: Sets of figures that screens ask for: those of our page, and of some pages of others. Each is encoded on its own.
SETS: Final = 16
#: Workers write each partition on its own; what comes within this time goes to the screens at once, since a write to a
#: screen costs far more than what is in it. Nobody sees a twentieth of a second.
GATHER_S: Final = 0.05
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
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()

    def push(self, chunk: bytes, number: int) -> None:
        """Hand over *number* frames; at the limit all that wait are dropped and the screen begins anew."""
        if self.reset is not None:
            return
        if self._waiting >= self._limit:
            self.begin_anew("slow")
            return
        self._chunks.append(chunk)
        self._waiting += number
        self._wake.set()

    def begin_anew(self, reason: str) -> None:
        """Drop what waits; the screen gets ``reset`` with *reason* and the whole board."""
        self._clear()
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
        """All frames that wait, as one: of a single chunk the same object for every screen."""
        taken = b"".join(self._chunks)
        self._clear()
        return taken

    def _clear(self) -> None:
        self._chunks.clear()
        self._waiting = 0


class Hub:
    """Follows the projector's channel (`run`) and serves the screens (`stream`). One event loop, no locks."""

    def __init__(self, valkey: Redis, prefix: str, partitions: int, now_ms: Callable[[], int] = wall_ms) -> None:
        self.store = Store(valkey, prefix, partitions)
        self.board: Board | None = None  #: None until Valkey answered the first time
        self.connected = False
        self._valkey: Any = valkey
        self._channel = Keys(prefix).changed
        self._now_ms = now_ms
        self._clients: dict[Chosen, set[Client]] = {}
        self._gathered: list[Event] = []  #: on the board, not yet with the screens

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
        for client in self._all():
            client.close()

    @property
    def full(self) -> bool:
        """Whether no further screen can be served."""
        return sum(map(len, self._clients.values())) >= CLIENTS

    async def stream(
        self, last_event_id: str, wanted: Chosen = None, limit: int = CLIENT_FRAMES
    ) -> AsyncGenerator[bytes, None]:
        """SSE frames for one screen that saw everything up to *last_event_id* ("" = nothing).

        Rows have the figures that are *wanted*; when others want too many different ones, all of them.
        """
        if wanted not in self._clients and len(self._clients) >= SETS:
            wanted = None
        client = Client(limit)
        self._spread()  # what is on the board already must not come a second time
        self._clients.setdefault(wanted, set()).add(client)
        try:
            async for missed in self._resumed(client, last_event_id, wanted):
                yield missed
            while not client.closed:
                if client.reset is not None and self.board is not None:
                    self._spread()
                    reason, client.reset = client.reset, None
                    yield self._beginning(self.board, reason, wanted)
                if chunk := client.take():
                    yield chunk
                await client.wait()
        finally:
            self._leave(client, wanted)

    def _all(self) -> list[Client]:
        return [client for clients in self._clients.values() for client in clients]

    def _leave(self, client: Client, wanted: Chosen) -> None:
        clients = self._clients[wanted]
        clients.discard(client)
        if not clients:
            del self._clients[wanted]

    async def _resumed(self, client: Client, last_event_id: str, wanted: Chosen) -> AsyncIterator[bytes]:
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
        now = board.snapshot(self._now_ms())
        state = frames(((name, data, since) for name, data, _ in now if name != "alert"), wanted)
        try:
            missed = await self.store.missed(since, upto)
        except (TrimmedError, RedisError, OSError):
            client.begin_anew("trimmed")
            return
        yield state
        for partition, offset, alert in missed:
            since = since.advanced(partition, offset)
            yield frame("alert", alert, since)

    def _beginning(self, board: Board, reason: str, wanted: Chosen) -> bytes:
        data = {"reason": reason, "epoch": board.position.epoch}
        return frame("reset", data, board.position) + frames(board.snapshot(self._now_ms()), wanted)

    async def _follow(self) -> None:
        """Subscribe, load, follow. Returns when the epoch is another one."""
        async with self._valkey.pubsub() as pubsub:
            await pubsub.subscribe(self._channel)
            # the board must be loaded after Valkey took the subscription, else a change could fall between the two
            await self._next(pubsub)
            board = await self.store.load()
            self.board = board
            self.connected = True
            self._gathered.clear()
            for client in self._all():
                client.begin_anew("start" if client.reset == "start" else "reloaded")
            while True:
                message = await self._next(pubsub)
                if message["type"] != "message":
                    continue
                content = orjson.loads(message["data"])
                if content["epoch"] != board.position.epoch:
                    return
                self._gather(list(board.take(content, self._now_ms())))

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

    def _gather(self, events: list[Event]) -> None:
        if events and not self._gathered:
            asyncio.get_running_loop().call_later(GATHER_S, self._spread)
        self._gathered += events

    def _spread(self) -> None:
        """What is gathered goes to all screens."""
        events, self._gathered = self._gathered, []
        if not events:
            return
        for wanted, clients in self._clients.items():
            chunk = frames(events, wanted)
            for client in clients:
                client.push(chunk, len(events))
