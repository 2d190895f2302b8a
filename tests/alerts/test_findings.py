"""Findings: reported by command, closed by their own way of verification and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import Catalogue, QueueSettings, Site
from tests.alerts.world import HOUR, MIN, PEOPLE, RULES, S, World, breach, catalogue, refusal

GOOD = {"cause": "platform", "measure": "menu restarted"}
FIGURE: dict[str, Any] = {"verify": "figure", "metric": "service_level_live", "window": "15m", "limit": 0.8}


def report(world: World, actor: str = "lia", **fields: Any) -> str:
    """Report something; the finding's id."""
    named: dict[str, Any] = {"kind": "on_site", "severity": 2, "text": "the menu hangs up", "verify": "probe"} | fields
    world.tell("report", actor, order="-", **named)
    return str(world.order()["findings"][-1]["id"])


def resolved(world: World) -> World:
    world.service(0.9, 5, "5m")
    world.tell("acknowledge")
    world.tell("resolve", **GOOD)
    return world


def states(world: World) -> list[str]:
    return [f["state"] for f in world.order()["findings"]]


def test_a_report_opens_an_order_like_any_other() -> None:
    world = World()
    report(world)
    order = world.order()
    assert (order["state"], order["severity"], order["owner"], order["liaison"]) == ("dispatched", 2, "lead", "lia")
    assert (order["symptoms"], order["active"]) == ([], [])
    assert order["resolve_by_ms"] == world.now_ms + HOUR
    assert order["sentence"] == "On-site check of bank/PS by Lia: the menu hangs up"
    assert world.decisions() == ["report:raised", "report:dispatched", "breached:notified"]
    assert world.log()[0]["actor"] == "lia"
    assert world.alerts("raised")[0]["zh"] == "bank/PS 现场核查(Lia):the menu hangs up"


def test_the_same_report_has_the_same_ids_and_a_second_one_others() -> None:
    one, two = World(), World()
    assert report(one) == report(two)
    assert one.order()["id"] == two.order()["id"]
    assert report(one) != one.order()["findings"][0]["id"]


def test_a_report_joins_the_open_order_and_can_make_it_graver() -> None:
    world = World()
    breach(world)
    opened = world.order()["id"]
    report(world, severity=1, kind="complaint", text="nobody gets through")
    order = world.order()
    assert (order["id"], order["severity"], order["symptoms"]) == (opened, 1, ["sl"])
    assert order["respond_by_ms"] == world.now_ms + 5 * MIN
    assert world.decisions()[-1] == "report:joined"


def test_an_order_with_an_open_finding_does_not_recover_by_itself() -> None:
    world = World()
    breach(world)
    report(world)
    world.service(0.9)
    world.run(10 * MIN)
    assert (world.order()["active"], world.order()["state"]) == ([], "dispatched")


def test_a_test_call_after_the_resolve_closes_it_and_none_before() -> None:
    world = World()
    report(world)
    assert world.probe(True) == []
    resolved(world)
    assert world.order()["verification"]["sentence"] == f"waits for a test call ({world.order()['findings'][0]['id']})"
    world.run(HOUR, MIN)
    assert world.order()["state"] == "verifying"
    world.probe(True)
    assert (world.order()["state"], states(world)) == ("closed", ["passed"])


def test_a_failed_test_call_sends_it_back() -> None:
    world = World()
    report(world)
    resolved(world).probe(False)
    assert (world.order()["state"], world.order()["reopened"], states(world)) == ("analysing", 1, ["open"])


def test_evidence_cannot_be_signed_over_an_open_finding() -> None:
    world = World()
    report(world)
    resolved(world).run(2 * HOUR, MIN)
    assert world.order()["verification"]["state"] == "undecided"
    assert refusal(world.tell("sign_evidence", text="seen")) == "findings_open"
    world.probe(True)
    assert world.order()["state"] == "closed"


def test_a_figure_is_judged_over_the_calls_since_the_resolve() -> None:
    world = World()
    report(world, **FIGURE)
    assert refusal(world_with_bad_present(world).tell("resolve", **GOOD)) == "still_in_breach"
    resolved(world)
    world.put("resolve", service_level_live=0.75, outcomes=10)
    world.run(2 * S)
    assert world.order()["state"] == "analysing"
    resolved_again = resolved(world)
    resolved_again.put("resolve", service_level_live=0.85, outcomes=9)
    world.run(2 * S)
    assert world.order()["verification"]["sentence"] == "9 of 10 calls since the resolve"
    world.put("resolve", service_level_live=0.85, outcomes=10)
    world.run(S)
    assert (world.order()["state"], states(world)) == ("closed", ["passed"])


