"""The notifier: follows the topics, lets the ledger decide, sends, and writes down what it did.

It keeps nothing of its own: everything that it knows is read from Kafka at its start. Run two for safety; they share
the work by the claims in the topic ``notifications`` (`alerts.ledger`). One thread reads and decides, others send, at
most one thing at a time by each way.

Where `callwatch repartition` has closed the ledger (`models.notification.closing`) nobody notifies any more.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from alerts.case import FINAL, MOVED
from alerts.ledger import Job, Ledger, is_fresh
from alerts.owed import PAGE_STALE_MS
from callwatch.delivery import Outcome
from callwatch.outbox import Outbox
from callwatch.send_threads import SendThreads
from models.broker_access import client_options
from models.errors import WorkError
from models.kafka_codecs import learn
from models.moved import origin
from models.notification import CLOSED, Notification, decode, encode
from models.outputs import Order
from models.partition import partition_of
from models.runtime import Settings
from models.topics import ALERTS, NOTIFICATIONS, WORKORDER_LOG, WORKORDERS, topic_name
from streams.clock import wall_ms

#: Read from the beginning: they are compacted and say how things stand.
WHOLE: Final = (WORKORDERS, NOTIFICATIONS)
#: Read from so far back as a page is worth sending, and a little more.
RECENT: Final = (ALERTS, WORKORDER_LOG)
RECENT_MS: Final = PAGE_STALE_MS + 600_000
#: Fields without which nothing can be told by a record; one that lacks any is passed over, and the others go on.
NEEDED: Final = {
    WORKORDERS: frozenset(Order.model_fields) - {"negotiation", "consultation", "findings", "like", "problem"},
    ALERTS: frozenset({"pos", "kind", "queue", "order", "at_ms", "severity", "owner", "title", "text", "zh"}),
    WORKORDER_LOG: frozenset({"pos", "order", "at_ms", "actor", "event", "decision", "data", "version", "order_after"}),
}
POLL_MS: Final = 100
#: How long the broker may take to show all that is there at the start.
CATCH_UP_S: Final = 120.0
#: A word that the broker has not confirmed for so long ends the notifier: whoever starts it again begins from the log.
CONFIRM_S: Final = 60.0
#: Alerts in one request to Alertmanager: 100 KB.
BATCH: Final = 100
#: How long claims may take to be read back at the end; what is not is claimed by others when our lease is over.
READ_BACK_S: Final = 3.0
#: What sending under way gets at the end.
STOP_S: Final = 15.0

log = logging.getLogger("callwatch.notify")


@dataclass(slots=True)
class _Sending:
    """A message that is ours to send: it waits for a thread until there is a *future*."""

    job: Job
    to: str
    content: Any
    future: Future[Outcome] | None = None


@dataclass(slots=True)
class _Resend:
    """Telling one Alertmanager again what it shows."""

    next_s: float = 0.0  #: by a clock that nobody sets
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
        self._threads = SendThreads()
        self._closed: dict[int, str] = {}  #: partition of the ledger -> why nobody may notify
        self._since_ms = 0  #: what came before is not read from `RECENT`
        self._consumer: Any = None
        self._producer: Any = None
        self.caught_up = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Follow and send until *stop*. Raises WorkError when the broker is not there or does not confirm, and when the
        installation was moved."""
        from kafka.errors import KafkaError

        try:
            self._connect()
            self._catch_up(stop)
            while not stop.is_set():
                self.turn()
            self._let_go()
        except KafkaError as error:
            raise WorkError(
                f"The broker {self.kafka.bootstrap} does not answer ({type(error).__name__}): start the notifier again "
                "when it does; it goes on where the ledger stands"
            ) from error
        finally:
            self._close()

    def turn(self) -> None:
        """One round: read, write what is to be said, send what is ours, note what has been sent."""
        self._read(POLL_MS)
        self._check_open()
        now_ms = self._now_ms()
        for record in self.ledger.steps(now_ms):
            self._say(record)
        for job in self.ledger.jobs(now_ms):
            self._prepare(job, now_ms)
        self._begin(now_ms)
        self._collect()
        self._resend(now_ms)
        self._check_written()

    def _prepare(self, job: Job, now_ms: int) -> None:
        try:
            to, content = self.outbox.prepare(job, now_ms)
        except Exception as error:  # an order that lacks something: the others must go on
            reason = f"cannot be put into words: {type(error).__name__}"
            self._say(self.ledger.done(job, "given_up", reason, now_ms))
        else:
            self._sending.append(_Sending(job, to, content))

    def _begin(self, now_ms: int) -> None:
        """Hand to threads what waits for one, unless something has stopped it since or another has taken it over."""
        for sending in [s for s in self._sending if s.future is None]:
            job = sending.job
            entry = job.case.entries.get(job.item.key)
            if entry is not None and entry.record.state in FINAL:
                self._sending.remove(sending)
            elif reason := self.ledger.stopped(job, now_ms):
                self._sending.remove(sending)
                self._say(self.ledger.done(job, "dropped", reason, now_ms))
            elif not is_fresh(job.claimed_ms, now_ms):
                self._sending.remove(sending)
                self._say(self.ledger.done(job, "failed", "it waited for a thread too long", now_ms))
            else:
                sending.future = self._threads.begin(self._work(sending.to, sending.content))

    def _work(self, to: str, content: Any) -> Callable[[], Outcome]:
        return lambda: self.outbox.send(to, content, self._now_ms())

    def _collect(self) -> None:
        for sending in [s for s in self._sending if s.future is not None and s.future.done()]:
            self._sending.remove(sending)
            assert sending.future is not None
            outcome = sending.future.result()
            item = sending.job.item
            if outcome.state != "sent":
                log.warning("%s to %s about %s: %s", item.occasion, item.way or item.to, item.order, outcome.reason)
            done = self.ledger.done(sending.job, outcome.state, outcome.reason, self._now_ms(), doubt=outcome.doubt)
            self._say(done)

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
            if state.future is None and time.monotonic() >= state.next_s and lane_free:
                alerts = [a for found in self.ledger.again(channel.name, now_ms) for a in self.outbox.again(found)]
                if alerts:
                    state.future = self._threads.begin(self._work_of_all(channel.name, alerts))
                if state.future is not None or not alerts:  # else no thread was free: at the next round
                    state.next_s = time.monotonic() + channel.resend_ms / 1000

    def _work_of_all(self, channel: str, alerts: list[dict[str, Any]]) -> Callable[[], Outcome]:
        return lambda: self._send_all(channel, alerts)

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

        learn()
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
        self._since_ms = self._now_ms() - RECENT_MS
        recent = {tp: self._since_ms for topic in RECENT for tp in tps[topic]}
        try:
            ends = self._consumer.end_offsets(list(recent))  # before the question: what comes in between is read
            starts = self._consumer.offsets_for_times(recent)
        except KafkaError:
            return  # a broker that cannot say: from the beginning, and what is old is passed over
        for tp, start in starts.items():
            self._consumer.seek(tp, ends[tp] if start is None else start.offset)

    def _catch_up(self, stop: threading.Event) -> None:
        """Read to the end before anything is decided: what has been sent must be known first.

        The ledger comes before the orders, so that those that are over and settled need not be kept.
        """
        ledger = topic_name(self.kafka.prefix, NOTIFICATIONS)
        rest = [tp for tp in self._consumer.assignment() if tp.topic != ledger]
        self._consumer.pause(*rest)
        self._read_all([tp for tp in self._consumer.assignment() if tp.topic == ledger], stop)
        self._check_open()
        self._consumer.resume(*rest)
        self._read_all(list(self._consumer.assignment()), stop)
        if not stop.is_set():
            self.caught_up.set()

    def _read_all(self, partitions: list[Any], stop: threading.Event) -> None:
        deadline = time.monotonic() + CATCH_UP_S
        while not stop.is_set() and not all(self._is_read(tp) for tp in partitions):
            if self._read(POLL_MS):
                deadline = time.monotonic() + CATCH_UP_S
                self.ledger.trim(self._now_ms())
            if time.monotonic() > deadline:
                raise WorkError(f"The broker {self.kafka.bootstrap} gives no answer for {CATCH_UP_S:.0f} s")

    def _check_open(self) -> None:
        if self._closed:
            raise WorkError(next(iter(self._closed.values())))

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
                if topic == NOTIFICATIONS and record.key == CLOSED:
                    self._close_or_open(tp.partition, record.value)
                elif record.value is not None:
                    self._take(topic, record)
        return number

    def _close_or_open(self, partition: int, why: bytes | None) -> None:
        if why is None:
            self._closed.pop(partition, None)
        else:
            self._closed[partition] = why.decode()

    def _take(self, topic: str, record: Any) -> None:
        """Pass *record* to the ledger; what a move brought here with the place and time that it had before."""
        came = origin(record.headers)
        appended_ms = came.appended_ms if came else record.timestamp
        if topic in RECENT and (appended_ms < self._since_ms or (came and came.offset == 0)):
            return  # old; or moved twice, whose places say nothing any more
        try:
            payload: Any = decode(record.value) if topic == NOTIFICATIONS else orjson.loads(record.value)
            if topic in NEEDED and (missing := NEEDED[topic] - payload.keys()):
                raise KeyError(*missing)
            if came and topic in RECENT:
                payload["pos"] = [payload["pos"][0], came.offset - MOVED, came.n]
            self.ledger.take(topic, payload, appended_ms, self._now_ms())
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("a record of %s cannot be read and is passed over: %s", topic, type(error).__name__)

    def _let_go(self) -> None:
        """Give back what we claimed and have not begun, so that whoever comes next need not wait for our lease. What
        is ours is known only when the claims are read back."""
        end = time.monotonic() + READ_BACK_S
        while self.ledger.awaits_claims and time.monotonic() < end:
            self._read(POLL_MS)
        now_ms = self._now_ms()
        for record in self.ledger.overtaken(now_ms):
            self._say(record)
        for job in self.ledger.jobs(now_ms) + [s.job for s in self._sending if s.future is None]:
            self._say(self.ledger.done(job, "failed", "the notifier was stopped before it began", now_ms))

    def _close(self) -> None:
        """Let what is under way end, note it, and leave."""
        end = time.monotonic() + STOP_S
        self._sending = [s for s in self._sending if s.future is not None]
        while self._sending and time.monotonic() < end:
            time.sleep(0.02)
            self._collect()
        if self._producer is not None:
            self._producer.close(timeout=STOP_S)
        if self._consumer is not None:
            self._consumer.close()
        self._producer = self._consumer = None
