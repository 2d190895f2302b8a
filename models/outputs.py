"""What Callwatch writes: the payloads of its output topics, as pydantic models (JSON Schemas are made from them).

Every payload of an output topic carries ``pos``, the place of its cause: ``[partition, offset, n]`` is the nth output
of the record at that offset. Readers drop a ``pos`` that they have seen.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.planned import PlannedKind

Pos = Annotated[tuple[int, int, int], Field(description="[partition, offset, n] of the record that caused this")]

OrderState = Literal[
    "detected", "dispatched", "acknowledged", "analysing", "verifying", "closed", "on_hold", "accepted", "cancelled"
]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pos: Pos


class IntervalRow(_Payload):
    """One queue and interval, attributed by arrival. ``revision`` 1 is the first final row; corrections raise it."""

    queue: str
    start_ms: int
    minutes: int
    revision: int
    offered: int
    answered: int
    abandoned: int
    flowed_out: int
    ivr_abandoned: int
    blocked: int
    answered_in_threshold: int
    abandoned_in_threshold: int
    wait_ms_sum: int
    unresolved: int = Field(description="offered calls without an outcome (lost track of)")
    service_level: float | None
    answer_rate: float | None
    abandonment_rate: float | None
    formula: str
    threshold_ms: int


class Anomaly(_Payload):
    """One step of an episode: a rule's figure left its limit, got markedly worse, or came back."""

    id: str
    queue: str
    rule: str
    phase: Literal["start", "update", "end"]
    metric: str
    window: str
    value: float | None
    limit: float
    sample: int | None
    severity: int
    started_ms: int
    at_ms: int
    sentence: str
    zh: str
    planned: str | None = Field(default=None, description="the planned event that kept it from opening an order")


class Verification(BaseModel):
    """How far the verification of a resolve has come."""

    model_config = ConfigDict(extra="forbid")

    since_ms: int
    needed: int
    seen: int
    state: Literal["running", "paused", "undecided", "passed", "failed"]
    sentence: str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Offer(_Part):
    """A limit to resolve that one side has proposed."""

    side: str = Field(description="handling or monitoring; empty where the settings name no people")
    by: str
    until_ms: int
    at_ms: int


class Negotiation(_Part):
    """How the limit to resolve was agreed: what held before, the last offer of each side, what was agreed."""

    default_ms: int | None = Field(description="the limit to resolve before anybody proposed another")
    offers: list[Offer] = Field(description="newest last; it alone can be agreed to, by the other side")
    agreed_ms: int | None
    agreed_by: str
    agreed_at_ms: int | None


class Consultation(_Part):
    """Who takes part in the order beside its owner, and who supervises it without handling it."""

    people: list[str]
    departments: list[str]
    supervisor: str | None = Field(description="person id; there is one as soon as several departments take part")


class Finding(_Part):
    """What somebody, or another system, reported about the queue, with the one way to prove that it is over."""

    id: str
    kind: Literal["on_site", "complaint", "test_call", "external"]
    text: str
    severity: int
    by: str
    at_ms: int
    verify: Literal["figure", "probe", "signed", "sender"]
    metric: str
    window: str
    limit: float | None
    below: bool
    person: str = Field(description="who signs the check")
    key: str = Field(description="the sender's own name of it")
    state: Literal["open", "passed", "failed"]
    evidence: str


class Like(_Part):
    """A closed order that was offered as similar when this one opened, and whether it helped."""

    order: str
    queue: str
    score: float = Field(description="0 to 1, see docs/LOOP.md")
    cause: str
    measure: str
    effect: str
    minutes: int = Field(description="from its opening to its closing")
    helped: Literal["", "yes", "no"]


class Outage(_Part):
    """The clock of an outage: no call of the queue connects."""

    since_ms: int = Field(description="the last call was answered, or the queue opened")
    ended_ms: int | None = Field(description="a call was answered again, or the order was over; null: it runs on")
    marks: list[int] = Field(description="hours that it has passed, of 24 and 72")


class Storm(_Part):
    """Of the order of a unit: the queues that broke together. Their orders, its children, name it as their *parent*."""

    since_ms: int = Field(description="when it was seen, or seen again")
    queues: list[str] = Field(description="of those that it holds or held the first 50, by name")
    count: int = Field(description="how many it holds or held")
    open: int = Field(description="how many of their orders it holds and are open")
    over: bool = Field(description="every order of them is closed, or went its own way")


class Briefing(_Part):
    """What was known of the queue's trouble when the order opened, got worse, or later (docs/STAFFING.md)."""

    at_ms: int
    english: list[str] = Field(description="sentences: who waits, why, what moved with it, agents needed")
    chinese: list[str]
    data: dict[str, float | str | None] = Field(description="the numbers behind them")
    left_out: dict[str, str] = Field(description="what could not be said, and why")


