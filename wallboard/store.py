"""Reading Valkey: the whole board at once, and what is read on demand (logs, trends, alerts that a screen missed)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from redis.asyncio import Redis

from models.keys import Keys
from wallboard.board import RECENT_ALERTS, Board
from wallboard.position import Position

#: A screen that missed more alerts than this begins anew: nobody reads a thousand alerts one by one.
RESUME_LIMIT: Final = 1_000


class TrimmedError(Exception):
    """The alerts after a position are no longer all there, or too many: begin anew."""


class Store:
    """What the projector keeps in Valkey under *prefix* for *partitions* partitions."""

    def __init__(self, valkey: Redis, prefix: str, partitions: int) -> None:
        self._valkey: Any = valkey  # the client's own hints mix its two protocols and str with bytes
        self._keys = Keys(prefix)
        self._partitions = partitions

    async def load(self) -> Board:
        """Everything in one transaction, so that the position fits the data."""
        keys = self._keys
        pipe = self._valkey.pipeline(transaction=True)
        pipe.get(keys.epoch)
        for name in (keys.queues, keys.partitions, keys.fresh, keys.orders, keys.closed):
            pipe.hgetall(name)
        for partition in range(self._partitions):
            pipe.xrevrange(keys.alerts(partition), count=RECENT_ALERTS)
        epoch, queues, partitions, fresh, orders, closed, *alerts = await pipe.execute()
        board = Board(Position((epoch or b"").decode(), tuple(_last(entries) for entries in alerts)))
        board.queues = {queue.decode(): orjson.loads(row) for queue, row in queues.items()}
        board.partitions = {queue.decode(): int(partition) for queue, partition in partitions.items()}
        board.fresh = {int(partition): int(wall_ms) for partition, wall_ms in fresh.items()}
        board.orders = {i.decode(): orjson.loads(order) for i, order in [*orders.items(), *closed.items()]}
        recent = [orjson.loads(entry[b"value"]) for entries in alerts for _, entry in entries]
        board.alerts.extend(sorted(recent, key=lambda a: a["at_ms"])[-RECENT_ALERTS:])
        return board

    async def missed(self, since: Position, upto: Position) -> list[tuple[int, int, dict[str, Any]]]:
        """Alerts after *since* up to and with *upto*: ``(partition, offset to go on from, alert)``.

        Raises TrimmedError when some of them are gone.
        """
        missed: list[tuple[int, int, dict[str, Any]]] = []
        for partition, (low, high) in enumerate(zip(since.offsets, upto.offsets, strict=True)):
            if low >= high:
                continue
            await self._complete(partition, low)
            entries = await self._valkey.xrange(
                self._keys.alerts(partition), f"({low}-0", f"{high}-0", count=RESUME_LIMIT + 1
            )
            missed += [(partition, _offset(name), orjson.loads(entry[b"value"])) for name, entry in entries]
            if len(missed) > RESUME_LIMIT:
                raise TrimmedError
        return missed

    async def _complete(self, partition: int, low: int) -> None:
        """Raise TrimmedError when the stream of *partition* was trimmed somewhere after *low*."""
        about = await self._valkey.xinfo_stream(self._keys.alerts(partition))
        first = about["first-entry"]
        trimmed = about["entries-added"] > about["length"]
        # ids are offsets + 1: a stream whose first id follows `low` directly lacks nothing after it
        if trimmed and (first is None or low < _offset(first[0]) - 1):
            raise TrimmedError

    async def log(self, order: str) -> list[dict[str, Any]]:
        """The decisions about *order*, oldest first."""
        return [orjson.loads(entry) for entry in await self._valkey.lrange(self._keys.log(order), 0, -1)]

    async def notes(self, part: str) -> list[dict[str, Any]]:
        """The alerts that tell trend notes (*part* ``note``), problem records (``problem``), parts of handover sheets
        (``sheet``), unusual figures at a change (``watch``), the floor log (``floor``) or breaches that an event kept
        quiet (``suppressed``), the newest first."""
        told = [orjson.loads(value) for value in (await self._valkey.hgetall(self._keys.notes)).values()]
        return sorted((alert for alert in told if alert.get(part)), key=lambda a: (-a["at_ms"], a[part]["id"]))

    async def planned(self) -> list[dict[str, Any]]:
        """The alerts that tell planned events and emergencies, one from each partition."""
        return [orjson.loads(value) for value in (await self._valkey.hgetall(self._keys.planned)).values()]

    async def history(self, queues: list[str]) -> dict[str, list[list[float | None]]]:
        """The trend of each of *queues*: points ``[at_ms, figure, ...]`` in the order of ``HISTORY_FIGURES``."""
        pipe = self._valkey.pipeline(transaction=False)
        for queue in queues:
            pipe.zrange(self._keys.history(queue), 0, -1)
        trends = await pipe.execute()
        return {q: [orjson.loads(point) for point in points] for q, points in zip(queues, trends, strict=True)}


def _offset(entry_id: bytes) -> int:
    """The offset to go on from that a stream id ``<offset+1>-0`` stands for."""
    return int(entry_id.split(b"-")[0])


def _last(entries: list[tuple[bytes, Any]]) -> int:
    """The same of the latest of *entries* (latest first); 0 when there are none."""
    return _offset(entries[0][0]) if entries else 0
