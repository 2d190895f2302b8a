"""The queues of the suite: how many call, when, for how long, how long they wait, and who is there to answer.

A queue is open 08:00 to 20:00 every day. Arrivals follow a profile of the half-hours of the week, the queue's own,
times how busy the day is (gamma, 10 %: Avramidis, Deslauriers & L'Ecuyer 2004 find days to vary so). Staffing is the
square-root rule (Halfin & Whitt 1981) for a day a tenth busier than the mean, so that ordinary days are good ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_S: Final = 86_400
HALF_HOUR_S: Final = 1800
OPENS_S: Final = 8 * 3600
CLOSES_S: Final = 20 * 3600
SLOTS: Final = (CLOSES_S - OPENS_S) // HALF_HOUR_S
THRESHOLD_S: Final = 20.0
ZONE: Final = "Asia/Shanghai"  # no summer time: a day is a day
#: Monday 2 March 2026, local midnight.
START_MS: Final = int(datetime(2026, 3, 1, 16, tzinfo=UTC).timestamp() * 1000)

#: Calls in the busiest half-hour's hour, by size of the queue.
SIZES: Final = {"small": 30.0, "middle": 120.0, "large": 600.0}
WEEKEND: Final = 0.5
BUSY_SPREAD: Final = 0.10
TALK_S: Final = 200.0
TALK_SPREAD: Final = 0.8  # of the logarithm, as Brown et al. 2005 find in a bank
WRAP_S: Final = 30.0
PATIENCE_S: Final = 120.0
MENU_SHARE: Final = 0.03
BLOCKED_SHARE: Final = 0.003


@dataclass(frozen=True, slots=True)
class Line:
    """A queue of the suite. *seed* and *name* together are all chance there is in it."""

    seed: int
    size: str

    @property
    def name(self) -> str:
        """``site/skill``: a site for each seed."""
        return f"suite{self.seed}/{self.size}"

    def rng(self, *what: object) -> np.random.Generator:
        """Chance for one purpose, the same whatever else is drawn."""
        text = "/".join(map(str, (self.seed, self.size, *what)))
        return np.random.default_rng(np.frombuffer(text.encode(), np.uint8).astype(np.uint32))

    def rates(self) -> NDArray[np.float64]:
        """Calls a second expected, by day of the week (Monday first) and half-hour of the opening hours: (7, SLOTS)."""
        hour = (OPENS_S + HALF_HOUR_S * (np.arange(SLOTS) + 0.5)) / 3600
        humps = 0.4 + 0.6 * np.exp(-(((hour - 10.5) / 1.8) ** 2)) + 0.4 * np.exp(-(((hour - 15) / 2.0) ** 2))
        own = self.rng("profile").lognormal(0.0, 0.1, (7, SLOTS))
        week = np.array([1.0, 0.95, 0.9, 0.9, 0.95, WEEKEND, WEEKEND])[:, None]
        profile = humps / humps.max() * own * week
        found: NDArray[np.float64] = SIZES[self.size] / 3600 * profile
        return found

    def busy(self, day: int) -> float:
        """How busy *day* (from the start) is, around 1."""
        shape = 1 / BUSY_SPREAD**2
        return float(self.rng("busy", day).gamma(shape, 1 / shape))


def staffing(rates: NDArray[np.float64]) -> NDArray[np.int64]:
    """Agents by half-hour for calls a second *rates*: load of a day a tenth busier, and 0.9 times its root above."""
    load = 1.1 * rates * (TALK_S + WRAP_S)
    found: NDArray[np.int64] = np.ceil(load + 0.9 * np.sqrt(load)).astype(np.int64)
    return found


Span = tuple[float, float]


def shifts(agents: NDArray[np.int64]) -> list[Span]:
    """Who is there from when to when, in seconds of the day: who came last leaves first."""
    out: list[Span] = []
    here: list[float] = []
    for slot, wanted in enumerate([*agents.tolist(), 0]):
        at = float(OPENS_S + slot * HALF_HOUR_S)
        while len(here) < wanted:
            here.append(at)
        while len(here) > wanted:
            out.append((here.pop(), at))
    return sorted(out)


def day_ms(day: int) -> int:
    """Local midnight of *day*."""
    return START_MS + day * DAY_S * 1000
