"""The map of ``callwatch reconcile``: a TOML file, checked as a whole, into a `sources.report_map.ReportMap`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from callwatch.csv_map_file import check_encoding, check_time, check_zone, column_of
from callwatch.toml_table import Source, Table
from models.errors import SettingsError
from models.fields import queue_fault
from sources.csv_file import Column
from sources.report_map import FIGURES, PLACES, SKIP, UNITS, ReportMap

_TABLES: Final = ("file", "columns", "figures", "units", "queues")
_EPOCH: Final = ("epoch_s", "epoch_ms")


def load_report_map(path: Path) -> ReportMap:
    """Read the map *path*. Raises SettingsError with file, line and reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot read the map: {error}") from error
    return parse_report_map(text, str(path))


def parse_report_map(text: str, file: str) -> ReportMap:
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
    options = _file(tables["file"])
    columns = _columns(tables["columns"], PLACES, header=options["header"])
    figures = _columns(tables["figures"], tuple(FIGURES), header=options["header"])
    lines = {name: source.line_of("columns", 0, name) for name in columns}
    lines |= {name: source.line_of("figures", 0, name) for name in figures}
    meaning = ReportMap(
        columns=columns,
        figures=figures,
        units=_units(tables["units"], figures),
        queues=_queues(tables["queues"]),
        file=file,
        lines=lines,
        **options,
    )
    _check(meaning, tables)
    return meaning


def _table(top: Table, name: str) -> Table:
    value = top.values.get(name, {})
    if not isinstance(value, dict):
        top.refuse(name, f"must be a table: [{name}]")
    return Table(top.source, name, value)


def _file(table: Table) -> dict[str, Any]:
    values: dict[str, Any] = {
        "queue": table.string("queue", ""),
        "site": table.string("site", ""),
        "minutes": table.integer("minutes", 0, low=1, high=7 * 1440),
        "attribution": table.choice("attribution", {"arrival": "arrival", "event": "event"}, "arrival"),
        "label": table.choice("label", {"start": "start", "end": "end"}, "start"),
        "delimiter": table.string("delimiter", ",", blank=True),
        "quote": table.string("quote", '"'),
        "encoding": table.string("encoding", "utf-8"),
        "header": table.take("header", (bool,), "true or false", True),
        "skip": table.integer("skip", 0, high=1000),
        "decimal": table.string("decimal", "."),
        "thousands": table.string("thousands", "", blank=True),
        "time": table.string("time", "iso"),
        "zone": table.string("zone", "UTC"),
        "empty": frozenset(table.take("empty", (list,), "a list of texts", [])) | {""},
        "totals": table.strings("totals", ()),
    }
    table.finish()
    for key in ("delimiter", "quote", "decimal"):
        if len(values[key]) != 1:
            table.refuse(key, f"{values[key]!r} is not one character")
    if len(values["thousands"]) > 1 or values["thousands"] == values["decimal"]:
        table.refuse("thousands", f"{values['thousands']!r} is not one character, and another than decimal")
    check_encoding(table, values["encoding"])
    check_time(table, values["time"])
    check_zone(table, values["zone"])
    if not table.has("zone") and values["time"] not in _EPOCH:
        table.refuse("zone", "is missing; name the zone of the report's times, like Europe/Berlin")
    for key, name in (("queue", values["queue"]), ("site", values["site"] and f"{values['site']}/x")):
        if name and (fault := queue_fault(name)):
            table.refuse(key, fault)
    return values


def _columns(table: Table, known: tuple[str, ...], *, header: bool) -> dict[str, Column]:
    columns = {name: column_of(table, name, header=header) for name in known if table.has(name)}
    table.taken.update(known)
    table.finish()
    return columns


def _units(table: Table, figures: dict[str, Column]) -> dict[str, str]:
    units = {}
    for name in table.values:
        if name not in figures:
            table.refuse(name, "[figures] names no such column")
        known = UNITS[FIGURES[name]]
        units[name] = table.choice(name, {unit: unit for unit in known})
    return units


def _queues(table: Table) -> dict[str, str]:
    queues = {}
    for name in table.values:
        queues[name] = table.string(name)
        if queues[name] != SKIP and (fault := queue_fault(queues[name])):
            table.refuse(name, f'{fault}: "{queues[name]}"; or "{SKIP}"')
    return queues


def _check(meaning: ReportMap, tables: dict[str, Table]) -> None:
    """Refuse a map from which no row could be compared."""
    columns, file = tables["columns"], tables["file"]
    if "start" not in meaning.columns:
        columns.refuse("start", "is missing; name the column (or columns) of the interval's time")
    if ("queue" in meaning.columns) == bool(meaning.queue):
        columns.refuse("queue" if "queue" in meaning.columns else None, "give one of: a column queue, queue in [file]")
    if ("minutes" in meaning.columns) == bool(meaning.minutes):
        columns.refuse(
            "minutes" if "minutes" in meaning.columns else None, "give one of: a column minutes, minutes in [file]"
        )
    if not meaning.figures:
        tables["figures"].refuse(None, f"name the column of at least one of {', '.join(FIGURES)}")
    for name in ("queues",) if meaning.queues and meaning.queue else ():
        tables[name].refuse(None, "with queue in [file] the report names no queues")
    if meaning.site and meaning.queue:
        file.refuse("site", "with queue in [file] the report names no queues")
