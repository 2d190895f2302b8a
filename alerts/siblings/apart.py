"""Is one of several served worse than the others? A test of two shares that counts the calls behind both.

Of each group *lost* of *of* calls were abandoned. The group is compared with all the others together: if it were
served as they are, how likely would as many lost calls be? By their calls the chance of a lost one is a beta
distribution (Jeffreys), so the number lost is beta-binomial: a share of few calls is known less well, and the test
knows it. Calls of one half-hour are alike beyond chance (the same agents, the same queue before them), so the others
count as `ALIKE_MOST` calls at most. What is said is the rarity in limits: 1 is as rare as the alarm budget allows for
that many groups, looked at each minute over half an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log10
from typing import Final

from alerts.detect.budget import Budget
from alerts.detect.counts import beta_binomial

#: Calls with an outcome that a group must have, and the others together: below them nothing is compared.
LEAST: Final = 20
#: A gap of shares below this is no matter for an order, however sure it is; and so few lost calls are an accident.
GAP: Final = 0.15
LEAST_LOST: Final = 5
#: As so many calls, at most, the others count: the chance of a lost one differs within a half-hour.
ALIKE_MOST: Final = 150.0
#: After a resolve: calls of the group that must have an outcome.
LEAST_SINCE: Final = 5
_EVERY_MS: Final = 60_000
#: Two looks at half an hour that lie a minute apart have 29 of 30 minutes in common.
_LIKENESS: Final = 29 / 30
_LEAST_CHANCE: Final = 1e-30


@dataclass(frozen=True, slots=True)
class Group:
    """Calls with an outcome, and how many of them were lost. *usual*: this many are lost here at this time anyhow."""

    name: str
    lost: int
    of: int
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Apart:
    """The group that stands out, and the others together; *limits* is how rare that is."""

    name: str
    lost: int
    of: int
    others_lost: int
    others_of: int
    limits: float

    @property
    def gap(self) -> float:
        """By how much its share lies above that of the others."""
        return self.lost / self.of - self.others_lost / self.others_of


@lru_cache(maxsize=256)
def rarity(groups: int, alarms_per_week: float) -> float:
    """-log10 of the chance at which one of *groups* may stand out by accident."""
    return Budget(alarms_per_week, _EVERY_MS, _LIKENESS, tests=groups).rarity


def limits_of(group: Group, others: Group, groups: int, alarms_per_week: float) -> float:
    """How rare it is that *group* lost so many where *others* lost theirs, in limits; 0 where the gap is no matter."""
    if group.lost < LEAST_LOST or group.lost / group.of - others.lost / others.of < GAP:
        return 0.0
    weight = min(1.0, ALIKE_MOST / others.of)
    bad, good = weight * others.lost + 0.5, weight * (others.of - others.lost) + 0.5
    chance = beta_binomial(group.lost, group.of, bad / (bad + good), 1.0 / (bad + good + 1.0))[1]
    return -log10(max(chance, _LEAST_CHANCE)) / rarity(groups, alarms_per_week)


def worst(groups: Sequence[Group], alarms_per_week: float = 1.0) -> Apart | None:
    """The group of *groups* that stands out most (its *limits* 0 where none does); None where fewer than two have
    enough calls. Of equals the first by name. What is as usual does not stand out: it is one of the others."""
    there = sorted((g for g in groups if g.of >= LEAST), key=lambda g: g.name)
    if len(there) < 2:
        return None
    lost, of = sum(g.lost for g in there), sum(g.of for g in there)
    found = []
    for group in there:
        others = Group("", lost - group.lost, of - group.of)
        limits = 0.0 if group.usual else limits_of(group, others, len(there), alarms_per_week)
        found.append(Apart(group.name, group.lost, group.of, others.lost, others.of, limits))
    return max(found, key=lambda apart: (apart.limits, apart.gap))


def since(apart: Apart, lost: int, of: int) -> float | None:
    """How a group that stood *apart* does in the *of* calls since: the gap to the others as they were, in smallest gaps
    that matter; None where there are too few calls to tell."""
    if of < LEAST_SINCE:
        return None
    return max(lost / of - apart.others_lost / apart.others_of, 0.0) / GAP