def world_with_bad_present(world: World) -> World:
    world.tell("acknowledge")
    world.service(0.7, 5, "5m")
    return world


def test_of_a_figure_that_is_undefined_nothing_is_said() -> None:
    world = World()
    report(world, verify="figure", metric="agents_ready", window="now", limit=3, breach="below")
    resolved(world)
    world.put("resolve", service_level_live=0.9, outcomes=20)
    world.run(10 * S)
    assert world.order()["state"] == "verifying"
    world.put("now", agents_ready=4)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_a_check_is_signed_by_the_named_second_person() -> None:
    world = World()
    finding = report(world, verify="signed", person="team")
    resolved(world)
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "team"]
    signed = {"finding": finding, "outcome": "passed", "text": "stood beside it"}
    assert refusal(world.tell("sign_check", "lead", **signed)) == "not_the_checker"
    assert refusal(world.tell("sign_check", "team", **signed | {"finding": "FI-OTHER"})) == "no_such_finding"
    world.tell("sign_check", "team", **signed)
    assert (world.order()["state"], states(world)) == ("closed", ["passed"])
    assert world.order()["findings"][0]["evidence"] == "check signed by team: stood beside it"


def test_a_check_that_shows_otherwise_sends_it_back() -> None:
    world = World()
    finding = report(world, verify="signed", person="team")
    resolved(world).tell("sign_check", "team", finding=finding, outcome="failed", text="still dead")
    assert (world.order()["state"], world.order()["owner"]) == ("analysing", "lead2")
    assert "still dead" in world.alerts("changed")[-1]["text"] + world.log()[-3]["why"]


def test_for_a_checker_who_left_the_settings_a_supervisor_signs() -> None:
    world = World()
    finding = report(world, verify="signed", person="team")
    resolved(world)
    without = catalogue(people=tuple(p for p in PEOPLE if p.id != "team"))
    world.judgement.change(without, world.now_ms, world.figures, world.names, world)
    signed = {"finding": finding, "outcome": "passed", "text": "fine"}
    assert refusal(world.tell("sign_check", "lead2", **signed)) == "not_the_checker"
    world.tell("sign_check", "super", **signed)
    assert world.order()["state"] == "closed"


def test_a_closed_queue_does_not_hold_up_what_no_call_proves() -> None:
    world = World()
    report(world, "alertmanager", **EXTERNAL)
    world.put("now", open=0.0)
    over(world)
    world.run(2 * S)
    assert world.order()["state"] == "closed"


def test_a_sender_that_repeats_itself_puts_no_reminder_off() -> None:
    world = World()
    report(world, "alertmanager", **EXTERNAL)
    world.tell("acknowledge")
    for _ in range(4):
        world.run(8 * MIN, MIN)
        report(world, "alertmanager", **EXTERNAL)
    assert "remind_due:reminded" in world.decisions()


def test_who_resolved_it_is_not_named_to_sign_a_check_of_it() -> None:
    world = World()
    report(world, verify="signed", person="boss")
    resolved(world)
    named: dict[str, Any] = {
        "kind": "on_site",
        "severity": 2,
        "text": "still silent",
        "verify": "signed",
        "person": "lead",
    }
    assert refusal(world.tell("report", "lia", order="-", **named)) == "needs_a_second_person"


EXTERNAL = {"kind": "external", "verify": "sender", "key": "HighLatency{queue=PS}", "text": "HighLatency"}


def over(world: World, key: str = str(EXTERNAL["key"]), actor: str = "alertmanager") -> Any:
    return world.tell("over", actor, order="-", key=key, text="resolved")


def test_another_system_says_when_it_is_over() -> None:
    world = World()
    report(world, "alertmanager", **EXTERNAL)
    assert refusal(over(world, actor="lead")) == "not_the_sender"
    assert refusal(over(world, key="other")) == "no_such_finding"
    over(world)
    world.run(2 * S)
    order = world.order()
    assert (order["state"], order["cause"], states(world)) == ("closed", "recovered by itself", ["passed"])


