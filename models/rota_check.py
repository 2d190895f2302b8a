"""Is the rota whole? Every name known, always somebody accountable while the department is open, and never two.

The check walks the real days of a horizon, holidays, substitutions, changes of shifts and days on which the clock jumps
among them, and names the first instants at fault in local time. It reads no clock: the same settings have the same
faults whenever they are read, so a worker that starts again is never refused what it ran with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

from models.catalogue import Catalogue, Department, OnHoliday, OpeningHours, Shift, Site, Substitution
from models.duty import joined
from models.hours import hours_of, instant_ms, local
from models.shifts import Rota, ShiftTurn

#: Where the walk begins when the settings name no day: a Monday.
ANY_MONDAY: Final = date(2024, 1, 1)
#: How far it goes: a year has every jump of the clock, and some weeks more hold the turn of the year.
WALK_DAYS: Final = 56 * 7
#: Days looked at around each day that the settings name: a shift of the day before may run into it.
_AROUND: Final = 3
#: Instants named for each department and kind of fault; the others are counted.
_NAMED: Final = 3

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: the *n*th (from 0) table of that name in the settings, and its key."""

    table: str
    n: int
    key: str | None
    reason: str


def all_faults(catalogue: Catalogue, first: date | None = None, days: int = WALK_DAYS) -> list[Fault]:
    """Everything wrong with the rota, names first; while those are wrong nothing else is looked for.

    *first* is the first local day of the walk over *days*, None the first day that the settings name. The days that
    they name are looked at wherever they lie.
    """
    return list(name_faults(catalogue)) or _walk_faults(catalogue, first, days)


# --- names ----------------------------------------------------------------------------------------------------------


def name_faults(catalogue: Catalogue) -> Iterator[Fault]:
    """Names that nothing has, spans of days that end before they begin, substitutes who cannot stand in."""
    calendars = {calendar.name for calendar in catalogue.holidays}
    tiers = {person.id: person.tier for person in catalogue.people}
    for n, department in enumerate(catalogue.departments):
        for key, ids in (("liaisons", department.liaisons), ("consulted", department.roles.consulted),
                         ("informed", department.roles.informed)):  # fmt: skip
            yield from (Fault("department", n, key, _nobody(one)) for one in ids if one not in tiers)
        if department.closed_on and department.closed_on not in calendars:
            yield Fault("department", n, "closed_on", _no_calendar(department.closed_on, calendars))
    departments = {department.name for department in catalogue.departments}
    for n, shift in enumerate(catalogue.shifts):
        if shift.department not in departments:
            yield Fault("shift", n, "department", f'no [[department]] is called "{shift.department}"')
        yield from _shift_faults(n, shift, tiers, calendars)
    yield from _substitution_faults(catalogue, tiers)


def _shift_faults(n: int, shift: Shift, tiers: dict[str, int], calendars: set[str]) -> Iterator[Fault]:
    for one in shift.lead:
        if one not in tiers:
            yield Fault("shift", n, "lead", _nobody(one))
        elif tiers[one] == 0:
            yield Fault("shift", n, "lead", f'"{one}" is a liaison and cannot be accountable')
    yield from (Fault("shift", n, "people", _nobody(one)) for seat in shift.people for one in seat if one not in tiers)
    if not (shift.lead or shift.people):
        yield Fault("shift", n, None, "nobody is on it: name a lead, or people")
    if any(len(seat) > 1 for seat in (shift.lead, *shift.people)) and not (shift.turns_from or shift.first_day):
        yield Fault("shift", n, "turns_from", "is missing: whose turn it is counts from the week of that day")
    if shift.first_day and shift.last_day and shift.last_day < shift.first_day:
        yield Fault("shift", n, "until", f"{shift.last_day} lies before from: it ends before it starts")
    if shift.holidays and shift.holidays not in calendars:
        yield Fault("shift", n, "holidays", _no_calendar(shift.holidays, calendars))


def _substitution_faults(catalogue: Catalogue, tiers: dict[str, int]) -> Iterator[Fault]:
    leads = {one for shift in catalogue.shifts for one in shift.lead}
    shifts, good = {shift.name for shift in catalogue.shifts}, True
    for n, one in enumerate(catalogue.substitutions):
        found = list(_one_substitution(n, one, tiers, shifts))
        if not found and tiers[one.by] == 0 and one.person in leads:
            found.append(Fault("substitution", n, "by", f'"{one.by}" is a liaison and cannot be accountable'))
        for m, other in enumerate(catalogue.substitutions[:n]):
            if not found and one.person == other.person and _overlap(one, other):
                found.append(Fault("substitution", n, "person", f'"{one.person}" is replaced by number {m + 1} too'))
        good = good and not found
        yield from found
    if good:
        yield from _cycles(catalogue.substitutions)


