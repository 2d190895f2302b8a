"""A simulated day is plausible (waits follow from staffing), repeatable to the byte, and tells what a PBX would."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from models.errors import UsageError
from models.fields import check
from sources.recording import open_recording
from sources.simulate import PoolDay, ground_truth, incidents_of, make_plan, simulate, simulate_pool
from sources.simulation.plan import DayPlan
from sources.simulation.pool import Contact

MONDAY_8 = datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
THRESHOLD_S = 20.0


@cache
def plan_of(*, seed: int = 1, hours: float = 4.0, queues: int = 6, incidents: bool = True) -> DayPlan:
    return make_plan(seed, MONDAY_8, hours, queues, incidents=incidents)


@cache
def days(*, seed: int = 1, hours: float = 4.0, incidents: bool = True) -> list[PoolDay]:
    plan = plan_of(seed=seed, hours=hours, incidents=incidents)
    return [simulate_pool(plan, pool, incidents_of(plan)) for pool in plan.pools]


@cache
def events() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in simulate(plan_of())]


def wait_s(contact: Contact) -> float:
    ring = contact.caller.ring_ms / 1000 if contact.outcome == "answered" else 0.0
    return contact.waited_s + ring


def service_level(contacts: list[Contact]) -> float:
    return sum(c.outcome == "answered" and wait_s(c) <= THRESHOLD_S for c in contacts) / len(contacts)


def within(day: PoolDay, start_s: float, end_s: float) -> list[Contact]:
    return [contact for contact in day.contacts if start_s <= contact.caller.at_s < end_s]


def test_same_seed_same_bytes_and_another_seed_another_day(tmp_path: Path) -> None:
    from callwatch.commands.simulate import simulate as command

    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        command(str(tmp_path / f"{name}.ndjson.zst"), seed=seed, hours=1.5, queues=3)
    read = {name: (tmp_path / f"{name}.ndjson.zst").read_bytes() for name in "abc"}
    told = {name: (tmp_path / f"{name}.truth.json").read_text() for name in "abc"}
    assert read["a"] == read["b"] != read["c"]
    assert told["a"] == told["b"] != told["c"]
    with open_recording(tmp_path / "a.ndjson.zst") as recording:
        assert (recording.header.zone, recording.header.sources) == ("Asia/Shanghai", ("pbx-sim",))
        assert recording.header.extra["seed"] == 7
        assert sum(1 for _ in recording) > 1000


def test_every_event_is_one_in_order_and_unique() -> None:
    seen: set[str] = set()
    last = 0
    for event in events():
        check(event)
        assert last <= event["ts"]
        assert event["id"] not in seen
        last = event["ts"]
        seen.add(event["id"])
    plan = plan_of()
    assert plan.start_ms <= events()[0]["ts"]
    assert last < plan.end_ms
    kinds = {event["type"] for event in events()}
    assert kinds >= {"call.offered", "call.answered", "call.abandoned", "call.completed", "ivr.abandoned"}
    assert kinds >= {"call.blocked", "agent.state", "source.heartbeat"}


def test_a_call_is_offered_first_and_has_one_outcome_whose_wait_is_the_difference() -> None:
    offered: dict[str, int] = {}
    outcomes: Counter[str] = Counter()
    for event in events():
        if event["type"] == "call.offered":
            offered[event["call"]] = event["ts"]
        elif event["type"] in ("call.answered", "call.abandoned", "call.flowed_out"):
            assert event["wait_ms"] == event["ts"] - offered[event["call"]]
            outcomes[event["call"]] += 1
        elif event["type"] == "call.completed":
            assert outcomes[event["call"]] == 1
    assert max(outcomes.values()) == 1
    assert outcomes.keys() <= offered.keys()
    assert len(outcomes) > 0.99 * len(offered)  # the others still wait when the run ends


def test_heartbeats_come_every_30_s() -> None:
    beats = [event["ts"] for event in events() if event["type"] == "source.heartbeat"]
    assert beats[0] == plan_of().start_ms
    assert {b - a for a, b in pairwise(beats)} == {30_000}
    assert plan_of().end_ms - beats[-1] <= 30_000


def test_an_ordinary_day_meets_80_in_20_in_nearly_every_half_hour() -> None:
    for day in days(hours=12.0, incidents=False):
        assert service_level(list(day.contacts)) > 0.93
        halves = [service_level(within(day, t, t + 1800)) for t in range(0, 12 * 3600, 1800)]
        assert sum(level >= 0.8 for level in halves) >= len(halves) - 1
        assert sum(c.outcome != "answered" for c in day.contacts) < 0.02 * len(day.contacts)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_staffing_gap_harms_the_same_callers_who_fare_well_without_it(seed: int) -> None:
    incident = next(i for i in incidents_of(plan_of(seed=seed)) if i.kind == "staffing_gap")
    span = incident.start_s + 300, incident.end_s
    hit = within(days(seed=seed)[incident.pool], *span)
    spared = within(days(seed=seed, incidents=False)[incident.pool], *span)
    assert [c.caller for c in hit] == [c.caller for c in spared]
    assert service_level(hit) < 0.5
    assert service_level(spared) > 0.8
    assert sum(c.outcome == "abandoned" for c in hit) > 0.1 * len(hit)
    after = within(days(seed=seed)[incident.pool], incident.end_s + 600, incident.end_s + 1800)
    assert service_level(after) > 0.8, "the queue recovers, so that an order can close"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_keeps_callers_from_the_queue(seed: int) -> None:
    incident = next(i for i in incidents_of(plan_of(seed=seed)) if i.kind == "trunk_outage")
    callers = [c for some in days(seed=seed)[incident.pool].callers for c in some]
    during = [c.fate for c in callers if incident.start_s <= c.at_s < incident.end_s]
    before = [c.fate for c in callers if c.at_s < incident.start_s]
    assert sum(fate != "queue" for fate in during) > 0.85 * len(during)
    assert during.count("blocked") > during.count("menu") > 0
    assert before.count("blocked") == 0
    assert 0 < before.count("menu") < 0.12 * len(before)


def test_a_surge_multiplies_the_arrivals() -> None:
    incident = next(i for i in incidents_of(plan_of()) if i.kind == "surge")
    many, few = (
        sum(incident.start_s <= c.at_s < incident.end_s for some in day.callers for c in some)
        for day in (days()[incident.pool], days(incidents=False)[incident.pool])
    )
    assert many / few == pytest.approx(incident.size, rel=0.25)


@pytest.mark.parametrize("seed", range(1, 11))
def test_incidents_begin_early_enough_for_a_short_demonstration(seed: int) -> None:
    first, second, *more = incidents_of(plan_of(seed=seed, hours=12.0))
    assert (first.kind, second.kind) == ("staffing_gap", "trunk_outage")
    assert first.pool != second.pool
    assert 25 * 60 <= first.start_s < second.start_s <= 40 * 60
    assert all(20 * 60 <= i.end_s - i.start_s <= 40 * 60 for i in (first, second))
    assert len(more) >= 4
    assert "surge" in {i.kind for i in more}
    by_pool: dict[int, float] = {}
    for incident in (first, second, *more):
        assert incident.start_s >= by_pool.get(incident.pool, 0.0) + 1800 * (incident.pool in by_pool)
        by_pool[incident.pool] = incident.end_s


def test_the_ground_truth_says_what_when_where_and_how_much() -> None:
    told = json.loads(json.dumps(ground_truth(plan_of())))
    assert (told["start_ms"], told["end_ms"], told["seed"]) == (plan_of().start_ms, plan_of().end_ms, 1)
    assert {row["kind"] for row in told["incidents"]} == {"staffing_gap", "trunk_outage", "surge"}
    for row in told["incidents"]:
        assert row.keys() == {"incident", "kind", "queue", "start_ms", "end_ms", "size"}
        assert row["queue"] in told["queues"]
        assert told["start_ms"] < row["start_ms"] < row["end_ms"] < told["end_ms"]
    assert ground_truth(plan_of(incidents=False))["incidents"] == []


def test_little_s_law_holds_between_the_queue_length_and_the_waits_that_are_told() -> None:
    """L = lambda W, with L counted from offers and outcomes at each heartbeat and W from ``wait_ms`` alone."""
    waiting, lengths, waits = 0, [], []
    for event in events():
        if event["type"] == "call.offered":
            waiting += 1
        elif event["type"] in ("call.answered", "call.abandoned", "call.flowed_out"):
            waiting -= 1
            waits.append(event["wait_ms"])
        elif event["type"] == "source.heartbeat":
            lengths.append(waiting)
    expected = sum(waits) / (plan_of().end_ms - plan_of().start_ms)
    assert sum(lengths) / len(lengths) == pytest.approx(expected, rel=0.1)


def test_agents_are_in_one_place_at_a_time_and_take_calls_only_when_ready() -> None:
    state: dict[tuple[str, str], str] = {}
    queues_of: dict[str, set[str]] = defaultdict(set)
    for event in events():
        if event["type"] != "agent.state":
            continue
        agent, queue, new = event["agent"], event["queue"], event["state"]
        old = state.get((agent, queue), "offline")
        if new == "ringing":
            assert old == "ready", (agent, event["ts"], old)
        if new == "talking":
            assert old == "ringing"
            assert not any(state[agent, other] in ("talking", "ready") for other in queues_of[agent] - {queue})
        if new == "wrap":
            assert old == "talking"
        state[agent, queue] = new
        queues_of[agent].add(queue)
    assert all(len(queues) == 2 for queues in queues_of.values())
    assert {event.get("reason") for event in events() if event.get("state") == "not_ready"} >= {"other_queue", "break"}


def test_nobody_is_given_a_call_outside_the_shift_and_overtime_ends_with_the_call() -> None:
    for day in days():
        free_at: dict[int, float] = {}
        answered = [c for c in day.contacts if c.outcome == "answered"]
        for contact in sorted(answered, key=lambda c: c.caller.at_s + c.waited_s):
            start = contact.caller.at_s + contact.waited_s
            assert day.agents[contact.agent].works(start)
            assert start >= free_at.get(contact.agent, 0.0) - 1e-6
            caller = contact.caller
            free_at[contact.agent] = start + (caller.ring_ms + caller.talk_ms + caller.wrap_ms) / 1000


def test_the_simulation_leaves_the_global_random_state_alone() -> None:
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    list(simulate(make_plan(3, MONDAY_8, 0.2, 1)))
    assert random.random() == expected


@pytest.mark.parametrize(
    ("hours", "queues", "word"), [(0, 1, "more than 0"), (1, 0, "at least 1"), (24, 2000, "fewer")]
)
def test_what_cannot_be_simulated_is_refused(hours: float, queues: int, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        make_plan(1, MONDAY_8, hours, queues)


@pytest.mark.parametrize(
    ("start", "zone", "word"),
    [
        ("tomorrow", "UTC", "--start"),
        ("2026-03-02T08:00+08:00", "UTC", "offset"),
        ("2026-03-02", "Mars/Base", "--timezone"),
    ],
)
def test_start_and_zone_are_checked(start: str, zone: str, word: str) -> None:
    from callwatch.commands.simulate import parse_start

    with pytest.raises(UsageError, match=word):
        parse_start(start, zone)


@pytest.mark.parametrize("queues", [1, 2, 5, 6, 16, 40, 100])
def test_queue_names_are_distinct_and_pools_stay_within_a_site(queues: int) -> None:
    pools = plan_of(queues=queues, hours=0.5).pools
    names = [queue.name for pool in pools for queue in pool.queues]
    assert len(set(names)) == queues
    assert all(len({queue.site for queue in pool.queues}) == 1 for pool in pools)
