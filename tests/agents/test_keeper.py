"""The keeper killed between any two records that it writes, raced by a stale owner, its topics compacted.

The broker is a list here: no real one can be made to fail after the k-th record.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
import pytest

from agents.keeper import PartitionKeeper
from models.runtime import KafkaSettings
from models.topics import DEAD_LETTERS, OUTPUT_TOPICS, SNAPSHOTS
from streams.app import Output
from streams.broker import Rows
from tests.agents.dense import catalogue, dense_log, fresh, payloads
from tests.agents.logs import Log, run

KAFKA = KafkaSettings(partitions=1)


class BrokerGoneError(Exception):
    """It takes no record of this worker any more."""


class ListBroker:
    """Topics of one partition: (offset, key, value). Accepts *left* records more, then every send fails."""

    def __init__(self) -> None:
        self.topics: dict[str, Rows] = defaultdict(list)
        self.next: dict[str, int] = defaultdict(int)

    def sender(self, left: int) -> Any:
        room = [left]

        async def send(outputs: Sequence[Output]) -> list[int]:
            offsets = []
            for topic, _, key, value, _ in outputs:
                await asyncio.sleep(0)
                if room[0] <= 0:
                    raise BrokerGoneError
                room[0] -= 1
                offsets.append(self.next[topic])
                self.topics[topic].append((self.next[topic], key, value))
                self.next[topic] += 1
            return offsets

        return send

    def compact(self, topic: str) -> None:
        newest = {key: offset for offset, key, _ in self.topics[topic]}
        self.topics[topic] = [row for row in self.topics[topic] if newest[row[1]] == row[0] and row[2] is not None]


class ListKeeper(PartitionKeeper):
    """A keeper that reads from lists."""

    def __init__(self, broker: ListBroker, left: int = 10**9) -> None:
        super().__init__(0, KAFKA, catalogue(), broker.sender(left))
        self.broker = broker

    async def _read(self, starts: Mapping[str, int]) -> AsyncIterator[tuple[str, Rows]]:
        for topic, start in starts.items():
            if rows := [row for row in self.broker.topics[topic] if row[0] >= start]:
                yield topic, rows

    async def live(self, log: Log, until: int, rng: random.Random) -> None:
        """Restore if need be and apply up to offset *until*, with rounds of snapshots between."""
        at = self.actor.position
        while at < until:
            end = min(at + rng.randrange(1, 60), until)
            await self.apply(log[at:end], range(at, end))
            at = end
            if rng.random() < 0.4:
                await self.snapshot()


@pytest.fixture(scope="module")
def log() -> Log:
    log = dense_log(3, seconds=30)
    for at in range(0, len(log), 50):
        log[at : at + 1] = [log[at], b"garbage"]
    return log


@pytest.fixture(scope="module")
def whole(log: Log) -> dict[str, list[bytes]]:
    return payloads(run(fresh(), log))


def once(rows: Rows, topic: str) -> list[bytes]:
    """As our readers take them."""
    seen: dict[tuple[int, ...], bytes] = {}
    for _, _, value in rows:
        assert value is not None
        payload = orjson.loads(value)
        pos = (payload["offset"],) if topic == DEAD_LETTERS else tuple(payload["pos"])
        assert seen.setdefault(pos, value) == value, (topic, pos)
    return list(seen.values())


def assert_whole(broker: ListBroker, whole: dict[str, list[bytes]]) -> None:
    for topic in (*OUTPUT_TOPICS, DEAD_LETTERS):
        assert once(broker.topics[topic], topic) == whole.get(topic, []), topic


@pytest.mark.parametrize("seed", range(6))
def test_killed_between_any_two_records(log: Log, whole: dict[str, list[bytes]], seed: int) -> None:
    async def lives() -> ListBroker:
        rng, broker = random.Random(seed), ListBroker()
        for _ in range(12):
            keeper = ListKeeper(broker, rng.randrange(1, 250))
            try:
                await keeper.restore()
                await keeper.live(log, len(log), rng)
            except BrokerGoneError:
                with pytest.raises(BrokerGoneError):  # also its last round finds the broker gone
                    await keeper._send([("t", 0, None, b"", None)])
            if rng.random() < 0.5:
                broker.compact(SNAPSHOTS)
        last = ListKeeper(broker)
        await last.restore()
        await last.live(log, len(log), rng)
        return broker

    assert_whole(asyncio.run(lives()), whole)


@pytest.mark.parametrize("seed", range(4))
def test_raced_by_owners_that_were_taken_for_dead(log: Log, whole: dict[str, list[bytes]], seed: int) -> None:
    """Several owners at once, two with the same epoch; each may die; the newest state found must be a whole one."""

    async def race() -> ListBroker:
        rng, broker, until = random.Random(seed), ListBroker(), 0
        owners: list[ListKeeper] = []
        while until < len(log):
            until = min(until + len(log) // 8, len(log))
            new = [ListKeeper(broker) for _ in range(rng.choice([1, 2]))]
            await asyncio.gather(*(keeper.restore() for keeper in new))
            owners = [*owners[-2:], *new]
            rng.shuffle(owners)
            await asyncio.gather(*(keeper.live(log, until, rng) for keeper in owners))
            if rng.random() < 0.5:
                broker.compact(SNAPSHOTS)
        return broker

    assert_whole(asyncio.run(race()), whole)


def test_no_snapshot_of_a_state_whose_outputs_were_not_confirmed(log: Log, whole: dict[str, list[bytes]]) -> None:
    """A send may fail while the broker still takes other records, such as the last round at a revoke."""

    async def lives() -> ListBroker:
        broker, rng = ListBroker(), random.Random(0)
        keeper = ListKeeper(broker, 40)
        await keeper.restore()

        async def go_on() -> None:
            while True:
                at = keeper.actor.position
                await keeper.apply(log[at : at + 20], range(at, at + 20))

        with pytest.raises(BrokerGoneError):
            await go_on()
        keeper._send = broker.sender(10**9)
        assert await keeper.snapshot() == 0
        last = ListKeeper(broker)
        await last.restore()
        await last.live(log, len(log), rng)
        return broker

    assert_whole(asyncio.run(lives()), whole)


def test_a_revoke_in_the_middle_of_a_round_waits_for_it(log: Log) -> None:
    async def both() -> ListBroker:
        broker = ListBroker()
        keeper = ListKeeper(broker)
        await keeper.restore()
        await keeper.apply(log[:500], range(500))
        first = asyncio.ensure_future(keeper.snapshot())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not first.done()
        assert await keeper.snapshot() == 0
        assert first.done()
        return broker

    rows = asyncio.run(both()).topics[SNAPSHOTS]
    assert [orjson.loads(key or b"")[0] for _, key, _ in rows].count(
        "m"
    ) == 2  # and that of the first owner, before anything
