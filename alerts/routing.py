"""Who answers for an order: exactly one accountable named person, and the way up when that person does not act.

Tiers: 0 liaison, 1 group leader (the shift lead), 2 team leader, 3 supervisor, 4 manager. The accountable is never a
liaison; the liaison of the department is responsible beside. Within a tier the order of the settings decides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from models.catalogue import Catalogue, Person
from models.hours import on_duty, settings_for

MANAGER = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody to tell, and the named reason why it is this one. *person* is None only without any people at all."""

    person: Person | None
    reason: str


def person_of(catalogue: Catalogue, person_id: str | None) -> Person | None:
    """The person with that id, None when the catalogue has none."""
    return next((p for p in catalogue.people if p.id == person_id), None)


def staff(catalogue: Catalogue, queue: str) -> list[Person]:
    """Everybody of the queue's department; everybody at all for a queue without one, or with an empty one."""
    department = settings_for(catalogue, queue).department
    return [p for p in catalogue.people if p.department == department] or list(catalogue.people)


def liaison(catalogue: Catalogue, queue: str, now_ms: int) -> str | None:
    """The id of the department's first liaison on duty, None without one."""
    return next((p.id for p in staff(catalogue, queue) if p.tier == 0 and on_duty(p, now_ms)), None)


def ladder(catalogue: Catalogue, queue: str, now_ms: int) -> list[Person]:
    """Those on duty who can be accountable, lowest tier first: the department's, then managers of any other."""
    own = [p for p in staff(catalogue, queue) if p.tier > 0]
    others = [p for p in catalogue.people if p.tier >= MANAGER and p not in own]
    return [p for p in sorted(own, key=lambda p: p.tier) + others if on_duty(p, now_ms)]


def first_owner(catalogue: Catalogue, queue: str, now_ms: int) -> Choice:
    """Who a new order goes to. Tiers with nobody on duty are skipped; with nobody at all on duty the highest has it."""
    rungs = ladder(catalogue, queue, now_ms)
    if rungs:
        return Choice(rungs[0], "shift_lead" if rungs[0].tier == 1 else "tier_skipped_nobody_on_duty")
    own = [p for p in staff(catalogue, queue) if p.tier > 0]
    if own:
        return Choice(max(own, key=lambda p: p.tier), "nobody_on_duty_highest_tier")
    managers = [p for p in catalogue.people if p.tier >= MANAGER]
    if managers:
        return Choice(managers[0], "nobody_on_duty_any_manager")
    if catalogue.people:
        anybody = max(staff(catalogue, queue), key=lambda p: p.tier)
        return Choice(anybody, "only_liaisons_exist")
    return Choice(None, "no_people_in_settings")


def next_owner(catalogue: Catalogue, queue: str, owner: str | None, tried: Collection[str], now_ms: int) -> Choice:
    """Who is told when *owner* did not act: the next on duty in the tier, then up; None at the top of the ladder."""
    now = person_of(catalogue, owner)
    tier = now.tier if now else 0
    for person in ladder(catalogue, queue, now_ms):
        if person.id != owner and person.id not in tried and person.tier >= tier:
            return Choice(person, "next_on_duty_in_tier" if person.tier == tier else "next_tier")
    return Choice(None, "top_of_the_ladder")
