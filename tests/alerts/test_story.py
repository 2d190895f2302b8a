"""The story of an order: every decision with its reason in words, from the log alone."""

from __future__ import annotations

import json

import pytest

from alerts.story import names, record, tell, text
from models.errors import InputError
from tests.alerts.test_loop import after_resolve, resolve
from tests.alerts.test_replay import long_walk, play, small_world
from tests.alerts.world import MIN, S, World, breach


def solved() -> World:
    world = World()
    breach(world)
    world.run(5 * MIN)
    world.put("5m", service_level_live=0.3, outcomes=9)
    world.tell("acknowledge")
    world.put("now", waiting_past_threshold=2)
    world.tell("resolve", cause="staffing", measure="two agents moved over")
    world.put("now", waiting_past_threshold=0)
    resolve(world)
    after_resolve(world, 0.9, 10)
    world.run(S)
    return world


def test_every_decision_is_told_in_order_with_its_figures() -> None:
    world = solved()
    lines = tell(world.log())
    assert [line.version for line in lines] == [entry["version"] for entry in world.log()]
    assert [line.what[1][0] for line in lines] == [
        "order opened", "given to its first owner", "paged", "reminder", "done, it moved", "refused",
        "done, it moved", "closed", "kept as experience",
    ]  # fmt: skip
    assert all(line.figures for line in lines)
    told = text(lines, "Asia/Shanghai")
    first = told.splitlines()[0]
    assert first.startswith("1999-02-03 18:01:01+0800  system: a figure is beyond its limit")
    assert "why   the shift lead on duty (owner Lead (lead))" in told
    assert "why   50 % of the time to respond is over" in told
    assert "why   2 callers are waiting past the threshold now" in told
    assert "live service level over the last 15 minutes 40 %" in told
    assert "respond by 1999-02-03 18:11:01+0800" in told
    assert "state being verified; cause staffing, measure two agents moved over" in told
    assert "Lead (lead): resolve: refused" in told


def test_chinese_stands_beside_the_english() -> None:
    told = text(tell(solved().log()), "UTC", chinese=True)
    assert "system: a figure is beyond its limit / 指标越限: order opened / 工单建立" in told
    assert "the shift lead on duty / 当班班长" in told
    assert "最近15分钟实时服务水平" in told
    assert "当前有来电排队超时" in told
    assert "响应时限已过50%" in told


def test_escalations_say_why_and_to_whom() -> None:
    world = World()
    breach(world)
    world.run(11 * MIN)
    told = text(tell(world.log()), "UTC", chinese=True)
    assert "Not acknowledged in time: the next on duty in the same tier" in told
    assert "未在响应时限内确认:同级下一位当班人员" in told
    assert "new owner" not in told
    assert "to / 新责任人 Lead2 (lead2)" in told
    assert names(world.log()) == {"lead": "Lead", "lead2": "Lead2"}


def test_all_orders_of_a_long_walk_can_be_told() -> None:
    world = small_world()
    for move in long_walk()[:500]:
        play(world, move)
    for order in world.orders():
        entries = [entry for entry in world.log() if entry["order"] == order]
        lines = tell(entries)
        assert len(lines) == len(entries)
        assert text(lines, "Europe/Berlin", chinese=True)
        assert json.dumps([record(line) for line in lines])
        assert text(tell([*reversed(entries), *entries]), "UTC") == text(lines, "UTC")


def test_half_a_log_is_no_story() -> None:
    with pytest.raises(InputError, match="lacks version 1"):
        tell(solved().log()[1:])
