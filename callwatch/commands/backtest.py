"""``callwatch backtest``: rules over a recording, as workers would judge it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from models.errors import InputError, WorkError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from callwatch.backtest.run import Outcome
    from callwatch.backtest.traces import Traces
    from models.catalogue import Catalogue
    from sources.recording import RecordingHeader

#: Of tables that go into a file.
WIDTH: Final = 160


def register(app: typer.Typer) -> None:
    """Add ``backtest``."""
    app.command("backtest")(backtest)


def backtest(
    recording: Annotated[str, typer.Argument(metavar="REC", help="The recording; - is standard input.")],
    rules: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings, or [[rule]] tables alone; default: the default rules."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What is known to have happened, as `simulate` writes it.")
    ] = None,
    learned: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `callwatch learn` wrote: known from the beginning.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Write a page with the figures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
    clock: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Between clocks, as a replay has.")] = 1.0,
    tail: Annotated[
        float, typer.Option(min=0.0, metavar="MINUTES", help="After a trouble in which it still counts as found.")
    ] = 30.0,
) -> None:
    """Judge a recording with these rules and say what each of them is worth. Nothing is known before its time."""
    from callwatch.backtest.report import report
    from callwatch.backtest.truth import read_truth

    troubles = None if truth is None else read_truth(truth)
    catalogue, outcome, traces, header = _play(recording, rules, learned, html is not None, round(clock * 1000))
    found = report(recording, outcome, catalogue, header.tzinfo, troubles, round(tail * 60_000))
    if "acknowledgement" in header.extra:
        found["acknowledgement"] = header.extra["acknowledgement"]
    if html is not None and traces is not None:
        _write_page(html, found, traces, header.tzinfo)
    if as_json:
        import orjson

        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    from rich.console import Console

    from callwatch.backtest.table import orders, tables

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for table in tables(found):
        console.print(table)
    for line in orders(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def catalogue_of(rules: Path | None, header: RecordingHeader) -> Catalogue:
    """The settings in *rules*; sites that it does not name have the clock of the recording."""
    from dataclasses import replace

    from callwatch.settings import load_settings
    from models.catalogue import Site

    catalogue = load_settings(rules).catalogue
    if any(site.name == "*" for site in catalogue.sites):
        return catalogue
    return replace(catalogue, sites=(*catalogue.sites, Site("*", header.tzinfo.key)))


def _play(
    name: str, rules: Path | None, learned: Path | None, draw: bool, clock_ms: int
) -> tuple[Catalogue, Outcome, Traces | None, RecordingHeader]:
    from callwatch.backtest.run import run
    from callwatch.backtest.traces import Traces
    from callwatch.backtest.usual import usual_of, view_of
    from callwatch.learning import read_learned
    from callwatch.progress import Progress
    from callwatch.rehearsal import Rehearsal
    from sources.recording import open_recording

    kept: list[Traces] = []
    with open_recording(name) as recording, Progress() as progress:
        catalogue = catalogue_of(rules, recording.header)
        zone = recording.header.tzinfo

        def traces(rehearsal: Rehearsal) -> Traces:
            kept.append(Traces(catalogue.rules, view_of, usual_of(rehearsal)))
            return kept[0]

        outcome = run(
            recording,
            catalogue,
            learned=read_learned(learned) if learned is not None else (),
            clock_every_ms=clock_ms,
            traces=traces if draw else None,
            progress=lambda now_ms, events: progress.show(_sentence(now_ms, events, zone)),
        )
        if outcome.first_ms < 0:
            raise InputError(f"{name} holds no event with a time: there is nothing to judge.")
        return catalogue, outcome, kept[0] if kept else None, recording.header


def _sentence(now_ms: int, events: int, zone: ZoneInfo) -> str:
    from models.hours import local

    return f"judging: {local(zone.key, now_ms):%Y-%m-%d %H:%M}, {events:,} events"


def _write_page(path: Path, found: dict[str, object], traces: Traces, zone: ZoneInfo) -> None:
    from callwatch.backtest.page import page

    try:
        path.write_text(page(found, traces.panels, traces.left_out, zone), encoding="utf-8")
    except OSError as error:
        raise WorkError(f"Cannot write the page to {path}: {error.strerror}. Name another with --html.") from error
