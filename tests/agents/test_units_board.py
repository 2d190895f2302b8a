"""What a unit stands at: who is waited for and who is not, what is told once, what is no record of a teller."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from agents import unit_board, unit_teller
from agents.actor import PartitionActor
from agents.unit_board import UnitBoard
from agents.unit_time import UnitTime
from agents.unit_view import UnitView
from agents.units import BOARD, HELD_MAX, Units
from models.catalogue import Catalogue, Rule, Site
from models.encode import clock_record, command_record, encode_event
from models.fields import VALUE_BYTES_MAX
from models.metric import FIGURES
from models.outputs import QueueFigures
from models.settings_record import settings_record
from models.unit import MEMBERS_MAX, NAMES_MAX, TICK_MS, UNITS_MAX, units_of
from streams import unit_sums
from streams.counters import COUNTERS
from tests.agents.unit_world import PARTITIONS, START, World, catalogue, feeds, homes, merged, queues

HOME = homes()["*"]


def event(now: int, kind: str, queue: str, call: str, **more: Any) -> bytes:
    fields = {"id": f"{kind}-{call}", "source": "pbx", "type": kind, "ts": now, "queue": queue, "call": call}
    return encode_event({**fields, **more})


def value(units: Units, unit: str, metric: str, window: str) -> float | None:
    return units.value(unit, metric, window)


def offered(world: World) -> float | None:
    return world.owners[HOME].units.value("*", "offered", "1m")


def told(world: World, now: int, *partitions: int, source: str = "replay") -> None:
    """A clock at *now* for each of *partitions*; everything that can be read is."""
    for p in partitions:
        world.logs[p].append(clock_record(now, source))
    everybody = range(len(world.logs))
    while sum(world.read(p, 100) for p in everybody):
        pass


@pytest.fixture
def world() -> World:
    """Three partitions in which one call a queue was offered, and nothing told yet."""
    world = World([[] for _ in range(PARTITIONS)], catalogue(), random.Random(0))
    for n, queue in enumerate(queues()):
        p = next(p for p in range(PARTITIONS) if p == _partition(queue))
        world.logs[p].append(event(START - 2_000, "call.offered", queue, f"c{n}"))
    return world


def _partition(queue: str) -> int:
    from models.partition import partition_of

    return partition_of(queue, PARTITIONS)


def others() -> list[int]:
    return [p for p in range(PARTITIONS) if p != HOME]


def test_in_a_replay_a_unit_waits_for_every_partition_however_long(world: World) -> None:
    ahead = [HOME, others()[0]]
    for second in range(0, 600, 5):
        told(world, START + second * 1000, *ahead)
    assert world.owners[HOME].units.board.tick == -1
    told(world, START, others()[1])
    assert world.owners[HOME].units.now_ms == START
    assert offered(world) == len(queues())
    told(world, START + 300_000, others()[1])
    assert world.owners[HOME].units.now_ms == START + 300_000


def test_where_owners_keep_the_time_a_silent_partition_is_named_and_not_waited_for(world: World) -> None:
    told(world, START, *range(PARTITIONS), source="callwatch")
    lost, units = others()[1], world.owners[HOME].units
    its_own = sorted(queue for queue in queues() if _partition(queue) == lost)
    for second in (5, 10):
        told(world, START + second * 1000, HOME, others()[0], source="callwatch")
        assert units.now_ms == START
        assert units.stale("*") == (0, [])
    told(world, START + 15_000, HOME, others()[0], source="callwatch")
    assert units.now_ms == START + 15_000
    assert units.stale("*") == (len(its_own), its_own)
    assert offered(world) == len(queues()), "its last word still counts in the windows that it speaks of"
    assert value(units, "*", "data_complete", "now") == 0
    rows = {name: QueueFigures.model_validate_json(row) for name, row in UnitView(units).rows(1)}
    assert rows["*"].stale == its_own
    assert (rows["*"].stale_count, rows["*"].members) == (len(its_own), len(queues()))
    for second in range(20, 65, 5):
        told(world, START + second * 1000, HOME, others()[0], source="callwatch")
    assert value(units, "*", "offered", "5m") == len(queues())
    assert offered(world) == 0, "a minute later nothing of it is within the last minute"
    assert value(units, "*", "waiting", "now") == len(queues()) - len(its_own)
    told(world, START + 61_000, lost, source="callwatch")
    told(world, START + 65_000, *range(PARTITIONS), source="callwatch")
    assert units.stale("*") == (0, [])
    assert value(units, "*", "waiting", "now") == len(queues())
    assert value(units, "*", "data_complete", "now") == 1


def test_at_the_beginning_the_others_get_time_to_come(world: World) -> None:
    told(world, START, HOME, source="callwatch")
    assert world.owners[HOME].units.board.tick == -1
    told(world, START + 20_000, HOME, source="callwatch")
    assert world.owners[HOME].units.now_ms == START + 20_000


def test_a_clock_that_jumps_hours_makes_one_tick(world: World) -> None:
    told(world, START, *range(PARTITIONS))
    told(world, START + 7_200_000, *range(PARTITIONS))
    sums = [r for r in map(orjson.loads, world.logs[HOME]) if r["type"] == "unit.sums"]
    assert sorted({r["tick"] for r in sums}) == [START // TICK_MS, (START + 7_200_000) // TICK_MS]
    assert world.owners[HOME].units.now_ms == START + 7_200_000


def test_one_partition_may_skip_what_another_tells(world: World) -> None:
    told(world, START, *range(PARTITIONS))
    told(world, START + 5_000, HOME)
    told(world, START + 10_000, *range(PARTITIONS))
    board = world.owners[HOME].units.board
    assert board.tick * TICK_MS == START + 10_000
    assert {line.tick for line in board.lines} == {board.tick}


def test_sums_are_those_of_the_queues() -> None:
    """At every tick of a morning, each count and level of a unit is that of its queues added up."""
    settings, log = catalogue(), merged(feeds(3))
    actor = PartitionActor(0, 1, settings)
    layout = units_of(settings, 1)
    columns = [(metric, window) for metric, window in FIGURES if metric in ("offered", "answered", "abandoned")]
    columns += [(metric, "now") for metric in ("waiting", "lost_track")]
    ticks = 0
    for offset, record in enumerate(log):
        before = actor.units.board.tick
        actor.apply([record], [offset])
        if actor.units.board.tick == before:
            continue
        ticks += 1
        for u, unit in enumerate(layout.names):
            its_own = [n for n, name in enumerate(actor.names.names) if u in layout.members(name)]
            for metric, window in columns:
                if window == "resolve":
                    continue
                added = actor.windows.figures[its_own, FIGURES[(metric, window)]].sum()
                assert actor.units.value(unit, metric, window) == added, (unit, metric, window)
    assert ticks == 72


def test_a_unit_is_open_while_any_of_its_queues_is() -> None:
    """Cedar opens at 08:00 and closes at 18:00 UTC, the others never close."""
    actor = PartitionActor(0, 1, catalogue())
    log = [event(START - 60_000, "call.answered", queue, f"c{n}") for n, queue in enumerate(queues())]
    seen = []
    for now in (START - 10_000, START, START + 36_000_000 - 5_000, START + 36_000_000):
        log.append(clock_record(now, "replay"))
        actor.apply(log[actor.position :], range(actor.position, len(log)))
        seen.append([value(actor.units, unit, "open", "now") for unit in ("cedar/*", "ash/*", "*")])
    assert seen == [[0, 1, 1], [1, 1, 1], [1, 1, 1], [0, 1, 1]]


def test_new_sites_and_rules_of_units_come_with_the_log() -> None:
    one = Catalogue(sites=(Site("ash"),))
    two = Catalogue(
        sites=(Site("ash", region="east"), Site("birch")),
        rules=(Rule("any", "waiting", "now", 0, 0, False, hold_ms=0, of="units"),),
    )
    actor = PartitionActor(0, 1, one)
    log = [event(START, "call.offered", queue, queue) for queue in ("ash/a", "birch/b")]
    log += [clock_record(START, "replay"), settings_record(two, id="s", source="t", ts_ms=START)]
    assert not actor.apply(log, range(4)).records
    assert actor.units.names == ["*", "ash/*", "birch/*", "east/*"]
    started = actor.apply([clock_record(START + 5_000, "replay")], [4]).records
    anomalies = [orjson.loads(r.value) for r in started if r.topic == "anomalies"]
    assert [(a["queue"], a["value"]) for a in anomalies] == [("*", 2), ("ash/*", 1), ("birch/*", 1), ("east/*", 1)]
    gone = settings_record(one, id="s2", source="t", ts_ms=START)
    ended = [orjson.loads(r.value) for r in actor.apply([gone], [5]).records if r.topic == "anomalies"]
    assert [a["phase"] for a in ended] == ["end"] * 4


def test_a_resolve_is_verified_by_calls_that_came_after_it() -> None:
    """Those who waited at the resolve are served badly after it; they are in no window of the verification."""
    actor = PartitionActor(0, 1, catalogue(rules=False))
    log: list[bytes] = [event(START, "call.offered", "ash/bills", f"old{n}") for n in range(5)]
    now = START

    def until(end: int) -> list[float | None]:
        nonlocal now
        while now < end:
            now += 1_000
            if now == START + 40_000:
                log.extend(event(now, "call.abandoned", "ash/bills", f"old{n}") for n in range(5))
            if now > START + 20_000:
                log.append(event(now, "call.offered", "ash/bills", f"new{now}"))
                log.append(event(now + 500, "call.answered", "ash/bills", f"new{now}"))
            log.append(clock_record(now, "replay"))
        actor.apply(log[actor.position :], range(actor.position, len(log)))
        metrics = ("answered", "abandoned", "abandonment_rate")
        return [actor.units.value("ash/*", metric, "resolve") for metric in metrics]

    assert until(START + 20_000) == [0, 0, None]
    actor.units.watch("ash/*", START + 20_000)
    assert until(START + 60_000) == [0, 0, None]
    answered, abandoned, rate = until(START + 110_000)
    assert (abandoned, rate) == (0, 0)
    assert answered is not None
    assert 50 <= answered <= 60
    assert actor.units.value("ash/*", "abandoned", "5m") == 5
    actor.units.unwatch("ash/*")
    assert until(START + 115_000) == [0, 0, None]


# -- agents -----------------------------------------------------------------------------------------------------------


def state(now: int, queue: str, agent: str, what: str) -> bytes:
    fields = {"id": f"{now}{queue}{agent}", "source": "pbx", "type": "agent.state", "ts": now, "queue": queue}
    return encode_event({**fields, "agent": agent, "state": what})


AGENT_FIGURES = (
    "agents_ready",
    "agents_ringing",
    "agents_talking",
    "agents_busy",
    "agents_not_ready",
    "agents_signed_in",
)


def agents_of(units: Units, unit: str) -> list[float | None]:
    return [units.value(unit, metric, "now") for metric in AGENT_FIGURES]


def test_an_agent_of_several_queues_counts_once_in_the_busiest_state(world: World) -> None:
    """Ann serves all twelve queues, of three sites in three partitions; she talks on a call of one of them."""
    for queue in queues():
        what = "talking" if queue == "birch/bills" else "not_ready" if queue.startswith("cedar") else "ready"
        world.logs[_partition(queue)] += [state(START - 500, queue, "ann", what)]
        world.logs[_partition(queue)] += [state(START - 500, queue, "bo", "ready")] * (queue == "ash/news")
    told(world, START, *range(PARTITIONS))
    seen = {unit: agents_of(world.owners[home].units, unit) for unit, home in homes().items()}
    assert seen["*"] == [1, 0, 1, 1, 0, 2]
    assert seen["ash/*"] == [2, 0, 0, 0, 0, 2]
    assert seen["birch/*"] == [0, 0, 1, 1, 0, 1]
    assert seen["cedar/*"] == [0, 0, 0, 0, 1, 1]
    assert seen["east/*"] == [1, 0, 1, 1, 0, 2]
    for queue in queues():
        world.logs[_partition(queue)] += [state(START + 1_000, queue, "ann", "offline")]
    told(world, START + 5_000, *range(PARTITIONS))
    assert agents_of(world.owners[HOME].units, "*") == [1, 0, 0, 0, 0, 1]
    assert agents_of(world.owners[homes()["cedar/*"]].units, "cedar/*") == [0, 0, 0, 0, 0, 0]


def test_agent_time_is_summed_tick_by_tick(world: World) -> None:
    """Ann is ready for a minute and talks for the next; Bo is not ready all the while."""
    bills, news = "ash/bills", "cedar/news"
    world.logs[_partition(bills)] += [state(START - 500, bills, "ann", "ready")]
    world.logs[_partition(news)] += [state(START - 500, news, "bo", "not_ready")]
    units = world.owners[HOME].units
    for second in range(0, 125, 5):
        if second == 60:
            world.logs[_partition(bills)] += [state(START + 59_500, bills, "ann", "talking")]
        told(world, START + second * 1000, *range(PARTITIONS))
    assert units.value("*", "occupancy", "5m") == 60 / 120
    assert units.value("*", "effective_work_rate", "5m") == 60 / 240
    assert units.value("*", "occupancy", "1m") == 1.0
    assert units.value("*", "effective_work_rate", "1m") == 0.5
    assert units.value("*", "occupancy", "day") == 0.5
    told(world, START + 3_600_000, *range(PARTITIONS))  # she talks on, for nearly an hour
    assert units.value("*", "occupancy", "30m") == 1.0
    assert units.value("*", "occupancy", "day") == 3540 / 3600


@pytest.mark.parametrize("seed", range(5))
def test_agent_time_is_that_of_adding_up_every_tick(seed: int) -> None:
    rng, time = random.Random(seed), UnitTime()
    levels: dict[int, tuple[int, int, int]] = {}
    tick, level, day = 17_000, (0, 0, 0), 0
    for _ in range(800):
        step = rng.choice([1] * 20 + [7, 400])
        for at in range(tick, tick + step):
            levels[at] = level
        tick += step
        day = tick - tick % 720
        if rng.random() < 0.3:
            level = (rng.randrange(9), rng.randrange(9), rng.randrange(9))
        time.hold(tick, level, day)
        if rng.random() < 0.05:
            again = UnitTime()
            again.thaw(orjson.loads(orjson.dumps(time.freeze())))
            time = again
        for width in (12, 60, 180, 360):
            first = tick - width + 1
            plain = [sum(levels.get(at, (0, 0, 0))[n] for at in range(first, tick)) * TICK_MS for n in range(3)]
            assert list(time.within(first, tick)) == plain
        plain = [sum(levels.get(at, (0, 0, 0))[n] for at in range(day, tick)) * TICK_MS for n in range(3)]
        assert list(time.today(tick)) == plain
        assert len(time.freeze()[2]) <= 362


# -- netting, strays --------------------------------------------------------------------------------------------------


def test_flows_between_queues_of_a_unit_are_no_arrivals_and_no_departures_of_it() -> None:
    """Ten calls begin in ash/bills. Four are answered there, six flow out after 8 s: two to ash/news, two to
    birch/news, two to cedar/news, where they are answered after 5 more seconds: 13 s in all, past the threshold."""
    actor = PartitionActor(0, 1, catalogue(rules=False))
    log: list[bytes] = []
    for n in range(10):
        log.append(event(START, "call.offered", "ash/bills", f"c{n}"))
        if n < 4:
            log.append(event(START + 4_000, "call.answered", "ash/bills", f"c{n}"))
            continue
        to = ["ash/news", "birch/news", "cedar/news"][n % 3]
        first = {"from_queue": "ash/bills", "first_queued_ts": START}
        log.append(event(START + 8_000, "call.flowed_out", "ash/bills", f"c{n}", reason="overflow"))
        log.append(event(START + 8_000, "call.offered", to, f"c{n}", **first))
        log.append(event(START + 13_000, "call.answered", to, f"c{n}"))
    log.append(clock_record(START + 15_000, "replay"))
    actor.apply(log, range(len(log)))
    metrics = ("offered", "answered", "flowed_out", "answer_rate", "service_level", "speed_of_answer_ms")
    seen = {unit: [actor.units.value(unit, metric, "5m") for metric in metrics] for unit in actor.units.names}
    assert seen["*"] == [10, 10, 0, 1.0, 0.4, 9_400]
    assert seen["ash/*"] == [10, 6, 4, 0.6, 4 / 6, 7_000]
    assert seen["east/*"] == [10, 8, 2, 0.8, 0.5, 8_500]
    assert seen["birch/*"] == [2, 2, 0, 1.0, 0.0, 13_000]
    assert actor.windows.value("birch/news", "service_level", "5m") == 1.0, "a queue judges by the wait in it"


def test_who_waits_past_the_threshold_is_told_since_they_first_waited() -> None:
    actor = PartitionActor(0, 1, catalogue(rules=False))
    log = [event(START, "call.offered", "ash/bills", "c", first_queued_ts=START - 20_000)]
    log.append(clock_record(START + 5_000, "replay"))
    actor.apply(log, range(2))
    present = [("waiting_past_threshold", 1.0, 0.0), ("longest_wait_ms", 25_000.0, 5_000.0), ("waiting", 1.0, 1.0)]
    for metric, of_unit, of_queue in present:
        assert actor.units.value("*", metric, "now") == of_unit
        assert actor.windows.value("ash/bills", metric, "now") == of_queue


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_strays_are_counted_by_the_day_wherever_a_batch_ends(batch: int) -> None:
    """Misrouted and dead records of all partitions are figures of everything, and of nothing else."""
    day = 86_400_000
    world = World([[] for _ in range(PARTITIONS)], catalogue(), random.Random(0))
    for p, log in enumerate(world.logs):
        stray = next(queue for queue in queues() if _partition(queue) == (p + 1) % PARTITIONS)
        log += [clock_record(START, "replay"), b"garbage", event(START, "call.offered", stray, f"c{p}"), b"[]"]
        log += [clock_record(START + 5_000, "replay"), b"garbage", clock_record(START + 10_000, "replay")]
        log += [
            b"garbage",
            clock_record(START + day, "replay"),
            b"garbage",
            clock_record(START + day + 5_000, "replay"),
        ]
    ends = []
    while sum(world.read(p, batch) for p in range(PARTITIONS)):
        units = world.owners[HOME].units
        ends.append((units.now_ms - START, units.value("*", "misrouted", "day"), units.value("*", "dead", "day")))
    assert {end for end in ends if batch == 1 and end[0] == 10_000} <= {(10_000, 3, 9)}
    assert ends[-1] == (day + 5_000, 0, 3)
    assert world.owners[homes()["ash/*"]].units.value("ash/*", "dead", "day") is None


# -- what the board takes ---------------------------------------------------------------------------------------------


def record(tick: int, partition: int = 1, **changes: Any) -> dict[str, Any]:
    """What a partition tells at *tick* of the unit ``*``: *tick* calls offered."""
    share = {"at": [0], "n": [tick], "now": [1, 1, *[0] * (unit_sums.FIELDS - 2)], "queues": ["a/b"], "unlisted": 0}
    fields = {"partition": partition, "tick": tick, "after": tick - 1, "whole": tick == 0, "blind": False}
    rest = {"part": 0, "parts": 1, "counting": unit_teller.COUNTING, "strays": [0, 0], "agents": {}}
    return fields | rest | {"units": {"*": share}} | changes


def stands(board: UnitBoard) -> tuple[int, int]:
    while board.advance(0, live=False):
        pass
    return board.tick, int(board.total("*", 0).sums[0, 0])


def test_each_tick_is_taken_once_and_in_order() -> None:
    board = UnitBoard(2)
    for partition in (0, 1):
        for tick in (0, 1, 2):
            board.take(record(tick, partition))
            board.take(record(tick, partition))
            board.take(record(0, partition, units={}))
    assert stands(board) == (2, 4)


def test_what_comes_late_counts_from_the_next_tick_on() -> None:
    """Between two ticks a command may be decided on the figures, and again after a crash."""
    board = UnitBoard(2)
    for tick in (0, 3):
        board.take(record(tick, 0, after=-1, whole=True))
    assert board.advance(100_000, live=True)
    assert board.advance(100_000, live=True)
    board.take(record(1, 1, after=-1, whole=True))
    assert stands(board) == (3, 3)
    board.take(record(4, 0, after=3))
    again = UnitBoard(2)
    again.thaw(board.freeze())
    for one in (board, again):
        assert one.advance(100_000, live=True)
        assert stands(one) == (4, 5)


def test_after_a_gap_a_partition_is_left_until_it_tells_everything() -> None:
    board = UnitBoard(1)
    board.take(record(0, 0))
    board.take(record(2, 0))  # what it told at 1 is not there
    assert stands(board) == (0, 0)
    board.take(record(5, 0, whole=True))
    assert stands(board) == (5, 5)


def test_a_tick_in_parts_counts_when_it_is_whole() -> None:
    board = UnitBoard(1)
    other = {"x/*": record(3)["units"]["*"]}
    board.take(record(3, 0, whole=True, parts=2))
    assert board.advance(0, live=False) is False
    board.take(record(3, 0, whole=True, parts=2, part=0, units=other))
    board.take(record(3, 0, whole=True, parts=2, part=1, units=other))
    assert stands(board) == (3, 3)
    assert sorted(board.lines[0].shares) == ["*", "x/*"]


@pytest.mark.parametrize("seed", range(40))
def test_what_no_teller_wrote_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    board = UnitBoard(2)
    for partition in (0, 1):
        board.take(record(0, partition))
    before = stands(board)
    for _ in range(50):
        bad = record(1, rng.choice([0, 1]))
        wrong = rng.choice([None, -2, "x", 1.5, [], {}, True, 10**30, {"*": None, "y": 3}, [1, 2], -(10**30)])
        name = rng.choice(sorted(bad))
        if rng.random() < 0.5:
            share = bad["units"]["*"]
            share[rng.choice(sorted(share))] = wrong
        elif rng.random() < 0.5:
            del bad[name]
        else:
            bad[name] = wrong
        if bad in (record(1, 0), record(1, 1)) or (name in ("units", "agents") and wrong in ({}, [])):
            continue
        board.take(orjson.loads(json.dumps(bad)))
    assert before == (0, 0)
    assert board.tick == 0
    UnitBoard(2).thaw(board.freeze())


# -- limits -----------------------------------------------------------------------------------------------------------


def test_when_no_more_ticks_may_wait_the_units_go_on_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_board, "WAITING_BYTES", 20_000)
    board = UnitBoard(2)
    for tick in range(1_000):
        board.take(record(tick, 0))
        while board.advance(0, live=False):
            pass
        board.pack()
    assert 0 < board.hurried < 1_000
    assert board.tick == board.hurried - 1
    again = UnitBoard(2)
    again.thaw(board.freeze())
    assert stands(again) == stands(board)
    for tick in range(1_000):
        board.take(record(tick, 1))
    assert stands(board) == (999, 1998)


def test_the_largest_tick_is_told_in_records_that_the_log_takes() -> None:
    sites = tuple(Site(f"{n:03}" + "x" * 150) for n in range(UNITS_MAX - 1))
    layout = units_of(Catalogue(sites=sites), 1)
    assert len(layout.names) == UNITS_MAX
    teller = unit_teller.UnitTeller(0, layout)
    names = [f"{sites[0].name}/{n:03}" + "é" * 40 for n in range(60)]
    actor = PartitionActor(0, 1, Catalogue(sites=sites))
    log = [event(START, "call.offered", name, name) for name in names]
    log += [event(START, "call.offered", f"{site.name}/q", site.name) for site in sites]
    actor.apply([*log, clock_record(START, "replay")], range(len(log) + 1))
    teller._sums[:] = -(2**62)
    items: list[Any] = [("units", name, _full(teller, u)) for u, name in enumerate(layout.names)]
    agents = {2**64 - 1 - n: 1 + n % 6 for n in range(unit_teller.AGENTS_MAX)}
    items += unit_teller._moves("*", {}, agents)
    most = [(f"{'é' * 190}{n}/q", 2**40, 2**40, False) for n in range(MEMBERS_MAX)]
    items += [("members", name, most) for name in layout.names]
    odd = [["é" * 190, "ahead", 2**40]] * NAMES_MAX
    head = actor_head() | {"beside": {"records": 2**60, "sources": odd}}
    records = teller._records(0, items, 10**12, START, head, compared=True)
    sizes = [len(orjson.dumps(record)) for _, record in records]
    assert len(sizes) > 1
    assert max(sizes) < VALUE_BYTES_MAX
    board = UnitBoard(1)
    for _, told_record in records:
        board.take(orjson.loads(orjson.dumps(told_record)))
    assert board.advance(0, live=False)
    assert sorted(board.lines[0].shares) == sorted(layout.names)
    assert board.lines[0].members == dict.fromkeys(layout.names, most)
    assert sum(board.agents("*")) == unit_teller.AGENTS_MAX
    assert len(actor.units.board.lines[0].shares["*"].queues) == NAMES_MAX


def actor_head() -> dict[str, Any]:
    return {"partition": 0, "tick": START // TICK_MS, "after": -1, "whole": True, "blind": False} | {"strays": [0, 0]}


def _full(teller: unit_teller.UnitTeller, u: int) -> dict[str, Any]:
    """A share in which every counter is as long as it can be."""
    flat = teller._sums[u].ravel()
    now = [2**62] * unit_sums.FIELDS
    names = [f"{'é' * 190}{n}/q" for n in range(NAMES_MAX)]
    assert len(flat) == unit_sums.WINDOWS * COUNTERS
    return {"at": np.flatnonzero(flat).tolist(), "n": flat.tolist(), "now": now, "queues": names, "unlisted": 0}


def test_settings_from_the_log_make_no_more_units_than_there_may_be() -> None:
    sites = tuple(Site(f"s{n:03}", region=f"r{n:03}") for n in range(300))
    layout = units_of(Catalogue(sites=sites), 4)
    assert len(layout.names) == UNITS_MAX
    assert layout.members("s299/q") == (0, -1, -1)


def test_commands_that_wait_are_bounded(world: World) -> None:
    told(world, START, HOME, others()[0])
    actor = world.owners[HOME]
    caused = []
    for n in range(HELD_MAX + 3):
        fields: dict[str, Any] = {"source": "t", "ts_ms": START, "queue": "*", "order": "o", "command": "acknowledge"}
        world.logs[HOME].append(command_record(id=str(n), actor="ann", **fields))
        caused += actor.apply(world.logs[HOME][actor.position :], [actor.position]).records
    assert [orjson.loads(r.value)["title"] for r in caused] == ["Command refused"] * 3


def test_units_that_come_with_new_settings_are_told_at_once_and_those_that_go_have_their_ticks() -> None:
    """Also where they change which partitions are homes: an order of a unit that is gone still has its limits."""
    former = replace(catalogue(), sites=tuple(Site(name, "UTC") for name in ("ash", "birch", "cedar")))
    later = replace(former, sites=(Site("ash", "UTC"), Site("cedar", "UTC")))
    assert set(units_of(later, PARTITIONS).home) < set(units_of(former, PARTITIONS).home) == set(range(PARTITIONS))
    home = homes()["birch/*"]
    for first, then, members in ((former, later, 0), (later, former, 4)):
        world = World([[] for _ in range(PARTITIONS)], first, random.Random(0))
        for n, queue in enumerate(queues()):
            world.logs[_partition(queue)].append(event(START - 2_000, "call.offered", queue, f"c{n}"))
        told(world, START, *range(PARTITIONS))
        for p in range(PARTITIONS):
            world.logs[p].append(settings_record(then, id="1", source="test", ts_ms=START))
            world.read(p, 1)
            world.snapshot(p)
            world.die(p)
        for second in (5, 10):
            told(world, START + second * 1000, *range(PARTITIONS))
            units = world.owners[home].units
            assert units.now_ms == START + second * 1000
            assert units.board.members("birch/*") == members


def test_a_restored_home_takes_the_same_partitions_for_silent(world: World) -> None:
    told(world, START, *range(PARTITIONS), source="callwatch")
    world.snapshot(HOME)
    told(world, START + 4_900, HOME, source="callwatch")
    world.snapshot(HOME)
    owner = world.owners[HOME]
    world.die(HOME)
    again = world.owners[HOME]
    assert again.position == owner.position
    assert again.units.freeze(BOARD) == owner.units.freeze(BOARD)
