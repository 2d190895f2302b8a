"""Parents and children in the terminal: the list names the parent with how many are open, an order names both."""

from __future__ import annotations

from typing import Any

from callwatch.commands.orders import story, table, without_children
from models.outputs import Storm
from tests.wallboard.payloads import order


def orders() -> list[dict[str, Any]]:
    storm = Storm(since_ms=1, queues=["north/a", "north/b"], count=70, open=41, over=False)
    parent = order("north/*", id="WO-9", storm=storm, symptoms=["storm"])
    held = order("north/a", parent="WO-9")
    alone = order("south/a", parent="WO-1")
    return [one.model_dump() for one in (parent, held, alone)]


def test_a_parent_stands_for_its_children() -> None:
    assert [one["queue"] for one in without_children(orders())] == ["north/*", "south/a"], "of the other it is gone"


def test_the_list_says_how_many_are_open_and_who_holds() -> None:
    text = table(orders())
    assert "dispatched (41 of 70 queues open)" in text
    assert "dispatched (held by WO-9)" in text


def test_an_order_names_its_children_and_its_parent() -> None:
    parent, child, _ = [story({**one, "log": []}) for one in orders()]
    assert "storm: 41 of 70 queues open: north/a, north/b and 68 more" in parent
    assert "parent WO-9: it is answered for this one" in child
    assert "storm" not in child