def test_the_same_key_is_the_same_finding() -> None:
    world = World()
    first = report(world, "alertmanager", **EXTERNAL)
    assert report(world, "alertmanager", **EXTERNAL) == first
    assert (len(world.order()["findings"]), world.decisions()[-1]) == (1, "report:repeated")
    over(world)
    assert report(world, "alertmanager", **EXTERNAL) == first
    assert (states(world), world.order()["state"]) == (["open"], "dispatched")
    over(world)
    world.run(2 * S)
    assert world.order()["state"] == "closed"
    report(world, "alertmanager", **EXTERNAL)
    assert (world.order()["state"], world.order()["reopened"], len(world.orders())) == ("analysing", 1, 1)
    over(world)
    world.run(2 * S)
    world.run(HOUR, MIN)
    report(world, "alertmanager", **EXTERNAL)
    assert len(world.orders()) == 2


def test_the_senders_word_before_the_resolve_stays_and_the_rest_is_still_proven() -> None:
    world = World()
    breach(world)
    report(world, "alertmanager", **EXTERNAL)
    over(world)
    assert world.order()["state"] == "dispatched"  # the service level is still in breach
    resolved(world)
    assert states(world) == ["passed"]
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_calls_and_findings_are_both_waited_for() -> None:
    world = World()
    breach(world)
    finding = report(world)
    resolved(world)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    order = world.order()
    assert order["state"] == "verifying"
    assert order["verification"]["sentence"] == (
        f"the next 10 calls: live service level 90 %, waits for a test call ({finding})"
    )
    assert world.decisions()[-1] == "verified:calls_passed"
    world.put("resolve", service_level_live=0.2, outcomes=40)
    world.run(MIN)
    assert world.order()["state"] == "verifying"  # the calls have spoken
    world.probe(True)
    assert world.order()["state"] == "closed"


BASE: dict[str, Any] = {"kind": "on_site", "severity": 2, "text": "x", "verify": "probe"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    (BASE | {"text": ""}, "needs_text"),
    (BASE | {"kind": ""}, "needs_kind"),
    (BASE | {"verify": ""}, "needs_verify"),
    (BASE | {"severity": None}, "needs_severity"),
    (BASE | FIGURE | {"metric": ""}, "needs_metric"),
    (BASE | FIGURE | {"limit": None}, "needs_limit"),
    (BASE | FIGURE | {"metric": "nonsense"}, "unknown_figure"),
    (BASE | FIGURE | {"window": "resolve"}, "unknown_figure"),
    (BASE | {"verify": "figure", "metric": "offered", "window": "15m", "limit": 5}, "needs_breach"),
    (BASE | {"verify": "signed"}, "needs_person"),
    (BASE | {"verify": "signed", "person": "lia"}, "needs_a_second_person"),
    (BASE | {"verify": "signed", "person": "nobody"}, "unknown_person"),
    (BASE | {"verify": "sender"}, "needs_key"),
]


@pytest.mark.parametrize(("fields", "reason"), REFUSED)
@pytest.mark.parametrize("joined", [False, True])
def test_a_report_that_is_refused_by_name(fields: dict[str, Any], reason: str, joined: bool) -> None:
    world = World()
    if joined:
        breach(world)
        assert refusal(world.tell("report", "lia", order="-", **fields)) == reason
    else:
        world.tell("report", "lia", order="-", **fields)
        assert world.orders() == set()
        assert reason in world.alerts("refused")[0]["text"]


def test_a_stranger_reports_nothing_and_a_site_that_is_not_there_has_no_orders() -> None:
    world = World(Catalogue((Site("shop"),), (QueueSettings(department="desk"),), RULES, people=PEOPLE))
    world.tell("report", "stranger", order="-", **BASE)
    world.tell("report", "lia", order="-", **BASE)
    told = [a["text"] for a in world.alerts("refused")]
    assert ["unknown_person" in told[0], "unknown_site" in told[1]] == [True, True]


def test_findings_of_an_order_are_bounded() -> None:
    world = World()
    for n in range(8):
        report(world, "alertmanager", **EXTERNAL | {"key": f"k{n}"})
    again = world.tell("report", "alertmanager", order="-", severity=2, **EXTERNAL | {"key": "k9"})
    assert refusal(again) == "too_many_findings"
    report(world, "alertmanager", **EXTERNAL | {"key": "k3"})
    assert (world.decisions()[-1], len(world.order()["findings"])) == ("report:repeated", 8)


def test_without_people_a_report_opens_an_order_too() -> None:
    world = World(catalogue(people=()))
    report(world, verify="signed", person="anybody")
    assert world.order()["state"] == "detected"
