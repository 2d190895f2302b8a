"""The sheet of a shift handover, put together from the parts of several partitions; acceptance and the floor log."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue, Department, Duty, Person, QueueSettings, Shift
from models.command import ANY_ORDER, read_command
from models.outputs import ChangeNote, FloorNote, SheetPart, TierGap, UnusualFigure
from models.partition import partition_of
from models.runtime import KafkaSettings
from streams.broker import create_topics
from tests.wallboard.payloads import NOON_MS, PARTITIONS, alert, order, row
from tests.wallboard.test_http import _first
from tests.wallboard.wall import Wall, running, until
from wallboard.handover import AcceptRequest, blank, sheets, to_accept

MIN = 60_000
WEEK = frozenset(range(7))
#: NOON_MS is 13:00 UTC.
TWO_SHIFTS = Catalogue(
    queues=(QueueSettings(department="desk"),),
    departments=(Department("desk"),),
    people=(Person("li.wei", "Li Wei", "desk", 1), Person("amy.ross", "Amy Ross", "desk", 1)),
    shifts=(
        Shift("early", "desk", "UTC", (Duty(WEEK, 5 * 60, 13 * 60),), ("li.wei",)),
        Shift("late", "desk", "UTC", (Duty(WEEK, 13 * 60, 21 * 60),), ("amy.ross",)),
    ),
)


def part(queue: str, state: str = "offered", starts_ms: int = NOON_MS, **changes: Any) -> dict[str, Any]:
    """An alert of kind handover."""
    fields: dict[str, Any] = {
        "id": f"desk@{starts_ms}@{queue}",
        "department": "desk",
        "shift": "early",
        "lead": "li.wei",
        "began_ms": starts_ms - 480 * MIN,
        "ends_ms": starts_ms,
        "next_shift": "late",
        "next_lead": "amy.ross",
        "starts_ms": starts_ms,
        "accept_by_ms": starts_ms + 10 * MIN,
        "owner": "li.wei",
        "state": state,
        "accepted_by": None,
        "gaps": [TierGap(tier=2, reason="nobody_on_duty")],
    }
    sheet = SheetPart(**(fields | changes))
    return alert(queue, 1, kind="handover", severity=4, at_ms=starts_ms - 30 * MIN, sheet=sheet).model_dump()


def floor(queue: str, at_ms: int, department: str = "desk") -> dict[str, Any]:
    note = FloorNote(
        id=f"FL-{at_ms}", at_ms=at_ms, by="li.wei", text="line 3 is down", department=department, shift=None
    )
    return alert(queue, 2, kind="floor", order=None, severity=4, at_ms=at_ms, floor=note).model_dump()


def watched(queue: str) -> dict[str, Any]:
    """An alert of unusual figures at the change."""
    figure = UnusualFigure(metric="answer_rate", window="15m", value=0.5, usual=0.9, days=4)
    note = ChangeNote(
        id=f"desk@{NOON_MS}@{queue}@{NOON_MS}",
        department="desk",
        shift="late",
        starts_ms=NOON_MS,
        at_ms=NOON_MS,
        departures=[figure],
    )
    return alert(queue, 3, kind="handover", order=None, severity=4, at_ms=NOON_MS, watch=note).model_dump()


def orders(*queues: str, **changes: Any) -> dict[str, Any]:
    made = (order(queue, **changes).model_dump() for queue in queues)
    return {made_order["id"]: made_order for made_order in made}


def test_parts_of_a_department_and_change_are_one_sheet() -> None:
    parts = [
        part("a/1"),
        part("a/2", "late"),
        part("b/1", department="other"),
        part("a/1", starts_ms=NOON_MS - 480 * MIN),
    ]
    notes = [floor("a/9", NOON_MS - MIN), floor("a/9", NOON_MS), floor("a/9", NOON_MS - 2 * MIN, "other")]
    found = sheets(parts, notes, orders("a/1", "a/2"), [watched("a/5")])
    assert [(s["department"], s["starts_ms"], len(s["orders"])) for s in found] == [
        ("desk", NOON_MS, 2),
        ("other", NOON_MS, 1),
        ("desk", NOON_MS - 480 * MIN, 1),
    ]
    assert [(o["queue"], o["handover"], o["now"]["state"]) for o in found[0]["orders"]] == [
        ("a/1", "offered", "dispatched"),
        ("a/2", "late", "dispatched"),
    ]
    assert [(n["queue"], n["at_ms"]) for n in found[0]["notes"]] == [("a/9", NOON_MS - MIN)]
    assert found[0]["gaps"] == [{"tier": 2, "reason": "nobody_on_duty"}]
    assert found[1]["orders"][0]["now"] is None
    assert [[(u["queue"], len(u["departures"])) for u in sheet["unusual"]] for sheet in found] == [[("a/5", 1)], [], []]


def test_acceptance_goes_once_to_each_partition_that_waits() -> None:
    parts = [part(queue) for queue in ("a/1", "a/2", "b/1", "c/*")] + [part("d/1", "accepted"), part("e/1")]
    there = {"a/1": 0, "a/2": 0, "b/1": 1, "c/*": 1, "d/1": 2, "e/1": 3}
    known = orders("a/1", "a/2", "b/1", "c/*", "d/1") | orders("e/1", state="closed", closed_ms=1)
    amy = AcceptRequest(department="desk", actor="amy.ross")
    assert to_accept(parts, known, there, amy) == ["a/1", "b/1", "c/*"]
    assert to_accept(parts, known, there, AcceptRequest(department="desk", actor="li.wei")) == []
    assert to_accept(parts, known, there, AcceptRequest(department="other", actor="amy.ross")) == []


def test_a_change_at_hand_has_a_sheet_without_orders() -> None:
    found = blank(TWO_SHIFTS, "desk", NOON_MS - 30 * MIN, [floor("a/1", NOON_MS - 60 * MIN)])
    assert found is not None
    assert (found["lead"], found["next_lead"], found["starts_ms"]) == ("li.wei", "amy.ross", NOON_MS)
    assert (found["orders"], len(found["notes"])) == ([], 1)
    assert {"tier": 4, "reason": "nobody_in_the_settings"} in found["gaps"]
    assert blank(TWO_SHIFTS, "desk", NOON_MS - 31 * MIN, []) is None
    assert blank(TWO_SHIFTS, "desk", NOON_MS, []) is None


@pytest.mark.stack
def test_the_sheet_over_http(wall: Wall) -> None:
    asyncio.run(create_topics(wall.settings.kafka))
    queue = "north/shift"
    wall.put("metrics", row(queue, at_ms=NOON_MS))
    wall.put("workorders", order(queue))
    told = part(queue) | {"pos": (partition_of(queue, PARTITIONS), 50, 0)}
    wall.put("alerts", alert(queue, 50).model_copy(update={k: v for k, v in told.items() if k not in ("pos", "sheet")}
                                                   | {"sheet": SheetPart(**told["sheet"])}))  # fmt: skip
    until(lambda: wall.get("/api/handover?department=desk")["sheets"])
    until(lambda: queue in [r["queue"] for r in wall.get("/api/queues")["queues"]])
    until(lambda: wall.get("/api/handover?department=desk")["sheets"][0]["orders"][0]["now"])
    assert wall.get("/api/handover?department=other") == {"sheets": []}
    wrong = httpx.post(f"{wall.url}/api/handover", json={"department": "desk", "actor": "li.wei"})
    assert (wrong.status_code, "waits for li.wei" in wrong.json()["detail"]) == (422, True)
    answer = httpx.post(f"{wall.url}/api/handover", json={"department": "desk", "actor": "amy.ross"})
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["sent"]) == 1
    _, value = asyncio.run(_first(wall, partition_of(queue, PARTITIONS)))
    command = read_command(orjson.loads(value))
    assert (command.order, command.command, command.actor) == (ANY_ORDER, "accept_shift", "amy.ross")


@pytest.mark.stack
def test_a_change_at_hand_is_among_all_sheets(stack: EmbeddedStack, prefix: str) -> None:
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    with running(kafka, stack.valkey_url, catalogue=TWO_SHIFTS) as wall:
        wall.put("metrics", row("north/shift", at_ms=NOON_MS - 20 * MIN))
        until(lambda: wall.get("/api/handover")["sheets"])
        (sheet,) = wall.get("/api/handover")["sheets"]
        assert (sheet["department"], sheet["next_lead"], sheet["orders"]) == ("desk", "amy.ross", [])
        assert wall.get("/api/handover?department=desk")["sheets"] == [sheet]
        assert wall.get("/api/handover?department=other")["sheets"] == []


@pytest.mark.stack
def test_the_floor_log_over_http(wall: Wall) -> None:
    asyncio.run(create_topics(wall.settings.kafka))
    queue = "north/floor"
    wall.put("metrics", row(queue, at_ms=NOON_MS))
    until(lambda: queue in [r["queue"] for r in wall.get("/api/queues")["queues"]])
    body = {"queue": queue, "actor": "li.wei", "text": "two agents late"}
    answer = httpx.post(f"{wall.url}/api/floor", json=body)
    assert answer.status_code == 202, answer.text
    for wrong in ({"queue": "north/typo"}, {"actor": "nobody"}, {"text": " "}, {"text": "two\nlines"}):
        assert httpx.post(f"{wall.url}/api/floor", json=body | wrong).status_code == 422
    note = FloorNote(id="FL-1", at_ms=NOON_MS, by="li.wei", text="two agents late", department="", shift=None)
    wall.put("alerts", alert(queue, 70, kind="floor", order=None, floor=note))
    until(lambda: wall.get("/api/floor")["floor"])
    assert wall.get("/api/floor")["floor"][0]["floor"]["text"] == "two agents late"
