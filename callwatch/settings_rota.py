"""The rota in the settings file: holidays, shifts, substitutions, and what departments say of them; checked as a whole.

Whatever is wrong with it is refused in one go, a line for each fault: whoever writes a rota wants to see all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

from callwatch.toml_table import Table
from callwatch.toml_times import day, days, spans, zone
from models.catalogue import (
    Catalogue,
    Department,
    Duty,
    Holidays,
    OnHoliday,
    OpeningHours,
    Roles,
    Shift,
    Substitution,
)
from models.errors import SettingsError
from models.rota_check import WALK_DAYS, Fault, all_faults

T = TypeVar("T")

ON_HOLIDAYS: Final = {one.name.lower(): one for one in OnHoliday}


def added(catalogue: Catalogue, many: Mapping[str, list[Table]], tiers: Mapping[str, int]) -> Catalogue:
    """*catalogue* with the rota of the tables in *many*. *tiers* are the names that a whole tier may be called by.

    Raises SettingsError with every fault on a line of its own.
    """
    refused: list[str] = []
    holidays = _each(many["holidays"], _holidays, refused)
    zones = {str(table.values["name"]): str(table.values.get("zone", "")) for table in many["department"]}
    shifts = _each(many["shift"], lambda table: _shift(table, zones), refused)
    substitutions = _each(many["substitution"], _substitution, refused)
    people = {person.id for person in catalogue.people}
    first_zones = {shift.department: shift.zone for shift in reversed(shifts)}

    def department(table: Table) -> Department:
        one = next(d for d in catalogue.departments if d.name == table.values["name"])
        return _department(table, one, first_zones, people, tiers)

    departments = _each(many["department"], department, refused)
    names: dict[str, int] = {}
    for n, calendar in enumerate(holidays):
        if calendar.name in names:
            refused.append(many["holidays"][n].fault("name", f'"{calendar.name}" is the name of two calendars'))
        names[calendar.name] = n
    if refused:
        raise SettingsError("\n".join(refused))
    found = replace(catalogue, departments=departments, holidays=holidays, shifts=shifts, substitutions=substitutions)
    if faults := rota_faults(found, many):
        raise SettingsError("\n".join(faults))
    return found


def rota_faults(
    catalogue: Catalogue, many: Mapping[str, list[Table]], first: date | None = None, walk_days: int = WALK_DAYS
) -> list[str]:
    """What is wrong with the rota of *catalogue*, each with file, line and reason (`models.rota_check`)."""
    return [_said(fault, many) for fault in all_faults(catalogue, first, walk_days)]


def _said(fault: Fault, many: Mapping[str, list[Table]]) -> str:
    return many[fault.table][fault.n].fault(fault.key, fault.reason)


def _each(tables: list[Table], read: Callable[[Table], T], refused: list[str]) -> tuple[T, ...]:
    found = []
    for table in tables:
        try:
            one = read(table)
            if table.name != "department":  # the rest of a department is read elsewhere
                table.finish()
            found.append(one)
        except SettingsError as error:
            refused.append(str(error))
    return tuple(found)


def _holidays(table: Table) -> Holidays:
    return Holidays(table.string("name"), days(table, "dates"))


def _shift(table: Table, zones: Mapping[str, str]) -> Shift:
    department = table.string("department")
    hours = tuple(Duty(s.days, s.starts_min, s.ends_min) for s in spans(table, "hours"))
    if not hours:
        table.refuse("hours", 'must be a list of times such as ["Mon-Fri 08:00-16:00"]')
    holidays = table.string("holidays", "")
    if table.has("on_holidays") and not holidays:
        table.refuse("on_holidays", "of which calendar? Name it: holidays = ...")
    return Shift(
        name=table.string("name"),
        department=department,
        zone=zone(table, zones.get(department) or "UTC"),
        hours=hours,
        lead=_turns(table, "lead"),
        people=_seats(table),
        turn_weeks=table.integer("turn_weeks", 1, low=1, high=52),
        turns_from=day(table, "turns_from"),
        first_day=day(table, "from"),
        last_day=day(table, "until"),
        holidays=holidays,
        on_holidays=table.choice("on_holidays", ON_HOLIDAYS, "off"),
    )


def _turns(table: Table, key: str) -> tuple[str, ...]:
    """One person, or a list of people who take it in turns."""
    if isinstance(table.values.get(key), str):
        return (table.string(key),)
    return table.strings(key, ())


def _seats(table: Table) -> tuple[tuple[str, ...], ...]:
    """A list of people; a list within the list is a seat that they take in turns."""
    found: list[tuple[str, ...]] = []
    for value in table.take("people", (list,), _PEOPLE, ()):
        seat = value if isinstance(value, list) else [value]
        if not seat or not all(isinstance(one, str) and one.strip() for one in seat):
            table.refuse("people", f"{value!r} is not {_PEOPLE}")
        found.append(tuple(seat))
    return tuple(found)


_PEOPLE: Final = "a list of people; those in a list within it take turns"


def _substitution(table: Table) -> Substitution:
    first = day(table, "from", needed=True)
    assert first is not None
    last = day(table, "until", first)
    assert last is not None
    return Substitution(table.string("person"), table.string("by"), first, last, table.string("shift", ""))


def _department(
    table: Table, one: Department, zones: Mapping[str, str], people: set[str], tiers: Mapping[str, int]
) -> Department:
    """The rota's share of a department; its zone is that of its first shift unless it says another."""
    covered = tuple(OpeningHours(s.days, s.starts_min, s.ends_min) for s in spans(table, "covered"))
    usual = Roles()
    consulted, consulted_tiers = _whom(table, "consulted", people, tiers)
    informed, informed_tiers = _whom(table, "informed", people, tiers)
    return replace(
        one,
        liaisons=table.strings("liaisons", ()),
        zone=zone(table, zones.get(one.name, "UTC")),
        covered=covered if table.has("covered") else None,
        closed_on=table.string("closed_on", ""),
        roles=Roles(
            consulted,
            informed,
            consulted_tiers if table.has("consulted") else usual.consulted_tiers,
            informed_tiers if table.has("informed") else usual.informed_tiers,
        ),
    )


def _whom(table: Table, key: str, people: set[str], tiers: Mapping[str, int]) -> tuple[tuple[str, ...], frozenset[int]]:
    """Ids of people, and names of tiers for all on duty in them; an id wins over the name of a tier."""
    given = table.strings(key, ())
    whole = {tiers[one] for one in given if one not in people and one in tiers}
    return tuple(one for one in given if one in people or one not in tiers), frozenset(whole)
