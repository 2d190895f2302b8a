"""Administration and plain reading: topics made and checked, and a partition read to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import aiokafka
import faust
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError, for_code

from models.broker_access import client_options, tls_context
from models.errors import WorkError
from models.runtime import KafkaSettings
from models.topics import TOPICS, topic_name

Rows = list[tuple[int, bytes | None, bytes | None]]

#: How long the broker may take to make the topics and show them in its metadata.
CREATE_TIMEOUT_S: Final = 30.0
#: How long a read may go without an answer of the broker before it is given up.
READ_TIMEOUT_S: Final = 30.0
#: Records in one list of `read_partition`: about 2 MB of events.
READ_RECORDS: Final = 10_000

_NO_ERROR: Final = 0
_ALREADY_EXISTS: Final = 36


def faust_credentials(kafka: KafkaSettings) -> Any:
    """How to sign in for Faust's ``broker_credentials``; None for PLAINTEXT."""
    context = tls_context(kafka)
    if kafka.security_protocol.startswith("SASL_"):
        return faust.SASLCredentials(
            username=kafka.username, password=kafka.password, mechanism=kafka.sasl_mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context) if context is not None else None


async def create_topics(kafka: KafkaSettings) -> None:
    """Make all topics of Callwatch that are missing, and wait until the broker shows them.

    Raises `WorkError` when a topic has another number of partitions than the settings, when the broker refuses one,
    and when it cannot be reached.
    """
    names = [topic_name(kafka.prefix, name) for name in TOPICS]
    async with _admin(kafka) as admin:
        existing = await _partition_numbers(admin, names)
        missing = [name for name, n in existing.items() if n == 0]
        _check(kafka, existing)
        if missing:
            wanted = [
                NewTopic(
                    topic_name(kafka.prefix, t.name), kafka.partitions, kafka.replication, topic_configs=t.config()
                )
                for t in TOPICS.values()
                if topic_name(kafka.prefix, t.name) in missing
            ]
            _check_creation(await admin.create_topics(wanted, timeout_ms=int(CREATE_TIMEOUT_S * 1000)))
            _check(kafka, await _when_shown(admin, names))


async def partition_numbers(kafka: KafkaSettings) -> dict[str, int]:
    """How many partitions each topic of Callwatch has, by its name without prefix; 0 for one that does not exist.

    Raises `WorkError` when the broker cannot be reached.
    """
    async with _admin(kafka) as admin:
        numbers = await _partition_numbers(admin, [topic_name(kafka.prefix, name) for name in TOPICS])
    return {name: numbers[topic_name(kafka.prefix, name)] for name in TOPICS}


