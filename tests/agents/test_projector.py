"""The projector on a real Valkey: positions with the data, repeats that change nothing, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from pydantic import BaseModel
from redis.asyncio import Redis

from agents.projector import Projector, Record
from callwatch.stack import EmbeddedStack
from models.keys import CLOSED_KEPT, HISTORY_POINTS, HISTORY_STEP_MS, LOG_KEPT, LOGS_KEPT, Keys
from tests.wallboard.payloads import NOON_MS, alert, entry, order, row

pytestmark = pytest.mark.stack


def _run(stack: EmbeddedStack, test: Callable[[Any], Awaitable[None]]) -> None:
    async def main() -> None:
        valkey = Redis.from_url(stack.valkey_url)
        try:
            await test(valkey)
        finally:
            await valkey.aclose()

    asyncio.run(main())


def _records(*payloads: BaseModel, start: int = 0) -> list[Record]:
    return [(start + n, p.model_dump()["queue"].encode(), p.model_dump_json().encode()) for n, p in enumerate(payloads)]


async def _everything(valkey: Any, prefix: str) -> dict[bytes, bytes]:
    """All keys with their contents as Valkey itself would write them."""
    return {key: await valkey.dump(key) for key in sorted(await valkey.keys(f"{prefix}*"))}


def test_positions_survive_and_repeats_change_nothing(stack: EmbeddedStack, prefix: str) -> None:
    async def test(valkey: Any) -> None:
        topics: dict[str, list[Record]] = {
            "metrics": _records(row("a/b"), row("a/c"), start=5),
            "workorders": _records(order("a/b"), order("a/b", 11, 2, state="acknowledged")),
            "workorder-log": _records(entry(order("a/b")), entry(order("a/b", 11, 2))),
            "alerts": _records(alert("a/b", 10), alert("a/b", 11)),
        }
        first = Projector(valkey, prefix)
        for topic, records in topics.items():
            assert await first.start(topic, 1) == 0
            assert await first.apply(topic, 1, records) == records[-1][0] + 1
        before = await _everything(valkey, prefix)
        second = Projector(valkey, prefix)
        for topic, records in topics.items():
            assert await second.start(topic, 1) == records[-1][0] + 1
            assert await second.apply(topic, 1, records) == records[-1][0] + 1
            assert await first.apply(topic, 1, records[:1]) == records[-1][0] + 1
        assert await _everything(valkey, prefix) == before
        assert [name for name, _ in await valkey.xrange(Keys(prefix).alerts(1))] == [b"1-0", b"2-0"]

    _run(stack, test)


def test_a_pos_that_was_written_twice_is_shown_once(stack: EmbeddedStack, prefix: str) -> None:
    async def test(valkey: Any) -> None:
        keys, projector = Keys(prefix), Projector(valkey, prefix)
        twice = [alert("a/b", 10), alert("a/b", 10, n=1), alert("a/b", 10), alert("a/b", 10, n=1), alert("a/b", 11)]
        await projector.apply("alerts", 1, _records(*twice))
        assert [name for name, _ in await valkey.xrange(keys.alerts(1))] == [b"1-0", b"2-0", b"5-0"]
        newer, older = order("a/b", 12, 3, state="analysing"), order("a/b", 10, 1)
        await projector.apply("workorders", 1, _records(newer))
        await projector.apply("workorders", 1, _records(older, start=1))
        assert orjson.loads(await valkey.hget(keys.orders, newer.id))["version"] == 3
        logged = entry(newer)
        await projector.apply("workorder-log", 1, _records(logged, logged))
        await projector.apply("workorder-log", 1, _records(logged, start=2))
        assert await valkey.llen(keys.log(newer.id)) == 1

    _run(stack, test)


def test_an_order_closes_and_opens_again(stack: EmbeddedStack, prefix: str) -> None:
    async def test(valkey: Any) -> None:
        keys, projector = Keys(prefix), Projector(valkey, prefix)
        found = order("a/b").id
        for version, state in enumerate(("dispatched", "closed", "analysing", "cancelled")):
            at = order("a/b", 10 + version, version + 1, state=state, closed_ms=NOON_MS)
            await projector.apply("workorders", 1, _records(at, start=version))
            over = state in ("closed", "cancelled")
            assert await valkey.hexists(keys.orders, found) is not over
            assert await valkey.hexists(keys.closed, found) is over
            assert await valkey.zcard(keys.closed_at) == over
        await projector.apply("workorders", 1, [(4, found.encode(), None)])
        assert not await valkey.hexists(keys.closed, found)

    _run(stack, test)


def test_rivals_write_each_record_once(stack: EmbeddedStack, prefix: str) -> None:
    async def test(valkey: Any) -> None:
        records = _records(*(alert("a/b", n) for n in range(200)))
        rivals = [Projector(valkey, prefix) for _ in range(3)]

        async def work(projector: Projector) -> None:
            for n in range(0, 200, 10):
                await projector.apply("alerts", 1, records[n : n + 10])

        await asyncio.gather(*map(work, rivals))
        names = [name for name, _ in await valkey.xrange(Keys(prefix).alerts(1))]
        assert names == [b"%d-0" % (n + 1) for n in range(200)]

    _run(stack, test)


def test_everything_kept_is_bounded(stack: EmbeddedStack, prefix: str) -> None:
    async def test(valkey: Any) -> None:
        keys, projector = Keys(prefix), Projector(valkey, prefix)
        many = CLOSED_KEPT + 30
        over = [order(f"a/{n}", n, state="closed", closed_ms=NOON_MS + n) for n in range(many)]
        await projector.apply("workorders", 1, _records(*over))
        await projector.apply("workorders", 1, _records(order("a/last", many), start=many))
        assert await valkey.hlen(keys.closed) == CLOSED_KEPT
        assert await valkey.zrange(keys.closed_at, 0, 0) == [over[30].id.encode()]

        one = [entry(order("a/b", n)) for n in range(LOG_KEPT + 7)]
        await projector.apply("workorder-log", 1, _records(*one))
        assert await valkey.llen(keys.log(one[0].order)) == LOG_KEPT
        each = [entry(order(f"a/{n}", 1_000 + n), at_ms=NOON_MS + n) for n in range(LOGS_KEPT + 9)]
        await projector.apply("workorder-log", 1, _records(*each, start=len(one)))
        await projector.apply("workorder-log", 1, _records(entry(order("a/z", 9_000)), start=len(one) + len(each)))
        assert await valkey.zcard(keys.logs) <= LOGS_KEPT + 1
        assert len(await valkey.keys(keys.log("*"))) <= LOGS_KEPT + 1

        rows = [row("a/b", at_ms=NOON_MS + n * HISTORY_STEP_MS) for n in range(HISTORY_POINTS + 9)]
        for n, step in enumerate(rows):
            await projector.apply("metrics", 1, _records(step, start=n))
        assert await valkey.zcard(keys.history("a/b")) == HISTORY_POINTS

    _run(stack, test)
