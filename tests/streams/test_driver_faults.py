"""Each fault of stock Faust that the driver is there for: that Faust has it, and that the driver has not.

A test named ``stock`` failing after an upgrade is good news: read the driver again, it may be doing too much.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from models.errors import WorkError
from streams import transport as ours
from streams.app import send_all
from tests.streams.memory import Log, memory_app, running, until

P0 = TP("events", 0)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run *main* in a loop of its own; a hang fails."""
    asyncio.run(asyncio.wait_for(main, 20))


def offsets(value: Any) -> list[int]:
    """Offsets of what an agent was given, by either driver."""
    return [int(v) for v in (value.values if isinstance(value, ours.RecordBatch) else [value]) if v is not None]


# -- an exception in the agent ---------------------------------------------------------------------------------------


def test_stock_acknowledges_the_record_that_crashed() -> None:
    async def main() -> None:
        log = Log(10)
        app = memory_app(log, "stock")

        @app.agent(app.topic("events"))
        async def fail(stream: Any) -> None:
            async for value in stream:
                if value == b"5":
                    raise RuntimeError("no")

        async with running(app):
            await until(lambda: app.crashed)
        assert log.committed == {P0: 6}  # 5 is lost

    run(main())


def test_a_crash_leaves_the_failing_batch_to_be_read_again() -> None:
    async def main() -> None:
        log = Log(20, fetch=2)
        kept = []

        async def life(poison: int | None) -> list[int]:
            seen: list[int] = []
            app = memory_app(log, "ours")

            async def keep(revoked: set[TP]) -> None:
                kept.append(revoked)

            app.partition_revoked = keep

            @app.agent(app.topic("events"))
            async def apply(stream: Any) -> None:
                async for event in stream.noack().events():
                    seen.extend(offsets(event.value))
                    if poison in seen:
                        raise RuntimeError("no")
                    await stream.ack(event)

            async with running(app):
                await until(lambda: app.crashed or 19 in seen)
            return seen

        assert (await life(poison=7))[-2:] == [6, 7]
        assert log.committed == {P0: 6}
        assert kept == []  # no snapshot of a state in the middle of a batch
        assert await life(poison=None) == list(range(6, 20))
        assert log.committed == {P0: 20}
        assert kept == [{P0}]

    run(main())


# -- the watermark -------------------------------------------------------------------------------------------------


def _skipping_agent(app: Any, skipped: int, concurrency: int = 1) -> list[int]:
    seen: list[int] = []

    @app.agent(app.topic("events"), concurrency=concurrency)
    async def skip(stream: Any) -> None:
        async for event in stream.noack().events():
            seen.extend(offsets(event.value))
            if skipped not in offsets(event.value):
                await stream.ack(event)
            elif concurrency > 1:
                await asyncio.sleep(60)

    return seen


@pytest.mark.parametrize(("kind", "committed"), [("stock", 10), ("ours", 5)])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_offset_stays_below_a_record_not_acknowledged(kind: str, committed: int, concurrency: int) -> None:
    async def main() -> None:
        log = Log(10)
        app = memory_app(log, kind, broker_rebalance_timeout=0.2, broker_commit_interval=60.0)
        seen = _skipping_agent(app, 5, concurrency)
        async with running(app):
            await until(lambda: len(seen) == 10)
            await asyncio.sleep(0.05)
            await app.consumer.commit()
            await app.consumer.commit()  # stock: one to 5, the next over it
            assert log.committed == {P0: committed}

    run(main())


