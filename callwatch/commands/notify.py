"""``callwatch notify``: reach people and tools; and what was told to whom."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callwatch.terminal import utc_text
from models.errors import UsageError, WorkError

if TYPE_CHECKING:
    from models.notification import Notification
    from models.runtime import KafkaSettings


def register(app: typer.Typer) -> None:
    """Register ``notify``."""

    @app.command()
    def notify(
        settings: Annotated[Path | None, typer.Option("--settings", "-s", help="Settings file (TOML).")] = None,
        test: Annotated[
            str, typer.Option("--test", metavar="NAME", help="Send a test to this person or channel (or all), and end.")
        ] = "",
        ledger: Annotated[bool, typer.Option("--ledger", help="Show what was told to whom, and end.")] = False,
        order: Annotated[str, typer.Option(help="With --ledger: of this order alone.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="With --ledger: one JSON object a line.")] = False,
    ) -> None:
        """Tell people and outside tools about work orders, each once, until Ctrl-C.

        Begin with --test all: a marked message by every way, and what became of it; no broker is needed.
        Addresses, keys and secrets lie in the environment; the settings name the variables (tables
        `contact` and `channel`). Start two for safety: they share the work and repeat nothing.
        """
        from callwatch.settings import load_settings

        loaded = load_settings(settings)
        if test and (ledger or order or as_json):
            raise UsageError("--test goes with --settings alone")
        if (order or as_json) and not ledger:
            raise UsageError("--order and --json say what of the ledger is shown: they need --ledger")
        if test:
            try_out(loaded, test)
            return
        if ledger:
            for record in read_ledger(loaded.kafka, order):
                sys.stdout.write((record.model_dump_json() if as_json else line(record)) + "\n")
            return
        run(loaded)


def try_out(loaded: Any, name: str) -> None:
    """Send tests and tell what became of each. Raises WorkError when one was not taken."""
    import os

    from callwatch.trial import said, trial
    from streams.clock import wall_ms

    failed = number = 0
    for tried in trial(loaded, os.environ, name, wall_ms()):
        number += 1
        failed += tried.outcome.state != "sent"
        sys.stdout.write(said(tried) + "\n")
        sys.stdout.flush()
    if failed:
        raise WorkError(
            f"{failed} of {number} tests were not taken: see docs/NOTIFICATIONS.md for how ways are written"
        )


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
    from models.notification import words
    from models.topics import NOTIFICATIONS, topic_name
    from streams.broker import partition_numbers, read_partition

    topic = topic_name(kafka.prefix, NOTIFICATIONS)
    number = (await partition_numbers(kafka))[NOTIFICATIONS]
    if number == 0:
        raise WorkError(f"There is no topic {topic} at {kafka.bootstrap}: start `callwatch notify` once")
    last: dict[str, Notification] = {}
    for partition in range(number):
        async for rows in read_partition(kafka, topic, partition):
            for record in words(rows):
                there = last.get(record.key)
                if there is None or supersedes(record, there):
                    last[record.key] = record
    return sorted((r for r in last.values() if order in ("", r.order)), key=lambda r: (r.at_ms, r.key))


def line(record: Notification) -> str:
    """One notification as a line: when, how it stands, what, to whom, about which order, why."""
    to = f"{record.to} ({record.way})" if record.way else record.to
    tries = f" after {record.tries} attempts" if record.tries > 1 else ""
    why = f": {record.reason}" if record.reason else ""
    what = f"{record.state:<8} {record.occasion:<10} {to} {record.order} {record.queue}"
    return f"{utc_text(record.at_ms)} {what}{tries}{why}"
