"""What outside systems send, as commands: payloads as the tools document them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from alerts.channels.rfc3339 import rfc3339
from models.command import COMMANDS, NEEDS, WAY_NEEDS, OrderCommand
from models.errors import UsageError
from models.notify_settings import Hook
from tests.alerts.test_payloads import CLOSED, GOLDEN, ORDER
from tests.alerts.world import MIN, World, breach
from wallboard.incoming import (
    ALERTS_MAX,
    EVENT_AGE_MAX_MS,
    Told,
    from_alertmanager,
    from_pagerduty,
    from_pagerduty_event,
    order_in,
)

AM = Hook("prometheus", "alertmanager", ("S",), queue="north/billing")
EVENTS = Hook("apps", "pagerduty_events", ("S",), queue="north/billing")
PD = Hook("pd", "pagerduty", ("S",), channel="pager")
CAUSES = ("staffing", "trunk")
PEOPLE = {"PXPGF42": "chen.jing"}
NOW = 1_772_440_300_000


def alertmanager(status: str = "firing", **labels: str) -> dict[str, Any]:
    """A webhook of version 4 with one alert."""
    alert = {
        "status": status,
        "labels": {"alertname": "TrunkDown", "severity": "critical", **labels},
        "annotations": {"summary": "Trunk 3 answers\nnothing"},
        "startsAt": "2026-03-02T08:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "67e3ece938285834",
    }
    return {
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": status, "receiver": "callwatch",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": [alert],
    }  # fmt: skip


def is_whole(command: OrderCommand) -> None:
    """It has all that it needs to be taken."""
    assert command.command in COMMANDS
    for name in (*NEEDS.get(command.command, ()), *WAY_NEEDS.get(command.verify, ())):
        assert getattr(command, name) not in ("", None), name


def test_a_firing_alert_is_a_finding_and_a_resolved_one_the_sender_s_word() -> None:
    (told,) = from_alertmanager(AM, alertmanager()).told
    command = told.command
    is_whole(command)
    assert (told.queue, command.command, command.actor) == ("north/billing", "report", "hook:prometheus")
    assert (command.kind, command.verify, command.severity) == ("external", "sender", 1)
    assert (command.key, command.text) == ("67e3ece938285834", "Trunk 3 answers nothing")
    (over,) = from_alertmanager(AM, alertmanager("resolved")).told
    assert (over.command.command, over.command.key) == ("over", command.key)
    assert over.id != told.id
    assert from_alertmanager(AM, alertmanager()).told[0].id == told.id, "sent again it is the same command"


def test_an_alert_names_its_queue() -> None:
    assert from_alertmanager(AM, alertmanager(queue="south/sales")).told[0].queue == "south/sales"
    for hook, label in ((Hook("x", "alertmanager"), ""), (AM, "nonsense")):
        found = from_alertmanager(hook, alertmanager(queue=label) if label else alertmanager())
        assert found.told == ()
        assert found.faults[0].startswith("alerts[0].labels.queue: ")


def test_one_alert_that_cannot_be_taken_keeps_no_other_from_it() -> None:
    good, bad = alertmanager()["alerts"], alertmanager(queue="nonsense")["alerts"]
    found = from_alertmanager(AM, alertmanager() | {"alerts": [*bad, *good, 1, {"labels": {}, "status": "odd"}]})
    assert [told.command.key for told in found.told] == ["67e3ece938285834"]
    assert [fault.partition(":")[0] for fault in found.faults] == [
        "alerts[0].labels.queue", "alerts[2] must be an object", "alerts[3].status",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "hook",
    [
        Hook("x", "alertmanager", queue="a/b", verify="probe", person="lead"),
        Hook("x", "alertmanager", queue="a/b", verify="signed", person="lead", signer="boss"),
        Hook("x", "alertmanager", (), "", "a/b", 3, "figure", "lead", metric="answer_rate", window="5m", limit=0.8),
    ],
)
def test_other_ways_of_verification_take_no_word_for_it(hook: Hook) -> None:
    (told,) = from_alertmanager(hook, alertmanager()).told
    is_whole(told.command)
    assert (told.command.verify, told.command.actor) == (hook.verify, "lead")
    assert from_alertmanager(hook, alertmanager("resolved")).told == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "3"}, "version"),
        ({"alerts": {}}, "alerts"),
        ({"alerts": [{}] * (ALERTS_MAX + 1)}, "at most 100"),
    ],
)
def test_what_is_no_webhook_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        from_alertmanager(AM, alertmanager() | change)
    with pytest.raises(UsageError, match="body"):
        from_alertmanager(AM, [])


def test_events_in_pagerduty_s_format_are_findings() -> None:
    event = json.loads((GOLDEN / "pagerduty-trigger.json").read_text(encoding="utf-8"))
    told, key = from_pagerduty_event(EVENTS, event)
    assert told is not None
    is_whole(told.command)
    assert (told.queue, told.command.severity, told.command.key) == ("north/billing", 2, ORDER["id"])
    over, _ = from_pagerduty_event(EVENTS, event | {"event_action": "resolve"})
    assert over is not None
    assert (over.command.command, over.command.key) == ("over", key)
    assert from_pagerduty_event(EVENTS, event | {"event_action": "acknowledge"}) == (None, key)
    unnamed = {"event_action": "trigger", "payload": {"summary": "disk", "source": "db1", "severity": "info"}}
    told, key = from_pagerduty_event(EVENTS, unnamed)
    assert told is not None
    assert key
    assert (told.queue, told.command.severity) == ("north/billing", 3)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"event_action": "explode"}, "event_action"),
        ({"event_action": "resolve"}, "dedup_key"),
        ({"event_action": "trigger", "payload": {}}, "summary"),
        ({"event_action": "trigger", "payload": 3}, "payload"),
    ],
)
def test_what_is_no_event_is_refused_with_its_field(event: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        from_pagerduty_event(EVENTS, event)


# --- back from PagerDuty --------------------------------------------------------------------------------------------


def back(kind: str, user: str = "PXPGF42", at_ms: int = NOW, **data: Any) -> dict[str, Any]:
    """A webhook v3 as PagerDuty sends it, of what happened at *at_ms*."""
    agent = {"id": user, "summary": "Chen Jing", "type": "user_reference", "html_url": "", "self": ""} if user else None
    incident = {"id": "PT4KHLK", "type": "incident", "number": 1234, "status": "triggered", "incident_key": ORDER["id"]}
    return {
        "event": {
            "id": "01BXXX", "event_type": kind, "resource_type": "incident", "occurred_at": rfc3339(at_ms),
            "agent": agent, "client": None, "data": {**incident, **data},
        }
    }  # fmt: skip


def came(payload: dict[str, Any], order: dict[str, Any] = ORDER) -> Any:
    """What follows from *payload*."""
    assert order_in(payload, {order["id"]: order}) == order
    return from_pagerduty(PD, payload, order, PEOPLE, CAUSES, NOW)


def test_an_acknowledgement_counts_for_the_mapped_person() -> None:
    found = came(back("incident.acknowledged"))
    (told,) = found.told
    assert (told.command.command, told.command.actor, told.id) == ("acknowledge", "chen.jing", "01BXXX")
    assert found.seen is None
    assert came(back("incident.acknowledged"), ORDER | {"state": "analysing"}).told == ()


def test_of_somebody_who_is_nobody_here_it_is_a_note() -> None:
    (told,) = came(back("incident.acknowledged", "PSTRANGE")).told
    assert (told.command.command, told.command.actor) == ("note", "pagerduty")
    assert "nobody here" in told.command.text


@pytest.mark.parametrize("user", ["PXPGF42", ""])
def test_resolving_there_is_refused_noted_and_rings_again(user: str) -> None:
    found = came(back("incident.resolved", user))
    (told,) = found.told
    assert told.command.command == "note"
    assert "needs cause and measure" in told.command.text
    assert (found.seen.to, found.seen.occasion, found.seen.state, found.seen.order) == (
        "pager", "resolve", "seen", ORDER["id"],
    )  # fmt: skip
    assert "Kept open" in found.seen.reason


def test_while_the_calls_decide_it_rings_again_too() -> None:
    found = came(back("incident.resolved"), ORDER | {"state": "verifying"})
    assert "still decide" in found.seen.reason


def test_what_is_over_here_may_be_resolved_there() -> None:
    assert came(back("incident.resolved", ""), CLOSED) == came(back("incident.resolved"), CLOSED)
    assert came(back("incident.resolved"), CLOSED).told == ()


def test_a_note_with_cause_and_measure_resolves() -> None:
    note: dict[str, Any] = {"content": "Cause: staffing; measure: two agents\nmoved over", "incident_key": None}
    title: dict[str, Any] = {
        "incident": {"id": "PT4KHLK", "summary": f"[#1234] {ORDER['id']} north/billing: service level"}
    }
    (told,) = came(back("incident.annotated", **note, **title)).told
    assert (told.command.command, told.command.cause, told.command.measure) == (
        "resolve", "staffing", "two agents moved over",
    )  # fmt: skip
    for content, user in (("cause: nobody; measure: x", "PXPGF42"), ("cause: staffing; measure: x", "PSTRANGE")):
        (told,) = came(back("incident.annotated", user, **{**note, "content": content}, **title)).told
        assert told.command.command == "note"
        assert "no resolve" in told.command.text
    (told,) = came(back("incident.annotated", content="looking into it", **title)).told
    assert told.command.text == "PagerDuty, Chen Jing: looking into it"


# --- decided by the loop --------------------------------------------------------------------------------------------


def decided(world: World, told: Told) -> list[str]:
    """What the loop decides about a command that came in: its decisions by name."""
    command = told.command
    record: dict[str, Any] = {
        "type": "order.command",
        "id": told.id,
        "source": "hook:x",
        "queue": told.queue,
        "order": command.order,
    }
    record |= {"command": command.command, "actor": command.actor}
    record["args"] = command.model_dump(exclude_defaults=True, exclude={"order", "command", "actor"})
    out = world.judgement.command(record, world.now_ms, world)
    world.outputs += out
    return [o.payload["decision"] for o in out if o.topic == "workorder-log"]


def test_an_alert_opens_an_order_and_its_sender_s_word_lets_it_close() -> None:
    world, hook = World(), Hook("prometheus", "alertmanager", queue="bank/PS")
    (firing,) = from_alertmanager(hook, alertmanager()).told
    assert "raised" in decided(world, firing)
    order = world.order()
    assert (order["state"], order["owner"], order["severity"]) == ("dispatched", "lead", 1)
    world.tell("acknowledge")
    world.tell("resolve", cause="trunk", measure="carrier rerouted it")
    assert world.order()["state"] == "verifying", "a finding is not over because somebody says so"
    (resolved,) = from_alertmanager(hook, alertmanager("resolved")).told
    decided(world, resolved)
    world.run(2 * MIN)
    assert world.order()["state"] == "closed"


@pytest.mark.parametrize("verify", ["probe", "signed"])
def test_with_another_way_the_sender_s_word_does_not_close_it(verify: Any) -> None:
    hook = Hook("x", "alertmanager", (), "", "bank/PS", 2, verify, "lead", "super" if verify == "signed" else "")
    world = World()
    (firing,) = from_alertmanager(hook, alertmanager()).told
    assert "raised" in decided(world, firing)
    world.tell("acknowledge")
    world.tell("resolve", cause="trunk", measure="carrier rerouted it")
    assert from_alertmanager(hook, alertmanager("resolved")).told == ()
    world.run(2 * MIN)
    assert world.order()["state"] == "verifying"


def test_an_acknowledgement_that_came_back_is_obeyed_and_a_resolve_there_is_not() -> None:
    world = World()
    breach(world)
    order = world.order()
    people = {"PXPGF42": "lead"}
    refused = from_pagerduty(PD, back("incident.resolved", incident_key=order["id"]), order, people, CAUSES, NOW)
    assert decided(world, refused.told[0]) == ["noted"]
    assert world.order()["state"] == "dispatched"
    taken = from_pagerduty(PD, back("incident.acknowledged", incident_key=order["id"]), order, people, CAUSES, NOW)
    assert decided(world, taken.told[0]) == ["moved"]
    assert world.order()["state"] == "acknowledged"
    world.service(0.9, 5, "5m")
    note = back("incident.annotated", content="cause: staffing; measure: two more", incident_key=order["id"])
    resolve = from_pagerduty(PD, note, world.order(), people, CAUSES, NOW)
    assert "moved" in decided(world, resolve.told[0])
    assert world.order()["state"] == "verifying"


def test_what_was_recorded_and_is_sent_again_later_does_not_count() -> None:
    """PagerDuty's signature fits for ever: it covers no time."""
    old = back("incident.acknowledged", at_ms=NOW - EVENT_AGE_MAX_MS - 1)
    assert came(old).told == ()
    assert "too late" in came(old).answer
    assert came(back("incident.resolved", at_ms=NOW - EVENT_AGE_MAX_MS - 1)).seen is None
    assert len(came(back("incident.acknowledged", at_ms=NOW - EVENT_AGE_MAX_MS)).told) == 1
    wrong = back("incident.acknowledged")
    wrong["event"]["occurred_at"] = "yesterday"
    with pytest.raises(UsageError, match="occurred_at"):
        came(wrong)


