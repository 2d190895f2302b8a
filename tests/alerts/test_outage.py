"""Outage and emergency: clocks that run on, marks at 24 and 72 hours that are told once and go a tier up."""

from __future__ import annotations

import math
from dataclasses import replace

from alerts.defaults import default_rules
from alerts.rebuild import rebuild
from alerts.words import in_chinese
from models.catalogue import LoopLimits
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, SERVICE, T0, S, World, catalogue

OUTAGE = next(rule for rule in default_rules() if rule.id == "outage")
#: So that only the marks escalate.
SLOW = LoopLimits(respond_ms=(400 * HOUR,) * 3, resolve_ms=(400 * HOUR,) * 3, remind_ms=(400 * HOUR,) * 3)


def paralysed(world: World, hours: float, step_ms: int = 6 * MIN) -> None:
    """Nobody is answered for so long; at each clock the figure says since when."""
    since_ms = world.now_ms
    for _ in range(round(hours * HOUR / step_ms)):
        world.put("now", since_connected_ms=world.now_ms + step_ms - since_ms, unconnected=40)
        world.run(step_ms, step_ms)


def begun() -> TapedWorld:
    world = TapedWorld(catalogue((replace(OUTAGE, hold_ms=0), SERVICE), limits=SLOW))
    world.put("now", since_connected_ms=0, unconnected=0)
    world.run(S)
    return world


def marks(world: World) -> list[tuple[int, int]]:
    """At which minute since the beginning which mark was told."""
    return [((e["at_ms"] - T0) // MIN, e["data"]["hours"]) for e in world.log() if e["decision"] == "marked"]


def told_by_its_log(world: World) -> None:
    """The order can be rebuilt from its log alone."""
    order, entries = world.order(), world.log()
    built = rebuild([entry for entry in entries if entry["order"] == order["id"]])
    assert built[order["version"]] == order


def test_nobody_connects_for_five_minutes_with_ten_callers() -> None:
    world = World(catalogue((OUTAGE,)))
    world.put("now", since_connected_ms=299_000, unconnected=10)
    world.run(5 * MIN)
    assert world.log() == []  # not long enough
    world.put("now", since_connected_ms=301_000, unconnected=9)
    world.run(5 * MIN)
    assert world.log() == []  # too few callers to say so
    world.put("now", unconnected=10)
    world.run(2 * MIN)
    assert world.log() == []  # it must hold
    world.run(S)
    order = world.order()
    assert (order["severity"], order["outage"]["since_ms"]) == (1, world.now_ms - 301_000)
    assert "Time without a connection of bank/PS is 5 min 1 s now, limit 5 min" in order["sentence"]
    assert "10 came and nobody was answered" in order["sentence"]


def test_marks_are_told_once_go_up_and_survive_restarts() -> None:
    world = begun()
    paralysed(world, 23.9)
    assert marks(world) == []
    world.first = len(world.tape.records)
    paralysed_since = world.order()["outage"]["since_ms"]
    for _ in range(12):
        world.put("now", since_connected_ms=world.now_ms + MIN - paralysed_since)
        world.run(MIN, MIN)
    world.last = len(world.tape.records)
    assert [hours for _, hours in marks(world)] == [24]
    order = world.order()
    assert (order["outage"]["marks"], order["outage"]["ended_ms"]) == ([24], None)
    assert (order["owner"], order["escalation"]) == ("lead2", 1)
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "lead2"]
    said = world.alerts("changed")[-2]
    assert said["text"] == "No call of bank/PS has connected for 24 hours"
    assert said["zh"] == "bank/PS 电话无法接通已超过24小时"
    (why,) = [e["why"] for e in world.log() if e["decision"] == "marked"]
    assert in_chinese(why) == "电话无法接通已超过24小时"
    survives(world, "outage_mark:marked")
    told_by_its_log(world)


def test_the_second_mark_and_the_end() -> None:
    world = begun()
    paralysed(world, 72.2)
    assert [hours for _, hours in marks(world)] == [24, 72]
    world.put("now", since_connected_ms=0, unconnected=0)
    world.run(2 * MIN)
    outage = world.order()["outage"]
    assert outage["marks"] == [24, 72]
    assert outage["ended_ms"] == world.now_ms - 59 * S  # it has held its recovery for a minute
    paralysed(world, 0.2)  # another one, of the same order
    again = world.order()["outage"]
    assert (again["marks"], again["ended_ms"]) == ([], None)
    assert again["since_ms"] > outage["ended_ms"]


def test_it_runs_on_while_the_centre_is_closed() -> None:
    world = begun()
    paralysed(world, 1)
    since_ms = world.order()["outage"]["since_ms"]
    world.put("now", open=0, since_connected_ms=math.nan, waiting=0)
    world.run(22 * HOUR, 10 * MIN)
    world.put("now", open=1, since_connected_ms=0, unconnected=0)
    world.run(5 * S)
    paralysed(world, 1.2)
    outage = world.order()["outage"]
    assert (outage["since_ms"], outage["marks"]) == (since_ms, [24])


def test_without_an_outage_no_clock_runs() -> None:
    world = begun()
    world.service(0.4)
    world.run(30 * HOUR, 10 * MIN)
    assert world.order()["outage"] is None
    assert marks(world) == []


def test_an_emergency_passes_its_marks() -> None:
    world = begun()
    world.tell("declare_emergency", "super", order="-", covers="bank/*", reason="fire")
    world.run(23 * HOUR, 10 * MIN)
    world.service(0.4)
    world.run(54 * MIN, 2 * MIN)
    world.first = len(world.tape.records)
    world.run(12 * MIN, MIN)
    world.last = len(world.tape.records)
    told = world.alerts("emergency")
    assert [a["emergency"]["marks"] for a in told] == [[], [24]]
    assert told[-1]["text"] == "EMERGENCY of bank/* has lasted 24 hours: fire"
    assert told[-1]["zh"] == "bank/*应急状态已超过24小时:fire"
    assert [hours for _, hours in marks(world)] == [24]
    assert world.order()["owner"] == "lead2"
    survives(world, "emergency_mark:marked")
    told_by_its_log(world)


def test_an_emergency_that_is_stood_down_passes_none() -> None:
    world = begun()
    world.tell("declare_emergency", "super", order="-", covers="bank/PS", reason="fire")
    event = world.alerts("emergency")[-1]["emergency"]["event"]
    world.run(23 * HOUR, 10 * MIN)
    world.tell("stand_down", "super", order="-", event=event, reason="out")
    world.run(2 * HOUR, MIN)
    assert len(world.alerts("emergency")) == 2
    assert marks(world) == []
