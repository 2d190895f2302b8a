"""Units: whoever reads what first, dies, repeats itself or wakes up late, they say the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from agents.actor import PartitionActor
from callwatch.rehearsal import rehearse
from models.topics import ANOMALIES, WORKORDER_LOG, WORKORDERS
from sources.recording import RecordingHeader, RecordingWriter, open_recording
from tests.agents.unit_world import World, catalogue, commands, feeds, homes, merged, of_units, with_commands

Judged = dict[tuple[int, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def given() -> list[list[bytes]]:
    """Six minutes of calls in three partitions, with what people do about the orders of units."""
    plain = feeds(1)
    first = World(plain, catalogue(), random.Random(0))
    first.run()
    return with_commands(plain, commands(1, [r for records in first.outputs.values() for r in records]))


@pytest.fixture(scope="module")
def in_turn(given: list[list[bytes]]) -> World:
    """Everything is written in order and read one record at a time, each partition in turn."""
    world = World(given, catalogue(), random.Random(0))
    while any(world._given) or any(o.position < len(log) for o, log in zip(world.owners, world.logs, strict=True)):
        for p in range(len(world.logs)):
            world.feed(p, 1)
            world.read(p, 1)
    return world


@pytest.fixture(scope="module")
def expected(in_turn: World) -> Judged:
    """What is said of units then."""
    return in_turn.judged()


def test_the_world_has_in_it_what_matters(expected: Judged) -> None:
    entries = [entry for (_, topic), found in expected.items() if topic == WORKORDER_LOG for entry in found]
    assert {"raised", "dispatched", "closed"} <= {entry["decision"] for entry in entries}
    assert {"acknowledge", "resolve"} <= {entry["event"] for entry in entries}
    assert {e["queue"] for (_, t), found in expected.items() if t == ANOMALIES for e in found} >= {"*", "east/*"}
    orders = [order for (_, topic), found in expected.items() if topic == WORKORDERS for order in found]
    assert any("waiting" in order["briefing"]["english"][0] for order in orders if order["briefing"])
    assert len(set(homes().values())) > 1, "units of one home alone would prove little"


@pytest.mark.parametrize("seed", range(6))
def test_whoever_is_read_first_the_units_say_the_same(
    given: list[list[bytes]], expected: Judged, in_turn: World, seed: int
) -> None:
    world = World(given, catalogue(), random.Random(seed))
    world.run(most=[3, 40, 400][seed % 3], skew=seed >= 3)
    assert world.judged() == expected
    assert world.figures() == in_turn.figures()


@pytest.mark.parametrize("seed", range(6))
def test_owners_that_die_and_wake_up_change_nothing(
    given: list[list[bytes]], expected: Judged, in_turn: World, seed: int
) -> None:
    world = World(given, catalogue(), random.Random(seed))
    world.run(faults=0.05, most=[15, 60][seed % 2], skew=seed >= 3)
    assert world.judged() == expected
    assert world.figures() == in_turn.figures()
    assert world.repeats() > 0


def test_one_partition_says_what_many_say(given: list[list[bytes]], expected: Judged) -> None:
    """So a back-test of a recording in one process agrees with any number of workers."""
    actor, log = PartitionActor(0, 1, catalogue()), merged(given)
    alone = of_units(actor.apply(log, range(len(log))).records)
    many: dict[str, list[dict[str, Any]]] = {}
    for (_, topic), found in expected.items():
        many.setdefault(topic, []).extend(found)
    assert alone.keys() == many.keys()
    for topic, found in alone.items():
        assert sorted(found, key=repr) == sorted(many[topic], key=repr)


@pytest.mark.parametrize("batch", [57, 20_000])
def test_a_rehearsal_says_of_units_what_one_partition_says(
    given: list[list[bytes]], tmp_path: Path, batch: int
) -> None:
    path = tmp_path / "capture.ndjson.zst"
    with RecordingWriter(path, RecordingHeader(zone="UTC", ordered="log", made_by="test")) as out:
        out.write_all(merged(given))
    found = []
    for partitions in (1, 3):
        with open_recording(path) as recording:
            said = of_units(list(rehearse(recording, catalogue(), partitions, batch=batch)))
        found.append({topic: sorted(rows, key=lambda row: str(row["queue"])) for topic, rows in said.items()})
    assert len(found[0][ANOMALIES]) > 10
    assert found[0] == found[1]
