"""``callwatch rules``: the settings in force of a running system, shown and changed through the log."""

from __future__ import annotations

import sys
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import WorkError

if TYPE_CHECKING:
    from callwatch.in_force import InForce
    from models.catalogue import Catalogue
    from models.runtime import KafkaSettings, Settings

Given = Annotated[Path, typer.Option("--settings", "-s", metavar="FILE", help="The settings file.")]
Bootstrap = Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")]
Prefix = Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")]


def register(app: typer.Typer) -> None:
    """Register ``rules``."""
    rules = typer.Typer(help="Settings in force: rules, queues, people, limits, hours.", no_args_is_help=True)
    app.add_typer(rules, name="rules")

    @rules.command()
    def show(
        settings: Given,
        as_json: Annotated[bool, typer.Option("--json", help="With the settings in full.")] = False,
        bootstrap: Bootstrap = "",
        prefix: Prefix = None,
    ) -> None:
        """Show which settings are in force in each partition, and whether they are those of the file."""
        import asyncio

        from callwatch.in_force import settings_in_force

        loaded = _load(settings, bootstrap, prefix)
        found = asyncio.run(settings_in_force(loaded.kafka))
        sys.stdout.write(_json(found) if as_json else _table(found, loaded.catalogue))

    @rules.command()
    def apply(settings: Given, bootstrap: Bootstrap = "", prefix: Prefix = None) -> None:
        """Put the settings of the file in force in all partitions, at the end of their logs.

        Give the file to all workers first: one that starts with another tells the log its own.
        """
        import asyncio

        loaded = _load(settings, bootstrap, prefix)
        sys.stdout.write(asyncio.run(_apply(loaded.kafka, loaded.catalogue)))


def _load(path: Path, bootstrap: str, prefix: str | None) -> Settings:
    from callwatch.settings import load_settings

    loaded = load_settings(path)
    kafka = changed(
        loaded.kafka,
        bootstrap=bootstrap or loaded.kafka.bootstrap,
        prefix=loaded.kafka.prefix if prefix is None else prefix,
    )
    return changed(loaded, kafka=kafka)


def _table(found: list[InForce], catalogue: Catalogue) -> str:
    from models.settings_record import digest

    mine = digest(catalogue)
    lines = [f"the file is {mine}"]
    for one in found:
        came = "from the manifest" if one.offset < 0 else f"since offset {one.offset}"
        same = "the file's" if one.digest == mine else "NOT the file's"
        c = one.catalogue
        counts = f"{len(c.rules)} rules, {len(c.queues)} [[queue]], {len(c.people)} people"
        lines.append(f"partition {one.partition}: {one.digest} {came}, {same}: {counts}; {len(one.queues)} queues live")
    return "\n".join(lines) + "\n"


def _json(found: list[InForce]) -> str:
    import orjson

    from models.settings_record import packed

    rows = [
        {"partition": one.partition, "digest": one.digest, "offset": one.offset, "catalogue": packed(one.catalogue)}
        for one in found
    ]
    return orjson.dumps({"partitions": rows}, option=orjson.OPT_INDENT_2).decode() + "\n"


async def _apply(kafka: KafkaSettings, catalogue: Catalogue) -> str:
    import uuid

    from callwatch.in_force import recut, settings_in_force
    from models.settings_record import digest, settings_record
    from models.topics import EVENTS, topic_name
    from streams.clock import wall_ms
    from streams.sending import Sender

    mine, found = digest(catalogue), await settings_in_force(kafka)
    for one in found:
        if cut := recut(one.queues, one.catalogue, catalogue):
            raise WorkError(
                f"The file gives another time zone or interval length to {', '.join(cut[:3])} than the one in force, "
                "and rows that exist cannot be cut anew. Set it back, or choose another [kafka] prefix and replay."
            )
    others = [one for one in found if one.digest != mine]
    if not others:
        return f"settings {mine} are in force already in all {len(found)} partitions\n"
    record = settings_record(catalogue, id=f"rules-apply-{uuid.uuid4().hex}", source="callwatch", ts_ms=wall_ms())
    topic = topic_name(kafka.prefix, EVENTS)
    async with Sender(kafka) as send:
        await send([(topic, one.partition, None, record, None) for one in others])
    before = ", ".join(sorted({one.digest for one in others}))
    return f"settings {mine} take the place of {before} in {len(others)} of {len(found)} partitions\n"
