"""Reading of foreign csv files: rows with their lines, and where the columns of a map lie."""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from models.errors import InputError, SettingsError
from sources.import_result import BadRowError

#: A column: its name in the header, or its number from 1. Several are joined by a blank (a date and a time).
Column = tuple[str | int, ...]


def csv_rows(
    file: str, *, delimiter: str, quote: str, encoding: str, skip: int = 0
) -> Iterator[tuple[int, list[str] | BadRowError]]:
    """First line (from 1) and cells of each row of *file*, or why it has none. Empty lines are left out.

    ``-`` is standard input; the first *skip* lines are no csv. Raises InputError when it cannot be read.
    """
    line_no = 0
    try:
        with _opened(file, encoding) as stream:
            for _ in range(skip):
                next(stream, None)
            reader = csv.reader(stream, delimiter=delimiter, quotechar=quote, strict=True)
            while True:
                line_no = skip + reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield line_no, BadRowError(f"it is no csv: {error}")
                    continue
                if any("\ud800" <= c <= "\udfff" for cell in row if not cell.isascii() for c in cell):
                    yield line_no, BadRowError(f"it holds bytes that are not {encoding}")
                elif row:
                    yield line_no, row
    except (OSError, UnicodeError) as error:
        raise InputError(f"{file}: cannot be read after line {line_no}: {error}.") from error


@contextmanager
def _opened(file: str, encoding: str) -> Iterator[IO[str]]:
    # surrogateescape: bytes of another encoding cost their row, not the file; a byte order mark is no part of a name
    encoding = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    if file == "-":
        wrapper = io.TextIOWrapper(sys.stdin.buffer, encoding=encoding, errors="surrogateescape", newline="")
        try:
            yield wrapper
        finally:
            wrapper.detach()  # or standard input would be closed with it
    else:
        with Path(file).open(encoding=encoding, errors="surrogateescape", newline="") as stream:
            yield stream


def places_of(
    columns: Mapping[str, Column], where: Callable[[str], str], header: list[str] | None, file: str
) -> dict[str, tuple[int, ...]]:
    """Where each of *columns* lies (from 0) under *header* (None: the file has none).

    *where* says the place of a column in the map, for the refusal. Raises SettingsError for one that is not there.
    """
    names: dict[str, int] = {}
    for n, column_name in enumerate(header or []):
        names.setdefault(column_name.strip(), n)  # of equal names the first

    def place(name: str, part: str | int) -> int:
        if isinstance(part, int):
            return part - 1
        if part not in names:
            has = ", ".join(names) if header is not None else "no header ([file] header = false): give numbers"
            raise SettingsError(f'{where(name)}, {name}: {file} has no column "{part}"; it has {has}')
        return names[part]

    return {name: tuple(place(name, part) for part in column) for name, column in columns.items()}
