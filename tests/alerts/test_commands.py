"""Commands: what each does, and by which name each is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.catalogue import Duty, LoopLimits, Person, Shift
from tests.alerts.world import HOUR, MIN, NIGHT, PEOPLE, T0, WEEK, S, World, breach, catalogue, person, refusal

GOOD = {"cause": "staffing", "measure": "two agents moved over"}


@pytest.fixture
def world() -> World:
    """An order that waits for an answer, with a quiet present."""
    made = World(catalogue(people=(*PEOPLE, person("sleeper", 2, duty=NIGHT))))
    breach(made)
    made.service(0.9, 5, "5m")
    return made


def acknowledged(world: World) -> World:
    world.tell("acknowledge")
    return world


def undecided(world: World) -> World:
    acknowledged(world).tell("resolve", **GOOD)
    world.run(2 * HOUR, MIN)
    return world


def test_resolve_is_refused_on_callers_waiting_with_the_live_value(world: World) -> None:
    acknowledged(world).put("now", waiting=3, waiting_past_threshold=2)
    out = world.tell("resolve", **GOOD)
    assert refusal(out) == "callers_waiting"
    entry = world.log()[-1]
    assert (entry["live"]["waiting_past_threshold@now"], entry["after"]) == (2.0, "acknowledged")
    alert = world.alerts("refused")[0]
    assert "2 callers are waiting past the threshold now" in alert["text"]
    assert world.watched == {}


def test_resolve_is_refused_on_the_last_five_minutes_with_the_live_value(world: World) -> None:
    acknowledged(world).service(0.5, 4, "5m")
    assert refusal(world.tell("resolve", **GOOD)) == "still_in_breach"
    assert world.log()[-1]["live"]["service_level_live@5m"] == 0.5
    assert world.alerts("refused")[0]["text"].endswith("live service level is 50 % over the last 5 minutes, limit 60 %")


@pytest.mark.parametrize("present", [(0.5, 0), (0.6, 4)])
def test_resolve_is_allowed_when_the_present_says_nothing_against(world: World, present: tuple[float, int]) -> None:
    acknowledged(world).service(*present, "5m")  # nobody called, or the limit is just met: the 15 minutes do not count
    world.tell("resolve", **GOOD)
    assert world.order()["state"] == "verifying"


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"measure": "x"}, "needs_cause"),
        ({"cause": "staffing"}, "needs_measure"),
        ({"cause": "gremlins", "measure": "x"}, "unknown_cause"),
    ],
)
def test_resolve_needs_cause_and_measure(world: World, args: dict[str, str], reason: str) -> None:
    assert refusal(acknowledged(world).tell("resolve", **args)) == reason


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("resolve", "lead", GOOD, "illegal_when_dispatched"),
    ("analyse", "lead", {}, "illegal_when_dispatched"),
    ("resume", "lead", {}, "illegal_when_dispatched"),
    ("note", "lead", {}, "needs_text"),
    ("hold", "lead", {"reason": "carrier"}, "needs_until_ms"),
    ("hold", "lead", {"reason": "carrier", "until_ms": -MIN}, "until_is_past"),
    ("hold", "lead", {"reason": "carrier", "until_ms": 9 * HOUR}, "until_too_late"),
    ("accept", "team", {"reason": "flu", "until_ms": HOUR}, "not_a_supervisor"),
    ("accept", "super", {"reason": "flu", "until_ms": 9 * HOUR}, "until_too_late"),
    ("cancel", "lead", {"reason": "no idea"}, "not_a_reason_to_cancel"),
    ("confirm_cancel", "team", {}, "nothing_to_confirm"),
    ("take", "lia", {}, "cannot_be_accountable"),
    ("take", "stranger", {}, "cannot_be_accountable"),
    ("reassign", "lead", {"person": "lia"}, "cannot_be_accountable"),
    ("reassign", "lead", {"person": "lead"}, "already_accountable"),
    ("reassign", "lead", {"person": "sleeper"}, "off_duty"),
    ("hand_over", "lead", {"person": "nobody"}, "cannot_be_accountable"),
    ("accept_handover", "lead2", {}, "not_handed_to_you"),
    ("agree_limit", "lead", {}, "nothing_proposed"),
    ("propose_limit", "lead", {"until_ms": -1}, "until_is_past"),
    ("sign_evidence", "lead", {"text": "seen"}, "illegal_when_dispatched"),
    ("verdict", "lead", {}, "needs_verdict"),
]


@pytest.mark.parametrize(("command", "actor", "args", "reason"), REFUSED)
def test_refusals_change_nothing(world: World, command: str, actor: str, args: dict[str, Any], reason: str) -> None:
    if "until_ms" in args:
        args = args | {"until_ms": world.now_ms + args["until_ms"]}
    before = world.order()
    out = world.tell(command, actor, **args)
    assert refusal(out) == reason
    changed = {k for k, v in world.order().items() if before[k] != v}
    assert changed <= {"version", "updated_ms"}


def test_the_answered_loop(world: World) -> None:
    world.tell("acknowledge")
    world.tell("analyse")
    world.tell("consult", text="trunk side?", person="team")
    world.tell("note", "lia", text="two agents ill")
    assert world.order()["state"] == "analysing"
    assert [e["actor"] for e in world.log() if e["actor"] != "system"] == ["lead", "lead", "lead", "lia"]
    assert refusal(world.tell("acknowledge")) == "illegal_when_analysing"


def test_taking_makes_the_one_accountable(world: World) -> None:
    world.tell("take", "team")
    assert (world.order()["owner"], world.order()["state"]) == ("team", "acknowledged")
    assert refusal(world.tell("take", "team")) == "already_accountable"
    world.tell("take", "lead")
    assert (world.order()["owner"], world.order()["state"]) == ("lead", "acknowledged")


def test_reassigning_begins_the_limit_anew(world: World) -> None:
    world.run(8 * MIN)
    world.tell("reassign", "super", person="lead2", reason="lead is in a meeting")
    order = world.order()
    assert (order["owner"], order["state"], order["respond_by_ms"]) == ("lead2", "dispatched", world.now_ms + 10 * MIN)
    assert world.alerts("page")[-1]["owner"] == "lead2"


def test_a_handover_leaves_the_outgoing_accountable_until_accepted(world: World) -> None:
    acknowledged(world).tell("hand_over", person="lead2")
    assert world.order()["owner"] == "lead"
    assert refusal(world.tell("accept_handover", "team")) == "not_handed_to_you"
    by = world.order()["resolve_by_ms"]
    world.tell("accept_handover", "lead2")
    assert (world.order()["owner"], world.order()["resolve_by_ms"]) == ("lead2", by)


def test_cancelling_needs_a_second_person_and_keeps_the_figure(world: World) -> None:
    world.tell("cancel", reason="false alarm: drill")
    assert world.order()["state"] == "dispatched"
    assert refusal(world.tell("confirm_cancel", "lead")) == "needs_a_second_person"
    assert refusal(world.tell("confirm_cancel", "stranger")) == "unknown_person"
    world.tell("confirm_cancel", "super")
    assert world.order()["state"] == "cancelled"
    assert world.log()[-1]["live"]["service_level_live@15m"] == 0.4
    assert world.alerts()[-1]["kind"] == "cleared"
    world.run(10 * MIN)
    assert len(world.orders()) == 1  # the same episode opens nothing again
    world.service(0.9)
    world.run(2 * MIN)
    breach(world)
    assert len(world.orders()) == 2


def test_hold_and_resume_lead_back(world: World) -> None:
    acknowledged(world).tell("analyse")
    world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    assert (world.order()["state"], world.order()["hold_until_ms"]) == ("on_hold", world.now_ms + HOUR)
    assert refusal(world.tell("hold", reason="again", until_ms=world.now_ms + HOUR)) == "illegal_when_on_hold"
    world.tell("resume")
    assert (world.order()["state"], world.order()["hold_until_ms"]) == ("analysing", None)


def test_a_hold_of_a_verification_goes_on_with_it(world: World) -> None:
    acknowledged(world).tell("resolve", **GOOD)
    world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(30 * MIN)
    assert world.order()["state"] == "on_hold"
    world.tell("resume")
    world.run(S)
    assert world.order()["state"] == "closed"


def test_an_acceptance_keeps_the_tile_red_and_is_judged_again(world: World) -> None:
    acknowledged(world).tell("accept", "super", reason="flu, no more staff", until_ms=world.now_ms + 2 * HOUR)
    assert world.order()["state"] == "accepted"
    world.service(0.65)
    world.run(90 * MIN, S)
    assert world.judgement.tile("bank/PS") == "breach"
    assert not [d for d in world.decisions() if "escalated" in d]
    world.run(31 * MIN, S)
    order = world.order()
    assert (order["state"], order["hold_until_ms"]) == ("analysing", None)
    assert order["resolve_by_ms"] > world.now_ms
    assert "accept_due:judged_again" in world.decisions()


def on_shifts(shifts: tuple[Shift, ...], people: tuple[Person, ...] = PEOPLE, **limits: int) -> World:
    made = World(replace(catalogue(people=people, limits=LoopLimits(**limits)), shifts=shifts))  # type: ignore[arg-type]
    breach(made)
    made.tell("acknowledge")
    return made


EARLY = Shift("early", "desk", "UTC", (Duty(WEEK, 2 * 60, 11 * 60),), ("lead",), (("lia", "super"),))
NIGHT_SHIFT = Shift("night", "desk", "Europe/Berlin", (Duty(WEEK, 21 * 60, 27 * 60),), ("lead2",))


@pytest.mark.parametrize(
    ("until_ms", "reason"),
    [(T0 + HOUR, None), (T0 + HOUR + 1, "until_after_the_shift"), (T0 + 9 * HOUR, "until_after_the_shift")],
)
def test_a_shortfall_is_accepted_until_the_end_of_the_shift_at_the_latest(until_ms: int, reason: str | None) -> None:
    world = on_shifts((EARLY, NIGHT_SHIFT))
    out = world.tell("accept", "super", reason="flu", until_ms=until_ms)
    if reason is None:
        assert world.order()["state"] == "accepted"
        return
    assert refusal(out) == reason
    entry = world.log()[-1]
    assert entry["data"]["latest_ms"] == T0 + HOUR
    assert entry["why"] == "until may be 1999-02-03 11:00 UTC at the latest: then the shift early ends"


def test_a_shift_over_midnight_ends_on_the_next_day_of_its_own_zone() -> None:
    world = on_shifts((EARLY, NIGHT_SHIFT))
    world.run(11 * HOUR, MIN)  # 21:01 UTC: 22:01 in Berlin
    ends_ms = T0 + 16 * HOUR
    assert refusal(world.tell("accept", "super", reason="flu", until_ms=ends_ms + 1)) == "until_after_the_shift"
    assert "1999-02-04 03:00 Europe/Berlin" in world.log()[-1]["why"]
    world.tell("accept", "super", reason="flu", until_ms=ends_ms)
    assert world.order()["state"] == "accepted"


@pytest.mark.parametrize("shifts", [(), (NIGHT_SHIFT,)])
def test_without_a_shift_the_setting_holds(shifts: tuple[Shift, ...]) -> None:
    world = on_shifts(shifts, accept_max_ms=2 * HOUR)
    until_ms = world.now_ms + 2 * HOUR
    assert refusal(world.tell("accept", "super", reason="flu", until_ms=until_ms + 1)) == "until_too_late"
    assert world.log()[-1]["data"]["latest_ms"] == until_ms
    world.tell("accept", "super", reason="flu", until_ms=until_ms)
    assert world.order()["state"] == "accepted"


def test_the_duties_of_shift_leads_are_shifts_too_and_the_setting_may_be_shorter() -> None:
    day = (person("lead", 1, duty=(Duty(WEEK, 8 * 60, 12 * 60),)), person("super", 3))
    world = on_shifts((), day)
    assert refusal(world.tell("accept", "super", reason="flu", until_ms=T0 + 3 * HOUR)) == "until_after_the_shift"
    world = on_shifts((), day, accept_max_ms=HOUR)
    assert refusal(world.tell("accept", "super", reason="flu", until_ms=T0 + 90 * MIN)) == "until_too_late"


def test_evidence_is_signed_by_a_shift_lead_when_the_calls_left_it_undecided(world: World) -> None:
    acknowledged(world).tell("resolve", **GOOD)
    assert refusal(world.tell("sign_evidence", text="called it myself")) == "verification_running"
    world.run(2 * HOUR, MIN)
    assert refusal(world.tell("sign_evidence", "lia", text="called it myself")) == "not_a_shift_lead"
    world.tell("sign_evidence", "lead", text="called it myself")
    assert world.order()["state"] == "closed"
    assert world.decisions()[-3:] == ["sign_evidence:signed", "verified:closed", "verified:experience_kept"]
    assert "signed evidence of lead" in world.order()["verification"]["sentence"]


def test_a_verdict_may_come_after_closing(world: World) -> None:
    undecided(world).tell("sign_evidence", text="seen")
    world.service(0.9)
    world.run(9 * HOUR, MIN)
    world.tell("verdict", "super", verdict="true", text="a real one")
    assert world.log()[-1]["data"]["verdict"] == "true"
    assert world.order()["state"] == "closed"


def test_an_order_that_is_not_there_is_answered(world: World) -> None:
    for queue, order in (("bank/PS", "WO-OTHER"), ("no/such", world.order()["id"])):
        record = {"queue": queue, "order": order, "command": "note", "actor": "lead", "args": {"text": "x"}}
        out = world.judgement.command(record, world.now_ms, world)
        assert [(o.topic, o.payload["kind"]) for o in out] == [("alerts", "refused")]


@pytest.mark.parametrize(
    "record",
    [
        {"command": "explode", "actor": "lead"},
        {"command": "hold", "actor": "lead", "args": {"reason": "x", "until_ms": "soon"}},
        {"actor": "lead", "args": 3},
        {"command": "note", "actor": None, "args": {"text": "x"}},
        {"command": "verdict", "actor": "lead", "args": {"verdict": "maybe"}},
    ],
)
def test_a_malformed_command_is_refused_by_name(world: World, record: dict[str, Any]) -> None:
    order = world.order()["id"]
    out = world.judgement.command({"queue": "bank/PS", "order": order} | record, world.now_ms, world)
    assert refusal(out) == "malformed"
