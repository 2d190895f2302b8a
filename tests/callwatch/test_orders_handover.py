"""``callwatch orders handover`` and the floor log in a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from callwatch.commands.orders_handover import sheet_text
from models.outputs import FloorNote, SheetPart
from tests.callwatch.test_orders_command import _callwatch, wall
from tests.wallboard.payloads import NOON_MS, alert, order, row
from tests.wallboard.test_handover import floor, orders, part, watched
from tests.wallboard.wall import Wall, until
from wallboard.handover import sheets

__all__ = ["wall"]

#: kafka-python's own, when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")


def test_a_sheet_in_a_terminal() -> None:
    check: dict[str, Any] = {"since_ms": 1, "needed": 10, "seen": 2, "state": "undecided", "sentence": "2 of 10 calls"}
    known = orders("a/1", owner="boss", owner_name="Boss")
    known |= orders("a/2", state="on_hold", hold_until_ms=NOON_MS) | orders(
        "a/3", state="verifying", verification=check
    )
    known |= orders("a/4", state="closed", closed_ms=NOON_MS)
    parts = [part(queue, "late") for queue in ("a/1", "a/2", "a/3", "a/4")]
    shown = sheet_text(sheets(parts, [floor("a/9", NOON_MS - 60_000)], known, [watched("a/5")])[0]).splitlines()
    assert shown[0] == "Shift handover 交接班 desk"
    assert shown[2] == "late from 1999-02-03T13:00:00Z: amy.ross accepts by name until 1999-02-03T13:10:00Z"
    at = shown.index("open orders 未结工单")
    assert [line.split("  ")[2] for line in shown[at + 1 : at + 4]] == ["a/1", "a/2", "a/3"]
    assert shown[at + 1].endswith("owner Boss: stays with its owner 责任人不变")  # escalated since
    assert shown[at + 2].endswith("severity 3 on_hold, owner Li Wei: NOT ACCEPTED 未接班")
    assert shown[shown.index("on hold 挂起") + 1] == "  order-a-2 until 1999-02-03T13:00:00Z"
    assert shown[shown.index("undecided 未决验证") + 1] == "  order-a-3 2 of 10 calls"
    assert shown[shown.index("staffing gaps 人员缺口") + 1] == "  team leader 组长: nobody on duty"
    assert shown[shown.index("unusual figures 异常指标") + 1] == "  1999-02-03T13:00:00Z  a/5  text of 3"
    assert shown[-1] == "  1999-02-03T12:59:00Z  a/9  li.wei: line 3 is down"


@pytest.mark.stack
def test_handover_from_the_terminal(wall: Wall) -> None:
    queue = "north/late"
    wall.put("metrics", row(queue, at_ms=NOON_MS))
    wall.put("workorders", order(queue, 500))
    told = part(queue)
    wall.put("alerts", alert(queue, 60, kind="handover", severity=4, sheet=SheetPart(**told["sheet"])))
    note = FloorNote(id="FL-1", at_ms=NOON_MS, by="li.wei", text="two agents late", department="", shift=None)
    wall.put("alerts", alert(queue, 61, kind="floor", order=None, floor=note))
    until(lambda: wall.get("/api/floor")["floor"])
    until(lambda: [r for r in wall.get("/api/queues")["queues"] if r["queue"] == queue])
    until(lambda: [o for o in wall.get("/api/orders")["orders"] if o["queue"] == queue])
    assert "to be accepted" in _callwatch("orders", "handover", "--department", "desk")
    assert "no shift of nowhere" in _callwatch("orders", "handover", "--department", "nowhere")
    said = _callwatch("orders", "accept-shift", "--department", "desk", "--as", "amy.ross")
    assert "accept_shift is on the log of 1 partition" in said
    assert "is on the log as" in _callwatch("orders", "floor-note", queue, "--as", "li.wei", "--text", "all in")
    assert "li.wei: two agents late" in _callwatch("orders", "floor")
