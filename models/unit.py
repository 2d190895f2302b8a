"""Units: sums over queues. Every site (``site/*``), every region of sites (``region/*``) and everything (``*``).

A unit has no calls of its own. Each partition tells at every *tick*, a step of 5 seconds of stream time, what the
queues that it owns add up to (``unit.sums``), in the partition in which the unit is at home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.catalogue import Catalogue
from models.partition import partition_of

#: Units of an installation. Each costs a home 60 KB and every partition a record every 5 seconds.
UNITS_MAX: Final = 200
#: Names of queues that a partition tells of each unit, for the case that it falls silent: what a screen can show.
NAMES_MAX: Final = 50
#: Members of a unit that are told to be compared: those with most calls.
MEMBERS_MAX: Final = 200
#: The unit of all queues.
EVERYTHING: Final = "*"
#: One step of the units' time: that of the windows' buckets.
TICK_MS: Final = 5_000

#: How far a unit reaches. A flow between two of its own queues is no arrival and no departure of the unit.
ALL, SITE, REGION = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Which units there are: *names* (``*`` first, then the sites', then the regions'), how far each reaches, and the
    partition in which each is *at home*; of a declared site the numbers of its own unit and its region's (-1: none).
    """

    names: tuple[str, ...]
    reach: tuple[int, ...]
    home: tuple[int, ...]
    of_site: dict[str, tuple[int, int]]

    def members(self, queue: str) -> tuple[int, int, int]:
        """Numbers of the units that *queue* counts in: everything, its site's, its region's; -1 where it has none."""
        return (0, *self.of_site.get(queue.rpartition("/")[0], (-1, -1)))


class UnitShare(BaseModel):
    """What the queues of one partition come to in one unit: numbers, none of them a difference."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: list[int] = Field(description="which counters are not 0: window (1m, 5m, 15m, 30m, day) * counters + counter")
    n: list[int] = Field(description="what they are")
    now: list[int] = Field(description="what is true now: see streams.unit_sums")
    queues: list[str] = Field(max_length=NAMES_MAX, description=f"names of its queues here, the first {NAMES_MAX}")
    unlisted: int = Field(description="agents beyond those told by name")


class Trouble(BaseModel):
    """Open orders of the queues of one partition in one unit: those that broke just now, and those held by its storm.

    Names are the first by name; the numbers count all.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    live: int = Field(description="queues with a call in the last 30 minutes, or among the broken")
    n: int = Field(default=0, description="number of the unit's standing that holds in the partition")
    bad: int = Field(default=0, description="queues that broke in the last minutes and belong to no storm")
    worst: int = Field(default=9, description="the gravest severity among them and among those held")
    last_ms: int = Field(default=0, description="when the last of them broke")
    rules: dict[str, int] = Field(
        default_factory=dict, description="symptoms of those that broke, and how many have it"
    )
    names: list[str] = Field(default_factory=list, max_length=NAMES_MAX)
    held: int = Field(default=0, description="queues that the storm holds and whose orders are open")
    joined: int = Field(default=0, description="queues that it holds or held")
    children: list[str] = Field(default_factory=list, max_length=NAMES_MAX)


class Beside(BaseModel):
    """What a partition tells beside sums: its records of the day, and the sources that are not well."""

    model_config = ConfigDict(extra="forbid", strict=True)

    records: int = Field(default=0, description="records of calls and agents in the day so far")
    sources: list[Annotated[tuple[str, Literal["dead", "late", "ahead"], int], Field(strict=False)]] | None = Field(
        default=None, description="sources that are not well, and by how many ms; told by the home of everything alone"
    )


class UnitSums(BaseModel):
    """What a partition tells of the units at home in another: one record, or several *parts*, of each tick.

    A part names what is other than at the tick *after* which it comes; with *whole* the parts name everything.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    source: Literal["callwatch"]
    type: Literal["unit.sums"]
    ts: int = Field(description="the clock that began the tick")
    queue: str = Field(description="one of the units at home there: it routes the record")
    partition: int = Field(description="who tells")
    tick: int = Field(description="stream time / 5 s")
    after: int = Field(description="the tick told before, -1 for none")
    whole: bool
    blind: bool = Field(description="nothing is heard of any declared source")
    strays: tuple[int, int] = Field(strict=False, description="misrouted and dead records of the day so far")
    part: int
    parts: int
    counting: tuple[int, int] = Field(strict=False, description="version of the snapshots and number of the counters")
    units: dict[str, UnitShare | None] = Field(description="null: no queue of that unit is here any more")
    agents: dict[str, list[Annotated[tuple[int, int], Field(strict=False)]]] = Field(
        description="by unit [identity, state] of agents whose state changed; 0 is offline"
    )
    beside: Beside | None = None
    members: dict[str, list[Annotated[tuple[str, int, int, bool], Field(strict=False)]]] | None = Field(
        default=None,
        description="each minute, by unit: its queues (of a region: its sites), abandoned, outcomes, and whether that "
        "is usual there at this time",
    )
    trouble: dict[str, Trouble | None] = Field(
        default_factory=dict, description="by unit what its queues here have of orders; null: no queue is here any more"
    )


def units_of(catalogue: Catalogue, partitions: int) -> Layout:
    """The units that *catalogue* makes, over *partitions*.

    The settings refuse more than `UNITS_MAX` of them, and a region called like a site; here the later ones are left
    out, because settings may come from the log too.
    """
    sites = sorted(site.name for site in catalogue.sites if site.name != EVERYTHING)[: UNITS_MAX - 1]
    regions = sorted({site.region for site in catalogue.sites if site.region} - set(sites))
    regions = regions[: UNITS_MAX - 1 - len(sites)]
    names = (EVERYTHING, *(f"{name}/*" for name in (*sites, *regions)))
    number = {name: n for n, name in enumerate(names)}
    of_site = {
        site.name: (number[f"{site.name}/*"], number.get(f"{site.region}/*", -1) if site.region in regions else -1)
        for site in catalogue.sites
        if site.name in sites
    }
    reach = (ALL, *[SITE] * len(sites), *[REGION] * len(regions))
    return Layout(names, reach, tuple(partition_of(name, partitions) for name in names), of_site)
