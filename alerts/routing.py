"""Who answers for an order: exactly one accountable named person, and the way up when that person does not act.

The rota is asked (`models.rota`): shifts, holidays and substitutes are its. Tiers: 0 liaison, 1 group leader (the shift
lead), 2 team leader, 3 supervisor, 4 manager. The accountable is never a liaison; the liaison of the department is
responsible beside. Within a tier the order of the settings decides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from models import rota
from models.catalogue import Catalogue, Person
from models.rota import MANAGER, Choice

__all__ = ["MANAGER", "Choice", "first_owner", "ladder", "liaison", "next_owner", "person_of", "skipped", "staff"]

staff = rota.staff


@dataclass(frozen=True, slots=True)
class Skipped:
    """A tier of the ladder with nobody to tell, and the named reason."""

    tier: int
    reason: str


def person_of(catalogue: Catalogue, person_id: str | None) -> Person | None:
    """The person with that id, None when the catalogue has none."""
    return next((p for p in catalogue.people if p.id == person_id), None)


def liaison(catalogue: Catalogue, queue: str, now_ms: int) -> str | None:
    """The id of the department's first liaison on duty, None without one."""
    found = rota.liaison(catalogue, queue, now_ms)
    return found.id if found else None


def ladder(catalogue: Catalogue, queue: str, now_ms: int) -> list[Person]:
    """Those on duty who can be accountable, shift lead and lowest tier first, then managers of other departments."""
    return [rung.person for rung in rota.ladder(catalogue, queue, now_ms)]


def first_owner(catalogue: Catalogue, queue: str, now_ms: int) -> Choice:
    """Who a new order goes to. Tiers with nobody on duty are skipped; with nobody at all on duty the highest has it."""
    return rota.accountable(catalogue, queue, now_ms)


def next_owner(catalogue: Catalogue, queue: str, owner: str | None, tried: Collection[str], now_ms: int) -> Choice:
    """Who is told when *owner* did not act: the next on duty in the tier, then up; None at the top of the ladder."""
    rungs, now = rota.ladder(catalogue, queue, now_ms), person_of(catalogue, owner)
    tier = next((rung.tier for rung in rungs if rung.person.id == owner), now.tier if now else 0)
    for rung in rungs:
        if rung.person.id != owner and rung.person.id not in tried and rung.tier >= tier:
            return Choice(rung.person, "next_on_duty_in_tier" if rung.tier == tier else "next_tier")
    return Choice(None, "top_of_the_ladder")


def skipped(catalogue: Catalogue, department: str, now_ms: int) -> list[Skipped]:
    """The tiers, 1 to 4, on which nobody of *department* can be told at *now_ms*, and why."""
    there = {rung.tier for rung in rota.ladder_of(catalogue, department, now_ms)}
    own = {person.tier for person in rota.staff_of(catalogue, department)}
    missing = [tier for tier in range(1, MANAGER + 1) if tier not in there]
    return [Skipped(tier, "nobody_on_duty" if tier in own else "nobody_in_the_settings") for tier in missing]
