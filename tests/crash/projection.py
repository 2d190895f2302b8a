"""What is in Valkey at the end of a run equals what a fresh projection of the topics gives."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import redis.asyncio

from agents.projector import Projector
from models.keys import Keys
from models.runtime import KafkaSettings
from models.topics import PROJECTED_TOPICS
from streams.tails import read_to_ends
from tests.crash.servers import Valkey

#: The projector is behind the outputs by one fetch; after it lost everything it starts over.
CATCH_UP_S: Final = 60.0


def _next(kafka: KafkaSettings, valkey: Valkey) -> dict[tuple[str, int], int]:
    """The offset that each partition of the projected topics is projected to."""
    keys = Keys(kafka.prefix)
    with valkey.client() as client:
        return {
            (topic, p): int(client.hget(keys.at(topic, p), "next") or 0)
            for topic in PROJECTED_TOPICS
            for p in range(kafka.partitions)
        }


async def _ends(kafka: KafkaSettings) -> dict[tuple[str, int], int]:
    ends = {(topic, p): 0 for topic in PROJECTED_TOPICS for p in range(kafka.partitions)}
    for p in range(kafka.partitions):
        async for topic, rows in read_to_ends(kafka, p, dict.fromkeys(PROJECTED_TOPICS, 0)):
            ends[(topic, p)] = rows[-1][0] + 1
    return ends


def projected(kafka: KafkaSettings, valkey: Valkey) -> None:
    """Wait until all outputs are in Valkey; figures are written on and on and may be behind."""
    ends = asyncio.run(_ends(kafka))
    deadline = time.monotonic() + CATCH_UP_S
    while True:
        there = _next(kafka, valkey)
        behind = {at: (n, ends[at]) for at, n in there.items() if n < ends[at]}
        if not behind:
            return
        assert time.monotonic() < deadline, f"not in Valkey after {CATCH_UP_S:.0f} s: {behind}"
        time.sleep(0.1)


def assert_projected(kafka: KafkaSettings, valkey: Valkey) -> None:
    """Database 0 equals a fresh projection of the same records into database 1."""
    asyncio.run(_project(kafka, valkey, _next(kafka, valkey)))
    found, fresh = _content(kafka, valkey, 0), _content(kafka, valkey, 1)
    assert found.keys() == fresh.keys(), sorted(found.keys() ^ fresh.keys())
    for key, value in fresh.items():
        assert found[key] == value, f"Valkey has at {key}\n  {found[key]!r}\nand a fresh projection\n  {value!r}"


async def _project(kafka: KafkaSettings, valkey: Valkey, upto: dict[tuple[str, int], int]) -> None:
    client: Any = redis.asyncio.Redis(port=valkey.port, db=1)
    async with client:
        projector = Projector(client, kafka.prefix)
        for p in range(kafka.partitions):
            async for topic, rows in read_to_ends(kafka, p, dict.fromkeys(PROJECTED_TOPICS, 0)):
                records = [row for row in rows if row[0] < upto[(topic, p)]]
                if records:
                    await projector.apply(topic, p, records)


def _content(kafka: KafkaSettings, valkey: Valkey, database: int) -> dict[str, Any]:
    """All of a database but its random epoch, and the trend, which has a point per batch and step."""
    keys = Keys(kafka.prefix)
    out: dict[str, Any] = {}
    with valkey.client(database) as client:
        for raw in sorted(client.keys()):
            key = raw.decode()
            if key == keys.epoch or key.startswith(keys.history("")):
                continue
            kind = client.type(raw)
            if kind == b"hash":
                out[key] = client.hgetall(raw)
            elif kind == b"list":
                out[key] = client.lrange(raw, 0, -1)
            elif kind == b"zset":
                out[key] = client.zrange(raw, 0, -1, withscores=True)
            elif kind == b"stream":
                out[key] = client.xrange(raw)
            else:
                out[key] = client.get(raw)
    assert keys.queues in out, "nothing is projected"
    return out
