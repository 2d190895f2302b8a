"""Storms over whole partitions: one order and one page for what breaks together, its queues verified one by one."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor, Record
from agents.moved import actor_of, home_of
from agents.units import BOARD
from alerts.rebuild import by_order, rebuild
from alerts.storm import PAGE_WAITS_MS
from models.catalogue import Catalogue
from models.partition import partition_of
from models.storm import Standing
from models.topics import ALERTS, WORKORDER_LOG, WORKORDERS
from tests.agents.storm_world import S, Town, catalogue
from tests.agents.unit_world import World

NORTH = (("north", ""), ("south", ""))
WAITS_S = PAGE_WAITS_MS // S


def queues(count: int, site: str = "north") -> list[str]:
    return [f"{site}/q{n:03}" for n in range(count)]


def begun(settings: Catalogue, names: list[str], partitions: int = 1, down: int | None = None) -> Town:
    """A minute and a half of good service, then the first *down* of *names* are lost, until a storm is on."""
    town = Town(settings, names, partitions)
    town.run(90)
    town.down = set(names[:down])
    town.run(45)
    return town


@pytest.mark.parametrize("partitions", [1, 4])
def test_two_hundred_queues_down_are_one_page_to_one_person(partitions: int) -> None:
    town = begun(catalogue(*NORTH), queues(200), partitions)
    parent = town.order("north/*")
    assert town.pages() == [("ann", "north/*")]
    assert (parent["owner"], parent["severity"], parent["state"]) == ("ann", 2, "dispatched")
    assert "of 200 queues of north broke within five minutes (live service level): north/q0" in parent["sentence"]
    town.run(60)
    children, parent = town.children(parent["id"]), town.order("north/*")
    assert sorted(order["queue"] for order in children) == town.queues
    assert {order["owner"] for order in children} == {"ann"}
    assert len(town.orders()) == 201
    assert town.pages() == [("ann", "north/*")]
    town.run(60)
    assert len(town.order("north/*")["storm"]["queues"]) == 50
    assert (town.order("north/*")["storm"]["count"], town.order("north/*")["storm"]["open"]) == (200, 200)


# --- a storm from its beginning to its end --------------------------------------------------------------------------

LATE, FAILS = "north/q010", "north/q003"


def life(partitions: int) -> Town:
    """Ten of twelve queues break, an eleventh later; what is done helps all but one of them."""
    town = begun(catalogue(*NORTH), [*queues(12), *queues(3, "south")], partitions, down=10)
    town.down |= {LATE}
    town.run(75)
    town.tell("north/*", "acknowledge")
    town.run(10)
    town.down = {FAILS}
    town.run(30)
    town.tell("north/*", "resolve", cause="trunk", measure="rerouted by the carrier")
    town.run(100)
    town.down = set()
    town.run(240)
    return town


@pytest.fixture(scope="module")
def one() -> Town:
    return life(1)


@pytest.fixture(scope="module")
def four() -> Town:
    return life(4)


def test_children_are_held_and_acknowledged_with_their_parent(one: Town) -> None:
    log = one.log("north/q001")
    assert steps(log)[1:] == [
        ("breached", "dispatched", "shift_lead"),
        ("breached", "withheld", "storm_may_come"),
        ("storm_begins", "held", "storm"),
        ("acknowledge", "moved", "with_its_parent"),
        ("resolve", "moved", "with_its_parent"),
        ("verified", "closed", log[-1][2]),
    ]
    order = one.order("north/q001")
    assert (order["state"], order["cause"], order["measure"]) == ("closed", "trunk", "rerouted by the carrier")
    assert order["parent"] == one.order("north/*")["id"]
    assert order["version"] == len([e for e in one.said[WORKORDER_LOG] if e["order"] == order["id"]])


def test_a_queue_that_breaks_later_joins_without_a_page_or_a_line(one: Town) -> None:
    assert ("storm_begins", "held", "storm") in one.log(LATE)
    assert ("breached", "withheld", "storm_may_come") not in one.log(LATE)
    assert [alert["kind"] for alert in one.said[ALERTS] if alert["queue"] == LATE] == []


def test_one_that_fails_goes_its_own_way(one: Town) -> None:
    log = [(event, decision, why) for event, decision, why in one.log(FAILS) if event in ("failed", "storm_over")]
    assert log[-1] == ("storm_over", "continued", "its_own_calls_failed")
    assert one.pages() == [("ann", "north/*"), ("ann", FAILS)]
    order = one.order(FAILS)
    assert (order["state"], order["cause"], order["reopened"], order["escalation"]) == (
        "closed",
        "recovered by itself",
        1,
        0,
    )


def test_the_parent_closes_when_each_of_its_queues_is_closed_or_has_left(one: Town) -> None:
    parent = one.order("north/*")
    assert (parent["state"], parent["cause"], parent["reopened"]) == ("closed", "trunk", 0)
    assert parent["storm"]["over"]
    assert (parent["storm"]["count"], parent["storm"]["open"]) == (11, 0)
    last = max(o["closed_ms"] for o in one.children(parent["id"]))
    left = next(o["updated_ms"] for o in one.said[WORKORDERS] if o["queue"] == FAILS and o["reopened"])
    assert max(last, left) < parent["closed_ms"] < max(last, left) + 12 * S


def test_the_other_site_has_no_part_in_it(one: Town) -> None:
    assert not [order for order in one.orders().values() if order["queue"].startswith(("south/", "*"))]


def test_four_partitions_say_what_one_says(one: Town, four: Town) -> None:
    assert four.pages() == one.pages()
    both = [{o["id"]: shown(o) for o in town.orders().values()} for town in (one, four)]
    assert both[0] == both[1]
    for queue in one.queues:
        assert steps(four.log(queue)) == steps(one.log(queue))


def steps(log: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What was decided, without how far it has come."""
    return [entry for entry in log if entry[0] not in ("undecided", "brief_due") and entry[1] != "worse"]