def _one_substitution(n: int, one: Substitution, tiers: dict[str, int], shifts: set[str]) -> Iterator[Fault]:
    for key, name in (("person", one.person), ("by", one.by)):
        if name not in tiers:
            yield Fault("substitution", n, key, _nobody(name))
    if one.person == one.by:
        yield Fault("substitution", n, "by", f'"{one.by}" cannot stand in for themselves')
    if one.last_day < one.first_day:
        yield Fault("substitution", n, "until", f"{one.last_day} lies before from: it ends before it starts")
    if one.shift and one.shift not in shifts:
        yield Fault("substitution", n, "shift", f'no [[shift]] is called "{one.shift}"')


def _overlap(one: Substitution, other: Substitution) -> bool:
    same = "" in (one.shift, other.shift) or one.shift == other.shift
    return same and one.first_day <= other.last_day and other.first_day <= one.last_day


def _cycles(found: tuple[Substitution, ...]) -> Iterator[Fault]:
    """People who replace each other in a ring on some day. Nobody is replaced twice a day, so each day is one walk."""
    told: set[frozenset[int]] = set()
    for start in found:  # every ring is whole on the first day of its last member
        for shift in [start.shift] if start.shift else sorted({"", *(one.shift for one in found)}):
            chain: list[int] = []
            person = start.person
            while (n := _by_on(found, person, start.first_day, shift)) is not None and n not in chain:
                chain.append(n)
                person = found[n].by
            ring = chain[chain.index(n) :] if n is not None else []
            if ring and frozenset(ring) not in told:
                told.add(frozenset(ring))
                names = " by ".join([found[m].person for m in ring] + [found[ring[0]].person])
                yield Fault("substitution", max(ring), "by", f"replaces in a ring: {names} on {start.first_day}")


def _by_on(found: tuple[Substitution, ...], person: str, day: date, shift: str) -> int | None:
    held = (n for n, one in enumerate(found) if one.person == person and one.first_day <= day <= one.last_day)
    return next((n for n in held if found[n].shift in ("", shift)), None)


def _nobody(one: str) -> str:
    return f'no [[person]] has the id "{one}"'


def _no_calendar(name: str, calendars: set[str]) -> str:
    return f'no [[holidays]] is called "{name}" ({", ".join(sorted(calendars)) or "there is none"})'


# --- the walk -------------------------------------------------------------------------------------------------------


def _walk_faults(catalogue: Catalogue, first: date | None, days: int) -> list[Fault]:
    rota, found = Rota(catalogue), []
    for n, department in enumerate(catalogue.departments):
        shifts = [(m, s) for m, s in enumerate(catalogue.shifts) if s.department == department.name and s.lead]
        if not shifts:
            continue
        holes: list[str] = []
        seconds: dict[int, list[str]] = {}
        for since, until in _ranges(_named_days(catalogue, shifts), first, days):
            held = [(m, turn) for m, shift in shifts for turn in _held(rota, shift, since, until)]
            held.sort(key=lambda pair: (pair[1].starts_ms, pair[0]))
            for m, text in _seconds(held, since, until):
                seconds.setdefault(m, []).append(text)
            holes += _holes(rota, department, [s for _, s in shifts], [t for _, t in held], (since, until))
        for m, texts in sorted(seconds.items()):
            found.append(Fault("shift", m, "hours", _first_few(texts)))
        if holes:
            found.append(Fault("department", n, None, "nobody is accountable " + _first_few(holes)))
    return found


def _first_few(texts: list[str]) -> str:
    unique = list(dict.fromkeys(texts))
    more = f", and {len(unique) - _NAMED} times more" if len(unique) > _NAMED else ""
    return "; ".join(unique[:_NAMED]) + more


def _named_days(catalogue: Catalogue, shifts: list[tuple[int, Shift]]) -> set[date]:
    """The days on which something holds that does not hold every week."""
    found = {day for _, shift in shifts for day in (shift.first_day, shift.last_day) if day is not None}
    for substitution in catalogue.substitutions:
        found |= {substitution.first_day, substitution.last_day}
    used = {shift.holidays for _, shift in shifts} | {department.closed_on for department in catalogue.departments}
    for calendar in catalogue.holidays:
        if calendar.name in used:
            found |= calendar.dates
    return found


def _ranges(named: set[date], first: date | None, days: int) -> list[tuple[date, date]]:
    """Days to look at, from the first to the last of each range: the walk, and what lies around each named day."""
    begin = (first or min(named, default=ANY_MONDAY)).toordinal()
    spans = [(begin, begin + days)]
    spans += [(day.toordinal() - _AROUND, day.toordinal() + _AROUND + 1) for day in named]
    return [(date.fromordinal(since), date.fromordinal(until - 1)) for since, until in joined(spans)]


def _days(since: date, until: date) -> Iterator[date]:
    for n in range((until - since).days + 1):
        yield since + timedelta(days=n)


def _held(rota: Rota, shift: Shift, since: date, until: date) -> Iterator[ShiftTurn]:
    for day in _days(since - timedelta(days=_AROUND), until + timedelta(days=1)):
        yield from rota.held(shift, day)


