"""The limit that two sides agree on: both values kept, each refusal named."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import Catalogue, Department, QueueSettings
from tests.alerts.world import HOUR, MIN, PEOPLE, RULES, World, breach, catalogue, person, refusal

CENTRE = Catalogue(
    rules=RULES,
    queues=(QueueSettings(department="desk"),),
    departments=(Department("desk"), Department("centre", supervises=True), Department("other")),
    people=(*PEOPLE, person("watch", 2, "centre"), person("watch2", 2, "centre"), person("outer", 2, "other")),
)


def begun(settings: Catalogue | None = None) -> World:
    world = World(settings or catalogue())
    breach(world)
    world.tell("acknowledge")
    return world


def propose(world: World, actor: str, hours: float) -> int:
    until_ms = world.now_ms + int(hours * HOUR)
    world.tell("propose_limit", actor, until_ms=until_ms)
    return until_ms


def test_a_proposal_changes_nothing_until_the_other_side_agrees() -> None:
    world = begun()
    default = world.order()["resolve_by_ms"]
    until = propose(world, "lia", 3)
    order = world.order()
    assert (order["resolve_by_ms"], order["agreed_ms"]) == (default, None)
    assert order["negotiation"]["offers"] == [
        {"side": "handling", "by": "lia", "until_ms": until, "at_ms": world.now_ms}
    ]
    world.run(MIN)
    world.tell("agree_limit", "lead", until_ms=until)
    order = world.order()
    assert (order["resolve_by_ms"], order["agreed_ms"]) == (until, until)
    kept = order["negotiation"]
    assert (kept["default_ms"], kept["agreed_ms"], kept["agreed_by"]) == (default, until, "lead")
    assert kept["agreed_at_ms"] == world.now_ms
    entry = world.log()[-1]
    assert (entry["decision"], entry["data"]) == (
        "agreed",
        {"until_ms": until, "proposed_by": "lia", "default_ms": default},
    )


def test_a_counter_takes_the_place_of_the_proposal_and_both_are_kept() -> None:
    world = begun()
    first = propose(world, "lia", 4)
    second = propose(world, "lead", 2)
    assert world.decisions()[-1] == "propose_limit:countered"
    assert world.log()[-1]["data"]["against_ms"] == first
    assert [o["until_ms"] for o in world.order()["negotiation"]["offers"]] == [first, second]
    assert refusal(world.tell("agree_limit", "lia", until_ms=first)) == "not_what_was_proposed"
    world.tell("agree_limit", "lia")
    assert world.order()["resolve_by_ms"] == second
    assert [o["until_ms"] for o in world.order()["negotiation"]["offers"]] == [first, second]


def test_a_side_that_proposes_again_replaces_its_own_offer() -> None:
    world = begun()
    propose(world, "lia", 4)
    until = propose(world, "lia", 3)
    assert world.decisions()[-2:] == ["propose_limit:proposed"] * 2
    assert [o["until_ms"] for o in world.order()["negotiation"]["offers"]] == [until]


REFUSED: list[tuple[Catalogue | None, str, str, str]] = [
    (None, "lia", "lia", "needs_another_person"),
    (None, "lead", "team", "needs_the_other_side"),
    (None, "lia", "stranger", "not_a_side"),
    (CENTRE, "watch", "watch2", "needs_the_other_side"),
    (CENTRE, "lead", "lia", "needs_the_other_side"),
    (CENTRE, "lead", "outer", "not_a_side"),
]


@pytest.mark.parametrize(("settings", "proposer", "other", "reason"), REFUSED)
def test_who_cannot_agree(settings: Any, proposer: str, other: str, reason: str) -> None:
    world = begun(settings)
    propose(world, proposer, 3)
    default = world.order()["resolve_by_ms"]
    assert refusal(world.tell("agree_limit", other)) == reason
    assert world.order()["resolve_by_ms"] == default


def test_the_centre_and_the_department_agree() -> None:
    world = begun(CENTRE)
    until = propose(world, "watch", 3)
    world.tell("agree_limit", "lead")
    assert world.order()["resolve_by_ms"] == until


def test_somebody_of_neither_side_proposes_nothing() -> None:
    world = begun(CENTRE)
    assert refusal(world.tell("propose_limit", "outer", until_ms=world.now_ms + HOUR)) == "not_a_side"


def test_an_offer_that_has_run_out_is_not_agreed_to() -> None:
    world = begun()
    propose(world, "lia", 0.1)
    world.run(10 * MIN)
    assert refusal(world.tell("agree_limit", "lead")) == "until_is_past"


def test_what_is_agreed_is_agreed_once() -> None:
    world = begun()
    propose(world, "lia", 3)
    world.tell("agree_limit", "lead")
    assert refusal(world.tell("agree_limit", "team")) == "nothing_proposed"
    again = propose(world, "lead", 5)
    assert world.order()["negotiation"]["default_ms"] == world.order()["resolve_by_ms"]
    world.tell("agree_limit", "lia")
    assert world.order()["resolve_by_ms"] == again


def test_a_reopened_order_has_the_limit_of_the_settings_again() -> None:
    world = begun()
    propose(world, "lia", 3)
    world.tell("agree_limit", "lead")
    world.service(0.9, 5, "5m")
    world.tell("resolve", cause="surge", measure="x")
    world.put("resolve", service_level_live=0.2, outcomes=10)
    world.run(1_000)
    order = world.order()
    assert (order["negotiation"], order["agreed_ms"], order["resolve_by_ms"]) == (None, None, world.now_ms + HOUR)


def test_a_limit_beyond_all_time_is_malformed() -> None:
    world = begun()
    assert refusal(world.tell("propose_limit", "lia", until_ms=10**30)) == "malformed"
