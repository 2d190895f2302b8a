"""State put together for another number of partitions: what is said of queues and units is what it would have been."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor
from agents.moved import actor_of, home_of, newest
from agents.units import BOARD
from models.encode import clock_record, command_record
from models.partition import partition_of
from models.settings_record import settings_record
from models.topics import ALERTS, WORKORDER_LOG
from tests.agents.dense import START as DENSE_START
from tests.agents.dense import catalogue as dense
from tests.agents.unit_world import JUDGED, START, World, catalogue, commands, feeds, merged, queues, with_commands

#: (topic, queue or unit) -> payloads without pos, in order
Said = dict[tuple[str, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def given() -> list[list[bytes]]:
    """Six minutes of calls in three partitions, with what people do about the orders of units."""
    plain = feeds(1)
    first = World(plain, catalogue(), random.Random(0))
    first.run()
    return with_commands(plain, commands(1, [r for records in first.outputs.values() for r in records]))


def said(*worlds: World) -> Said:
    out: Said = defaultdict(list)
    for world in worlds:
        for p in sorted(world.outputs):
            for record in world.outputs[p]:
                if record.topic in JUDGED:
                    payload = orjson.loads(record.value)
                    del payload["pos"]
                    out[(record.topic, payload["queue"])].append(payload)
    return out


@pytest.fixture(scope="module")
def expected(given: list[list[bytes]]) -> Said:
    """What one partition says from beginning to end."""
    world = World([merged(given)], catalogue(), random.Random(0))
    world.run(most=400)
    return said(world)


def up_to(log: list[bytes], at_ms: int) -> int:
    """How many records lie up to the clock at *at_ms*, that one included."""
    return next(n + 1 for n, value in enumerate(log) if orjson.loads(value)["ts"] >= at_ms and b'"clock"' in value)


def split(log: list[bytes], partitions: int) -> list[list[bytes]]:
    out: list[list[bytes]] = [[] for _ in range(partitions)]
    for value in log:
        event = orjson.loads(value)
        homes = range(partitions) if event["type"] == "clock" else [partition_of(event["queue"], partitions)]
        for home in homes:
            out[home].append(value)
    return out


def moved(old: World, partitions: int, rest: list[list[bytes]]) -> World:
    """The world that goes on with *rest*."""
    actors = old.owners
    frozen = [actor.freeze(actor.kept()) for actor in actors]
    boards = [states.pop(BOARD) for states in frozen]
    states = {name: data for part in frozen for name, data in part.items()}
    common = [orjson.loads(orjson.dumps(actor.freeze_common())) for actor in actors]
    world = World(rest, catalogue(), random.Random(5))
    for p in range(partitions):
        mine = {name: data for name, data in states.items() if home_of(name, partitions) == p}
        world.owners[p] = actor_of(p, partitions, catalogue(), common, boards, mine)
        world.logs[p].append(settings_record(catalogue(), id="1", source="callwatch", ts_ms=START))
    return world


@pytest.mark.parametrize(("partitions", "seconds"), [(1, 95), (2, 130), (2, 200), (5, 235)])
def test_units_and_queues_go_on_as_if_nothing_had_been(
    given: list[list[bytes]], expected: Said, partitions: int, seconds: int
) -> None:
    at_ms = START + seconds * 1_000
    cuts = [up_to(log, at_ms) for log in given]
    old = World([log[:n] for log, n in zip(given, cuts, strict=True)], catalogue(), random.Random(3))
    old.run()
    rest = split(merged([log[n:] for log, n in zip(given, cuts, strict=True)]), partitions)
    new = moved(old, partitions, rest)
    new.run()
    got = said(old, new)
    assert got.keys() == expected.keys()
    for key in expected:
        assert got[key] == expected[key], key
    assert any(queue.endswith("*") and found for (topic, queue), found in said(new).items() if topic == WORKORDER_LOG)


def planned(given: list[list[bytes]]) -> list[list[bytes]]:
    """*given* with planned events and an emergency in it: of sites, told to each partition, and of one queue."""
    said_by: list[tuple[int, str, dict[str, Any]]] = [
        (45, "plan", {"planned": "maintenance", "covers": "ash/*", "text": "x", "until_ms": START + 170_000}),
        (50, "plan", {"planned": "closure", "covers": "birch/bills", "text": "x", "until_ms": START + 300_000}),
        (55, "plan", {"planned": "campaign", "covers": "*", "text": "x", "until_ms": START + 330_000}),
        (110, "declare_emergency", {"covers": "cedar/*", "reason": "fire"}),
    ]
    homes = [[name for name in queues() if partition_of(name, len(given)) == p] for p in range(len(given))]
    units = ("*", "ash/*", "birch/*", "cedar/*", "east/*")
    homes = [home + [u for u in units if partition_of(u, len(given)) == p] for p, home in enumerate(homes)]
    out = []
    for n, (second, name, args) in enumerate(said_by):
        for p, home in enumerate(homes):
            anchors = [home[0], *home[-1:]] if "*" in args["covers"] else [q for q in home if q == args["covers"]]
            for queue in anchors:
                at = START + second * 1_000
                record = command_record(
                    id=f"{n}-{queue}", source="page", ts_ms=at, queue=queue, order="-", command=name, actor="ann",
                    args=args | {"event": f"e{n}"},
                )  # fmt: skip
                out.append((p, at, record))
    return with_commands(given, sorted(out, key=lambda told: (told[1], told[2])))


@pytest.mark.parametrize(("partitions", "seconds"), [(1, 130), (5, 235)])
def test_planned_events_go_on_as_if_nothing_had_been(partitions: int, seconds: int) -> None:
    log = planned(feeds(1))
    one = World([merged(log)], catalogue(), random.Random(0))
    one.run(most=400)
    cuts = [up_to(part, START + seconds * 1_000) for part in log]
    old = World([part[:n] for part, n in zip(log, cuts, strict=True)], catalogue(), random.Random(3))
    old.run(faults=0.02)
    rest = split(merged([part[n:] for part, n in zip(log, cuts, strict=True)]), partitions)
    new = moved(old, partitions, rest)
    new.run()
    wanted, got = said(one), said(old, new)
    for key in wanted.keys() | got.keys():
        assert decided(got[key]) == decided(wanted[key]), key
    told = {queue: payloads for (topic, queue), payloads in wanted.items() if topic == ALERTS}
    quiet = [payload["suppressed"] for payloads in told.values() for payload in payloads if "suppressed" in payload]
    assert any("suppressed" in payload for queue in told if queue.endswith("*") for payload in told[queue])
    assert {"running", "judged_again"} <= {part["state"] for part in quiet}
    assert {part["because"] for part in quiet} == {"planned_event", "planned_event_over", "emergency_declared"}


def decided(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*told* without what each partition says once of what it was told, or refused as it had it."""
    return [payload for payload in told if payload.get("kind") not in ("planned", "emergency", "refused")]


