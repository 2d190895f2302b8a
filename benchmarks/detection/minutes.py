"""The figures of a day by minute, as the baselines are given them: made of the calls themselves, not by Callwatch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.detection.life import ABANDONED, ANSWERED, BLOCKED, MENU, MENU_S, NEVER_CAME, Day, Floats
from benchmarks.detection.shape import CLOSES_S, OPENS_S, THRESHOLD_S

MINUTES: Final = (CLOSES_S - OPENS_S) // 60
#: Figures of a minute, each with the side that is bad: 1 above, -1 below, 0 both.
FIGURES: Final = (
    ("offered", 0),
    ("abandoned_share", 1),
    ("service_level", -1),
    ("waiting", 1),
    ("longest_wait_s", 1),
    ("blocked_share", 1),
    ("menu_share", 1),
    ("handle_s", 1),
    ("silence_s", 1),
)
SIDES: Final = np.array([side for _, side in FIGURES], float)
#: A share of fewer calls than this says nothing.
SAMPLE: Final = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of each minute of a day: (MINUTES,) each."""

    offered: Floats
    abandoned: Floats
    answered: Floats
    in_time: Floats
    blocked: Floats
    menu: Floats
    handle_s: Floats
    handled: Floats
    waiting: Floats
    longest_s: Floats
    silence_s: Floats


def counts(day: Day) -> Counts:
    """What happened in each minute; *waiting*, *longest_s* and *silence_s* stand at its end."""
    came = day.fate != NEVER_CAME
    queued, gone, served = (np.isin(day.fate, (ANSWERED, ABANDONED)), day.fate == ABANDONED, day.fate == ANSWERED)
    left = day.at + day.wait
    ends = OPENS_S + 60.0 * np.arange(1, MINUTES + 1)
    waiting = np.zeros(MINUTES)
    longest = np.zeros(MINUTES)
    for at, until in zip(day.at[queued], left[queued], strict=True):
        first, last = np.searchsorted(ends, (at, until), "left")
        if last > first:
            waiting[first:last] += 1
            longest[first:last] = np.maximum(longest[first:last], ends[first:last] - at)
    arrived = day.at[came]
    latest = np.searchsorted(arrived, ends, "right")
    since = np.where(latest > 0, ends - arrived[np.maximum(latest - 1, 0)] if len(arrived) else 0.0, 0.0)
    done = left + day.talk + day.wrap
    return Counts(
        offered=_per_minute(day.at[queued]),
        abandoned=_per_minute(left[gone]),
        answered=_per_minute(left[served]),
        in_time=_per_minute(left[served & (day.wait <= THRESHOLD_S)]),
        blocked=_per_minute(day.at[day.fate == BLOCKED]),
        menu=_per_minute(day.at[day.fate == MENU] + MENU_S),
        handle_s=_per_minute(done[served], (day.talk + day.wrap)[served]),
        handled=_per_minute(done[served]),
        waiting=waiting,
        longest_s=longest,
        silence_s=since,
    )


def _per_minute(at: Floats, weights: Floats | None = None) -> Floats:
    minute = ((at - OPENS_S) // 60).astype(np.int64)
    inside = (minute >= 0) & (minute < MINUTES)
    found: Floats = np.bincount(minute[inside], None if weights is None else weights[inside], MINUTES).astype(float)
    return found


def figures(of: Counts, window: int) -> Floats:
    """`FIGURES` over the last *window* minutes at the end of each minute: (MINUTES, figures); NaN where undefined."""

    def rolled(values: Floats) -> Floats:
        total = np.cumsum(values)
        total[window:] = total[window:] - total[:-window].copy()
        return total

    offered, abandoned, answered, in_time = map(rolled, (of.offered, of.abandoned, of.answered, of.in_time))
    blocked, menu = rolled(of.blocked), rolled(of.menu)
    outcomes, arrivals, handled = abandoned + answered, offered + blocked + menu, rolled(of.handled)
    return np.column_stack(
        [
            offered,
            _share(abandoned, outcomes),
            _share(in_time, outcomes),
            of.waiting,
            of.longest_s,
            _share(blocked, arrivals),
            _share(menu, arrivals),
            _share(rolled(of.handle_s), handled),
            of.silence_s,
        ]
    )


def _share(part: Floats, of: Floats) -> Floats:
    found: Floats = np.where(of >= SAMPLE, part / np.maximum(of, 1), np.nan)
    return found
