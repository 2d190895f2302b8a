"""What a partition tells of its orders: who broke just now, who is held; the first names, and the number of all."""

from __future__ import annotations

from alerts.order import WorkOrder
from alerts.storm import RULES_MAX, TOGETHER_MS
from alerts.storm_book import StormBook
from alerts.storm_told import trouble
from models.catalogue import Catalogue, LoopLimits, Site
from models.storm import Parent, Standing
from models.unit import NAMES_MAX

SETTINGS = Catalogue(sites=(Site("ash", region="east"), Site("birch", region="east")))
NOW = 1_000_000_000


def order(queue: str, severity: int = 2, broke_ms: int = NOW, **fields: object) -> WorkOrder:
    made = WorkOrder(f"WO-{queue}", queue, "dispatched", severity, NOW, active=["sl"])
    made.private.broke_ms = broke_ms
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def told(*orders: WorkOrder, book: StormBook | None = None) -> dict[str, dict[str, object]]:
    by_queue = {one.queue: one for one in orders}
    found = trouble(book or StormBook(SETTINGS), by_queue, by_queue, ["sl", "ab"], NOW)
    return {unit: share.model_dump(exclude_defaults=True) for unit, share in found.items()}


def test_one_that_broke_is_told_of_each_of_its_units() -> None:
    share = {"live": 1, "bad": 1, "worst": 1, "last_ms": NOW, "rules": {"sl": 1}, "names": ["ash/x"]}
    assert told(order("ash/x", 1)) == {"ash/*": share, "east/*": share, "*": share}
    assert told(order("ash/x", 1), order("birch/y", 2))["*"]["bad"] == 2


def test_what_does_not_count() -> None:
    assert told(order("ash/x", broke_ms=NOW - TOGETHER_MS)) == {}
    for state in ("verifying", "on_hold", "accepted"):
        assert told(order("ash/x", state=state)) == {}
    assert told(order("ash/x", planned="PE-1")) == {}
    assert told(order("ash/x", active=[])) == {}
    off = StormBook(Catalogue(limits=LoopLimits(storm_queues=0)))
    assert told(order("ash/x"), book=off) == {}


def test_names_and_rules_are_bounded_and_numbers_are_not() -> None:
    many = [order(f"ash/{n:03}") for n in range(NAMES_MAX + 30)]
    share = told(*many)["ash/*"]
    assert share["bad"] == NAMES_MAX + 30
    assert share["names"] == [f"ash/{n:03}" for n in range(NAMES_MAX)]
    rules = [f"r{n}" for n in range(RULES_MAX + 4)]
    by_queue = {"ash/x": order("ash/x", active=rules), "ash/y": order("ash/y", active=rules[-1:])}
    most = trouble(StormBook(SETTINGS), by_queue, by_queue, rules, NOW)["ash/*"].rules
    assert len(most) == RULES_MAX
    assert most[rules[-1]] == 2


def test_the_held_are_told_of_the_unit_of_their_storm() -> None:
    book = StormBook(SETTINGS)
    book.take([Standing("ash/*", 1, NOW, parent=Parent("WO-1", 0, "ann", "Ann"))])
    book.clock(NOW)
    for name in ("x", "y", "z"):
        book.joins("WO-1", f"ash/{name}")
    held = [
        order("ash/x", parent="WO-1"),
        order("ash/y", parent="WO-1", state="closed"),
        order("ash/z", 1, parent="WO-1"),
    ]
    assert told(*held, book=book) == {
        "ash/*": {"live": 0, "worst": 1, "held": 2, "joined": 3, "children": ["ash/x", "ash/y", "ash/z"]}
    }
