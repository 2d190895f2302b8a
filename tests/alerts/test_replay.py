"""The same calls give the same bytes: after any restart, in any walk; every payload is legal; the log is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.judgement import Judgement, Output
from models.catalogue import LoopLimits
from models.command import COMMANDS
from models.metric import figure
from tests.alerts.world import HOUR, MIN, PAYLOADS, PEOPLE, World, breach, catalogue

QUEUES = ("bank/PS", "bank/IN", "shop/orders")
#: Short limits, so that a walk of a few hours comes by every corner.
LIMITS = LoopLimits(
    respond_ms=(3 * MIN, 5 * MIN, 8 * MIN),
    resolve_ms=(10 * MIN, 20 * MIN, 40 * MIN),
    undecided_ms=15 * MIN,
    reopen_ms=10 * MIN,
    page_gap_ms=4 * MIN,
)
Move = tuple[str, int, int, int]
moves = st.lists(
    st.tuples(
        st.sampled_from(["level", "level", "calls", "waiting", "open", "tell", "tell", "tell", "probe"]),
        st.integers(0, len(QUEUES) - 1),
        st.integers(0, 999),
        st.integers(0, 6),
    ),
    min_size=10,
    max_size=60,
)


def small_world() -> World:
    return World(catalogue(limits=LIMITS), *QUEUES)


def play(world: World, move: Move) -> list[Output]:
    """One move of a walk, then some time."""
    kind, q, n, pause = move
    queue = QUEUES[q]
    if kind == "level":
        world.service((0.3, 0.5, 0.65, 0.9)[n % 4], (0, 12, 30)[n % 3], queue=queue)
        world.put("5m", queue, service_level_live=(0.4, 0.9)[n % 2], service_sample=n % 3)
    elif kind == "calls":
        world.put("resolve", queue, service_level_live=(0.4, 0.9, 1.0)[n % 3], outcomes=n % 14, arrivals=n % 14)
        world.put("15m", queue, unreached_share=(0.1, 0.9)[n % 2], arrivals=30)
    elif kind == "waiting":
        world.put("now", queue, waiting=n % 9, waiting_past_threshold=n % 9)
    elif kind == "open":
        world.put("now", queue, open=float(n % 4 > 0))
    elif kind == "probe":
        world.probe(n % 2 == 0, queue)
    elif any(o.queue == queue for o in world.outputs if o.topic == "workorders"):
        command(world, queue, n)
    return world.run(pause * MIN, 20_000)


_OF_NO_ORDER = ("report", "over", "floor_note", "accept_shift", "plan", "shorten_plan", "cancel_plan",
                "declare_emergency", "stand_down", "mark_odd")  # fmt: skip


def command(world: World, queue: str, n: int) -> None:
    """Some command of somebody, mostly complete."""
    actor, order = PEOPLE[n % len(PEOPLE)].id, world.order(queue)
    args: dict[str, Any] = {
        "cause": ("staffing", "surge", "")[n % 3],
        "measure": "something",
        "reason": ("false alarm", "planned work", "carrier")[n % 3],
        "text": "words",
        "person": PEOPLE[n // 7 % len(PEOPLE)].id,
        "until_ms": world.now_ms + (n % 50) * MIN,
        "verdict": "true",
        "kind": ("on_site", "complaint", "external")[n % 3],
        "severity": 1 + n % 3,
        "verify": ("figure", "probe", "signed", "sender")[n // 3 % 4],
        "metric": ("service_level_live", "waiting")[n % 2],
        "window": ("15m", "now")[n % 2],
        "limit": 0.8,
        "breach": "above" if n % 2 else "",
        "key": f"k{n % 2}",
        "outcome": ("passed", "failed")[n % 2],
        "helped": ("yes", "no")[n % 2],
        "planned": ("maintenance", "campaign", "drill", "closure")[n % 4],
        "covers": (queue, "bank/*", "*")[n % 3],
        "from_ms": world.now_ms + (n % 4) * MIN,
    }
    if order["findings"]:
        finding = order["findings"][n % len(order["findings"])]
        args |= {"finding": finding["id"], "key": finding["key"] or "k0"}
        actor = finding["by"] if n % 2 else finding["person"] or actor
    if order["like"]:
        args["like"] = order["like"][0]["order"]
    often: tuple[str, ...] = (
        "acknowledge",
        "acknowledge",
        "acknowledge",
        "analyse",
        "analyse",
        "resolve",
        "resolve",
        "resolve",
        "resolve",
    )
    often += ("hold", "over", "sign_check", "release", "cancel", "confirm_cancel")
    often += ("hold", "over", "acknowledge", "resolve")
    assert len(COMMANDS) + len(often) == 53, "a prime: coprime to what else hangs on n; add some that come often"
    names = (*COMMANDS, *often)
    name = names[n % len(names)]
    kind = "emergency" if name == "stand_down" else "planned"
    told = [alert[kind]["event"] for alert in world.alerts(kind)]
    args["event"] = told[-1 - n % min(len(told), 3)] if told else ""
    world.tell(name, actor, queue, **args, order="-" if name in _OF_NO_ORDER else order["id"])


def everything(outputs: list[Output]) -> bytes:
    return orjson.dumps([asdict(o) for o in outputs])


def restart(world: World) -> None:
    """Another worker takes over: only the snapshots are left of the old one."""
    states = {q: orjson.loads(orjson.dumps(world.judgement.snapshot(q))) for q in QUEUES}
    planned = orjson.loads(orjson.dumps(world.judgement.plan.common()))
    world.judgement = Judgement(world.catalogue)
    world.judgement.plan.thaw(planned)
    for queue, state in states.items():
        world.judgement.restore(queue, state)
        assert world.judgement.snapshot(queue) == state


walks = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@walks
@given(moves, st.sets(st.integers(0, 59), max_size=5))
def test_restarts_change_no_byte(walk: list[Move], cuts: set[int]) -> None:
    whole, cut = small_world(), small_world()
    for i, move in enumerate(walk):
        if i in cuts:
            restart(cut)
        play(whole, move)
        play(cut, move)
    assert everything(cut.outputs) == everything(whole.outputs)


@walks
@given(moves)
def test_what_is_not_marked_changed_has_not_changed(walk: list[Move]) -> None:
    world = small_world()
    kept = {q: orjson.dumps(world.judgement.snapshot(q)) for q in QUEUES}
    for move in walk:
        world.judgement.changed.clear()
        play(world, move)
        for queue in set(QUEUES) - world.judgement.changed:
            assert orjson.dumps(world.judgement.snapshot(queue)) == kept[queue]
        kept = {q: orjson.dumps(world.judgement.snapshot(q)) for q in QUEUES}


def check_orders(world: World) -> None:
    """One open order per queue, one accountable person, closed only by a passed verification."""
    for order in (o.payload for o in world.outputs if o.topic == "workorders"):
        assert order["owner"] is not None
        assert order["owner"] != "lia"
        assert (order["state"] == "closed") <= (order["verification"] or {"state": ""})["state"].startswith("passed")
        assert set(order["active"]) <= set(order["symptoms"])
        assert (order["state"] in ("closed", "cancelled")) == (order["closed_ms"] is not None)
        assert (order["state"] in ("on_hold", "accepted")) == (order["hold_until_ms"] is not None)
    for queue in QUEUES:
        state: dict[str, str] = {}
        for output in world.outputs:
            if output.topic == "workorders" and output.queue == queue:
                state[output.key] = output.payload["state"]
                assert sum(s not in ("closed", "cancelled") for s in state.values()) <= 1
        watching = bool(state) and list(state.values())[-1] == "verifying"
        assert not watching or queue in world.watched


def check_pages(world: World) -> None:
    """At most one page per person and order in the gap."""
    last: dict[tuple[str, str], int] = {}
    for page in (a for a in world.alerts() if a["kind"] in ("page", "asked")):
        key = (page["order"], page["owner"])
        assert page["at_ms"] - last.get(key, -HOUR) >= LIMITS.page_gap_ms
        last[key] = page["at_ms"]


def check_payloads(world: World) -> None:
    for n, output in enumerate(world.outputs):
        PAYLOADS[output.topic].model_validate({"pos": (0, 1, n)} | output.payload, strict=True)
        assert output.key == (output.payload["id"] if output.topic == "workorders" else output.queue)


def check_log(world: World) -> None:
    """Every order, rebuilt from the log alone, is the order last published."""
    rebuilt: dict[str, dict[str, Any]] = {}
    for entry in world.log():
        order = rebuilt.setdefault(entry["order"], {})
        assert entry["before"] == order.get("state")
        order |= entry["order_after"]
        assert entry["after"] == order["state"]
        assert entry["version"] == order["version"]
    published = {o.key: o.payload for o in world.outputs if o.topic == "workorders"}
    assert rebuilt == published
    versions: dict[str, list[int]] = {}
    for entry in world.log():
        versions.setdefault(entry["order"], []).append(entry["version"])
    assert all(v == list(range(1, len(v) + 1)) for v in versions.values())


CHECKS: tuple[Callable[[World], None], ...] = (check_orders, check_pages, check_payloads, check_log)


@walks
@given(moves)
def test_invariants_of_any_walk(walk: list[Move]) -> None:
    world = small_world()
    for move in walk:
        play(world, move)
    for check in CHECKS:
        check(world)


def long_walk() -> list[Move]:
    rng = np.random.default_rng(7)
    kinds = ["level", "level", "calls", "waiting", "open", "tell", "tell", "tell", "probe"]
    sizes = (len(kinds), len(QUEUES), 1000, 7)
    drawn = [[int(rng.integers(n)) for n in sizes] for _ in range(1500)]
    return [(kinds[kind], q, n, pause) for kind, q, n, pause in drawn]


def test_a_long_walk_with_many_restarts_changes_no_byte() -> None:
    whole, cut = small_world(), small_world()
    for i, move in enumerate(long_walk()):
        play(whole, move)
        play(cut, move)
        if i % 3 == 0:
            restart(cut)
    assert everything(cut.outputs) == everything(whole.outputs)


def test_a_long_walk_comes_by_every_state_and_holds_every_invariant() -> None:
    world = small_world()
    for move in long_walk():
        play(world, move)
    for check in CHECKS:
        check(world)
    assert {o.payload["state"] for o in world.outputs if o.topic == "workorders"} == {
        "dispatched",
        "acknowledged",
        "analysing",
        "verifying",
        "closed",
        "on_hold",
        "accepted",
        "cancelled",
    }
    events = {e["event"] for e in world.log() if e["decision"] != "refused"}
    assert events >= {"breached", "joined", "recovered", "verified", "failed", "undecided", "relapsed"}
    assert events >= {"respond_due", "resolve_due", "hold_due", "accept_due"}
    assert {o.payload["kind"] for o in world.outputs if o.topic == "alerts"} == {
        "raised",
        "changed",
        "cleared",
        "refused",
        "page",
        "asked",
        "floor",
        "planned",
        "suppressed",
        "emergency",
    }


def test_an_order_that_closes_before_the_first_clock_of_a_new_owner_ends_its_episode() -> None:
    whole, cut = World(), World()
    for world in (whole, cut):
        breach(world)
        world.tell("acknowledge")
        world.tell("resolve", cause="staffing", measure="two more")
        world.run(3 * HOUR, MIN)
        assert (world.order()["verification"]["state"], world.order()["active"]) == ("undecided", ["sl"])
        if world is cut:
            state = world.judgement.snapshot("bank/PS")
            world.judgement = Judgement(world.catalogue)
            world.judgement.restore("bank/PS", state)
        world.probe(True)
        assert world.anomalies() == [("sl", "start"), ("sl", "end")]
        world.run(20 * MIN, MIN)
    assert everything(cut.outputs) == everything(whole.outputs)


def test_a_snapshot_of_nothing_is_empty() -> None:
    world = small_world()
    world.run(MIN)
    assert [world.judgement.snapshot(q) for q in QUEUES] == [{}, {}, {}]


def test_rules_that_are_gone_are_forgotten() -> None:
    world = small_world()
    world.service(0.3)
    world.run(2 * MIN)
    state = world.judgement.snapshot("bank/PS")
    other = World(catalogue(rules=(world.catalogue.rules[1],), limits=LIMITS), *QUEUES)
    other.judgement.restore("bank/PS", state)
    other.outputs = list(world.outputs)
    other.now_ms = world.now_ms
    other.figures[:, figure("waiting_past_threshold", "now")] = 0
    other.tell("acknowledge")
    other.tell("resolve", cause="staffing", measure="rule withdrawn")
    other.put("resolve", outcomes=10)
    other.run(MIN)
    assert other.order()["state"] == "closed"
