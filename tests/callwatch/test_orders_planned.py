"""``callwatch orders planned`` and its commands in a terminal."""

from __future__ import annotations

import pytest

from callwatch.commands.orders_handover import sheet_text
from callwatch.commands.orders_planned import end_ms, text_of, time_ms
from models.errors import UsageError
from tests.callwatch.test_orders_command import _callwatch, wall
from tests.wallboard.payloads import NOON_MS, row
from tests.wallboard.test_handover import orders, part
from tests.wallboard.test_planned import HOUR, emergency, known, planned, quiet
from tests.wallboard.wall import Wall, until
from wallboard.handover import sheets

__all__ = ["wall"]

#: kafka-python's own, when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")


def test_the_list_in_a_terminal() -> None:
    found = known(
        planned("a/1", source="pbx"), planned("a/1", event="PE-2", state="cancelled"), emergency("a/1"),
        quiet("north/a", NOON_MS, "running"), quiet("north/a", NOON_MS - 1), now_ms=NOON_MS + 90 * 60_000 - HOUR,
    )  # fmt: skip
    shown = text_of(found, everything=False).splitlines()
    assert shown[0] == "EM-1  north/*  ON 应急中 for 0 h 30 min: fire (li.wei)"
    assert shown[1] == (
        "PE-1  1999-02-03T13:00:00Z to 1999-02-03T14:00:00Z  maintenance 系统维护  north/* [pbx]: trunk works "
        "(li.wei; running 进行中)"
    )
    assert shown[3:] == ["kept quiet 计划期间未呼叫", "  1999-02-03T13:00:00Z  north/a  text of 3"]
    assert "PE-2" in text_of(found, everything=True)
    assert text_of(known(), everything=True) == "nothing is planned and no emergency is on"


def test_the_sheet_of_a_handover_has_them() -> None:
    (sheet,) = sheets([part("a/1")], [], orders("a/1"))
    there = known(planned("a/1"), emergency("a/1"), quiet("north/a", NOON_MS - 1))
    shown = sheet_text(sheet).splitlines()
    assert shown[shown.index("planned events 计划事件") + 1] == "  none 无"
    assert "EMERGENCY 应急状态" not in shown
    shown = sheet_text(sheet | there).splitlines()
    assert shown[shown.index("planned events 计划事件") + 1].startswith("  PE-1  ")
    assert shown[shown.index("EMERGENCY 应急状态") + 1].startswith("  EM-1  ")
    assert shown[shown.index("over within a planned event 计划期间已恢复") + 1].endswith("text of 3")


def test_times_of_an_event() -> None:
    assert time_ms("--from", "1999-02-03T13:00") == NOON_MS == time_ms("--from", "1999-02-03T21:00+08:00")
    assert end_ms(NOON_MS, "", 90) == NOON_MS + 90 * 60_000 == end_ms(0, "1999-02-03T14:30Z", 0)
    for until_, minutes in (("", 0.0), ("1999-02-03T14:30Z", 5.0), ("tomorrow", 0.0)):
        with pytest.raises(UsageError):
            end_ms(NOON_MS, until_, minutes)


@pytest.mark.stack
def test_planned_from_the_terminal(wall: Wall) -> None:
    queue = "north/planned"
    wall.put("metrics", row(queue, at_ms=NOON_MS))
    until(lambda: [r for r in wall.get("/api/queues")["queues"] if r["queue"] == queue])
    said = _callwatch("orders", "plan", "drill", queue, "--as", "li.wei", "--text", "fire drill", "--for", "30")
    assert "it is on the log of 1 partition(s)" in said
    wall.put("alerts", planned(queue, 70, covers=queue), emergency(queue, 71, covers=queue))
    until(lambda: wall.get("/api/planned")["emergencies"])
    assert "north/planned: trunk works" in _callwatch("orders", "planned")
    by = ("--as", "amy.ross", "--reason", "put off")
    for args in (
        ("shorten-plan", "PE-1", "--for", "5", *by),
        ("cancel-plan", "PE-1", *by),
        ("stand-down", "EM-1", *by),
        ("emergency", queue, *by),
    ):
        assert "it is on the log of 1 partition(s)" in _callwatch("orders", *args)
