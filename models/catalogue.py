"""The catalogue: sites, queues, rules, departments and people, as the settings file names them.

Plain frozen records without behaviour that needs a clock; ``models.hours`` answers questions of time about them.
``callwatch.settings`` reads them from TOML and refuses what is wrong with the line and the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    with *of* ``units`` the units, whose name matches *pattern*.
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
    duty: tuple[Duty, ...] = ()  #: empty = always on duty


@dataclass(frozen=True, slots=True)
class Department:
    """Who answers for which queues."""

    name: str
    title: str = ""


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