async def _when_shown(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    deadline = time.monotonic() + CREATE_TIMEOUT_S
    while True:
        numbers = await _partition_numbers(admin, names)
        missing = [name for name, n in numbers.items() if n == 0]
        if not missing:
            return numbers
        if time.monotonic() > deadline:
            raise WorkError(
                f"The broker does not show {', '.join(missing)} {CREATE_TIMEOUT_S:.0f} s after they were made: "
                "see the broker's log, or make them by hand."
            )
        await asyncio.sleep(0.05)


async def _partition_numbers(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partitions per topic, 0 for one that does not exist (or has no leader yet)."""
    # Asked about a topic that does not exist, a broker makes it, with partitions and settings of its own.
    existing = set(await admin.list_topics()) & set(names)
    known = {t["topic"]: t for t in await admin.describe_topics(sorted(existing))} if existing else {}
    return {name: len(known[name]["partitions"]) if name in known else 0 for name in names}


def _check(kafka: KafkaSettings, numbers: dict[str, int]) -> None:
    wrong = {name: n for name, n in numbers.items() if n not in {0, kafka.partitions}}
    if wrong:
        found = ", ".join(f"{name} has {n}" for name, n in wrong.items())
        raise WorkError(
            f"[kafka] partitions = {kafka.partitions}, but {found}. A queue's partition follows from this number, so "
            "it cannot change under a running system. Set it back in the settings; or move everything to new topics "
            f"with `callwatch repartition {kafka.partitions} --to PREFIX`; or choose another prefix ([kafka] prefix) "
            "to begin anew beside the old topics, replaying what you need from a recording."
        )


def _check_creation(response: Any) -> None:
    for name, code, *detail in response.topic_errors:
        # The embedded broker answers "already exists" for a topic that it has just made; so does any broker when two
        # workers start at once.
        if code not in {_NO_ERROR, _ALREADY_EXISTS}:
            reason = detail[0] if detail and detail[0] else for_code(code).__name__
            raise WorkError(f"The broker refuses topic {name}: {reason}. Check [kafka] replication and its rights.")


@asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        await admin.start()
    except KafkaConnectionError as error:
        await admin.close()
        raise _unreachable(kafka) from error
    try:
        yield admin
    finally:
        await admin.close()


def _unreachable(kafka: KafkaSettings) -> WorkError:
    return WorkError(
        f"No Kafka broker answers at {kafka.bootstrap}: is it running, and is [kafka] bootstrap right? "
        "(`callwatch demo` needs none: it brings its own.)"
    )


async def members(kafka: KafkaSettings) -> list[str]:
    """Ids of the workers that the broker has in our consumer group. The embedded one never forgets who has left.

    Raises `WorkError` when it cannot say.
    """
    async with _admin(kafka) as admin:
        answers = await _described(admin, f"{kafka.prefix}{kafka.group}")
    return [str(member[0]) for answer in answers for group in answer.groups for member in group[5]]


async def _described(admin: AIOKafkaAdminClient, group: str) -> list[Any]:
    deadline = time.monotonic() + CREATE_TIMEOUT_S
    while True:
        try:
            return list(await admin.describe_consumer_groups([group]))
        except GroupCoordinatorNotAvailableError as error:  # the first time that anybody asks it about a group
            if time.monotonic() > deadline:
                raise WorkError(f"The broker has no coordinator for the group {group}: see its log.") from error
        await asyncio.sleep(0.2)


async def ends(kafka: KafkaSettings, topic: str) -> dict[int, int]:
    """Where each partition of *topic* (its name without prefix) ends, or thereabouts: fit to see that it grows."""
    consumer = aiokafka.AIOKafkaConsumer(**client_options(kafka), enable_auto_commit=False)
    tps = [aiokafka.TopicPartition(topic_name(kafka.prefix, topic), p) for p in range(kafka.partitions)]
    try:
        await consumer.start()
        consumer.assign(tps)
        return {tp.partition: offset for tp, offset in (await consumer.end_offsets(tps)).items()}
    except KafkaConnectionError as error:
        raise _unreachable(kafka) from error
    finally:
        await consumer.stop()


async def read_partition(
    kafka: KafkaSettings, topic: str, partition: int, start: int = 0, timeout_s: float = READ_TIMEOUT_S
) -> AsyncIterator[Rows]:
    """Read *topic* (its name on the broker) from offset *start* (clamped to the first kept) to its end at the call.

    Yields lists of (offset, key, value), none of them empty; nothing at all for an empty partition. Raises `WorkError`
    when the broker gives no answer for *timeout_s*.
    """
    async with aclosing(read_records(kafka, topic, partition, start, timeout_s)) as found:
        async for records in found:
            yield [(r.offset, r.key, r.value) for r in records]


async def read_records(
    kafka: KafkaSettings, topic: str, partition: int, start: int = 0, timeout_s: float = READ_TIMEOUT_S
) -> AsyncGenerator[list[Any], None]:
    """`read_partition` with all of each record (`aiokafka.ConsumerRecord`: also ``timestamp``, when it was appended).

    The end is the high watermark of the first FETCH answer: the embedded broker's ListOffsets(latest) names the base
    of the last batch plus one.
    """
    consumer = aiokafka.AIOKafkaConsumer(
        **client_options(kafka),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,  # an empty partition is answered after this, and a restore reads many
        check_crcs=True,
    )
    try:
        await consumer.start()
    except KafkaConnectionError as error:
        await consumer.stop()
        raise _unreachable(kafka) from error
    try:
        tp = aiokafka.TopicPartition(topic, partition)
        consumer.assign([tp])
        first = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, max(start, first))
        end: int | None = None
        deadline = time.monotonic() + timeout_s
        while end is None or await consumer.position(tp) < end:
            fetched = await consumer.getmany(tp, timeout_ms=100, max_records=READ_RECORDS)
            if end is None:
                end = consumer.highwater(tp)
            records = fetched.get(tp, [])
            if records:
                deadline = time.monotonic() + timeout_s
                # A start beyond the end is out of range, and aiokafka goes to the earliest then.
                if kept := [r for r in records if start <= r.offset < end]:
                    yield kept
            elif time.monotonic() > deadline:
                raise WorkError(f"The broker gives no answer for {topic}[{partition}] in {timeout_s:.0f} s.")
    finally:
        await consumer.stop()
