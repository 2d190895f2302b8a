"""The rota asked: which shift it is, who is on duty, who is accountable for a queue, responsible, consulted, informed.

Pure functions of a catalogue and an instant (epoch milliseconds UTC), fast enough for every clock. Exactly one person
is accountable: the shift lead first, and while there is none the lowest tier on duty. Tiers: 0 liaison, 1 group leader
(the shift lead), 2 team leader, 3 supervisor, 4 manager.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.catalogue import Catalogue, Department, Person
from models.duty import after_duty_ms, days_about, duty_between_ms, duty_change_ms, on_duty, stints
from models.hours import local, settings_for
from models.shifts import SHIFT_LEAD, Seat, ShiftTurn, rota_of

__all__ = [
    "Choice",
    "Raci",
    "Rung",
    "Seat",
    "ShiftTurn",
    "accountable",
    "after_duty_ms",
    "department_of",
    "duty_between_ms",
    "duty_change_ms",
    "ladder",
    "liaison",
    "next_shift",
    "on_duty",
    "raci",
    "shift_at",
    "shifts_at",
    "staff",
]

MANAGER: Final = 4
#: How far ahead the next shift is looked for; a department that closes for longer has none.
_AHEAD_DAYS: Final = 62


@dataclass(frozen=True, slots=True)
class Rung:
    """Somebody on duty who can be accountable. *tier* is the one they stand in; *named* whose duty it is."""

    person: Person
    tier: int
    named: str
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody to tell, and the named reason why it is this one. *person* is None only without any people at all."""

    person: Person | None
    reason: str


@dataclass(frozen=True, slots=True)
class Raci:
    """The roles in an order of a queue; everybody has one, the first that applies."""

    accountable: Person | None
    reason: str  #: why this one is accountable
    responsible: Person | None
    consulted: tuple[Person, ...]
    informed: tuple[Person, ...]


def department_of(catalogue: Catalogue, queue: str) -> Department:
    """The department that answers for *queue*, with the defaults when no ``[[department]]`` has its name."""
    name = settings_for(catalogue, queue).department
    return next((d for d in catalogue.departments if d.name == name), Department(name))


def shifts_at(catalogue: Catalogue, department: str, now_ms: int) -> tuple[ShiftTurn, ...]:
    """All shifts of *department* that are held at *now_ms*, those with a lead first, in the order of the settings."""
    rota = rota_of(catalogue)
    found = [t for day in days_about(now_ms) for t in rota.turns(department, day) if t.starts_ms <= now_ms < t.ends_ms]
    return tuple(sorted(found, key=lambda turn: turn.lead is None))


def shift_at(catalogue: Catalogue, department: str, now_ms: int) -> ShiftTurn | None:
    """The shift of *department* whose lead is accountable at *now_ms*, None when there is none.

    A department without ``[[shift]]`` has the duties of its shift leads as shifts.
    """
    found = shifts_at(catalogue, department, now_ms)
    return found[0] if found and found[0].lead is not None else None


def next_shift(catalogue: Catalogue, department: str, now_ms: int) -> ShiftTurn | None:
    """The first shift with a lead that begins after *now_ms*, None when none does within two months."""
    rota, found = rota_of(catalogue), None
    for n, day in enumerate(days_about(now_ms, _AHEAD_DAYS)):
        for turn in rota.turns(department, day):
            if turn.starts_ms > now_ms and turn.lead and (found is None or turn.starts_ms < found.starts_ms):
                found, until = turn, n + 2  # a day of another zone may hold an earlier one
        if found is not None and n >= until:
            break
    return found


def staff(catalogue: Catalogue, queue: str) -> list[Person]:
    """Everybody of the queue's department; everybody at all for a queue without one, or with an empty one."""
    department = settings_for(catalogue, queue).department
    return [p for p in catalogue.people if p.department == department] or list(catalogue.people)


def ladder(catalogue: Catalogue, queue: str, now_ms: int) -> list[Rung]:
    """Those on duty who can be accountable: the shift lead, then by tier; then managers of other departments.

    Within a tier those on a shift come in the order of the settings, as do all others. Everybody stands on it once.
    """
    rungs = [rung for rung in _on_duty_for(catalogue, queue, now_ms) if rung.person.tier > 0 and rung.tier > 0]
    rungs.sort(key=lambda rung: (not rung.lead, rung.tier))
    there = {rung.person.id for rung in rungs}
    others = [p for p in catalogue.people if p.tier >= MANAGER and p.id not in there and on_duty(catalogue, p, now_ms)]
    return _once([*rungs, *(Rung(person, person.tier, person.id) for person in others)])


