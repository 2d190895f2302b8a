"""How the day will end: the service level that it is heading for, and how many more calls may miss."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alerts.plan.rest import Rest
from alerts.staffing.erlang import Load, steady
from models.catalogue import Formula


@dataclass(frozen=True, slots=True)
class Judging:
    """How calls are judged (the queue's settings), and how patient callers are on average."""

    threshold_s: float = 20.0
    formula: Formula = Formula.SHORT_EXCLUDED
    short_s: float = 5.0
    patience_s: float = 180.0


@dataclass(frozen=True, slots=True)
class SoFar:
    """The day until now: calls *judged* by the service level's formula, those of them *met*, and calls *offered*."""

    judged: int
    met: int
    offered: int

    @property
    def missed(self) -> int:
        """Judged and not met: what the day cannot make good again."""
        return self.judged - self.met


@dataclass(frozen=True, slots=True)
class Ending:
    """*expected* more calls will be judged; at most *allowed* of them may miss (negative: the target is out of reach).

    *heading*: the day's service level as forecast with the agents scheduled, None where the plan does not say enough.
    *best*: if all that are expected are met. *needed*: the share of them that must be, above 1 where it is too late.
    What has no calls behind it is None.
    """

    target: float
    expected: int
    allowed: int
    heading: float | None
    best: float | None
    needed: float | None


def ending(so_far: SoFar, rest: Rest, target: float, judging: Judging) -> Ending:
    """How the day ends when *rest* is still to come. Calls to come are judged in the share of those that have.

    Raises ValueError for a target that is no share.
    """
    return ending_at(so_far, rest, target, rest_level(rest, judging))


def ending_at(so_far: SoFar, rest: Rest, target: float, level: float | None) -> Ending:
    """`ending` where the service *level* of the rest is known already, None where it is not known at all."""
    if not 0 < target <= 1:
        raise ValueError(f"target {target}: give a share above 0 and up to 1")
    share = so_far.judged / so_far.offered if so_far.offered else 1.0
    expected = round(rest.offered * share)
    judged = so_far.judged + expected
    # a hair is added where the product with a decimal target falls just short of a whole number
    allowed = math.floor((1 - target) * judged + 1e-9) - so_far.missed
    return Ending(
        target,
        expected,
        allowed,
        heading=(so_far.met + level * expected) / judged if judged and level is not None else None,
        best=(so_far.met + expected) / judged if judged else None,
        needed=max(0.0, (target * judged - so_far.met) / expected) if expected else None,
    )


def rest_level(rest: Rest, judging: Judging) -> float | None:
    """The service level of *rest* by Erlang A, interval by interval, weighed by their calls.

    None where an interval with calls has no handle time or no agents scheduled in the plan, and without calls.
    """
    met = calls = 0.0
    for one in rest.intervals:
        if not one.offered:
            continue
        if one.handle_s is None or one.scheduled is None:
            return None
        load = Load(one.offered / one.seconds, one.handle_s, judging.patience_s)
        level = steady(load, one.scheduled).service_level(judging.threshold_s, judging.formula, judging.short_s)
        met += one.offered * (0.0 if math.isnan(level) else level)
        calls += one.offered
    return met / calls if calls else None


def sentence(end: Ending) -> tuple[str, str]:
    """*end* in English and Chinese: "to end the day at 80 % at most 37 more may miss of the 412 still expected"."""
    aim, best = f"{end.target * 100:g}", _cut(end.best)
    if end.expected == 0:
        if end.best is None:
            return "no calls today, and none are expected", "今日无话务,预计也不会有"
        return f"no more calls are expected: the day ends at {best} %", f"预计今日不再有来话:全天为{best}%"
    if end.allowed < 0:
        return (
            f"{aim} % is out of reach today: if all of the {end.expected} still expected are met it ends at {best} %",
            f"今日已无法达到{aim}%:即使余下预计的{end.expected}个全部达标,全天也只有{best}%",
        )
    if end.allowed >= end.expected:
        english = f"{aim} % is safe today: even if all of the {end.expected} still expected miss"
        chinese = f"今日{aim}%已有保证:余下预计的{end.expected}个即使全部未达标"
    else:
        english = f"to end the day at {aim} % at most {end.allowed} more may miss of the {end.expected} still expected"
        chinese = f"要使全天达到{aim}%,余下预计的{end.expected}个中最多还可有{end.allowed}个未达标"
    if end.heading is not None:
        english += f"; heading for {_cut(end.heading)} %"
        chinese += f";照此预计全天为{_cut(end.heading)}%"
    return english, chinese


def _cut(share: float | None) -> str:
    """Per cent with one digit, cut off: 79.96 is not 80.0."""
    return f"{math.floor((share or 0.0) * 1000 + 1e-9) / 10:.1f}"
