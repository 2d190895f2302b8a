"""Any order is rebuilt from the log alone: at every version, field for field, of every order of every world."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given

from alerts.judgement import Judgement, Output
from alerts.rebuild import by_order, rebuild
from models.errors import InputError
from tests.alerts import test_commands, test_deadlines, test_loop, world
from tests.alerts.test_replay import LIMITS, QUEUES, Move, long_walk, moves, play, restart, small_world, walks
from tests.alerts.world import MIN, World, breach, catalogue

Payload = dict[str, Any]


def compare(log: Iterable[Payload], orders: Iterable[Payload]) -> int:
    """Rebuild every order of *log* and compare it with every one of its payloads in *orders*; how many those are."""
    rebuilt = {order: rebuild(entries) for order, entries in by_order(log).items()}
    published = list(orders)
    for order in published:
        assert rebuilt[order["id"]][order["version"]] == {k: v for k, v in order.items() if k != "pos"}
    return len(published)


def of_topic(outputs: Iterable[Output], topic: str) -> Iterator[Payload]:
    return (output.payload for output in outputs if output.topic == topic)


def compare_world(of: World) -> int:
    return compare(of_topic(of.outputs, "workorder-log"), of_topic(of.outputs, "workorders"))


@walks
@given(moves)
def test_every_version_of_any_walk(walk: list[Move]) -> None:
    of = small_world()
    for move in walk:
        play(of, move)
    compare_world(of)


def test_every_version_of_a_long_walk_with_restarts() -> None:
    of = small_world()
    for i, move in enumerate(long_walk()):
        play(of, move)
        if i % 5 == 0:
            restart(of)
    assert compare_world(of) > 1_000
    assert len(by_order(of.log())) > 10


def _timelines() -> list[Callable[[], None]]:
    """The tests of the loop that need nothing but themselves: each plays one timeline in worlds of its own."""
    found = (
        test
        for module in (test_loop, test_commands, test_deadlines)
        for name, test in vars(module).items()
        if name.startswith("test_") and not inspect.signature(test).parameters and not hasattr(test, "hypothesis")
    )
    return list(found)


@pytest.mark.parametrize("timeline", _timelines(), ids=lambda test: test.__name__)
def test_every_version_of_every_timeline(timeline: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[World] = []
    begin = world.World.__init__

    def remembered(self: World, *arguments: Any, **named: Any) -> None:
        worlds.append(self)
        begin(self, *arguments, **named)

    monkeypatch.setattr(world.World, "__init__", remembered)
    timeline()
    for of in worlds:
        compare_world(of)


def test_a_symptom_whose_rule_a_new_owner_does_not_know_leaves_through_the_log() -> None:
    of = small_world()
    of.service(0.3)
    of.run(2 * MIN)
    state = of.judgement.snapshot("bank/PS")
    of.judgement = Judgement(catalogue(rules=(of.catalogue.rules[1],), limits=LIMITS))
    of.judgement.restore("bank/PS", state)
    of.tell("acknowledge")
    assert of.order()["active"] == []
    compare_world(of)


def test_the_log_read_twice_and_in_any_sequence_gives_the_same_order() -> None:
    of = World()
    breach(of)
    of.tell("acknowledge")
    log = of.log()
    assert rebuild([*reversed(log), *log]) == rebuild(log)


def test_what_is_not_the_whole_log_of_one_order_is_refused() -> None:
    of = small_world()
    for queue in QUEUES[:2]:
        of.service(0.3, queue=queue)
    of.run(2 * MIN)
    orders = by_order(of.log())
    log = next(iter(orders.values()))
    assert len(orders) == 2
    with pytest.raises(InputError, match="entries of 2 orders"):
        rebuild(of.log())
    with pytest.raises(InputError, match="lacks version 1"):
        rebuild(log[1:])
    with pytest.raises(InputError, match="lacks version 2"):
        rebuild([log[0], *log[2:]])
    with pytest.raises(InputError, match="says two things"):
        rebuild([*log, {**log[1], "why": "another installation"}])
    with pytest.raises(InputError, match="breaks at version 2"):
        rebuild([log[0], {**log[1], "before": "closed"}, *log[2:]])
    assert rebuild([]) == {}
