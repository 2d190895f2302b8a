"""``callwatch simulate``: a seeded realistic day as a recording, and its ground truth as JSON beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from models.errors import UsageError, WorkError

_SUFFIX: Final = ".ndjson.zst"
#: Away from a terminal a line says how far it is, but not more often than this.
_SAY_EVERY_S: Final = 3.0


def register(app: typer.Typer) -> None:
    """Add ``simulate``."""
    app.command("simulate")(simulate)


def simulate(
    output: Annotated[
        str, typer.Option("--output", "-o", help="Recording to write (.ndjson.zst); - is standard output.")
    ],
    seed: Annotated[int, typer.Option(help="The same seed and options give the same bytes.")] = 1,
    hours: Annotated[float, typer.Option(help="Length of the run.")] = 12.0,
    queues: Annotated[int, typer.Option(help="Number of queues, spread over a few sites.")] = 6,
    start: Annotated[str, typer.Option(help="Local time of the beginning.")] = "2026-03-02T08:00",
    timezone: Annotated[str, typer.Option(help="IANA time zone of the sites.")] = "Asia/Shanghai",
    incidents: Annotated[bool, typer.Option(help="Staffing gaps, trunk outages and surges.")] = True,
    truth: Annotated[str, typer.Option(help="Where the ground truth goes; default: beside the recording.")] = "",
) -> None:
    """Simulate a contact centre: agents, shifts, patience and a daily shape, so that waits follow from staffing."""
    from sources.recording import RecordingHeader, RecordingWriter
    from sources.simulate import SOURCE, ground_truth, make_plan
    from sources.simulate import simulate as run

    plan = make_plan(seed, parse_start(start, timezone), hours, queues, incidents=incidents)
    header = RecordingHeader(
        zone=timezone,
        sources=(SOURCE,),
        made_by="callwatch simulate",
        extra={"seed": seed, "hours": hours, "queues": queues, "incidents": incidents},
    )
    with RecordingWriter(output, header) as recording:
        recording.write_all(run(plan, _progress()))
    written = truth_path(output, truth)
    if written is not None:
        _write_truth(written, json.dumps(ground_truth(plan), indent=1, ensure_ascii=False) + "\n")
    beside = f", ground truth in {written}" if written else ""
    typer.echo(f"{recording.events} events in {output}{beside}", err=True)


def parse_start(text: str, timezone: str) -> datetime:
    """Local *text* (ISO 8601 without offset) at *timezone*. Raises UsageError for either."""
    from zoneinfo import ZoneInfo

    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise UsageError(f'--timezone "{timezone}" is not an IANA time zone such as Asia/Shanghai') from None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--start "{text}" is not a local time such as 2026-03-02T08:00') from None
    if local.tzinfo is not None:
        raise UsageError(f'--start "{text}" has an offset; give the local time, --timezone says where')
    return local.replace(tzinfo=zone)


def truth_path(output: str, truth: str) -> Path | None:
    """Where the ground truth goes: *truth*, else ``REC.truth.json`` beside ``REC.ndjson.zst``; nowhere for a pipe."""
    if truth:
        return Path(truth)
    if output == "-":
        return None
    path = Path(output)
    return path.with_name(path.name.removesuffix(_SUFFIX) + ".truth.json")


def _write_truth(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WorkError(
            f"Cannot write the ground truth to {path}: {error.strerror}. Name another with --truth."
        ) from error


def _progress() -> Callable[[int, int], None]:
    """Say how many pools are done: in place on a terminal, else a line every few seconds."""
    from rich.console import Console

    console = Console(stderr=True)
    last = time.monotonic()

    def say(done: int, of: int) -> None:
        nonlocal last
        if console.is_terminal:
            console.print(f"simulating: {done} of {of} pools", end="\r" if done < of else "\n", highlight=False)
        elif time.monotonic() - last >= _SAY_EVERY_S:
            last = time.monotonic()
            typer.echo(f"simulating: {done} of {of} pools", err=True)

    return say