def shown(order: dict[str, Any]) -> dict[str, Any]:
    names = ("queue", "state", "owner", "severity", "parent", "storm", "cause", "opened_ms", "closed_ms", "reopened")
    return {name: order[name] for name in names}


@pytest.mark.parametrize("town", ["one", "four"])
def test_every_order_can_be_rebuilt_from_the_log(town: str, request: pytest.FixtureRequest) -> None:
    there: Town = request.getfixturevalue(town)
    logs = by_order(there.said[WORKORDER_LOG])
    assert logs.keys() == there.orders().keys()
    for order in there.said[WORKORDERS]:
        after = rebuild(logs[order["id"]])[order["version"]]
        assert after == {name: value for name, value in order.items() if name != "pos"}


@pytest.mark.parametrize("every", [113, 1_410])
def test_a_crash_anywhere_changes_no_byte(one: Town, every: int) -> None:
    log, settings = one.laid[0], one.settings
    whole = PartitionActor(0, 1, settings).apply(log, range(len(log))).records
    actor, out = PartitionActor(0, 1, settings), list[Record]()
    kept: dict[str, bytes] = {}
    for at in range(0, len(log), every):
        batch = log[at : at + every]
        out += actor.apply(batch, range(at, at + len(batch))).records
        kept |= actor.freeze(actor.changed() if kept else actor.kept())
        common, heir = orjson.loads(orjson.dumps(actor.freeze_common())), PartitionActor(0, 1, settings)
        heir.thaw(actor.position, common, kept)
        actor = heir
    assert [r.value for r in out] == [r.value for r in whole]


# --- what is none, and what is of a wider unit ----------------------------------------------------------------------


def test_two_queues_are_no_storm_and_are_paged_after_a_moment() -> None:
    town = begun(catalogue(*NORTH), queues(10), down=2)
    town.run(30)
    assert [order["queue"] for order in town.orders().values()] == queues(2)
    assert sorted(town.pages()) == [("ann", queue) for queue in queues(2)]
    for order in town.orders().values():
        assert not order["withheld"]
        paged = next(a["at_ms"] for a in town.said[ALERTS] if a["kind"] == "page" and a["queue"] == order["queue"])
        assert WAITS_S <= (paged - order["opened_ms"]) // S <= 60
        assert order["respond_by_ms"] == order["opened_ms"] + 600 * S, "the limit runs from the opening"
    assert town.order(queues(1)[0])["parent"] is None


def test_where_no_storm_can_come_the_page_goes_out_at_once() -> None:
    town = begun(catalogue(*NORTH), queues(2), down=2)
    for order in town.orders().values():
        assert town.log(order["queue"])[2] == ("breached", "notified", "paged")