def test_a_batch_that_a_stream_skips_in_a_rebalance_counts_as_unseen() -> None:
    async def main() -> None:
        app = memory_app(Log(10), "ours", broker_commit_interval=60.0)
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: len(seen) == 10)
            consumer = app.consumer
            app.flow_control.suspend()
            # It slips into the buffer after that was cleared, as one does that was waiting for room.
            late = consumer._to_message(P0, ours.RecordBatch("events", 0, 10, 12, [10, 11], [None] * 2, [b"10", b"11"]))
            consumer._delivered[P0].append(late)
            for channel in app.topics._tp_index[P0]:
                late.incref()
                channel.queue.put_nowait(await channel.decode(late))
            await until(lambda: all(channel.queue.empty() for channel in app.topics._tp_index[P0]))
            late.ack(consumer)  # as Faust's stream does of itself where its Cython twin is not built
            assert late.acked
            assert not late.tracked
            assert seen == list(range(10))
            assert consumer._new_offset(P0) == 10

    run(main())


class BatchesOnStockAcks(ours.Consumer):
    """One Message per batch, but Faust's own watermark."""

    _new_offset = stock.Consumer._new_offset
    _add_gap = stock.Consumer._add_gap
    _filter_tps_with_pending_acks = stock.Consumer._filter_tps_with_pending_acks

    def _advance(self, tp: TP) -> None:
        self._delivered[tp].clear()


@pytest.mark.parametrize(("consumer", "exact"), [(BatchesOnStockAcks, False), (None, True)], ids=["stock", "ours"])
def test_offset_is_the_end_of_the_last_applied_batch(consumer: Any, exact: bool) -> None:
    async def main() -> None:
        log = Log(1000, 900, fetch=100)
        app = memory_app(log, "ours", consumer, broker_commit_interval=60.0)
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: len(seen) == 1900)
            await app.consumer.commit()
            if exact:
                assert log.committed == {P0: 1000, TP("events", 1): 900}
            else:
                assert max(log.committed.values()) <= 300  # one batch per commit

    run(main())


def test_an_agent_that_never_acknowledges_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(ours, "DELIVERED_LIMIT", 5)
        app = memory_app(Log(100), "ours")

        @app.agent(app.topic("events"))
        async def forget(stream: Any) -> None:
            async for _ in stream.noack().events():
                pass

        async with running(app):
            await until(lambda: app.crashed)
        assert isinstance(app.crash_reason, WorkError)
        assert "forgets" in str(app.crash_reason)

    run(main())


# -- rebalances ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "times"), [("stock", 2), ("ours", 1)])
def test_a_rebalance_repeats_nothing_that_was_acknowledged(kind: str, times: int) -> None:
    async def main() -> None:
        log = Log(10)
        app = memory_app(log, kind, broker_commit_interval=60.0)
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: len(seen) == 10)
            await app.consumer._thread.rebalance()
            await asyncio.sleep(0.3)
        assert sorted(seen) == sorted(list(range(10)) * times)

    run(main())


def test_a_rebalance_in_the_middle_waits_for_the_batch_at_hand_and_drops_the_rest() -> None:
    async def main() -> None:
        log = Log(60, fetch=2)
        app = memory_app(log, "ours", broker_commit_interval=60.0)
        seen: list[int] = []
        told: list[tuple[int, dict[TP, int]]] = []

        async def keep(revoked: set[TP]) -> None:
            told.append((len(seen), dict(log.committed)))

        app.partition_revoked = keep

        @app.agent(app.topic("events"))
        async def slow(stream: Any) -> None:
            async for event in stream.noack().events():
                await asyncio.sleep(0.02)
                seen.extend(offsets(event.value))
                await stream.ack(event)

        async with running(app):
            for size in (10, 30):
                await until(lambda size=size: len(seen) >= size)
                await app.consumer._thread.rebalance()
                # The app was told with the batch done and before the offset was committed.
                assert told[-1][0] % 2 == 0
                assert log.committed == {P0: told[-1][0]}
                assert told[-1][1].get(P0, 0) < told[-1][0]
            await until(lambda: len(seen) >= 60)
        assert seen == list(range(60))

    run(main())


