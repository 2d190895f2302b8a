"""The two limits as timelines: warnings, escalations, holds, shifts, restarts."""

from __future__ import annotations

import pytest

from alerts.deadlines import resolve_by_ms
from alerts.judgement import Judgement
from models.catalogue import Duty
from tests.alerts.world import HOUR, MIN, T0, WEEK, S, World, breach, catalogue, person


def timeline(world: World, *wanted: str) -> list[tuple[float, str]]:
    """Decisions with the minutes since the order opened."""
    opened = world.order()["opened_ms"]
    return [
        ((e["at_ms"] - opened) / MIN, f"{e['event']}:{e['decision']}")
        for e in world.log()
        if e["decision"] in (wanted or ("warned", "escalated", "not_escalated", "late"))
    ]


def test_nobody_answers() -> None:
    world = World()
    breach(world)
    world.run(50 * MIN)
    assert timeline(world) == [
        (5, "respond_due:warned"),
        (7.5, "respond_due:warned"),
        (10, "respond_due:escalated"),
        (15, "respond_due:warned"),
        (17.5, "respond_due:warned"),
        (20, "respond_due:escalated"),
        (25, "respond_due:warned"),
        (27.5, "respond_due:warned"),
        (30, "respond_due:escalated"),
        (30, "resolve_due:warned"),
        (35, "respond_due:warned"),
        (37.5, "respond_due:warned"),
        (40, "respond_due:escalated"),
        (45, "respond_due:warned"),
        (45, "resolve_due:warned"),
        (47.5, "respond_due:warned"),
        (50, "respond_due:not_escalated"),
    ]
    assert world.order()["owner"] == "boss"
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "lead2", "team", "super", "boss"]


def test_the_limit_to_resolve_runs_on_after_acknowledgement() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.run(61 * MIN)
    assert timeline(world) == [
        (30, "resolve_due:warned"),
        (45, "resolve_due:warned"),
        (60, "resolve_due:escalated"),
        (60, "resolve_due:late"),
    ]
    assert (world.order()["owner"], world.order()["state"]) == ("lead2", "acknowledged")


def test_a_broken_limit_to_resolve_climbs_again_after_as_long() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.run(121 * MIN)
    assert [t for t in timeline(world) if "escalated" in t[1]] == [
        (60, "resolve_due:escalated"),
        (120, "resolve_due:escalated"),
    ]


@pytest.mark.parametrize("after", [4, 9])
def test_a_hold_stops_both_limits(after: int) -> None:
    world = World()
    breach(world)
    world.run(after * MIN)
    world.tell("hold", reason="waiting for the carrier", until_ms=world.now_ms + 2 * HOUR)
    before = world.order()
    world.run(2 * HOUR)
    order = world.order()
    assert order["state"] == "dispatched"
    assert order["respond_by_ms"] == before["respond_by_ms"] + 2 * HOUR
    assert order["resolve_by_ms"] == before["resolve_by_ms"] + 2 * HOUR
    assert timeline(world, "escalated") == []
    world.run((10 - after) * MIN)
    assert timeline(world, "escalated") == [(130, "respond_due:escalated")]


def test_nothing_is_due_while_the_calls_decide() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    world.tell("resolve", cause="surge", measure="callback offered")
    world.run(90 * MIN)
    assert timeline(world) == []


@pytest.mark.parametrize("cut", [1, 4 * MIN, 6 * MIN, 10 * MIN, 10 * MIN + S, 29 * MIN])
def test_limits_survive_a_restart_and_fire_once(cut: int) -> None:
    world, other = World(), World()
    for w in (world, other):
        breach(w)
        w.run(cut)
    state = other.judgement.snapshot("bank/PS")
    other.judgement = Judgement(other.catalogue)
    other.judgement.restore("bank/PS", state)
    for w in (world, other):
        w.run(40 * MIN, 7 * S)
    assert [o.payload for o in other.outputs] == [o.payload for o in world.outputs]


def test_a_restart_after_the_limit_fires_each_thing_once() -> None:
    world = World()
    breach(world)
    state = world.judgement.snapshot("bank/PS")
    world.judgement = Judgement(world.catalogue)
    world.judgement.restore("bank/PS", state)
    world.outputs = [o for o in world.outputs if o.topic == "workorders"]
    world.run(3 * HOUR, 3 * HOUR)
    assert [d for d in world.decisions() if d.endswith((":escalated", ":late"))] == [
        "respond_due:escalated",
        "resolve_due:escalated",
        "resolve_due:late",
    ]
    world.outputs.clear()
    world.run(S)
    assert world.outputs == []


def test_severity_three_ends_with_the_shift_of_its_owner() -> None:
    day = person("p", 1, duty=(Duty(WEEK, 8 * 60, 14 * 60),))
    world = catalogue(people=(day,))
    assert resolve_by_ms(world, 3, day, T0) == T0 + 4 * HOUR
    assert resolve_by_ms(world, 3, day, T0 + 3 * HOUR + 45 * MIN) == T0 + 28 * HOUR  # no time left: the next shift's
    assert resolve_by_ms(world, 3, None, T0) == T0 + 8 * HOUR
    assert resolve_by_ms(world, 2, day, T0) == T0 + HOUR


def test_a_limit_is_agreed_by_both_sides() -> None:
    world = World(catalogue())
    breach(world)
    world.tell("acknowledge")
    until = world.now_ms + 3 * HOUR
    default = world.order()["resolve_by_ms"]
    world.tell("propose_limit", "lia", until_ms=until)
    assert (world.order()["agreed_ms"], world.order()["resolve_by_ms"]) == (None, default)
    world.tell("agree_limit", "lead")
    assert (world.order()["agreed_ms"], world.order()["resolve_by_ms"]) == (until, until)
    world.run(3 * HOUR)
    assert timeline(world) == [
        (90, "resolve_due:warned"),
        (135, "resolve_due:warned"),
        (180, "resolve_due:escalated"),
        (180, "resolve_due:late"),
    ]


def test_a_hold_moves_the_next_climb_and_the_undecided_hour() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.run(70 * MIN)  # late and escalated at 60
    world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    world.run(HOUR)
    assert [t for t, d in timeline(world, "escalated")] == [60]
    world.service(0.9, 5, "5m")
    world.run(50 * MIN)
    assert [t for t, d in timeline(world, "escalated")] == [60, 180]  # an hour later than without the hold
    world.tell("resolve", cause="surge", measure="callback offered")
    world.run(HOUR, MIN)
    world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    world.run(119 * MIN, MIN)
    assert world.order()["verification"]["state"] == "running"
    world.run(2 * MIN, MIN)
    assert world.order()["verification"]["state"] == "undecided"


def test_a_reopened_order_has_its_limit_and_its_warnings_anew() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.run(50 * MIN)
    world.service(0.9, 5, "5m")
    world.tell("resolve", cause="surge", measure="callback offered")
    world.put("resolve", service_level_live=0.2, outcomes=10)
    world.run(S)
    assert world.order()["resolve_by_ms"] == world.now_ms + HOUR
    world.run(50 * MIN)
    opened = 50 + 1 / 60
    assert [t for t, d in timeline(world, "warned")] == [30, 45, opened + 30, opened + 45]


def test_whoever_takes_it_begins_the_climb_anew() -> None:
    world = World()
    breach(world)
    world.run(11 * MIN)
    assert world.order()["owner"] == "lead2"
    world.tell("take", "lead")
    world.run(50 * MIN)
    assert world.order()["owner"] == "lead2"  # told before, but asked again by the new climb
