"""Orders of a partition are briefed from its plans and figures: the same bytes on every replay, after any crash."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor, Record
from alerts.rebuild import by_order, rebuild
from alerts.staffing.live import patience_of
from models.catalogue import Catalogue, Department, Person, QueueSettings, Rule, Site
from models.encode import clock_record
from models.outputs import Order
from models.plan.interval import PlanDay, PlanInterval
from models.plan.record import plan_record
from models.topics import ALERTS, WORKORDER_LOG, WORKORDERS
from tests.agents.dense import payloads
from tests.agents.logs import Log, run

MIN, S = 60_000, 1_000
#: Monday 2026-03-02, 09:00 UTC.
START = 1_772_442_000_000
QUEUE = "north/a"
LATE = Rule("late", "waiting_past_threshold", "now", 3, 2, False, severity=2, hold_ms=0, recovery=1)
AIM = Rule("sl", "service_level", "30m", 0.01, 0.9, True, min_sample=10**6)


def catalogue() -> Catalogue:
    return Catalogue(
        sites=(Site("north", "UTC"),),
        queues=(QueueSettings(department="floor"),),
        rules=(LATE, AIM),
        departments=(Department("floor", "Floor"),),
        people=(Person("ann", "Ann", "floor", 1),),
    )


def plan() -> PlanDay:
    rows = tuple(PlanInterval(START + n * 30 * MIN, 30, 90.0, 100_000.0, 7.0, 8.0) for n in range(6))
    return PlanDay(QUEUE, "2026-03-02", "UTC", "v1", "week 10", rows)


def event(at: int, kind: str, **fields: Any) -> tuple[int, bytes]:
    body = {"id": f"{at}{kind}{fields}", "source": "pbx", "type": kind, "ts": at, "queue": QUEUE, **fields}
    return at, orjson.dumps(body)


@pytest.fixture(scope="module")
def log() -> Log:
    """Three calls a minute for eight agents, of whom five go in minute 12; nobody is answered from minute 14 on, and
    nobody calls after minute 17."""
    items = [event(START + n, "agent.state", agent=f"a{n}", state="talking" if n < 5 else "ready") for n in range(8)]
    items.append((START + 20, plan_record(plan(), id="p", source="planner", ts_ms=START)))
    items += [event(START + 12 * MIN + n, "agent.state", agent=f"a{n}", state="offline") for n in range(5)]
    for n in range(17 * 3):
        at = START + n * 20 * S + 1
        name: dict[str, Any] = {"call": f"c{n}", "from_queue": "north/b"} if n % 4 == 0 else {"call": f"c{n}"}
        items.append(event(at, "call.offered", **name))
        if n % 4 == 3:
            items.append(event(at + 90 * S, "call.abandoned", **name))
        elif at < START + 14 * MIN:
            items.append(event(at + 3 * S, "call.answered", **name))
            items.append(event(at + 100 * S, "call.completed", talk_ms=90_000, wrap_ms=10_000, **name))
    items += [(START + n * 2 * S, clock_record(START + n * 2 * S, "t")) for n in range(26 * 30)]
    return [value for at, value in sorted(items, key=lambda item: item[0]) if at < START + 26 * MIN]


def fresh() -> PartitionActor:
    return PartitionActor(0, 1, catalogue())


@pytest.fixture(scope="module")
def whole(log: Log) -> dict[str, list[bytes]]:
    return payloads(run(fresh(), log))


def test_an_order_is_briefed_by_the_plan_when_it_opens_and_every_five_minutes(whole: dict[str, list[bytes]]) -> None:
    entries = [orjson.loads(value) for value in whole[WORKORDER_LOG]]
    told = [entry for entry in entries if entry["order_after"].get("briefing")]
    assert {entry["decision"] for entry in told} == {"raised", "worse", "briefed"}
    assert all(entry["order_after"]["briefing"]["at_ms"] == entry["at_ms"] for entry in told)
    again = [n for n, entry in enumerate(told) if entry["decision"] == "briefed"]
    assert all(told[n]["at_ms"] - told[n - 1]["at_ms"] == 5 * MIN for n in again)
    first = Order.model_validate_json(whole[WORKORDERS][0]).briefing
    assert first is not None
    assert first.english[0] == "5 waiting, 4 beyond 20 s, 1 more within 20 s"
    assert first.english[1].startswith("service level ")
    assert first.left_out.keys() <= {"moved"}
    assert first.data["agents_here"] == 3.0
    assert float(first.data["why_absence"] or 0.0) < -0.2  # three of eight are signed in
    assert "达到90/20需要" in first.chinese[-1]
    page = next(orjson.loads(value) for value in whole[ALERTS] if b'"page"' in value)
    assert "5 waiting, 4 beyond 20 s, 1 more within 20 s. most of it: absence -" in page["text"]
    assert "主要原因:缺勤" in page["zh"]


def test_the_log_alone_has_every_briefing(whole: dict[str, list[bytes]]) -> None:
    published = [orjson.loads(value) for value in whole[WORKORDERS]]
    for entries in by_order([orjson.loads(value) for value in whole[WORKORDER_LOG]]).values():
        versions = rebuild(entries)
        for order in published:
            assert versions[order["version"]]["briefing"] == order["briefing"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.57, 0.6, 0.65, 0.7, 0.8, 0.95])
def test_whoever_restores_briefs_alike(log: Log, whole: dict[str, list[bytes]], share: float) -> None:
    cut, first = int(len(log) * share), fresh()
    states: dict[str, bytes] = {}
    out: list[Record] = []
    for n in range(4):
        low, high = cut * n // 4, cut * (n + 1) // 4
        out += run(first, log[:high], 50, low)
        states |= first.freeze(first.changed())
    again = PartitionActor(0, 1, Catalogue())
    again.thaw(first.position, orjson.loads(orjson.dumps(first.freeze_common())), states)
    assert payloads(out + run(again, log, 17, cut)) == whole


@pytest.mark.parametrize("batch", [1, 10**9])
def test_batching_does_not_matter(log: Log, whole: dict[str, list[bytes]], batch: int) -> None:
    assert payloads(run(fresh(), log, batch)) == whole


def test_patience_is_that_of_the_callers_of_the_day(log: Log) -> None:
    actor = fresh()
    run(actor, log)
    found = patience_of(lambda metric, window: actor.live.value(QUEUE, metric, window))
    hung_up = int(actor.live.value(QUEUE, "abandoned", "day") or 0)
    answered = int(actor.live.value(QUEUE, "answered", "day") or 0)
    assert hung_up >= 10
    assert found.abandoned == hung_up
    assert found.mean_s == pytest.approx((hung_up * 90 + answered * 3 + 10 * 180) / (hung_up + 10))
    flowed = actor.live.value(QUEUE, "flowed_in", "day")
    assert flowed == len([value for value in log if value and b"from_queue" in value and b"offered" in value])
