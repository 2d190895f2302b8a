"""The map of ``callwatch import csv``: a TOML file, checked as a whole, into a `sources.csv_map.CsvMap`."""

from __future__ import annotations

import codecs
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from callwatch.toml_table import Source, Table
from models.errors import SettingsError, UsageError
from sources.csv_file import Column
from sources.csv_map import COLUMNS, OUTCOMES, SKIP, CsvMap
from sources.local_time import zone_of

_TABLES: Final = ("file", "columns", "outcomes")
FORMS: Final = ("iso", "epoch_s", "epoch_ms")


def load_csv_map(path: Path, zone: str | None = None) -> CsvMap:
    """Read the map *path*; *zone* overrides its zone. Raises SettingsError with file, line and reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot read the map: {error}") from error
    return parse_csv_map(text, str(path), zone)


def parse_csv_map(text: str, file: str, zone: str | None = None) -> CsvMap:
    """A map from TOML *text*; *file* names it in refusals."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise SettingsError(f"{file}:{line[1] if line else len(text.splitlines())}: not TOML: {error}") from error
    source = Source(file, text)
    top = Table(source, "", data, taken=set(_TABLES))
    top.finish()
    tables = {name: _table(top, name) for name in _TABLES}
    columns = _columns(tables["columns"], header=bool(data.get("file", {}).get("header", True)))
    meaning = CsvMap(
        columns=columns,
        outcomes=_outcomes(tables["outcomes"]),
        file=file,
        lines={name: source.line_of("columns", 0, name) for name in columns},
        **_file(tables["file"], zone),
    )
    _check(meaning, tables)
    return meaning


def _table(top: Table, name: str) -> Table:
    value = top.values.get(name, {})
    if not isinstance(value, dict):
        top.refuse(name, f"must be a table: [{name}]")
    return Table(top.source, name, value)


def _file(table: Table, zone: str | None) -> dict[str, Any]:
    values = {
        "source": table.string("source", "csv"),
        "site": table.string("site", ""),
        "queue": table.string("queue", ""),
        "delimiter": table.string("delimiter", ",", blank=True),
        "quote": table.string("quote", '"'),
        "encoding": table.string("encoding", "utf-8"),
        "header": table.take("header", (bool,), "true or false", True),
        "time": table.string("time", "iso"),
        "duration": table.choice("duration", {"s": "s", "ms": "ms", "clock": "clock"}, "s"),
        "zone": table.string("zone", "UTC"),
        "empty": frozenset(table.take("empty", (list,), "a list of texts", [])) | {""},
    }
    table.finish()
    for key in ("delimiter", "quote"):
        if len(values[key]) != 1:
            table.refuse(key, f"{values[key]!r} is not one character")
    check_encoding(table, values["encoding"])
    check_time(table, values["time"])
    if zone:
        zone_of(zone)
    else:
        check_zone(table, values["zone"])
    values["zone"] = zone or values["zone"]
    if values["queue"] and not re.fullmatch(r"[^/]+/.+", values["queue"]):
        table.refuse("queue", f'"{values["queue"]}" is not site/skill')
    return values


def check_encoding(table: Table, encoding: str) -> None:
    """Refuse an encoding that Python does not know."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        table.refuse("encoding", f'"{encoding}" is no encoding that Python knows')


def check_zone(table: Table, zone: str) -> None:
    """Refuse a zone that this machine does not know."""
    try:
        zone_of(zone)
    except UsageError as error:
        table.refuse("zone", str(error))


def check_time(table: Table, form: str) -> None:
    """Refuse a format that cannot bring a time back: no day in it would put every call into 1900."""
    if form in FORMS:
        return
    moment = datetime(2001, 11, 22, 13, 14, 15, tzinfo=UTC)  # only to try the format
    try:
        back = datetime.strptime(moment.strftime(form), form).replace(tzinfo=UTC)
    except ValueError as error:
        table.refuse("time", f'"{form}" is none of {", ".join(FORMS)} and no format of strptime: {error}')
    if back.replace(second=0, minute=0) != moment.replace(second=0, minute=0):
        table.refuse("time", f'"{form}" lacks the year, the month, the day or the hour (or %p beside %I)')


def _columns(table: Table, *, header: bool) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name in COLUMNS:
        if not table.has(name):
            continue
        columns[name] = column_of(table, name, header=header)
    table.taken.update(COLUMNS)
    table.finish()
    return columns


def column_of(table: Table, name: str, *, header: bool) -> Column:
    """The column that *table* says for *name*."""
    value = table.take(name, (str, int, list), "a column's name or number, or a list of them")
    column = tuple(value) if isinstance(value, list) else (value,)
    if not column or not all(_is_part(part) for part in column):
        table.refuse(name, f"{value!r} is not a column's name or number (they count from 1), or a list of them")
    if not header and any(isinstance(part, str) for part in column):
        table.refuse(name, "with header = false in [file] columns have numbers (from 1), not names")
    return column


def _is_part(part: object) -> bool:
    return bool(part) if isinstance(part, str) else type(part) is int and part >= 1


def _outcomes(table: Table) -> dict[str, tuple[str, str]]:
    outcomes: dict[str, tuple[str, str]] = {}
    for value in table.values:
        meaning, _, reason = table.string(value).partition(":")
        if meaning not in (*OUTCOMES, SKIP):
            table.refuse(value, f'"{meaning}" is not one of {", ".join((*OUTCOMES, SKIP))}')
        if reason and meaning != "flowed_out":
            table.refuse(value, "only flowed_out has a reason, as in flowed_out:timeout")
        outcomes[value] = (meaning, reason)
    return outcomes


def _check(meaning: CsvMap, tables: dict[str, Table]) -> None:
    """Refuse a map from which no row could become a call."""
    columns, table = meaning.columns, tables["columns"]
    if "call" not in columns:
        table.refuse("call", "is missing; name the column that tells calls apart")
    named = [name for name in ("queue", "skill") if name in columns]
    if len(named) + bool(meaning.queue) != 1:
        table.refuse(named[-1] if named else None, "give one of: a column queue, a column skill, queue in [file]")
    if ("skill" in columns) != bool(meaning.site):
        table.refuse("skill" if "skill" in columns else None, "a column skill and site in [file] need each other")
    if "outcome" in columns and not meaning.outcomes:
        table.refuse("outcome", "the table [outcomes] that says what its values mean is missing")
    if meaning.outcomes and "outcome" not in columns:
        tables["outcomes"].refuse(None, "[columns] names no column outcome whose values these would be")
    ends = [column for _, column in OUTCOMES.values() if column in columns]
    if "outcome" not in columns and not ends:
        table.refuse(None, f"name a column outcome or a time: {', '.join(c for _, c in OUTCOMES.values())}")
    if "offered" not in columns and not ("wait" in columns and ends):
        table.refuse(None, "name the column offered (when the call came into the queue), or wait and an outcome's time")
    if "offered" in columns and "wait" not in columns and not ends:
        table.refuse(None, "name when calls leave the queue: answered, abandoned, ... or the column wait")
