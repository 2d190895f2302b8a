"""A day of a queue: callers drawn, served first come first served by who is there, lost when their patience ends.

All chance is drawn before anything is decided, and the same whatever goes wrong: a day with a trouble is the ordinary
day until it begins. Times are seconds of the local day.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.shape import (
    BLOCKED_SHARE,
    HALF_HOUR_S,
    MENU_SHARE,
    OPENS_S,
    PATIENCE_S,
    SLOTS,
    TALK_S,
    TALK_SPREAD,
    THRESHOLD_S,
    WRAP_S,
    Line,
    shifts,
    staffing,
)
from benchmarks.detection.trouble import Slow, Trouble, on_duty

Floats = NDArray[np.float64]
#: What becomes of a caller.
ANSWERED, ABANDONED, BLOCKED, MENU, NEVER_CAME = range(5)
#: Callers who give up in the menu do so after this long.
MENU_S: Final = 20.0
#: The largest surge that is drawn beside the ordinary calls.
SURGE_MAX: Final = 1.0
#: Who waits no longer than this at the end of the day is still answered.
_FOREVER: Final = 1e9


@dataclass(frozen=True, slots=True)
class Draws:
    """The callers of a day in order: when, and all that chance says of them. *extra* come in a surge only."""

    at: Floats
    fate: Floats
    lost: Floats
    patience: Floats
    talk: Floats
    wrap: Floats
    extra: Floats  #: NaN for an ordinary caller, else the share of a surge from which on this one comes


@dataclass(frozen=True, slots=True)
class Day:
    """What became of each caller, and who was there. *wait* until answered or gone; *agent* -1 without one."""

    day: int
    at: Floats
    fate: NDArray[np.int8]
    wait: Floats
    agent: NDArray[np.int64]
    talk: Floats
    wrap: Floats
    duty: tuple[tuple[int, tuple[float, float]], ...]

    def harm(self) -> Floats:
        """When each caller who was lost, or not answered within the threshold, was harmed; sorted."""
        outside = np.isin(self.fate, (BLOCKED, MENU, NEVER_CAME))
        gone = self.fate == ABANDONED
        late = (self.fate == ANSWERED) & (self.wait > THRESHOLD_S)
        when = np.where(gone, self.at + np.minimum(self.wait, THRESHOLD_S), self.at + THRESHOLD_S)
        when = np.where(outside, self.at, when)
        found: Floats = np.sort(when[outside | gone | late])
        return found


def draw_day(line: Line, day: int, replica: int = 0, slow: Slow | None = None) -> Draws:
    """The callers of *day*. Another *replica* is another draw of the same day, as busy as it is."""
    volume = slow.volume(day) if slow is not None else 1.0
    rates = line.rates()[day % 7] * line.busy(day) * volume
    rng = line.rng("day", day, replica)
    ordinary = _arrivals(rng, rates)
    extra = _arrivals(rng, rates * SURGE_MAX)
    at = np.concatenate([ordinary, extra])
    marks = np.concatenate([np.full(len(ordinary), np.nan), rng.uniform(0, SURGE_MAX, len(extra))])
    order = np.argsort(at, kind="stable")
    n = len(at)
    longer = slow.handle(day) if slow is not None else 1.0
    return Draws(
        at=at[order],
        fate=rng.uniform(size=n),
        lost=rng.uniform(size=n),
        patience=rng.exponential(PATIENCE_S, n),
        talk=rng.lognormal(np.log(TALK_S) - TALK_SPREAD**2 / 2, TALK_SPREAD, n) * longer,
        wrap=rng.exponential(WRAP_S, n),
        extra=marks[order],
    )


def _arrivals(rng: np.random.Generator, rates: Floats) -> Floats:
    """Poisson arrivals at *rates* by half-hour."""
    counts = rng.poisson(rates * HALF_HOUR_S)
    begins = np.repeat(OPENS_S + HALF_HOUR_S * np.arange(SLOTS), counts)
    found: Floats = np.sort(np.round(begins + rng.uniform(0, HALF_HOUR_S, len(begins)), 3))
    return found


def live(line: Line, day: int, draws: Draws, trouble: Trouble | None = None) -> Day:
    """The day as it goes with *trouble* in it."""
    inside = np.zeros(len(draws.at), bool)
    if trouble is not None:
        inside = (draws.at >= trouble.start_s) & (draws.at < trouble.end_s)
    kind, share = (trouble.kind, trouble.share) if trouble is not None else ("", 0.0)
    comes = np.isnan(draws.extra) | (inside & (kind == "surge") & (draws.extra < share))
    at, fate_draw, lost, inside = draws.at[comes], draws.fate[comes], draws.lost[comes], inside[comes]
    fate = np.full(len(at), ANSWERED, np.int8)
    fate[fate_draw < MENU_SHARE + BLOCKED_SHARE] = MENU
    fate[fate_draw < BLOCKED_SHARE] = BLOCKED
    for name, what in (("drop", NEVER_CAME), ("blocked", BLOCKED), ("menu", MENU)):
        if kind == name:
            fate[inside & (lost < share)] = what
    talk, wrap = draws.talk[comes].copy(), draws.wrap[comes].copy()
    if kind == "handle":
        talk[inside] *= 1 + share
        wrap[inside] *= 1 + share
    duty = on_duty(shifts(staffing(line.rates()[day % 7])), trouble)
    wait, agent = _serve(at, fate, draws.patience[comes], talk + wrap, duty)
    return Day(day, at, fate, wait, agent, talk, wrap, tuple(duty))


def _serve(
    at: Floats, fate: NDArray[np.int8], patience: Floats, busy: Floats, duty: list[tuple[int, tuple[float, float]]]
) -> tuple[Floats, NDArray[np.int64]]:
    """First come, first served; writes ABANDONED into *fate*. Whoever is with a caller stays until it is done."""
    wait, agent = np.zeros(len(at)), np.full(len(at), -1)
    free = [(begins, n, ends) for n, (begins, ends) in duty]
    heapq.heapify(free)
    for i in np.flatnonzero(fate == ANSWERED).tolist():
        came = float(at[i])
        while free and max(came, free[0][0]) >= free[0][2]:
            heapq.heappop(free)
        start = max(came, free[0][0]) if free else _FOREVER
        if start - came > patience[i]:
            fate[i], wait[i] = ABANDONED, patience[i]
            continue
        _, n, ends = free[0]
        wait[i], agent[i] = start - came, n
        heapq.heapreplace(free, (start + float(busy[i]), n, ends))
    return wait, agent
