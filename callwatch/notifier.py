"""The notifier: follows the topics, lets the ledger decide, sends, and writes down what it did.

It keeps nothing of its own: everything that it knows is read from Kafka at its start. Run two for safety; they share
the work by the claims in the topic ``notifications`` (`alerts.ledger`). One thread reads and decides, a pool sends, at
most one thing at a time by each way.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from alerts.ledger import Job, Ledger, is_fresh
from alerts.owed import PAGE_STALE_MS
from callwatch.delivery import Outcome
from callwatch.outbox import Outbox
from models.broker_access import client_options
from models.errors import WorkError
from models.notification import Notification, decode, encode
from models.partition import partition_of
from models.runtime import Settings
from models.topics import ALERTS, NOTIFICATIONS, WORKORDER_LOG, WORKORDERS, topic_name

#: Read from the beginning: they are compacted and say how things stand.
WHOLE: Final = (WORKORDERS, NOTIFICATIONS)
#: Read from so far back as a page is worth sending, and a little more.
RECENT: Final = (ALERTS, WORKORDER_LOG)
RECENT_MS: Final = PAGE_STALE_MS + 600_000
#: Header of what `callwatch repartition` moved (`callwatch.repartition.MOVED_FROM`): old pages were sent, or stopped,
#: by who notified there, and their places in the log are no longer comparable.
MOVED_FROM: Final = "callwatch_moved_from"
POLL_MS: Final = 100
#: How long the broker may take to show all that is there at the start.
CATCH_UP_S: Final = 120.0
#: A word that the broker has not confirmed for so long ends the notifier: whoever starts it again begins from the log.
CONFIRM_S: Final = 60.0
#: Ways used at once; a thread waits for an answer most of the time.
SENDERS: Final = 32
#: Alerts in one request to Alertmanager: 100 KB.
BATCH: Final = 100
#: What sending under way gets at the end.
STOP_S: Final = 15.0

log = logging.getLogger("callwatch.notify")


def wall_ms() -> int:
    """Wall clock, epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Sending:
    job: Job
    future: Future[Outcome]


@dataclass(slots=True)
class _Resend:
    """Telling one Alertmanager again what it shows."""

    next_ms: int = 0
    future: Future[Outcome] | None = None
    failing: bool = False


