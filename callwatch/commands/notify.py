"""``callwatch notify``: reach people and tools; and what was told to whom."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from models.notification import Notification
    from models.runtime import KafkaSettings


def register(app: typer.Typer) -> None:
    """Register ``notify``."""

    @app.command()
    def notify(
        settings: Annotated[Path | None, typer.Option("--settings", "-s", help="Settings file (TOML).")] = None,
        ledger: Annotated[bool, typer.Option("--ledger", help="Show what was told to whom, and end.")] = False,
        order: Annotated[str, typer.Option(help="With --ledger: of this order alone.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="With --ledger: one JSON object a line.")] = False,
    ) -> None:
        """Tell people and outside tools about work orders, each once, until Ctrl-C.

        Addresses, keys and secrets lie in the environment; the settings name the variables (tables
        `contact` and `channel`). Start two for safety: they share the work and repeat nothing.
        """
        from callwatch.settings import load_settings

        loaded = load_settings(settings)
        if ledger:
            for record in read_ledger(loaded.kafka, order):
                sys.stdout.write((record.model_dump_json() if as_json else line(record)) + "\n")
            return
        run(loaded)


def run(loaded: Any) -> None:
    """Notify until SIGINT or SIGTERM. Raises SettingsError and WorkError."""
    import asyncio
    import os
    import signal
    import threading

    from callwatch.notifier import Notifier
    from streams.broker import create_topics

    notifier = Notifier(loaded, dict(os.environ))
    asyncio.run(create_topics(loaded.kafka))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    contacts, channels = loaded.notify.contacts, loaded.notify.channels
    people = len({c.person for c in contacts})
    sys.stderr.write(f"notify: {people} people, {len(channels)} channels, broker {loaded.kafka.bootstrap}\n")
    if not contacts and not channels:
        sys.stderr.write("notify: the settings name nobody to tell ([[contact]], [[channel]]): see NOTIFICATIONS.md\n")
    notifier.run(stop)
    c = notifier.counts
    sys.stderr.write(f"notify: sent {c.sent}, failed {c.failed}, given up {c.given_up}, dropped {c.dropped}\n")


def read_ledger(kafka: KafkaSettings, order: str = "") -> list[Notification]:
    """The last word on every notification, oldest first; of *order* alone when it is given.

    Raises WorkError when the broker or the topic is not there.
    """
    import asyncio

    return asyncio.run(_read_ledger(kafka, order))


async def _read_ledger(kafka: KafkaSettings, order: str) -> list[Notification]:
    from alerts.case import supersedes
    from models.errors import WorkError
    from models.notification import CLOSED, decode
    from models.topics import NOTIFICATIONS, topic_name
    from streams.broker import partition_numbers, read_partition

    topic = topic_name(kafka.prefix, NOTIFICATIONS)
    number = (await partition_numbers(kafka))[NOTIFICATIONS]
    if number == 0:
        raise WorkError(f"There is no topic {topic} at {kafka.bootstrap}: start `callwatch notify` once")
    last: dict[str, Notification] = {}
    for partition in range(number):
        async for rows in read_partition(kafka, topic, partition):
            for _, key, value in rows:
                if value is not None and key != CLOSED:
                    record = decode(value)
                    there = last.get(record.key)
                    if there is None or supersedes(record, there):
                        last[record.key] = record
    return sorted((r for r in last.values() if order in ("", r.order)), key=lambda r: (r.at_ms, r.key))


def line(record: Notification) -> str:
    """One notification as a line: when, how it stands, what, to whom, about which order, why."""
    at = datetime.fromtimestamp(record.at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    to = f"{record.to} ({record.way})" if record.way else record.to
    tries = f" after {record.tries} attempts" if record.tries > 1 else ""
    why = f": {record.reason}" if record.reason else ""
    return f"{at} {record.state:<8} {record.occasion:<10} {to} {record.order} {record.queue}{tries}{why}"
