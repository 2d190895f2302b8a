"""The figures of the loop, computed from the log: timelines whose figures are known, and what must hold of any walk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given

from alerts.loop_figures import (
    Load,
    LoopFigures,
    Share,
    Spread,
    loads,
    loop_figures,
    rule_figures,
    share,
    spread,
    touches,
)
from alerts.order_facts import Facts, facts_of
from alerts.rebuild import by_order
from tests.alerts.test_loop import after_resolve, resolve
from tests.alerts.test_replay import Move, moves, play, small_world, walks
from tests.alerts.world import HOUR, MIN, T0, S, World, breach

FOREVER = (0, T0 + 10_000 * HOUR)
RAISED = T0 + 61 * S  # `breach` raises an order there, of a breach first seen at T0 + 1 s


def read(world: World, until_ms: int | None = None) -> list[Facts]:
    found = (facts_of(entries, until_ms) for entries in by_order(world.log()).values())
    return [facts for facts in found if facts is not None]


def figures(world: World, from_ms: int = 0, to_ms: int = FOREVER[1]) -> LoopFigures:
    return loop_figures(read(world, to_ms), from_ms, to_ms)


def one(ms: int) -> Spread:
    return Spread(1, float(ms), ms, ms, ms)


NONE = Spread(0, None, None, None, None)


def solved() -> World:
    """Acknowledged after 4 min, resolved after 10, closed 1 s later."""
    world = World()
    breach(world)
    world.run(4 * MIN)
    world.tell("acknowledge")
    world.run(6 * MIN)
    resolve(world)
    after_resolve(world, 0.9, 10)
    world.run(S)
    assert world.order()["state"] == "closed"
    return world


def test_the_times_of_an_order_that_was_solved() -> None:
    found = figures(solved())
    assert found.times == {
        "detect": one(MIN),
        "acknowledge": one(4 * MIN),
        "resolve": one(10 * MIN),
        "recover": NONE,
        "verify": one(S),
    }
    assert found.in_state["dispatched"] == one(4 * MIN)
    assert found.in_state["acknowledged"] == one(6 * MIN)
    assert found.in_state["verifying"] == one(S)
    assert found.in_state["on_hold"] == NONE
    assert (found.respond_kept, found.resolve_kept) == (Share(1, 1, 1.0), Share(1, 1, 1.0))
    assert (found.failed_share, found.relapse_share) == (Share(0, 1, 0.0), Share(0, 1, 0.0))
    assert found.closed_by == {"calls": 1}
    assert (found.open_at_start, found.open_at_end) == (0, 0)


def test_nothing_is_a_share_of_nothing() -> None:
    found = loop_figures([], *FOREVER)
    assert set(found.times.values()) | set(found.in_state.values()) == {NONE}
    assert {found.respond_kept, found.resolve_kept, found.failed_share, found.relapse_share} == {Share(0, 0, None)}
    assert set(found.counts.values()) == {0}
    assert rule_figures([], *FOREVER) == []
    assert loads([], *FOREVER, lambda *_: None) == []


def test_percentiles_are_values_that_occurred() -> None:
    assert spread([5, 1, 4, 2, 3]) == Spread(5, 3.0, 3, 5, 5)
    assert spread(range(1, 101)) == Spread(100, 50.5, 50, 90, 100)
    assert spread([7]) == one(7)
    assert spread([1, 2]) == Spread(2, 1.5, 1, 2, 2)
    assert spread([]) == NONE
    assert share(1, 3) == Share(1, 3, 1 / 3)


def test_a_limit_that_nobody_answers_is_broken_once() -> None:
    world = World()
    breach(world)
    world.run(40 * MIN, 10 * S)
    world.tell("acknowledge", world.order()["owner"])
    found = figures(world)
    assert found.respond_kept == Share(0, 1, 0.0)
    assert found.counts["escalated"] >= 2
    assert found.times["acknowledge"] == one(40 * MIN)
    world.run(HOUR, 10 * S)
    assert figures(world).resolve_kept == Share(0, 1, 0.0)
    assert figures(world).open_at_end == 1


def test_a_failed_verification_goes_on_with_the_round_and_a_relapse_begins_one() -> None:
    world = World()
    breach(world)
    resolve(world)
    after_resolve(world, 0.2, 10)
    world.run(MIN)
    assert world.order()["reopened"] == 1
    world.run(9 * MIN)
    resolve(world)
    after_resolve(world, 0.9, 10)
    world.run(S)
    assert world.order()["state"] == "closed"
    world.run(16 * MIN)  # the window holds new calls only, and they are bad
    assert world.order()["state"] == "analysing"
    relapsed_ms = world.log()[-1]["at_ms"]
    world.run(5 * MIN)
    begun_ms = world.now_ms
    resolve(world)
    after_resolve(world, 0.9, 10)
    world.run(S)
    found = figures(world)
    assert (found.counts["failed"], found.counts["relapsed"], found.counts["closed"]) == (1, 1, 2)
    assert (found.failed_share, found.relapse_share) == (Share(1, 3, 1 / 3), Share(1, 2, 0.5))
    assert sorted(m.ms for m in read(world)[0].measures if m.name == "resolve") == sorted(
        [10 * MIN, begun_ms - relapsed_ms]
    )
    assert found.times["verify"] == Spread(3, 1000.0, S, S, S)


def test_a_recovery_by_itself_is_no_resolve() -> None:
    world = World()
    breach(world)
    world.service(0.9)
    world.run(3 * MIN)
    after_resolve(world, 0.9, 10)
    world.run(S)
    found = figures(world)
    assert (found.times["resolve"], found.times["acknowledge"]) == (NONE, NONE)
    assert found.times["recover"].count == found.counts["recovered"] == 1
    assert found.respond_kept == Share(0, 0, None)  # nobody was asked long enough to be late
    assert found.resolve_kept == Share(1, 1, 1.0)


@pytest.mark.parametrize("how", ["test_call", "signed", "calls"])
def test_what_decides_the_undecided_is_told_apart(how: str) -> None:
    world = World()
    breach(world)
    resolve(world)
    world.run(3 * HOUR, MIN)
    if how == "test_call":
        world.probe(True)
    elif how == "signed":
        world.tell("sign_evidence", text="walked the floor")
    else:
        after_resolve(world, 0.9, 10)
        world.run(S)
    found = figures(world)
    assert (found.counts["undecided"], found.closed_by) == (1, {how: 1})


def test_accepted_held_and_cancelled_are_counted_by_what_they_are() -> None:
    world = World()
    breach(world)
    world.tell("hold", reason="carrier works", until_ms=world.now_ms + 10 * MIN)
    world.run(10 * MIN)
    world.tell("accept", "super", reason="short of staff", until_ms=world.now_ms + HOUR)
    world.tell("cancel", reason="false alarm: a drill")
    world.tell("confirm_cancel", reason="")
    world.tell("confirm_cancel", "team")
    found = figures(world)
    assert {what: found.counts[what] for what in ("on_hold", "accepted", "cancelled", "closed", "refused")} == {
        "on_hold": 1, "accepted": 1, "cancelled": 1, "closed": 0, "refused": 1,
    }  # fmt: skip
    assert found.cancelled_as == {"false alarm": 1}
    assert found.in_state["on_hold"] == one(10 * MIN)
    assert found.respond_kept == Share(1, 1, 1.0)  # it was accepted in time
    rule = rule_figures(read(world), *FOREVER)[0]
    assert (rule.rule, rule.raised, rule.cancelled_as_false, rule.false_share) == ("sl", 1, 1, Share(1, 1, 1.0))
    world.tell("verdict", verdict="expected")
    assert rule_figures(read(world), *FOREVER)[0].false_share == Share(0, 1, 0.0)  # what is said last counts


def test_a_verdict_speaks_for_every_symptom() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    breach(world)
    assert [r.false_share.share for r in rule_figures(read(world), *FOREVER)] == [None]
    world.tell("verdict", verdict="true")
    world.tell("verdict", verdict="false")
    found = {rule.rule: rule for rule in rule_figures(read(world), *FOREVER)}
    assert found["sl"].verdicts == found["wait"].verdicts == {"true": 0, "false": 1, "expected": 0}
    assert (found["sl"].raised, found["wait"].raised) == (0, 1)


def test_the_load_of_people() -> None:
    world = World(None, "a/one", "b/two")
    for queue in ("a/one", "b/two"):
        world.service(0.3, queue=queue)
    world.run(61 * S)
    raised_ms = world.now_ms
    for queue in ("a/one", "b/two"):
        world.tell("acknowledge", queue=queue)
    world.tell("note", queue="a/one", text="rang the carrier")
    world.tell("resume", queue="a/one")  # refused
    world.run(10 * MIN)
    world.tell("reassign", person="lead2", queue="b/two")
    world.run(5 * MIN)
    found = {load.person: load for load in loads(read(world), 0, raised_ms + 15 * MIN, lambda *_: 7)}
    assert found["lead"] == Load("lead", 2, 25 * MIN, 2, 5, 1, 2, 0, 1, 2)
    assert found["lead2"] == Load("lead2", 1, 5 * MIN, 1, 0, 0, 1, 0, 1, 1)
    assert list(found) == ["lead", "lead2"]
    by_shift = loads(read(world), 0, raised_ms + 15 * MIN, lambda person, at_ms: at_ms)
    assert [(load.shifts_paged, load.most_pages_in_a_shift) for load in by_shift] == [(1, 2), (1, 1)]


def test_a_period_is_cut_at_its_edges_and_what_comes_after_changes_nothing() -> None:
    world = solved()
    middle = figures(world, RAISED + 2 * MIN, RAISED + 5 * MIN)
    assert middle.in_state["dispatched"] == one(2 * MIN)
    assert middle.in_state["acknowledged"] == one(MIN)
    assert (middle.counts["raised"], middle.open_at_start, middle.open_at_end) == (0, 1, 1)
    assert (middle.times["detect"], middle.times["acknowledge"]) == (NONE, one(4 * MIN))
    before = figures(world, 0, RAISED + 5 * MIN)
    world.run(20 * MIN)
    breach(world)
    assert figures(world, 0, RAISED + 5 * MIN) == before


def _days(world: World) -> Iterator[LoopFigures]:
    edges = [*range(T0, world.now_ms + 1, 37 * MIN), world.now_ms + 1]
    for from_ms, to_ms in pairwise(edges):
        yield figures(world, from_ms, to_ms)


@walks
@given(moves)
def test_parts_of_a_period_add_up_to_it_and_orders_are_never_lost(walk: list[Move]) -> None:
    world = small_world()
    for move in walk:
        play(world, move)
    whole, parts = figures(world, T0, world.now_ms + 1), list(_days(world))
    for what, times in whole.counts.items():
        assert sum(part.counts[what] for part in parts) == times
    for name, measured in whole.times.items():
        assert sum(part.times[name].count for part in parts) == measured.count
    for kept in ("respond_kept", "resolve_kept", "failed_share", "relapse_share"):
        assert sum(getattr(part, kept).part for part in parts) == getattr(whole, kept).part
        assert sum(getattr(part, kept).of for part in parts) == getattr(whole, kept).of
    for part in (whole, *parts):
        n = part.counts
        ended = n["closed"] + n["cancelled"]
        assert part.open_at_start + n["raised"] + n["relapsed"] - ended == part.open_at_end
    for facts in read(world):
        owned = sum((s.to_ms or world.now_ms) - s.from_ms for s in facts.tenures)
        stayed = sum((s.to_ms or world.now_ms) - s.from_ms for s in facts.stays)
        assert owned == stayed  # somebody is accountable at every moment of an open order
        assert touches(facts, T0, world.now_ms + 1)
