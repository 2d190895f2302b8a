"""The change of shifts: which one is at hand, who hands over to whom, and where nobody will be.

Functions of a catalogue, a department and an instant (epoch milliseconds UTC) alone. A change is at hand from half an
hour before a shift ends; the lead of the shift that follows has ten minutes of it to accept what is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from models.catalogue import Catalogue, Department, Person
from models.rota import MANAGER, department_of, ladder_of, liaison_of, next_shift, shift_at, staff_of
from models.shifts import ShiftTurn, rota_of

__all__ = ["ACCEPT_WITHIN_MS", "AHEAD_MS", "Gap", "ShiftChange", "change_at", "department_of", "gaps"]

#: How long before its end the sheet of a shift is written.
AHEAD_MS: Final = 30 * 60_000
#: How long the new shift's lead has to accept before a manager is told.
ACCEPT_WITHIN_MS: Final = 10 * 60_000
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class ShiftChange:
    """*outgoing* ends and *incoming* is the next with a lead, None when none begins within two months."""

    outgoing: ShiftTurn
    incoming: ShiftTurn | None

    @property
    def ends_ms(self) -> int:
        """When the outgoing shift ends."""
        return self.outgoing.ends_ms

    @property
    def starts_ms(self) -> int:
        """When the incoming one begins: a night that nobody has may lie between. Without one, when the old ends."""
        return self.incoming.starts_ms if self.incoming else self.ends_ms

    @property
    def accept_by_ms(self) -> int:
        """Until when the incoming lead accepts."""
        return self.starts_ms + ACCEPT_WITHIN_MS

    @property
    def next_lead(self) -> Person | None:
        """The incoming lead."""
        return self.incoming.lead if self.incoming else None

    def head(self) -> dict[str, Any]:
        """What stands at the top of the sheet and of each of its parts, named as in ``models.outputs.SheetPart``."""
        return {
            "department": self.outgoing.department,
            "shift": self.outgoing.name,
            "lead": self.outgoing.lead.id if self.outgoing.lead else None,
            "began_ms": self.outgoing.starts_ms,
            "ends_ms": self.ends_ms,
            "next_shift": self.incoming.name if self.incoming else None,
            "next_lead": self.next_lead.id if self.next_lead else None,
            "starts_ms": self.starts_ms,
            "accept_by_ms": self.accept_by_ms,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """A tier (0: the liaison) in which nobody of the department is on duty, and the named reason."""

    tier: int
    reason: str


def change_at(catalogue: Catalogue, department: str, now_ms: int) -> ShiftChange | None:
    """The change of *department* that is at hand at *now_ms*; None when there is none.

    Asked at every clock: within a minute the rota answers from memory that no shift ends soon. Where the same lead goes
    on, nothing is handed over.
    """
    rota, minute = rota_of(catalogue), now_ms // _MINUTE_MS

    def soon() -> int | None:
        found = shift_at(catalogue, department, minute * _MINUTE_MS)
        at_hand = found is not None and found.ends_ms < (minute + 1) * _MINUTE_MS + AHEAD_MS
        return found.ends_ms if found is not None and at_hand else None

    ends_ms = rota.once((f"shift of {department}", minute, 0, 0), soon)
    if ends_ms is None or not 0 < ends_ms - now_ms <= AHEAD_MS:
        return None
    outgoing = shift_at(catalogue, department, now_ms)
    if outgoing is None or outgoing.lead is None:
        return None
    incoming = shift_at(catalogue, department, outgoing.ends_ms) or next_shift(catalogue, department, outgoing.ends_ms)
    if incoming is not None and incoming.lead is not None and incoming.lead.id == outgoing.lead.id:
        return None
    return ShiftChange(outgoing, incoming)


def gaps(catalogue: Catalogue, department: Department, at_ms: int) -> tuple[Gap, ...]:
    """The tiers of *department*, the liaison's (0) included, in which nobody is on duty at *at_ms*."""
    own = {person.tier for person in staff_of(catalogue, department.name)}
    there = {rung.tier for rung in ladder_of(catalogue, department.name, at_ms)}
    if liaison_of(catalogue, department, at_ms) is not None:
        there.add(0)
    if department.liaisons:
        own.add(0)
    missing = [tier for tier in range(MANAGER + 1) if tier not in there]
    return tuple(Gap(tier, "nobody_on_duty" if tier in own else "nobody_in_the_settings") for tier in missing)
