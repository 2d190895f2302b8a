"""The same cause again and again: orders at any time of day that have their cause in common are one problem."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.order import Brief, Finding, Storm, WorkOrder
from alerts.rebuild import by_order, rebuild
from alerts.seen_cause import KINDS, WORDS, seen
from alerts.staffing import why
from models.catalogue import Cause, LoopLimits
from models.metric import METRIC
from models.outputs import Alert
from tests.alerts.tape import TapedWorld, survives
from tests.alerts.world import HOUR, MIN, T0, UNREACHED, WAITING, S, World, catalogue

DAY = 24 * HOUR
CAUSES = ("trunk", "surge", "staffing", "other", "vpn")
BOOK = (Cause("vpn", "VPN to the site", "专线", "trunk"),)
SETTINGS = replace(catalogue(rules=(replace(WAITING, severity=2), UNREACHED)), causes=CAUSES, cause_book=BOOK)


def at(world: World, day: int, hour: int) -> None:
    """Go on to that day, so many hours after the first clock."""
    world.run(T0 + day * DAY + hour * HOUR - world.now_ms, HOUR)


def resolved(world: World, cause: str) -> str:
    """Callers wait; somebody resolves it with *cause*, and ten calls prove it. The order's id."""
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(2 * S)
    world.tell("acknowledge")
    world.tell("analyse")
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.tell("resolve", cause=cause, measure="done")
    world.service(1.0, 12, "resolve")
    world.put("resolve", offered=12)
    world.run(2 * MIN, 20 * S)
    assert world.order()["state"] == "closed"
    return str(world.order()["id"])


def unreached(world: World, blocked: float, menu: float) -> None:
    """Most callers do not get through to the queue, then they do."""
    world.put("15m", arrivals=40, unreached_share=0.9, blocked=blocked, ivr_abandoned=menu)
    world.run(2 * MIN, 20 * S)
    world.put("15m", unreached_share=0.0)
    world.put("resolve", arrivals=40, unreached_share=0.0)
    world.run(5 * MIN, 20 * S)
    assert world.order()["state"] == "closed"


def records(world: World) -> list[dict[str, Any]]:
    return [alert["problem"] for alert in world.alerts("problem")]


def test_the_same_cause_given_three_times_at_different_hours_opens_one_problem() -> None:
    world = World(SETTINGS)
    ids = []
    for day, hour in ((0, 0), (2, 3), (5, 6)):
        at(world, day, hour)
        ids.append(resolved(world, "vpn"))
    (record,) = records(world)
    assert (record["by"], record["same"], record["title"], record["zh"]) == ("given", "vpn", "VPN to the site", "专线")
    assert (record["orders"], record["half_hour"], record["owner"]) == (ids, "", "super")
    (alert,) = world.alerts("problem")
    assert alert["text"] == (
        "3 orders of bank/PS within 10 days with the same cause (VPN to the site): a problem record is opened"
    )
    assert alert["zh"] == "bank/PS 10日内因同一原因(专线)出现3次工单,建立问题记录"
    Alert.model_validate({"pos": (0, 0, 0), **alert})
    at(world, 7, 1)
    resolved(world, "vpn")
    assert world.order()["problem"] == record["id"]
    assert len(records(world)) == 1
    found = {"text": "one line for both", "measure": "a second carrier"}
    world.tell("close_problem", "super", order="-", problem=record["id"], **found)
    assert [(r["state"], r["joined"], r["same"]) for r in records(world)[-1:]] == [("closed", 1, "vpn")]


@pytest.mark.parametrize(
    ("causes", "days"),
    [
        (("vpn", "surge", "staffing"), (0, 2, 4)),  # each another
        (("vpn", "vpn", "vpn"), (0, 5, 11)),  # too long ago
        (("other", "other", "other"), (0, 2, 4)),  # says nothing
    ],
)
def test_what_is_no_problem_by_its_cause(causes: tuple[str, ...], days: tuple[int, ...]) -> None:
    world = World(SETTINGS)
    for n, (cause, day) in enumerate(zip(causes, days, strict=True)):
        at(world, day, 3 * n)
        resolved(world, cause)
    assert records(world) == []


def test_a_cause_that_was_not_it_does_not_count() -> None:
    world = World(SETTINGS)
    resolved(world, "vpn")
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(2 * S)
    assert world.order()["reopened"] == 1
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.tell("resolve", cause="surge", measure="done")
    world.run(2 * MIN, 20 * S)
    for day in (2, 4):
        at(world, day, 3 * day)
        resolved(world, "vpn")
    assert records(world) == []


def test_what_the_system_sees_three_times_opens_one_problem() -> None:
    world = World(SETTINGS)
    for day, hour in ((0, 0), (2, 3), (5, 6)):
        at(world, day, hour)
        unreached(world, blocked=3, menu=30)
    (record,) = records(world)
    assert (record["by"], record["same"], record["title"]) == ("seen", "menu", "callers leave in the menu")
    varied = World(SETTINGS)
    for day, (blocked, menu) in enumerate([(3, 30), (30, 3), (10, 10)]):
        at(varied, 2 * day, 3 * day)
        unreached(varied, blocked, menu)
    assert records(varied) == []


def test_its_opening_survives_a_crash_at_every_record_and_is_rebuilt() -> None:
    world = TapedWorld(replace(SETTINGS, limits=LoopLimits(problem_orders=2)))
    resolved(world, "trunk")
    at(world, 1, 5)
    world.first = len(world.tape.records)
    resolved(world, "trunk")
    world.last = len(world.tape.records)
    survives(world, "verified:problem_opened")
    for entries in by_order(world.log()).values():
        assert rebuild(entries)


def order(**parts: Any) -> WorkOrder:
    return WorkOrder("WO-1", "bank/PS", "detected", 2, T0, **parts)


def gap(total: float, **causes: float) -> Brief:
    return Brief(T0, [], [], {"why_gap": total, **{f"why_{cause}": part for cause, part in causes.items()}}, {})


FIGURES = {"blocked": 0.0, "ivr_abandoned": 30.0}
COMPLAINT = Finding("FI-1", "complaint", "rude", 3, "amy", T0, "signed", "", "", None, False, "bob", "")


@pytest.mark.parametrize(
    ("about", "metrics", "cause"),
    [
        (order(), ["service_level_live"], ""),
        (order(), ["service_level_live", "login_failures"], "sign_in"),
        (order(), ["sources_dead"], "source"),
        (order(), ["unreached_share"], "menu"),
        (order(briefing=gap(-0.4, staffing=-0.3, volume=-0.1)), ["service_level_live"], "staffing"),
        (order(briefing=gap(-0.4, staffing=-0.15, volume=-0.15)), ["service_level_live"], ""),  # a bit of each
        (order(briefing=gap(0.1, staffing=-0.2)), ["service_level_live"], ""),  # nothing is missing
        (order(findings=[COMPLAINT]), [], "complaint"),
        (order(storm=Storm(T0)), ["service_level_live"], "storm"),
    ],
)
def test_what_is_seen_of_a_cause(about: WorkOrder, metrics: list[str], cause: str) -> None:
    assert seen(about, metrics, lambda metric, _: FIGURES.get(metric)) == cause


def test_every_cause_has_words_in_both_languages() -> None:
    assert set(KINDS) <= METRIC.keys()
    assert {*KINDS.values(), *why.CAUSES, "blocked", "menu", "storm", "complaint"} == WORDS.keys()
    assert all(en and zh and en != zh for en, zh in WORDS.values())
