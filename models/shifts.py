"""Shifts on the days of the calendar: which are held on a local day, from when to when, and who sits on them.

A shift belongs to the local day on which it begins; holidays, turns and substitutions are looked up by that day. A
time of day that the clock repeats is its first coming, one that it skips is the moment of the jump (`models.hours`):
so shifts that adjoin on paper adjoin on every day, of 23 hours or of 25. What is worked out is kept with its catalogue.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from models.catalogue import Catalogue, Duty, OnHoliday, Person, Shift, Substitution
from models.hours import instant_ms

#: The tier that a shift lead stands in, whatever the person's own.
SHIFT_LEAD: Final = 1
#: A Monday: weeks are counted from it where a shift has no first day.
_EPOCH: Final = date(1970, 1, 5)
#: Catalogues whose rotas are kept: the one in force, the one before while a change is decided, and a test's.
_ROTAS_KEPT: Final = 4
#: Days kept of each rota: two months of fifty departments or people; built again when asked for (50 us).
_DAYS_KEPT: Final = 4_096


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody on a shift. *tier* is the one stood in: 1 for the lead, else that of the person *named* in the rota."""

    person: Person
    named: str  #: id of the person whose seat it is; another one when *person* stands in
    tier: int
    lead: bool = False


@dataclass(frozen=True, slots=True)
class ShiftTurn:
    """A shift on one day, from *starts_ms* until before *ends_ms*; *lead* is accountable, None where it only helps."""

    department: str
    name: str
    zone: str
    day: date
    starts_ms: int
    ends_ms: int
    seats: tuple[Seat, ...]

    @property
    def lead(self) -> Person | None:
        """Who is accountable."""
        return next((seat.person for seat in self.seats if seat.lead), None)


@dataclass(frozen=True, slots=True)
class Stint:
    """A stretch in which somebody is on duty for a department, in a tier; *shift* is empty for a duty without one."""

    starts_ms: int
    ends_ms: int
    department: str
    tier: int
    named: str
    shift: str = ""
    lead: bool = False