class Order(_Payload):
    """A work order as it stands (topic ``workorders``, compacted by id)."""

    id: str
    queue: str
    state: OrderState
    severity: int
    owner: str | None
    owner_name: str
    liaison: str | None
    escalation: int
    symptoms: list[str] = Field(description="rule ids that are or were in breach")
    active: list[str] = Field(description="rule ids in breach now")
    opened_ms: int
    respond_by_ms: int | None
    resolve_by_ms: int | None
    agreed_ms: int | None = Field(
        description="limit to resolve that both sides agreed on, null when the default stands"
    )
    reopened: int
    verification: Verification | None
    cause: str | None
    measure: str | None
    hold_until_ms: int | None
    closed_ms: int | None
    updated_ms: int
    sentence: str
    version: int
    negotiation: Negotiation | None = None
    consultation: Consultation | None = None
    findings: list[Finding] = Field(default_factory=list)
    like: list[Like] = Field(default_factory=list, description="at most three, the most similar first")
    problem: str | None = Field(default=None, description="the problem record that this order belongs to")
    planned: str | None = Field(
        default=None, description="the planned event for which it stands still: its limits are moved at the event's end"
    )
    storm: Storm | None = Field(default=None, description="of a unit: the queues that broke together")
    parent: str | None = Field(
        default=None, description="the order of the storm that holds or held it; while it holds it, its limits stand"
    )
    withheld: bool = Field(default=False, description="its page waits for others to break: it may be part of a storm")
    outage: Outage | None = None
    briefing: Briefing | None = Field(default=None, description="the last one")


class LogEntry(_Payload):
    """One decision about an order: who, what, why, when, and the live figure (topic ``workorder-log``)."""

    order: str
    queue: str
    at_ms: int
    actor: str = Field(description="person id, or 'system'")
    event: str = Field(description="command or system event")
    decision: str = Field(
        description="named reason: raised, joined, suppressed, notified, escalated, refused, moved, ..."
    )
    before: OrderState | None
    after: OrderState
    why: str
    live: dict[str, float | None]
    data: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    version: int
    order_after: dict[str, object] = Field(description="the order's fields that this decision changed")


class TrendNote(_Part):
    """A contact note about a trend: to the liaison, for information; it is no order and nobody must answer it."""

    id: str
    rule: str
    metric: str
    window: str
    value: float | None
    limit: float
    state: Literal["open", "over"]
    since_ms: int
    ended_ms: int | None


class Problem(_Part):
    """A problem record: orders of one queue that keep coming back in the same half-hour of the day."""

    id: str
    queue: str
    half_hour: str = Field(description="local, such as 09:30")
    zone: str
    orders: list[str] = Field(description="the orders that opened it")
    since_ms: int
    state: Literal["open", "closed"] = "open"
    owner: str | None = Field(default=None, description="person id: accountable; null where the settings name nobody")
    joined: int = Field(default=0, description="orders that came after those that opened it")
    closed_ms: int | None = None
    closed_by: str | None = Field(default=None, description="person id")
    cause: str = Field(default="", description="the root cause, one line")
    measure: str = Field(default="", description="what was done about it, one line")


class TierGap(_Part):
    """A tier in which nobody of the department is on duty when the new shift begins; 0 is the liaison."""

    tier: int
    reason: Literal["nobody_on_duty", "nobody_in_the_settings"]


class SheetPart(_Part):
    """One order on the sheet of a shift handover. Parts of one department and ``starts_ms`` are one sheet."""

    id: str = Field(description="department@starts_ms@queue: a later part of the same id replaces it")
    department: str
    shift: str = Field(description="that ends")
    lead: str | None = Field(description="person id: hands over")
    began_ms: int
    ends_ms: int
    next_shift: str | None
    next_lead: str | None = Field(description="person id: accepts")
    starts_ms: int = Field(description="when the next shift begins; without one, when this one ends")
    accept_by_ms: int = Field(description="then a manager is told")
    owner: str | None
    state: Literal["offered", "stays", "accepted", "late"] = Field(
        description="offered to the next lead; stays with its owner; accepted by name; not accepted in time"
    )
    accepted_by: str | None
    gaps: list[TierGap]


class UnusualFigure(_Part):
    """A figure that departs from the median of *days* earlier days."""

    metric: str
    window: str
    value: float
    usual: float
    days: int


class ChangeNote(_Part):
    """What was unusual in a queue at a change of shifts, against the same change of earlier days."""

    id: str
    department: str
    shift: str
    starts_ms: int
    at_ms: int
    departures: list[UnusualFigure]


class FloorNote(_Part):
    """One line of the floor log."""

    id: str
    at_ms: int = Field(description="stream time")
    by: str = Field(description="person id")
    text: str
    department: str
    shift: str | None


class PlannedEvent(_Part):
    """A planned event as one partition has it; those of one ``event`` are the same."""

    id: str = Field(description="event@queue: a later one of the same id replaces it")
    event: str
    kind: PlannedKind
    covers: str = Field(description="a queue, site/*, region/* or *")
    source: str = Field(description="the source that it is about: a label")
    text: str
    by: str = Field(description="person id: entered it")
    from_ms: int
    until_ms: int = Field(description="first instant at which it does not hold any more")
    state: Literal["entered", "shortened", "cancelled"]
    changed_by: str | None = Field(description="person id: shortened or cancelled it")
    reason: str


