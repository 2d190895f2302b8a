"""What an order is told while its queue is in trouble: who is waiting, why, what moved with it, and what would help.

One pure function of what is known at one clock, so that its words can stand in the log. What cannot be said is left
out with its reason. Numbers are rounded before they leave: the last bits of exp and log are the machine's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alerts.staffing import advice as advising
from alerts.staffing import moved as moving
from alerts.staffing import waiting as waits
from alerts.staffing import why as asking
from alerts.staffing.advice import advise
from alerts.staffing.figures import WINDOW, Figures, agents_here, handle_s, load_of, present_of, situation_of, unknown
from alerts.staffing.moved import Reading, moved
from alerts.staffing.needed import Goal
from alerts.staffing.patience import Patience
from alerts.staffing.waiting import Pace, Waiting, waiting_now
from alerts.staffing.why import Judged, Situation, why
from models.catalogue import QueueSettings
from models.event import SOON_MS
from models.plan.interval import PlanInterval

_DIGITS: Final = 3
_LEVEL: Final = "service_level"
_LIVE: Final = "service_level_live"
#: The models were checked up to so many agents.
ERLANGS_MAX: Final = 5_000.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a queue at *now_ms*, in *zone*: its figures, settings, patience, and what was expected.

    *ages_ms*: of the callers waiting, where they are told one by one. *target*: the service level aimed at. *plan*: of
    the interval. *usual*, *usual_level*: the situation and the service level that were expected, by plan or by habit.
    *readings*: figures beside what is usual. *flow_share*: share of the calls that came from other queues. *window*: of
    which load, flow and service level are; a live service level is preferred.
    """

    figures: Figures
    settings: QueueSettings
    patience: Patience
    now_ms: int
    zone: str
    target: float = 0.8
    ages_ms: Sequence[int] | None = None
    plan: PlanInterval | None = None
    usual: Situation | None = None
    usual_level: float | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    flow_share: float = 0.0
    window: str = WINDOW


@dataclass(frozen=True, slots=True)
class Briefing:
    """*english* and *chinese* sentences, the numbers behind them, and why parts are *left_out*."""

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    data: dict[str, float | str | None]
    left_out: dict[str, str]


def briefing(known: Known) -> Briefing:
    """All that can be said now; what no model has an answer for is left out by its reason."""
    sentences: list[tuple[str, str]] = []
    data: dict[str, float | str | None] = {}
    left_out: dict[str, str] = {}
    for name, part in (("waiting", _waiting), ("why", _why), ("moved", _moved), ("agents", _agents)):
        try:
            said = part(known, data)
        except ValueError as error:
            said = str(error)  # numbers of another world: more agents than there are
        if isinstance(said, str):
            left_out[name] = said
        else:
            sentences.append(said)
    numbers = {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in data.items()}
    return Briefing(tuple(en for en, _ in sentences), tuple(zh for _, zh in sentences), numbers, left_out)


def headline(
    english: Sequence[str], chinese: Sequence[str], data: Mapping[str, object], left_out: Mapping[str, str]
) -> tuple[str, str]:
    """Of a briefing who waits, and the cause that pulls the service level down most: as much as a first message holds.

    Empty texts where neither is known.
    """
    parts = [(english[0], chinese[0])] if english and "waiting" not in left_out else []
    gap = data.get("why_gap")
    if isinstance(gap, float) and gap < 0:
        pulls = [(data.get(f"why_{cause}"), cause) for cause in asking.CAUSES]
        found = [(part, cause) for part, cause in pulls if isinstance(part, float) and part <= -asking.TOLD_FROM]
        if found:
            part, cause = min(found)
            points, words = f"{part * 100:+.0f}", asking.WORDS[cause]
            parts.append((f"most of it: {words[0]} {points} points", f"主要原因:{words[1]}{points}个百分点"))
    return ". ".join(en for en, _ in parts), "。".join(zh for _, zh in parts)


_Said = tuple[str, str] | str  #: English and Chinese, or the reason why there is nothing to say


def _waiting(known: Known, data: dict[str, float | str | None]) -> _Said:
    threshold_ms = known.settings.threshold_ms
    if known.ages_ms is not None:
        agents, handle = agents_here(known.figures), handle_s(known.figures)
        pace = Pace(agents, handle, known.patience.mean_s) if agents is not None and handle else None
        now = waiting_now(known.ages_ms, threshold_ms, pace=pace)
    else:
        waiting, beyond = (known.figures.get(f"{name}@now") for name in ("waiting", "waiting_past_threshold"))
        if waiting is None or beyond is None:
            return "callers waiting unknown"
        soon = known.figures.get("waiting_soon@now") or 0.0
        now = Waiting(int(waiting), int(beyond), int(soon), threshold_ms, SOON_MS)
    data |= {"waiting": now.waiting, "waiting_beyond": now.beyond, "waiting_soon": now.soon}
    return waits.sentence(now)


def _why(known: Known, data: dict[str, float | str | None]) -> _Said:
    level = known.figures.get(f"{_LIVE}@{known.window}", known.figures.get(f"{_LEVEL}@{known.window}"))
    actual = situation_of(known.figures, known.plan, known.flow_share, known.window)
    if known.usual is None or known.usual_level is None:
        return "nothing was expected: no plan, and too little history"
    if level is None or actual is None:
        return unknown(known.figures, known.window)[0] or "no service level"
    if max(one.handle_s * (one.own_per_s + one.flow_per_s) for one in (known.usual, actual)) > ERLANGS_MAX:
        return "more erlangs than a queue has: check the units of the handle time"
    found = why(known.usual, actual, _judged(known), known.usual_level, level)
    data |= {f"why_{cause}": part for cause, part in found.parts.items()}
    data |= {"why_gap": found.gap, "why_unexplained": found.unexplained}
    return asking.sentence(found)


def _moved(known: Known, _: dict[str, float | str | None]) -> _Said:
    found = moved(known.readings, beside=f"{_LEVEL}@{known.window}")
    return moving.sentence(found) if found else "no other figure is unusual"


def _agents(known: Known, data: dict[str, float | str | None]) -> _Said:
    load, now = load_of(known.figures, known.patience.mean_s, known.window), present_of(known.figures)
    agents = agents_here(known.figures)
    if load is None or now is None or agents is None:
        return unknown(known.figures, known.window)[0]
    if load.erlangs > ERLANGS_MAX:
        return f"{load.erlangs:,.0f} erlangs: check the units of the handle time"
    settings = known.settings
    goal = Goal(known.target, settings.threshold_ms / 1000, settings.formula, settings.short_ms / 1000)
    advice = advise(load, agents, now, goal)
    data |= {
        "agents_here": agents,
        "agents_needed": advice.needed,
        "agents_extra": advice.extra,
        "recovers_after_s": advice.these.after_s,
        "recovers_with_extra_after_s": advice.more.after_s,
        "patience_s": known.patience.mean_s,
    }
    return advising.sentence(advice, goal, known.now_ms, known.zone)


def _judged(known: Known) -> Judged:
    settings = known.settings
    return Judged(
        "service_level",
        known.patience.mean_s,
        settings.threshold_ms / 1000,
        settings.formula,
        settings.short_ms / 1000,
    )
