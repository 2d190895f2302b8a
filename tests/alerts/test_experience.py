"""What closed orders teach, how alike orders are, and when a queue that keeps coming back is a problem."""

from __future__ import annotations

import orjson
import pytest

from alerts import memory
from alerts.experience import Case, Experience, likeness, similar
from alerts.judgement import Judgement
from alerts.memory import Memory
from alerts.order import Check, WorkOrder
from alerts.problem import Recurrence, unpacked
from models.catalogue import PROBLEM_ORDERS_MAX, Catalogue, Cause, LoopLimits, Playbook, PlayStep
from models.causes import causes_of, kind_of, playbooks_for
from tests.alerts.world import HOUR, MIN, RULES, T0, WAITING, S, World, breach, catalogue, refusal

DAY = 24 * HOUR
#: Wednesday 10:00.
HALF = 2 * 48 + 20


def past(
    name: str = "WO-1", queue: str = "bank/PS", half: int = HALF, closed_ms: int = T0, helped: int = 0
) -> Experience:
    return Experience(name, queue, half, ["sl"], {"x": 0.4}, "surge", "callbacks", "90 %", T0 - HOUR, closed_ms, helped)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case("bank/PS", HALF, ["sl"], {"x": 0.4}), 1.0),
        (Case("bank/IN", HALF, ["sl"], {"x": 0.4}), 0.825),
        (Case("shop/orders", HALF, ["sl"], {"x": 0.4}), 0.65),
        (Case("bank/PS", HALF, ["wait"], {"x": 0.4}), 0.65),
        (Case("bank/PS", HALF, ["sl", "wait"], {"x": 0.4}), 1.0),  # over the fewer of both
        (Case("bank/PS", HALF + 2, ["sl"], {"x": 0.4}), 0.925),
        (Case("bank/PS", HALF + 4, ["sl"], {"x": 0.4}), 0.85),
        (Case("bank/PS", HALF + 48, ["sl"], {"x": 0.4}), 1.0),  # another working day
        (Case("bank/PS", HALF + 3 * 48, ["sl"], {"x": 0.4}), 0.925),  # Saturday
        (Case("bank/PS", HALF, ["sl"], {"x": 0.2}), 0.925),
        (Case("bank/PS", HALF, ["sl"], {"y": 0.4}), 0.85),
    ],
)
def test_likeness(case: Case, expected: float) -> None:
    assert likeness(case, past()) == expected


def test_midnight_is_near_to_midnight() -> None:
    assert likeness(Case("bank/PS", 0, ["sl"], {"x": 0.4}), past(half=47)) == pytest.approx(0.9625, abs=0.001)


def test_the_three_most_similar_are_offered_and_unlike_ones_never() -> None:
    known = [
        past("WO-A", "shop/orders"),
        past("WO-B", "bank/IN"),
        past("WO-C", closed_ms=T0 + 1),
        past("WO-D"),
        past("WO-E", helped=1),
        past("WO-F", "shop/orders", half=0),
    ]
    case = Case("bank/PS", HALF, ["sl"], {"x": 0.4})
    assert [like.order for like in similar(case, known)] == ["WO-E", "WO-C", "WO-D"]
    assert similar(Case("bank/PS", 0, ["other"]), known) == []


def solved(world: World, measure: str = "two agents moved over") -> str:
    """An order from its breach to its closing; its id."""
    order = breach(world)
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    world.tell("resolve", cause="staffing", measure=measure)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    assert world.order()["state"] == "closed"
    world.service(0.9)
    return order


def test_a_closed_order_teaches_the_next_one() -> None:
    world = World()
    first = solved(world)
    assert world.decisions()[-1] == "verified:experience_kept"
    world.run(HOUR, MIN)
    breach(world)
    (like,) = world.order()["like"]
    assert (like["order"], like["cause"], like["measure"]) == (first, "staffing", "two agents moved over")
    assert like["effect"].startswith("the next 10 calls")
    offered = next(e for e in world.log() if e["decision"] == "experience_offered")
    assert offered["data"] == {"like_1": first, "score_1": like["score"]}