class Emergency(_Part):
    """The emergency state as one partition has it; those of one ``event`` are the same."""

    id: str = Field(description="event@queue: a later one of the same id replaces it")
    event: str
    covers: str
    reason: str
    by: str = Field(description="person id: declared it")
    since_ms: int
    ended_ms: int | None
    ended_by: str | None
    ended_reason: str
    marks: list[int] = Field(default_factory=list, description="hours that it has passed, of 24 and 72")


class Suppressed(_Part):
    """An episode that a planned event kept from opening an order and from being paged."""

    id: str = Field(description="of the episode")
    event: str
    rule: str
    metric: str
    window: str
    value: float | None
    limit: float
    since_ms: int
    ended_ms: int | None
    state: Literal["running", "over", "judged_again"] = Field(
        description="over: it began and ended within the event; judged_again: nothing keeps it quiet any more"
    )
    because: Literal["planned_event", "planned_event_over", "emergency_declared"]


class Alert(_Payload):
    """What a wallboard or a person should see (topic ``alerts``)."""

    kind: Literal[
        "raised", "changed", "cleared", "refused", "page", "asked", "problem", "handover",
        "floor", "planned", "suppressed", "emergency",
    ]  # fmt: skip
    queue: str
    order: str | None
    at_ms: int
    severity: int
    owner: str | None
    title: str
    text: str
    zh: str
    note: TrendNote | None = Field(default=None, description="of a trend note: no order belongs to it")
    problem: Problem | None = Field(default=None, description="of kind problem")
    sheet: SheetPart | None = Field(default=None, description="of kind handover")
    watch: ChangeNote | None = Field(default=None, description="of kind handover: of figures, not of an order")
    floor: FloorNote | None = Field(default=None, description="of kind floor")
    planned: PlannedEvent | None = Field(default=None, description="of kind planned")
    emergency: Emergency | None = Field(default=None, description="of kind emergency")
    suppressed: Suppressed | None = Field(default=None, description="of kind suppressed")


class PlanNow(_Part):
    """An interval of the plan, and the calls that came in it; null is not planned."""

    start_ms: int
    minutes: int
    forecast: float | None = Field(description="calls")
    handle_ms: float | None
    required: float | None = Field(description="agents that the planner asked for")
    scheduled: float | None = Field(description="agents on the roster")
    offered: int


class PlanLast(PlanNow):
    """The last interval that is over beside its plan; differences are shares of what was planned."""

    handle_actual_ms: float | None
    agents: float | None = Field(description="who took calls, on average; null where agents are unknown")
    offered_off: float | None
    handle_off: float | None
    agents_off: float | None
    deviations: float | None = Field(description="standard deviations of a good forecast")


class PlanSoFar(_Part):
    """The intervals of the day that are over."""

    forecast: float
    offered: int


class PlanEnding(_Part):
    """How the day will end: its service level against *target*, with the agents scheduled."""

    target: float
    expected: int = Field(description="calls still to be judged today")
    allowed: int = Field(description="of these may miss; below 0 the target is out of reach")
    heading: float | None = Field(
        description="service level of the day as forecast; null where the plan lacks something"
    )
    best: float | None = Field(description="if all that are expected are met")
    needed: float | None = Field(description="the share of them that must be met")
    offered_low: int = Field(description="calls still to come, 90 % bounds")
    offered_high: int
    english: str
    chinese: str


class PlanPart(_Part):
    """The plan of the day beside what came."""

    version: str
    name: str
    day: str
    since_ms: int = Field(description="in force since")
    now: PlanNow | None
    last: PlanLast | None
    so_far: PlanSoFar
    reforecast_since_ms: int | None = Field(description="since when it is time to forecast the rest of the day anew")
    ending: PlanEnding


class QueueFigures(BaseModel):
    """A queue's or a unit's figures at one clock (topic ``metrics``): a view, without ``pos``.

    A unit (``site/*``, ``region/*``, ``*``) has *members*. Its calls are judged by the thresholds of their own queues;
    *threshold_ms* is the one that the settings give for the unit's name.
    """

    model_config = ConfigDict(extra="forbid")

    queue: str
    at_ms: int = Field(description="stream time of the clock")
    wall_ms: int = Field(description="wall clock of the worker when it wrote the row: readers judge staleness by it")
    state: Literal["ok", "warn", "breach", "closed", "no_calls", "no_agents", "no_data"]
    agents_known: bool
    formula: str
    threshold_ms: int
    figures: dict[str, float | None] = Field(
        description="'metric@window' to value (docs/METRICS.md); what is undefined is left out, as are figures by line "
        "and channel and of how unusual something is that are 0"
    )
    members: int | None = Field(default=None, description="of a unit: queues that were ever heard of")
    stale: list[str] | None = Field(
        default=None, description="of a unit: queues whose partition or sources are silent, 50 names at most"
    )
    stale_count: int | None = Field(default=None, description="of a unit: how many such queues there are")
    plan: PlanPart | None = Field(default=None, description="of a queue with a plan for this day (docs/PLANS.md)")


class DeadLetterRecord(BaseModel):
    """A record that is not an event (topic ``dead-letters``); ``value`` is the bytes in base64."""

    model_config = ConfigDict(extra="forbid")

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    value: str
