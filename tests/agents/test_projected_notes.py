"""Trend notes and problem records in Valkey: by id as they stand, bounded, apart from orders."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from agents.projector import Projector, Record
from callwatch.stack import EmbeddedStack
from models.keys import NOTES_KEPT, Keys
from models.outputs import Problem, TrendNote
from tests.wallboard.payloads import alert
from wallboard.store import Store

pytestmark = pytest.mark.stack


def note(n: int, state: str = "open") -> TrendNote:
    named: dict[str, Any] = {"id": f"AN-{n}", "rule": "slow", "metric": "service_level_live", "window": "30m"}
    return TrendNote(**named, value=0.6, limit=0.7, state=state, since_ms=1, ended_ms=None)


def told(n: int, **parts: Any) -> Record:
    payload = alert("a/b", n).model_copy(update={"order": None, "severity": 4, "at_ms": n, **parts})
    return n, b"a/b", payload.model_dump_json().encode()


def test_notes_are_kept_by_id_and_bounded(stack: EmbeddedStack, prefix: str) -> None:
    problem = Problem(id="PR-1", queue="a/b", half_hour="09:30", zone="UTC", orders=["WO-1"], since_ms=1)

    async def test() -> None:
        valkey: Any = Redis.from_url(stack.valkey_url)
        projector, store = Projector(valkey, prefix), Store(valkey, prefix, 1)
        await projector.apply("alerts", 0, [told(1, note=note(1)), told(2), told(3, kind="problem", problem=problem)])
        await projector.apply("alerts", 0, [told(4, note=note(1, "over"))])
        assert [a["note"]["state"] for a in await store.notes("note")] == ["over"]
        assert [a["problem"]["id"] for a in await store.notes("problem")] == ["PR-1"]
        await projector.apply("alerts", 0, [told(n, note=note(n)) for n in range(5, 5 + NOTES_KEPT)])
        await projector.apply("alerts", 0, [told(5 + NOTES_KEPT)])
        kept = await valkey.hgetall(Keys(prefix).notes)
        assert len(kept) == NOTES_KEPT
        assert b"PR-1" in kept  # it stays until it is closed
        assert orjson.loads(kept[b"AN-6"])["note"]["id"] == "AN-6"
        over = problem.model_copy(update={"state": "closed"})
        last = 6 + NOTES_KEPT
        await projector.apply("alerts", 0, [told(last, kind="problem", problem=over)])
        await projector.apply("alerts", 0, [told(n, note=note(n)) for n in range(last + 1, last + 1 + NOTES_KEPT)])
        await projector.apply("alerts", 0, [told(last + 1 + NOTES_KEPT)])
        assert await store.notes("problem") == []
        await valkey.aclose()

    asyncio.run(test())
