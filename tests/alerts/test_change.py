"""Rules, people and limits that change while episodes and orders are open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.catalogue import Catalogue, LoopLimits, Rule
from tests.alerts.world import MIN, PEOPLE, SERVICE, UNREACHED, WAITING, S, World, breach, catalogue


def change(world: World, settings: Catalogue) -> None:
    """These settings lie in the log now."""
    world.outputs += world.judgement.change(settings, world.now_ms, world.figures, world.names, world)


def restored(world: World) -> None:
    """A new owner takes over from the snapshots."""
    states = {queue: world.judgement.snapshot(queue) for queue in world.names}
    world.judgement = type(world.judgement)(world.judgement._catalogue)
    for queue, state in states.items():
        world.judgement.restore(queue, state)


def entries(world: World, decision: str) -> list[dict[str, Any]]:
    return [entry for entry in world.log() if entry["decision"] == decision]


def test_settings_that_change_nothing_decide_nothing() -> None:
    world = World()
    breach(world)
    before = len(world.outputs)
    change(world, catalogue())
    assert len(world.outputs) == before
    assert world.judgement.tile("bank/PS") == "breach"


@pytest.mark.parametrize("crash", [False, True])
def test_an_episode_goes_on_under_the_new_numbers(crash: bool) -> None:
    world = World()
    order = breach(world, level=0.4)
    if crash:
        restored(world)
    change(world, catalogue((replace(SERVICE, limit=0.3, target=0.3, recovery=0.05),)))
    assert world.anomalies() == [("sl", "start")]
    world.run(61 * S)  # 0.4 is back within 0.3 for as long as a recovery must hold
    assert world.anomalies() == [("sl", "start"), ("sl", "end")]
    assert world.order()["id"] == order
    assert world.order()["state"] == "verifying"


def test_a_tighter_limit_is_judged_at_the_next_clock() -> None:
    world = World()
    world.service(0.65)
    world.run(5 * MIN)
    assert world.orders() == set()
    change(world, catalogue((replace(SERVICE, limit=0.7, hold_ms=0),)))
    assert world.orders() == set()
    world.run(1 * S)
    assert len(world.orders()) == 1


WITHDRAWN: list[tuple[str, tuple[Rule, ...]]] = [
    ("gone", (WAITING,)),
    ("for other queues", (replace(SERVICE, pattern="insurance/*"), WAITING)),
    ("another figure", (replace(SERVICE, metric="answer_rate"), WAITING)),
    ("another window", (replace(SERVICE, window="30m"), WAITING)),
    ("the other side", (replace(SERVICE, below=False, limit=0.99, target=0.99), WAITING)),
    ("a trend note now", (replace(SERVICE, severity=4), WAITING)),
]


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize(("name", "rules"), WITHDRAWN, ids=[name for name, _ in WITHDRAWN])
def test_an_episode_whose_rule_is_gone_is_withdrawn_and_its_order_must_be_proven(
    name: str, rules: tuple[Rule, ...], crash: bool
) -> None:
    world = World()
    breach(world)
    if crash:
        restored(world)
    change(world, catalogue(rules))
    assert world.anomalies() == [("sl", "start"), ("sl", "end")]
    end = next(o.payload for o in world.outputs if o.topic == "anomalies" and o.payload["phase"] == "end")
    assert "Withdrawn by a change of settings" in end["sentence"]
    assert "设置变更" in end["zh"]
    assert len(entries(world, "withdrawn")) == 1
    order = world.order()
    assert (order["state"], order["active"], order["verification"]["state"]) == ("verifying", [], "running")
    assert "changed" in {alert["kind"] for alert in world.alerts() if "Withdrawn" in alert["text"]}
    world.run(5 * MIN)
    assert world.order()["state"] == "verifying"  # nothing closes it but calls, a test call or a person


def test_an_order_without_any_rule_left_closes_after_the_next_calls_and_says_why() -> None:
    world = World()
    breach(world)
    change(world, catalogue((WAITING,)))
    world.service(0.9)
    world.put("resolve", outcomes=9)
    world.run(2 * S)
    assert world.order()["state"] == "verifying"
    world.put("resolve", outcomes=10)
    world.run(2 * S)
    order = world.order()
    assert (order["state"], order["cause"]) == ("closed", "its rules were withdrawn")


def test_other_symptoms_keep_the_order_where_it_was() -> None:
    world = World()
    breach(world)
    world.put("now", waiting_past_threshold=9)
    world.run(1 * S)
    assert sorted(world.order()["active"]) == ["sl", "wait"]
    change(world, catalogue((WAITING, UNREACHED)))
    order = world.order()
    assert (order["state"], order["active"], order["symptoms"]) == ("dispatched", ["wait"], ["sl", "wait"])


def test_a_pending_breach_of_a_rule_that_is_gone_is_forgotten() -> None:
    world = World()
    world.service(0.4)
    world.run(50 * S)
    change(world, catalogue((WAITING,)))
    assert "bank/PS" in world.judgement.changed
    change(world, catalogue())
    world.run(30 * S)  # 80 s in breach, but only 30 under this rule
    assert world.orders() == set()
    world.run(35 * S)
    assert len(world.orders()) == 1


def test_a_new_rule_starts_idle_and_joins_the_open_order() -> None:
    world = World()
    order = breach(world)
    world.put("30m", unreached_share=0.9, arrivals=50)
    change(world, catalogue((SERVICE, WAITING, UNREACHED, replace(UNREACHED, id="unreached30", window="30m"))))
    assert world.order()["active"] == ["sl"]
    world.run(61 * S)
    assert world.order()["active"] == ["sl", "unreached30"]
    assert world.orders() == {order}


def test_an_owner_who_is_gone_is_replaced_by_the_normal_routing_and_the_limits_stand() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge", "lead")
    before = world.order()
    assert (before["owner"], before["liaison"]) == ("lead", "lia")
    left = tuple(p for p in PEOPLE if p.id not in ("lead", "lia"))
    change(world, catalogue(people=left))
    after = world.order()
    assert (after["owner"], after["owner_name"], after["liaison"]) == ("lead2", "Lead2", None)
    (entry,) = entries(world, "reassigned")
    assert (entry["event"], entry["why"]) == ("rules.changed", "owner_not_in_settings")
    assert (entry["data"]["from"], entry["data"]["to"]) == ("lead", "lead2")
    assert entries(world, "liaison_replaced")[0]["data"]["to"] is None
    assert world.alerts("page")[-1]["owner"] == "lead2"
    same = ("state", "respond_by_ms", "resolve_by_ms", "escalation", "severity")
    assert [after[name] for name in same] == [before[name] for name in same]
    world.run(1 * S)
    assert len(entries(world, "reassigned")) == 1


def test_with_nobody_left_the_order_keeps_its_owner_by_name() -> None:
    world = World()
    breach(world)
    change(world, catalogue(people=()))
    world.run(1 * S)
    assert world.order()["owner"] == "lead"
    assert entries(world, "reassigned") == []


def test_limits_that_are_set_stand() -> None:
    world = World()
    breach(world)
    before = world.order()
    quick = LoopLimits(respond_ms=(1_000, 1_000, 1_000), resolve_ms=(2_000, 2_000, 2_000))
    change(world, catalogue(limits=quick))
    world.run(30 * S)
    assert world.order()["resolve_by_ms"] == before["resolve_by_ms"]
    assert entries(world, "escalated") == []
