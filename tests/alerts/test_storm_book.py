"""What a partition knows of storms: the newest standing of each unit, from its time on, through snapshots and moves."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest

from alerts.storm import PAGE_WAITS_MAX_MS, PAGE_WAITS_MS
from alerts.storm_book import COMING_MAX, LATE_MS, StormBook, newest
from models.catalogue import Catalogue, LoopLimits, Site
from models.storm import Parent, Standing, read_storm, storm_record

SETTINGS = Catalogue(sites=(Site("ash", region="east"), Site("birch", region="east"), Site("cedar")))
PARENT = Parent("WO-1", 5_000, "ann", "Ann")


def book(*standings: Standing, now_ms: int = 10_000) -> StormBook:
    made = StormBook(SETTINGS)
    made.take(standings)
    made.clock(now_ms)
    return made


def test_units_of_a_queue_are_narrowest_first() -> None:
    assert book().units("ash/x") == ("ash/*", "east/*", "*")
    assert book().units("cedar/x") == ("cedar/*", "*")
    assert book().units("elsewhere/x") == ("*",)


def test_a_standing_holds_from_its_time_on() -> None:
    made = StormBook(SETTINGS)
    made.take([Standing("ash/*", 1, 10_000, parent=PARENT)])
    assert not made.clock(9_999)
    assert made.over("ash/x") is None
    assert made.clock(10_000)
    assert made.over("ash/x") == made.parent("WO-1") == PARENT
    assert made.over("birch/x") is None


def test_the_newest_holds_in_whatever_order_they_come() -> None:
    first, second = Standing("ash/*", 1, 5_000, parent=PARENT), Standing("ash/*", 2, 6_000, ended="cancelled")
    for told in ([first, second], [second, first], [first, second, first], [second, second, first]):
        made = book(*told)
        assert made.standings["ash/*"] == second
        assert made.parent("WO-1") is None
        assert made.ended("ash/x") == "cancelled"


def test_a_resolved_storm_takes_nothing_in_and_goes_on_with_what_it_has() -> None:
    resolved = replace(PARENT, resolved=True)
    made = book(Standing("ash/*", 1, 0, parent=resolved))
    assert made.over("ash/x") is None
    assert made.parent("WO-1") == resolved


def test_the_narrowest_storm_takes_in() -> None:
    wide = replace(PARENT, id="WO-2")
    made = book(Standing("ash/*", 1, 0, parent=PARENT), Standing("east/*", 1, 0, parent=wide))
    assert made.over("ash/x") == PARENT
    assert made.over("birch/x") == wide


@pytest.mark.parametrize("late_ms", [LATE_MS, LATE_MS + 1])
def test_one_told_too_late_holds_nothing(late_ms: int) -> None:
    made = book(Standing("ash/*", 1, 10_000, parent=PARENT), now_ms=10_000 + late_ms)
    assert (made.over("ash/x") is None) == (late_ms > LATE_MS)


def test_no_more_wait_than_there_is_room_for() -> None:
    made = StormBook(SETTINGS)
    made.take([Standing("ash/*", n, 10_000) for n in range(1, COMING_MAX + 6)])
    made.take([Standing(f"s{n}/*", 1, 10_000) for n in range(5)])
    made.clock(10_000)
    assert made.standings["ash/*"].n == COMING_MAX
    assert made.standings.keys() == {"ash/*"}, "there is no other unit of these names"


def test_a_unit_that_is_gone_is_forgotten_with_its_storm() -> None:
    made = book(Standing("ash/*", 1, 0, parent=PARENT), Standing("cedar/*", 1, 0, wide=True))
    made.settle(Catalogue())
    assert made.parent("WO-1") == PARENT
    assert made.standings.keys() == {"ash/*"}
    made.take([Standing("ash/*", 2, 0, ended="closed")])
    made.clock(20_000)
    made.settle(Catalogue())
    assert made.standings == {}


def test_a_page_waits_while_others_break_and_a_minute_at_most() -> None:
    assert not book().may_come("ash/x")
    made = book(Standing("ash/*", 1, 0, wide=True))
    assert made.may_come("ash/x")
    assert not made.may_come("birch/x")
    assert made.waits_until("ash/x", 100_000, PAGE_WAITS_MS) == 100_000 + PAGE_WAITS_MS
    made = book(Standing("ash/*", 1, 0, wide=True, gathering_ms=130_000))
    assert made.waits_until("ash/x", 100_000, PAGE_WAITS_MS) == 130_000
    assert made.waits_until("ash/x", 50_000, PAGE_WAITS_MS) == 50_000 + PAGE_WAITS_MAX_MS
    made.settle(replace(SETTINGS, limits=LoopLimits(storm_queues=0)))
    assert not made.may_come("ash/x"), "switched off"


def test_children_come_and_go() -> None:
    made = book()
    made.joins("WO-1", "ash/x")
    made.joins("WO-1", "ash/y")
    made.leaves("WO-1", "ash/x")
    assert made.children == {"WO-1": {"ash/y"}}
    made.leaves("WO-1", "ash/y")
    made.leaves(None, "ash/y")
    assert made.children == {}


def test_it_survives_a_snapshot() -> None:
    made = book(Standing("ash/*", 1, 0, wide=True, parent=PARENT))
    made.take([Standing("ash/*", 2, 20_000, wide=True)])
    again = StormBook(SETTINGS)
    again.thaw(orjson.loads(orjson.dumps(made.common())))
    assert again.common() == made.common()
    assert again.over("ash/x") == PARENT
    again.clock(20_000)
    assert again.over("ash/x") is None
    old = StormBook(SETTINGS)
    old.thaw({})
    assert old.common() == {"standings": [], "coming": []}


def test_partitions_put_together_have_what_was_told_last() -> None:
    one = book(Standing("ash/*", 1, 0, parent=PARENT), Standing("cedar/*", 4, 0, wide=True)).common()
    two = book(Standing("ash/*", 2, 0)).common()
    two["coming"] = [asdict(Standing("cedar/*", 3, 50_000)), asdict(Standing("cedar/*", 5, 50_000))]
    both = newest([one, two, {}])
    assert [(s["unit"], s["n"]) for s in both["standings"]] == [("ash/*", 2), ("cedar/*", 4)]
    assert [(s["unit"], s["n"]) for s in both["coming"]] == [("cedar/*", 5)]


def test_a_record_says_what_was_told() -> None:
    told = [Standing("ash/*", 1, 0, wide=True, parent=PARENT), Standing("*", 7, 5, gathering_ms=9, ended="closed")]
    record = storm_record(2, [asdict(one) for one in told], 5_000)
    assert read_storm(orjson.loads(orjson.dumps(record))) == told


@pytest.mark.parametrize(
    "units",
    [
        None,
        5,
        [5],
        [{"unit": "ash/*"}],
        [{"unit": "a", "n": "1", "from_ms": 0}],
        [{"unit": "a", "n": 1, "from_ms": 0}] * 201,
    ],
)
def test_what_no_home_wrote_says_nothing(units: Any) -> None:
    assert read_storm({"units": units}) == []