def test_the_newest_commands_of_all_are_kept() -> None:
    assert newest([["a", "b", "c"], ["x"], []], 9) == ["a", "b", "x", "c"]
    assert newest([["a", "b", "c"], ["x", "y"]], 3) == ["b", "y", "c"]
    assert newest([["a"], ["a"]], 3) == ["a"]
    assert newest([], 3) == []


def test_what_belongs_to_a_partition_is_the_latest_of_all() -> None:
    actors = [PartitionActor(p, 2, dense()) for p in range(2)]
    beat = {"source": "pbx", "type": "source.heartbeat"}
    for p, actor in enumerate(actors):
        at = DENSE_START + p * 700
        told = orjson.dumps({"id": "h", "ts": at, **beat})
        actor.apply([clock_record(at, "t"), told], range(2), [(0, 5_000 - p)])
    common = [actor.freeze_common() for actor in actors]
    new = actor_of(0, 1, dense(), common, [actor.units.freeze(BOARD) for actor in actors], {})
    assert new.windows.now_ms == DENSE_START + 700
    assert new.windows.clocked
    assert new.sources.heard == {"pbx": DENSE_START + 700}
    assert new.freeze_common()["clock"] == [DENSE_START + 700, 5_000]
    assert new.position == 1
    assert new.catalogue == actors[0].catalogue
