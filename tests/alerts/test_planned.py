"""Planned events and the emergency state: recorded, not paged, not learned from, judged again at the end, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from alerts.judgement import Judgement
from alerts.planned import Plan, together
from models.catalogue import Catalogue, LoopLimits, QueueSettings, Site, Source
from models.metric import figure
from models.outputs import Alert
from models.planned import AHEAD_MS, EMERGENCIES_MAX, KINDS, LONGEST_MS, OF_PATTERN_MAX, OF_QUEUE_MAX, covers
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, PAYLOADS, PEOPLE, RULES, SERVICE, T0, UNREACHED, S, World, breach, catalogue

QUEUE = "bank/PS"
GOOD = {"cause": "staffing", "measure": "two agents moved over"}
TREND = SERVICE.__class__("slow", "service_level_live", "30m", 0.7, 0.7, True, severity=4, min_sample=10, recovery=0.1)


def begun(*queues: str, settings: Catalogue | None = None) -> TapedWorld:
    """A world with a clock behind it, and nothing wrong."""
    world = TapedWorld(settings or catalogue(), *queues)
    world.run(S)
    return world


def plan(world: World, minutes: float = 60, kind: str = "maintenance", **fields: Any) -> str:
    """Enter an event of the next *minutes* by the lead; its id."""
    args: dict[str, Any] = {"planned": kind, "covers": QUEUE, "text": "trunk works"}
    args |= {"until_ms": world.now_ms + int(minutes * MIN)} | fields
    world.tell("plan", args.pop("actor", "lead"), args.pop("queue", QUEUE), order="-", **args)
    return str(world.alerts("planned")[-1]["planned"]["event"])


def declare(world: World, pattern: str = QUEUE, queue: str = QUEUE) -> str:
    world.tell("declare_emergency", "super", queue, order="-", covers=pattern, reason="fire")
    return str(world.alerts("emergency")[-1]["emergency"]["event"])


def marked(world: TapedWorld, first: int) -> TapedWorld:
    world.first, world.last = first, len(world.tape.records)
    return world


def opened(world: World) -> list[int]:
    return [e["at_ms"] for e in world.log() if e["decision"] == "raised"]


def suppressed(world: World) -> list[tuple[str, str]]:
    return [(a["suppressed"]["rule"], a["suppressed"]["state"]) for a in world.alerts("suppressed")]


# --- while it runs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["maintenance", "campaign", "drill", "closure"])
def test_a_breach_is_recorded_and_opens_nothing(kind: str) -> None:
    world = begun()
    event = plan(world, kind=kind)
    world.service(0.4)
    world.run(30 * MIN, 20 * S)
    (anomaly,) = [o.payload for o in world.outputs if o.topic == "anomalies"]
    assert (anomaly["phase"], anomaly["planned"]) == ("start", event)
    (alert,) = world.alerts("suppressed")
    assert (alert["order"], alert["severity"], alert["suppressed"]["event"]) == (None, 2, event)
    assert (alert["suppressed"]["state"], alert["suppressed"]["because"]) == ("running", "planned_event")
    Alert.model_validate({"pos": (0, 0, 0), **alert})
    Alert.model_validate({"pos": (0, 0, 0), **world.alerts("planned")[0]})
    assert world.orders() == set()
    assert world.alerts("page") == []
    assert world.judgement.judgement.tile(QUEUE) == "breach"  # type: ignore[attr-defined]


def test_a_campaign_is_no_reason_why_nobody_gets_through() -> None:
    for kind, orders in (("campaign", 1), ("maintenance", 0)):
        world = begun()
        plan(world, kind=kind)
        world.put("15m", unreached_share=0.9, arrivals=30)
        world.run(61 * S)
        assert len(opened(world)) == orders
    assert world.alerts("page") == []


def test_before_it_begins_nothing_is_kept_quiet_and_its_beginning_is_a_boundary() -> None:
    world = begun()
    begins = world.now_ms + 10 * MIN
    plan(world, 60, from_ms=begins)
    world.around(begins - MIN)
    world.service(0.4)
    first = len(world.tape.records)
    world.run(MIN)  # the breach holds for a minute at 60 s, which is the first clock of the event
    world.run(5 * S)
    survives(marked(world, first), "breached:raised", times=0)
    assert suppressed(world) == [("sl", "running")]
    early = begun()
    plan(early, 60, from_ms=early.now_ms + 62 * S)
    breach(early)
    assert len(opened(early)) == 1


def test_what_begins_and_ends_within_is_told_and_opens_nothing() -> None:
    world = begun()
    plan(world)
    world.service(0.4)
    world.run(5 * MIN, 20 * S)
    world.service(0.9)
    world.run(2 * HOUR, 20 * S)
    assert suppressed(world) == [("sl", "running"), ("sl", "over")]
    assert world.alerts("suppressed")[1]["suppressed"]["ended_ms"] is not None
    assert world.orders() == set()
    assert [o.payload["planned"] is not None for o in world.outputs if o.topic == "anomalies"] == [True, True]


def test_trend_notes_are_kept_quiet_too_and_told_when_it_is_over() -> None:
    world = begun(settings=catalogue(rules=(TREND,)))
    plan(world, 30)
    world.service(0.4, window="30m")
    world.run(20 * MIN, 20 * S)
    assert [a for a in world.alerts() if a["note"]] == []
    world.run(20 * MIN, 20 * S)
    assert [a["note"]["state"] for a in world.alerts() if a["note"]] == ["open"]


def test_other_queues_are_not_concerned() -> None:
    world = begun(QUEUE, "bank/NE")
    plan(world)
    breach_of(world, "bank/NE")
    assert len(opened(world)) == 1


def breach_of(world: World, queue: str) -> None:
    world.service(0.4, queue=queue)
    world.run(61 * S)


# --- its end --------------------------------------------------------------------------------------------------------


def over(world: TapedWorld, how: str) -> int:
    """End the event of the world in one of the ways; the number of records before it."""
    event = world.alerts("planned")[-1]["planned"]
    if how == "end":
        world.around(event["until_ms"])
        return world.first
    first = len(world.tape.records)
    if how == "cancelled":
        world.tell("cancel_plan", "lia", order="-", event=event["event"], reason="called off")
    elif how == "shortened":
        until_ms = world.now_ms + 3 * S
        world.tell("shorten_plan", "lia", order="-", event=event["event"], until_ms=until_ms, reason="done")
    else:
        declare(world)
    world.run(6 * S)
    world.first, world.last = first, len(world.tape.records)
    world.run(2 * MIN, 20 * S)
    return first


@pytest.mark.parametrize("how", ["end", "cancelled", "shortened", "emergency"])
def test_what_is_still_in_breach_opens_its_order_at_the_end_once(how: str) -> None:
    world = begun()
    event = plan(world)
    world.service(0.4)
    world.run(20 * MIN, 20 * S)
    over(world, how)
    survives(world, "planned_over:judged_again")
    (entry,) = [e for e in world.log() if e["decision"] == "judged_again"]
    reason = "emergency_declared" if how == "emergency" else "planned_event_over"
    assert (entry["why"], entry["data"]) == (reason, {"planned": event, "rule": "sl"})
    assert len(opened(world)) == 1
    assert [a["owner"] for a in world.alerts("page")] == ["lead"]
    assert suppressed(world) == [("sl", "running"), ("sl", "judged_again")]
    assert world.anomalies() == [("sl", "start")]
    assert world.order()["respond_by_ms"] == opened(world)[0] + 10 * MIN


def test_the_order_that_opens_at_the_end_is_an_order_like_any_other() -> None:
    world = begun()
    plan(world, 10)
    world.service(0.4)
    world.run(11 * MIN)
    world.tell("acknowledge")
    world.service(0.9)
    world.run(2 * MIN)
    assert world.order()["state"] == "verifying"
    assert [o.payload["planned"] is None for o in world.outputs if o.topic == "anomalies"] == [False, True]


def test_a_relapse_inside_an_event_waits_for_its_end() -> None:
    world = begun()
    breach(world)
    order = world.order()["id"]
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    world.tell("resolve", **GOOD)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    assert world.order()["state"] == "closed"
    plan(world, 20)
    world.service(0.9)
    world.run(2 * MIN)
    world.service(0.4)
    world.run(10 * MIN, 20 * S)
    assert world.order()["state"] == "closed"
    world.run(10 * MIN, 20 * S)
    assert (world.order()["id"], world.order()["reopened"]) == (order, 1)


def test_two_events_keep_quiet_until_the_later_one_is_over() -> None:
    world = begun()
    plan(world, 20)
    plan(world, 40, "campaign")
    world.service(0.4)
    world.run(30 * MIN, 20 * S)
    assert opened(world) == []
    world.run(11 * MIN, 20 * S)
    assert opened(world) == [world.alerts("planned")[1]["planned"]["until_ms"]]


# --- orders that were open ------------------------------------------------------------------------------------------


def test_an_open_order_stands_still_and_goes_on_with_what_was_left() -> None:
    world = begun()
    breach(world)
    before = world.order()
    first = len(world.tape.records)
    plan(world, 120)
    world.run(2 * S)
    survives(marked(world, first), "planned_begins:paused")
    world.around(first_until(world))
    survives(world, "planned_over:continued")
    assert "respond_due:escalated" not in world.decisions()
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "lead"]  # opened, and judged again
    still = first_until(world) - (before["opened_ms"] + S)
    assert world.order()["respond_by_ms"] == before["respond_by_ms"] + still
    assert world.order()["resolve_by_ms"] == before["resolve_by_ms"] + still
    world.run(10 * MIN, S)
    assert world.order()["owner"] == "lead2"


def first_until(world: World) -> int:
    return int(world.alerts("planned")[0]["planned"]["until_ms"])


def test_nobody_is_reminded_while_it_runs() -> None:
    world = begun(settings=catalogue(limits=LoopLimits(remind_ms=(20 * MIN,) * 3, resolve_ms=(9 * HOUR,) * 3)))
    breach(world)
    world.tell("acknowledge")
    world.run(5 * MIN, 20 * S)
    plan(world, 60)
    world.run(60 * MIN, 20 * S)
    pages = len(world.alerts("page"))
    assert "remind_due:reminded" not in world.decisions()
    world.run(14 * MIN, 20 * S)
    assert "remind_due:reminded" not in world.decisions()
    world.run(10 * MIN, 20 * S)
    assert "remind_due:reminded" in world.decisions()
    assert pages == 2


def test_a_limit_that_is_set_meanwhile_loses_nothing_of_what_came_before_it() -> None:
    world = begun()
    breach(world)
    plan(world, 60)
    world.run(30 * MIN, 20 * S)
    world.tell("reassign", "super", person="lead2")
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "lead2"]  # a person asks: it is done
    world.run(31 * MIN, 20 * S)
    assert world.order()["respond_by_ms"] == first_until(world) + 10 * MIN


def test_a_hold_inside_an_event_moves_the_limits_once() -> None:
    world = begun()
    breach(world)
    world.tell("acknowledge")
    left = world.order()["resolve_by_ms"] - world.now_ms
    plan(world, 60)
    world.run(10 * MIN)
    world.tell("hold", reason="carrier", until_ms=world.now_ms + 20 * MIN)
    first = len(world.tape.records)
    world.run(5 * S)
    marked(world, first)
    world.run(50 * MIN - 5 * S, 20 * S)
    assert world.order()["state"] == "acknowledged"  # the hold ended in the event, and is over with it
    assert abs(world.order()["resolve_by_ms"] - world.now_ms - left) <= 20 * S
    survives(world, "hold_due:moved", times=0)


def test_a_verification_waits_and_counts_the_calls_after_the_event() -> None:
    world = begun()
    breach(world)
    world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    world.tell("resolve", **GOOD)
    world.run(5 * S)
    plan(world, 30)
    world.put("resolve", service_level_live=0.2, outcomes=40)  # the calls of the event
    world.run(20 * MIN, 20 * S)
    assert world.order()["verification"]["state"] == "paused"
    world.run(first_until(world) - 4 * S - world.now_ms, 20 * S)
    world.put("resolve", service_level_live=0.2, outcomes=0)  # the watch begins anew
    world.run(8 * S)
    assert world.watched[QUEUE] == first_until(world)
    assert (world.order()["verification"]["state"], world.order()["verification"]["seen"]) == ("running", 0)
    world.put("resolve", service_level_live=0.9, outcomes=10)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_a_further_breach_joins_the_open_order_without_a_page() -> None:
    world = begun()
    breach(world)
    plan(world)
    world.put("15m", unreached_share=0.9, arrivals=30)
    world.run(61 * S)
    assert world.order()["symptoms"] == ["sl", "unreached"]
    assert len(world.alerts("page")) == 1


def test_pages_that_would_be_sent_are_suppressed_and_the_owner_is_paged_when_it_is_over() -> None:
    world = begun()
    breach(world)
    event = plan(world, 30)
    world.run(20 * MIN, 20 * S)
    left = catalogue(people=tuple(p for p in PEOPLE if p.id != "lead"))
    judgement = world.tape.judgement
    world.outputs += judgement.change(left, world.now_ms, world.figures, world.names, world)
    assert world.log()[-1]["data"] == {"person": "lead2", "planned": event}
    assert (world.log()[-1]["decision"], world.log()[-1]["why"]) == ("suppressed", "planned_event")
    world.run(11 * MIN, 20 * S)
    assert [a["owner"] for a in world.alerts("page")] == ["lead", "lead2"]


def test_an_order_that_becomes_graver_than_a_campaign_goes_on() -> None:
    world = begun()
    breach(world)
    plan(world, kind="campaign")
    world.run(MIN)
    world.put("15m", unreached_share=0.9, arrivals=30)
    world.run(61 * S)
    (entry,) = [e for e in world.log() if e["decision"] == "continued"]
    assert entry["why"] == "graver_than_planned"
    world.run(6 * MIN)
    assert "respond_due:escalated" in world.decisions()


# --- any walk -------------------------------------------------------------------------------------------------------


def step(world: World, kind: str, queue: str, n: int) -> None:
    """One move of a walk."""
    if kind == "time":
        world.run((n % 5 + 1) * MIN, 20 * S)
    elif kind == "level":
        world.service((0.3, 0.9, 0.9)[n % 3], queue=queue)
        world.put("15m", queue, unreached_share=(0.1, 0.1, 0.1, 0.9)[n % 4], arrivals=30)
        world.put("resolve", queue, service_level_live=0.9, unreached_share=0.1, outcomes=12, arrivals=12)
    elif kind == "plan":
        pattern, begins = (queue, "bank/*", "*")[n % 3], world.now_ms + n % 3 * MIN
        plan(world, 5 + n % 40, KINDS[n % 4], queue=queue, covers=pattern, from_ms=begins)
    elif kind in ("declare_emergency", "stand_down", "cancel_plan", "shorten_plan"):
        of = "planned" if "plan" in kind else "emergency"
        told = [alert[of]["event"] for alert in world.alerts(of)]
        args = {"event": told[-1 - n % min(3, len(told))] if told else "", "covers": (queue, "bank/*")[n % 2]}
        world.tell(kind, "boss", queue, order="-", until_ms=world.now_ms + n % 4 * MIN, reason="x", **args)
    elif any(o.queue == queue for o in world.outputs if o.topic == "workorders"):
        world.tell(kind, "lead", queue, reason="carrier", until_ms=world.now_ms + n % 9 * MIN, **GOOD)


def walk() -> list[tuple[str, str, int]]:
    rng = np.random.default_rng(3)
    kinds = ["level"] * 6 + ["plan"] * 3 + ["acknowledge", "hold", "resume", "resolve"]
    kinds += ["stand_down"] * 6 + ["declare_emergency", "cancel_plan", "shorten_plan"]
    drawn = rng.integers([len(kinds), 2, 1000], size=(400, 3)).tolist()
    moves = [(kinds[k], ("bank/PS", "bank/NE")[q], n) for k, q, n in drawn]
    return [one for kind, q, n in moves for one in ((kind, q, n), ("time", q, n))]


def test_a_walk_with_a_restart_at_each_step_changes_no_byte_and_marks_what_changes() -> None:
    names = ("bank/PS", "bank/NE")
    limits = LoopLimits(respond_ms=(3 * MIN,) * 3, resolve_ms=(9 * MIN,) * 3, remind_ms=(5 * MIN,) * 3)
    whole, cut = World(catalogue(limits=limits), *names), World(catalogue(limits=limits), *names)
    kept: dict[str, Any] = {}
    for kind, queue, n in walk():
        step(whole, kind, queue, n)
        step(cut, kind, queue, n)
        old = cut.judgement
        kept |= {name: old.snapshot(name) for name in old.changed}
        cut.judgement = Judgement(cut.catalogue)
        cut.judgement.plan.thaw(orjson.loads(orjson.dumps(old.plan.common())))
        for name in names:
            assert old.snapshot(name) == kept.get(name, {})
            cut.judgement.restore(name, orjson.loads(orjson.dumps(old.snapshot(name))))
        cut.judgement.changed.clear()
    assert cut.outputs == whole.outputs
    states = {(a["suppressed"]["state"], a["suppressed"]["because"]) for a in whole.alerts("suppressed")}
    assert len(states) == 4
    reasons = {e["why"] for e in whole.log() if e["event"].startswith("planned")}
    assert reasons == {"planned_event", "planned_event_over", "emergency_declared", "graver_than_planned"}
    for output in whole.outputs:
        PAYLOADS[output.topic].model_validate({"pos": (0, 0, 0), **output.payload})


# --- the emergency state --------------------------------------------------------------------------------------------


def test_while_an_emergency_is_on_nothing_planned_keeps_anything_quiet() -> None:
    world = begun()
    plan(world, 600, covers="*", queue=QUEUE)
    world.run(S)
    first = len(world.tape.records)
    event = declare(world, "*")
    world.run(S)
    breach(world)
    survives(marked(world, first), "breached:raised")
    world.tell("stand_down", "boss", order="-", event=event, reason="out")
    world.run(2 * S)
    assert world.decisions()[-1] == "planned_begins:paused"
    on, off = [a["emergency"] for a in world.alerts("emergency")]
    assert (on["by"], on["reason"], on["ended_ms"]) == ("super", "fire", None)
    assert (off["event"], off["since_ms"], off["ended_by"], off["ended_reason"]) == (
        event,
        on["since_ms"],
        "boss",
        "out",
    )
    assert world.alerts("emergency")[0]["severity"] == 1
    Alert.model_validate({"pos": (0, 0, 0), **world.alerts("emergency")[1]})


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"actor": "stranger"}, "unknown_person"),
        ({"text": " "}, "needs_text"),
        ({"planned": ""}, "needs_planned"),
        ({"until_ms": T0}, "until_is_past"),
        ({"from_ms": T0 + 3 * HOUR, "until_ms": T0 + 2 * HOUR}, "ends_before_it_begins"),
        ({"until_ms": T0 + 2 * S + LONGEST_MS}, "lasts_too_long"),
        ({"from_ms": T0 + 2 * S + AHEAD_MS, "until_ms": T0 + HOUR + AHEAD_MS}, "begins_too_late"),
        ({"covers": "bank"}, "not_a_queue_or_site"),
        ({"covers": "bank/P*"}, "not_a_queue_or_site"),
        ({"covers": "bank/NE"}, "not_a_queue_or_site"),
        ({"covers": "shop/*"}, "unknown_site"),
        ({"of_source": "mad"}, "unknown_source"),
        ({"text": "x" * 201}, "text_too_long"),
    ],
)
def test_what_is_no_event_is_refused_by_name(fields: dict[str, Any], reason: str) -> None:
    settings = Catalogue(
        sites=(Site("bank", region="land"),), queues=(QueueSettings(department="desk"),), rules=RULES, people=PEOPLE,
        sources=(Source("pbx", 5_000),),
    )  # fmt: skip
    world = begun(settings=settings)
    args: dict[str, Any] = {"planned": "drill", "covers": QUEUE, "text": "x", "until_ms": T0 + HOUR} | fields
    world.tell("plan", args.pop("actor", "lead"), order="-", **args)
    assert world.alerts("planned") == []
    assert f"({reason})" in world.alerts("refused")[-1]["text"]
    plan(world, covers="land/*", of_source="pbx")


def test_events_and_emergencies_are_bounded() -> None:
    world = begun()
    for n in range(OF_QUEUE_MAX + 1):
        plan(world, 60 + n)
    for n in range(OF_PATTERN_MAX + 1):
        plan(world, 60 + n, covers="bank/*")
    refused = [a["text"] for a in world.alerts("refused")]
    assert ["too_many_planned" in text for text in refused] == [True, True]
    world.run(61 * MIN, 20 * S)  # the first of each is over
    plan(world)
    plan(world, covers="*")
    for n in range(EMERGENCIES_MAX):
        declare(world, f"bank{n}/*")
    declare(world, "bank0/*")
    declare(world, "bank99/*")
    refused = [a["text"] for a in world.alerts("refused")][2:]
    assert [reason in text for reason, text in zip(("emergency_is_on", "too_many_emergencies"), refused, strict=True)]


def test_shortening_and_cancelling_what_cannot_be() -> None:
    world = begun()
    event, emergency = plan(world), declare(world)
    until_ms = first_until(world)
    for command, args, reason in (
        ("shorten_plan", {"event": event, "until_ms": until_ms}, "not_shorter"),
        ("shorten_plan", {"event": event, "until_ms": world.now_ms}, "until_is_past"),
        ("shorten_plan", {"event": emergency, "until_ms": until_ms}, "no_such_event"),
        ("cancel_plan", {"event": "PE-X", "reason": "x"}, "no_such_event"),
        ("cancel_plan", {"event": event}, "needs_reason"),
        ("stand_down", {"event": event, "reason": "x"}, "no_such_event"),
    ):
        world.tell(command, order="-", **args)
        assert f"({reason})" in world.alerts("refused")[-1]["text"]
    assert len(world.alerts("planned")) == 1


# --- what it covers, and where it is kept ---------------------------------------------------------------------------


def test_what_a_pattern_covers() -> None:
    sites = (Site("bank", region="land"), Site("shop", region="land"), Site("port", region="sea"))
    settings = Catalogue(sites=sites)

    def found(pattern: str) -> list[str]:
        names = ("bank/PS", "bank/NE", "shop/orders", "port/x", "bank/*", "land/*", "*")
        return [name for name in names if covers(settings, pattern, name)]

    assert found("bank/PS") == ["bank/PS"]
    assert found("bank/*") == ["bank/PS", "bank/NE", "bank/*"]
    assert found("land/*") == ["bank/PS", "bank/NE", "shop/orders", "bank/*", "land/*"]
    assert found("*") == ["bank/PS", "bank/NE", "shop/orders", "port/x", "bank/*", "land/*", "*"]


def test_an_event_of_a_site_is_told_to_every_partition_and_is_the_same_there() -> None:
    worlds = [begun(QUEUE), begun("bank/NE")]
    worlds[0].told = 7  # each command has an id of its own
    events = {plan(world, covers="bank/*", queue=world.names[0], event="one") for world in worlds}
    assert len(events) == 1
    plan(worlds[0], covers="bank/*", event="one")
    assert "(entered_already)" in worlds[0].alerts("refused")[0]["text"]
    for world in worlds:
        breach_of(world, world.names[0])
        assert opened(world) == []
    worlds[0].tell("shorten_plan", order="-", event=events.pop(), until_ms=worlds[0].now_ms + MIN)
    common = [world.tape.judgement.plan.common() for world in worlds]
    merged = Plan(set(), Catalogue())
    merged.thaw(together(common))
    assert [event.until_ms for event in merged.events.values()] == [worlds[0].now_ms + MIN]


def test_settings_may_change_while_it_runs() -> None:
    world = World(catalogue())
    plan(world)
    world.service(0.4)
    world.run(61 * S)
    fewer = catalogue(rules=(UNREACHED,))
    out = world.judgement.change(fewer, world.now_ms, world.figures, world.names, world)
    assert [o.payload["suppressed"]["state"] for o in out if o.topic == "alerts"] == ["over"]
    assert world.judgement.plan.withheld == {}
    world.judgement.change(catalogue(), world.now_ms, world.figures, world.names, world)
    world.run(2 * HOUR, 20 * S)
    assert len(opened(world)) == 1


def test_a_restored_judgement_goes_on_before_its_queue_has_a_row() -> None:
    world = begun()
    plan(world, 5)
    world.service(0.4)
    world.run(2 * MIN)
    state, judgement = world.tape.judgement.snapshot(QUEUE), Judgement(world.catalogue)
    judgement.restore(QUEUE, state)
    assert judgement.snapshot(QUEUE) == state
    judgement.clock(world.now_ms + 10 * MIN, world.figures[:0], [], world)
    assert judgement.plan.withheld == {QUEUE: {"sl": next(iter(world.tape.judgement.plan.events))}}
    out = judgement.clock(world.now_ms + 11 * MIN, world.figures, world.names, world)
    assert "raised" in [o.payload["decision"] for o in out if o.topic == "workorder-log"]


def test_figures_of_an_event_are_no_measure_for_other_days() -> None:
    plan_of = Plan(set(), Catalogue())
    world = begun()
    plan(world)
    assert plan_of.is_usual(QUEUE, world.now_ms)
    assert not world.tape.judgement.plan.is_usual(QUEUE, world.now_ms)
    assert world.tape.judgement.plan.is_usual("bank/NE", world.now_ms)
    assert world.figures[0, figure("open", "now")] == 1.0
