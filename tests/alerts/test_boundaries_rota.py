"""The mechanisms of the loop on a rota whose night lies over midnight, cut at every record around their time.

The worlds begin at 22:30, so the first hour has a change of shifts in it and what lasts longer passes midnight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.catalogue import Catalogue, Duty, LoopLimits, Shift
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, T0, WEEK, S, breach, catalogue, person

#: 22:30 of the day; the night shift begins at 23:00 and ends at 07:00 of the next.
BEGIN = T0 + 12 * HOUR + 30 * MIN
CHANGE, MIDNIGHT, MORNING = T0 + 13 * HOUR, T0 + 14 * HOUR, T0 + 21 * HOUR
SHIFTS = (
    Shift("late", "desk", "UTC", (Duty(WEEK, 15 * 60, 23 * 60),), ("ann",), (("lia",), ("tom",))),
    Shift("night", "desk", "UTC", (Duty(WEEK, 23 * 60, 31 * 60),), ("bob",), (("super",),)),
    Shift("day", "desk", "UTC", (Duty(WEEK, 7 * 60, 15 * 60),), ("cat",), (("lia",), ("tom",))),
)
PEOPLE = (
    person("lia", 0),
    person("ann", 1),
    person("bob", 1),
    person("cat", 1),
    person("tom", 2),
    person("super", 3),
    person("boss", 4),
)
GOOD = {"cause": "staffing", "measure": "two agents moved over"}


def rota(**limits: Any) -> Catalogue:
    return replace(catalogue(people=PEOPLE, limits=LoopLimits(**limits)), shifts=SHIFTS)


def begun(*said: str, at_ms: int = BEGIN, actor: str = "ann", **limits: Any) -> TapedWorld:
    """A world with an order of severity 2 since a minute after *at_ms*, and the commands *said* by *actor*."""
    world = TapedWorld(rota(**limits))
    world.now_ms = at_ms
    breach(world)
    for command in said:
        world.tell(command, actor)
    return world


def come_to(world: TapedWorld, at_ms: int) -> None:
    """Cross *at_ms* second by second, after long steps."""
    world.run(at_ms - MIN - world.now_ms, MIN)
    world.around(at_ms)


def marked(world: TapedWorld, first: int) -> None:
    world.first, world.last = first, len(world.tape.records)


def quiet(world: TapedWorld) -> TapedWorld:
    world.service(0.9, 5, "5m")
    return world


def opened(world: TapedWorld) -> int:
    return int(world.order()["opened_ms"])


@pytest.mark.parametrize(("fired", "after_ms"), [("respond_due:warned", 5 * MIN), ("respond_due:escalated", 10 * MIN)])
def test_the_limit_to_respond(fired: str, after_ms: int) -> None:
    world = begun()
    come_to(world, opened(world) + after_ms)
    survives(world, fired)


def test_escalation_skips_who_is_off_duty_at_that_time_of_the_night() -> None:
    world = begun(at_ms=MIDNIGHT - 5 * MIN)
    assert world.order()["owner"] == "bob"
    come_to(world, opened(world) + 10 * MIN)
    survives(world, "respond_due:escalated")
    assert (world.order()["owner"], world.now_ms > MIDNIGHT) == ("super", True)  # no team leader at night


@pytest.mark.parametrize(("fired", "after_ms"), [("resolve_due:warned", 45 * MIN), ("resolve_due:late", 60 * MIN)])
def test_the_limit_to_resolve_across_the_change_of_shifts(fired: str, after_ms: int) -> None:
    world = begun("acknowledge")
    come_to(world, opened(world) + after_ms)
    survives(world, fired)


def test_a_limit_of_the_lowest_severity_ends_with_the_night_shift() -> None:
    world = TapedWorld(rota(remind_ms=(9 * HOUR,) * 3))
    world.now_ms = MIDNIGHT - 30 * MIN
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(2 * S)
    world.tell("acknowledge", "bob")
    assert world.order()["resolve_by_ms"] == MORNING
    world.run(MORNING - MIN - world.now_ms, 5 * MIN)
    world.around(MORNING)
    survives(world, "resolve_due:late")


def test_a_reminder_after_midnight() -> None:
    world = begun("acknowledge", at_ms=MIDNIGHT - 20 * MIN, actor="bob", resolve_ms=(9 * HOUR,) * 3)
    come_to(world, world.now_ms + 30 * MIN)
    survives(world, "remind_due:reminded")
    assert world.alerts("page")[-1]["owner"] == "bob"


@pytest.mark.parametrize("limit", ["hold", "accept"])
def test_a_hold_and_an_acceptance_that_end_with_the_night(limit: str) -> None:
    world = begun("acknowledge", at_ms=CHANGE + 5 * MIN, actor="bob")
    world.tell(limit, "super", reason="carrier", until_ms=MORNING)
    world.run(MORNING - MIN - world.now_ms, 10 * MIN)
    world.around(MORNING)
    survives(world, {"hold": "hold_due:moved", "accept": "accept_due:judged_again"}[limit])


def test_an_acceptance_until_the_end_of_the_shift_and_its_handover_come_together() -> None:
    world = begun("acknowledge")
    world.tell("accept", "boss", reason="flu", until_ms=CHANGE)
    come_to(world, CHANGE)
    survives(world, "accept_due:judged_again")
    assert [e["why"] for e in world.log() if e["decision"] == "offered"] == [
        "shift handover: accountable until it is accepted"
    ]


def test_the_page_limit_across_midnight() -> None:
    world = begun(at_ms=MIDNIGHT - 10 * MIN)
    first = len(world.tape.records)
    world.tell("reassign", "super", person="super")
    world.tell("reassign", "super", person="bob")  # paged nine minutes before midnight
    world.run(14 * MIN, 20 * S)
    marked(world, first)
    survives(world, "breached:suppressed", times=2)
    assert [a["owner"] for a in world.alerts("page")] == ["bob", "super"]


def test_cancelling_is_confirmed_by_the_next_shift() -> None:
    world = begun("acknowledge", at_ms=CHANGE - 5 * MIN)
    first = len(world.tape.records)
    world.tell("cancel", "ann", reason="duplicate")
    world.run(5 * MIN, 20 * S)
    world.tell("confirm_cancel", "ann")
    world.tell("confirm_cancel", "bob")
    world.run(2 * S)
    marked(world, first)
    survives(world, "confirm_cancel:moved")
    assert (world.order()["state"], "confirm_cancel:refused" in world.decisions()) == ("cancelled", True)


def test_a_negotiated_limit_after_midnight() -> None:
    world = begun("acknowledge")
    world.tell("propose_limit", "lia", until_ms=MIDNIGHT + 10 * MIN)
    world.tell("agree_limit", "ann")
    come_to(world, MIDNIGHT + 10 * MIN)
    survives(world, "resolve_due:late")


def test_a_verification_that_stays_undecided_over_midnight_and_its_reminder() -> None:
    world = quiet(begun("acknowledge"))
    world.tell("resolve", "ann", **GOOD)
    at_ms = world.now_ms + 2 * HOUR
    come_to(world, at_ms)
    survives(world, "undecided:undecided")
    assert world.decisions().count("remind_due:reminded") == 1
    assert at_ms > MIDNIGHT


@pytest.mark.parametrize(("late_ms", "fired"), [(0, "relapsed:reopened"), (S, "report:raised")])
def test_the_reopen_window_across_midnight(late_ms: int, fired: str) -> None:
    world = TapedWorld(rota())
    world.now_ms = MIDNIGHT - 10 * MIN
    finding: dict[str, Any] = {"kind": "external", "severity": 2, "verify": "sender", "key": "k", "text": "trunk alarm"}
    world.tell("report", "noc", order="-", **finding)
    world.tell("over", "noc", order="-", key="k")
    world.run(S)
    closed_ms = world.order()["closed_ms"]
    assert closed_ms == world.now_ms
    world.run(closed_ms + 30 * MIN - 3 * S - world.now_ms, MIN)
    first = len(world.tape.records)
    world.run(closed_ms + 30 * MIN + late_ms - world.now_ms)
    world.tell("report", "noc", order="-", **finding)
    world.run(2 * S)
    marked(world, first)
    survives(world, fired)


def test_who_takes_part_is_told_and_leaves_when_the_shift_changes() -> None:
    world = begun("acknowledge", at_ms=CHANGE - 3 * MIN)
    first = len(world.tape.records)
    world.tell("consult", "ann", text="come and look", person="tom", supervisor="super")
    world.run(4 * MIN, 20 * S)
    world.tell("release", "tom")
    world.run(2 * S)
    marked(world, first)
    survives(world, "release:supervisor_stood_down")
    assert [a["owner"] for a in world.alerts("asked")] == ["tom", "super"]
