"""``callwatch orders adopt`` and ``odd-day`` in a terminal, and the log that they write."""

from __future__ import annotations

import asyncio

import pytest

from callwatch.stack import EmbeddedStack
from models.decode import read
from models.errors import UsageError
from models.runtime import KafkaSettings
from models.topics import EVENTS, topic_name
from streams.broker import read_partition
from tests.callwatch.test_orders_command import _callwatch, wall
from tests.wallboard.payloads import NOON_MS, PARTITIONS, row
from tests.wallboard.wall import Wall, until

__all__ = ["wall"]

pytestmark = [
    pytest.mark.stack,
    # kafka-python's own, when it is imported
    pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning"),
]


async def _commands(kafka: KafkaSettings) -> list[tuple[str, str, dict[str, str]]]:
    found = []
    for partition in range(kafka.partitions):
        async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition):
            records = [read(value) for _, _, value in rows if value is not None]
            found += [(r["command"], r["queue"], r["args"]) for r in records if r["type"] == "order.command"]
    return sorted(found, key=str)


def test_what_people_decide_about_what_is_usual(wall: Wall, stack: EmbeddedStack, prefix: str) -> None:
    wall.put("metrics", row("north/claims", at_ms=NOON_MS))
    until(lambda: len(wall.get("/api/queues")["queues"]) == 2)
    by = ("--as", "li.wei", "--why", "the fair")
    said = _callwatch("orders", "odd-day", "north/*", "1999-02-03", *by)
    assert said.startswith("mark_odd of 1999-02-03 is on the log for 2 queues")
    order = next(o["id"] for o in wall.get("/api/orders")["orders"] if o["state"] != "closed")
    assert f"adopt of {order} is on the log" in _callwatch("orders", "adopt", order, *by)
    with pytest.raises(UsageError, match="no queue is called south/\\*; known are north/claims, north/report"):
        _callwatch("orders", "odd-day", "south/*", "1999-02-03", *by)
    odd = {"day": "1999-02-03", "text": "the fair"}
    assert asyncio.run(_commands(KafkaSettings(stack.bootstrap, prefix, PARTITIONS))) == [
        ("adopt", "north/report", {"text": "the fair"}),
        ("mark_odd", "north/claims", odd),
        ("mark_odd", "north/report", odd),
    ]
