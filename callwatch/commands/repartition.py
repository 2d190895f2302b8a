"""``callwatch repartition``: a stopped installation moved to another number of partitions."""

from __future__ import annotations

import re
import sys
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import UsageError

if TYPE_CHECKING:
    from callwatch.repartition import Moved
    from models.catalogue import Catalogue
    from models.runtime import KafkaSettings

PARTITIONS_MAX = 512


def register(app: typer.Typer) -> None:
    """Register ``repartition``."""

    @app.command()
    def repartition(
        partitions: Annotated[
            int | None, typer.Argument(metavar="N", min=1, max=PARTITIONS_MAX, help="Partitions to have from now on.")
        ] = None,
        to: Annotated[str, typer.Option("--to", metavar="PREFIX", help="Prefix of the new topics.")] = "",
        settings: Annotated[Path | None, typer.Option(metavar="FILE", help="The settings file as it is now.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be moved, and write nothing.")] = False,
        release: Annotated[
            bool, typer.Option("--release", help="Instead: let workers onto the old topics of a finished move again.")
        ] = False,
        bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")] = "",
    ) -> None:
        """Move an installation to N partitions, under a new prefix: orders, episodes, figures and all outputs.

        Stop workers and sources first. The old topics stay as they are. Afterwards set [kafka] prefix and partitions
        in the settings, and start everything again.
        """
        import asyncio

        from callwatch.settings import load_settings

        loaded = load_settings(settings)
        kafka = changed(loaded.kafka, bootstrap=bootstrap or loaded.kafka.bootstrap)
        if release:
            from callwatch.repartition import release as let_go

            asyncio.run(let_go(kafka))
            sys.stdout.write(f'workers may run on prefix "{kafka.prefix}" again\n')
            return
        if partitions is None or not to:
            raise UsageError("Say how many partitions and under which prefix: callwatch repartition 8 --to new-")
        if not re.fullmatch(r"[A-Za-z0-9._-]*", to):
            raise UsageError(f'--to "{to}" is not letters, digits, dot, underscore and hyphen.')
        target = changed(kafka, prefix=to, partitions=partitions)
        sys.stdout.write(_run(kafka, target, loaded.catalogue, dry_run))


def _run(kafka: KafkaSettings, target: KafkaSettings, catalogue: Catalogue, dry_run: bool) -> str:
    import asyncio

    from callwatch.progress import Progress
    from callwatch.repartition import plan
    from callwatch.repartition import repartition as move

    with Progress() as progress:
        if dry_run:
            return _report("would move", asyncio.run(plan(kafka, target, progress.show)), target)
        moved = asyncio.run(move(kafka, catalogue, target, progress.show))
    after = f'Now set [kafka] prefix = "{target.prefix}" and partitions = {target.partitions}, and start again.\n'
    return _report("moved", moved, target) + after


def _report(verb: str, moved: Moved, target: KafkaSettings) -> str:
    records = ", ".join(f"{n:,} of {topic}" for topic, n in moved.records.items())
    homes = ", ".join(f"{n} in {partition}" for partition, n in enumerate(moved.homes))
    return (
        f'{verb} {moved.queues} queues with {moved.open_orders} open orders to prefix "{target.prefix}": {homes}\n'
        f"records: {records}\n"
        f"at the ends of the old logs: {moved.applied:,} that no snapshot included\n"
    )
