"""Findings over HTTP, and what a screen is told of an order beside it."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest

from models.command import ANY_ORDER, read_command
from models.partition import partition_of
from streams.broker import create_topics
from tests.wallboard.payloads import NOON_MS, PARTITIONS, order, row
from tests.wallboard.test_http import _first
from tests.wallboard.wall import Wall, until

pytestmark = pytest.mark.stack

FOUND = {"kind": "on_site", "severity": 2, "verify": "figure", "text": "menu hangs up"}
FIGURE = {"metric": "service_level_live", "window": "15m", "limit": 0.8}


def test_a_finding_goes_onto_the_partition_of_its_queue(wall: Wall) -> None:
    asyncio.run(create_topics(wall.settings.kafka))
    queue = "north/report"
    wall.put("metrics", row(queue, at_ms=NOON_MS))
    until(lambda: wall.get("/api/queues")["queues"])
    body = {"queue": queue, "command": "report", "actor": "li.wei", "args": FOUND | FIGURE}
    answer = httpx.post(f"{wall.url}/api/findings", json=body)
    assert answer.status_code == 202, answer.text
    _, value = asyncio.run(_first(wall, partition_of(queue, PARTITIONS)))
    command = read_command(orjson.loads(value))
    assert (command.order, command.command, command.limit) == (ANY_ORDER, "report", 0.8)
    for wrong, words in (
        ({"queue": "north/typo"}, "nothing is known of a queue"),
        ({"actor": "nobody"}, "nobody is called nobody"),
        ({"command": "resolve"}, "needs an order"),
        ({"args": FIGURE}, "report needs kind and text and severity and verify"),
    ):
        refused = httpx.post(f"{wall.url}/api/findings", json=body | wrong)
        assert refused.status_code == 422
        assert words in refused.json()["detail"]
    sent = {"queue": queue, "command": "over", "actor": "alertmanager", "args": {"key": "k"}}
    assert httpx.post(f"{wall.url}/api/findings", json=sent).status_code == 202


def test_an_order_comes_with_its_playbooks_and_causes_with_their_titles(wall: Wall) -> None:
    wall.put("workorders", order("north/report"))
    until(lambda: wall.get("/api/orders")["orders"])
    assert wall.get(f"/api/orders/{order('north/report').id}")["playbooks"] == []
    assert {"id": "trunk", "title": "Trunk or carrier", "zh": "中继或运营商", "kind": "trunk"} in wall.get(
        "/api/causes"
    )["book"]
    assert wall.get("/api/trends") == {"trends": []}
    assert wall.get("/api/problems") == {"problems": []}
