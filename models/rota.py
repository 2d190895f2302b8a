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
    "accountable_of",
    "after_duty_ms",
    "department_of",
    "duty_between_ms",
    "duty_change_ms",
    "ladder",
    "ladder_of",
    "liaison",
    "liaison_of",
    "next_shift",
    "on_duty",
    "raci",
    "raci_of",
    "shift_at",
    "shifts_at",
    "staff",
    "staff_of",
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
    return staff_of(catalogue, settings_for(catalogue, queue).department)


def staff_of(catalogue: Catalogue, department: str) -> list[Person]:
    """Everybody of *department*, or everybody at all when it has nobody."""
    return [p for p in catalogue.people if p.department == department] or list(catalogue.people)


def ladder(catalogue: Catalogue, queue: str, now_ms: int) -> list[Rung]:
    """Those on duty who can be accountable for *queue*, in the order in which they are told; see `ladder_of`."""
    return ladder_of(catalogue, settings_for(catalogue, queue).department, now_ms)


def ladder_of(catalogue: Catalogue, department: str, now_ms: int) -> list[Rung]:
    """Those on duty who can be accountable: the shift lead, then by tier; then managers of other departments.

    Within a tier the order of the settings decides. Everybody stands on it once.
    """
    rungs = [rung for rung in _on_duty_for(catalogue, department, now_ms) if rung.person.tier > 0 and rung.tier > 0]
    rungs.sort(key=lambda rung: (not rung.lead, rung.tier))
    there = {rung.person.id for rung in rungs}
    others = [p for p in catalogue.people if p.tier >= MANAGER and p.id not in there and on_duty(catalogue, p, now_ms)]
    return _once([*rungs, *(Rung(person, person.tier, person.id) for person in others)])


def _on_duty_for(catalogue: Catalogue, department: str, now_ms: int) -> list[Rung]:
    """All who are on duty for *department*, liaisons included, with the tier that they stand in."""
    has_shifts = department in rota_of(catalogue).shifts
    of_all = not has_shifts and not any(p.department == department for p in catalogue.people)
    turn = shift_at(catalogue, department, now_ms) if has_shifts else None
    lead = turn.lead.id if turn and turn.lead else None
    return [
        Rung(person, stint.tier, stint.named, stint.lead and person.id == lead)
        for person in catalogue.people
        for stint in stints(catalogue, person, now_ms)
        if of_all or stint.department == department
    ]


def _once(rungs: Iterable[Rung]) -> list[Rung]:
    seen: dict[str, Rung] = {}
    for rung in rungs:
        seen.setdefault(rung.person.id, rung)
    return list(seen.values())


def accountable(catalogue: Catalogue, queue: str, now_ms: int) -> Choice:
    """Who a new order of *queue* goes to; see `accountable_of`."""
    return accountable_of(catalogue, settings_for(catalogue, queue).department, now_ms)


def accountable_of(catalogue: Catalogue, department: str, now_ms: int) -> Choice:
    """The one accountable. Tiers with nobody on duty are skipped; with nobody at all on duty the highest has it."""
    rungs = ladder_of(catalogue, department, now_ms)
    if rungs:
        first = rungs[0]
        if first.tier != SHIFT_LEAD:
            return Choice(first.person, "tier_skipped_nobody_on_duty")
        return Choice(first.person, "shift_lead" if first.named == first.person.id else "stands_in_for_the_shift_lead")
    own = [p for p in staff_of(catalogue, department) if p.tier > 0]
    if own:
        return Choice(max(own, key=lambda p: p.tier), "nobody_on_duty_highest_tier")
    managers = [p for p in catalogue.people if p.tier >= MANAGER]
    if managers:
        return Choice(managers[0], "nobody_on_duty_any_manager")
    if catalogue.people:
        return Choice(max(staff_of(catalogue, department), key=lambda p: p.tier), "only_liaisons_exist")
    return Choice(None, "no_people_in_settings")


def liaison(catalogue: Catalogue, queue: str, now_ms: int) -> Person | None:
    """The liaison of the queue's department who is on duty, or who stands in for one; None when nobody does."""
    return liaison_of(catalogue, department_of(catalogue, queue), now_ms)


def liaison_of(catalogue: Catalogue, department: Department, now_ms: int) -> Person | None:
    """The liaison of *department* on duty: the first of those it names, else anybody on duty in tier 0."""
    rungs = _on_duty_for(catalogue, department.name, now_ms)
    if not department.liaisons:
        return next((rung.person for rung in rungs if rung.tier == 0), None)
    on_it = {rung.named: rung.person for rung in rungs}
    for one in department.liaisons:  # a liaison need not be of the department
        person = on_it.get(one) or rota_of(catalogue).people.get(one)
        if person is not None and (one in on_it or on_duty(catalogue, person, now_ms)):
            return person
    return None


def raci(catalogue: Catalogue, queue: str, now_ms: int) -> Raci:
    """Who is accountable, responsible, consulted and informed for an order of *queue* at *now_ms*; see `raci_of`."""
    return raci_of(catalogue, department_of(catalogue, queue), now_ms)


def raci_of(catalogue: Catalogue, department: Department, now_ms: int) -> Raci:
    """The roles in an order of *department*.

    Whole tiers are consulted while they are on duty, and informed on duty or not; whoever is named is always.
    """
    choice, beside = accountable_of(catalogue, department.name, now_ms), liaison_of(catalogue, department, now_ms)
    taken = {choice.person.id} if choice.person else set()
    responsible = beside if beside is not None and beside.id not in taken else None
    taken |= {responsible.id} if responsible else set()
    roles, own = department.roles, staff_of(catalogue, department.name)
    on_it = [r.person for r in _on_duty_for(catalogue, department.name, now_ms) if r.tier in roles.consulted_tiers]
    asked = _left(_named(catalogue, roles.consulted, now_ms) + on_it, taken)
    told = _named(catalogue, roles.informed, now_ms) + [p for p in own if p.tier in roles.informed_tiers]
    if MANAGER in roles.informed_tiers and not any(p.tier >= MANAGER for p in own):
        told += [p for p in catalogue.people if p.tier >= MANAGER]  # as on the ladder: those of other departments
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