def test_whether_it_helped_is_kept_and_can_be_thought_better_of() -> None:
    world = World()
    first = solved(world)
    world.run(HOUR, MIN)
    breach(world)
    assert refusal(world.tell("helped", like="WO-OTHER", helped="yes")) == "not_offered"
    for said, kept in (("yes", 1), ("yes", 1), ("no", -1), ("yes", 1)):
        world.tell("helped", like=first, helped=said)
        assert world.order()["like"][0]["helped"] == said
        assert world.judgement.snapshot("bank/PS")["memory"]["past"][0]["helped"] == kept


def test_an_order_that_comes_back_takes_its_experience_back() -> None:
    world = World()
    solved(world)
    world.run(16 * MIN)
    breach(world)
    assert world.order()["reopened"] == 1
    assert "relapsed:experience_withdrawn" in world.decisions()
    assert "past" not in world.judgement.snapshot("bank/PS")["memory"]


def test_what_ended_by_itself_teaches_nothing() -> None:
    world = World(catalogue(rules=(WAITING,)))
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(2 * S)
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.run(2 * MIN)
    assert world.order()["cause"] == "recovered by itself"
    assert "verified:experience_kept" not in world.decisions()


def closed(name: str, queue: str, closed_ms: int) -> WorkOrder:
    order = WorkOrder(name, queue, "closed", 2, closed_ms - HOUR, symptoms=["sl"], cause="surge", measure="x")
    order.closed_ms, order.verification = closed_ms, Check(closed_ms, 10, 10, "passed", "fine")
    return order


def test_what_is_remembered_is_bounded() -> None:
    changed: set[str] = set()
    known = Memory(changed)
    for n in range(memory.PER_QUEUE + 3):
        known.keep(Catalogue(), closed(f"WO-{n}", "bank/PS", T0 + n))
    assert known.snapshot("bank/PS")["past"][0]["order"] == "WO-3"
    for n in range(memory.IN_ALL - memory.PER_QUEUE):
        known.keep(Catalogue(), closed(f"WX-{n}", f"q{n}/x", T0 + 100 + n))
    changed.clear()
    known.keep(Catalogue(), closed("WO-LAST", "last/x", T0 + 10**6))
    assert changed == {"last/x", "bank/PS"}  # whose oldest was forgotten
    assert len(known.snapshot("bank/PS")["past"]) == memory.PER_QUEUE - 1


MANY = LoopLimits()


def came(back: Recurrence, half: int, at_ms: int, order: str) -> tuple[str | None, list[str]]:
    """An order of a half-hour: its problem, and the orders of it when it opens now."""
    found, key = back.came("bank/PS", [f"at:{half}"], at_ms, order, MANY)
    return found, back.problems[key].orders if key else []


def test_a_problem_opens_with_the_third_order_of_a_half_hour_in_ten_days() -> None:
    back = Recurrence()
    assert came(back, 20, T0, "WO-1") == (None, [])
    assert came(back, 21, T0 + DAY, "WO-X") == (None, [])
    assert came(back, 20, T0 + 5 * DAY, "WO-2") == (None, [])
    problem, orders = came(back, 20, T0 + 9 * DAY, "WO-3")
    assert problem is not None
    assert orders == ["WO-1", "WO-2", "WO-3"]
    assert came(back, 20, T0 + 18 * DAY, "WO-4") == (problem, [])
    assert came(back, 20, T0 + 28 * DAY, "WO-5") == (problem, [])  # it does not go away by itself
    assert unpacked(orjson.loads(orjson.dumps(back.packed()))) == back
    back.closed("at:20")
    for n, name in ((29, "WO-6"), (30, "WO-7")):
        assert came(back, 20, T0 + n * DAY, name) == (None, [])
    another, orders = came(back, 20, T0 + 31 * DAY, "WO-8")
    assert (orders, another != problem) == (["WO-6", "WO-7", "WO-8"], True)
    assert unpacked(orjson.loads(orjson.dumps(back.packed()))) == back


def test_the_span_is_ten_days_and_a_cancelled_order_does_not_count() -> None:
    late = Recurrence()
    found = [came(late, 20, T0 + at * DAY, f"WO-{at}") for at in (0, 5, 10)]
    assert found[-1] == (None, [])
    cut = Recurrence()
    came(cut, 20, T0, "WO-1")
    assert (cut.cancelled("WO-1"), cut.cancelled("WO-1")) == (True, False)
    came(cut, 20, T0 + DAY, "WO-2")
    assert came(cut, 20, T0 + 2 * DAY, "WO-3") == (None, [])