def _seconds(held: list[tuple[int, ShiftTurn]], since: date, until: date) -> Iterator[tuple[int, str]]:
    """Where a shift begins while the lead of another one is accountable, with the number of the later shift."""
    running: list[tuple[int, ShiftTurn]] = []
    for m, turn in held:
        running = [(k, one) for k, one in running if one.ends_ms > turn.starts_ms]
        for k, one in running:
            if one.lead is not None and turn.lead is not None and one.lead.id != turn.lead.id:
                ends_ms = min(one.ends_ms, turn.ends_ms)
                when = _between(turn.zone, turn.starts_ms, ends_ms)
                if since <= local(turn.zone, turn.starts_ms).date() <= until:
                    text = f'"{turn.lead.id}" is a second accountable beside "{one.lead.id}" of "{one.name}" {when}'
                    yield max(m, k), text
        running.append((m, turn))


def _holes(
    rota: Rota, department: Department, shifts: list[Shift], held: list[ShiftTurn], walk: tuple[date, date]
) -> Iterator[str]:
    """The stretches of covered hours in which no shift with a lead is held, from the first such shift to the last."""
    led = joined((turn.starts_ms, turn.ends_ms) for turn in held)
    firsts, lasts = {s.first_day for s in shifts}, {s.last_day for s in shifts}
    since, until = walk
    from_ms, to_ms = 0, _FOREVER_MS
    if None not in firsts and since <= min(day for day in firsts if day):
        from_ms = min((turn.starts_ms for turn in held), default=_FOREVER_MS)
    if None not in lasts and until >= max(day for day in lasts if day):
        to_ms = max((turn.ends_ms for turn in held), default=0)
    for zone, hours in covered(rota.catalogue, department):
        open_ = [(max(a, from_ms), min(b, to_ms)) for a, b in joined(_open(rota, department, zone, hours, walk))]
        for starts_ms, ends_ms in without([span for span in open_ if span[0] < span[1]], led):
            yield _between(zone, starts_ms, ends_ms) + _why(rota, shifts, starts_ms)


_FOREVER_MS: Final = 2**62


def covered(catalogue: Catalogue, department: Department) -> list[tuple[str, tuple[OpeningHours, ...]]]:
    """The hours in which somebody of *department* must be accountable, by zone: its own, else those of its queues."""
    if department.covered is not None:
        return [(department.zone, department.covered)]
    found: list[tuple[str, tuple[OpeningHours, ...]]] = []
    taken: set[str] = set()
    for queue in catalogue.queues:
        site_pattern = queue.pattern.rpartition("/")[0] or "*"
        sites = [s for s in catalogue.sites if s.name == "*" or fnmatchcase(s.name, site_pattern)]
        for site in sites or [Site(site_pattern)]:
            if queue.department == department.name and site.name not in taken:
                pair = (site.zone, hours_of(site, queue))
                found += [pair] if pair not in found else []
        if queue.pattern == "*" or queue.pattern.endswith("/*"):  # the first match wins: later ones do not reach these
            taken |= {site.name for site in sites if site.name != "*" or site_pattern == "*"}
    return found


def _open(
    rota: Rota, department: Department, zone: str, hours: tuple[OpeningHours, ...], walk: tuple[date, date]
) -> Iterator[Interval]:
    for day in _days(*walk):
        if department.closed_on and rota.is_holiday(department.closed_on, day):
            continue
        for first, last in [(h.opens_min, h.closes_min) for h in hours if day.weekday() in h.days] if hours else _DAY:
            yield instant_ms(zone, day, first), instant_ms(zone, day, last)


_DAY: Final = [(0, 1440)]


def without(spans: Iterable[Interval], taken: list[Interval]) -> Iterator[Interval]:
    """What is left of *spans* without *taken*; each in order and joined."""
    n = 0
    for starts_ms, ends_ms in spans:
        at_ms = starts_ms
        while n < len(taken) and taken[n][1] <= starts_ms:
            n += 1
        for first, last in islice(taken, n, None):
            if first >= ends_ms:
                break
            if first > at_ms:
                yield at_ms, first
            at_ms = max(at_ms, last)
        if at_ms < ends_ms:
            yield at_ms, ends_ms


def _why(rota: Rota, shifts: list[Shift], at_ms: int) -> str:
    """Which shifts would be held then, were it not for a holiday."""
    off = []
    for shift in shifts:
        day = local(shift.zone, at_ms).date()
        holiday = shift.holidays and rota.is_holiday(shift.holidays, day)
        if holiday and shift.on_holidays == OnHoliday.OFF and any(day.weekday() in d.days for d in shift.hours):
            off.append(f'"{shift.name}" is off on holidays "{shift.holidays}"')
    return f" ({', '.join(off)})" if off else ""


def _between(zone: str, starts_ms: int, ends_ms: int) -> str:
    first, last = local(zone, starts_ms), local(zone, ends_ms)
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%a %Y-%m-%d %H:%M}"
    return f"from {first:%a %Y-%m-%d %H:%M} to {end} {zone}"
