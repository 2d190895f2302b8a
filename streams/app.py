"""The Faust app of a worker: settings, the driver's hooks, confirmed sends, and running it as a process."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import platform
import tempfile
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import faust
from faust.exceptions import ConsumerNotStarted
from faust.types import TP
from mode.supervisors import CrashingSupervisor

from models.errors import CallwatchError
from models.runtime import KafkaSettings, WorkerSettings
from models.topics import EVENTS, PROJECTED_TOPICS, topic_name
from streams.broker import faust_credentials
from streams.transport import SCHEME

#: topic, partition, key, value, headers
Output = tuple[str, int, bytes | None, bytes | None, list[tuple[str, bytes]] | None]

#: Batches that wait in a stream. Two keep the agent busy; each is up to ``fetch_max_records`` events.
STREAM_BUFFER = 2
#: Bytes of one partition in one fetch: 20 000 events of 155 bytes and their framing.
FETCH_BYTES = 4 * 1024**2
#: How often acknowledged offsets are committed. They only show lag (the manifest says where to start).
COMMIT_INTERVAL_S = 1.0
#: From the signal to the end of the process: a revoke and its last commit take seconds.
STOP_TIMEOUT_S = 20.0
#: From a crash to the end of the process: nothing of it is worth saving, and while it lingers its heartbeats go on and
#: its partitions are nobody's.
CRASH_TIMEOUT_S = 5.0
#: How often aiokafka may say the same thing.
REPEAT_S = 10.0
#: Kinds of messages remembered for that: aiokafka has some hundreds, of which few are ever said.
KINDS_MAX = 1_000
_CHATTY = (
    "aiokafka",  # the client's own: it has no logger of its module
    "aiokafka.cluster",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)
#: A restore (snapshots, silent re-application) runs inside this.
REQUEST_TIMEOUT_S = 90.0


async def _from_committed(tp: TP) -> int | None:
    return None


async def _nothing_to_keep(revoked: set[TP]) -> None:
    return None


class WorkerApp(faust.App):
    """A Faust app on the record-batch driver.

    ``batch_topics`` are the topic names (with prefix) that it may subscribe to; their values are `RecordBatch`.
    ``partition_starts(tp)`` says on each assignment where to start: an offset, or None for the committed one or the
    earliest. ``partition_revoked(revoked)`` runs before a revoke is answered and at an orderly stop, for at most half
    the rebalance timeout; batches that agents held are acknowledged by then unless that took as long.
    """

    batch_topics: frozenset[str] = frozenset()
    partition_starts: Callable[[TP], Awaitable[int | None]]
    partition_revoked: Callable[[set[TP]], Awaitable[None]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partition_starts = _from_committed
        self.partition_revoked = _nothing_to_keep

    async def _stop_consumer(self) -> None:
        # The first step of an orderly stop. Faust would cancel an agent between applying a batch and sending what
        # follows from it; so leave as in a rebalance. After a crash only what was acknowledged is committed.
        if self._consumer is not None and not self.crashed:
            with suppress(ConsumerNotStarted):
                await self._consumer.settle(self._consumer.assignment())
        await super()._stop_consumer()

    def _create_directories(self) -> None:
        """Nothing of ours is on disk."""


def make_app(kafka: KafkaSettings, worker: WorkerSettings, app_id: str | None = None) -> WorkerApp:
    """The app of one worker of the group *app_id* (default: the prefix and group of *kafka*).

    No tables, no web server, no leader, no topic creation: state is ours and topics are made by
    ``streams.broker.create_topics`` before. Anything unexpected ends the process.
    """
    brokers = ";".join(f"{SCHEME}://{host.strip()}" for host in kafka.bootstrap.split(","))
    app = WorkerApp(
        app_id or f"{kafka.prefix}{kafka.group}",
        broker=brokers,
        broker_credentials=faust_credentials(kafka),
        # A name of its own per worker: the assignor keeps its books by it.
        canonical_url=f"http://{platform.node() or 'worker'}-{uuid.uuid4().hex[:8]}:6066",
        datadir=Path(tempfile.gettempdir()) / "callwatch-faust",  # never made, see _create_directories
        store="memory://",
        value_serializer="raw",
        key_serializer="raw",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        agent_supervisor=CrashingSupervisor,
        stream_buffer_maxsize=STREAM_BUFFER,
        stream_wait_empty=False,  # it waits without limit; the driver waits with one
        stream_publish_on_commit=False,
        broker_session_timeout=kafka.session_timeout_s,
        broker_rebalance_timeout=kafka.rebalance_timeout_s,
        broker_heartbeat_interval=kafka.heartbeat_s,
        broker_request_timeout=REQUEST_TIMEOUT_S,
        broker_commit_interval=COMMIT_INTERVAL_S,
        broker_max_poll_records=worker.fetch_max_records,
        broker_check_crcs=True,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_max_request_size=4 * 1024**2,
        worker_redirect_stdouts=False,
    )
    app.batch_topics = frozenset(topic_name(kafka.prefix, name) for name in (EVENTS, *PROJECTED_TOPICS))
    return app


async def send_all(app: WorkerApp, outputs: Iterable[Output]) -> list[int]:
    """Send *outputs* in order, wait until the broker has confirmed every one, and return their offsets.

    Records of one partition keep their order, also when a send is retried (one request per partition is under way).
    Raises the first failure (`aiokafka.errors.KafkaError`, `faust.exceptions.ProducerSendError`) after all have ended.
    """
    producer = await app.maybe_start_producer()
    pending = []
    for topic, partition, key, value, headers in outputs:
        pending.append(await producer.send(topic, key, value, partition, None, headers))
    offsets = []
    for result in await asyncio.gather(*pending, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        offsets.append(int(result.offset))
    return offsets


def run_worker(app: WorkerApp, loglevel: str = "WARNING") -> NoReturn:
    """Run *app* until SIGTERM or SIGINT (exit 0), or until anything in it fails (exit 1).

    An error meant for people (`CallwatchError`) is raised as it is, so that the command line can say it in a sentence.
    """
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    for name in _CHATTY:
        logging.getLogger(name).addFilter(OncePerWhile())
    worker = BoundedWorker(
        app, loglevel=logging.getLevelName(loglevel), redirect_stdouts=False, quiet=True, stdout=io.StringIO()
    )
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if isinstance(app.crash_reason, CallwatchError):
            raise app.crash_reason from None
        raise
    raise SystemExit(0)


class BoundedWorker(faust.Worker):
    """Ends for certain: a broker that has died first would hold an orderly stop for minutes, and so may a crash."""

    def _flag_as_shutdown_by_signal(self) -> None:
        super()._flag_as_shutdown_by_signal()
        self._end_in(STOP_TIMEOUT_S)

    def _crash(self, reason: BaseException) -> None:
        if not self.crashed:
            self._end_in(CRASH_TIMEOUT_S)
        super()._crash(reason)

    def _end_in(self, limit_s: float) -> None:
        timer = threading.Timer(limit_s, self._give_up, [limit_s])
        timer.daemon = True
        timer.start()

    def _give_up(self, limit_s: float) -> None:
        why = f" after {self.crash_reason!r}" if self.crash_reason is not None else ""
        self.stderr.write(
            f"The worker did not stop in {limit_s:.0f} s{why} (is the broker gone?) and ends now. Nothing is lost: "
            "the next one goes on from the last snapshot.\n"
        )
        self.stderr.flush()
        os._exit(1)


class OncePerWhile(logging.Filter):
    """Lets each kind of message through once in `REPEAT_S`: a lost broker is worth a line, not fifty a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s: dict[str, float] = {}  # by the template of the message

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* is to be logged."""
        due = record.created - self._last_s.get(str(record.msg), -REPEAT_S) >= REPEAT_S
        if due:
            if len(self._last_s) >= KINDS_MAX:  # somebody writes names into the templates: begin anew
                self._last_s.clear()
            self._last_s[str(record.msg)] = record.created
        return due
