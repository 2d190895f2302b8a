"""Scenes through the workers' own actors, with every command and event of the loop: each order is rebuilt from its log.

What the code can log is read off its source (`tests.alerts.logged`): an event, a decision or a named reason that no
scene brings about fails the test, and the scene that would is to be written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from alerts import plan_commands
from alerts.habit_rules import habit_rules
from alerts.rebuild import by_order
from alerts.story import tell
from alerts.turn import SYSTEM
from alerts.workorder import SYSTEM_EVENTS
from models.catalogue import (
    Catalogue,
    Department,
    Duty,
    LoopLimits,
    OpeningHours,
    Person,
    QueueSettings,
    Rule,
    Shift,
    Site,
    Source,
    Substitution,
)
from models.command import COMMANDS
from models.habit_record import habit_record
from tests.agents.weeks import four_calls
from tests.alerts.logged import said
from tests.alerts.test_rebuild import compare
from tests.alerts.test_words import has_chinese
from tests.alerts.world import HOUR, MIN, T0, WEEK, S, person
from tests.callwatch.floor import Floor

DAY: Final = 24 * HOUR
Q: Final = "bank/PS"
STRICT: Final = "bank/strict"
NIGHT: Final = "bank/night"  #: closed from 10:30 to 11:00
SERVICE = Rule("sl", "service_level_live", "5m", 0.6, 0.8, True, severity=2, min_sample=10, recovery=0.1)
WAITING = Rule("wait", "waiting_past_threshold", "now", 5, 2, False, severity=3, hold_ms=0, recovery=2)
UNIT = Rule("site", "waiting_past_threshold", "now", 20, 5, False, "bank/*", severity=3, hold_ms=0, of="units")
DEPARTMENTS = (
    Department("desk", liaisons=("lia", "lia2")),
    Department("strict", strict=True),
    Department("centre", supervises=True),
    Department("trunks"),
)
PEOPLE = (
    person("lia", 0), person("lia2", 0), person("lead", 1), person("lead2", 1), person("team", 2), person("super", 3),
    person("boss", 4), person("rita", 0, "strict"), person("rob", 1, "strict"), person("ruth", 3, "strict"),
    person("watch", 1, "centre"), person("watch2", 3, "centre"), person("tom", 1, "trunks"),
    person("tina", 0, "trunks"),
)  # fmt: skip
SETTINGS = Catalogue(
    sites=(Site("bank"),),
    queues=(
        QueueSettings(STRICT, department="strict"),
        QueueSettings(NIGHT, department="desk", hours=(OpeningHours(WEEK, 0, 630), OpeningHours(WEEK, 660, 1440))),
        QueueSettings(department="desk"),
    ),
    rules=(SERVICE, WAITING, UNIT),
    departments=DEPARTMENTS,
    people=PEOPLE,
    limits=LoopLimits(verify_calls=4, undecided_ms=20 * MIN, reopen_ms=30 * MIN),
)  # fmt: skip


def of_one_department(*people: Person, **more: Any) -> Catalogue:
    """Settings of a desk alone, without anybody who supervises."""
    settings = replace(SETTINGS, departments=(), queues=(QueueSettings(department="desk"),), people=people)
    return replace(settings, **more)


def solved_again_and_again() -> Floor:
    """Solved, relapsed, not solved, solved; then others like it at the same time of the days after."""
    floor = Floor(SETTINGS)
    floor.breach(Q)
    floor.refused("illegal_when_dispatched", "resume", "lead", Q)
    floor.tell("acknowledge", "lead", Q)
    floor.tell("analyse", "lead", Q)
    floor.tell("note", "lia", Q, text="two agents are ill")
    floor.tell("consult", "lead", Q, text="anything seen?")
    floor.refused("needs_cause", "resolve", "lead", Q, measure="two more")
    floor.refused("unknown_cause", "resolve", "lead", Q, cause="moon", measure="two more")
    floor.refused("still_in_breach", "resolve", "lead", Q, cause="staffing", measure="two more")
    waiting = floor.queued(Q, 1)
    floor.refused("callers_waiting", "resolve", "lead", Q, cause="staffing", measure="two more")
    floor.hang_up(Q, waiting)
    floor.calls(Q, 60, S)
    floor.solve(Q)
    floor.refused("verification_running", "sign_evidence", "lead", Q, text="seen")
    floor.calls(Q, 2, S)
    floor.calls(Q, 4, S)
    floor.tell("verdict", "lead", Q, verdict="true")
    floor.recover(Q)
    floor.breach(Q)  # inside the reopen window
    floor.calls(Q, 60, S)
    floor.solve(Q)
    floor.calls(Q, 6, 60 * S)  # no better
    floor.recover(Q)
    floor.tell("acknowledge", floor.order(Q)["owner"], Q)
    for day in range(1, 5):
        if floor.order(Q)["state"] == "analysing":
            floor.solve(Q, floor.order(Q)["owner"])
        floor.calls(Q, 6, S)
        floor.run(T0 + day * DAY - floor.now_ms, 20 * MIN)
        floor.breach(Q)
        floor.tell("acknowledge", "lead", Q)
        floor.calls(Q, 60, S)
        floor.solve(Q)
    like = floor.order(Q)["like"][0]["order"]
    floor.tell("helped", "lead", Q, like=like, helped="yes")
    floor.tell("helped", "lead", Q, like=like, helped="no")
    floor.refused("not_offered", "helped", "lead", Q, like="WO-X", helped="no")
    floor.refused("needs_text", "note", "lead", Q)
    problem = next(alert["problem"]["id"] for alert in floor.alerts if alert["problem"])
    without = tuple(p for p in PEOPLE if p.tier < 3 or p.department != "desk")
    late = person("late", 3, duty=(Duty(WEEK, 3 * 60, 4 * 60),))
    floor.change(replace(SETTINGS, people=(*without, late)))
    floor.refused("no_such_problem", "close_problem", "late", Q, problem="PR-X", text="one seat", measure="two")
    floor.refused("not_the_problems_owner", "close_problem", "lead", Q, problem=problem, text="one seat", measure="two")
    floor.tell("close_problem", "late", Q, problem=problem, text="one seat too few", measure="a second seat")
    floor.tell("note", "lead", Q, order=floor.order(Q)["id"], text=7)  # not a command
    return floor


def the_limits() -> Floor:
    """Nobody answers, then nobody resolves; held, accepted, and looked at again."""
    floor = Floor(SETTINGS)
    floor.found(Q)
    floor.run(2 * HOUR, MIN)
    floor.tell("acknowledge", "lead", Q)
    floor.refused("until_is_past", "hold", "lead", Q, reason="works", until_ms=floor.now_ms)
    floor.refused("until_too_late", "hold", "lead", Q, reason="works", until_ms=floor.now_ms + DAY)
    floor.run(2 * HOUR, MIN)
    floor.tell("hold", "lead", Q, reason="works", until_ms=floor.now_ms + 10 * MIN)
    floor.run(S)
    floor.tell("resume", "lead", Q)
    floor.tell("hold", "lead", Q, reason="works", until_ms=floor.now_ms + MIN)
    floor.run(2 * MIN)
    floor.refused("not_a_supervisor", "accept", "lead", Q, reason="flu", until_ms=floor.now_ms + MIN)
    floor.tell("accept", "super", Q, reason="flu", until_ms=floor.now_ms + 2 * MIN)
    floor.run(3 * MIN)
    return floor


def from_hand_to_hand() -> Floor:
    """Taken, given, handed over, and its limit negotiated."""
    floor = Floor(of_one_department(*(p for p in PEOPLE if p.department in ("desk", "trunks"))))
    floor.breach(Q)
    floor.tell("reassign", "super", Q, person="lead2")
    floor.tell("reassign", "super", Q, person="lead")
    floor.refused("cannot_be_accountable", "take", "lia", Q)
    floor.tell("take", "lead2", Q)
    floor.refused("already_accountable", "take", "lead2", Q)
    floor.tell("hand_over", "lead2", Q, person="lead")
    floor.refused("not_handed_to_you", "accept_handover", "team", Q)
    floor.tell("accept_handover", "lead", Q)
    floor.refused("nothing_proposed", "agree_limit", "lia", Q)
    until = floor.now_ms + 2 * HOUR
    floor.refused("not_a_side", "propose_limit", "tom", Q, until_ms=until)
    floor.tell("propose_limit", "lia", Q, until_ms=until)
    floor.refused("needs_another_person", "agree_limit", "lia", Q)
    floor.refused("needs_the_other_side", "agree_limit", "lia2", Q)
    floor.tell("propose_limit", "lead", Q, until_ms=until - HOUR)
    floor.refused("not_what_was_proposed", "agree_limit", "lia", Q, until_ms=until)
    floor.tell("agree_limit", "lia", Q)
    return floor


def called_off() -> Floor:
    """Cancelled by two people; and one that came back while its verification was running."""
    floor = Floor(SETTINGS)
    floor.breach(Q)
    floor.refused("nothing_to_confirm", "confirm_cancel", "lead", Q)
    floor.refused("not_a_reason_to_cancel", "cancel", "lead", Q, reason="bored")
    floor.tell("cancel", "lead", Q, reason="false alarm: a drill")
    floor.refused("needs_a_second_person", "confirm_cancel", "lead", Q)
    floor.refused("unknown_person", "confirm_cancel", "nobody", Q)
    floor.tell("confirm_cancel", "team", Q)
    assert floor.order(Q)["state"] == "cancelled"
    floor.recover(Q)
    floor.breach(Q)
    waiting = floor.queued(Q, 6)  # a further symptom
    floor.hang_up(Q, waiting)
    waiting = floor.queued(Q, 12)  # again, and worse
    floor.run(2 * MIN)
    waiting += floor.queued(Q, 40)
    floor.run(2 * MIN)
    floor.hang_up(Q, waiting)
    floor.recover(Q)  # by itself: the next calls must prove it
    floor.run(MIN)
    floor.breach(Q)
    return floor


def undecided() -> Floor:
    """Too few calls: a test call, signed evidence, a queue that closes meanwhile, a source that falls silent."""
    settings = replace(SETTINGS, sources=(Source("pbx", 5 * MIN),))
    floor = Floor(settings)
    floor.event("source.heartbeat")
    for queue in (Q, NIGHT, "bank/probed"):
        floor.breach(queue)
        floor.tell("acknowledge", "lead", queue)
        floor.recover(queue)
        if floor.order(queue)["state"] != "verifying":
            floor.solve(queue)
    floor.run(40 * MIN, MIN)
    floor.change(replace(settings, sources=()))
    floor.run(40 * MIN, MIN)
    floor.event("probe.result", queue="bank/probed", ok=True)
    floor.refused("not_a_shift_lead", "sign_evidence", "lia", Q, text="ten calls heard")
    floor.tell("sign_evidence", "lead", Q, text="ten calls heard")
    assert {floor.order(queue)["state"] for queue in (Q, "bank/probed")} == {"closed"}
    return floor


def found_by_people() -> Floor:
    """Findings, each proven over in its own way."""
    floor = Floor(SETTINGS)
    found: dict[str, Any] = {"kind": "complaint", "severity": 3, "text": "the menu hangs up"}
    figure = {"metric": "service_level_live", "window": "5m", "limit": 0.7}

    def report(actor: str, verify: str, **more: Any) -> None:
        floor.tell("report", actor, Q, order="-", **found, verify=verify, **more)

    report("lead", "probe")
    report("team", "figure", **figure)
    report("lead", "signed", person="team")
    report("pbx", "sender", key="alarm-7")
    report("pbx", "sender", key="alarm-7")
    faults: dict[str, dict[str, Any]] = {
        "needs_key": {"verify": "sender"},
        "needs_breach": {"verify": "figure", **figure, "metric": "offered"},
        "unknown_figure": {"verify": "figure", **figure, "metric": "luck"},
        "needs_a_second_person": {"verify": "signed", "person": "lead"},
    }
    for reason, more in faults.items():
        floor.refused(reason, "report", "lead", Q, **found, **more)
    floor.refused("unknown_person", "report", "nobody", Q, **found, verify="probe")
    floor.tell("acknowledge", "lead", Q)
    floor.refused("the_checker_cannot_resolve", "resolve", "team", Q, cause="routing", measure="a menu put right")
    floor.solve(Q)
    finding = next(f["id"] for f in floor.order(Q)["findings"] if f["verify"] == "signed")
    floor.refused("no_such_finding", "sign_check", "team", Q, finding="FI-X", outcome="passed", text="all well")
    floor.refused("not_the_checker", "sign_check", "lead", Q, finding=finding, outcome="passed", text="all well")
    floor.tell("sign_check", "team", Q, finding=finding, outcome="failed", text="it still hangs up")
    floor.solve(Q)
    floor.calls(Q, 6, S)
    floor.event("probe.result", queue=Q, ok=True)
    floor.play()
    floor.tell("sign_check", "team", Q, finding=finding, outcome="passed", text="all well")
    floor.refused("not_the_sender", "over", "team", Q, order="-", key="alarm-7")
    floor.refused("no_such_finding", "over", "pbx", Q, order="-", key="alarm-8")
    floor.tell("over", "pbx", Q, order="-", key="alarm-7")
    assert floor.order(Q)["state"] == "closed"
    for n in range(8):
        report("lead", "probe", key=str(n))
    floor.refused("too_many_findings", "report", "lead", Q, **found, verify="probe")
    floor.tell("acknowledge", "lead", Q)
    floor.solve(Q)
    floor.run(30 * MIN, MIN)
    floor.refused("findings_open", "sign_evidence", "lead", Q, text="seen")
    return floor


def found_where_nothing_can_be_called() -> Floor:
    """An order of a unit, and a queue whose site has left the settings."""
    floor = Floor(SETTINGS)
    waiting = floor.queued(Q, 22)
    floor.run(MIN)
    unit = next(order["queue"] for order in floor.orders if order["queue"] == "bank/*")
    found = {"kind": "complaint", "severity": 3, "text": "nobody answers", "verify": "probe"}
    floor.refused("no_test_calls", "report", "lead", unit, **found)
    floor.change(replace(SETTINGS, sites=(Site("north"),)))
    floor.refused("unknown_site", "report", "lead", Q, **found)
    floor.hang_up(Q, waiting)
    return floor


def with_others() -> Floor:
    """Consultation and supervision; a strict department."""
    floor = Floor(SETTINGS)
    floor.breach(Q)
    floor.refused("unknown_person", "consult", "lead", Q, text="who?", person="nobody")
    floor.refused("unknown_department", "consult", "lead", Q, text="who?", department="moon")
    floor.refused(
        "the_handler_cannot_supervise", "consult", "lead", Q, text="line", department="trunks", supervisor="lead"
    )
    floor.tell("consult", "lead", Q, text="the line?", department="trunks", supervisor="watch")
    floor.refused("the_supervisor_cannot_handle", "take", "watch", Q)
    floor.refused("not_taking_part", "release", "lead", Q, person="tina")
    floor.refused("not_your_participation", "release", "tom", Q, person="watch")
    floor.refused("not_the_supervising_party", "supervise", "lead", Q, text="by noon")
    floor.tell("supervise", "watch", Q, text="by noon")
    floor.change(replace(SETTINGS, people=tuple(p for p in PEOPLE if p.id != "watch")))
    asked = floor.order(Q)["consultation"]
    assert asked["supervisor"] == "watch2"
    moved = tuple(replace(p, department="trunks") if p.id == "watch2" else p for p in PEOPLE)
    floor.change(replace(SETTINGS, people=moved))
    floor.change(SETTINGS)
    for n in range(31):
        floor.settings = replace(floor.settings, people=(*floor.settings.people, person(f"extra{n}", 0)))
    floor.change(floor.settings)
    for n in range(32 - 1):
        floor.tell("consult", "lead", Q, text="you too", person=f"extra{n}")
    floor.refused("too_many_participants", "consult", "lead", Q, text="and you", person="tina")
    floor.change(SETTINGS)  # without those
    floor.tell("consult", "lead", Q, text="and you", person="lia2")
    floor.tell("release", "lead", Q, person="lia2")
    floor.tell("consult", "lead", Q, text="once more", department="trunks", supervisor="watch")
    floor.tell("release", "lead", Q, department="trunks")
    floor.tell("consult", "lead", Q, text="and you", person="lia2")
    floor.tell("cancel", "lead", Q, reason="duplicate of another")
    floor.tell("confirm_cancel", "team", Q)
    floor.breach(STRICT)
    floor.refused("not_your_role", "acknowledge", "ruth", STRICT)
    alone = Floor(of_one_department(person("lead", 1), person("tom", 1, "trunks"), departments=DEPARTMENTS), T0 + MIN)
    alone.breach(Q)
    alone.refused("needs_a_supervising_party", "consult", "lead", Q, text="line", department="trunks")
    floor.log += alone.log
    floor.orders += alone.orders
    return floor


def other_settings() -> Floor:
    """People and rules come and go while an order is open."""
    floor = Floor(SETTINGS)
    floor.breach(Q)
    left = replace(SETTINGS, people=tuple(p for p in PEOPLE if p.id not in ("lead", "lia")))
    floor.change(left)
    assert floor.order(Q)["owner"] == "lead2"
    floor.change(replace(left, rules=(WAITING,)))
    return floor


def nobody_there() -> Floor:
    """Whom an order goes to when hardly anybody is there."""
    gone = (Duty(WEEK, 3 * 60, 4 * 60),)
    casts = {
        "no_people_in_settings": (),
        "only_liaisons_exist": (person("lia", 0),),
        "nobody_on_duty_highest_tier": (person("lead", 1, duty=gone), person("team", 2, duty=gone)),
        "nobody_on_duty_any_manager": (person("lia", 0), person("boss", 4, "other", gone)),
        "tier_skipped_nobody_on_duty": (person("lead", 1, duty=gone), person("team", 2)),
    }
    all_of_them = Floor(of_one_department())
    for n, (reason, people) in enumerate(casts.items()):
        floor = Floor(of_one_department(*people), T0 + n * MIN)
        waiting = floor.queued(Q, 6)
        assert reason in {entry["why"] for entry in floor.log}, floor.log
        if reason == "no_people_in_settings":
            floor.tell("take", "anybody", Q)
            floor.tell("acknowledge", "anybody", Q)
        if reason == "tier_skipped_nobody_on_duty":
            floor.refused("off_duty", "reassign", "team", Q, person="lead")
        floor.hang_up(Q, waiting)
        all_of_them.log += floor.log
        all_of_them.orders += floor.orders
    return all_of_them


def change_of_shifts() -> Floor:
    """The early shift ends at 11:00: accepted by name, told to a manager, passed on, or its owner stays."""
    shifts = (
        Shift("early", "desk", "UTC", (Duty(WEEK, 120, 660),), ("ann",), (("lia",),)),
        Shift("late", "desk", "UTC", (Duty(WEEK, 660, 1200),), ("bob",)),
    )
    crew = (person("lia", 0), person("ann", 1), person("bob", 1), person("boss", 4))
    quiet = LoopLimits(resolve_ms=(20 * HOUR,) * 3, remind_ms=(20 * HOUR,) * 3, respond_ms=(65 * MIN,) * 3)
    seen = Floor(of_one_department())
    for n, people in enumerate((crew, tuple(p for p in crew if p.id != "boss"), crew)):
        floor = Floor(of_one_department(*people, shifts=shifts, limits=quiet), T0 + n * S)
        for queue in (Q, "bank/two", "bank/three", "bank/four"):
            floor.found(queue)
            if queue != Q:  # nobody answers there: it is passed on after the change
                floor.tell("acknowledge", "ann", queue)
        if n == 0:
            floor.tell("reassign", "boss", "bank/three", person="boss")
            until_ms = T0 + 2 * HOUR
            floor.refused("until_after_the_shift", "accept", "boss", Q, reason="flu", until_ms=until_ms)
        floor.run(T0 + HOUR + 5 * MIN - floor.now_ms, MIN)
        if n == 2:
            floor.tell("accept_shift", "bob", "bank/two", order="-")
            floor.tell("floor_note", "bob", Q, order="-", text="two chairs broken")
        floor.run(10 * MIN, MIN)
        seen.log += floor.log
        seen.orders += floor.orders
        seen.alerts += floor.alerts
    away = Substitution("bob", "cat", date(1999, 2, 1), date(1999, 2, 9))
    floor = Floor(of_one_department(*crew, person("cat", 1), shifts=shifts, substitutions=(away,)), T0 + 2 * HOUR)
    floor.found(Q)
    seen.log += floor.log
    seen.orders += floor.orders
    assert {alert["kind"] for alert in seen.alerts} >= {"handover", "floor"}
    return seen


def planned_for() -> Floor:
    """A breach and open orders under planned events: judged again, graver than planned, an emergency."""
    floor = Floor(SETTINGS)

    def enter(queue: str, kind: str, minutes: int) -> str:
        until_ms = floor.now_ms + minutes * MIN
        floor.tell("plan", "lead", queue, order="-", planned=kind, covers=queue, text="works", until_ms=until_ms)
        return str(floor.alerts[-1]["planned"]["event"])

    enter(Q, "maintenance", 3)
    floor.calls(Q, 12, 60 * S)
    floor.run(80 * S)
    assert (floor.orders, floor.alerts[-1]["kind"]) == ([], "suppressed")
    floor.run(2 * MIN)
    found = {"kind": "complaint", "verify": "probe", "text": "the menu hangs up"}
    for queue in ("bank/two", "bank/three"):
        floor.found(queue)
    enter("bank/two", "campaign", 60)
    drill, long = enter("bank/three", "drill", 60), enter("bank/three", "closure", 60)
    floor.run(20 * S)
    floor.tell("report", "team", "bank/two", order="-", severity=1, **found)
    floor.tell("declare_emergency", "super", "bank/three", order="-", covers="bank/three", reason="fire")
    emergency = floor.alerts[-1]["emergency"]["event"]
    floor.run(20 * S)
    floor.tell("stand_down", "super", "bank/three", order="-", event=emergency, reason="out")
    floor.tell("cancel_plan", "super", "bank/three", order="-", event=drill, reason="called off")
    floor.tell("shorten_plan", "super", "bank/three", order="-", event=long, until_ms=floor.now_ms + MIN)
    floor.run(2 * MIN)
    return floor


def here_to_stay() -> Floor:
    """Far more calls than usual, which somebody says are usual from here on."""
    surge = next(rule for rule in habit_rules() if rule.id == "offered-surge")
    floor = Floor(replace(SETTINGS, rules=(*SETTINGS.rules, surge)))
    floor.lay(habit_record(Q, four_calls(), id="l", source="callwatch learn", ts_ms=floor.now_ms))
    floor.calls(Q, 1, S)
    floor.run(7 * MIN)
    floor.calls(Q, 60, S)
    floor.run(MIN)
    assert floor.order(Q)["symptoms"] == ["offered-surge"]
    floor.found("bank/two")
    floor.refused("nothing_unusual", "adopt", "lead", "bank/two", text="it is not")
    floor.tell("adopt", "lead", Q, text="the new line is open")
    floor.run(10 * MIN)
    return floor


SCENES: Final[tuple[Callable[[], Floor], ...]] = (
    solved_again_and_again, the_limits, from_hand_to_hand, called_off, undecided, found_by_people,
    found_where_nothing_can_be_called, with_others, other_settings, nobody_there, change_of_shifts, planned_for,
    here_to_stay,
)  # fmt: skip


@pytest.fixture(scope="module")
def played() -> list[Floor]:
    return [scene() for scene in SCENES]


def test_every_order_is_rebuilt_from_its_log_at_every_version(played: list[Floor]) -> None:
    versions = [compare(floor.log, floor.orders) for floor in played]
    assert min(versions) > 0
    assert sum(versions) > 150


#: About no one order: told as alerts, kept by readers.
NOT_OF_ORDERS = {"floor_note", "mark_odd", "accept_shift", *plan_commands.COMMANDS}
#: Why one of these is refused: told as alerts (`tests/alerts/test_planned.py` has each).
OF_PLANS = {
    "not_a_queue_or_site", "text_too_long", "ends_before_it_begins", "lasts_too_long", "begins_too_late", "not_shorter",
    "unknown_source", "too_many_planned", "no_such_event", "emergency_is_on", "too_many_emergencies", "entered_already",
}  # fmt: skip
#: Why a day cannot be marked odd: told as alerts (`tests/agents/test_habits.py` has each).
OF_ODD_DAYS = {"of_queues_only", "not_a_day", "day_is_learned"}
#: Of storms: queues of many calls, over several partitions (`tests/agents/test_storms.py` has each).
OF_STORMS = {
    "storm_begins", "storm_over", "withheld", "held", "storm", "storm_may_come", "storm_closed", "storm_cancelled",
    "taken_out_of_the_storm", "its_own_calls_failed", "the_parents_owner", "with_its_parent", "storm_queues_open",
}  # fmt: skip
#: They come after a day: rebuilt in `tests/alerts/test_outage.py`.
OF_A_DAY = {"outage_mark", "emergency_mark", "marked"}
#: Named in the sheet of a handover and by ``callwatch who``, not in the log of an order.
OF_THE_ROTA = {"nobody_on_duty", "nobody_in_the_settings"}


def test_every_event_decision_and_reason_of_the_code_was_among_them(played: list[Floor]) -> None:
    log = [entry for floor in played for entry in floor.log]
    code = said()
    done = {entry["event"] for entry in log if entry["decision"] != "refused"}
    assert sorted({*COMMANDS, *SYSTEM_EVENTS, *code.events} - done - NOT_OF_ORDERS - OF_STORMS - OF_A_DAY) == []
    assert sorted(code.decisions - {entry["decision"] for entry in log} - OF_STORMS - OF_A_DAY) == []
    reasons = {entry["why"] for entry in log} | {entry["data"].get(of) for entry in log for of in ("reason", "choice")}
    assert sorted(code.reasons - reasons - OF_THE_ROTA - OF_PLANS - OF_ODD_DAYS - OF_STORMS) == []


def test_every_story_of_them_has_both_languages(played: list[Floor]) -> None:
    for floor in played:
        for entries in by_order(floor.log).values():
            for line, entry in zip(tell(entries), entries, strict=True):
                assert all(has_chinese(part[1]) for part in line.what)
                assert all(has_chinese(name[1]) for name, _ in (*line.data, *line.changed)), entry
                if line.actor == SYSTEM or entry["decision"] == "refused":
                    assert has_chinese(line.why[1]), entry
