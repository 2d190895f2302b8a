"""``callwatch learn``: what is normal for each queue, learned from recordings."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add ``learn``."""
    app.command("learn")(learn)


def learn(
    recordings: Annotated[list[str], typer.Argument(metavar="REC...", help="Recordings, in order of time.")],
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", help="Settings: zones, hours and holidays; where the log is.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="File to write; - is standard output. Without: into the log.")
    ] = "",
    odd: Annotated[
        list[str] | None, typer.Option("--odd", metavar="DATE", help="A local day that teaches nothing. Repeatable.")
    ] = None,
) -> None:
    """Learn what is normal for each queue and half-hour of the week from recordings.

    Without -o it goes into the log of the running installation that the settings name, and holds from there on: what
    was learned there of these queues before is replaced. A file can be given to a back-test.
    """
    import asyncio
    from datetime import date

    from callwatch.learning import learn as learned_of
    from callwatch.learning import records, tell
    from callwatch.progress import Progress
    from callwatch.settings import load_settings
    from models.errors import InputError, UsageError, WorkError
    from streams.clock import wall_ms

    try:
        days = [date.fromisoformat(text) for text in odd or ()]
    except ValueError as error:
        raise UsageError(f"--odd: {error}: write it as 2026-03-02.") from error
    if output and output != "-" and any(_same(output, name) for name in recordings):
        raise UsageError(f"-o {output}: that would write over a recording; give it a name of its own.")
    loaded = load_settings(settings)
    with Progress() as progress:
        found = learned_of(recordings, loaded.catalogue, days, progress.show)
    if not found:
        raise InputError("Nothing was learned: a queue needs some whole days of calls, with the clock of its site.")
    told = list(records(found, wall_ms()))
    if not output:
        asyncio.run(tell(loaded.kafka, told))
        sys.stdout.write(f"{len(told)} queues: what was learned holds from here\n")
        return
    try:
        with nullcontext(sys.stdout.buffer) if output == "-" else Path(output).open("wb") as file:
            file.writelines(value + b"\n" for _, value in told)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WorkError(f"Cannot write {output}: {error.strerror}. Name another place with -o.") from error
    if output != "-":
        sys.stdout.write(f"{len(told)} queues: what was learned stands in {output}\n")


def _same(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)
