"""A work order in memory: what everybody sees (``models.outputs.Order``) and what only the loop needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from models.outputs import OrderState

#: The cause of an order that closed without anybody resolving it, and of one that nothing is left to judge.
RECOVERED_CAUSE: Final = "recovered by itself"
WITHDRAWN_CAUSE: Final = "its rules were withdrawn"
BY_ITSELF: Final = (RECOVERED_CAUSE, WITHDRAWN_CAUSE)


@dataclass(slots=True)
class Check:
    """A verification; the fields of ``models.outputs.Verification``."""

    since_ms: int
    needed: int
    seen: int
    state: str
    sentence: str


@dataclass(slots=True)
class Offer:
    """A limit to resolve that a side has proposed; the fields of ``models.outputs.Offer``."""

    side: str
    by: str
    until_ms: int
    at_ms: int


@dataclass(slots=True)
class Negotiation:
    """How the limit to resolve came about; the fields of ``models.outputs.Negotiation``."""

    default_ms: int | None
    offers: list[Offer] = field(default_factory=list)
    agreed_ms: int | None = None
    agreed_by: str = ""
    agreed_at_ms: int | None = None


@dataclass(slots=True)
class Consultation:
    """Who takes part beside the owner; the fields of ``models.outputs.Consultation``."""

    people: list[str] = field(default_factory=list)
    departments: list[str] = field(default_factory=list)
    supervisor: str | None = None


@dataclass(slots=True)
class Finding:
    """What was reported of the queue; the fields of ``models.outputs.Finding``."""

    id: str
    kind: str
    text: str
    severity: int
    by: str
    at_ms: int
    verify: str
    metric: str
    window: str
    limit: float | None
    below: bool
    person: str
    key: str
    state: str = "open"
    evidence: str = ""


@dataclass(slots=True)
class Outage:
    """No call connects: the fields of ``models.outputs.Outage``."""

    since_ms: int
    ended_ms: int | None = None
    marks: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Storm:
    """The queues that broke together; the fields of ``models.outputs.Storm``."""

    since_ms: int
    queues: list[str] = field(default_factory=list)
    count: int = 0
    open: int = 0
    over: bool = False


@dataclass(slots=True)
class Brief:
    """What was known of the queue's trouble at a moment; the fields of ``models.outputs.Briefing``."""

    at_ms: int
    english: list[str]
    chinese: list[str]
    data: dict[str, float | str | None]
    left_out: dict[str, str]


@dataclass(slots=True)
class Like:
    """A similar closed order that was offered; the fields of ``models.outputs.Like``."""

    order: str
    queue: str
    score: float
    cause: str
    measure: str
    effect: str
    minutes: int
    helped: str = ""


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
    heard_ms: int = 0  #: when a person last did something with it, it moved, or somebody was paged
    undecided_at_ms: int = 0
    paused_ms: int | None = None
    cancel_by: str = ""
    cancel_reason: str = ""
    handover_to: str = ""
    sheet: dict[str, Any] | None = None  #: its part of the last sheet of a shift, as told (`alerts.handover`)
    still_since_ms: int | None = None  #: since when its limits are to be moved for a planned event
    verdict: str = ""
    resolved_by: str = ""
    calls_passed: str = ""  #: what the calls since the resolve have proven, while findings are still open
    broke_ms: int = 0  #: when its queue broke, or broke again: what breaks together may be a storm
    page_to: str = ""  #: whose page is withheld
    page_said: list[str] = field(default_factory=list)  #: its words, English and Chinese
    page_from_ms: int = 0  #: since when it is withheld
    storm_told_ms: int = 0  #: of a storm: when its numbers were logged last
    first_figures: dict[str, float] = field(default_factory=dict)  #: those of the symptoms when it opened


@dataclass(slots=True)
class WorkOrder:
    """One order. Fields down to *planned* are the payload; see ``models.outputs.Order``."""

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
    negotiation: Negotiation | None = None
    consultation: Consultation | None = None
    findings: list[Finding] = field(default_factory=list)
    like: list[Like] = field(default_factory=list)
    problem: str | None = None
    planned: str | None = None
    storm: Storm | None = None
    parent: str | None = None
    withheld: bool = False
    outage: Outage | None = None
    briefing: Brief | None = None
    private: Private = field(default_factory=Private)


_PUBLIC: Final = tuple(f.name for f in fields(WorkOrder) if f.name != "private")
_TEXTS: Final = ("symptoms", "active")
_PARTS: Final = ("verification", "negotiation", "consultation", "outage", "briefing")
_LISTS: Final = ("findings", "like")


def public(order: WorkOrder) -> dict[str, Any]:
    """*order* as its payload without ``pos``; lists and parts are copies."""
    shown: dict[str, Any] = {name: getattr(order, name) for name in _PUBLIC}
    shown["storm"] = asdict(order.storm) if order.storm else None
    for name in _TEXTS:
        shown[name] = list(shown[name])
    for name in _PARTS:
        shown[name] = asdict(shown[name]) if shown[name] else None
    for name in _LISTS:
        shown[name] = [asdict(part) for part in shown[name]]
    return shown


def packed(order: WorkOrder) -> dict[str, Any]:
    """*order* as JSON-able state for a snapshot."""
    return public(order) | {"private": asdict(order.private)}


def unpacked(state: dict[str, Any]) -> WorkOrder:
    """The order that `packed` wrote."""
    kept: dict[str, Any] = dict(state)
    storm = kept.get("storm")
    kept["storm"] = Storm(**storm | {"queues": list(storm["queues"])}) if storm else None
    kept |= {name: list(kept[name]) for name in _TEXTS}
    talks = kept.pop("negotiation")
    if talks is not None:
        talks = Negotiation(**talks | {"offers": [Offer(**offer) for offer in talks["offers"]]})
    check, consulted, outage = kept.pop("verification"), kept.pop("consultation"), kept.pop("outage", None)
    brief = kept.pop("briefing", None)
    return WorkOrder(
        **{name: value for name, value in kept.items() if name not in (*_LISTS, "private")},
        verification=Check(**check) if check else None,
        negotiation=talks,
        consultation=_consultation(consulted) if consulted else None,
        outage=Outage(**outage | {"marks": list(outage["marks"])}) if outage else None,
        briefing=Brief(**brief) if brief else None,
        findings=[Finding(**finding) for finding in kept["findings"]],
        like=[Like(**like) for like in kept["like"]],
        private=Private(**kept["private"]),
    )


def _consultation(state: dict[str, Any]) -> Consultation:
    return Consultation(list(state["people"]), list(state["departments"]), state["supervisor"])
