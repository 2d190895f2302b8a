"""``callwatch import``: a recording from foreign call records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from models.errors import UsageError

if TYPE_CHECKING:
    from callwatch.progress import Progress
    from sources.import_result import ImportCounts

FORMATS: Final = ("anonymous-bank", "csv")
#: The bank's zone; a map of csv names its own.
BANK_ZONE: Final = "Asia/Jerusalem"


def register(app: typer.Typer) -> None:
    """Register ``import``."""

    @app.command("import")
    def import_(
        format: Annotated[str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")],
        files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Call records; - is standard input.")],
        out: Annotated[str, typer.Option("--output", "-o", metavar="REC", help="The recording; - is standard output.")],
        timezone: Annotated[
            str | None,
            typer.Option(metavar="ZONE", help=f"Zone of the times; for anonymous-bank {BANK_ZONE} by default."),
        ] = None,
        map_file: Annotated[
            Path | None, typer.Option("--map", metavar="MAP.toml", help="What the columns of a csv file mean.")
        ] = None,
    ) -> None:
        """Make a recording from foreign call records: sorted by time, people pseudonymised.

        Prints how many calls were offered, answered, abandoned, left in the menu, and how many rows were skipped;
        names every row that it cannot use. The key of the pseudonyms is CALLWATCH_HASH_KEY.
        """
        from callwatch.progress import Progress

        if format not in FORMATS:
            raise UsageError(f"Unknown format {format!r}: there are {' and '.join(FORMATS)}.")
        if (map_file is None) == (format == "csv"):
            raise UsageError("A csv file needs --map MAP.toml; anonymous-bank takes none.")
        if out != "-" and any(_same_file(out, file) for file in (*files, *([str(map_file)] if map_file else []))):
            raise UsageError(f"-o {out}: that would write over what is read; give the recording a name of its own.")
        with Progress() as progress:
            counts = _import(format, files, out, timezone, map_file, progress)
        stream = sys.stderr if out == "-" else sys.stdout
        stream.write(counts.line() + "\n")


def _same_file(one: str, other: str) -> bool:
    """Whether both name a file that is there, and the same."""
    return other != "-" and Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def _import(
    name: str, files: list[str], out: str, zone: str | None, map_file: Path | None, progress: Progress
) -> ImportCounts:
    from callwatch.csv_map_file import load_csv_map
    from sources.anonymous_bank import ACKNOWLEDGEMENT, import_bank
    from sources.csv_import import import_csv
    from sources.pseudonym import pseudonyms_from_environment

    meaning = None if map_file is None else load_csv_map(map_file, zone)
    pseudonyms = pseudonyms_from_environment()

    def show(rows: int) -> None:
        progress.show(f"{rows:,} rows read")

    if meaning is not None:
        return import_csv(
            files, out, meaning, made_by=made_by(name), pseudonyms=pseudonyms, say=progress.say, progress=show
        )
    zone = zone or BANK_ZONE
    counts = import_bank(
        files, out, zone=zone, made_by=made_by(name), pseudonyms=pseudonyms, say=progress.say, progress=show
    )
    progress.say(f"Data: {ACKNOWLEDGEMENT}.")
    return counts


def made_by(name: str) -> str:
    """What the header of the recording says of its maker."""
    from importlib.metadata import version

    return f"callwatch {version('callwatch')} import {name}"
