"""Planned events and emergencies as readers see them: joined from the partitions, on the sheet, entered over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from agents.projector import Projector
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue, Site
from models.command import ANY_ORDER, read_command
from models.errors import UsageError
from models.keys import PLANNED_KEPT
from models.outputs import Emergency, PlannedEvent, Suppressed
from models.topics import EVENTS, topic_name
from streams.broker import create_topics, read_partition
from tests.wallboard.payloads import NOON_MS, PARTITIONS, alert, row
from tests.wallboard.wall import Wall, until
from wallboard.planned import all_of, anchors, on_sheet
from wallboard.store import Store

MIN = 60_000
HOUR = 60 * MIN


def planned(queue: str, offset: int = 1, event: str = "PE-1", **changes: Any) -> Any:
    """A copy of an event, told in the log of *queue*."""
    fields: dict[str, Any] = {"id": f"{event}@{queue}", "event": event, "kind": "maintenance", "covers": "north/*"}
    fields |= {"source": "", "text": "trunk works", "by": "li.wei", "state": "entered", "changed_by": None}
    fields |= {"from_ms": NOON_MS, "until_ms": NOON_MS + HOUR, "reason": ""}
    part = PlannedEvent(**(fields | changes))
    return alert(queue, offset, kind="planned", order=None, severity=4, owner=None, planned=part)


def emergency(queue: str, offset: int = 2, **changes: Any) -> Any:
    fields: dict[str, Any] = {"id": f"EM-1@{queue}", "event": "EM-1", "covers": "north/*", "reason": "fire"}
    fields |= {"by": "li.wei", "since_ms": NOON_MS, "ended_ms": None, "ended_by": None, "ended_reason": ""}
    part = Emergency(**(fields | changes))
    return alert(queue, offset, kind="emergency", order=None, severity=1, owner=None, emergency=part)


def quiet(queue: str, at_ms: int, state: str = "over") -> Any:
    part = Suppressed(
        id=f"AN-{at_ms}", event="PE-1", rule="sl", metric="service_level_live", window="15m", value=0.4, limit=0.6,
        since_ms=at_ms - MIN, ended_ms=at_ms, state=state, because="planned_event",
    )  # fmt: skip
    return alert(queue, 3, kind="suppressed", order=None, owner=None, at_ms=at_ms, suppressed=part)


def known(*alerts: Any, now_ms: int = NOON_MS) -> dict[str, Any]:
    told = [one.model_dump() for one in alerts]
    return all_of(
        [a for a in told if a["kind"] != "suppressed"], [a for a in told if a["kind"] == "suppressed"], now_ms
    )


@pytest.mark.parametrize(
    ("now_ms", "state"),
    [(NOON_MS - 1, "to_come"), (NOON_MS, "running"), (NOON_MS + HOUR - 1, "running"), (NOON_MS + HOUR, "over")],
)
def test_the_copies_of_an_event_are_one_and_it_has_a_state(now_ms: int, state: str) -> None:
    (event,) = known(planned("a/1"), planned("b/1", 2), now_ms=now_ms)["planned"]
    assert (event["state"], event["partitions"], event["text"]) == (state, 2, "trunk works")


def test_a_word_that_reached_one_partition_is_shown() -> None:
    short = planned("a/1", 5, state="shortened", until_ms=NOON_MS + MIN, changed_by="amy.ross")
    assert known(short, planned("b/1", 9))["planned"][0]["until_ms"] == NOON_MS + MIN
    gone = planned("a/1", 5, state="cancelled", changed_by="amy.ross", reason="put off")
    (event,) = known(gone, planned("b/1", 9))["planned"]
    assert (event["state"], event["changed_by"], event["reason"]) == ("cancelled", "amy.ross", "put off")


def test_an_emergency_has_a_running_clock_and_is_long_after_72_hours() -> None:
    (one,) = known(emergency("a/1"), emergency("b/1"), now_ms=NOON_MS + 72 * HOUR)["emergencies"]
    assert (one["for_ms"], one["long"], one["ended_ms"]) == (72 * HOUR, False, None)
    over = emergency("a/1", 7, ended_ms=NOON_MS + 73 * HOUR, ended_by="amy.ross", ended_reason="out")
    (one,) = known(over, emergency("b/1"), now_ms=NOON_MS + 99 * HOUR)["emergencies"]
    assert (one["for_ms"], one["long"], one["ended_by"]) == (73 * HOUR, True, "amy.ross")


def test_a_sheet_has_what_runs_or_begins_in_the_next_day() -> None:
    sheet = {"began_ms": NOON_MS - 8 * HOUR, "ends_ms": NOON_MS, "starts_ms": NOON_MS}
    day = 24 * HOUR
    there = known(
        planned("a/1", event="PE-runs", from_ms=NOON_MS - HOUR, until_ms=NOON_MS + 1),
        planned("a/1", event="PE-over", from_ms=NOON_MS - HOUR, until_ms=NOON_MS),
        planned("a/1", event="PE-soon", from_ms=NOON_MS + day - 1, until_ms=NOON_MS + 2 * day),
        planned("a/1", event="PE-later", from_ms=NOON_MS + day, until_ms=NOON_MS + 2 * day),
        planned("a/1", event="PE-off", state="cancelled"),
        planned("a/1", event="PE-else", covers="south/*"),
        emergency("a/1"),
        quiet("north/a", NOON_MS - MIN),
        quiet("north/a", NOON_MS),
        quiet("north/a", NOON_MS - 9 * HOUR),
        quiet("south/a", NOON_MS - MIN),
        quiet("north/a", NOON_MS - 2 * MIN, "running"),
        now_ms=NOON_MS - MIN,
    )
    found = on_sheet(Catalogue(sites=(Site("north"), Site("south"))), sheet, ["north/a"], there)
    assert [event["event"] for event in found["planned"]] == ["PE-runs", "PE-soon"]
    assert [one["event"] for one in found["emergencies"]] == ["EM-1"]
    assert [(line["queue"], line["at_ms"]) for line in found["kept_quiet"]] == [("north/a", NOON_MS - MIN)]


def test_a_pattern_is_told_to_every_partition_queues_and_units_apart() -> None:
    there = {"a/1": 0, "a/2": 0, "a/*": 0, "b/1": 1, "*": 2}
    assert anchors("a/*", there) == ["*", "a/*", "a/1", "b/1"]
    assert anchors("a/2", there) == ["a/2"]
    for pattern, known_queues in (("a/9", there), ("*", {})):
        with pytest.raises(UsageError, match="nothing is known"):
            anchors(pattern, known_queues)


@pytest.mark.stack
def test_what_ends_last_stays_in_valkey(stack: EmbeddedStack, prefix: str) -> None:
    def told(n: int, one: Any) -> Any:
        return n, b"a/b", one.model_copy(update={"pos": (0, n, 0)}).model_dump_json().encode()

    async def test() -> None:
        valkey: Any = Redis.from_url(stack.valkey_url)
        projector, store = Projector(valkey, prefix), Store(valkey, prefix, 1)
        far = planned("a/b", event="PE-far", until_ms=NOON_MS + 99 * HOUR)
        many = [planned("a/b", event=f"PE-{n}", until_ms=NOON_MS + n) for n in range(PLANNED_KEPT)]
        batch = [told(n, one) for n, one in enumerate([emergency("a/b"), far, *many])]
        await projector.apply("alerts", 0, batch)
        await projector.apply("alerts", 0, [told(len(batch), alert("a/b", 1))])
        parts = [a["planned"] or a["emergency"] for a in await store.planned()]
        assert len(parts) == PLANNED_KEPT
        names = {part["event"] for part in parts}
        assert {"PE-far", "EM-1"} <= names
        assert names.isdisjoint({"PE-0", "PE-1"})
        await valkey.aclose()

    asyncio.run(test())


@pytest.mark.stack
def test_entered_and_cancelled_over_http(wall: Wall) -> None:
    asyncio.run(create_topics(wall.settings.kafka))
    names = ["north/plan1", "north/plan2", "north/plan3", "north/plan4", "north/*"]
    wall.put("metrics", *(row(name, at_ms=NOON_MS) for name in names))
    until(lambda: set(names) <= {r["queue"] for r in wall.get("/api/queues")["queues"]})
    body = {"kind": "drill", "covers": "north/*", "actor": "li.wei", "text": "fire drill", "until_ms": NOON_MS + HOUR}
    answer = httpx.post(f"{wall.url}/api/planned", json=body)
    assert answer.status_code == 202, answer.text
    board = {r["queue"]: r["partition"] for r in wall.get("/api/queues")["queues"]}
    assert len(answer.json()["sent"]) == len(anchors("north/*", board))
    commands = asyncio.run(_commands(wall))
    assert {c.command for c in commands} == {"plan"}
    assert len({c.event for c in commands}) == 1  # the same event everywhere
    assert (commands[0].order, commands[0].planned, commands[0].covers) == (ANY_ORDER, "drill", "north/*")
    for wrong in ({"kind": "party"}, {"actor": "nobody"}, {"text": " "}, {"text": "two\nlines"}, {"covers": "north/x"}):
        assert httpx.post(f"{wall.url}/api/planned", json=body | wrong).status_code == 422, wrong
    wall.put("alerts", planned("north/plan1", 90), emergency("north/plan1", 91))
    until(lambda: len(wall.get("/api/planned")["planned"]) == 1 and wall.get("/api/planned")["emergencies"])
    change = {"actor": "amy.ross", "reason": "put off"}
    for path, more in (
        ("planned/PE-1", {}),
        ("planned/PE-1", {"until_ms": NOON_MS + MIN}),
        ("emergencies/EM-1", {}),
    ):
        assert httpx.post(f"{wall.url}/api/{path}", json=change | more).status_code == 202
    declared = httpx.post(f"{wall.url}/api/emergencies", json={"covers": "*", "actor": "li.wei", "reason": "fire"})
    assert declared.status_code == 202
    assert httpx.post(f"{wall.url}/api/planned/PE-9", json=change).status_code == 404
    assert httpx.post(f"{wall.url}/api/emergencies/EM-1", json={"actor": "amy.ross"}).status_code == 422
    sent = {(c.command, c.event) for c in asyncio.run(_commands(wall)) if c.command != "plan"}
    assert {("cancel_plan", "PE-1"), ("shorten_plan", "PE-1"), ("stand_down", "EM-1")} < sent
    assert {name for name, _ in sent} >= {"declare_emergency"}


async def _commands(wall: Wall) -> list[Any]:
    """The commands of plans on the log, of all partitions."""
    found, name = [], topic_name(wall.settings.kafka.prefix, EVENTS)
    for partition in range(PARTITIONS):
        async for rows in read_partition(wall.settings.kafka, name, partition):
            found += [read_command(orjson.loads(value)) for _, _, value in rows if value]
    return [c for c in found if "plan" in c.command or c.command in ("declare_emergency", "stand_down")]
