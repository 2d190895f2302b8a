"""Sources that are dead, late or ahead, and bad data: orders of everything (``*``), by the default rules."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor
from agents.sources import AHEAD_MS, LAGS, LATE_MS, SourceBook
from agents.unit_quality import MINUTES, Quality
from models.catalogue import Catalogue, Department, Person, QueueSettings, Site, Source
from models.encode import clock_record, encode_event
from models.partition import partition_of
from tests.agents.unit_world import START, World, merged

PARTITIONS = 3
S = 1_000
QUEUES = [f"{site}/{skill}" for site in ("ash", "birch") for skill in ("bills", "moves", "news")]
SETTINGS = Catalogue(
    sites=(Site("ash"), Site("birch")),
    queues=(QueueSettings(department="floor"),),
    departments=(Department("floor", "Floor"),),
    people=(Person("ann", "Ann", "floor", 1), Person("bo", "Bo", "floor", 2)),
    sources=(Source("pbx", 10_000), Source("ivr", 10_000)),
)
#: What the source pbx sends at a second of the day: the times of its heartbeats.
Beats = Callable[[int], list[int]]
#: One partition; three; three whose owners die.
WAYS = [(1, 0.0), (3, 0.0), (3, 0.03)]


def well(now: int) -> list[int]:
    return [now - 100] if now % 10_000 == 0 else []


def given(beats: Beats = well, minutes: int = 7, broken: float = 0.0) -> list[list[bytes]]:
    """Calls that are answered, heartbeats of both sources in every partition, a clock a second; of the records of
    calls a share is *broken* from the third minute on."""
    rng = random.Random(5)
    out: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for n, now in enumerate(range(START, START + minutes * 60_000, S)):
        for call in range(n * 3, n * 3 + 3):
            queue = rng.choice(QUEUES)
            for kind in ("call.offered", "call.answered"):
                event: dict[str, Any] = {"id": f"{kind}{call}", "source": "pbx", "type": kind, "ts": now}
                event |= {"queue": queue, "call": f"c{call}"}
                if n > 180 and rng.random() < broken:
                    event["ts"] = "soon"
                out[partition_of(queue, PARTITIONS)].append(orjson.dumps(event))
        for name, times in (("pbx", beats(now)), ("ivr", well(now))):
            for ts in times:
                beat = {"id": f"{name}{now}", "source": name, "type": "source.heartbeat", "ts": ts}
                for log in out:
                    log.append(encode_event(beat))
        for log in out:
            log.append(clock_record(now, "replay"))
    return out


def said(logs: list[list[bytes]], partitions: int, faults: float = 0.0, seed: int = 1) -> list[dict[str, Any]]:
    """What is said of everything, topic by topic, without places."""
    if partitions == 1:
        actor, log = PartitionActor(0, 1, SETTINGS), merged(logs)
        records = []
        for first in range(0, len(log), 777):
            part = log[first : first + 777]
            records += actor.apply(part, range(first, first + len(part))).records
        found = [orjson.loads(r.value) | {"topic": r.topic} for r in records if r.topic in TOPICS]
        return [{k: v for k, v in one.items() if k != "pos"} for one in found if one["queue"] == "*"]
    world = World(logs, SETTINGS, random.Random(seed))
    world.run(faults=faults)
    judged = world.judged()
    return [one | {"topic": topic} for (_, topic), of in sorted(judged.items()) for one in of if one["queue"] == "*"]


TOPICS = ("anomalies", "workorders", "alerts")


def starts(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if one["topic"] == "anomalies" and one["phase"] == "start"]


@pytest.mark.parametrize(("partitions", "faults"), WAYS)
def test_all_is_well_and_nothing_is_said(partitions: int, faults: float) -> None:
    assert said(given(), partitions, faults) == []


@pytest.mark.parametrize(("partitions", "faults"), WAYS)
def test_a_dead_source_is_an_order_that_names_it(partitions: int, faults: float) -> None:
    found = said(given(lambda now: well(now) if now < START + 180_000 else []), partitions, faults)
    (start,) = starts(found)
    assert (start["rule"], start["severity"], start["queue"]) == ("source-dead", 2, "*")
    assert start["sentence"] == "Silent sources: pbx (25 s)"
    assert start["zh"] == "中断数据源:pbx(25秒)"
    assert (
        start["at_ms"] == START + 195_000
    )  # last heard at 169.9 s, overdue after 15 s, told of at a tick, held for 10 s
    orders = [one for one in found if one["topic"] == "workorders"]
    assert (orders[-1]["symptoms"], orders[-1]["owner"]) == (["source-dead"], "ann")


def test_a_source_that_comes_back_is_over() -> None:
    quiet = range(START + 180_000, START + 240_000)
    found = said(given(lambda now: [] if now in quiet else well(now)), 1)
    phases = [(one["rule"], one["phase"]) for one in found if one["topic"] == "anomalies"]
    assert phases == [("source-dead", "start"), ("source-dead", "end")]


@pytest.mark.parametrize(("partitions", "faults"), WAYS)
def test_a_late_source(partitions: int, faults: float) -> None:
    found = said(given(lambda now: [now - 9_000] if now % 10_000 == 0 else []), partitions, faults)
    assert found == []
    slow = Catalogue(**{**vars_of(SETTINGS), "sources": (Source("pbx", 100_000), Source("ivr", 10_000))})
    late = given(lambda now: [now - 63_000] if now % 10_000 == 0 else [])
    (start,) = starts(with_settings(slow, late, partitions, faults))
    assert (start["rule"], start["sentence"]) == ("source-late", "Late sources: pbx (1 min 2 s)")


@pytest.mark.parametrize(("partitions", "faults"), WAYS)
def test_a_source_whose_clock_is_fast(partitions: int, faults: float) -> None:
    (start,) = starts(said(given(lambda now: [now + 20_000] if now % 10_000 == 0 else []), partitions, faults))
    assert (start["rule"], start["severity"]) == ("source-ahead", 3)
    assert start["sentence"] == "Sources ahead of the clock: pbx (21 s)"
    assert said(given(lambda now: [now + 3_000] if now % 10_000 == 0 else []), partitions, faults) == []


@pytest.mark.parametrize(("partitions", "faults"), WAYS)
def test_bad_data_above_their_share(partitions: int, faults: float) -> None:
    (start,) = starts(said(given(broken=0.03), partitions, faults))
    assert (start["rule"], start["queue"], start["severity"]) == ("bad-data", "*", 3)
    assert start["value"] > 0.01
    assert start["sample"] >= 500
    assert said(given(broken=0.004), partitions, faults) == []


def vars_of(catalogue: Catalogue) -> dict[str, Any]:
    return {name: getattr(catalogue, name) for name in ("sites", "queues", "departments", "people")}


def with_settings(settings: Catalogue, logs: list[list[bytes]], partitions: int, faults: float) -> list[dict[str, Any]]:
    global SETTINGS  # noqa: PLW0603
    before, SETTINGS = SETTINGS, settings
    try:
        return said(logs, partitions, faults)
    finally:
        SETTINGS = before


def test_no_source_declared_nothing_is_known_of_them() -> None:
    assert SourceBook(()).told(START) is None
    actor = PartitionActor(0, 1, Catalogue())
    actor.apply([clock_record(START, "replay"), clock_record(START + 5_000, "replay")], range(2))
    assert actor.units.value("*", "sources_dead", "now") is None


def test_one_heartbeat_held_up_makes_no_late_source() -> None:
    book = SourceBook((Source("pbx", 10_000),))
    for n in range(LAGS):
        now = START + n * 10_000
        book.hear("pbx", now - (LATE_MS + 1 if n == 4 else 100), now)
    assert book.told(now) == []
    for _ in range(LAGS):
        book.hear("pbx", now, now - AHEAD_MS - 1)
    assert book.told(now) == [("pbx", "ahead", AHEAD_MS + 1)]
    again = SourceBook((Source("pbx", 10_000),))
    again.thaw(book.freeze()["heard"], book.freeze()["lags"])
    assert again.told(now) == book.told(now)
    again.thaw(book.freeze()["heard"], {})  # a snapshot from before this was kept
    assert again.told(now) == []


def test_quality_is_bounded_and_a_new_day_counts_whole() -> None:
    quality, ticks = Quality(), 12
    for minute in range(MINUTES + 50):
        quality.note(minute * ticks, minute * 100, minute)
    assert len(quality.freeze()) == MINUTES + 1
    last = (MINUTES + 49) * ticks
    assert quality.window(last) == (1_500, 15)
    quality.note(last + ticks, 7, 2)  # counted from midnight on
    assert quality.within(MINUTES + 50, MINUTES + 50) == (7, 2)
    again = Quality()
    again.thaw(quality.freeze())
    assert again.freeze() == quality.freeze()
