"""Orders of units are briefed from sums: who waits, what moved since the quarter of an hour before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from alerts.judgement import Judgement
from alerts.rebuild import by_order, rebuild
from alerts.unit_brief import readings
from models.catalogue import Rule
from models.outputs import Order
from tests.alerts.world import MIN, S, World, catalogue

UNIT = "ash/*"
LOST = Rule("lost", "abandonment_rate", "15m", 0.2, 0.1, False, severity=2, min_sample=20, hold_ms=0, of="units")
SETTINGS = replace(catalogue(rules=()), rules=(LOST,))


def world(**moved: float) -> World:
    """A unit whose last quarter of an hour is as the one before it, but for what has *moved*."""
    made = World(SETTINGS, UNIT)
    made.judgement = Judgement(SETTINGS, "units")
    usual = {"offered": 100.0, "outcomes": 100.0, "completed": 90.0, "handle_ms": 240_000.0, "abandonment_rate": 0.05}
    usual |= {"occupancy": 0.7}
    last = usual | moved
    made.put("15m", UNIT, **last)
    counts = {name: usual[name] + last[name] for name in ("offered", "outcomes", "completed")}
    rate = (0.05 * 100 + last["abandonment_rate"] * last["outcomes"]) / counts["outcomes"]
    handle = (240_000.0 * 90 + last["handle_ms"] * last["completed"]) / counts["completed"]
    both = counts | {"abandonment_rate": rate, "handle_ms": handle, "occupancy": (0.7 + last["occupancy"]) / 2}
    made.put("30m", UNIT, **both)
    made.put("now", UNIT, waiting=40, waiting_past_threshold=12, agents_ready=0, agents_busy=30, agents_signed_in=30)
    return made


def brief(made: World) -> dict[str, Any]:
    found = made.order(UNIT)["briefing"]
    assert isinstance(found, dict)
    return found


def test_it_says_who_waits_and_what_moved() -> None:
    made = world(offered=190.0, outcomes=150.0, abandonment_rate=0.4)
    made.run(2 * S)
    told = brief(made)
    assert told["english"][0] == "40 waiting, 12 beyond 20 s"
    assert told["english"][1].startswith("moved with it against the quarter of an hour before: abandonment ")
    assert "offered +" in told["english"][1]
    assert "handle time" not in told["english"][1]
    assert told["chinese"][1].startswith("同时变动(与前15分钟相比):")
    assert set(told["left_out"]) == {"why", "agents"}  # of each of its queues
    page = made.alerts("page")[0]
    assert "40 waiting, 12 beyond 20 s" in page["text"]
    Order.model_validate({"pos": (0, 0, 0), **made.order(UNIT)})


def test_a_quarter_like_the_one_before_has_moved_nothing() -> None:
    made = world()
    assert all(reading.value == reading.expected for reading in readings(lambda m, w: made.value(UNIT, m, w)).values())
    made.put("15m", UNIT, abandonment_rate=0.3)  # of which 30 minutes know nothing yet
    made.put("30m", UNIT, abandonment_rate=0.3)
    made.run(2 * S)
    assert brief(made)["left_out"]["moved"] == "no other figure is unusual"


def test_longer_calls_and_busier_agents_are_named() -> None:
    made = world(handle_ms=420_000.0, occupancy=0.95, abandonment_rate=0.3)
    made.run(2 * S)
    assert "handle time +" in brief(made)["english"][1]
    assert "occupancy +" in brief(made)["english"][1]


def test_it_is_told_again_and_stands_in_the_log_and_in_the_snapshot() -> None:
    made = world(abandonment_rate=0.4)
    made.run(6 * MIN, S)
    assert made.decisions().count("brief_due:briefed") == 1
    for entries in by_order(made.log()).values():
        assert max(rebuild(entries).items())[1]["briefing"] == brief(made)
    state = orjson.loads(orjson.dumps(made.judgement.snapshot(UNIT)))
    again = Judgement(SETTINGS, "units")
    again.restore(UNIT, state)
    assert again.snapshot(UNIT) == state
