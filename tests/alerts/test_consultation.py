"""Who takes part in an order, and who supervises it without handling it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.catalogue import Catalogue, Department, Duty, QueueSettings
from tests.alerts.desk import Desk
from tests.alerts.world import MIN, PEOPLE, RULES, WEEK, World, breach, person, refusal

OTHERS = (person("wire", 2, "trunks"), person("wire3", 3, "trunks"), person("watch", 2, "centre"))


def settings(people: Any = (*PEOPLE, *OTHERS), strict: bool = False) -> Catalogue:
    departments = (
        Department("desk", strict=strict),
        Department("trunks"),
        Department("centre", supervises=True),
    )
    return Catalogue(
        queues=(QueueSettings(department="desk"),), rules=RULES, departments=departments, people=tuple(people)
    )


def begun(of: Catalogue | None = None) -> World:
    world = World(of or settings())
    breach(world)
    world.tell("acknowledge")
    return world


def asked(world: World) -> tuple[list[str], list[str], str | None]:
    found = world.order()["consultation"]
    return found["people"], found["departments"], found["supervisor"]


def test_words_alone_ask_nobody_in() -> None:
    world = begun()
    world.tell("consult", text="anybody seen this?")
    assert world.order()["consultation"] is None


def test_somebody_of_the_same_department_needs_no_supervision() -> None:
    world = begun()
    world.tell("consult", text="come and look", person="team")
    assert asked(world) == (["team"], [], None)


def test_another_department_brings_the_centre_in() -> None:
    world = begun()
    world.tell("consult", text="trunk side?", department="trunks")
    assert asked(world) == ([], ["trunks"], "watch")
    (entry,) = [e for e in world.log() if e["decision"] == "consulted"]
    assert entry["data"] == {"person": None, "department": "trunks", "supervisor": "watch"}
    world.tell("consult", text="you too", person="wire")
    assert asked(world) == (["wire"], ["trunks"], "watch")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"department": "trunks", "supervisor": "lead"}, "the_handler_cannot_supervise"),
        ({"department": "trunks", "supervisor": "lia"}, "the_handler_cannot_supervise"),
        ({"department": "trunks", "supervisor": "wire3"}, "the_handler_cannot_supervise"),
        ({"person": "wire", "supervisor": "wire"}, "the_handler_cannot_supervise"),
        ({"person": "nobody"}, "unknown_person"),
        ({"person": "wire", "supervisor": "nobody"}, "unknown_person"),
        ({"department": "nowhere"}, "unknown_department"),
    ],
)
def test_a_consultation_that_is_refused_by_name(fields: dict[str, str], reason: str) -> None:
    world = begun()
    assert refusal(world.tell("consult", text="x", **fields)) == reason
    assert world.order()["consultation"] is None


def test_without_anybody_to_supervise_no_department_is_asked_in() -> None:
    world = begun(settings((person("lia", 0), person("lead", 1), person("wire", 2, "trunks"))))
    assert refusal(world.tell("consult", text="x", department="trunks")) == "needs_a_supervising_party"


def test_who_supervises_handles_nothing() -> None:
    world = begun()
    world.tell("consult", text="x", department="trunks", supervisor="super")
    assert refusal(world.tell("take", "super")) == "the_supervisor_cannot_handle"
    assert refusal(world.tell("reassign", "lead", person="super")) == "the_supervisor_cannot_handle"
    assert refusal(world.tell("hand_over", "lead", person="super")) == "the_supervisor_cannot_handle"
    assert refusal(world.tell("consult", text="x", person="super")) == "the_supervisor_cannot_handle"


def test_escalation_passes_the_supervising_party_by() -> None:
    world = World(settings())
    breach(world)
    world.tell("consult", text="x", department="trunks", supervisor="super")
    world.run(41 * MIN)
    owners = [e["data"]["to"] for e in world.log() if e["decision"] == "escalated"]
    assert owners == ["lead2", "team", "boss"]


def test_supervision_is_of_the_supervising_party_and_reaches_the_owner() -> None:
    world = begun()
    world.tell("consult", text="x", department="trunks")
    assert refusal(world.tell("supervise", "lead", text="by noon")) == "not_the_supervising_party"
    world.run(20 * MIN)
    world.tell("supervise", "watch", text="by noon")
    assert world.decisions()[-2:] == ["supervise:supervised", "breached:notified"]
    assert world.alerts("page")[-1]["text"].startswith("Watch supervises: by noon.")


def test_a_supervisor_who_leaves_the_settings_is_replaced() -> None:
    world = begun(settings((*PEOPLE, *OTHERS, person("watch2", 3, "centre"))))
    world.tell("consult", text="x", department="trunks")
    without = settings((*PEOPLE, *OTHERS[:2], person("watch2", 3, "centre")))
    out = world.judgement.change(without, world.now_ms, world.figures, world.names, world)
    world.outputs += out
    assert asked(world)[2] == "watch2"
    assert world.decisions()[-1] == "consult:supervisor_replaced"


def test_participants_are_bounded() -> None:
    crowd = [person(f"p{n}", 1) for n in range(33)]
    world = begun(settings((*PEOPLE, *OTHERS, *crowd)))
    for n in range(32):
        world.tell("consult", text="x", person=f"p{n}")
    assert refusal(world.tell("consult", text="x", person="p32")) == "too_many_participants"
    assert len(asked(world)[0]) == 32


def pages(world: World) -> list[tuple[str, str]]:
    return [(a["kind"], a["owner"]) for a in world.alerts() if a["kind"] in ("page", "asked")]


def test_whoever_is_asked_in_is_told_once_and_so_is_who_supervises() -> None:
    world = begun()
    world.tell("consult", text="come and look", person="team")
    assert pages(world)[1:] == [("asked", "team")]
    assert world.alerts("asked")[0]["text"].startswith("Lead asks you to take part: come and look. ")
    world.tell("consult", text="again", person="team")
    world.tell("consult", text="trunk side?", department="trunks")
    assert pages(world)[2:] == [("asked", "wire"), ("asked", "watch")]  # the lowest on duty there, and the centre's
    assert "You supervise this order" in world.alerts("asked")[-1]["text"]


def test_a_department_is_told_through_its_liaison_on_duty() -> None:
    away = (Duty(WEEK, 20 * 60, 21 * 60),)
    wires = (person("wire0", 0, "trunks", away), person("wire9", 0, "trunks"), person("wire", 1, "trunks"))
    world = begun(settings((*PEOPLE, *wires, OTHERS[2])))
    world.tell("consult", text="x", department="trunks")
    assert pages(world)[1:] == [("asked", "wire9"), ("asked", "watch")]


def test_a_department_that_sleeps_is_told_through_its_highest_but_not_for_the_lowest_severity() -> None:
    away = (Duty(WEEK, 20 * 60, 21 * 60),)
    wires = (person("wire", 1, "trunks", away), person("wire3", 3, "trunks", away))
    for severity, told in ((2, [("asked", "wire3"), ("asked", "watch")]), (3, [("asked", "watch")])):
        world = World(settings((*PEOPLE, *wires, OTHERS[2])))
        if severity == 2:
            breach(world)
        else:
            world.put("now", waiting=9, waiting_past_threshold=9)
            world.run(2_000)
        world.tell("consult", text="x", department="trunks")
        assert pages(world)[1:] == told
    assert "breached:suppressed" in world.decisions()


def test_one_page_per_person_and_order_in_the_gap_holds_for_the_consulted_too() -> None:
    world = begun()
    world.tell("consult", text="x", person="team")
    world.tell("release", person="team")
    world.tell("consult", text="you after all", person="team")
    assert pages(world)[1:] == [("asked", "team")]
    assert world.log()[-1]["why"] == "paged_recently"
    world.tell("release", person="team")
    world.run(15 * MIN)
    world.tell("consult", text="now then", person="team")
    assert pages(world)[-1] == ("asked", "team")
    assert pages(world).count(("asked", "team")) == 2


def test_the_end_of_taking_part_and_of_supervision() -> None:
    world = begun()
    world.tell("consult", text="x", department="trunks")
    world.tell("consult", text="x", person="team")
    world.tell("release", text="not the trunks", department="trunks")
    assert asked(world) == (["team"], [], None)
    assert world.decisions()[-2:] == ["release:released", "release:supervisor_stood_down"]
    assert (world.log()[-1]["why"], world.log()[-1]["data"]) == ("no_other_department_left", {"from": "watch"})
    world.tell("release", "team")
    assert world.order()["consultation"] is None
    assert world.log()[-1]["data"] == {"person": "team", "department": None}
    assert refusal(world.tell("release", "lead", person="team")) == "not_taking_part"


@pytest.mark.parametrize(
    ("actor", "fields", "reason"),
    [
        ("wire3", {}, None),  # of the department that was asked: speaks for it
        ("wire3", {"department": "trunks"}, None),
        ("team", {}, None),
        ("lia", {"person": "team"}, None),
        ("watch", {"person": "team"}, None),
        ("team", {"department": "trunks"}, "not_your_participation"),
        ("wire3", {"person": "team"}, "not_your_participation"),
        ("lead", {"person": "watch"}, "not_your_participation"),
        ("watch", {}, "needs_a_supervising_party"),
        ("lead", {}, "not_taking_part"),
        ("lead", {"person": "wire"}, "not_taking_part"),
        ("lead", {"department": "desk"}, "not_taking_part"),
        ("super", {"person": "team"}, "not_your_role"),
        ("stranger", {}, "not_your_role"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_who_may_end_whose_part(actor: str, fields: dict[str, str], reason: str | None, strict: bool) -> None:
    world = begun(settings(strict=strict))
    world.tell("consult", text="x", department="trunks")
    world.tell("consult", text="x", person="team")
    out = world.tell("release", actor, **fields)
    if reason is None:
        assert asked(world) != (["team"], ["trunks"], "watch")
    else:
        assert refusal(out) == reason
        assert asked(world) == (["team"], ["trunks"], "watch")


def test_a_supervisor_of_ones_own_department_stands_down_by_their_own_word() -> None:
    world = begun()
    world.tell("consult", text="x", supervisor="super")
    assert pages(world)[-1] == ("asked", "super")
    world.tell("release", "super")
    assert world.order()["consultation"] is None


@pytest.mark.parametrize("end", ["closed", "cancelled"])
def test_everything_ends_with_the_order(end: str) -> None:
    world = begun()
    world.tell("consult", text="x", department="trunks")
    if end == "cancelled":
        world.tell("cancel", reason="duplicate")
        world.tell("confirm_cancel", "super")
    else:
        world.service(0.9, 5, "5m")
        world.tell("resolve", cause="staffing", measure="two more")
        world.put("resolve", service_level_live=0.9, outcomes=10)
        world.run(1_000)
    assert (world.order()["state"], world.order()["consultation"]) == (end, None)
    (entry,) = [e for e in world.log() if e["decision"] == "consultation_ended"]
    assert entry["why"] == "order_is_over"
    assert entry["data"] == {"people": "", "departments": "trunks", "from": "watch"}
    assert refusal(world.tell("release", "wire")) == f"illegal_when_{end}"


def test_names_that_leave_the_settings_take_part_no_longer() -> None:
    world = begun()
    world.tell("consult", text="x", department="trunks")
    world.tell("consult", text="x", person="team")
    world.tell("consult", text="x", person="wire3")
    fewer = replace(settings((*PEOPLE[:4], *PEOPLE[5:], OTHERS[2])), departments=settings().departments[::2])
    world.outputs += world.judgement.change(fewer, world.now_ms, world.figures, world.names, world)
    assert world.order()["consultation"] is None
    assert world.decisions()[-2:] == ["rules.changed:participants_left", "rules.changed:supervisor_stood_down"]
    assert world.log()[-2]["data"] == {"people": "team, wire3", "departments": "trunks"}


def test_in_a_strict_department_a_bystander_does_nothing() -> None:
    world = World(settings(strict=True))
    breach(world)
    assert refusal(world.tell("acknowledge", "team")) == "not_your_role"
    world.tell("acknowledge", "lia")
    assert world.order()["state"] == "acknowledged"


def test_what_somebody_is_asked_beside_reaches_them_though_the_owner_has_answered() -> None:
    made = Desk()
    breach(made.world)
    made.turn()
    made.broken.add("TEAM_CHAT")
    made.tell("consult", text="come and look", person="team")
    made.turn()
    made.tell("acknowledge")
    made.broken.clear()
    made.run(MIN)
    assert made.sent == [("lead", "LEAD_CHAT", "page"), ("team", "TEAM_CHAT", "page")]
    made.tell("cancel", reason="duplicate")
    made.tell("confirm_cancel", "super")
    made.run(MIN)
    assert ("team", "TEAM_CHAT", "ended") in made.sent  # told of the fault, told of the end