def test_a_stuck_agent_and_a_slow_app_cannot_hold_the_group(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app = memory_app(Log(10), "ours", broker_rebalance_timeout=0.4)

        @app.agent(app.topic("events"))
        async def stuck(stream: Any) -> None:
            async for _ in stream.noack().events():
                await asyncio.sleep(60)

        async with running(app):
            await until(lambda: app.consumer.unacked)
            since = time.monotonic()
            await app.consumer._thread.rebalance()
            assert 0.2 <= time.monotonic() - since < 1.0

    with caplog.at_level(logging.WARNING):
        run(main())
    assert "not done in 0.2 s" in caplog.text


# -- positions -------------------------------------------------------------------------------------------------------


def test_what_was_fetched_before_a_seek_is_not_delivered() -> None:
    async def main() -> None:
        log = Log(60, fetch=5)
        app = memory_app(log, "ours")
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: len(seen) >= 5)
            for stray in (40, 0, 30):  # as fetches do that were under way when the position moved
                app.consumer._thread.at[P0] = stray
                await asyncio.sleep(0.01)
            await until(lambda: len(seen) >= 60)
        assert seen == list(range(60))

    run(main())


def test_the_app_says_where_a_partition_starts() -> None:
    async def main() -> None:
        log = Log(10, 10, 10)
        log.committed = {P0: 8, TP("events", 1): 8}
        app = memory_app(log, "ours")
        asked: list[TP] = []

        async def starts(tp: TP) -> int | None:
            asked.append(tp)
            assert not seen  # before anything is delivered
            return 3 if tp == P0 else None

        app.partition_starts = starts
        seen: dict[int, list[int]] = {}

        @app.agent(app.topic("events"))
        async def note(stream: Any) -> None:
            async for event in stream.noack().events():
                seen.setdefault(event.message.partition, []).extend(offsets(event.value))
                await stream.ack(event)

        async with running(app):
            await until(lambda: sum(map(len, seen.values())) >= 19)
        # 3 by the app's word although 8 was committed; the committed offset; the earliest
        assert seen == {0: list(range(3, 10)), 1: [8, 9], 2: list(range(10))}
        assert asked == sorted(log.size)
        assert log.committed == dict.fromkeys(log.size, 10)

    run(main())


def test_a_failing_restore_ends_the_worker() -> None:
    async def main() -> None:
        app = memory_app(Log(10, 10), "ours")

        async def starts(tp: TP) -> int | None:
            raise WorkError(f"{tp.partition} is broken")

        app.partition_starts = starts
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: app.crashed)
        assert str(app.crash_reason) == "0 is broken"
        assert seen == []

    run(main())


def test_a_restore_that_takes_too_long_ends_the_worker() -> None:
    async def main() -> None:
        app = memory_app(Log(10), "ours", broker_request_timeout=0.5)

        async def starts(tp: TP) -> int | None:
            await asyncio.sleep(60)
            return None

        app.partition_starts = starts
        _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: app.crashed)
        assert "not restored in 0 s" in str(app.crash_reason)

    run(main())


def test_a_broker_that_does_not_say_where_partitions_begin_ends_the_worker() -> None:
    """Else Faust takes it for stopped: it stays in the group, and its partitions are nobody's for ever."""

    async def main() -> None:
        log = Log(10)
        log.silent = True
        app = memory_app(log, "ours", broker_request_timeout=0.5)
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: app.crashed)
        assert "not restored in 0 s" in str(app.crash_reason)
        assert seen == []

    run(main())


def test_partitions_that_are_taken_away_and_never_given_again_end_the_worker() -> None:
    """A broker that dies in the middle of a rebalance; else as above."""

    async def main() -> None:
        log = Log(10)
        app = memory_app(log, "ours", broker_request_timeout=0.5)
        asked = asyncio.Event()

        async def starts(tp: TP) -> int | None:
            asked.set()
            await asyncio.sleep(60)
            return None

        app.partition_starts = starts
        _skipping_agent(app, -1)
        async with running(app):
            await asked.wait()
            await app.consumer.on_partitions_revoked(set(log.size))
            assert not app.crashed
            await until(lambda: app.crashed)
        assert "not restored in 0 s" in str(app.crash_reason)

    run(main())


