"""``callwatch alerts``: the topic ``alerts`` on the terminal."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from callwatch.terminal import utc_text
from models.broker_access import client_options
from models.errors import WorkError

if TYPE_CHECKING:
    from models.runtime import KafkaSettings

#: Wait for records; a broker that answers nothing for `END_POLLS` of these has none.
POLL_MS: Final = 500
END_POLLS: Final = 10
#: A broker that is there answers within a second; kafka-python alone would be silent for half a minute.
ANSWER_MS: Final = 8_000


def register(app: typer.Typer) -> None:
    """Register ``alerts``."""

    @app.command()
    def alerts(
        follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
        last: Annotated[int, typer.Option(min=0, max=10_000, help="Begin with so many of those already there.")] = 20,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as on the topic.")] = False,
        settings: Annotated[Path | None, typer.Option(metavar="FILE", help="The settings file.")] = None,
        bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")] = "",
        prefix: Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")] = None,
    ) -> None:
        """Show the alerts: what a wallboard or a person should see."""
        from callwatch.settings import load_settings

        kafka = load_settings(settings).kafka
        kafka = changed(
            kafka,
            bootstrap=bootstrap or kafka.bootstrap,
            prefix=kafka.prefix if prefix is None else prefix,
        )
        try:
            for value in read_alerts(kafka, last, follow):
                sys.stdout.write((value.decode() if as_json else line(value)) + "\n")
                sys.stdout.flush()
        except KeyboardInterrupt:
            sys.stderr.write("\n")


def line(value: bytes) -> str:
    """One alert as a line: time, kind, severity, queue, owner, title and text."""
    import orjson

    alert = orjson.loads(value)
    owner = f" [{alert['owner']}]" if alert["owner"] else ""
    title = alert["title"].removeprefix(f"{alert['queue']}: ")
    text = f": {alert['text']}" if alert["text"] != alert["title"] else ""
    return f"{utc_text(alert['at_ms'])} {alert['kind']:<8} {alert['severity']} {alert['queue']}{owner} {title}{text}"


def read_alerts(kafka: KafkaSettings, last: int, follow: bool) -> Iterator[bytes]:
    """The *last* alerts that are there, then with *follow* all that come, each once (by ``pos``).

    Raises WorkError when the broker or the topic is not there.
    """
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    from models.kafka_codecs import learn
    from models.topics import ALERTS, topic_name

    learn()
    topic = topic_name(kafka.prefix, ALERTS)
    try:
        consumer = KafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=ANSWER_MS,
            **client_options(kafka),
        )
    except KafkaError as error:
        raise WorkError(
            f"No broker answers at {kafka.bootstrap} ({type(error).__name__}): "
            "start it, or name another with --bootstrap"
        ) from error
    try:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise WorkError(f"There is no topic {topic} at {kafka.bootstrap}: start a worker, or check --prefix")
        consumer.assign([TopicPartition(topic, number) for number in sorted(numbers)])
        consumer.seek_to_beginning()
        seen: dict[int, tuple[int, int]] = {}
        there: dict[int, deque[bytes]] = {number: deque(maxlen=last) for number in numbers}
        for partition, value in _to_the_end(consumer):
            if _is_new(value, seen):
                there[partition].append(value)
        yield from sorted((value for values in there.values() for value in values), key=_at_ms)[-last or None :]
        while follow:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    if record.value is not None and _is_new(record.value, seen):
                        yield record.value
    finally:
        consumer.close()


def _to_the_end(consumer: Any) -> Iterator[tuple[int, bytes]]:
    """All values with their partition, up to the high watermarks that fetches report (not every broker's other answer
    about the end is right)."""
    idle = 0
    while idle < END_POLLS and not all(_is_read(consumer, tp) for tp in consumer.assignment()):
        polled = consumer.poll(timeout_ms=POLL_MS)
        idle = 0 if polled else idle + 1
        for records in polled.values():
            yield from ((r.partition, r.value) for r in records if r.value is not None)


def _is_read(consumer: Any, partition: Any) -> bool:
    mark = consumer.highwater(partition)
    return mark is not None and consumer.position(partition) >= mark


def _is_new(value: bytes, seen: dict[int, tuple[int, int]]) -> bool:
    """Whether the ``pos`` of *value* lies above those in *seen* (by partition of the cause), which it then joins."""
    import orjson

    partition, offset, n = orjson.loads(value)["pos"]
    if (offset, n) <= seen.get(partition, (-1, -1)):
        return False
    seen[partition] = (offset, n)
    return True


def _at_ms(value: bytes) -> int:
    import orjson

    return int(orjson.loads(value)["at_ms"])
