"""No order closes while something in it is unproven, and none stays open for want of a way out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from alerts.proof import PAUSE_MAX_MS
from models.catalogue import LoopLimits
from models.metric import figure
from tests.alerts.world import HOUR, MIN, T0, S, World, breach, catalogue, refusal

GOOD = {"cause": "staffing", "measure": "two agents moved over"}
FOUND: dict[str, Any] = {"kind": "complaint", "severity": 2, "text": "the menu hangs up"}
#: No other clock of an order rings in these hours.
QUIET = LoopLimits(resolve_ms=(90 * HOUR,) * 3, remind_ms=(90 * HOUR,) * 3, respond_ms=(90 * HOUR,) * 3)


def reported(verify: str = "probe", limits: LoopLimits | None = None, **fields: Any) -> World:
    """An order that was opened by a finding, acknowledged, with a quiet present."""
    world = World(catalogue(limits=limits))
    world.tell("report", "team", order="-", **FOUND, verify=verify, **fields)
    world.tell("acknowledge")
    return world


def resolved(world: World) -> World:
    world.tell("resolve", **GOOD)
    world.run(S)
    assert world.order()["state"] == "verifying"
    return world


# --- what joins a verification is proven too ------------------------------------------------------------------------


@pytest.mark.parametrize("held", [False, True])
def test_a_breach_while_a_test_call_is_waited_for_must_be_proven_by_calls(held: bool) -> None:
    world = resolved(reported())
    assert world.order()["verification"]["needed"] == 0
    if held:
        world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    breach(world)
    if held:
        world.tell("resume")
    world.probe(True)
    world.run(S)
    assert world.order()["state"] == "verifying"
    world.put("resolve", service_level_live=0.4, outcomes=10)
    world.run(S)
    assert (world.order()["state"], world.order()["reopened"]) == ("analysing", 1)


def test_a_breach_after_the_calls_have_passed_is_judged_with_them() -> None:
    world = World()
    breach(world)
    world.tell("report", "team", order="-", **FOUND, verify="signed", person="boss")
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    resolved(world)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    assert world.decisions()[-1] == "verified:calls_passed"
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(S)
    assert world.order()["reopened"] == 1, "the callers who wait now contradict it"


def test_a_finding_with_a_figure_that_joins_a_verification_without_calls_can_be_proven() -> None:
    world = resolved(reported())
    judged: dict[str, Any] = {"verify": "figure", "metric": "service_level_live", "window": "15m", "limit": 0.8}
    world.tell("report", "team", order="-", **FOUND, **judged)
    world.probe(True)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(2 * S)
    assert world.order()["state"] == "closed"


def test_a_recovery_that_broke_while_it_was_on_hold_has_not_lasted() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.service(0.9)
    world.run(61 * S)
    assert world.order()["state"] == "verifying"
    world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    breach(world)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.tell("resume")
    world.run(S)
    assert (world.order()["state"], world.order()["active"]) == ("acknowledged", ["sl"])


# --- ways out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", ["open", "data_complete"])
def test_a_queue_that_never_opens_again_leaves_its_order_to_people(silent: str) -> None:
    world = World(catalogue(limits=QUIET))
    breach(world)
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    resolved(world)
    world.figures[0, figure(silent, "now")] = 0.0
    world.run(PAUSE_MAX_MS - HOUR, HOUR)
    assert refusal(world.tell("sign_evidence", text="the site is closed for good")) == "verification_running"
    world.run(2 * HOUR, HOUR)
    assert world.order()["verification"]["state"] == "undecided"
    assert world.decisions().count("undecided:undecided") == 1
    world.tell("sign_evidence", text="the site is closed for good")
    assert world.order()["state"] == "closed"


def test_a_pause_that_ends_in_time_goes_on_and_a_late_one_still_counts_calls() -> None:
    world = World(catalogue(limits=QUIET))
    breach(world)
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    resolved(world)
    world.put("now", open=0.0)
    world.run(PAUSE_MAX_MS + HOUR, HOUR)
    world.put("now", open=1.0)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_a_hold_of_a_paused_verification_counts_once() -> None:
    world = World(catalogue(limits=QUIET))
    breach(world)
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    resolved(world)
    undecided_ms = world.now_ms - S + 2 * HOUR
    world.put("now", open=0.0)
    world.run(HOUR, MIN)
    world.tell("hold", reason="carrier", until_ms=world.now_ms + 5 * HOUR)
    world.run(HOUR, MIN)
    world.tell("resume")
    world.put("now", open=1.0)
    world.run(undecided_ms + 2 * HOUR - 2 * MIN - world.now_ms, MIN)
    assert world.order()["verification"]["state"] == "running"
    world.run(4 * MIN, MIN)
    assert world.order()["verification"]["state"] == "undecided"


def test_an_undecided_verification_is_not_forgotten() -> None:
    world = resolved(reported())
    before = len(world.alerts("page"))
    world.run(2 * HOUR, MIN)
    assert world.order()["verification"]["state"] == "undecided"
    assert len(world.alerts("page")) == before
    world.run(95 * MIN, MIN)
    reminded = [e["at_ms"] for e in world.log() if e["decision"] == "reminded"]
    assert len(reminded) == 4
    assert [later - one for one, later in pairwise(reminded)] == [30 * MIN] * 3
    assert world.alerts("page")[-1]["text"].startswith("Still open, no news for 30 min")


def test_nobody_is_reminded_all_night_of_a_queue_that_is_closed() -> None:
    world = resolved(reported())
    world.run(2 * HOUR + S, MIN)
    world.put("now", open=0.0)
    world.run(23 * HOUR, 10 * MIN)
    assert world.decisions().count("remind_due:reminded") == 1
    world.run(2 * HOUR, 10 * MIN)
    assert world.decisions().count("remind_due:reminded") == 2


def test_who_signs_the_check_does_not_resolve_it() -> None:
    world = reported("signed", person="lead")
    assert refusal(world.tell("resolve", "lead", **GOOD)) == "the_checker_cannot_resolve"
    world.tell("resolve", "lead2", **GOOD)
    later = {"verify": "signed", "person": "lead2"}
    assert refusal(world.tell("report", "team", order="-", **FOUND, **later)) == "needs_a_second_person"
    world.tell("sign_check", "lead", finding=world.order()["findings"][0]["id"], outcome="passed", text="heard it")
    assert world.order()["state"] == "closed"


def test_findings_that_are_over_make_room_for_others() -> None:
    world = reported()
    for n in range(7):
        world.tell("report", "noc", order="-", **FOUND, verify="sender", key=f"k{n}")
    assert refusal(world.tell("report", "team", order="-", **FOUND, verify="probe")) == "too_many_findings"
    world.tell("over", "noc", order="-", key="k3")
    world.tell("report", "noc", order="-", **FOUND, verify="sender", key="k7")
    keys = [finding["key"] for finding in world.order()["findings"]]
    assert keys == ["", "k0", "k1", "k2", "k4", "k5", "k6", "k7"]


# --- limits that are set while another clock stands still -----------------------------------------------------------


def held(hours: int = 4) -> World:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.tell("hold", reason="carrier", until_ms=world.now_ms + hours * HOUR)
    return world


def test_a_limit_agreed_during_a_hold_is_moved_by_the_rest_of_it_only() -> None:
    world = held()
    world.run(HOUR, MIN)
    world.tell("propose_limit", "lia", until_ms=T0 + 10 * HOUR)
    world.tell("agree_limit", "lead")
    world.run(HOUR, MIN)
    world.tell("resume")
    assert world.order()["resolve_by_ms"] == T0 + 11 * HOUR


def test_a_limit_that_a_graver_breach_sets_during_a_hold_is_moved_by_the_rest_of_it_only() -> None:
    world = held()
    world.run(HOUR, MIN)
    world.put("15m", unreached_share=0.9, arrivals=30)
    world.run(61 * S)
    graver_ms = world.now_ms
    assert world.order()["severity"] == 1
    world.run(HOUR, MIN)
    world.tell("resume")
    assert world.order()["resolve_by_ms"] == graver_ms + 30 * MIN + HOUR


def test_a_graver_breach_ends_what_was_agreed() -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.tell("propose_limit", "lia", until_ms=world.now_ms + 4 * HOUR)
    world.tell("agree_limit", "lead")
    assert world.order()["agreed_ms"] == world.now_ms + 4 * HOUR
    world.put("15m", unreached_share=0.9, arrivals=30)
    world.run(61 * S)
    assert (world.order()["agreed_ms"], world.order()["resolve_by_ms"]) == (None, world.now_ms + 30 * MIN)


@pytest.mark.parametrize("way", ["hold", "recover"])
def test_what_ends_an_acceptance_early_lets_the_limit_to_resolve_begin_anew(way: str) -> None:
    world = World()
    breach(world)
    world.tell("acknowledge")
    world.tell("accept", "super", reason="flu", until_ms=world.now_ms + 5 * HOUR)
    world.run(3 * HOUR, MIN)
    if way == "hold":
        world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
        world.tell("resume")
    else:
        world.service(0.9)
        world.run(61 * S)
        breach(world)
    assert (world.order()["state"], world.order()["escalation"]) == ("analysing", 0)
    world.run(S)
    assert "resolve_due:late" not in world.decisions()