def test_a_restore_is_called_off_when_its_partitions_go() -> None:
    async def main() -> None:
        app = memory_app(Log(10), "ours")
        story: list[str] = []

        async def starts(tp: TP) -> int | None:
            story.append("restore")
            try:
                await asyncio.sleep(60 if story == ["restore"] else 0)
            except asyncio.CancelledError:
                story.append("called off")
                raise
            return None

        async def keep(revoked: set[TP]) -> None:
            story.append("revoked")

        app.partition_starts, app.partition_revoked = starts, keep
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: story == ["restore"])
            await app.consumer._thread.rebalance()
            await until(lambda: len(seen) == 10)
        assert story == ["restore", "called off", "revoked", "restore", "revoked"]
        assert seen == list(range(10))

    run(main())


def test_offsets_gone_by_retention_are_named(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        log = Log(60)
        log.committed, log.first = {P0: 10}, {P0: 50}
        app = memory_app(log, "ours")
        seen = _skipping_agent(app, -1)
        async with running(app):
            await until(lambda: len(seen) == 10)
        assert seen == list(range(50, 60))

    run(main())
    assert "offsets 10 to 49 are gone by retention: 40 records lost" in caplog.text


def test_a_log_that_skips_under_a_running_worker_ends_it() -> None:
    async def main() -> None:
        log = Log(60)
        app = memory_app(log, "ours")
        seen = _skipping_agent(app, 60)
        async with running(app):
            await until(lambda: len(seen) >= 5)
            log.first[P0] = app.consumer._thread.at[P0] = 55
            await until(lambda: app.crashed)
        assert isinstance(app.crash_reason, WorkError)
        assert "cannot be read: the broker goes on at 55" in str(app.crash_reason)
        assert max(seen) < 55

    run(main())


# -- sends -----------------------------------------------------------------------------------------------------------


def test_no_offset_is_committed_before_the_outputs_are_confirmed() -> None:
    async def main() -> None:
        log = Log(10)
        log.failing = KafkaTimeoutError()
        app = memory_app(log, "ours")

        @app.agent(app.topic("events"))
        async def forward(stream: Any) -> None:
            async for event in stream.noack().events():
                await send_all(app, [("out", 0, None, v, None) for v in event.value.values])
                await stream.ack(event)

        async with running(app):
            await until(lambda: app.crashed)
        assert isinstance(app.crash_reason, KafkaTimeoutError)
        assert log.committed == {}

    run(main())


# -- back-pressure ---------------------------------------------------------------------------------------------------


def _rate(kind: str, for_s: float) -> float:
    """Messages a second of an agent that could do 200, with a small buffer."""
    rates = []

    async def main() -> None:
        app = memory_app(Log(100_000), kind, stream_buffer_maxsize=8)
        done = 0

        @app.agent(app.topic("events"))
        async def work(stream: Any) -> None:
            nonlocal done
            async for event in stream.noack().events():
                await asyncio.sleep(0.005)
                done += 1
                await stream.ack(event)

        async with running(app):
            await until(lambda: done >= 8)
            since, before = time.monotonic(), done
            await asyncio.sleep(for_s)
            rates.append((done - before) / (time.monotonic() - since))
            if kind == "ours":  # the buffer, the one at work, the one that waits for room, the one just done
                assert len(app.consumer._delivered[P0]) <= 8 + 3

    run(main())
    return rates[0]


def test_stock_falls_off_a_cliff_when_a_buffer_is_full() -> None:
    assert _rate("stock", 1.5) < 50


def test_a_full_buffer_blocks_and_nothing_more() -> None:
    assert _rate("ours", 0.5) > 60
