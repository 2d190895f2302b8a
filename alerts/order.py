"""A work order in memory: what everybody sees (``models.outputs.Order``) and what only the loop needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from models.outputs import OrderState


@dataclass(slots=True)
class Check:
    """A verification; the fields of ``models.outputs.Verification``."""

    since_ms: int
    needed: int
    seen: int
    state: str
    sentence: str


@dataclass(slots=True)
class Private:
    """What the loop remembers of an order beside its payload; it survives restarts in the snapshot."""

    came_from: list[OrderState] = field(default_factory=list)  #: where BACK leads, last first
    hold_since_ms: int | None = None
    by_itself: bool = False  #: the running verification follows a recovery without a resolve
    unproven: list[str] = field(default_factory=list)  #: symptoms that ended for lack of calls or by closing
    tried: list[str] = field(default_factory=list)  #: who has been told since the last climb began
    paged: dict[str, int] = field(default_factory=dict)  #: person to the time of the last page
    warned: list[str] = field(default_factory=list)  #: warnings given: "respond 50", ...
    respond_from_ms: int = 0
    resolve_from_ms: int = 0
    resolve_late: bool = False  #: the limit to resolve has been broken and told
    climb_ms: int | None = None  #: when a broken limit to resolve escalates again
    undecided_at_ms: int = 0
    paused_ms: int | None = None
    proposed_by: str = ""
    proposed_ms: int | None = None
    cancel_by: str = ""
    cancel_reason: str = ""
    handover_to: str = ""
    verdict: str = ""


@dataclass(slots=True)
class WorkOrder:
    """One order. Fields down to *version* are the payload; see ``models.outputs.Order``."""

    id: str
    queue: str
    state: OrderState
    severity: int
    opened_ms: int
    owner: str | None = None
    owner_name: str = ""
    liaison: str | None = None
    escalation: int = 0
    symptoms: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    respond_by_ms: int | None = None
    resolve_by_ms: int | None = None
    agreed_ms: int | None = None
    reopened: int = 0
    verification: Check | None = None
    cause: str | None = None
    measure: str | None = None
    hold_until_ms: int | None = None
    closed_ms: int | None = None
    updated_ms: int = 0
    sentence: str = ""
    version: int = 0
    private: Private = field(default_factory=Private)


_PUBLIC: Final = tuple(f.name for f in fields(WorkOrder) if f.name != "private")


def public(order: WorkOrder) -> dict[str, Any]:
    """*order* as its payload without ``pos``; lists and the verification are copies."""
    shown: dict[str, Any] = {name: getattr(order, name) for name in _PUBLIC}
    shown["symptoms"], shown["active"] = list(order.symptoms), list(order.active)
    shown["verification"] = asdict(order.verification) if order.verification else None
    return shown


def packed(order: WorkOrder) -> dict[str, Any]:
    """*order* as JSON-able state for a snapshot."""
    return public(order) | {"private": asdict(order.private)}


def unpacked(state: dict[str, Any]) -> WorkOrder:
    """The order that `packed` wrote."""
    kept: dict[str, Any] = dict(state)
    check = kept.pop("verification")
    private = Private(**kept.pop("private"))
    kept |= {name: list(kept[name]) for name in ("symptoms", "active")}
    return WorkOrder(**kept, verification=Check(**check) if check else None, private=private)