def test_an_order_counts_for_one_problem_only() -> None:
    back = Recurrence()
    for n in range(3):
        found, key = back.came("q/x", ["at:20", "seen:menu"], T0 + n * DAY, f"WO-{n}", MANY)
    assert (found is not None, key, back.orders) == (True, "at:20", {})
    assert back.came("q/x", ["at:20", "seen:menu"], T0 + 3 * DAY, "WO-3", MANY) == (found, None)
    assert back.orders == {}
    for n in (4, 5):
        back.came("q/x", [f"at:{n}", "seen:menu"], T0 + n * DAY, f"WO-{n}", MANY)
    _, key = back.came("q/x", ["at:6", "seen:menu"], T0 + 6 * DAY, "WO-6", MANY)
    assert (key, back.problems["seen:menu"].orders) == ("seen:menu", ["WO-4", "WO-5", "WO-6"])


def test_how_many_orders_in_how_many_days_is_a_setting() -> None:
    two = LoopLimits(problem_orders=2, problem_ms=DAY)
    back = Recurrence()
    assert back.came("q/x", ["cause:trunk"], T0, "WO-1", two) == (None, None)
    assert back.came("q/x", ["cause:trunk"], T0 + DAY, "WO-2", two) == (
        None,
        None,
    )  # a day later the first is forgotten
    assert back.came("q/x", ["cause:trunk"], T0 + DAY + HOUR, "WO-3", two)[1] == "cause:trunk"


def test_recurrence_is_bounded() -> None:
    back = Recurrence()
    many = LoopLimits(problem_orders=PROBLEM_ORDERS_MAX)
    for n in range(2_000):
        back.came("q/x", [f"at:{n % 48}", "seen:menu"], T0 + n * MIN, f"WO-{n}", many)
        assert all(len(found) < PROBLEM_ORDERS_MAX for found in back.orders.values())
    assert len(back.problems) <= 49
    assert {len(found.orders) for found in back.problems.values()} == {PROBLEM_ORDERS_MAX}


def test_what_was_remembered_when_only_time_counted_is_read() -> None:
    kept = [[[20, [[T0, "WO-1"]]]], [[21, {"id": "PR-1", "last_ms": T0, "orders": ["WO-0"]}]]]
    back = unpacked(kept)
    assert (list(back.orders), list(back.problems)) == (["at:20"], ["at:21"])


def test_a_snapshot_of_an_old_owner_restores_what_is_remembered() -> None:
    world = World()
    solved(world)
    state = orjson.loads(orjson.dumps(world.judgement.snapshot("bank/PS")))
    world.judgement = Judgement(world.catalogue)
    world.judgement.restore("bank/PS", state)
    assert world.judgement.snapshot("bank/PS") == state
    world.judgement.restore("bank/PS", {})
    assert world.judgement.snapshot("bank/PS") == {}


def test_causes_and_their_playbooks() -> None:
    steps = (PlayStep(1, "Ring the line"),)
    made = Catalogue(
        rules=RULES,
        causes=("trunk", "vpn", "odd"),
        cause_book=(Cause("vpn", "VPN", "专线", "trunk"),),
        playbooks=(
            Playbook("trunk", steps=steps),
            Playbook("menu", rules=("unrea*", "finding:complaint"), steps=steps),
        ),
    )
    assert [(c.id, c.title) for c in causes_of(made)] == [("trunk", "Trunk or carrier"), ("vpn", "VPN"), ("odd", "odd")]
    assert [kind_of(made, cause) for cause in ("vpn", "trunk", "odd", None, "gone")] == [
        "trunk",
        "trunk",
        "odd",
        "",
        "",
    ]
    assert [p.kind for p in playbooks_for(made, ["vpn"], ["sl"])] == ["trunk"]
    assert [p.kind for p in playbooks_for(made, [None], ["unreached"])] == ["menu"]
    assert [p.kind for p in playbooks_for(made, [], ["finding:complaint"])] == ["menu"]
    assert playbooks_for(made, ["odd"], ["sl"]) == ()
