"""What is normal for a half-hour of the week in local time: a mean of each, borrowed from its like where it is new.

A half-hour that was seen seldom leans on the same half-hour of other days of its kind (Monday to Friday, weekend), and
that on the mean of all. A holiday is a Sunday. Local time is read off the zone, so that a change of clocks moves the
day with the people: a day then has 46 or 50 half-hours, of which two are skipped or come twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from alerts.detect.memory import Floats

HALF_HOUR_MS: Final = 1_800_000
A_DAY: Final = 48
A_WEEK: Final = 7 * A_DAY
_SUNDAY: Final = 6
#: Weeks that count: long enough to be calm, short enough that a season of the year is followed.
WEEKS: Final = 8.0
#: How many sightings the next wider mean is worth.
_BORROWED: Final = 1.0
#: Squared relative error of a half-hour never seen; it falls with the square of the sightings.
_UNSEEN: Final = 0.25
_OF_LIKE: Final = 0.25
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Rows of `WeekProfile.state`: means and sightings of half-hours, of half-hours of a kind of day, of all.
SIZE: Final = 2 * (A_WEEK + 2 * A_DAY + 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A half-hour of the week."""

    slot: int
    like: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where a moment lies in the local week. *holidays* are local dates (ISO), and count as Sundays."""

    zone: str = "UTC"
    holidays: frozenset[str] = field(default_factory=frozenset)

    def place(self, ts_ms: int) -> Place:
        """The half-hour of the local week at *ts_ms*."""
        local = (_EPOCH + timedelta(milliseconds=ts_ms)).astimezone(ZoneInfo(self.zone))
        day = _SUNDAY if local.date().isoformat() in self.holidays else local.weekday()
        half_hour = local.hour * 2 + local.minute // 30
        return Place(day * A_DAY + half_hour, (day >= 5) * A_DAY + half_hour)


class WeekProfile:
    """Means of the half-hours of a week. All of it lies in *state*, an array of `SIZE` numbers."""

    def __init__(self, state: Floats | None = None) -> None:
        self.state = np.zeros(SIZE) if state is None else state
        half = SIZE // 2
        self._mean, self._seen = self.state[:half], self.state[half:]

    def _levels(self, place: Place) -> tuple[int, int, int]:
        return A_WEEK + 2 * A_DAY, A_WEEK + place.like, place.slot

    def expected(self, place: Place) -> float:
        """The mean there; NaN before anything was seen."""
        means, seen = self._mean, self._seen
        widest, *narrower = self._levels(place)
        if seen[widest] <= 0.0:
            return float("nan")
        value = float(means[widest])
        for level in narrower:
            n = float(seen[level])
            value = (n * float(means[level]) + _BORROWED * value) / (n + _BORROWED)
        return value

    def doubt(self, place: Place) -> float:
        """The squared relative error of that mean."""
        _, like, slot = self._levels(place)
        return _UNSEEN / (1.0 + float(self._seen[slot]) + _OF_LIKE * float(self._seen[like])) ** 2

    def learn(self, place: Place, value: float, weight: float = 1.0) -> None:
        """Take in a value, cut to what is credible by the caller; *weight* in (0, 1] for what is less believed."""
        for level, most in zip(self._levels(place), (WEEKS * A_WEEK, WEEKS * 5, WEEKS), strict=True):
            seen = min(float(self._seen[level]) + weight, most)
            self._mean[level] += (value - self._mean[level]) * weight / max(seen, weight)
            self._seen[level] = seen

    def rescale(self, factor: float) -> None:
        """Every mean times *factor*: a new level that is here to stay."""
        self._mean *= factor
