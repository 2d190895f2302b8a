"""Importer of call records in csv, one row a call, by a map (`sources.csv_map`).

A row is ``call.offered``, its outcome, and ``call.completed`` after an answer; or ``ivr.abandoned``; or
``call.blocked``. Without an outcome column the outcome follows from the time that is filled in: answered before
abandoned before flowed out before left in the menu before blocked.

What is not given is derived: the outcome's time from the wait and the other way round, the end of a call from talk and
hold, the talk from the end. A row from which this cannot be done, or whose events would be no events, is bad.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from models.fields import check
from models.refusal import Refused
from sources.csv_file import csv_rows, places_of
from sources.csv_map import DURATIONS, OUTCOMES, SKIP, TIMES, CsvMap
from sources.event_sorter import EventSorter
from sources.import_result import BadRowError, BadRows, ImportCounts
from sources.local_time import epoch_ms, zone_of
from sources.pseudonym import Pseudonyms
from sources.recording import RecordingHeader, RecordingWriter

Event = dict[str, Any]

_PROGRESS_ROWS: Final = 2_000
_UNIT_MS: Final = {"s": 1000.0, "ms": 1.0}


def import_csv(
    files: Sequence[str],
    out: str,
    meaning: CsvMap,
    *,
    made_by: str,
    pseudonyms: Pseudonyms,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportCounts:
    """Import *files* (``-`` is standard input) into the recording *out*.

    *say* gets a sentence for every bad row, *progress* the number of rows so far. Raises InputError for a file that
    cannot be read, SettingsError (with the map's line) for a column that the file does not have, WorkError.
    """
    zone = zone_of(meaning.zone)
    counts = ImportCounts()
    bad = BadRows(counts, say)
    seen: set[tuple[str, int]] = set()  # one entry a call, about 150 bytes
    with EventSorter() as sorter:
        for file in files:
            places = None if meaning.header else _places(meaning, None, file)
            for line_no, row in csv_rows(
                file, delimiter=meaning.delimiter, quote=meaning.quote, encoding=meaning.encoding
            ):
                if places is None:
                    places = _places(meaning, [] if isinstance(row, BadRowError) else row, file)
                    continue
                try:
                    if isinstance(row, BadRowError):
                        raise row
                    _take(_cells(row, places, meaning), meaning, zone, pseudonyms, seen, sorter, counts)
                except BadRowError as error:
                    bad.report(file, line_no, str(error))
                counts.rows += 1
                if counts.rows % _PROGRESS_ROWS == 0:
                    progress(counts.rows)
        header = RecordingHeader(meaning.zone, (meaning.source,), made_by, "ts", sorter.span())
        with RecordingWriter(out, header) as writer:
            writer.write_all(sorter)
    progress(counts.rows)
    return counts


def _take(
    cells: dict[str, str],
    meaning: CsvMap,
    zone: ZoneInfo,
    pseudonyms: Pseudonyms,
    seen: set[tuple[str, int]],
    sorter: EventSorter,
    counts: ImportCounts,
) -> None:
    events = events_of(cells, meaning, zone, pseudonyms)
    if not events:
        counts.skipped += 1
        return
    for event in events:
        try:
            check(event)
        except Refused as error:
            raise BadRowError(f"{event['type']} is no event: {error.detail}") from error
    identity = (events[0]["call"], events[0].get("leg", 1))
    if identity in seen:
        raise BadRowError(f"call {cells['call']!r} was read before: if a call has several rows, map a column to leg")
    seen.add(identity)
    for event in events:
        counts.take(event["type"])
        sorter.add(event["ts"], event["type"], orjson.dumps(event))


def events_of(cells: Mapping[str, str], meaning: CsvMap, zone: ZoneInfo, pseudonyms: Pseudonyms) -> list[Event]:
    """The events of one row, *cells* by the map's names (empty ones left out); none if it is to be skipped.

    Raises BadRowError with the reason.
    """
    times = {name: _time(name, cells[name], meaning.time, zone) for name in TIMES if name in cells}
    spans = {name: _duration(name, cells[name], meaning) for name in DURATIONS if name in cells}
    outcome, reason = _outcome(cells, times, meaning)
    if outcome == SKIP:
        return []
    common = _common(cells, meaning, pseudonyms)
    kind, column = OUTCOMES[outcome]
    if outcome in ("ivr_abandoned", "blocked"):
        at = times.get(column, times.get("offered"))
        if at is None:
            raise BadRowError(f"it has no time for {column}")
        return [_event(kind, at, common)]
    offered, left, wait_ms = _waited(outcome, times.get("offered"), times.get(column), spans.get("wait"))
    agent = {"agent": pseudonyms.agent(cells["agent"])} if "agent" in cells else {}
    more: Event = {"wait_ms": wait_ms} | ({"reason": reason} if reason else {})
    events = [_event("call.offered", offered, common), _event(kind, left, common | more)]
    if outcome == "answered":
        events[1] |= agent
        events += _completed(left, times.get("completed"), spans, common | agent)
    return events


def _outcome(cells: Mapping[str, str], times: Mapping[str, int], meaning: CsvMap) -> tuple[str, str]:
    if "outcome" in meaning.columns:
        value = cells.get("outcome", "")
        if value not in meaning.outcomes:
            raise BadRowError(f"outcome {value!r} is not in [outcomes] of {meaning.file}")
        return meaning.outcomes[value]
    for name, (_, column) in OUTCOMES.items():
        if column in times:
            return name, ""
    raise BadRowError("it has no time of an outcome: nothing says what became of the call")


def _common(cells: Mapping[str, str], meaning: CsvMap, pseudonyms: Pseudonyms) -> Event:
    if "call" not in cells:
        raise BadRowError("it has no call")
    queue = cells.get("queue") or (f"{meaning.site}/{cells['skill']}" if "skill" in cells else meaning.queue)
    if not queue:
        raise BadRowError("it has no queue")
    common: Event = {"call": f"{meaning.source}-{cells['call']}", "queue": queue, "source": meaning.source}
    if "leg" in cells:
        if not cells["leg"].isdecimal():
            raise BadRowError(f"leg {cells['leg']!r} is no whole number")
        common["leg"] = int(cells["leg"])
    if "customer" in cells:
        common["customer"] = pseudonyms.customer(cells["customer"])
    return common


def _waited(outcome: str, offered: int | None, left: int | None, wait: int | None) -> tuple[int, int, int]:
    """When the call came into the queue, when it left it, and the wait: two of them give the third."""
    if offered is None and left is not None and wait is not None:
        offered = left - wait
    if left is None and offered is not None and wait is not None:
        left = offered + wait
    if offered is None or left is None:
        missing = "offered" if offered is None else outcome
        raise BadRowError(f"it has no time for {missing}, and no wait to derive it from")
    if left < offered:
        raise BadRowError(f"{outcome} lies {(offered - left) / 1000:g} s before offered")
    return offered, left, left - offered if wait is None else wait


def _completed(answered: int, completed: int | None, spans: Mapping[str, int], common: Event) -> list[Event]:
    hold = spans.get("hold", 0)
    talk = spans.get("talk")
    if completed is None:
        if talk is None:
            return []  # nothing says when it ended
        completed = answered + talk + hold
    if completed < answered:
        raise BadRowError(f"completed lies {(answered - completed) / 1000:g} s before answered")
    if talk is None:
        talk = max(0, completed - answered - hold)
    known = {f"{name}_ms": spans[name] for name in ("hold", "wrap") if name in spans}
    return [_event("call.completed", completed, common | {"talk_ms": talk} | known)]


def _event(kind: str, ts: int, rest: Event) -> Event:
    leg = f".{rest['leg']}" if "leg" in rest else ""
    return {
        "id": f"{rest['call']}{leg}.{kind.rpartition('.')[2]}",
        "source": rest["source"],
        "type": kind,
        "ts": ts,
    } | rest


def _time(name: str, text: str, form: str, zone: ZoneInfo) -> int:
    try:
        if form == "epoch_s":
            return round(float(text) * 1000)
        if form == "epoch_ms":
            return int(text)
        return epoch_ms(datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form), zone)  # noqa: DTZ007
    except (ValueError, OverflowError) as error:
        raise BadRowError(f"{name} {text!r} is not a time of the form {form}") from error


def _duration(name: str, text: str, meaning: CsvMap) -> int:
    try:
        if meaning.duration == "clock":
            *hours, minutes, seconds = text.split(":")
            span = timedelta(hours=int(hours[0]) if hours else 0, minutes=int(minutes), seconds=float(seconds))
            ms = round(span.total_seconds() * 1000)
        else:
            ms = round(float(text) * _UNIT_MS[meaning.duration])
    except (ValueError, OverflowError) as error:
        raise BadRowError(f"{name} {text!r} is no duration in {meaning.duration}") from error
    if ms < 0:
        raise BadRowError(f"{name} {text!r} is negative")
    return ms


def _places(meaning: CsvMap, header: list[str] | None, file: str) -> dict[str, tuple[int, ...]]:
    return places_of(meaning.columns, lambda name: f"{meaning.where(name)}: [columns]", header, file)


def _cells(row: list[str], places: Mapping[str, tuple[int, ...]], meaning: CsvMap) -> dict[str, str]:
    cells = {}
    for name, column in places.items():
        if max(column) >= len(row):
            raise BadRowError(f"it has {len(row)} columns; {name} is column {max(column) + 1}")
        parts = [row[n].strip() for n in column]
        if not any(part in meaning.empty for part in parts):
            cells[name] = " ".join(parts)
    return cells
