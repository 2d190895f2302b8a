"""``callwatch detect``: any series of times and values through the detector."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from models.errors import InputError, UsageError, WorkError

if TYPE_CHECKING:
    from callwatch.progress import Progress
    from callwatch.series_file import Tally


def register(app: typer.Typer) -> None:
    """Add ``detect``."""
    app.command("detect")(detect)


def detect(
    file: Annotated[str, typer.Argument(metavar="FILE.csv", help="Times and values; - is standard input.")],
    timestamp: Annotated[
        str | None, typer.Option(metavar="COL", help="Column of the times (default: timestamp, time, date, ...).")
    ] = None,
    value: Annotated[
        str | None, typer.Option(metavar="COL", help="Column of the values (default: value, or the other one of two).")
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="File to write; - is standard output.")] = "-",
    alarms_per_week: Annotated[
        float, typer.Option(metavar="N", help="False alarms that one week of the series may cost.")
    ] = 1.0,
    time_format: Annotated[
        str, typer.Option(metavar="FMT", help="Of the times, as strptime takes it, e.g. '%d.%m.%Y %H:%M'.")
    ] = "",
    delimiter: Annotated[str | None, typer.Option(help="Between columns (default: seen from the first line).")] = None,
) -> None:
    """Say of each row of a series what was expected there, and how far from it the row is.

    Writes timestamp,value,expected,lower,upper,score,anomaly: one row for each row read, time and value as they were.
    The score lies in [0, 1]; from 0.5 on it is an anomaly. Nothing is set by hand: cadence, seasons, scale and limits
    are learned from the rows before, and a row's judgement never depends on a later one.

    Times are ISO 8601 (without an offset UTC), or epoch seconds or milliseconds; rows of a file of one column are
    counted. Rows without a value have empty expectations; so have rows that cannot be read, and these are named.

    Example: callwatch detect cpu.csv -o judged.csv
    """
    from callwatch.progress import Progress

    if not 0 < alarms_per_week <= 10_000:
        raise UsageError(f"--alarms-per-week {alarms_per_week:g}: give a number above 0, e.g. 1.")
    if delimiter is not None and len(delimiter) != 1:
        raise UsageError(f"--delimiter {delimiter!r}: give one character.")
    if file != "-" and not Path(file).is_file():
        raise InputError(f"{file}: there is no such file.")
    if output != "-" and file != "-" and Path(output).exists() and Path(output).samefile(file):
        raise UsageError(f"-o {output}: that would write over the series; give it a name of its own.")
    with Progress() as progress:
        tally = _run(file, output, alarms_per_week, time_format, (timestamp, value, delimiter), progress)
        for line in tally.named:
            progress.say(f"{file}: {line}; passed through unjudged")
        if tally.wrong > len(tally.named):
            progress.say(f"{file}: {tally.wrong} such rows in all")
        if tally.rows and tally.wrong == tally.rows:
            raise WorkError(f"{file}: none of {tally.rows} rows could be read; see --value and --time-format.")


def _run(
    file: str,
    output: str,
    alarms_per_week: float,
    time_format: str,
    columns: tuple[str | None, str | None, str | None],
    progress: Progress,
) -> Tally:
    progress.show("loading (the first time on a checkout: compiling)")
    from alerts.detect.series import SeriesDetector
    from callwatch.series_file import SeriesFile, run

    start_s = time.monotonic()

    def show(tally: Tally) -> None:
        rate = tally.rows / max(time.monotonic() - start_s, 1e-9)
        progress.show(f"{file}: {tally.rows} rows, {tally.anomalies} of them anomalies, {rate:,.0f} rows/s")

    try:
        with _read_from(file) as read, _written_to(output) as written:
            return run(read, written, SeriesFile(SeriesDetector(alarms_per_week), time_format), columns, show)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WorkError(f"{error.filename or output}: {error.strerror}.") from error


def _read_from(file: str) -> AbstractContextManager[IO[str]]:
    # bytes of another encoding go out as they came in
    if file == "-":
        return nullcontext(sys.stdin)
    return Path(file).open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _written_to(output: str) -> AbstractContextManager[IO[str]]:
    if output == "-":
        return nullcontext(sys.stdout)
    return Path(output).open("w", encoding="utf-8", errors="surrogateescape", newline="")
