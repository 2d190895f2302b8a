"""What is to be simulated: sites, queues and the pools of agents that serve them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SITES: Final = ("north", "south", "east", "west", "central", "harbour", "lakeside", "airport")
SKILLS: Final = ("billing", "support", "orders", "claims", "cards", "loans", "travel", "repairs")
#: An agent of a pool serves all of its queues; two is what small centres train for.
QUEUES_PER_POOL: Final = 2
SLOT_S: Final = 900


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """One queue: name ``site/skill``, arrivals per hour at the peak of the day, mean seconds of each part of a call."""

    name: str
    peak_per_hour: float = 180.0
    talk_s: float = 180.0
    wrap_s: float = 25.0
    patience_s: float = 150.0
    max_wait_s: float = 300.0

    @property
    def site(self) -> str:
        """The site: what stands before the slash."""
        return self.name.partition("/")[0]

    @property
    def handle_s(self) -> float:
        """Mean seconds that a call binds an agent: ringing (2 s), talk and wrap-up."""
        return 2.0 + self.talk_s + self.wrap_s


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """Agents that serve the same queues."""

    number: int
    queues: tuple[QueuePlan, ...]

    @property
    def site(self) -> str:
        """The site of its queues."""
        return self.queues[0].site


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A whole run: *start* is local time at *zone*; everything inside counts seconds from it."""

    seed: int
    start: datetime
    hours: float
    pools: tuple[PoolPlan, ...] = field(default=())
    incidents: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all sites."""
        assert isinstance(self.start.tzinfo, ZoneInfo)
        return self.start.tzinfo

    @property
    def seconds(self) -> float:
        """Length of the run."""
        return self.hours * 3600.0

    @property
    def start_ms(self) -> int:
        """Epoch ms of the first moment."""
        return round(self.start.timestamp() * 1000)

    @property
    def end_ms(self) -> int:
        """Epoch ms of the last moment."""
        return self.start_ms + round(self.seconds * 1000)

    def ms(self, seconds: float) -> int:
        """Epoch ms of a moment of the run."""
        return self.start_ms + round(seconds * 1000)

    def local(self, seconds: float) -> datetime:
        """Wall clock at the sites at a moment of the run (elapsed time, so that a clock change is one)."""
        return (self.start.astimezone(ZoneInfo("UTC")) + timedelta(seconds=seconds)).astimezone(self.zone)


def plan_pools(queues: int) -> tuple[PoolPlan, ...]:
    """*queues* queues over a few sites, in pools of `QUEUES_PER_POOL` of one site. The same number, the same names."""
    sites = min(len(SITES), max(1, (queues + 1) // 2)) if queues < 16 else len(SITES)
    by_site: dict[str, list[QueuePlan]] = {name: [] for name in SITES[:sites]}
    for n in range(queues):
        site, turn = SITES[n % sites], n // sites
        skill = SKILLS[(turn + 2 * (n % sites)) % len(SKILLS)] if turn < len(SKILLS) else f"skill-{turn}"
        talk = 150.0 + 15.0 * ((3 * n) % 5)
        by_site[site].append(QueuePlan(f"{site}/{skill}", peak_per_hour=150.0 + 15.0 * ((7 * n) % 5), talk_s=talk))
    groups = [
        tuple(queues_[i : i + QUEUES_PER_POOL])
        for queues_ in by_site.values()
        for i in range(0, len(queues_), QUEUES_PER_POOL)
    ]
    return tuple(PoolPlan(n, group) for n, group in enumerate(groups))
