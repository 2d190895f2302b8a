"""``callwatch reconcile``: a PBX's own interval report beside ours."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from models.errors import UsageError, WorkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwatch.progress import Progress
    from callwatch.reconcile.figures import Tolerance
    from callwatch.reconcile.ours import Side
    from callwatch.reconcile.show import Shown
    from streams.windows import QueueSetup

Format = Literal["table", "csv", "json"]


def register(app: typer.Typer) -> None:
    """Register ``reconcile``."""

    @app.command()
    def reconcile(
        report: Annotated[str, typer.Argument(metavar="REPORT.csv", help="The PBX's report; - is standard input.")],
        map_file: Annotated[Path, typer.Option("--map", metavar="MAP.toml", help="What its columns mean.")],
        recording: Annotated[
            str, typer.Option(metavar="REC", help="Compare with this recording, through the workers' functions.")
        ] = "",
        settings: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Sites and queues; without --recording also the broker to ask."),
        ] = None,
        calls: Annotated[float, typer.Option(min=0.0, help="A count differs by more than so many calls ...")] = 2.0,
        share: Annotated[
            float, typer.Option(min=0.0, max=100.0, help="... or by more than so many per cent (ratios: points).")
        ] = 0.5,
        minutes: Annotated[int | None, typer.Option(help="Length of our intervals (with --recording).")] = None,
        threshold: Annotated[
            float | None, typer.Option(help="Seconds to the service-level threshold (with --recording).")
        ] = None,
        limit: Annotated[int, typer.Option(min=0, help="Calls listed for each interval.")] = 20,
        format_: Annotated[Format, typer.Option("--format", help="Output format.")] = "table",
        output: Annotated[str, typer.Option("--output", "-o", help="File to write; - is standard output.")] = "-",
    ) -> None:
        """List each interval in which a PBX's own report and ours differ, with the calls behind it.

        A count differs by more than --calls calls, or by more than --share per cent of the larger and at least one
        call; a ratio by more than --share percentage points. Exit code 0: all agrees; 1: something differs, or a row
        could not be compared; 2: the call, the map or the settings are wrong.
        """
        from callwatch.progress import Progress
        from callwatch.reconcile.figures import Tolerance

        _check(report, recording, settings, minutes, threshold, output)
        with Progress() as progress:
            setup, side, what = _sides(recording, settings, minutes, threshold, progress)
            tolerance = Tolerance(calls, share)
            shown = _compared(report, map_file, setup, side, what, tolerance, limit, bool(recording), progress)
        _write(shown, format_, output)
        if not shown.agrees:
            raise typer.Exit(1)


def _check(
    report: str, recording: str, settings: Path | None, minutes: int | None, threshold: float | None, output: str
) -> None:
    if not recording and settings is None:
        raise UsageError("Name what to compare with: --recording REC, or --settings FILE of the running installation.")
    if recording == "-":
        raise UsageError("--recording -: the recording is read twice (rows, then calls), so it must be a file.")
    if not recording and (minutes is not None or threshold is not None):
        raise UsageError("--minutes and --threshold need --recording: the rows of the running installation are made.")
    if minutes is not None and (minutes < 1 or 1440 % minutes):
        raise UsageError(f"--minutes {minutes}: an interval must divide the day evenly, e.g. 15, 30 or 60.")
    if threshold is not None and not 0 < threshold <= 86_400:
        raise UsageError(f"--threshold {threshold:g}: give seconds above 0 and up to 86400 (a day), e.g. 20.")
    for name in (report, recording):
        if name not in ("", "-") and Path(output).exists() and Path(name).exists() and Path(output).samefile(name):
            raise UsageError(f"-o {output}: that would write over what is read; give it a name of its own.")


def _sides(
    recording: str, settings: Path | None, minutes: int | None, threshold: float | None, progress: Progress
) -> tuple[Callable[[str], QueueSetup], Side, str]:
    """How queues are set up, where our figures come from, and that in words."""
    from callwatch.intervals import in_zone, setup_for
    from callwatch.reconcile.ours import RecordingSide, RunningSide
    from callwatch.settings import load_settings
    from sources.recording import open_recording

    loaded = load_settings(settings)
    if not recording:
        setup = setup_for(loaded.catalogue, None, None)
        return setup, RunningSide(loaded.kafka, setup, progress.show), f"installation at {loaded.kafka.bootstrap}"
    with open_recording(recording) as source:
        zone = source.header.tzinfo.key
    threshold_ms = None if threshold is None else round(threshold * 1000)
    setup = setup_for(in_zone(loaded.catalogue, zone), minutes, threshold_ms)
    return setup, RecordingSide(recording, setup, progress.show), f"recording {recording}"


def _compared(
    file: str,
    map_file: Path,
    setup: Callable[[str], QueueSetup],
    side: Side,
    what: str,
    tolerance: Tolerance,
    limit: int,
    recorded: bool,
    progress: Progress,
) -> Shown:
    from callwatch.reconcile.behind import explain, wanted_of
    from callwatch.reconcile.compare import check_lengths, compare
    from callwatch.reconcile.show import Shown
    from callwatch.report_map_file import load_report_map
    from sources.interval_report import read_report

    meaning = load_report_map(map_file)
    read = read_report(file, meaning, progress.say)
    way_out = "give --minutes, e.g. 15" if recorded else "set interval_min of the [[site]], or compare a --recording"
    check_lengths(read, setup, way_out)
    ours = side.rows(meaning.attribution)
    found = compare(read, ours, meaning, setup, tolerance, lambda text: progress.say(f"{file}: {text}"))
    if found.differences:
        explain(found, side.calls(wanted_of(found)), meaning, ours, setup)
    return Shown(found, read, meaning, tolerance, setup, what, limit)


def _write(shown: Shown, format_: Format, output: str) -> None:
    try:
        with nullcontext(sys.stdout) if output == "-" else Path(output).open("w", encoding="utf-8") as file:
            _write_to(shown, format_, file)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WorkError(f"Cannot write {output}: {error.strerror}. Name another place with -o.") from error


def _write_to(shown: Shown, format_: Format, file: IO[str]) -> None:
    from callwatch.reconcile.show import as_json, table, write_csv

    if format_ == "csv":
        write_csv(shown, file)
        sys.stderr.writelines(f"{line}\n" for line in shown.summary())
    elif format_ == "json":
        file.write(as_json(shown).decode() + "\n")
    else:
        file.writelines(f"{line}\n" for line in table(shown))