@dataclass(slots=True)
class Counts:
    """What this notifier did, for the end of the run and for tests."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    dropped: int = 0
    resent: int = 0


class Notifier:
    """One notifier. `run` until *stop* is set. Raises SettingsError for addresses that are missing or no addresses."""

    def __init__(self, settings: Settings, env: dict[str, str], now_ms: Callable[[], int] = wall_ms) -> None:
        self.kafka = settings.kafka
        self.outbox = Outbox(settings, env)
        self.me = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.ledger = Ledger(settings.notify, self.me)
        self.counts = Counts()
        self._now_ms = now_ms
        self._sending: list[_Sending] = []
        self._written: list[tuple[Any, float]] = []
        self._resends = {c.name: _Resend() for c in settings.notify.channels if c.kind == "alertmanager"}
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")
        self._consumer: Any = None
        self._producer: Any = None
        self.caught_up = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Follow and send until *stop*. Raises WorkError when the broker is not there or does not confirm."""
        self._connect()
        try:
            self._catch_up(stop)
            while not stop.is_set():
                self.turn()
        finally:
            self._close()

    def turn(self) -> None:
        """One round: read, write what is to be said, send what is ours, note what has been sent."""
        self._read(POLL_MS)
        now_ms = self._now_ms()
        for record in self.ledger.steps(now_ms):
            self._say(record)
        for job in self.ledger.jobs(now_ms):
            to, content = self.outbox.prepare(job, now_ms)
            self._sending.append(_Sending(job, self._pool.submit(self._send, job, to, content)))
        self._collect()
        self._resend(now_ms)
        self._check_written()

    def _send(self, job: Job, to: str, content: Any) -> Outcome:
        """In a thread of the pool."""
        now_ms = self._now_ms()
        if not is_fresh(job.claimed_ms, now_ms):
            return Outcome("failed", "it waited for a thread too long")
        return self.outbox.send(to, content, now_ms)

    def _collect(self) -> None:
        for sending in [s for s in self._sending if s.future.done()]:
            self._sending.remove(sending)
            outcome = sending.future.result()
            item = sending.job.item
            if outcome.state != "sent":
                log.warning("%s to %s about %s: %s", item.occasion, item.way or item.to, item.order, outcome.reason)
            self._say(self.ledger.done(sending.job, outcome.state, outcome.reason, self._now_ms()))

    def _say(self, record: Notification) -> None:
        """Append *record* to the ledger; what it changes is seen when it is read back."""
        if record.state in ("sent", "failed", "given_up", "dropped"):
            setattr(self.counts, record.state, getattr(self.counts, record.state) + 1)
        if record.state == "given_up" or record.reason == "no_room":
            log.error("%s to %s about %s is given up: %s", record.occasion, record.to, record.order, record.reason)
        partition = partition_of(record.queue, self.kafka.partitions)
        sent = self._producer.send(
            topic_name(self.kafka.prefix, NOTIFICATIONS), encode(record), key=record.key.encode(), partition=partition
        )
        self._written.append((sent, time.monotonic()))

    def _check_written(self) -> None:
        """Forget what is confirmed. Raises WorkError for what is not, in time or at all."""
        waiting = []
        for sent, since_s in self._written:
            if not sent.is_done:
                waiting.append((sent, since_s))
            if (sent.is_done and sent.failed()) or (not sent.is_done and time.monotonic() - since_s > CONFIRM_S):
                raise WorkError(
                    f"The broker {self.kafka.bootstrap} does not confirm what was sent to whom: start the notifier "
                    "again when it does; what is in doubt is sent again under the same key"
                )
        self._written = waiting

    def _resend(self, now_ms: int) -> None:
        """Tell each Alertmanager again what fires, before its resolve_timeout takes our silence for an end."""
        for channel in self.ledger.settings.channels:
            state = self._resends.get(channel.name)
            if state is None:
                continue
            if state.future is not None and state.future.done():
                outcome, state.future = state.future.result(), None
                if (outcome.state != "sent") != state.failing:
                    state.failing = not state.failing
                    log.warning("%s: telling it again %s", channel.name, outcome.reason if state.failing else "works")
                self.counts.resent += outcome.state == "sent"
            lane_free = not any(s.job.item.to == channel.name for s in self._sending)
            if state.future is None and now_ms >= state.next_ms and lane_free:
                state.next_ms = now_ms + channel.resend_ms
                alerts = [a for found in self.ledger.again(channel.name, now_ms) for a in self.outbox.again(found)]
                if alerts:
                    state.future = self._pool.submit(self._send_all, channel.name, alerts)

    def _send_all(self, channel: str, alerts: list[dict[str, Any]]) -> Outcome:
        outcome = Outcome("sent")
        for at in range(0, len(alerts), BATCH):
            outcome = self.outbox.send(channel, alerts[at : at + BATCH], self._now_ms())
            if outcome.state != "sent":
                return outcome
        return outcome

    # --- Kafka ------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        from kafka import KafkaConsumer, KafkaProducer, TopicPartition
        from kafka.errors import KafkaError

        try:
            self._consumer = KafkaConsumer(
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=POLL_MS,
                **client_options(self.kafka),
            )
            self._producer = KafkaProducer(acks="all", linger_ms=0, **client_options(self.kafka))
        except KafkaError as error:
            self._close()
            raise WorkError(
                f"No broker answers at {self.kafka.bootstrap} ({type(error).__name__}): is it running, and is "
                "[kafka] bootstrap right?"
            ) from error
        numbers = range(self.kafka.partitions)
        tps = {t: [TopicPartition(topic_name(self.kafka.prefix, t), p) for p in numbers] for t in (*WHOLE, *RECENT)}
        self._consumer.assign([tp for found in tps.values() for tp in found])
        self._consumer.seek_to_beginning()
        since_ms = self._now_ms() - RECENT_MS
        recent = {tp: since_ms for topic in RECENT for tp in tps[topic]}
        try:
            starts = self._consumer.offsets_for_times(recent)
        except KafkaError:
            return  # a broker that cannot say: from the beginning, and the ledger passes over what is old
        for tp, start in starts.items():
            if start is not None:
                self._consumer.seek(tp, start.offset)

    def _catch_up(self, stop: threading.Event) -> None:
        """Read to the end before anything is decided: what has been sent must be known first."""
        deadline = time.monotonic() + CATCH_UP_S
        while not stop.is_set():
            if self._read(POLL_MS):
                deadline = time.monotonic() + CATCH_UP_S
            if all(self._is_read(tp) for tp in self._consumer.assignment()):
                self.caught_up.set()
                return
            if time.monotonic() > deadline:
                raise WorkError(f"The broker {self.kafka.bootstrap} gives no answer for {CATCH_UP_S:.0f} s")

    def _is_read(self, partition: Any) -> bool:
        mark = self._consumer.highwater(partition)
        return mark is not None and self._consumer.position(partition) >= mark

    def _read(self, timeout_ms: int) -> int:
        """Pass on what has come; returns how many records that were."""
        number = 0
        for tp, records in self._consumer.poll(timeout_ms=timeout_ms).items():
            topic = tp.topic.removeprefix(self.kafka.prefix)
            for record in records:
                number += 1
                moved = topic in RECENT and any(name == MOVED_FROM for name, _ in record.headers)
                if record.value is not None and not moved:
                    self._take(topic, record.value, record.timestamp)
        return number

    def _take(self, topic: str, value: bytes, appended_ms: int) -> None:
        try:
            payload = decode(value) if topic == NOTIFICATIONS else orjson.loads(value)
        except (ValidationError, ValueError):
            log.warning("a record of %s cannot be read and is passed over", topic)
            return
        self.ledger.take(topic, payload, appended_ms, self._now_ms())

    def _close(self) -> None:
        """Let what is under way end, note it, and leave."""
        end = time.monotonic() + STOP_S
        while self._sending and time.monotonic() < end:
            time.sleep(0.02)
            self._collect()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._producer is not None:
            self._producer.close(timeout=STOP_S)
        if self._consumer is not None:
            self._consumer.close()
