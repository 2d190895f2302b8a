"""Counts of a half-hour (calls offered) against the half-hour of the week and the level of late."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar, Final

from alerts.detect.counts import Tails, negative_binomial
from alerts.detect.guard import Guard
from alerts.detect.season import Place
from alerts.detect.weekly import (
    ANOMALY_TEACHES,
    DAY_KEPT,
    DAY_MEAN,
    DAY_SEEN,
    EXCESS,
    LEVEL_LEAST,
    LEVEL_MOST,
    LEVEL_PRIOR,
    OF,
    RECENT_KEPT,
    RECENT_MEAN,
    RECENT_SEEN,
    Weekly,
)  # fmt: skip

#: Squared relative variation that is assumed until it is known: 10 % from day to day; what it weighs.
SPREAD_PRIOR, PRIOR_WEIGHT = 0.01, 20.0
#: A count beyond so many deviations teaches no more than one at them.
CREDIBLE: Final = 2.5


class VolumeDetector(Weekly):
    """A negative binomial test: Poisson where chance is all, wider as the days are found to differ by more."""

    name: ClassVar[str] = "volume"

    @staticmethod
    def usual_guard() -> Guard:
        """A count is no less than nothing; five calls or a fifth more or less wake nobody."""
        return Guard(min_absolute=5.0, min_relative=0.2, least=0.0, most=1e12)

    def spread(self, place: Place) -> float:
        """The squared relative variation beyond chance, the doubt about the mean included."""
        size = float(self._state[OF])
        mean_size = max(size, 1e-9)
        found = max(float(self._state[EXCESS]) / mean_size, 0.0)
        # what a prior of PRIOR_WEIGHT half-hours of 100 calls weighs
        weight = PRIOR_WEIGHT * 1e4
        return (found * size + SPREAD_PRIOR * weight) / (size + weight) + self._profile.doubt(place)

    def level(self) -> float:
        """What was of late over what the profile says of it: 1 where nothing is known."""
        seen, mean = self._state[RECENT_SEEN], self._state[RECENT_MEAN]
        return float(min(max((seen + LEVEL_PRIOR) / (mean + LEVEL_PRIOR), LEVEL_LEAST), LEVEL_MOST))

    def tails(self, place: Place, value: float, sample: float) -> tuple[float, Tails]:
        """As `Weekly.tails`."""
        expected = self._profile.expected(place) * self.level()
        return expected, negative_binomial(round(value), expected, self.spread(place))

    def band(self, place: Place, expected: float, sample: float, chance: float) -> tuple[float, float]:
        """The counts whose tails are *chance*, by halving."""
        spread = self.spread(place)

        def edge(above: bool) -> float:
            low, high = (int(expected), int(4 * expected + 60)) if above else (0, int(expected) + 1)
            while high - low > 1:
                middle = (low + high) // 2
                rare = negative_binomial(middle, expected, spread)[above] < chance
                if rare == above:
                    high = middle
                else:
                    low = middle
            return float(high if above else low)

        return edge(above=False), edge(above=True)

    def teach(self, place: Place, value: float, sample: float, expected: float, weight: float) -> None:
        """As `Weekly.teach`."""
        state, usual = self._state, self._profile.expected(place)
        if not usual >= 0.0:
            self._profile.learn(place, value)
            return
        variance = expected + self.spread(place) * expected**2
        reach = CREDIBLE * sqrt(variance) + 1.0
        credible = min(max(value, expected - reach), expected + reach)
        state[DAY_SEEN] = DAY_KEPT * state[DAY_SEEN] + value
        state[DAY_MEAN] = DAY_KEPT * state[DAY_MEAN] + usual
        kept = RECENT_KEPT if weight > ANOMALY_TEACHES else 1.0
        state[RECENT_SEEN] = kept * state[RECENT_SEEN] + (credible if kept < 1.0 else 0.0)
        state[RECENT_MEAN] = kept * state[RECENT_MEAN] + (usual if kept < 1.0 else 0.0)
        self.varied(value - expected, variance, expected, expected**2)
        self._profile.learn(place, credible, weight)

    def adopt(self) -> float:
        """The level of the last day is here to stay. Returns by what the profile was multiplied."""
        state = self._state
        if state[DAY_MEAN] <= 0.0:
            return 1.0
        factor = float(state[DAY_SEEN] / state[DAY_MEAN])
        self._profile.rescale(factor)
        for place in (DAY_SEEN, DAY_MEAN, RECENT_SEEN, RECENT_MEAN):
            state[place] = 0.0
        return factor