def test_a_fault_without_a_time_that_comes_back_is_not_taken_for_a_repeat() -> None:
    world = World()
    hook = Hook("apps", "pagerduty_events", ("S",), queue="bank/PS")
    event = {
        "event_action": "trigger",
        "dedup_key": "d",
        "payload": {"summary": "s", "source": "x", "severity": "error"},
    }
    for action, found in (("trigger", "raised"), ("trigger", "repeated"), ("resolve", ""), ("trigger", "rejoined")):
        told, _ = from_pagerduty_event(hook, event | {"event_action": action})
        assert told is not None
        assert told.id == "", "nothing tells one from the other"
        assert not found or found in decided(world, replace(told, id=f"of its own {action} {found}"))
        if not found:
            decided(world, replace(told, id="over"))


def test_everything_else_changes_nothing() -> None:
    for kind in ("incident.escalated", "incident.reassigned", "incident.unacknowledged", "incident.priority_updated"):
        assert came(back(kind)).told == ()
    assert order_in(back("incident.resolved", incident_key="another"), {ORDER["id"]: ORDER}) is None
    assert order_in({"event": {"id": "x", "event_type": "pagey.ping", "data": {}}}, {ORDER["id"]: ORDER}) is None
    with pytest.raises(UsageError, match="event"):
        order_in({}, {})
