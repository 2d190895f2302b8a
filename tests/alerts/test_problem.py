"""A problem record has somebody accountable, stays until it is closed by name, comes back when three more come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.judgement import Judgement
from alerts.rebuild import by_order, rebuild
from models.catalogue import Catalogue, Duty, Person, QueueSettings
from models.outputs import Alert
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, PEOPLE, T0, UNREACHED, WAITING, WEEK, S, World, catalogue, person, refusal

NIGHT_ONLY = (Duty(WEEK, 22 * 60, 23 * 60),)
BOSSES = (person("lead", 1), person("super", 3, duty=NIGHT_ONLY), person("boss", 4), person("far", 4, "else"))
FOUND = {"text": "the roster lacks the ten o'clock peak", "measure": "two agents begin at half past nine"}


def settings(people: tuple[Person, ...] = PEOPLE) -> Catalogue:
    queues = (QueueSettings(department="desk"),)
    return replace(catalogue(rules=(WAITING, UNREACHED), people=people), queues=queues)


def day(world: World) -> None:
    """An order at ten that ends by itself, and the rest of the day."""
    at_ms = T0 - (T0 - world.now_ms) // (24 * HOUR) * 24 * HOUR
    world.run(max(S, at_ms - world.now_ms), 2 * HOUR)
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(2 * S)
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.run(2 * MIN, 20 * S)


def opened(people: tuple[Person, ...] = PEOPLE, world: World | None = None) -> World:
    made = world or World(settings(people))
    for _ in range(3):
        day(made)
    return made


def records(world: World) -> list[dict[str, Any]]:
    return [alert["problem"] for alert in world.alerts("problem")]


def close(world: World, actor: str = "super", **fields: Any) -> Any:
    return world.tell("close_problem", actor, **{"order": "-", "problem": records(world)[-1]["id"], **FOUND, **fields})


def test_it_opens_to_the_supervisor_on_duty_who_is_told() -> None:
    world = opened()
    (record,) = records(world)
    assert (record["state"], record["owner"], record["half_hour"], record["joined"]) == ("open", "super", "10:00", 0)
    assert len(set(record["orders"])) == 3
    (asked,) = world.alerts("asked")
    assert (asked["owner"], asked["text"].split(".")[0]) == ("super", f"Problem {record['id']} is yours")
    Alert.model_validate({"pos": (0, 0, 0), **world.alerts("problem")[0]})


@pytest.mark.parametrize(
    ("people", "owner", "choice", "told"),
    [
        (BOSSES, "boss", "manager_on_duty", True),
        (BOSSES[:2] + BOSSES[3:], "far", "manager_on_duty", True),
        (BOSSES[:2], "super", "supervisor_off_duty", False),
        (BOSSES[:1], "lead", "shift_lead", False),  # who was paged for the order just now
    ],
)
def test_who_is_accountable_for_it(people: tuple[Person, ...], owner: str, choice: str, told: bool) -> None:
    world = opened(people)
    (entry,) = [e for e in world.log() if e["decision"] == "problem_opened"]
    assert (entry["data"]["problem_owner"], entry["data"]["choice"]) == (owner, choice)
    assert records(world)[0]["owner"] == owner
    assert bool(world.alerts("asked")) == told


def test_it_is_closed_by_name_with_cause_and_measure_and_three_more_open_another() -> None:
    world = opened()
    day(world)
    close(world)
    last = records(world)[-1]
    assert (last["state"], last["closed_by"], last["cause"], last["measure"]) == (
        "closed", "super", FOUND["text"], FOUND["measure"],
    )  # fmt: skip
    assert (last["joined"], last["closed_ms"]) == (1, world.now_ms)
    assert world.log()[-1]["data"]["measure"] == FOUND["measure"]
    assert refusal(close(world)) == "no_such_problem"
    for expected in (2, 2, 3):
        day(world)
        assert len(records(world)) == expected
    assert records(world)[-1]["id"] != last["id"]
    assert world.order()["problem"] == records(world)[-1]["id"]


def test_it_does_not_go_away_by_itself() -> None:
    world = opened()
    world.run(30 * 24 * HOUR, 6 * HOUR)
    day(world)
    assert world.order()["problem"] == records(world)[0]["id"]
    close(world)
    assert records(world)[-1]["joined"] == 1


@pytest.mark.parametrize(
    ("actor", "fields", "reason"),
    [
        ("lead", {}, "not_the_problems_owner"),
        ("stranger", {}, "unknown_person"),
        ("super", {"problem": "PR-OTHER"}, "no_such_problem"),
        ("super", {"text": ""}, "needs_text"),
        ("super", {"measure": ""}, "needs_measure"),
        ("super", {"problem": ""}, "needs_problem"),
    ],
)
def test_what_is_refused_leaves_it_open(actor: str, fields: dict[str, str], reason: str) -> None:
    world = opened()
    assert refusal(close(world, actor, **fields)) == reason
    close(world, "boss")  # any supervisor or manager may
    assert records(world)[-1]["state"] == "closed"


def test_an_owner_who_leaves_the_settings_is_followed_by_another() -> None:
    world = opened()
    changed = world.judgement.change(settings((BOSSES[0], BOSSES[2])), world.now_ms, world.figures, world.names, world)
    world.outputs += changed
    said = [o.payload["decision"] for o in changed if o.topic == "workorder-log"]
    assert said == ["problem_reassigned", "notified"]
    assert [record["owner"] for record in records(world)] == ["super", "boss"]
    state = world.judgement.snapshot("bank/PS")
    assert state["memory"]["back"][1][0][1]["owner"] == "boss"
    close(world, "boss")


def test_its_opening_and_its_closing_survive_a_crash_at_every_record_and_are_rebuilt() -> None:
    world = TapedWorld(settings())
    opened(world=world)
    first = len(world.tape.records)
    world.run(2 * S)
    close(world)
    close(world)
    world.run(2 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "close_problem:problem_closed")
    assert world.decisions().count("breached:problem_opened") == 1
    for entries in by_order(world.log()).values():
        assert rebuild(entries)


def test_a_problem_is_closed_after_a_restart_too() -> None:
    world = opened()
    state = world.judgement.snapshot("bank/PS")
    world.judgement = Judgement(world.catalogue)
    world.judgement.restore("bank/PS", state)
    close(world)
    assert records(world)[-1]["state"] == "closed"
    assert world.judgement.snapshot("bank/PS")["memory"]["back"][1] == []
