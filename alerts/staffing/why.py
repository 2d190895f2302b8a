"""Why a figure is off: how much of the gap comes from volume, handle time, staffing and flow from elsewhere.

Each cause gets its Shapley value over Erlang A: its mean effect over all orders in which the causes may have come. They
add up to the gap that the model sees, and what it does not see is named. Sources: Shapley 1953, "A value for n-person
games"; Shorrocks 2013, "Decomposition procedures for distributional analysis", Journal of Economic Inequality 11.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Literal

from alerts.staffing.erlang import AGENTS_MAX, Load, Steady, steady
from models.catalogue import Formula

Measure = Literal["service_level", "answer_rate", "abandonment_rate"]
Cause = Literal["volume", "flow", "handle_time", "staffing", "absence", "adherence"]

#: A cause and the field of `Situation` that carries it.
CAUSES: Final[dict[Cause, str]] = {
    "volume": "own_per_s",
    "flow": "flow_per_s",
    "handle_time": "handle_s",
    "staffing": "scheduled",
    "absence": "present",
    "adherence": "adherent",
}
WORDS: Final[dict[Cause, tuple[str, str]]] = {
    "volume": ("volume", "话务量"),
    "flow": ("flow from elsewhere", "其他队列流入"),
    "handle_time": ("handle time", "处理时长"),
    "staffing": ("agents scheduled", "排班人数"),
    "absence": ("absence", "缺勤"),
    "adherence": ("adherence", "遵时"),
}
#: Effects below half a point of the figure are not told: they would read as 0.
TOLD_FROM: Final = 0.005
#: No calls at all have no service level; one in a week comes as close as one likes to it.
_PER_S_MIN: Final = 1 / 604_800


@dataclass(frozen=True, slots=True)
class Situation:
    """What a queue had to deal with, expected or actual.

    Calls a second of its own and those from other queues; mean handle time; agents *scheduled*, the share of them
    *present* (signed in) and the share of these *adherent* (taking calls). Without a plan *scheduled* is the number of
    agents who take calls, and the shares are 1.
    """

    own_per_s: float
    handle_s: float
    scheduled: float
    flow_per_s: float = 0.0
    present: float = 1.0
    adherent: float = 1.0

    @property
    def agents(self) -> float:
        """Agents who take calls."""
        return min(self.scheduled * self.present * self.adherent, AGENTS_MAX)


@dataclass(frozen=True, slots=True)
class Judged:
    """How a situation is judged: by *measure*, with the callers' mean patience and the queue's formula."""

    measure: Measure = "service_level"
    patience_s: float = 180.0
    threshold_s: float = 20.0
    formula: Formula = Formula.NEGATIVE
    short_s: float = 0.0

    def value(self, found: Steady) -> float:
        """The figure of *found*; 0 where nobody is answered."""
        if self.measure == "abandonment_rate":
            return found.abandoned
        if self.measure == "answer_rate":
            return 1 - found.abandoned
        level = found.service_level(self.threshold_s, self.formula, self.short_s)
        return 0.0 if math.isnan(level) else level


@dataclass(frozen=True, slots=True)
class Why:
    """*parts* and *unexplained* add up to *gap*: actual figure less the expected one."""

    gap: float
    parts: Mapping[Cause, float]
    unexplained: float

    @property
    def staffing(self) -> float:
        """All that comes from the number of agents: scheduled, absence, adherence."""
        return self.parts["staffing"] + self.parts["absence"] + self.parts["adherence"]

    def ranked(self) -> list[tuple[Cause, float]]:
        """The causes that pull the figure the way of the gap, the strongest first."""
        sign = -1 if self.gap < 0 else 1
        pulling = [(cause, part) for cause, part in self.parts.items() if part * sign >= TOLD_FROM]
        return sorted(pulling, key=lambda item: -abs(item[1]))


def why(expected: Situation, actual: Situation, judged: Judged, expected_figure: float, actual_figure: float) -> Why:
    """Split *actual_figure* - *expected_figure*, the gap as it was measured, into causes by the model.

    Raises ValueError for situations without handle time, or with negative numbers.
    """
    for situation in (expected, actual):
        _check(situation)
    moved = [cause for cause, field in CAUSES.items() if getattr(expected, field) != getattr(actual, field)]

    def figure(causes: frozenset[str]) -> float:
        fields = {CAUSES[cause]: getattr(actual, CAUSES[cause]) for cause in moved if cause in causes}
        return _figure(replace(expected, **fields), judged)

    found = shapley(moved, figure)
    parts: dict[Cause, float] = {cause: found.get(cause, 0.0) for cause in CAUSES}
    gap = actual_figure - expected_figure
    return Why(gap, parts, gap - math.fsum(parts.values()))


def shapley(players: Sequence[Cause], value: Callable[[frozenset[str]], float]) -> dict[Cause, float]:
    """The Shapley value of each of *players*: value(all) - value(none) shared out fairly. Asks *value* 2^n times."""
    known = {
        frozenset(some): value(frozenset(some))
        for size in range(len(players) + 1)
        for some in combinations(players, size)
    }
    n = len(players)
    weights = [math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)]
    return {
        player: math.fsum(
            weights[len(some)] * (known[some | {player}] - worth) for some, worth in known.items() if player not in some
        )
        for player in players
    }


def sentence(found: Why, measure: str = "service level", zh: str = "服务水平") -> tuple[str, str]:
    """What people are told of *found*, in English and Chinese."""
    points = round(abs(found.gap) * 100)
    way, way_zh = ("below", "低于") if found.gap < 0 else ("above", "高于")
    parts = [(f"{WORDS[c][0]} {_points(p)}", f"{WORDS[c][1]}{_points(p)}") for c, p in found.ranked()]
    if abs(found.unexplained) >= TOLD_FROM:
        parts.append((f"not explained {_points(found.unexplained)}", f"未解释{_points(found.unexplained)}"))
    if not parts:
        parts.append(("no single cause", "无单一原因"))
    english = f"{measure} {points} points {way} what was expected: {', '.join(part[0] for part in parts)}"
    return english, f"{zh}{way_zh}预期{points}个百分点:{','.join(part[1] for part in parts)}"


def _points(part: float) -> str:
    return f"{part * 100:+.0f}"


def _figure(situation: Situation, judged: Judged) -> float:
    per_s = max(situation.own_per_s + situation.flow_per_s, _PER_S_MIN)
    return judged.value(steady(Load(per_s, situation.handle_s, judged.patience_s), situation.agents))


def _check(situation: Situation) -> None:
    numbers = [getattr(situation, field) for field in CAUSES.values()]
    if not all(math.isfinite(number) and number >= 0 for number in numbers) or situation.handle_s <= 0:
        raise ValueError(f"no situation: {situation}")
