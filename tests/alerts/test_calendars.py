"""The loop on the calendar of its people: limits of severity 3 in duty time, shifts, holidays, substitutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from alerts import deadlines, routing
from alerts.judgement import Judgement
from alerts.order import WorkOrder
from models.catalogue import Catalogue, Duty, Holidays, Person, QueueSettings, Rule, Shift, Substitution
from models.duty import on_duty
from models.shifts import rota_of
from tests.alerts.world import HOUR, MIN, T0, WEEK, S, World, breach, catalogue, person, refusal

#: T0 is Wednesday 3 February 1999, 10:00 UTC.
DAY, EVE = Duty(WEEK, 8 * 60, 14 * 60), Duty(WEEK, 14 * 60, 22 * 60)
TODAY = date(1999, 2, 3)
LESSER = Rule("sl3", "service_level_live", "15m", limit=0.6, target=0.8, below=True, severity=3, min_sample=10)
PEOPLE = (person("lia", 0), person("ann", 1), person("bob", 1), person("tea", 2), person("boss", 4))


def shifts(**more: Any) -> Catalogue:
    """Two shifts, and nobody between ten at night and eight in the morning but the boss."""
    early = Shift("early", "desk", "UTC", (DAY,), ("ann",), (("lia",),), holidays=more.pop("holidays", ""))
    late = Shift("late", "desk", "UTC", (EVE,), ("bob",), (("tea",),))
    return Catalogue(
        queues=(QueueSettings(department="desk"),),
        rules=more.pop("rules", (LESSER,)),
        people=PEOPLE,
        shifts=(early, late),
        **more,
    )


def at(world: World, hours: float) -> World:
    world.now_ms = T0 + round(hours * HOUR)
    return world


def timeline(world: World, *wanted: str) -> list[tuple[float, str]]:
    """Decisions with the hours since ten o'clock."""
    return [((e["at_ms"] - T0) / HOUR, f"{e['event']}:{e['decision']}") for e in world.log() if e["decision"] in wanted]


# --- routing --------------------------------------------------------------------------------------------------------


def test_an_order_goes_to_the_lead_of_the_shift() -> None:
    for hours, lead in ((0, "ann"), (5, "bob"), (13, "boss")):
        world = at(World(shifts()), hours)
        breach(world)
        assert world.order()["owner"] == lead
    assert routing.first_owner(shifts(), "bank/PS", T0 + 13 * HOUR).reason == "tier_skipped_nobody_on_duty"
    skipped = {gap.tier: gap.reason for gap in routing.skipped(shifts(), "desk", T0 + 13 * HOUR)}
    assert skipped == {1: "nobody_on_duty", 2: "nobody_on_duty", 3: "nobody_in_the_settings"}


def test_an_order_goes_to_whoever_stands_in() -> None:
    away = shifts(substitutions=(Substitution("ann", "tea", TODAY, TODAY),))
    world = World(away)
    breach(world)
    assert world.order()["owner"] == "tea"
    (why,) = [e["why"] for e in world.log() if e["decision"] == "dispatched"]
    assert why == "stands_in_for_the_shift_lead"
    assert routing.first_owner(away, "bank/PS", T0 + 24 * HOUR).person == PEOPLE[1]


def test_on_a_holiday_the_lead_is_not_woken_for_an_order_of_severity_three() -> None:
    closed = Catalogue(
        queues=(QueueSettings(department="desk"),),
        rules=(LESSER,),
        people=PEOPLE[1:2],
        holidays=(Holidays("feast", frozenset({TODAY})),),
        shifts=(Shift("early", "desk", "UTC", (DAY,), ("ann",), holidays="feast"),),
    )
    world = World(closed)
    breach(world)
    assert world.order()["owner"] == "ann"  # an order is never without a name
    assert "suppressed" in [entry["decision"] for entry in world.log()]
    assert world.alerts("page") == []
    assert world.order()["respond_by_ms"] == T0 + 22 * HOUR + 30 * MIN  # tomorrow at half past eight


def test_the_climb_skips_tiers_that_are_off_duty_and_follows_the_change_of_shift() -> None:
    world = at(World(shifts(rules=(replace(LESSER, severity=2),))), 3.9)
    breach(world)  # 13:55
    world.run(25 * MIN)  # respond limits of ten minutes: at 14:05 it is the late shift's
    climbed = [e["data"]["to"] for e in world.log() if e["decision"] == "escalated"]
    assert climbed == ["bob", "tea"]


def test_nobody_gets_an_order_reassigned_who_is_off_by_the_rota() -> None:
    world = World(shifts())
    breach(world)
    assert refusal(world.tell("reassign", "ann", person="bob")) == "off_duty"
    at(world, 5)
    world.tell("reassign", "ann", person="bob")
    assert world.order()["owner"] == "bob"


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "respond", "resolve"),
    [
        (0, 0.5, 4),  # ten o'clock: half an hour; the end of the shift at two
        (3.5, 4, 4),  # half past one: just in time
        (3.75, 22.25, 28),  # quarter to two: a quarter of an hour now, the other tomorrow; the end of that shift
        (6, 22.5, 28),  # off duty: it begins tomorrow at eight
    ],
)
def test_limits_of_severity_three_are_counted_on_the_shift_of_their_owner(
    hours: float, respond: float, resolve: float
) -> None:
    world, now_ms = shifts(), T0 + round(hours * HOUR)
    assert deadlines.respond_by_ms(world, 3, PEOPLE[1], now_ms) == T0 + round(respond * HOUR)
    assert deadlines.resolve_by_ms(world, 3, PEOPLE[1], now_ms) == T0 + round(resolve * HOUR)


