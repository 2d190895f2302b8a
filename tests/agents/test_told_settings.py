"""Owners with settings files of their own: who tells the log, what the next owner goes on with, what is refused."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import orjson
import pytest

from agents.keeper import PartitionKeeper
from models.catalogue import Catalogue, Site
from models.errors import WorkError
from models.settings_record import digest
from models.topics import EVENTS, SNAPSHOTS
from tests.agents.dense import catalogue, dense_log
from tests.agents.test_keeper import KAFKA, ListBroker, ListKeeper

OTHER = replace(catalogue(), rules=catalogue().rules[:1])


def owner(broker: ListBroker, settings: Catalogue) -> ListKeeper:
    """A worker whose file holds *settings* has been given the partition."""
    keeper = ListKeeper(broker)
    PartitionKeeper.__init__(keeper, 0, KAFKA, settings, broker.sender(10**9))
    return keeper


async def taken(broker: ListBroker, settings: Catalogue) -> tuple[ListKeeper, bool]:
    """... restored, and has read the log to its end."""
    keeper = owner(broker, settings)
    at = await keeper.restore()
    told = await keeper.tell_settings()
    for offset, _, value in broker.topics[EVENTS][at:]:
        await keeper.apply([value], [offset])
    return keeper, told


def fill(broker: ListBroker, values: list[bytes | None]) -> None:
    for value in values:
        broker.topics[EVENTS].append((broker.next[EVENTS], None, value))
        broker.next[EVENTS] += 1


def test_the_file_of_the_first_owner_holds_and_nothing_is_told() -> None:
    async def first() -> None:
        broker = ListBroker()
        keeper, told = await taken(broker, catalogue())
        assert not told
        assert broker.topics[EVENTS] == []
        # it dies before its first round: what it applied, it applied under these settings
        second = owner(broker, OTHER)
        await second.restore()
        assert second.actor.digest == digest(catalogue()) == keeper.actor.digest

    asyncio.run(first())


def test_another_file_enters_through_the_log_where_it_lies(caplog: pytest.LogCaptureFixture) -> None:
    async def lives() -> None:
        broker = ListBroker()
        fill(broker, dense_log(5, seconds=3))
        first, _ = await taken(broker, catalogue())
        await first.snapshot()
        before = len(broker.topics[EVENTS])
        with caplog.at_level(logging.WARNING, "callwatch.worker"):
            second, told = await taken(broker, OTHER)
        assert told
        (record,) = [orjson.loads(value or b"") for _, _, value in broker.topics[EVENTS][before:]]
        assert (record["type"], record["digest"]) == ("rules.changed", digest(OTHER))
        assert second.actor.digest == digest(OTHER)
        assert digest(OTHER) in caplog.text
        assert digest(catalogue()) in caplog.text
        # the first is still there, and has another file: the last one told wins, and it says so
        caplog.clear()
        with caplog.at_level(logging.WARNING, "callwatch.worker"):
            await first.apply([broker.topics[EVENTS][before][2]], [before])
        assert first.actor.digest == digest(OTHER)
        assert "not this worker's" in caplog.text
        await second.snapshot()
        _, told = await taken(broker, OTHER)
        assert not told
        assert len(broker.topics[EVENTS]) == before + 1

    asyncio.run(lives())


def test_a_death_between_the_telling_and_the_next_round_tells_the_same_once_more_and_changes_nothing() -> None:
    async def lives() -> None:
        broker = ListBroker()
        fill(broker, dense_log(5, seconds=3))
        first, _ = await taken(broker, catalogue())
        await first.snapshot()
        second, _ = await taken(broker, OTHER)
        third, told = await taken(broker, OTHER)
        assert told  # the manifest is the first owner's
        assert third.actor.digest == second.actor.digest == digest(OTHER)

    asyncio.run(lives())


def test_another_time_zone_for_a_queue_that_exists_is_refused_with_the_way_out() -> None:
    async def lives() -> None:
        broker = ListBroker()
        fill(broker, dense_log(5, seconds=3))
        first, _ = await taken(broker, catalogue())
        await first.snapshot()
        moved = replace(catalogue(), sites=(Site("day", "Asia/Tokyo", 15), catalogue().sites[1]))
        before = len(broker.topics[EVENTS])
        with pytest.raises(WorkError, match=r"day/.*prefix"):
            await taken(broker, moved)
        assert len(broker.topics[EVENTS]) == before

    asyncio.run(lives())


OLD: list[tuple[str, Any, list[str]]] = [
    ("older", 1, ["version 1", "reads 3"]),
    ("newer", 99, ["version 99", "reads 3"]),
    ("none", None, ["version None", "reads 3"]),
]


@pytest.mark.parametrize(("name", "version", "parts"), OLD, ids=[name for name, *_ in OLD])
def test_a_manifest_of_another_version_is_refused_with_place_and_way_out(
    name: str, version: Any, parts: list[str]
) -> None:
    async def lives() -> None:
        broker = ListBroker()
        await taken(broker, catalogue())
        for n, (offset, key, value) in enumerate(broker.topics[SNAPSHOTS]):
            if orjson.loads(key or b"")[0] == "m":
                broker.topics[SNAPSHOTS][n] = (
                    offset,
                    key,
                    orjson.dumps(orjson.loads(value or b"") | {"version": version}),
                )
        with pytest.raises(WorkError) as refused:
            await owner(broker, catalogue()).restore()
        for part in (*parts, "snapshots[0]", "Start the version", "prefix", "OPERATIONS.md"):
            assert part in str(refused.value)

    asyncio.run(lives())


def test_settings_in_a_manifest_that_this_version_does_not_understand_are_refused() -> None:
    async def lives() -> None:
        broker = ListBroker()
        await taken(broker, catalogue())
        offset, key, value = broker.topics[SNAPSHOTS][-1]
        body = orjson.loads(value or b"")
        body["common"]["catalogue"]["weather"] = "rain"
        broker.topics[SNAPSHOTS][-1] = (offset, key, orjson.dumps(body))
        with pytest.raises(WorkError, match=r"weather.*Start the version"):
            await owner(broker, catalogue()).restore()

    asyncio.run(lives())
