"""Shift handover: the sheet before a shift ends, accepted by name or told to a manager; each once, whatever crashes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.catalogue import Catalogue, Duty, LoopLimits, QueueSettings, Shift
from models.outputs import Alert
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, RULES, T0, WEEK, S, World, breach, person

#: The worlds begin at 10:00; the early shift ends at 11:00.
SHIFTS = (
    Shift("early", "desk", "UTC", (Duty(WEEK, 2 * 60, 11 * 60),), ("ann",), (("lia",),)),
    Shift("late", "desk", "UTC", (Duty(WEEK, 11 * 60, 20 * 60),), ("bob",)),
    Shift("night", "desk", "UTC", (Duty(WEEK, 20 * 60, 26 * 60),), ("cat",)),
)
PEOPLE = (
    person("lia", 0),
    person("ann", 1),
    person("bob", 1),
    person("cat", 1),
    person("boss", 4),
    person("boss2", 4),
)
#: No other clock of an order rings in these hours.
QUIET = LoopLimits(resolve_ms=(20 * HOUR,) * 3, remind_ms=(20 * HOUR,) * 3, respond_ms=(20 * HOUR,) * 3)
ENDS = T0 + HOUR
SHEET = ENDS - 30 * MIN
LATE = ENDS + 10 * MIN


def settings(shifts: tuple[Shift, ...] = SHIFTS, people: Any = PEOPLE, limits: LoopLimits = QUIET) -> Catalogue:
    queues = (QueueSettings("other/*", department="other"), QueueSettings(department="desk"))
    return Catalogue(queues=queues, rules=RULES, people=people, limits=limits, shifts=shifts)


def begun(*queues: str, **changes: Any) -> TapedWorld:
    """A world in which each of *queues* has an order, acknowledged by the lead of the early shift."""
    world = TapedWorld(settings(**changes), *(queues or ("bank/PS",)))
    for queue in world.names:
        world.service(0.4, queue=queue)
    world.run(61 * S)
    for queue in world.names:
        world.tell("acknowledge", "ann", queue)
    return world


def until(world: World, at_ms: int) -> World:
    world.run(at_ms - world.now_ms, 20 * S)
    return world


def sheets(world: World) -> list[dict[str, Any]]:
    return [alert["sheet"] for alert in world.alerts("handover")]


def accept(world: World, actor: str = "bob", queue: str = "bank/PS") -> list[Any]:
    return world.tell("accept_shift", actor, queue, order="-")


def test_the_sheet_is_written_half_an_hour_before_the_shift_ends() -> None:
    world = begun()
    world.around(SHEET)
    survives(world, "shift_ends:offered")
    (sheet,) = sheets(world)
    assert world.alerts("handover")[0]["at_ms"] == SHEET
    assert (sheet["department"], sheet["shift"], sheet["lead"]) == ("desk", "early", "ann")
    assert (sheet["next_shift"], sheet["next_lead"], sheet["state"]) == ("late", "bob", "offered")
    assert (sheet["ends_ms"], sheet["starts_ms"], sheet["accept_by_ms"]) == (ENDS, ENDS, LATE)
    assert world.order()["owner"] == "ann"
    Alert.model_validate({"pos": (0, 0, 0), **world.alerts("handover")[0]})


def test_gaps_of_the_new_shift_are_on_the_sheet() -> None:
    people = (*PEOPLE[:4], person("boss", 4, duty=(Duty(WEEK, 9 * 60, 10 * 60 + 50),)))
    (sheet,) = sheets(until(begun(people=people), SHEET))
    assert sheet["gaps"] == [
        {"tier": 0, "reason": "nobody_on_duty"},  # the liaison sits on the early shift
        {"tier": 2, "reason": "nobody_in_the_settings"},
        {"tier": 3, "reason": "nobody_in_the_settings"},
        {"tier": 4, "reason": "nobody_on_duty"},
    ]


def test_a_manager_is_paged_once_when_nobody_accepts_in_ten_minutes() -> None:
    world = begun()
    world.around(LATE)
    survives(world, "handover_due:not_accepted")
    assert [a["owner"] for a in world.alerts("page")] == ["ann", "boss"]
    assert world.alerts("page")[1]["at_ms"] == LATE
    assert "not accepted by bob, Ann is still accountable" in world.alerts("page")[1]["text"]
    assert world.order()["owner"] == "ann"
    assert [sheet["state"] for sheet in sheets(world)] == ["offered", "late"]


def test_one_page_for_all_orders_of_the_department() -> None:
    world = begun("bank/PS", "bank/NE", "bank/NW")
    world.around(LATE)
    survives(world, "handover_due:not_accepted", times=3)
    assert [a["owner"] for a in world.alerts("page")].count("boss") == 1


def test_the_incoming_lead_accepts_all_orders_of_the_shift_at_once() -> None:
    world = begun("bank/PS", "bank/NE")
    until(world, ENDS + 5 * MIN)
    before = {queue: world.order(queue)["resolve_by_ms"] for queue in world.names}
    first = len(world.tape.records)
    accept(world)
    world.run(2 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "accept_handover:done", times=2)
    assert {queue: world.order(queue)["owner"] for queue in world.names} == dict.fromkeys(world.names, "bob")
    assert {queue: world.order(queue)["resolve_by_ms"] for queue in world.names} == before  # the clocks run on
    until(world, LATE + 5 * MIN)
    assert "handover_due:not_accepted" not in world.decisions()
    assert [(s["state"], s["accepted_by"]) for s in sheets(world)[2:]] == [("accepted", "bob")] * 2


def test_accepting_before_the_shift_begins_and_accepting_late() -> None:
    early, late = begun(), begun()
    until(early, ENDS - 10 * MIN)
    accept(early)
    until(early, LATE + MIN)
    assert early.order()["owner"] == "bob"
    assert "handover_due:not_accepted" not in early.decisions()
    until(late, LATE + 20 * MIN)
    accept(late)
    assert late.order()["owner"] == "bob"
    assert sheets(late)[-1]["state"] == "accepted"


@pytest.mark.parametrize("command", ["accept_handover", "take"])
def test_order_by_order_is_accepted_too(command: str) -> None:
    world = begun()
    until(world, ENDS)
    world.tell(command, "bob")
    until(world, LATE + MIN)
    assert world.order()["owner"] == "bob"
    assert sheets(world)[-1]["state"] == "accepted"
    assert "handover_due:not_accepted" not in world.decisions()


@pytest.mark.parametrize("actor", ["ann", "cat", "boss", "nobody"])
def test_nobody_else_accepts_the_shift(actor: str) -> None:
    world = begun()
    until(world, ENDS)
    accept(world, actor)
    assert world.order()["owner"] == "ann"
    assert f"waits for {actor} to accept it" in world.alerts("refused")[-1]["text"]


def test_orders_of_other_departments_are_not_accepted() -> None:
    world = begun("bank/PS", "other/NE")
    until(world, ENDS)
    accept(world, queue="other/NE")
    assert world.order("bank/PS")["owner"] == "ann"
    assert [sheet["department"] for sheet in sheets(world)] == ["desk"]


def test_who_stays_on_duty_stays_accountable() -> None:
    world = begun()
    world.tell("reassign", "ann", person="boss")
    until(world, LATE + MIN)
    assert [sheet["state"] for sheet in sheets(world)] == ["stays"]
    assert world.order()["owner"] == "boss"
    assert "handover_due:not_accepted" not in world.decisions()


def test_an_order_that_is_escalated_in_the_meantime_waits_for_nobody() -> None:
    world = begun(limits=LoopLimits(resolve_ms=(55 * MIN,) * 3, remind_ms=(9 * HOUR,) * 3))
    world.around(LATE)
    survives(world, "handover_due:listed")
    assert world.order()["owner"] == "boss"
    assert [(sheet["state"], sheet["owner"]) for sheet in sheets(world)] == [("offered", "ann"), ("stays", "boss")]


def test_an_order_of_the_last_minutes_is_offered_as_well() -> None:
    world = TapedWorld(settings())
    until(world, ENDS - 5 * MIN)
    assert sheets(world) == []
    breach(world)
    assert [sheet["state"] for sheet in sheets(world)] == ["offered"]
    assert "shift_ends:offered" in world.decisions()


def test_a_hold_is_handed_over_and_ends_as_it_would() -> None:
    world = begun()
    world.tell("hold", "ann", reason="carrier", until_ms=ENDS + HOUR)
    until(world, ENDS + MIN)
    accept(world)
    assert (world.order()["state"], world.order()["hold_until_ms"]) == ("on_hold", ENDS + HOUR)
    until(world, ENDS + HOUR + MIN)
    assert (world.order()["state"], world.order()["owner"]) == ("acknowledged", "bob")


def test_each_change_has_its_own_sheet() -> None:
    world = begun()
    until(world, ENDS)
    accept(world)
    until(world, T0 + 10 * HOUR)
    accept(world, "cat")
    assert [(s["shift"], s["state"]) for s in sheets(world)] == [
        ("early", "offered"),
        ("early", "accepted"),
        ("late", "offered"),
        ("late", "accepted"),
    ]


def test_without_shifts_or_with_the_same_lead_nothing_is_handed_over() -> None:
    same = (SHIFTS[0], Shift("late", "desk", "UTC", SHIFTS[1].hours, ("ann",)))
    for shifts, people in (((), PEOPLE), (same, PEOPLE)):
        assert sheets(until(begun(shifts=shifts, people=people), LATE + MIN)) == []


def test_a_shift_that_nobody_follows() -> None:
    world = begun(shifts=(Shift("last", "desk", "UTC", SHIFTS[0].hours, ("ann",), last_day=None, holidays=""),))
    assert sheets(until(world, LATE + MIN)) == []  # the same lead, tomorrow
    end = Shift("last", "desk", "UTC", SHIFTS[0].hours, ("ann",), last_day=date(1999, 2, 3))
    world = begun(shifts=(end,))
    until(world, LATE + MIN)
    assert [(s["next_lead"], s["state"]) for s in sheets(world)] == [(None, "offered"), (None, "late")]
    assert [a["owner"] for a in world.alerts("page")][-1] == "boss"


def test_a_line_of_the_floor_log() -> None:
    world = TapedWorld(settings())
    world.run(S)
    world.tell("floor_note", "lia", order="-", text="training room B is back")
    (alert,) = world.alerts("floor")
    assert alert["floor"] | {"id": ""} == {
        "id": "",
        "at_ms": world.now_ms,
        "by": "lia",
        "text": "training room B is back",
        "department": "desk",
        "shift": "early",
    }
    assert alert["order"] is None
    Alert.model_validate({"pos": (0, 0, 0), **alert})
    world.tell("floor_note", "stranger", order="-", text="hello")
    world.tell("floor_note", "lia", order="-", text=" ")
    assert len(world.alerts("floor")) == 1
    assert ["unknown_person" in a["text"] for a in world.alerts("refused")] == [True, False]
    assert world.orders() == set()


def test_a_floor_note_leaves_the_order_alone() -> None:
    world = begun()
    version = world.order()["version"]
    world.tell("floor_note", "lia", order="-", text="two agents late")
    assert world.alerts("floor")[0]["order"] == world.order()["id"]
    assert world.order()["version"] == version