class Rota:
    """The rota of one catalogue: `turns` of a department and `stints` of a person by local day, kept for a while."""

    __slots__ = (
        "_answers",
        "_covers",
        "_departments",
        "_named",
        "_stints",
        "_substitutions",
        "_turns",
        "always",
        "calendars",
        "catalogue",
        "people",
        "shifts",
    )

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.people = {person.id: person for person in catalogue.people}
        self.calendars = {calendar.name: calendar.dates for calendar in catalogue.holidays}
        self.shifts: dict[str, tuple[Shift, ...]] = {}
        for shift in catalogue.shifts:
            self.shifts[shift.department] = (*self.shifts.get(shift.department, ()), shift)
        self._substitutions: dict[str, list[Substitution]] = {}
        for substitution in catalogue.substitutions:
            self._substitutions.setdefault(substitution.person, []).append(substitution)
        self._covers = _covers(self._substitutions)
        self._named: set[str] = set()
        self._departments: dict[str, set[str]] = {}  #: where somebody may sit on a shift, as a substitute too
        for shift in catalogue.shifts:
            named = {one for seat in (shift.lead, *shift.people) for one in seat}
            self._named |= named
            for one in named | {by for by, whom in self._covers.items() if named.intersection(whom)}:
                self._departments.setdefault(one, set()).add(shift.department)
        off = self._named | self._substitutions.keys()
        #: people of whose duty the settings say nothing: they are always there
        self.always = {p.id for p in catalogue.people if not p.duty and p.id not in off}
        self._answers: OrderedDict[tuple[str, int, int, int], int | None] = OrderedDict()
        self._turns: OrderedDict[tuple[str, int], tuple[ShiftTurn, ...]] = OrderedDict()
        self._stints: OrderedDict[tuple[str, int], tuple[Stint, ...]] = OrderedDict()

    def turns(self, department: str, day: date) -> tuple[ShiftTurn, ...]:
        """The shifts of *department* that begin on *day*, in the order of the settings."""
        key = (department, day.toordinal())
        found = self._turns.get(key)
        if found is None:
            shifts = self.shifts.get(department) or _of_duties(self.catalogue, department)
            found = self._turns[key] = tuple(turn for shift in shifts for turn in self.held(shift, day))
            _trim(self._turns)
        return found

    def stints(self, person: Person, day: date) -> tuple[Stint, ...]:
        """All duties of *person* that begin on *day*: seats on shifts, duties of their own, duties of others."""
        key = (person.id, day.toordinal())
        found = self._stints.get(key)
        if found is None:
            found = self._stints[key] = tuple(self._stints_of(person, day))
            _trim(self._stints)
        return found

    def once(self, key: tuple[str, int, int, int], answer: Callable[[], int | None]) -> int | None:
        """What *answer* gives for *key*, kept: for questions of a person and a span that every clock asks again."""
        if key not in self._answers:
            self._answers[key] = answer()
            _trim(self._answers)
        return self._answers[key]

    def stand_in(self, person: str, day: date, shift: str = "") -> str:
        """Who does on *day* what *person* is down for; a substitute may have a substitute."""
        seen = {person}
        while True:
            held = (s for s in self._substitutions.get(person, ()) if s.first_day <= day <= s.last_day)
            by = next((s.by for s in held if s.shift in ("", shift)), "")
            if not by or by in seen:  # a cycle is refused by the settings; here it must only end
                return person
            seen.add(by)
            person = by

    def is_holiday(self, calendar: str, day: date) -> bool:
        """Whether the calendar of that name has *day*."""
        return day in self.calendars.get(calendar, ())

    def held(self, shift: Shift, day: date) -> Iterator[ShiftTurn]:
        """When *shift* is held on *day*, if it is."""
        if (shift.first_day and day < shift.first_day) or (shift.last_day and day > shift.last_day):
            return
        if shift.holidays and self.is_holiday(shift.holidays, day) != (shift.on_holidays == OnHoliday.ONLY):
            return
        seats: tuple[Seat, ...] | None = None
        for span in shift.hours:
            if day.weekday() in span.days:
                seats = self._seats(shift, day) if seats is None else seats
                starts_ms, ends_ms = _bounds(shift.zone, day, span)
                if starts_ms < ends_ms:  # a shift wholly inside an hour that the clock skips does not take place
                    yield ShiftTurn(shift.department, shift.name, shift.zone, day, starts_ms, ends_ms, seats)

    def _seats(self, shift: Shift, day: date) -> tuple[Seat, ...]:
        found = []
        for n, seat in enumerate((shift.lead, *shift.people)):
            if not seat:
                continue
            named = seat[_weeks(shift.turns_from or shift.first_day or _EPOCH, day) // shift.turn_weeks % len(seat)]
            person, own = self.people.get(self.stand_in(named, day, shift.name)), self.people.get(named)
            if person is not None and own is not None:
                found.append(Seat(person, named, own.tier if n else SHIFT_LEAD, lead=n == 0))
        return tuple(found)

    def _stints_of(self, person: Person, day: date) -> Iterator[Stint]:
        for department in sorted(self._departments.get(person.id, ())):
            for turn in self.turns(department, day):
                for seat in turn.seats:
                    if seat.person.id == person.id:
                        yield Stint(
                            turn.starts_ms, turn.ends_ms, department, seat.tier, seat.named, turn.name, seat.lead
                        )
        for whom in (person.id, *self._covers.get(person.id, ())):
            other = self.people.get(whom)
            if other is None or (not other.duty and whom in self._named) or self.stand_in(whom, day) != person.id:
                continue
            for span in other.duty or _WHOLE_DAY:
                if day.weekday() in span.days:
                    starts_ms, ends_ms = _bounds(other.zone, day, span)
                    if starts_ms < ends_ms:
                        yield Stint(starts_ms, ends_ms, other.department, other.tier, whom)


_WHOLE_DAY: Final = (Duty(frozenset(range(7)), 0, 1440),)
_kept: OrderedDict[int, Rota] = OrderedDict()


def rota_of(catalogue: Catalogue) -> Rota:
    """The rota of *catalogue*, worked out once. It is a function of the catalogue: nothing but time is saved by it."""
    rota = _kept.get(id(catalogue))  # by identity: a catalogue is frozen, and too large to hash at every clock
    if rota is None or rota.catalogue is not catalogue:
        rota = _kept[id(catalogue)] = Rota(catalogue)
        while len(_kept) > _ROTAS_KEPT:
            _kept.popitem(last=False)
    return rota


def _trim(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > _DAYS_KEPT:
        kept.popitem(last=False)


def _bounds(zone: str, day: date, span: Duty) -> tuple[int, int]:
    return instant_ms(zone, day, span.starts_min), instant_ms(zone, day, span.ends_min)


def _weeks(first: date, day: date) -> int:
    """Whole weeks from the week of *first* to that of *day*; weeks begin on Monday."""
    monday = day - timedelta(days=day.weekday())
    return (monday - (first - timedelta(days=first.weekday()))).days // 7


def _covers(substitutions: dict[str, list[Substitution]]) -> dict[str, tuple[str, ...]]:
    """For each substitute those whose duties may come to them, over substitutes of substitutes too."""
    to = {person: [substitution.by for substitution in found] for person, found in substitutions.items()}
    found: dict[str, list[str]] = {}
    for person, first in to.items():
        seen, ahead = {person}, list(first)
        while ahead:
            by = ahead.pop()
            if by not in seen:
                seen.add(by)
                found.setdefault(by, []).append(person)
                ahead += to.get(by, ())
    return {by: tuple(whom) for by, whom in found.items()}


def _of_duties(catalogue: Catalogue, department: str) -> Iterator[Shift]:
    """A department without shifts has those of its shift leads' duties, named by their times.

    A lead who is always there has no shift, and nobody listed after that lead is ever first.
    """
    for person in catalogue.people:
        if person.department == department and person.tier == SHIFT_LEAD:
            if not person.duty:
                return
            for duty in person.duty:
                name = f"{_clock(duty.starts_min)}-{_clock(duty.ends_min)}"
                yield Shift(name, department, person.zone, (duty,), (person.id,))


def _clock(minute: int) -> str:
    hours, minutes = divmod(minute if minute <= 1440 else minute - 1440, 60)
    return f"{hours:02}:{minutes:02}"