def test_storms_can_be_switched_off() -> None:
    town = begun(catalogue(*NORTH, storm_queues=0), queues(8))
    assert len(town.pages()) == len(town.orders()) == 8


def test_a_trunk_over_half_the_queues_of_two_sites_is_their_region() -> None:
    sites = (("ash", "east"), ("birch", "east"), ("cedar", "west"))
    names = [*queues(6, "ash"), *queues(6, "birch"), *queues(12, "cedar")]
    town = Town(catalogue(*sites), names, 4)
    town.run(90)
    town.down = {*queues(3, "ash"), *queues(3, "birch")}
    town.run(50)
    assert town.pages() == [("ann", "east/*")]
    assert {order["queue"] for order in town.children(town.order("east/*")["id"])} == town.down


def test_what_comes_back_by_itself_closes_by_itself() -> None:
    town = begun(catalogue(*NORTH), queues(8))
    town.down = set()
    town.run(240)
    assert {order["state"] for order in town.orders().values()} == {"closed"}
    assert {order["cause"] for order in town.orders().values()} == {"recovered by itself"}
    assert town.pages() == [("ann", "north/*")]


# --- what people do -------------------------------------------------------------------------------------------------


def test_a_storm_that_was_none_gives_its_queues_back() -> None:
    town = begun(catalogue(*NORTH), queues(6), down=4)
    town.tell("north/*", "cancel", reason="false alarm: four campaigns at once")
    town.tell("north/*", "confirm_cancel", actor="bo")
    town.run(20)
    assert town.order("north/*")["state"] == "cancelled"
    assert sorted(town.pages()) == sorted([("ann", "north/*"), *(("ann", queue) for queue in queues(4))])
    for queue in queues(4):
        assert town.order(queue)["parent"] is None
        assert ("storm_over", "continued", "storm_cancelled") in town.log(queue)
    town.run(60)
    assert len([o for o in town.orders().values() if o["queue"] == "north/*"]) == 1, "the same queues are none again"


def test_a_storm_whose_unit_is_gone_lets_its_queues_go() -> None:
    town = begun(catalogue(*NORTH), queues(6))
    for actor in town.rehearsal.actors:
        book = actor.judgement.storms
        book.take([Standing("north/*", book.standings["north/*"].n + 1, town.now_ms, ended="closed")])
    town.run(2)
    assert {order["parent"] for order in town.orders().values()} == {None}
    assert ("storm_over", "continued", "storm_closed") in town.log("north/q002")
    assert ("ann", "north/q002") in town.pages()


def test_the_limits_of_a_child_stand_still() -> None:
    """Far beyond the time to respond only the parent has climbed; given back, a child has what was left."""
    town = begun(catalogue(*NORTH, respond_ms=(100 * S,) * 3, page_gap_ms=0), queues(6))
    first = town.order("north/q002")
    town.run(240)
    assert {queue for _, queue in town.pages()} == {"north/*"}
    assert town.order("north/*")["escalation"] == 2
    assert {(o["owner"], o["escalation"]) for o in town.orders().values() if o["parent"]} == {("cy", 0)}
    town.tell("north/*", "cancel", actor="cy", reason="false alarm")
    town.tell("north/*", "confirm_cancel", actor="ann")
    town.run(15)
    held, back = (
        next(e for e in town.said[WORKORDER_LOG] if e["queue"] == "north/q002" and e["event"] == event)
        for event in ("storm_begins", "storm_over")
    )
    for limit in ("respond_by_ms", "resolve_by_ms"):
        assert back["order_after"][limit] - back["at_ms"] == first[limit] - held["at_ms"]


def test_who_takes_a_queue_takes_it_out() -> None:
    town = begun(catalogue(*NORTH), queues(6))
    town.tell("north/q002", "take", actor="bo")
    town.run(30)
    order = town.order("north/q002")
    assert (order["owner"], order["parent"], order["state"]) == ("bo", None, "acknowledged")
    assert ("storm_over", "continued", "taken_out_of_the_storm") in town.log("north/q002")
    assert {order["owner"] for order in town.children(town.order("north/*")["id"])} == {"ann"}


