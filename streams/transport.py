"""The record-batch driver: Faust's aiokafka driver with one Message per fetch and partition, and exact offsets.

Selected by the URL scheme ``kafka+batch``. For the app's ``batch_topics`` it differs from the stock driver so:

- A Message's value is a `RecordBatch`; its offset is the last one of the batch.
- **Exact watermark.** Delivered Messages wait in a deque per partition; the committed offset is the end of the
  acknowledged ones at its head. (Stock: a gap is "acknowledged", and an unacknowledged record is stepped over.)
- **Continuity.** A batch is delivered only if it starts where the last one ended. Whatever was fetched before a seek
  or a rebalance falls out, and the partition is sought back to where it must go on.
- **Where a partition starts is the app's word**: ``app.partition_starts(tp)`` is asked on each assignment.
- **Commit before revoke.** Batches in the agent's hands are waited for and ``app.partition_revoked`` may take its
  snapshot (half the rebalance timeout), the offsets are committed (a quarter); only then is the revoke answered.
- **Back-pressure blocks** the fetch loop. (Stock: the partition is paused and the loop sleeps a second.)
- Faust's co-partitioning assignor always. (Stock: round robin when there are no tables.)

Tied to faust-streaming 0.15.3 and aiokafka 0.14.0; tests/streams holds each point, and the stock fault beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import aiokafka
from aiokafka.errors import ConsumerStoppedError, UnknownError, UnsupportedVersionError
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as stock
from faust.types import TP, ConsumerMessage, Message

from models.errors import WorkError
from streams.batch import RecordBatch
from streams.fetch import fetched_batches

__all__ = ["SCHEME", "Consumer", "ConsumerThread", "Producer", "RecordBatch", "Transport"]

SCHEME = "kafka+batch"
#: A seek that does not take effect thrice means that the offset is not in the log.
SEEK_ATTEMPTS = 3
#: How long the broker may hold a fetch back when there is nothing new. The embedded one looks again only when it is
#: over: with 500 a record came after 140 ms (median), with 50 after 6 ms, and an idle worker asks 20 times a second.
FETCH_WAIT_MS = 50
#: Of the request timeout, for all that is to be done on an assignment: the broker's answers, the restores, and the wait
#: for the next assignment when this one is taken away. Faust waits for the whole of it, and when that is over takes the
#: worker for stopped: it would sit there in the group and do nothing.
RESTORE_SHARE = 0.9
#: Batches of one partition from the first unacknowledged one on: the stream's buffer (2), the one with the agent, the
#: one that waits for room. Far beyond that (4 MB each) the agent takes batches and does not acknowledge them.
DELIVERED_LIMIT = 64


class ConsumerThread(stock.AIOKafkaConsumerThread):
    """aiokafka in its own thread and event loop, so that heartbeats go on while a batch is worked on."""

    #: Leaving the group takes one request; without a broker it would be asked for a minute.
    shutdown_timeout = 5.0

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            bootstrap_servers=stock.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **stock.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> Any:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        with fetcher._subscriptions.fetch_context():
            return await fetched_batches(
                fetcher, active_partitions, timeout or 0.0, max_records or self.app.conf.broker_max_poll_records
            )

    async def positions_known(self, partitions: Iterable[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
        """First offset kept, and committed offset where there is one, of each partition."""
        return await self.call_thread(self._positions_known, list(partitions))  # type: ignore[no-any-return]

    async def _positions_known(self, partitions: list[TP]) -> tuple[dict[TP, int], dict[TP, int]]:
        consumer = self._ensure_consumer()
        tps = [aiokafka.TopicPartition(tp.topic, tp.partition) for tp in partitions]
        first = await consumer.beginning_offsets(tps)
        committed = await consumer._coordinator.fetch_committed_offsets(tps)
        return (
            {TP(*tp): offset for tp, offset in first.items()},
            {TP(*tp): known.offset for tp, known in committed.items()},
        )

    async def seek_all(self, positions: Mapping[TP, int]) -> None:
        """Move partitions to offsets, in the thread that fetches: aiokafka's futures are not thread-safe."""
        await self.call_thread(self._seek_all, dict(positions))

    async def _seek_all(self, positions: dict[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            consumer.seek(aiokafka.TopicPartition(tp.topic, tp.partition), offset)


class Consumer(stock.Consumer):
    """Delivers batches in order, once per assignment, and knows exactly what has been applied."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._delivered: dict[TP, deque[Message]] = defaultdict(deque)
        self._applied: dict[TP, int] = {}
        self._next: dict[TP, int] = {}
        self._misplaced: dict[TP, int] = defaultdict(int)
        self._asking: asyncio.Task[list[int | None]] | None = None
        self._to_streams: Any = self.callback  # type: ignore[has-type]
        self.callback = self._deliver

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_batched(self, tp: TP) -> bool:
        return tp.topic in self.app.batch_topics

    # -- in ------------------------------------------------------------------------------------------------------

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """One Message per fetched batch, in the order of each partition's log."""
        records, active = await self._wait_next_records(timeout)
        # When the flow is off, what was fetched is dropped: it never comes back on without perform_seek.
        if records is None or self.should_stop or not self.flow_active:
            return
        generation = self.app.consumer_generation_id
        for fetched_tp, batch in records.items():
            tp = TP(*fetched_tp)
            if not self.flow_active or generation != self.app.consumer_generation_id:
                return
            if (active is None or tp in active) and await self._is_next(tp, batch):
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                yield tp, self._to_message(tp, batch)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        batch: RecordBatch = record
        size = len(batch)
        return ConsumerMessage(
            *(batch.topic, batch.partition, batch.offsets[-1]),
            *(None, None, None, None, batch, None),  # timestamp and its type, headers, key, value, checksum
            *(0, size, tp),  # sizes: sensors then show records per Message
            generation_id=self.app.consumer_generation_id,
        )

    async def _is_next(self, tp: TP, batch: RecordBatch) -> bool:
        """Whether *batch* starts where *tp* must go on; if not, it is dropped and *tp* sought back."""
        expected = self._next.get(tp)
        if expected is None:  # revoked
            return False
        if batch.start == expected:
            self._misplaced[tp] = 0
            return True
        self._misplaced[tp] += 1
        if self._misplaced[tp] > SEEK_ATTEMPTS:
            raise WorkError(
                f"Offset {expected} of {tp.topic}[{tp.partition}] cannot be read: the broker goes on at {batch.start}. "
                "Either the topic's retention has deleted it, or the topic was made anew. "
                "Start again to go on with what is left; what was lost is named in the log then."
            )
        self.log.info("%s[%d]: batch at %d dropped, seeking %d", tp.topic, tp.partition, batch.start, expected)
        await self._thread.seek_all({tp: expected})
        return False

    async def _deliver(self, message: Message) -> None:
        self._advance(message.tp)
        delivered = self._delivered[message.tp]
        if len(delivered) >= DELIVERED_LIMIT:
            raise WorkError(
                f"{len(delivered)} batches of {message.topic}[{message.partition}] were taken and not acknowledged: "
                "the agent forgets stream.ack(event)."
            )
        delivered.append(message)
        await self._to_streams(message)
        self._next[message.tp] = message.value.end

    def on_buffer_full(self, tp: TP) -> None:
        """A full stream buffer blocks the fetch loop; pausing the partition would cost a second each time."""

    def on_buffer_drop(self, tp: TP) -> None:
        """See `on_buffer_full`."""

    # -- offsets ---------------------------------------------------------------------------------------------------

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """From batch to batch offsets jump: that is no gap."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in list(self._delivered) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        """The end of the batches that are acknowledged without a gap, None before the first."""
        self._advance(tp)
        return self._applied.get(tp)

    def _advance(self, tp: TP) -> None:
        """Let go of what is acknowledged: at each delivery, so that memory does not wait for the next commit."""
        delivered = self._delivered[tp]
        # ``tracked`` is set when an agent takes it. One that a stream skips in a rebalance is "acknowledged" too,
        # but nobody has seen it.
        while delivered and delivered[0].acked and delivered[0].tracked:
            self._applied[tp] = delivered.popleft().value.end
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)

    # -- assignment ------------------------------------------------------------------------------------------------

    async def perform_seek(self) -> None:
        """Ask the app where each partition starts, and go there. Called on each assignment, before any delivery.

        Raises `WorkError`, which ends the worker, when all of that takes too long: see `RESTORE_SHARE`.
        """
        assigned = sorted(self.assignment())
        limit_s = self.app.conf.broker_request_timeout * RESTORE_SHARE
        try:
            async with asyncio.timeout(limit_s):
                await self._seek_to_starts(assigned)
        except TimeoutError as error:
            raise WorkError(
                f"The state of {len(assigned)} partitions is not restored in {limit_s:.0f} s. "
                "Start more workers, so that each has fewer, or see why the broker is slow."
            ) from error

    async def _seek_to_starts(self, assigned: list[TP]) -> None:
        first, committed = await self._thread.positions_known(assigned)
        wanted = await self._wanted_starts(assigned)
        starts = {}
        for tp, wish in wanted.items():
            start = wish if wish is not None else committed.get(tp, first[tp])
            if start < first[tp]:
                self.log.error(
                    "%s[%d]: offsets %d to %d are gone by retention: %d records lost",
                    *(tp.topic, tp.partition, start, first[tp] - 1, first[tp] - start),
                )
                start = first[tp]
            starts[tp] = start
        self._forget()
        self._next.update(starts)
        self._read_offset.update({tp: start or None for tp, start in starts.items()})
        self._committed_offset.update(committed)
        await self._thread.seek_all(starts)

    async def _wanted_starts(self, assigned: list[TP]) -> dict[TP, int | None]:
        async def ask_all() -> list[int | None]:
            # All at once: each is a restore, which mostly waits for the broker.
            return list(await asyncio.gather(*map(self.app.partition_starts, assigned)))

        asking = self._asking = asyncio.ensure_future(ask_all())
        try:
            await asyncio.wait({asking})
            if asking.cancelled():
                # Revoked meanwhile (see settle). Faust ends this wait when the next assignment comes, not before:
                # returning would switch the flow on in the middle of a rebalance.
                await asyncio.Event().wait()
            return dict(zip(assigned, asking.result(), strict=True))
        finally:
            asking.cancel()

    def _forget(self) -> None:
        for state in (self._delivered, self._applied, self._next, self._misplaced, self._acked, self._acked_index):
            state.clear()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish, tell the app, commit, then let go; all of it bounded, else the group moves on without us."""
        if revoked and not self.app.should_stop:
            try:
                await self.settle(revoked)
            except Exception as error:
                await self.app.crash(error)
        await super().on_partitions_revoked(revoked)
        self._forget()

    async def settle(self, revoked: set[TP]) -> None:
        """Take no more, wait for the batches in the agents' hands, run ``app.partition_revoked``, commit."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        limit_s = self.app.conf.broker_rebalance_timeout / 2
        try:
            async with asyncio.timeout(limit_s):
                await self._stop_asking()
                await self._hands_empty()
                await self.app.partition_revoked(revoked)
        except TimeoutError:
            self.log.warning("Revoking %d partitions: not done in %.1f s, going on", len(revoked), limit_s)
        try:
            async with asyncio.timeout(limit_s / 2):
                await self.commit()
        except TimeoutError:
            self.log.warning("Revoking %d partitions: no commit in %.1f s, going on", len(revoked), limit_s / 2)

    async def _stop_asking(self) -> None:
        """End a restore that is under way: its partitions are going, and nothing of it may appear after that."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _hands_empty(self) -> None:
        """Wait until every batch that an agent has taken is acknowledged."""
        while any(m.tracked and not m.acked for queue in self._delivered.values() for m in queue):
            if self.app.crashed:
                return
            await asyncio.sleep(0.01)


@contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """Without what logger *name* says: of an attempt that may fail."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


class Producer(stock.Producer):
    """acks=all; idempotent where the broker can (the embedded one cannot: there a retry may repeat a record)."""

    async def on_start(self) -> None:
        """Connect, with idempotence if InitProducerId is answered, else without."""
        self._idempotent = True
        try:
            with _unlogged("aiokafka.producer.sender"):
                await super().on_start()
        except (UnknownError, UnsupportedVersionError):
            assert self._producer is not None
            await self._producer.stop()
            self._idempotent = False
            self.log.info("The broker knows no idempotent producers: a retried send may repeat a record")
            await super().on_start()

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": self._idempotent}


class Transport(stock.Transport):
    """Makes the consumer and producer above."""

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer


TRANSPORTS.aliases[SCHEME] = "streams.transport:Transport"
