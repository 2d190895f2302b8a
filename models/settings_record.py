"""A catalogue as a record of the log (``rules.changed``) and in a manifest: written, read back, held to its bounds.

Settings enter through the log like everything else that changes a worker's state. The record carries the whole
catalogue in force from where it lies, so that it does not depend on records before it. It may come from anybody who
can write to the log: `unpacked` lets nothing through that the settings file would not, as far as it could harm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from pydantic import TypeAdapter, ValidationError

from models.catalogue import HALF_HOURS, Catalogue, Duty, LoopLimits, OpeningHours, QueueSettings, Rule, Site
from models.encode import encode_event
from models.errors import SettingsError
from models.fields import QUEUE_MAX, TEXT_MAX, VALUE_BYTES_MAX, queue_fault
from models.metric import FIGURES
from models.refusal import Reason, Refused
from models.rota_check import name_faults

#: Durations of settings: a year is more than anybody waits.
MILLIS_MAX: Final = 366 * 86_400_000
#: Thresholds stand in 32-bit columns: 24 days.
THRESHOLD_MAX: Final = 2**31 - 1
#: Shifts, and substitutions: those of sixteen departments for a year ahead, and a walk over them takes a second.
ROTA_MAX: Final = 500
#: Days of a calendar, and seats of a shift: ten years of holidays, a large floor.
DATES_MAX: Final = 500
SEATS_MAX: Final = 100
#: Days that settings may name. Far from both ends of what calendars can hold, so that weeks may be counted from them.
FIRST_DAY: Final = date(1970, 1, 5)
LAST_DAY: Final = date(2199, 12, 31)
#: Minutes of a span: the end of the day after.
_MINUTES_MAX: Final = 2880
_ADAPTER: Final = TypeAdapter(Catalogue)


def packed(catalogue: Catalogue) -> dict[str, Any]:
    """*catalogue* as JSON-able data: objects by field, tuples and sets (sorted) as lists, enums as their numbers."""
    out: dict[str, Any] = _plain(catalogue)
    return out


def canonical(catalogue: Catalogue) -> Catalogue:
    """*catalogue* as it is after a way through the log: a limit written as 3000 is 3000.0, in our outputs too."""
    return _ADAPTER.validate_json(orjson.dumps(packed(catalogue)), strict=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        plain = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return plain | {f.name: float(plain[f.name]) for f in fields(value) if f.type == "float"}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def digest(catalogue: Catalogue) -> str:
    """16 hexadecimal digits that are the same for equal settings only: which settings are in force, in short."""
    return blake2b(orjson.dumps(packed(catalogue)), digest_size=8).hexdigest()


def unpacked(body: Any) -> Catalogue:
    """The catalogue that `packed` wrote. Raises Refused (``bad_settings``) with what is wrong in *body*.

    A field that *body* lacks has its default, one that this program does not know is refused: it would not be obeyed.
    """
    try:
        catalogue = _ADAPTER.validate_json(orjson.dumps(body), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "catalogue"
        raise Refused(Reason.BAD_SETTINGS, f"{where}: {first['msg']}"[:_DETAIL_MAX]) from None
    except orjson.JSONEncodeError as error:
        raise Refused(Reason.BAD_SETTINGS, str(error)) from None
    fault = _unknown(packed(catalogue), body, "catalogue") or next(_faults(catalogue), "")
    if fault:
        raise Refused(Reason.BAD_SETTINGS, fault[:_DETAIL_MAX])
    return catalogue


_DETAIL_MAX: Final = 200


def settings_record(catalogue: Catalogue, *, id: str, source: str, ts_ms: int) -> bytes:
    """A ``rules.changed`` record: *catalogue* is in force from here on, says *source*.

    *id* must be its own for each telling: a repeated (source, id) is the same record. Raises SettingsError when it is
    larger than a record of the log may be, or holds what `read_settings` refuses.
    """
    if fault := next(_faults(catalogue), ""):
        raise SettingsError(f"These settings cannot enter the log: {fault}")
    value = encode_event(
        {
            "id": id,
            "source": source,
            "type": "rules.changed",
            "ts": ts_ms,
            "digest": digest(catalogue),
            "catalogue": packed(catalogue),
        }
    )
    if len(value) > VALUE_BYTES_MAX:
        raise SettingsError(
            f"The settings have {len(value):,} bytes as a record of the log, which takes {VALUE_BYTES_MAX:,}. Use "
            "patterns ([[queue]] pattern) instead of a table for each queue, and leave people out who answer for none."
        )
    return value


def read_settings(record: dict[str, Any]) -> Catalogue:
    """The catalogue in a ``rules.changed`` record. Raises Refused (``bad_settings``)."""
    if "catalogue" not in record:
        raise Refused(Reason.BAD_SETTINGS, "catalogue is missing")
    return unpacked(record["catalogue"])


def _unknown(known: Any, body: Any, where: str) -> str:
    """The first field of *body* that *known* does not have."""
    if isinstance(body, dict) and isinstance(known, dict):
        for name, value in body.items():
            if name not in known:
                return f"{where}.{name}: not known to this version"
            if found := _unknown(known[name], value, f"{where}.{name}"):
                return found
    elif isinstance(body, list) and isinstance(known, list):
        for n, (one, other) in enumerate(zip(known, body, strict=False)):
            if found := _unknown(one, other, f"{where}.{n}"):
                return found
    return ""


def _faults(c: Catalogue) -> Iterator[str]:
    """What would harm: names that do not exist, numbers out of their bounds, an id twice."""
    for n, site in enumerate(c.sites):
        yield from _site(f"sites.{n}", site)
    for n, queue in enumerate(c.queues):
        yield from _queue(f"queues.{n}", queue)
    for n, rule in enumerate(c.rules):
        yield from _rule(f"rules.{n}", rule)
    for n, person in enumerate(c.people):
        yield from _texts(f"people.{n}", person.id, person.name)
        yield from _zone(f"people.{n}", person.zone)
        yield from _within(f"people.{n}.tier", person.tier, 0, 4)
        yield from _spans(f"people.{n}.duty", person.duty)
    for n, cause in enumerate(c.cause_book):
        yield from _texts(f"cause_book.{n}", cause.id)
        yield from _short(f"cause_book.{n}", cause.title, cause.zh, cause.kind)
    for n, playbook in enumerate(c.playbooks):
        yield from _texts(f"playbooks.{n}", playbook.kind, *playbook.rules, *(step.text for step in playbook.steps))
        yield from _short(f"playbooks.{n}", playbook.title, playbook.zh, *(step.zh for step in playbook.steps))
        for step in playbook.steps:
            yield from _within(f"playbooks.{n}.tier", step.tier, 0, 4)
    yield from _rota(c)
    for n, source in enumerate(c.sources):
        yield from _texts(f"sources.{n}", source.name)
        yield from _within(f"sources.{n}.cadence_ms", source.cadence_ms, 1, MILLIS_MAX)
    yield from _limits(c.limits)
    for name, value, low, high in (
        ("alarms_per_week", c.judge.alarms_per_week, 0.01, 100.0),
        ("orders_per_shift", c.judge.orders_per_shift, 0.1, 1000.0),
    ):
        if not low <= value <= high:  # not a number is not either
            yield f"judge.{name}: {value} is not from {low:g} to {high:g}"
    yield from _once("sites", [site.name for site in c.sites])
    yield from _once("rules", [rule.id for rule in c.rules])
    yield from _once("people", [person.id for person in c.people])
    yield from _once("cause_book", [cause.id for cause in c.cause_book])
    yield from _once("playbooks", [playbook.kind for playbook in c.playbooks])


def _site(where: str, site: Site) -> Iterator[str]:
    for field, name in (("name", site.name), ("region", site.region)):
        # what partitions tell of a unit bears its name, and would be no event
        if (name or field == "name") and (fault := queue_fault(f"{name}/*")):
            yield f"{where}.{field}: {fault}"
    yield from _zone(where, site.zone)
    if site.interval_min not in (15, 30):
        yield f"{where}.interval_min: {site.interval_min} is not 15 or 30"
    yield from _spans(f"{where}.hours", site.hours)


def _queue(where: str, queue: QueueSettings) -> Iterator[str]:
    yield from _texts(where, queue.pattern, longest=QUEUE_MAX)
    yield from _within(f"{where}.threshold_ms", queue.threshold_ms, 0, THRESHOLD_MAX)
    yield from _within(f"{where}.short_ms", queue.short_ms, 0, THRESHOLD_MAX)
    yield from _within(f"{where}.immediate_ms", queue.immediate_ms, 0, THRESHOLD_MAX)
    for half in queue.peak:
        yield from _within(f"{where}.peak", half, 0, HALF_HOURS - 1)
    yield from _spans(f"{where}.hours", queue.hours or ())


def _rule(where: str, rule: Rule) -> Iterator[str]:
    yield from _texts(where, rule.id)
    yield from _texts(where, rule.pattern, longest=QUEUE_MAX)
    if (rule.metric, rule.window) not in FIGURES:
        yield f"{where}: there is no figure {rule.metric} over {rule.window}"
    yield from _within(f"{where}.severity", rule.severity, 1, 4)
    for name in ("limit", "target", "recovery"):
        if not math.isfinite(getattr(rule, name)):
            yield f"{where}.{name}: not a finite number"
    yield from _within(f"{where}.min_sample", rule.min_sample, 0, 1_000_000)
    yield from _within(f"{where}.hold_ms", rule.hold_ms, 0, MILLIS_MAX)
    yield from _within(f"{where}.recover_hold_ms", rule.recover_hold_ms, 0, MILLIS_MAX)


def _rota(c: Catalogue) -> Iterator[str]:
    """The rota: names that somebody has, days that calendars reach, as much as a month of planning holds."""
    for name, items, most in (
        ("holidays", c.holidays, 50),
        ("shifts", c.shifts, ROTA_MAX),
        ("substitutions", c.substitutions, ROTA_MAX),
    ):
        yield from _within(name, len(items), 0, most)
    for n, calendar in enumerate(c.holidays):
        yield from _texts(f"holidays.{n}", calendar.name)
        yield from _within(f"holidays.{n}.dates", len(calendar.dates), 0, DATES_MAX)
        yield from _days(f"holidays.{n}.dates", *calendar.dates)
    yield from _once("holidays", [calendar.name for calendar in c.holidays])
    for n, shift in enumerate(c.shifts):
        yield from _texts(f"shifts.{n}", shift.name)
        yield from _zone(f"shifts.{n}", shift.zone)
        yield from _spans(f"shifts.{n}.hours", shift.hours)
        yield from _days(f"shifts.{n}", shift.turns_from, shift.first_day, shift.last_day)
        yield from _within(f"shifts.{n}.turn_weeks", shift.turn_weeks, 1, 52)
        yield from _within(f"shifts.{n}.people", len(shift.people), 0, SEATS_MAX)
    for n, one in enumerate(c.substitutions):
        yield from _days(f"substitutions.{n}", one.first_day, one.last_day)
    for n, department in enumerate(c.departments):
        yield from _zone(f"departments.{n}", department.zone)
        yield from _spans(f"departments.{n}.covered", department.covered or ())
    if c.shifts or c.substitutions:  # without a rota the settings may name a department that has no table of its own
        yield from (f"{f.table}.{f.n}.{f.key}: {f.reason}" for f in name_faults(c))


def _days(where: str, *days: date | None) -> Iterator[str]:
    for day in days:
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            yield f"{where}: {day} is not from {FIRST_DAY} to {LAST_DAY}"


def _limits(limits: LoopLimits) -> Iterator[str]:
    for n in range(3):
        yield from _within(f"limits.respond_ms.{n}", limits.respond_ms[n], 1, MILLIS_MAX)
        yield from _within(f"limits.resolve_ms.{n}", limits.resolve_ms[n], 1, MILLIS_MAX)
        yield from _within(f"limits.remind_ms.{n}", limits.remind_ms[n], 1, MILLIS_MAX)
    yield from _within("limits.verify_calls", limits.verify_calls, 1, 10_000)
    yield from _within("limits.storm_queues", limits.storm_queues, 0, 10_000)
    if not 0 < limits.storm_share <= 1:
        yield "limits.storm_share is not above 0 and at most 1"
    for name in ("undecided_ms", "reopen_ms", "page_gap_ms", "hold_max_ms", "accept_max_ms"):
        yield from _within(f"limits.{name}", getattr(limits, name), 0, MILLIS_MAX)


def _within(where: str, value: int, low: int, high: int) -> Iterator[str]:
    if not low <= value <= high:
        yield f"{where}: {value} is not from {low} to {high}"


def _texts(where: str, *texts: str, longest: int = TEXT_MAX) -> Iterator[str]:
    for text in texts:
        if not 0 < len(text) <= longest:
            yield f"{where}: a text of {len(text)} characters where 1 to {longest} are allowed"


def _short(where: str, *texts: str) -> Iterator[str]:
    """Like `_texts`, of texts that may be empty."""
    return _texts(where, *(text for text in texts if text))


def _zone(where: str, zone: str) -> Iterator[str]:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError
        yield f'{where}.zone: "{zone}" is not an IANA time zone'


def _spans(where: str, spans: Sequence[OpeningHours | Duty]) -> Iterator[str]:
    for n, span in enumerate(spans):
        first, last = (
            (span.opens_min, span.closes_min) if isinstance(span, OpeningHours) else (span.starts_min, span.ends_min)
        )
        if not (0 <= first < last <= _MINUTES_MAX and first < _MINUTES_MAX // 2):
            yield f"{where}.{n}: from minute {first} to {last} is no span of a day"
        if not span.days <= frozenset(range(7)):
            yield f"{where}.{n}: days are 0 (Monday) to 6"


def _once(where: str, names: list[str]) -> Iterator[str]:
    if len(set(names)) < len(names):
        yield f"{where}: {max(names, key=names.count)} is there twice"
