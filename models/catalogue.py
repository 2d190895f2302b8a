"""The catalogue: sites, queues, rules, departments and people, as the settings file names them.

Plain frozen records without behaviour that needs a clock; ``models.hours`` answers questions of time about them.
``callwatch.settings`` reads them from TOML and refuses what is wrong with the line and the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Final, Literal

#: Peaks of a queue are half-hours of the local week.
HALF_HOUR_MIN: Final = 30
HALF_HOURS: Final = 336


class Formula(IntEnum):
    """The service-level formulas of DESIGN section 4. Values are used inside kernels."""

    NEGATIVE = 0
    SHORT_EXCLUDED = 1
    IGNORED = 2
    ANSWERED_ONLY = 3
    POSITIVE = 4


class FlowOut(IntEnum):
    """What a flow-out means for the service level: never answered, answered late, or nothing."""

    AGAINST = 0
    LATE_ONLY = 1
    IGNORE = 2


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Open on *days* (0 = Monday) from *opens_min* to *closes_min*, local minutes after midnight.

    ``closes_min`` may pass 1440: 20:00 to 02:00 is ``(1200, 1560)``.
    """

    days: frozenset[int]
    opens_min: int
    closes_min: int


@dataclass(frozen=True, slots=True)
class Site:
    """A place with one clock: its zone (IANA name), interval length and opening hours (empty = always open).

    Sites of one *region* add up to its unit ``region/*`` (`models.unit`).
    """

    name: str
    zone: str = "UTC"
    interval_min: int = 30
    hours: tuple[OpeningHours, ...] = ()
    region: str = ""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How the figures of the queues matching *pattern* (shell wildcards over ``site/skill``) are formed."""

    pattern: str = "*"
    formula: Formula = Formula.SHORT_EXCLUDED
    threshold_ms: int = 20_000
    short_ms: int = 5_000
    flow_out: FlowOut = FlowOut.LATE_ONLY
    department: str = ""
    hours: tuple[OpeningHours, ...] | None = None  #: None = the site's
    immediate_ms: int = 5_000  #: the ring of a free agent: a longer wait was one in the queue
    peak: frozenset[int] = frozenset()  #: half-hours of the local week that are peaks, 0 to 335 from Monday


@dataclass(frozen=True, slots=True)
class Rule:
    """One watched figure. *target* colours the tile; *limit* opens an episode. Ids are permanent.

    The breach must hold for *hold_ms* with at least *min_sample* calls behind the figure; the episode ends when the
    figure is back past *limit* by *recovery* (same unit as the figure) for *recover_hold_ms*. It judges the queues, or
    with *of* ``units`` the units, whose name matches *pattern*. *usual* says what a breach means that is usual there.
    """

    id: str
    metric: str  #: id in the metric dictionary
    window: str  #: "1m", "5m", "15m", "30m", "day" or "now"
    limit: float
    target: float
    below: bool  #: True when a value below the limit is the breach
    pattern: str = "*"
    severity: int = 3
    min_sample: int = 0
    hold_ms: int = 60_000
    recovery: float = 0.0
    recover_hold_ms: int = 60_000
    of: Literal["queues", "units"] = "queues"
    per: Literal["", "agent"] = ""  #: "agent": limit, target and recovery are of one agent signed in
    #: ``quiet``: a breach that is usual for the queue in this half-hour opens nothing (`alerts.rules`)
    usual: Literal["tell", "quiet"] = "tell"


@dataclass(frozen=True, slots=True)
class Duty:
    """A recurring shift: on *days* (0 = Monday) from *starts_min* to *ends_min* local minutes (may pass 1440)."""

    days: frozenset[int]
    starts_min: int
    ends_min: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody an order can go to.

    *tier*: 0 liaison, 1 group leader (shift lead), 2 team leader, 3 supervisor, 4 manager.
    """

    id: str
    name: str
    department: str
    tier: int = 0
    zone: str = "UTC"
    duty: tuple[Duty, ...] = ()  #: empty = always on duty, unless a shift names this person


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is consulted on an order of a department and who is informed of it: people by id, and whole tiers.

    The other two letters of RACI are not chosen: the shift lead is accountable, the liaison responsible beside.
    """

    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()
    consulted_tiers: frozenset[int] = frozenset({2})
    informed_tiers: frozenset[int] = frozenset({3, 4})


@dataclass(frozen=True, slots=True)
class Department:
    """Who answers for which queues.

    Somebody must be accountable in the *covered* hours, read on the clock of *zone*; None means the opening hours of
    the department's queues. Nobody must be on the days of the calendar *closed_on*. *liaisons* empty: its people of
    tier 0.
    """

    name: str
    title: str = ""
    strict: bool = False  #: each step of its orders may be done by its role only
    supervises: bool = False  #: its people supervise orders of others, which they do not handle
    liaisons: tuple[str, ...] = ()
    zone: str = "UTC"
    covered: tuple[OpeningHours, ...] | None = None
    closed_on: str = ""
    roles: Roles = field(default_factory=Roles)


class OnHoliday(IntEnum):
    """What a shift does on the days of its calendar: it falls out, or it is for those days alone."""

    OFF = 0
    ONLY = 1


@dataclass(frozen=True, slots=True)
class Holidays:
    """A calendar of holidays: local dates. What holds on them is said where the calendar is named."""

    name: str
    dates: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Shift:
    """A named shift of a department, with those who are on it. It belongs to the local day on which it begins.

    A *seat* is a tuple of people who take it in turns, *turn_weeks* weeks each, the first of them in the week of
    *turns_from* (else of *first_day*). Who has the seat *lead* is accountable; without it the shift only helps.
    *people* are the other seats. The shift is held from *first_day* to *last_day*, both included, None without end.
    """

    name: str
    department: str
    zone: str = "UTC"
    hours: tuple[Duty, ...] = ()
    lead: tuple[str, ...] = ()
    people: tuple[tuple[str, ...], ...] = ()
    turn_weeks: int = 1
    turns_from: date | None = None
    first_day: date | None = None
    last_day: date | None = None
    holidays: str = ""  #: name of a calendar
    on_holidays: OnHoliday = OnHoliday.OFF


@dataclass(frozen=True, slots=True)
class Substitution:
    """*person* is replaced by *by* in all that begins from *first_day* to *last_day*, both included, local days.

    With *shift* only in the shifts of that name; else in duties without a shift too.
    """

    person: str
    by: str
    first_day: date
    last_day: date
    shift: str = ""


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """Limits of the work-order loop (DESIGN section 7), by severity 1 to 3."""

    respond_ms: tuple[int, int, int] = (5 * 60_000, 10 * 60_000, 30 * 60_000)
    resolve_ms: tuple[int, int, int] = (30 * 60_000, 60 * 60_000, 8 * 3_600_000)
    verify_calls: int = 10
    undecided_ms: int = 2 * 3_600_000
    reopen_ms: int = 30 * 60_000
    page_gap_ms: int = 15 * 60_000
    hold_max_ms: int = 8 * 3_600_000
    accept_max_ms: int = 8 * 3_600_000
    #: Acknowledged and nothing heard of it for so long: whoever is accountable is reminded, again and again.
    remind_ms: tuple[int, int, int] = (15 * 60_000, 30 * 60_000, 2 * 3_600_000)
    #: So many queues of a unit, and this share of it, breaking together are a storm (`alerts.storm`); 0: there is none.
    storm_queues: int = 3
    storm_share: float = 0.4


@dataclass(frozen=True, slots=True)
class AlarmBudget:
    """What false alarms may cost: so many a queue and week, and so many orders to type a person and shift."""

    alarms_per_week: float = 1.0
    orders_per_shift: float = 6.0


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that a resolve may name: its id, what people read, and its class (*kind*), to which playbooks belong."""

    id: str
    title: str = ""
    zh: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PlayStep:
    """One step of a playbook. From *tier* on a person may take it on their own authority; others ask."""

    tier: int
    text: str
    zh: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    """What to do about a class of causes (*kind*), step by step. *rules*: symptoms that suggest it (wildcards)."""

    kind: str
    title: str = ""
    zh: str = ""
    rules: tuple[str, ...] = ()
    steps: tuple[PlayStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A source with a declared cadence: silent for longer than *cadence_ms* it is a dead source."""

    name: str
    cadence_ms: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that the judgement needs to know about the world."""

    sites: tuple[Site, ...] = ()
    queues: tuple[QueueSettings, ...] = ()  #: first match wins; a last ``*`` with the defaults is implied
    rules: tuple[Rule, ...] = ()
    departments: tuple[Department, ...] = ()
    people: tuple[Person, ...] = ()
    limits: LoopLimits = field(default_factory=LoopLimits)
    sources: tuple[Source, ...] = ()
    causes: tuple[str, ...] = ("trunk", "routing", "staffing", "surge", "platform", "training", "outside", "other")
    cause_book: tuple[Cause, ...] = ()  #: titles and classes; the eight causes above have theirs in `models.causes`
    playbooks: tuple[Playbook, ...] = ()
    holidays: tuple[Holidays, ...] = ()
    shifts: tuple[Shift, ...] = ()
    substitutions: tuple[Substitution, ...] = ()
    judge: AlarmBudget = field(default_factory=AlarmBudget)