def test_the_children_go_with_their_parent_to_another_person() -> None:
    town = begun(catalogue(*NORTH), queues(6), 4)
    town.tell("north/*", "take", actor="bo")
    town.run(12)
    assert {order["owner"] for order in town.orders().values()} == {"bo"}
    assert {order["state"] for order in town.orders().values()} == {"acknowledged"}
    assert ("storm_begins", "reassigned", "the_parents_owner") in town.log("north/q002")
    assert town.pages() == [("ann", "north/*")]


def test_when_enough_break_again_the_parent_comes_back_once() -> None:
    town = begun(catalogue(*NORTH), queues(8), 4)
    town.tell("north/*", "acknowledge")
    town.run(10)
    town.tell("north/*", "resolve", cause="trunk", measure="restarted")
    town.run(120)
    parent = town.order("north/*")
    assert (parent["reopened"], parent["escalation"], parent["owner"], parent["state"]) == (1, 1, "bo", "analysing")
    assert town.pages() == [("ann", "north/*"), ("bo", "north/*")]
    assert {order["queue"] for order in town.children(parent["id"])} == set(town.queues)
    assert {order["owner"] for order in town.children(parent["id"])} == {"bo"}


def test_a_signature_does_not_end_a_storm_whose_queues_are_open() -> None:
    town = begun(catalogue(*NORTH, undecided_ms=20 * S), queues(6))
    town.tell("north/*", "acknowledge")
    town.down = set()
    town.run(25)
    town.queues = []  # no calls that could prove anything
    town.tell("north/*", "resolve", cause="trunk", measure="restarted")
    town.run(40)
    assert town.order("north/*")["verification"]["state"] == "undecided"
    town.tell("north/*", "sign_evidence", text="I called it")
    refused = [e for e in town.said[WORKORDER_LOG] if e["decision"] == "refused"]
    assert [e["data"]["reason"] for e in refused] == ["storm_queues_open"]


# --- other partitions, other owners ---------------------------------------------------------------------------------


def moved(town: Town, partitions: int) -> None:
    """`callwatch repartition` in the middle of it."""
    while town.rehearsal.held:
        town.play()
    common, boards, states = list[dict[str, Any]](), list[bytes](), dict[str, bytes]()
    for actor in town.rehearsal.actors:
        common.append(orjson.loads(orjson.dumps(actor.freeze_common())))
        kept = actor.freeze(actor.kept())
        boards.append(kept.pop(BOARD))
        states |= kept
    town.begin(partitions)
    for p in range(partitions):
        mine = {name: data for name, data in states.items() if home_of(name, partitions) == p}
        town.rehearsal.actors[p] = actor_of(p, partitions, town.settings, common, boards, mine)


@pytest.mark.parametrize(("before", "after"), [(3, 2), (1, 4), (4, 1)])
def test_a_storm_moves_to_other_partitions(before: int, after: int) -> None:
    town = begun(catalogue(*NORTH), queues(8), before, down=6)
    moved(town, after)
    town.down |= {queues(8)[7]}
    town.run(60)
    assert len(town.children(town.order("north/*")["id"])) == 7
    town.tell("north/*", "acknowledge", actor="ann")
    town.down = set()
    town.run(30)
    town.tell("north/*", "resolve", cause="trunk", measure="restarted")
    town.run(60)
    assert {(order["state"], order["cause"]) for order in town.orders().values()} == {("closed", "trunk")}
    assert town.pages() == [("ann", "north/*")]


@pytest.mark.parametrize("seed", range(2))
def test_owners_that_die_and_wake_up_say_what_the_log_says(one: Town, seed: int) -> None:
    """Read in an order drawn by chance a storm is heard of at other places; but all owners of a log say the same."""
    three = Town(one.settings, one.queues, 3)
    given: list[list[bytes]] = [[] for _ in range(3)]
    for value in one.laid[0]:
        event = orjson.loads(value)
        for p in range(3) if event["type"] == "clock" else [partition_of(event["queue"], 3)]:
            given[p].append(value)
    world = World(given, three.settings, random.Random(seed))
    world.run(faults=0.04, most=[12, 40][seed % 2])
    world.judged()  # nobody says two things at one place
    assert any(b'"storm.changed"' in value for log in world.logs for value in log)
    for p, log in enumerate(world.logs):
        again = PartitionActor(p, 3, three.settings).apply(log, range(len(log)))
        assert {(r.topic, r.pos, r.value) for r in again.records} == {
            (r.topic, r.pos, r.value) for r in world.outputs[p]
        }