def _on_duty_for(catalogue: Catalogue, queue: str, now_ms: int) -> list[Rung]:
    """All who are on duty for the queue's department, liaisons included, with the tier that they stand in."""
    name = settings_for(catalogue, queue).department
    of_all = not any(p.department == name for p in catalogue.people) and name not in rota_of(catalogue).shifts
    lead = None if of_all else next((t.lead for t in _shifts(catalogue, name, now_ms) if t.lead), None)
    return [
        Rung(person, stint.tier, stint.named, stint.lead and lead is not None and person.id == lead.id)
        for person in catalogue.people
        for stint in stints(catalogue, person, now_ms)
        if of_all or stint.department == name
    ]


def _shifts(catalogue: Catalogue, department: str, now_ms: int) -> tuple[ShiftTurn, ...]:
    return shifts_at(catalogue, department, now_ms) if department in rota_of(catalogue).shifts else ()


def _once(rungs: Iterable[Rung]) -> list[Rung]:
    seen: dict[str, Rung] = {}
    for rung in rungs:
        seen.setdefault(rung.person.id, rung)
    return list(seen.values())


def accountable(catalogue: Catalogue, queue: str, now_ms: int) -> Choice:
    """Who a new order goes to. Tiers with nobody on duty are skipped; with nobody at all on duty the highest has it."""
    rungs = ladder(catalogue, queue, now_ms)
    if rungs:
        first = rungs[0]
        if first.tier != SHIFT_LEAD:
            return Choice(first.person, "tier_skipped_nobody_on_duty")
        return Choice(first.person, "shift_lead" if first.named == first.person.id else "stands_in_for_the_shift_lead")
    own = [p for p in staff(catalogue, queue) if p.tier > 0]
    if own:
        return Choice(max(own, key=lambda p: p.tier), "nobody_on_duty_highest_tier")
    managers = [p for p in catalogue.people if p.tier >= MANAGER]
    if managers:
        return Choice(managers[0], "nobody_on_duty_any_manager")
    if catalogue.people:
        return Choice(max(staff(catalogue, queue), key=lambda p: p.tier), "only_liaisons_exist")
    return Choice(None, "no_people_in_settings")


def liaison(catalogue: Catalogue, queue: str, now_ms: int) -> Person | None:
    """The liaison of the queue's department who is on duty, or who stands in for one; None when nobody does."""
    rungs, wanted = _on_duty_for(catalogue, queue, now_ms), department_of(catalogue, queue).liaisons
    if not wanted:
        return next((rung.person for rung in rungs if rung.tier == 0), None)
    people = {person.id: person for person in catalogue.people}
    on_it = {rung.named: rung.person for rung in rungs}
    for one in wanted:  # a liaison need not be of the department
        person = on_it.get(one) or people.get(one)
        if person is not None and (one in on_it or on_duty(catalogue, person, now_ms)):
            return person
    return None


def raci(catalogue: Catalogue, queue: str, now_ms: int) -> Raci:
    """Who is accountable, responsible, consulted and informed for an order of *queue* at *now_ms*.

    Whole tiers are consulted while they are on duty, and informed on duty or not; whoever is named is always.
    """
    choice, beside = accountable(catalogue, queue, now_ms), liaison(catalogue, queue, now_ms)
    taken = {choice.person.id} if choice.person else set()
    responsible = beside if beside is not None and beside.id not in taken else None
    taken |= {responsible.id} if responsible else set()
    roles, own = department_of(catalogue, queue).roles, staff(catalogue, queue)
    on_it = [r.person for r in _on_duty_for(catalogue, queue, now_ms) if r.tier in roles.consulted_tiers]
    consulted = _named(catalogue, roles.consulted, now_ms) + on_it
    asked = _left(consulted, taken)
    told = _named(catalogue, roles.informed, now_ms) + [p for p in own if p.tier in roles.informed_tiers]
    return Raci(choice.person, choice.reason, responsible, asked, _left(told, taken))


def _named(catalogue: Catalogue, ids: tuple[str, ...], now_ms: int) -> list[Person]:
    rota, found = rota_of(catalogue), []
    for one in ids:
        person = rota.people.get(one)
        if person is not None:
            found.append(rota.people.get(rota.stand_in(one, local(person.zone, now_ms).date()), person))
    return found


def _left(people: list[Person], taken: set[str]) -> tuple[Person, ...]:
    """*people* without those *taken*, who are added to them."""
    found = []
    for person in people:
        if person.id not in taken:
            taken.add(person.id)
            found.append(person)
    return tuple(found)
