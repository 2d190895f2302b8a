"""The projector: keeps in Valkey what wallboards read, from the topics ``metrics``, ``workorders``, ``workorder-log``
and ``alerts``.

Theory. Every batch of one partition becomes one transaction that holds the data *and* the offset to go on from, so a
crash leaves both or neither and a repeated batch changes nothing. The transaction watches the position (a rival
projector of the same partition makes it start over and then find nothing left to do) and the epoch. The epoch is a
random name written once into an empty Valkey. Should it be missing or another one than at the start, Valkey has lost
its data under us: `ProjectionLostError` ends the worker, whose restart begins at offset 0 under a new epoch.

Outputs of a partition carry ``pos`` in rising order and a second owner can only repeat what is there, so "not above
the highest ``pos`` seen" means "seen".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import orjson
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, WatchError

from models.errors import WorkError
from models.fields import TS_END_MS
from models.keys import (
    ALERTS_KEPT,
    CLOSED_KEPT,
    HISTORY_FIGURES,
    HISTORY_POINTS,
    HISTORY_STEP_MS,
    LOG_KEPT,
    LOGS_KEPT,
    NOTES_KEPT,
    PLANNED_KEPT,
    Keys,
)
from models.topics import ALERTS, METRICS, PROJECTED_TOPICS, WORKORDER_LOG, WORKORDERS

#: A record of a topic: offset, key, value (None is a tombstone of a compacted topic).
Record = tuple[int, bytes | None, bytes | None]

#: Rivals write at most during one rebalance; more conflicts than this in a row are a fault.
TRIES: Final = 20
CLOSED_STATES: Final = frozenset({"closed", "cancelled"})


class ProjectionLostError(WorkError):
    """Valkey lost its data while we ran: restart, and the projection is rebuilt from Kafka."""


class At(NamedTuple):
    """How far a partition of a topic is projected: the offset to go on from and the highest ``pos`` applied."""

    next: int
    seen: tuple[int, int]  #: (offset of the cause, n)


NOTHING: Final = At(0, (-1, -1))


class Projector:
    """Applies batches of the projected topics to one Valkey. Safe to run beside rivals; one per worker."""

    def __init__(self, valkey: Redis, prefix: str = "") -> None:
        self._valkey: Any = valkey  # the client's own hints mix its two protocols and str with bytes
        self._keys = Keys(prefix)
        self._epoch: bytes | None = None

    async def start(self, topic: str, partition: int) -> int:
        """The offset to go on from (0 = the beginning). Writes the epoch into an empty Valkey.

        Raises ProjectionLostError when the epoch is another one than at an earlier call.
        """
        await self._valkey.set(self._keys.epoch, uuid.uuid4().hex[:16], nx=True)
        epoch = await self._valkey.get(self._keys.epoch)
        if self._epoch is None:
            self._epoch = epoch
        self._check(epoch)
        stored = await self._valkey.hmget(self._keys.at(topic, partition), ["next", "seen"])
        return _at(stored).next

    async def apply(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """Apply *records* (rising offsets) of one partition; returns the offset to go on from.

        Records below the stored position are skipped. *topic* is the name without prefix. Raises ProjectionLostError.
        """
        if topic not in PROJECTED_TOPICS:
            raise ValueError(f"{topic} is not a projected topic; known are {', '.join(PROJECTED_TOPICS)}")
        if self._epoch is None:
            await self.start(topic, partition)
        for _ in range(TRIES):
            async with self._valkey.pipeline(transaction=True) as pipe:
                try:
                    return await self._transaction(pipe, topic, partition, records)
                except WatchError:
                    continue
                except OutOfMemoryError as error:
                    raise WorkError(
                        f"Valkey is full (maxmemory): {topic}[{partition}] cannot be projected and the wallboards "
                        "would stand still. Give it more memory; the restarted worker goes on where it stopped"
                    ) from error
        raise WorkError(
            f"projecting {topic}[{partition}] met a rival {TRIES} times in a row: look for a second consumer group "
            "that writes to the same Valkey under the same prefix"
        )

    async def _transaction(self, pipe: Any, topic: str, partition: int, records: Sequence[Record]) -> int:
        key = self._keys.at(topic, partition)
        await pipe.watch(self._keys.epoch, key)
        self._check(await pipe.get(self._keys.epoch))
        at = _at(await pipe.hmget(key, ["next", "seen"]))
        fresh = [r for r in records if r[0] >= at.next]
        if not fresh:
            return at.next
        batch = _Batch(pipe, self._keys, partition, (self._epoch or b"").decode(), at.seen)
        await batch.add(topic, fresh)
        after = fresh[-1][0] + 1
        pipe.hset(key, mapping={"next": after, "seen": f"{batch.seen[0]}:{batch.seen[1]}"})
        await pipe.execute()
        return after

    def _check(self, epoch: bytes | None) -> None:
        if epoch != self._epoch:
            raise ProjectionLostError(
                f"Valkey lost the projection (epoch {_text(epoch)}, expected {_text(self._epoch)}): "
                "restart the worker; it rebuilds everything from Kafka"
            )


class _Batch:
    """One transaction under way: reads go through the watched connection, then `add` queues the writes."""

    def __init__(self, pipe: Any, keys: Keys, partition: int, epoch: str, seen: tuple[int, int]) -> None:
        self.seen = seen
        self._pipe = pipe
        self._keys = keys
        self._partition = partition
        self._epoch = epoch

    async def add(self, topic: str, records: Sequence[Record]) -> None:
        """Queue the writes for *records* of *topic*."""
        if topic == METRICS:
            self._metrics(records)
        elif topic == WORKORDERS:
            await self._orders(records)
        elif topic == WORKORDER_LOG:
            await self._log(records)
        elif topic == ALERTS:
            await self._alerts(records)

    def _metrics(self, records: Sequence[Record]) -> None:
        """The last row of each queue in the batch; a tombstone takes the queue off the boards."""
        rows: dict[str, bytes | None] = {(key or b"").decode(): value for _, key, value in records}
        self._pipe.multi()
        shown: list[bytes] = []
        freshest = 0
        for queue, value in rows.items():
            if value is None:
                self._pipe.hdel(self._keys.queues, queue)
                self._pipe.delete(self._keys.history(queue))
                continue
            row = orjson.loads(value)
            freshest = max(freshest, row["wall_ms"])
            self._pipe.hset(self._keys.queues, queue, value)
            self._pipe.hset(self._keys.partitions, queue, str(self._partition))
            self._history(queue, row)
            shown.append(value)
        if shown:
            self._pipe.hset(self._keys.fresh, str(self._partition), str(freshest))
            self._publish("queue", shown)

    def _history(self, queue: str, row: dict[str, Any]) -> None:
        """One point per step: a later row of the same step replaces the earlier, so repeats change nothing."""
        step = row["at_ms"] // HISTORY_STEP_MS
        point = orjson.dumps([row["at_ms"], *(row["figures"].get(name) for name in HISTORY_FIGURES)])
        key = self._keys.history(queue)
        self._pipe.zremrangebyscore(key, step, step)
        self._pipe.zadd(key, {point: step})
        self._pipe.zremrangebyrank(key, 0, -HISTORY_POINTS - 1)

    async def _orders(self, records: Sequence[Record]) -> None:
        """The last version of each order in the batch, never an older one than is there."""
        latest: dict[str, tuple[dict[str, Any] | None, bytes | None]] = {}
        for _, key, value in records:
            order = orjson.loads(value) if value is not None else None
            if order is None or self._is_new(order):
                latest[order["id"] if order else (key or b"").decode()] = (order, value)
        if not latest:
            self._pipe.multi()
            return
        there = await self._versions(list(latest))
        overdue = await self._pipe.zrange(self._keys.closed_at, 0, -CLOSED_KEPT - 1)
        self._pipe.multi()
        shown: list[bytes] = []
        for order_id, (order, value) in latest.items():
            if order is None or value is None:
                self._pipe.hdel(self._keys.orders, order_id)
                self._forget_closed([order_id])
            elif order["version"] >= there.get(order_id, -1):
                self._order(order, value)
                shown.append(value)
        self._forget_closed(overdue)
        if shown:
            self._publish("order", shown)

    async def _versions(self, ids: list[str]) -> dict[str, int]:
        """Stored version of each order of *ids* that is there."""
        versions: dict[str, int] = {}
        for key in (self._keys.closed, self._keys.orders):
            values = await self._pipe.hmget(key, ids)
            versions |= {i: orjson.loads(v)["version"] for i, v in zip(ids, values, strict=True) if v is not None}
        return versions

    def _order(self, order: dict[str, Any], value: bytes) -> None:
        if order["state"] in CLOSED_STATES:
            self._pipe.hdel(self._keys.orders, order["id"])
            self._pipe.hset(self._keys.closed, order["id"], value)
            self._pipe.zadd(self._keys.closed_at, {order["id"]: order["closed_ms"] or order["updated_ms"]})
        else:
            # also when it was closed: a relapse inside the reopen window opens the same order again
            self._forget_closed([order["id"]])
            self._pipe.hset(self._keys.orders, order["id"], value)

    def _forget_closed(self, ids: Iterable[str | bytes]) -> None:
        for order_id in ids:
            self._pipe.hdel(self._keys.closed, order_id)
            self._pipe.zrem(self._keys.closed_at, order_id)

    async def _log(self, records: Sequence[Record]) -> None:
        overdue = await self._pipe.zrange(self._keys.logs, 0, -LOGS_KEPT - 1)
        self._pipe.multi()
        touched: dict[str, int] = {}
        for _, _, value in records:
            if value is None or not self._is_new(entry := orjson.loads(value)):
                continue
            self._pipe.rpush(self._keys.log(entry["order"]), value)
            touched[entry["order"]] = entry["at_ms"]
        for order, at_ms in touched.items():
            self._pipe.ltrim(self._keys.log(order), -LOG_KEPT, -1)
            self._pipe.zadd(self._keys.logs, {order: at_ms})
        for order_id in overdue:
            if order_id.decode() not in touched:
                self._pipe.delete(self._keys.log(order_id.decode()))
                self._pipe.zrem(self._keys.logs, order_id)

    async def _alerts(self, records: Sequence[Record]) -> None:
        keys = self._keys
        lists = ((keys.notes, keys.notes_at, NOTES_KEPT), (keys.planned, keys.planned_at, PLANNED_KEPT))
        overdue = [await self._pipe.zrange(at, 0, -kept - 1) for _, at, kept in lists]
        self._pipe.multi()
        shown: list[bytes] = []
        for (values, at, _), gone in zip(lists, overdue, strict=True):
            for one in gone:
                self._pipe.hdel(values, one)
                self._pipe.zrem(at, one)
        for offset, _, value in records:
            if value is None or not self._is_new(alert := orjson.loads(value)):
                continue
            kept = alert.get("note") or alert.get("problem") or alert.get("sheet") or alert.get("watch")
            kept = kept or alert.get("floor") or alert.get("suppressed")
            if kept is not None:
                self._pipe.hset(self._keys.notes, kept["id"], value)
                # a problem stays in the list until it is closed, whatever else is told meanwhile
                lasts = kept is alert.get("problem") and kept.get("state") == "open"
                self._pipe.zadd(self._keys.notes_at, {kept["id"]: TS_END_MS if lasts else alert["at_ms"]})
            self._planned(alert, value)
            self._pipe.xadd(
                self._keys.alerts(self._partition),
                {"value": value},
                id=f"{offset + 1}-0",
                maxlen=ALERTS_KEPT,
                approximate=False,
            )
            shown.append(orjson.dumps({"id": offset + 1, "alert": orjson.Fragment(value)}))
        if shown:
            self._publish("alert", shown)

    def _planned(self, alert: dict[str, Any], value: bytes) -> None:
        """A planned event or an emergency; what is over falls out first."""
        event, emergency = alert.get("planned"), alert.get("emergency")
        if event is not None:
            ends_ms = alert["at_ms"] if event["state"] == "cancelled" else event["until_ms"]
        elif emergency is not None:
            event, ends_ms = emergency, emergency["ended_ms"] or TS_END_MS
        else:
            return
        self._pipe.hset(self._keys.planned, event["id"], value)
        self._pipe.zadd(self._keys.planned_at, {event["id"]: ends_ms})

    def _is_new(self, payload: dict[str, Any]) -> bool:
        """Whether *payload* lies above every ``pos`` seen; it then counts as seen."""
        _, offset, n = payload["pos"]
        if (offset, n) <= self.seen:
            return False
        self.seen = (offset, n)
        return True

    def _publish(self, kind: str, values: list[bytes]) -> None:
        """Tell the readers that stay. A reader that misses a message has lost its connection and reads everything."""
        message = {
            "epoch": self._epoch,
            "kind": kind,
            "partition": self._partition,
            "rows": [orjson.Fragment(v) for v in values],
        }
        self._pipe.publish(self._keys.changed, orjson.dumps(message))


def _at(stored: Sequence[bytes | None]) -> At:
    """What `Projector` stored about a partition; `NOTHING` when it has not yet."""
    following, seen = stored
    if following is None or seen is None:
        return NOTHING
    offset, n = seen.split(b":")
    return At(int(following), (int(offset), int(n)))


def _text(epoch: bytes | None) -> str:
    return epoch.decode() if epoch else "none"
