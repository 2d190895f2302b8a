"""What detectors of half-hours share: a profile of the week, the level of late, how much counts vary beyond chance."""

from __future__ import annotations

from math import isfinite, log10, nan
from typing import ClassVar, Final

import numpy as np

from alerts.detect.budget import Budget
from alerts.detect.contract import Judged, Verdict
from alerts.detect.counts import Tails, normal_score
from alerts.detect.guard import Guard
from alerts.detect.memory import Floats
from alerts.detect.season import SIZE, Calendar, Place, WeekProfile

#: Places in the state after the profile. RECENT_* are sums of the last hours, DAY_* of the last day and a half, of what
#: was and of what the profile says; EXCESS and OF are sums behind the variation beyond chance; the rest is of
#: `alerts.detect.slide`.
RECENT_SEEN, RECENT_MEAN, DAY_SEEN, DAY_MEAN, EXCESS, OF, UP, DOWN, BLOCK_SUM, BLOCK_ROWS, EXTRA, BLOCKS = range(
    SIZE, SIZE + 12
)
STATE: Final = SIZE + 12

#: Of the sums of late, per half-hour: about three hours; of those of the day.
RECENT_KEPT, DAY_KEPT = 0.8, 0.97
#: What the profile's word is worth beside what was seen of late, in counts: a level moves on evidence only; and how
#: far it may move.
LEVEL_PRIOR: Final = 200.0
LEVEL_LEAST, LEVEL_MOST = 0.5, 2.0
#: Squared errors are cut at so many variances (the mean of what is left of a normal's is 0.974 of it), and remembered
#: over some 700 values: a bad day among them does not widen the band.
CUT, CUT_MEAN, KEPT = 6.0, 0.974, 0.9985
#: A chance smaller than this is all the same.
LEAST_CHANCE: Final = 1e-15
#: An anomaly teaches this share of what it says, cut to its band: what stays so is learned in weeks.
ANOMALY_TEACHES: Final = 0.2


class Weekly:
    """The part that volumes and ratios share. A subclass says how likely a value is, and how it is learned."""

    name: ClassVar[str] = ""

    def __init__(
        self, calendar: Calendar | None = None, budget: Budget | None = None, guard: Guard | None = None
    ) -> None:
        self.calendar, self.budget, self.guard = calendar or Calendar(), budget or Budget(), guard or self.usual_guard()
        self._limit = self.budget.rarity
        self._own(np.zeros(STATE))

    def _own(self, state: Floats) -> None:
        self._state = state
        self._profile = WeekProfile(state[:SIZE])

    @staticmethod
    def usual_guard() -> Guard:
        """The guard when none is given."""
        raise NotImplementedError

    def tails(self, place: Place, value: float, sample: float) -> tuple[float, Tails]:
        """The expectation (NaN for none yet) of a value of *sample*, and how likely one as low, or as high, is."""
        raise NotImplementedError

    def band(self, place: Place, expected: float, sample: float, chance: float) -> tuple[float, float]:
        """Where a value lies but for *chance* on each side."""
        raise NotImplementedError

    def teach(self, place: Place, value: float, sample: float, expected: float, weight: float) -> None:
        """Learn a value that is finite."""
        raise NotImplementedError

    @property
    def sides(self) -> float:
        """On how many sides an alarm is possible."""
        return 2.0 if self.guard.side == "both" else 1.0

    def update(self, ts_ms: int, value: float, sample: float = nan, *, learn: bool = True) -> Judged:
        """As `Detector.update`."""
        if not self.usable(value, sample):
            return Judged()
        place = self.calendar.place(ts_ms)
        expected, tails = self.tails(place, value, sample)
        judged = self.judge(place, value, sample, expected, tails, learn=learn)
        if learn:
            weight = ANOMALY_TEACHES if judged.verdict is Verdict.ANOMALY else 1.0
            self.teach(place, value, sample, expected, weight)
        return judged

    def usable(self, value: float, sample: float) -> bool:
        """Whether there is a value at all, one that the figure can have."""
        return isfinite(value) and self.guard.least <= value <= self.guard.most

    def judge(self, place: Place, value: float, sample: float, expected: float, tails: Tails, *, learn: bool) -> Judged:
        """The judgement by a test of this one value."""
        if not isfinite(expected):
            return Judged()
        chance = self.budget.chance / self.sides
        band = self.band(place, expected, sample, chance)
        one_sided = min(tails) if self.guard.side == "both" else tails[self.guard.side == "above"]
        rarity = -log10(max(min(self.sides * one_sided, 1.0), LEAST_CHANCE))
        found = self.guard.judged(value, expected, band, rarity, self._limit)
        if self.guard.min_sample > 0.0 and not sample >= self.guard.min_sample:
            return Judged(found.expected, found.lower, found.upper)
        return found

    def standard(self, expected: float, tails: Tails) -> float:
        """The standard normal score of a value, 0 without an expectation."""
        return normal_score(tails) if isfinite(expected) else 0.0

    def varied(self, error: float, variance: float, base: float, size: float) -> None:
        """Learn how much values vary beyond chance: *error* squared against *variance* (all), *base* (chance alone)."""
        state = self._state
        cut = min(error * error, CUT * variance) / CUT_MEAN
        state[EXCESS] = KEPT * state[EXCESS] + cut - base
        state[OF] = KEPT * state[OF] + size

    def snapshot(self) -> bytes:
        """Seven kilobytes."""
        return self._version() + self._state.tobytes()

    def restore(self, data: bytes) -> None:
        """As `Detector.restore`."""
        version = self._version()
        if not data.startswith(version) or len(data) != len(version) + 8 * STATE:
            raise ValueError(f"no snapshot of a detector {self.name!r}, or one of another version")
        self._own(np.frombuffer(data, np.float64, STATE, len(version)).copy())

    def _version(self) -> bytes:
        return b"callwatch-" + self.name.encode() + b"-1\n"
