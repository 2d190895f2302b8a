"""Every mechanism of the loop, cut by a crash at every record around its boundary: the same outputs, each once."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue import Duty, LoopLimits
from models.metric import figure
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, PEOPLE, SERVICE, T0, UNREACHED, WAITING, WEEK, S, breach, catalogue, person

GOOD = {"cause": "staffing", "measure": "two agents moved over"}
TREND = SERVICE.__class__("slow", "service_level_live", "30m", 0.7, 0.7, True, severity=4, min_sample=10, recovery=0.1)


def begun(*said: str, people: Any = PEOPLE, **limits: Any) -> TapedWorld:
    """A world with an order of severity 2, and the commands *said* by the lead."""
    world = TapedWorld(catalogue(people=people, limits=LoopLimits(**limits)))
    breach(world)
    for command in said:
        world.tell(command)
    return world


def quiet(world: TapedWorld) -> TapedWorld:
    """The present says nothing against a resolve."""
    world.service(0.9, 5, "5m")
    return world


def opened(world: TapedWorld) -> int:
    return int(world.order()["opened_ms"])


@pytest.mark.parametrize(("severity", "respond_min", "resolve_min"), [(1, 5, 30), (2, 10, 60), (3, 30, 480)])
@pytest.mark.parametrize("limit", ["respond", "resolve"])
def test_each_severity_has_its_limits(severity: int, respond_min: int, resolve_min: int, limit: str) -> None:
    world = TapedWorld(catalogue())
    if severity == 1:
        world.put("15m", unreached_share=0.9, arrivals=30)
    elif severity == 2:
        world.service(0.4)
    else:
        world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(61 * S)
    assert world.order()["severity"] == severity
    due = respond_min
    if limit == "resolve":
        world.tell("acknowledge")
        due = resolve_min
    world.around(opened(world) + due * MIN)
    survives(world, f"{limit}_due:escalated")


@pytest.mark.parametrize(("percent", "after_min"), [(50, 5), (75, 7.5)])
def test_the_warnings_of_the_limit_to_respond(percent: int, after_min: float) -> None:
    world = begun()
    world.around(opened(world) + int(after_min * MIN))
    survives(world, "respond_due:warned")
    warned = [e["data"]["percent"] for e in world.log() if e["decision"] == "warned"]
    assert percent in warned
    assert any(f"{percent} % of the time" in a["text"] for a in world.alerts("changed"))


@pytest.mark.parametrize(("percent", "after_min"), [(50, 30), (75, 45)])
def test_the_warnings_of_the_limit_to_resolve(percent: int, after_min: int) -> None:
    world = begun("acknowledge")
    world.around(opened(world) + after_min * MIN)
    survives(world, "resolve_due:warned")
    assert world.log()[-1]["data"].get("percent", percent) == percent


def test_escalation_to_the_next_of_the_tier() -> None:
    world = begun()
    world.around(opened(world) + 10 * MIN)
    survives(world, "respond_due:escalated")
    assert world.order()["owner"] == "lead2"


def test_escalation_skips_tiers_with_nobody_on_duty() -> None:
    day = (Duty(WEEK, 22 * 60, 23 * 60),)
    people = (person("lead", 1), person("team", 2, duty=day), person("super", 3, duty=day), person("boss", 4))
    world = begun(people=people)
    world.around(opened(world) + 10 * MIN)
    survives(world, "respond_due:escalated")
    assert world.order()["owner"] == "boss"


def test_the_top_of_the_ladder_is_told_again_after_an_hour() -> None:
    world = begun(people=(person("boss", 4),))
    world.around(opened(world) + 70 * MIN)
    survives(world, "respond_due:not_escalated")
    assert [a["owner"] for a in world.alerts("page")] == ["boss"] * 2  # at ten minutes the page gap keeps it quiet


def test_a_person_is_paged_once_in_the_gap() -> None:
    world = begun()
    world.run(MIN)
    first = len(world.tape.records)
    world.tell("reassign", "super", person="lead2")
    world.tell("reassign", "super", person="lead")
    world.first, world.last = first, len(world.tape.records)
    world.run(10 * MIN, 20 * S)
    survives(world, "breached:suppressed")
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "lead2"]


def test_a_person_is_paged_again_after_the_gap() -> None:
    world = begun("acknowledge", remind_ms=(5 * MIN, 5 * MIN, 5 * MIN))
    world.around(opened(world) + 15 * MIN)
    survives(world, "breached:notified")
    assert [a["owner"] for a in world.alerts("page")][:2] == ["lead", "lead"]


@pytest.mark.parametrize("nth", [1, 2])
def test_reminders_after_acknowledgement(nth: int) -> None:
    world = begun("acknowledge", remind_ms=(20 * MIN, 20 * MIN, 20 * MIN))
    world.around(opened(world) + nth * 20 * MIN)
    survives(world, "remind_due:reminded")
    assert [a["text"].split(".")[0] for a in world.alerts("page")][nth] == "Still open, no news for 20 min"


def test_a_word_from_anybody_puts_the_reminder_off() -> None:
    world = begun("acknowledge", remind_ms=(20 * MIN, 20 * MIN, 20 * MIN))
    world.run(15 * MIN, 20 * S)
    world.tell("note", "lia", text="two agents on their way")
    world.around(opened(world) + 35 * MIN)
    survives(world, "remind_due:reminded")
    assert world.decisions().count("remind_due:reminded") == 1


def test_nobody_is_reminded_before_acknowledgement_or_while_the_calls_decide() -> None:
    world = quiet(begun(remind_ms=(MIN, MIN, MIN)))
    world.run(4 * MIN)
    world.tell("acknowledge")
    world.tell("resolve", **GOOD)
    world.run(30 * MIN, MIN)
    assert "remind_due:reminded" not in world.decisions()


def test_the_end_of_a_hold() -> None:
    world = begun("acknowledge")
    world.tell("hold", reason="carrier", until_ms=world.now_ms + HOUR)
    world.around(opened(world) + HOUR)
    survives(world, "hold_due:moved")


def test_a_limit_that_a_hold_has_moved() -> None:
    world = begun("acknowledge", remind_ms=(HOUR * 9, HOUR * 9, HOUR * 9))
    world.tell("hold", reason="carrier", until_ms=world.now_ms + 2 * HOUR)
    world.around(opened(world) + 3 * HOUR)
    survives(world, "resolve_due:escalated")


def test_the_end_of_an_accepted_shortfall() -> None:
    world = begun("acknowledge")
    world.tell("accept", "super", reason="flu", until_ms=world.now_ms + 2 * HOUR)
    world.around(opened(world) + 2 * HOUR)
    survives(world, "accept_due:judged_again")


def test_cancelling_with_a_second_person() -> None:
    world = begun()
    world.run(5 * S)
    first = len(world.tape.records)
    world.tell("cancel", reason="false alarm: drill")
    world.run(2 * S)
    world.tell("confirm_cancel", "lead")
    world.run(2 * S)
    world.tell("confirm_cancel", "super")
    world.run(2 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "confirm_cancel:moved")
    assert world.order()["state"] == "cancelled"
    assert "confirm_cancel:refused" in world.decisions()


def test_a_negotiated_limit_that_ends() -> None:
    world = begun("acknowledge")
    world.tell("propose_limit", "lia", until_ms=world.now_ms + 3 * HOUR)
    world.tell("propose_limit", "lead", until_ms=world.now_ms + 2 * HOUR)
    world.tell("agree_limit", "lia")
    world.around(opened(world) + 2 * HOUR)
    survives(world, "resolve_due:late")


def test_negotiating_itself() -> None:
    world = begun("acknowledge")
    first = len(world.tape.records)
    world.tell("propose_limit", "lia", until_ms=world.now_ms + 3 * HOUR)
    world.run(2 * S)
    world.tell("propose_limit", "lead", until_ms=world.now_ms + 2 * HOUR)
    world.run(2 * S)
    world.tell("agree_limit", "lia")
    world.run(2 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "agree_limit:agreed")


def test_a_verification_that_passes() -> None:
    world = quiet(begun("acknowledge"))
    world.tell("resolve", **GOOD)
    world.run(MIN)
    first = len(world.tape.records)
    for calls in range(4, 12):
        world.put("resolve", service_level_live=0.9, outcomes=calls)
        world.run(S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "verified:closed")


def test_a_verification_that_fails() -> None:
    world = quiet(begun("acknowledge"))
    world.tell("resolve", **GOOD)
    world.run(MIN)
    first = len(world.tape.records)
    for calls in range(4, 12):
        world.put("resolve", service_level_live=0.3, outcomes=calls)
        world.run(S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "failed:reopened")


def test_a_verification_that_stays_undecided_and_the_test_call_that_decides_it() -> None:
    world = quiet(begun("acknowledge"))
    world.tell("resolve", **GOOD)
    at = world.now_ms + 2 * HOUR
    world.run(at - 3 * S - world.now_ms, 20 * S)
    first = len(world.tape.records)
    world.run(6 * S)
    world.probe(True)
    world.run(2 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "undecided:undecided")
    assert world.order()["state"] == "closed"


def test_a_finding_that_opens_an_order_and_its_test_call() -> None:
    world = TapedWorld(catalogue())
    world.run(3 * S)
    report: dict[str, Any] = {"kind": "complaint", "severity": 2, "verify": "probe", "text": "the menu hangs up"}
    world.tell("report", "lead", order="-", **report)
    world.run(2 * S)
    world.tell("report", "team", order="-", **report)
    world.run(2 * S)
    world.tell("acknowledge")
    world.tell("resolve", **GOOD)
    world.run(2 * S)
    world.probe(True)
    world.run(2 * S)
    world.first, world.last = 0, len(world.tape.records)
    survives(world, "verified:closed")
    assert len(world.orders()) == 1


def test_a_problem_record_opens_once() -> None:
    world = TapedWorld(catalogue(rules=(WAITING, UNREACHED)))
    for _ in range(4):
        world.put("now", waiting=9, waiting_past_threshold=9)
        first = len(world.tape.records)
        world.run(2 * S)
        world.put("now", waiting=0, waiting_past_threshold=0)
        world.run(2 * MIN, 20 * S)
        if world.decisions().count("breached:problem_opened") and world.last == 0:
            world.first, world.last = first, len(world.tape.records)
        world.run(24 * HOUR - 2 * MIN - 2 * S, HOUR)
    survives(world, "breached:problem_opened")
    assert world.decisions().count("breached:problem_opened") == 1
    assert world.decisions().count("breached:problem_joined") == 1
    assert [a["problem"]["half_hour"] for a in world.alerts("problem")] == ["10:00"]


def test_experience_that_is_offered_and_what_is_said_of_it() -> None:
    world = quiet(begun("acknowledge"))
    world.tell("resolve", **GOOD)
    world.run(S)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    world.service(0.9)
    world.run(HOUR, 20 * S)
    first = len(world.tape.records)
    breach(world)
    world.tell("helped", like=world.order()["like"][0]["order"], helped="yes")
    world.run(2 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "breached:experience_offered")
    assert world.order()["like"][0]["measure"] == GOOD["measure"]


def test_a_consultation_with_its_supervision() -> None:
    world = begun("acknowledge")
    world.run(S)
    first = len(world.tape.records)
    world.tell("consult", text="trunk side?", person="team", supervisor="super")
    world.run(S)
    world.tell("supervise", "super", text="by noon")
    world.run(S)
    world.tell("release", "team")
    world.run(S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "supervise:supervised")


def test_a_trend_note_is_told_once_and_ends() -> None:
    world = TapedWorld(catalogue(rules=(TREND, WAITING)))
    first = len(world.tape.records)
    world.service(0.5, window="30m")
    world.run(70 * S)
    world.service(0.9, window="30m")
    world.run(70 * S)
    world.first, world.last = first, len(world.tape.records)
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(S)
    survives(world, "breached:raised", times=0)
    notes = [a["note"] for a in world.alerts() if a["note"]]
    assert [n["state"] for n in notes] == ["open", "over"]
    assert world.figures[0, figure("open", "now")] == 1.0
    assert world.now_ms > T0
