"""``callwatch orders find``, ``consult`` and others: what goes onto the log, and what an order shows beside."""

from __future__ import annotations

import asyncio
import json

import pytest

from callwatch.commands.orders_ask import parts
from models.command import read_command
from models.errors import UsageError
from models.outputs import Problem
from models.partition import partition_of
from tests.callwatch.test_orders_command import _callwatch, wall
from tests.wallboard.payloads import NOON_MS, PARTITIONS, alert, order, row
from tests.wallboard.test_http import _first
from tests.wallboard.wall import Wall, until

__all__ = ["wall"]

#: kafka-python's own, when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")


@pytest.mark.stack
def test_a_finding_from_the_terminal_and_the_lists_apart_from_orders(wall: Wall) -> None:
    queue = "north/found"
    problem = Problem(id="PR-1", queue=queue, half_hour="09:30", zone="UTC", orders=["WO-1"], since_ms=1)
    wall.put("metrics", row(queue, at_ms=NOON_MS))
    wall.put("alerts", alert(queue, 900, kind="problem", problem=problem))
    until(lambda: wall.get("/api/problems")["problems"])
    until(lambda: [r for r in wall.get("/api/queues")["queues"] if r["queue"] == queue])
    said = _callwatch(
        *("orders", "find", queue, "--as", "li.wei", "--text", "menu hangs up", "--severity", "2"),
        *("--verify", "signed", "--person", "amy.ross"),
    )
    assert "report about north/found is on the log" in said
    _, value = asyncio.run(_first(wall, partition_of(queue, PARTITIONS)))
    command = read_command(json.loads(value))
    assert (command.kind, command.severity, command.person) == ("on_site", 2, "amy.ross")
    assert _callwatch("orders", "problems").startswith("PR-1  ")
    finding = ("--cause", "roster", "--measure", "two more at nine")
    assert "is on the log" in _callwatch("orders", "close-problem", "PR-1", "--as", "amy.ross", *finding)
    with pytest.raises(UsageError, match="no problem is called PR-2"):
        _callwatch("orders", "close-problem", "PR-2", "--as", "amy.ross", *finding)
    assert json.loads(_callwatch("orders", "trends", "--json")) == {"trends": []}


def test_what_an_order_shows_beside() -> None:
    shown = order("north/report").model_dump() | {
        "findings": [
            {"id": "FI-1", "kind": "complaint", "by": "li", "verify": "probe", "state": "open", "text": "no tone"}
        ],
        "consultation": {"people": ["wang"], "departments": ["trunks"], "supervisor": "amy"},
        "negotiation": {
            "default_ms": 0,
            "offers": [{"side": "handling", "by": "li", "until_ms": 3_600_000, "at_ms": 0}],
            "agreed_ms": 3_600_000,
            "agreed_by": "amy",
            "agreed_at_ms": 1,
        },
        "problem": "PR-1",
        "like": [
            {"order": "WO-2", "score": 0.925, "cause": "surge", "measure": "callbacks", "helped": "yes"},
        ],
        "playbooks": [{"title": "", "kind": "trunk", "steps": [{"tier": 1, "text": "Ring it", "zh": "拨测"}]}],
    }
    assert parts(shown) == [
        "finding FI-1 (complaint, by li, probe): open: no tone",
        "takes part: wang, trunks; supervised by amy",
        "limit: 1970-01-01T00:00:00Z before; offered by li (handling) 1970-01-01T01:00:00Z; "
        "agreed 1970-01-01T01:00:00Z by amy",
        "belongs to problem PR-1",
        "like WO-2 (0.93, has helped): surge: callbacks",
        "playbook trunk:",
        "  shift lead and above: Ring it 拨测",
    ]
    assert parts(order("north/report").model_dump()) == []
