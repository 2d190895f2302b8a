"""Figures of the loop where a stranger would count wrong: findings, withdrawn rules, verdicts, what was planned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.loop_figures import Share, loads, rule_figures
from models.catalogue import LoopLimits
from tests.alerts.test_loop_figures import FOREVER, NONE, figures, read
from tests.alerts.world import HOUR, MIN, SERVICE, WAITING, S, World, breach, catalogue

GOOD = {"cause": "staffing", "measure": "two agents moved over"}
FOUND: dict[str, Any] = {"kind": "complaint", "severity": 2, "text": "the menu hangs up"}


@pytest.mark.parametrize("way", ["probe", "signed", "sender", "figure"])
def test_an_order_closes_by_the_way_in_which_its_finding_was_proven(way: str) -> None:
    """Not by calls that nobody counted."""
    world = World(catalogue())
    world.run(S)
    more: dict[str, dict[str, Any]] = {
        "signed": {"person": "team"},
        "sender": {"key": "7"},
        "figure": {"metric": "service_level_live", "window": "5m", "limit": 0.7},
    }
    world.tell("report", "lead", order="-", verify=way, **FOUND, **more.get(way, {}))
    world.tell("acknowledge")
    world.tell("resolve", **GOOD)
    world.run(S)
    finding = world.order()["findings"][0]["id"]
    if way == "probe":
        world.probe(True)
    elif way == "signed":
        world.tell("sign_check", "team", finding=finding, outcome="passed", text="all well")
    elif way == "sender":
        world.tell("over", "lead", order="-", key="7")
    else:
        world.put("resolve", service_level_live=0.9, outcomes=10, arrivals=10)
        world.run(S)
    assert world.order()["state"] == "closed"
    expected = {"probe": "test_call", "signed": "check", "sender": "sender", "figure": "calls"}
    assert figures(world).closed_by == {expected[way]: 1}


def test_an_order_whose_rule_is_withdrawn_has_neither_recovered_nor_kept_its_limit() -> None:
    world = World(catalogue((WAITING,)))
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(2 * S)
    world.run(5 * MIN)
    world.outputs += world.judgement.change(
        replace(world.catalogue, rules=(SERVICE,)), world.now_ms, world.figures, world.names, world
    )
    world.run(S)
    world.put("resolve", outcomes=10, arrivals=10)
    world.run(3 * HOUR, MIN)
    if world.order()["state"] != "closed":
        world.tell("sign_evidence", text="nothing left to judge")
    assert world.order()["cause"] == "its rules were withdrawn"
    found = figures(world)
    assert found.closed_by == {"withdrawn": 1}
    assert found.times["recover"] == NONE
    assert found.resolve_kept == Share(0, 0, None)


def test_a_verdict_of_an_earlier_period_is_a_verdict_when_the_order_is_cancelled() -> None:
    world = World()
    breach(world)
    world.tell("verdict", verdict="true")
    world.run(HOUR, MIN)
    later = world.now_ms
    world.tell("cancel", reason="false alarm: a drill")
    world.tell("confirm_cancel", "team")
    assert world.order()["state"] == "cancelled"
    (earlier,) = rule_figures(read(world), 0, later)
    assert earlier.verdicts["true"] == 1
    assert [rule.verdicts["false"] for rule in rule_figures(read(world), later, FOREVER[1])] in ([], [0])
    (whole,) = rule_figures(read(world), *FOREVER)
    assert (whole.false_share, whole.cancelled_as_false) == (Share(0, 1, 0.0), 1)


def test_another_system_is_nobody_who_bears_a_load() -> None:
    world = World(catalogue())
    world.run(S)
    for _ in range(3):
        world.tell("report", "pbx", order="-", verify="sender", key="7", **FOUND)
    world.tell("over", "pbx", order="-", key="7")
    assert "pbx" not in {load.person for load in loads(read(world), *FOREVER, lambda *_: None)}
    assert figures(world).counts["command"] == 4


def test_what_was_planned_is_no_time_to_detect() -> None:
    world = World(catalogue(limits=LoopLimits(verify_calls=4)))
    world.run(S)
    until_ms = world.now_ms + 2 * HOUR
    args: dict[str, Any] = {"planned": "maintenance", "covers": "bank/PS", "text": "works", "until_ms": until_ms}
    world.tell("plan", order="-", **args)
    world.service(0.4)
    world.run(2 * HOUR + MIN, 10 * S)
    assert "planned_over:judged_again" in world.decisions()
    assert figures(world).times["detect"] == NONE
