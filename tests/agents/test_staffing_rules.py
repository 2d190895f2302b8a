"""Sign-in, too few agents, occupancy outside its band, talk and answer times, outage: each with a log that contains it
and one that does not, through the worker and by the default rules."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor
from models.catalogue import Catalogue, Department, Person, QueueSettings, Site
from models.encode import clock_record, encode_event
from tests.agents.unit_world import START

S = 1_000
QUEUE = "ash/bills"
SETTINGS = Catalogue(
    sites=(Site("ash"),),
    queues=(QueueSettings(department="floor"),),
    departments=(Department("floor", "Floor"),),
    people=(Person("lia", "Lia", "floor", 0), Person("ann", "Ann", "floor", 1), Person("bo", "Bo", "floor", 2)),
)


def log(
    minutes: int = 40,
    gap_s: int = 10,
    agents: int = 30,
    talk_s: int = 120,
    wait_s: int = 4,
    failures: int = 0,
    dead_from: int | None = None,
) -> list[bytes]:
    """A call each *gap_s* with an exponential talk time of *talk_s* on average, by *agents* who take turns; each minute
    *failures* logins fail; from the minute *dead_from* on nobody is answered."""
    rng, todo = random.Random(2), list[tuple[int, dict[str, Any]]]()
    free = [START] * agents
    todo += [(START, {"type": "agent.state", "agent": f"a{n}", "state": "ready"}) for n in range(agents)]
    for n, at in enumerate(range(START + S, START + minutes * 60_000, gap_s * S)):
        call: dict[str, Any] = {"call": f"c{n}"}
        todo.append((at, call | {"type": "call.offered"}))
        who = min(range(agents), key=lambda a: free[a])
        answered = max(at + wait_s * S, free[who])
        if dead_from is not None and answered >= START + dead_from * 60_000:
            continue
        talk = max(int(rng.expovariate(1 / talk_s) * S), S)
        free[who] = answered + talk
        agent = {"type": "agent.state", "agent": f"a{who}"}
        todo.append((answered, call | {"type": "call.answered"}))
        todo.append((answered, agent | {"state": "talking"}))
        todo.append((answered + talk, call | {"type": "call.completed", "talk_ms": talk}))
        todo.append((answered + talk, agent | {"state": "ready"}))
    for minute in range(minutes):
        todo += [(START + minute * 60_000, {"type": "agent.login_failed", "agent": f"x{n}"}) for n in range(failures)]
    out, end = [], START + minutes * 60_000
    clocks = [(at, None) for at in range(START, end, 5 * S)]
    for n, (at, event) in enumerate(sorted([*todo, *clocks], key=lambda one: (one[0], one[1] is None))):
        if at > end:
            break
        if event is None:
            out.append(clock_record(at, "replay"))
        else:
            out.append(encode_event({"id": f"e{n}", "source": "pbx", "ts": at, "queue": QUEUE} | event))
    return out


def said(values: list[bytes]) -> tuple[dict[str, str], set[str]]:
    """The sentence of each rule that found something, and the rules that are symptoms of orders."""
    records = PartitionActor(0, 1, SETTINGS).apply(values, range(len(values))).records
    anomalies = [orjson.loads(r.value) for r in records if r.topic == "anomalies"]
    orders = [orjson.loads(r.value) for r in records if r.topic == "workorders"]
    found = {a["rule"]: a["sentence"] for a in anomalies if a["phase"] == "start"}
    return found, {rule for order in orders for rule in order["symptoms"]}


def test_an_ordinary_hour_finds_nothing() -> None:
    """12 erlangs, 18 agents, answers after four seconds, one forgotten password in ten minutes."""
    assert said(log(agents=18)) == ({}, set())


@pytest.mark.parametrize(
    ("rule", "bad", "words", "is_order"),
    [
        ("sign-in", {"failures": 1, "agents": 18}, "Failed logins of ash/bills is 1", True),
        ("agents-short", {"agents": 8}, "Capacity use of ash/bills is ", True),
        ("occupancy-high", {"agents": 11}, "Occupancy of ash/bills is ", False),
        ("occupancy-low", {"agents": 60}, "Occupancy of ash/bills is ", False),
        ("talk-short", {"agents": 18, "talk_s": 4}, "Talk time of ash/bills is ", True),
        ("talk-long", {"agents": 150, "talk_s": 1_300, "minutes": 80}, "Talk time of ash/bills is ", False),
        ("slow-answer", {"agents": 40, "wait_s": 150}, "Speed of answer of ash/bills is 2 min 30 s", True),
        ("queued", {"agents": 20, "wait_s": 8}, "Queued share of ash/bills is 100 %", False),
        ("outage", {"agents": 18, "dead_from": 20}, "Time without a connection of ash/bills is ", True),
    ],
)
def test_each_is_found_and_said(rule: str, bad: dict[str, Any], words: str, is_order: bool) -> None:
    sentences, symptoms = said(log(**bad))
    assert sentences[rule].startswith(words), sentences
    assert (rule in symptoms) == is_order


def test_too_few_agents_says_how_many() -> None:
    sentence = said(log(agents=8))[0]["agents-short"]
    assert "8 agents signed in, " in sentence
    assert "short" in sentence
