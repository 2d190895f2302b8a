"""Troubles: what goes wrong, how much of the capacity it takes, from when to when; and what lasts for days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from benchmarks.detection.shape import CLOSES_S, OPENS_S, Line, Span

Kind = Literal["drop", "blocked", "menu", "agents", "handle", "surge", "sign_in", "late"]
KINDS: Final[tuple[Kind, ...]] = Kind.__args__  # type: ignore[attr-defined]
NAMES: Final[dict[str, str]] = {
    "drop": "arrivals fail to come",
    "blocked": "calls blocked at the trunk",
    "menu": "calls lost in the menu",
    "agents": "agents missing",
    "handle": "calls take longer",
    "surge": "surge of calls",
    "sign_in": "agents thrown out who cannot sign in",
    "late": "shift starts an hour late",
}
SHARES: Final = (0.2, 0.5, 1.0)
LASTS_S: Final = 7200.0
LATE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """*share* of the capacity that *kind* takes on *day* from *start_s* to *end_s*, seconds of the local day."""

    kind: Kind
    share: float
    day: int
    start_s: float
    end_s: float

    def covers(self, at_s: float) -> bool:
        """Whether it lasts at *at_s*."""
        return self.start_s <= at_s < self.end_s


def draw(line: Line, kind: Kind, share: float, first_day: int, days: int) -> Trouble:
    """A trouble of *line* on one of *days* from *first_day*; the same moment for all shares."""
    rng = line.rng("trouble", kind)
    day = first_day + int(rng.integers(days))
    if kind == "late":
        return Trouble(kind, share, day, OPENS_S, OPENS_S + LATE_S)
    start = float(rng.uniform(OPENS_S + 5400, CLOSES_S - LASTS_S - 3600))
    return Trouble(kind, share, day, round(start, 3), round(start + LASTS_S, 3))


def on_duty(spans: list[Span], trouble: Trouble | None) -> list[tuple[int, Span]]:
    """Agents by number and when they are there, with *trouble* in it."""
    numbered = list(enumerate(spans))
    if trouble is None or trouble.kind not in ("agents", "sign_in", "late"):
        return numbered
    here = [n for n, (begins, ends) in numbered if begins < trouble.end_s and ends > trouble.start_s]
    hit = set(here[: int(np.ceil(trouble.share * len(here)))])
    out: list[tuple[int, Span]] = []
    for n, (begins, ends) in numbered:
        if n not in hit:
            out.append((n, (begins, ends)))
            continue
        if begins < trouble.start_s:
            out.append((n, (begins, trouble.start_s)))
        if ends > trouble.end_s:
            out.append((n, (max(begins, trouble.end_s), ends)))
    return sorted(out, key=lambda one: one[1])


@dataclass(frozen=True, slots=True)
class Slow:
    """What lasts for days from *day* on: arrivals times `volume`, calls `handle` times as long, by day."""

    kind: Literal["volume_shift", "volume_drift", "handle_drift", "holiday", "unknown_holiday"]
    day: int

    def volume(self, day: int) -> float:
        """By what arrivals of *day* are multiplied."""
        if self.kind in ("holiday", "unknown_holiday"):
            return 0.3 if day == self.day else 1.0
        since = day - self.day
        if since < 0 or self.kind == "handle_drift":
            return 1.0
        return 0.6 if self.kind == "volume_shift" else max(0.5, 1 - 0.04 * (since + 1))

    def handle(self, day: int) -> float:
        """By what talk of *day* is multiplied."""
        since = day - self.day
        return min(1.5, 1 + 0.04 * (since + 1)) if self.kind == "handle_drift" and since >= 0 else 1.0


SLOW_NAMES: Final[dict[str, str]] = {
    "volume_shift": "arrivals 40 % lower from one day on",
    "volume_drift": "arrivals 4 % of the mean lower each day",
    "handle_drift": "talk 4 % longer each day",
    "holiday": "a holiday of the calendar, 30 % of the calls",
    "unknown_holiday": "a quiet day that no calendar knows, 30 % of the calls",
}
