"""What is said: sentences that a supervisor understands, in both languages, and ids that never change."""

from __future__ import annotations

import pytest

from alerts.defaults import default_rules
from alerts.episode import amount, anomaly_id, order_id, over, short_id, span
from tests.alerts.world import MIN, S, World, breach, catalogue


def said(world: World) -> list[tuple[str, str]]:
    return [(o.payload["sentence"], o.payload["zh"]) for o in world.outputs if o.topic == "anomalies"]


def test_the_service_level_names_its_formula() -> None:
    world = World()
    world.put("now", waiting=7, waiting_past_threshold=5)
    breach(world, 0.41)
    assert said(world)[-1] == (
        "Live service level of bank/PS is 41 % (short_excluded, 20 s) over the last 15 minutes, limit 60 %: "
        "30 calls, 5 waiting past 20 s",
        "bank/PS 最近15分钟实时服务水平为41 %(short_excluded,20秒),限值60 %:共30通,5通排队超过20秒",
    )


@pytest.mark.parametrize(
    ("rule", "figures", "expected"),
    [
        (
            "abandonment",
            {"15m": {"abandonment_rate": 0.25, "outcomes": 40, "abandoned": 10}},
            "Abandonment of bank/PS is 25 % over the last 15 minutes, limit 15 %: 40 calls, 10 abandoned",
        ),
        (
            "unreached",
            {"15m": {"unreached_share": 0.7, "arrivals": 23, "ivr_abandoned": 15, "blocked": 1}},
            "Share of arrivals that reached no queue of bank/PS is 70 % over the last 15 minutes, limit 60 %: "
            "23 arrivals, 15 left in the menu, 1 blocked",
        ),
        (
            "longest-wait",
            {"now": {"longest_wait_ms": 200_000, "waiting": 4}},
            "Longest wait of bank/PS is 3 min 20 s now, limit 3 min: 4 waiting",
        ),
        (
            "waiting-long",
            {"now": {"waiting_past_threshold": 6, "waiting": 9}},
            "Waiting past threshold of bank/PS is 6 calls now, limit 5 calls: 9 waiting",
        ),
        (
            "silence",
            {"now": {"silence_ms": 660_000}, "30m": {"arrivals": 24}},
            "Silence of bank/PS is 11 min now, limit 10 min",
        ),
    ],
)
def test_every_default_rule_speaks(rule: str, figures: dict[str, dict[str, float]], expected: str) -> None:
    world = World(catalogue(tuple(r for r in default_rules() if r.id == rule)))
    for window, values in figures.items():
        world.put(window, "bank/PS", **values)
    world.run(2 * MIN)
    (sentence, zh), *more = said(world)
    assert (sentence, more) == (expected, [])
    assert zh.startswith("bank/PS ")
    assert world.order()["symptoms"] == [rule]


def test_amounts_spans_and_windows() -> None:
    assert span(3_725_000) == ("1 h 2 min 5 s", "1小时2分5秒")
    assert span(0) == ("0 s", "0秒")
    assert amount("service_level", None) == ("undefined", "无数据")
    assert amount("agents_ready", 3) == ("3", "3")
    assert over("1m")[0] == "over the last minute"
    assert over("day") == ("today", "当日")


def test_ids_are_permanent() -> None:
    assert order_id("bank/PS", 918036001000) == "WO-FINMPPQZG7"
    assert anomaly_id("sl", "bank/PS", 918036001000).startswith("AN-")
    assert short_id("X-", "ab", "c") != short_id("X-", "a", "bc")


def test_an_end_says_how_long_it_was() -> None:
    world = World()
    breach(world)
    world.service(0.8)
    world.run(61 * S)
    assert said(world)[-1][0].startswith("Back within the limit after 2 min 1 s: Live service level of bank/PS is 80 %")


@pytest.mark.parametrize(("value", "shown"), [(0.1538, "15.4 %"), (0.15, "15 %"), (1.0, "100 %"), (0.0, "0 %")])
def test_a_share_just_beyond_its_limit_does_not_look_like_it(value: float, shown: str) -> None:
    assert amount("abandonment_rate", value)[0] == shown
