"""What an order is told of its agents: how many the load needs, how many are short, and when it would recover."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from alerts.staffing.erlang import Load
from alerts.staffing.needed import TOLERANCE, Goal, agents_needed
from alerts.staffing.recovery import Present, Recovery, agents_to_recover, recovery
from models.hours import local

#: A floor can move people within it, and it is worth it: as long as an interval.
WITHIN_S: Final = 30 * 60.0


@dataclass(frozen=True, slots=True)
class Advice:
    """*agents* take calls, *needed* hold the goal in the long run. *these*: what becomes of it with those there are;
    *more*: with the fewest who recover within the time asked for."""

    agents: float
    needed: float
    these: Recovery
    more: Recovery

    @property
    def short(self) -> float:
        """Agents missing for the load, fractional; 0 when there are enough."""
        return max(0.0, self.needed - self.agents)

    @property
    def extra(self) -> int:
        """Whole agents to add so that it recovers in time."""
        return max(0, math.ceil(self.more.agents - self.agents - TOLERANCE))


def advise(load: Load, agents: float, now: Present, goal: Goal, within_s: float = WITHIN_S) -> Advice:
    """What *agents* need to get over what is waiting *now* and to hold *goal* at *load*.

    Raises ValueError for a goal without a service level, or one that no number of agents reaches.
    """
    return Advice(
        agents,
        agents_needed(load, goal),
        recovery(load, agents, now, goal),
        agents_to_recover(load, now, goal, within_s),
    )


def sentence(advice: Advice, goal: Goal, now_ms: int, zone: str) -> tuple[str, str]:
    """*advice* in English and Chinese; times are those of the clock in *zone*."""
    aim = f"{(goal.service_level or 0) * 100:g}/{goal.threshold_s:g}"
    english = f"{advice.needed:.1f} agents needed for {aim}, {advice.agents:g} here"
    chinese = f"达到{aim}需要{advice.needed:.1f}名坐席,现有{advice.agents:g}名"
    if advice.these.after_s is not None:
        if advice.these.after_s == 0:
            return f"{english}: enough", f"{chinese}:足够"
        at = _clock(advice.these, now_ms, zone)
        return f"{english}: recovers with these by {at}", f"{chinese}:预计{at}恢复"
    if advice.short > 0:
        english += f", {advice.short:.1f} short"
        chinese += f",缺{advice.short:.1f}名"
    english += ": not with these"
    chinese += ":现有人数无法恢复"
    if advice.more.after_s is None:
        return english, chinese
    at = _clock(advice.more, now_ms, zone)
    return f"{english}; {advice.extra} more recover it by {at}", f"{chinese};增加{advice.extra}名可于{at}恢复"


def _clock(found: Recovery, now_ms: int, zone: str) -> str:
    """Local time to the next full minute."""
    minutes = math.ceil((now_ms / 1000 + (found.after_s or 0.0)) / 60)
    return f"{local(zone, minutes * 60_000):%H:%M}"
