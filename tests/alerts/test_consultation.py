"""Who takes part in an order, and who supervises it without handling it."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import Catalogue, Department, QueueSettings
from tests.alerts.world import MIN, PEOPLE, RULES, World, breach, person, refusal

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
    assert world.log()[-1]["decision"] == "consulted"
    assert world.log()[-1]["data"] == {"person": None, "department": "trunks", "supervisor": "watch"}
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


def test_in_a_strict_department_a_bystander_does_nothing() -> None:
    world = World(settings(strict=True))
    breach(world)
    assert refusal(world.tell("acknowledge", "team")) == "not_your_role"
    world.tell("acknowledge", "lia")
    assert world.order()["state"] == "acknowledged"
