"""``callwatch intervals``: the half-hour table of a recording."""

from __future__ import annotations

import csv
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

#: Lines that are no events are named one by one up to here; a recording of garbage shall not flood the terminal.
_NAMED_MAX = 20


def register(app: typer.Typer) -> None:
    """Add ``intervals``."""
    app.command("intervals")(intervals)


def intervals(
    recording: Annotated[str, typer.Argument(metavar="REC", help="Recording (.ndjson.zst); - is standard input.")],
    format_: Annotated[Literal["csv"], typer.Option("--format", help="Output format.")] = "csv",
    minutes: Annotated[int | None, typer.Option(help="Length of an interval (default: the site's, else 30).")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Seconds to the service-level threshold (default: the queue's, else 20).")
    ] = None,
    attribution: Annotated[
        Literal["arrival", "event"],
        typer.Option(help="Count a call where it arrived, or each event where it happened."),
    ] = "arrival",
    settings: Annotated[Path | None, typer.Option(help="Settings file with sites and queues.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="File to write; - is standard output.")] = "-",
) -> None:
    """Print offered, answered, abandoned, service level and more of each interval and queue of a recording.

    Service level is the queue's formula (default short_excluded, short abandons up to 5 s); fractions are empty where
    nothing stands behind them.
    """
    from callwatch.intervals import COLUMNS, IntervalTable, dead_lines, in_zone, setup_for
    from callwatch.progress import Progress
    from callwatch.settings import load_settings
    from models.errors import UsageError, WorkError
    from sources.recording import open_recording

    if minutes is not None and (minutes < 1 or 1440 % minutes):
        raise UsageError(f"--minutes {minutes}: an interval must divide the day evenly, e.g. 15, 30 or 60.")
    if threshold is not None and not 0 < threshold <= 86_400:
        raise UsageError(f"--threshold {threshold:g}: give seconds above 0 and up to 86400 (a day), e.g. 20.")
    if output != "-" and Path(output).exists() and Path(recording).exists() and Path(output).samefile(recording):
        raise UsageError(f"-o {output}: that would write the table over the recording; give it a name of its own.")
    catalogue = load_settings(settings).catalogue
    with Progress() as progress, open_recording(recording) as source:
        setup = setup_for(
            in_zone(catalogue, source.header.tzinfo.key),
            minutes,
            None if threshold is None else round(threshold * 1000),
        )
        table = IntervalTable(setup, by_event=attribution == "event")
        dead = 0
        for letter in dead_lines(table, source, progress.show):
            dead += 1
            if dead <= _NAMED_MAX:
                progress.say(f"{source.name}: line {letter.offset}: {letter.reason}: {letter.detail}")
        if dead:
            progress.say(f"{source.name}: {dead} lines are no events and were left out")
        rows = table.rows()
    try:
        with nullcontext(sys.stdout) if output == "-" else Path(output).open("w", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(table.record(row) for row in rows)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WorkError(f"Cannot write {output}: {error.strerror}. Name another place with -o.") from error
