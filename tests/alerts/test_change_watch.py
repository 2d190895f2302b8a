"""Figures around a change of shifts against the same change of earlier days: told once, remembered, bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from alerts.change_watch import DAYS, POINTS_KEPT, POINTS_MS, WATCHED, ChangeWatch, point_at
from models.metric import FIGURES, figure
from models.outputs import Alert
from tests.alerts.tape import TapedWorld, straight, survives
from tests.alerts.test_handover import ENDS, settings
from tests.alerts.world import HOUR, MIN, S, World

DAY = 24 * HOUR


def usual(world: World, **changes: float) -> None:
    """A change like all others, but for *changes*."""
    values = {
        "answer_rate": 0.95,
        "occupancy": 0.8,
        "outcomes": 40.0,
        "talk_ms": 180_000.0,
        "completed": 40.0,
    } | changes
    world.put("now", agents_signed_in=values.pop("agents_signed_in", 20.0))
    world.put("15m", "bank/PS", **values)


def days(number: int) -> TapedWorld:
    """So many usual days; it stands a minute before the change of the next."""
    world = TapedWorld(settings())
    usual(world)
    for _ in range(number):
        world.run(ENDS - MIN - world.now_ms if world.now_ms < ENDS else DAY - 41 * MIN, HOUR)
        world.run(41 * MIN, MIN)
    world.run(DAY - 41 * MIN, HOUR)
    return world


def told(world: World) -> list[dict[str, Any]]:
    return [a["watch"] for a in world.alerts("handover") if a.get("watch")]


@pytest.mark.parametrize(
    ("metric", "value", "normal"),
    [
        ("answer_rate", 0.84, 0.86),
        ("occupancy", 0.64, 0.66),
        ("agents_signed_in", 15.0, 16.0),
        ("talk_ms", 271_000.0, 269_000.0),
    ],
)
def test_what_departs_from_earlier_days_is_told_once(metric: str, value: float, normal: float) -> None:
    world = days(3)
    usual(world, **{metric: normal})
    world.run(3 * MIN, 20 * S)
    assert told(world) == []
    world = days(3)
    usual(world, **{metric: value})
    first = len(world.tape.records)
    world.run(3 * MIN, 20 * S)
    world.first, world.last = first, len(world.tape.records)
    survives(world, "breached:raised", times=0)
    (watch,) = told(world)
    (departure,) = watch["departures"]
    assert (departure["metric"], departure["value"], departure["days"]) == (metric, value, 3)
    assert (watch["shift"], watch["at_ms"]) == ("late", ENDS + 3 * DAY)
    Alert.model_validate({"pos": (0, 0, 0), **world.alerts("handover")[-1]})
    assert sum(b'"watch"' in value for _, value in straight(world)) == 1


def test_two_days_make_nothing_usual_and_few_calls_say_nothing() -> None:
    world = days(2)
    usual(world, answer_rate=0.1)
    world.run(3 * MIN, 20 * S)
    assert told(world) == []
    world = days(3)
    usual(world, answer_rate=0.1, outcomes=9.0)
    world.run(3 * MIN, 20 * S)
    assert told(world) == []


def test_each_point_of_the_change_is_looked_at() -> None:
    world = days(4)
    usual(world, answer_rate=0.5)
    world.run(40 * MIN, MIN)
    assert [watch["at_ms"] - ENDS - 4 * DAY for watch in told(world)] == list(POINTS_MS)


def test_what_shows_nothing_at_first_or_is_new_is_looked_at_once_it_does_and_only_once() -> None:
    known, now_ms = settings(), ENDS + 10 * S
    figures = np.full((2, len(FIGURES)), np.nan)
    seen: list[list[int]] = []
    changed: set[str] = set()
    watch = ChangeWatch(changed)
    for names, shows in [(["a"], []), (["a"], [0]), (["a"], [0]), (["a", "b"], [0]), (["a", "b"], [0, 1])]:
        for row in shows:
            figures[row, figure("occupancy", "15m")] = 0.8
        queues = [f"bank/{name}" for name in names]
        watch.clock(known, now_ms, figures[: len(queues)], queues)
        now_ms += 20 * S
        seen.append(sorted(queues.index(queue) for queue in changed))
        changed.clear()
    assert seen == [[], [0], [], [], [1]]
    watch.restore("bank/a", [])
    watch.clock(known, now_ms, figures, ["bank/a", "bank/b"])
    assert changed == {"bank/a"}, "what was remembered of it is gone: it is looked at again"


def test_points_of_a_change() -> None:
    known = settings()
    after = [m for m in range(-5, 50) if point_at(known, "desk", ENDS + m * MIN) is not None]
    assert after == [*range(5), *range(15, 20), *range(30, 35)]
    assert point_at(known, "desk", ENDS + 17 * MIN) == ENDS + 15 * MIN
    assert point_at(known, "other", ENDS) is None


def test_what_is_remembered_is_bounded() -> None:
    watch, world = ChangeWatch(set()), World(settings())
    usual(world)
    for day in range(40):
        for minute in range(POINTS_KEPT + 6):
            values: list[float | None] = [float(world.figures[0, figure(w.metric, w.window)]) for w in WATCHED]
            watch._look("bank/PS", day * DAY + minute * MIN, minute, values)
    state = watch.snapshot("bank/PS")
    assert len(state[1]) == POINTS_KEPT
    assert {len(kept) for _, kept in state[1]} <= set(range(1, DAYS + 1))
    assert len(orjson.dumps(state)) < 6_000
    again = ChangeWatch(set())
    again.restore("bank/PS", orjson.loads(orjson.dumps(state)))
    assert again.snapshot("bank/PS") == state
    assert all(figure(w.metric, w.window) >= 0 for w in WATCHED)