def test_severity_one_and_two_run_round_the_clock() -> None:
    world, now_ms = shifts(), T0 + 6 * HOUR
    assert not on_duty(world, PEOPLE[1], now_ms)
    for severity, respond, resolve in ((1, 5, 30), (2, 10, 60)):
        assert deadlines.respond_by_ms(world, severity, PEOPLE[1], now_ms) == now_ms + respond * MIN
        assert deadlines.resolve_by_ms(world, severity, PEOPLE[1], now_ms) == now_ms + resolve * MIN


def test_a_holiday_is_no_working_time() -> None:
    world = shifts(holidays="feast")
    feast = Catalogue(
        people=world.people, shifts=world.shifts, holidays=(Holidays("feast", frozenset({date(1999, 2, 4)})),)
    )
    assert deadlines.resolve_by_ms(feast, 3, PEOPLE[1], T0 + 6 * HOUR) == T0 + 52 * HOUR  # not tomorrow: the day after


def test_without_any_duty_foreseen_the_limit_runs_by_the_clock() -> None:
    gone = Shift("once", "desk", "UTC", (DAY,), ("ann",), last_day=date(1999, 1, 1))
    world = Catalogue(people=PEOPLE, shifts=(gone,))
    assert deadlines.respond_by_ms(world, 3, PEOPLE[1], T0) == T0 + 30 * MIN
    assert deadlines.resolve_by_ms(world, 3, PEOPLE[1], T0) == T0 + 8 * HOUR


def test_warnings_of_severity_three_come_in_duty_and_each_once() -> None:
    world = at(World(shifts()), 3.75 - 61 / 3600)
    breach(world)  # quarter to two, so that the shift has a quarter of an hour left
    world.tell("acknowledge", "ann")
    world.run(30 * HOUR, MIN)
    # 6 h 15 of duty: half of it are over tomorrow at 08:00 + 2:52:30, three quarters at 08:00 + 4:26:15
    warned = timeline(world, "warned")
    assert [event for _, event in warned] == ["resolve_due:warned"] * 2
    assert [hours for hours, _ in warned] == pytest.approx([22 + 2.875, 22 + 4.4375], abs=1 / 50)
    ((late, event),) = timeline(world, "late")
    assert event == "resolve_due:late"
    assert late == pytest.approx(28, abs=1 / 50)


def test_what_a_hold_leaves_of_a_limit_is_duty() -> None:
    world = World(shifts())
    breach(world)
    world.tell("acknowledge", "ann")
    opened = world.now_ms
    assert world.order()["resolve_by_ms"] == T0 + 4 * HOUR
    world.run(HOUR - (opened - T0), HOUR)
    world.tell("hold", "ann", reason="carrier", until_ms=world.now_ms + 6 * HOUR)
    world.run(6 * HOUR, HOUR)  # eleven to five: the shift is over
    assert world.order()["state"] == "acknowledged"
    assert world.order()["resolve_by_ms"] == T0 + 25 * HOUR  # three hours of duty were left: tomorrow at eleven


def test_limits_on_a_calendar_survive_a_restart_and_fire_once() -> None:
    def life(cut: bool) -> list[dict[str, Any]]:
        world = at(World(shifts()), 3.5)
        breach(world)
        world.run(10 * HOUR, 5 * MIN)
        if cut:
            state = world.judgement.snapshot("bank/PS")
            world.judgement = Judgement(shifts())  # equal settings, worked out anew
            world.judgement.restore("bank/PS", state)
        world.run(20 * HOUR, 5 * MIN)
        return [o.payload for o in world.outputs]

    assert life(cut=True) == life(cut=False)


def test_at_the_top_nobody_off_duty_is_paged_for_severity_three() -> None:
    alone = catalogue(rules=(LESSER,), people=(person("ann", 1, duty=(DAY,)),))
    world = at(World(alone), 6)
    breach(world)
    world.run(4 * HOUR, MIN)
    assert world.alerts("page") == []
    assert [e["why"] for e in world.log() if e["decision"] == "suppressed"][:1] == ["off_duty_and_not_urgent"]


def test_a_due_is_asked_of_the_calendar_at_every_clock_and_worked_out_once() -> None:
    world = shifts()
    order = WorkOrder("WO-1", "bank/PS", "acknowledged", 3, T0, owner="ann")
    order.resolve_by_ms, order.private.resolve_from_ms = T0 + 28 * HOUR, T0 + 4 * HOUR - 15 * MIN
    assert deadlines.due(world, order, T0 + 20 * HOUR) is None
    assert deadlines.warned_ms(world, order, (order.private.resolve_from_ms, order.resolve_by_ms), 50) == T0 + round(
        24.875 * HOUR
    )
    before = len(rota_of(world)._answers)
    for n in range(100):
        deadlines.due(world, order, T0 + 20 * HOUR + n * S)
    assert len(rota_of(world)._answers) == before


def test_people_with_a_duty_and_no_rota_are_as_they_were() -> None:
    simple: tuple[Person, ...] = (person("ann", 1, duty=(DAY,)), person("bob", 1, duty=(EVE,)), person("boss", 4))
    world = catalogue(people=simple)
    wanted = ((0, "ann"), (4, "bob"), (13, "boss"))
    for hours, owner in wanted:
        assert routing.ladder(world, "bank/PS", T0 + hours * HOUR)[0].id == owner
