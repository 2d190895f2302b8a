"""Ratios of a half-hour (answered within the threshold, abandoned) against the half-hour of the week."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import ClassVar, Final

from alerts.detect.counts import Tails, beta_binomial
from alerts.detect.guard import Guard
from alerts.detect.season import Place
from alerts.detect.weekly import DAY_KEPT, DAY_MEAN, DAY_SEEN, EXCESS, OF, Weekly

#: Correlation of two calls of one half-hour that is assumed until it is known, what it weighs, and its most.
ALIKE_PRIOR, PRIOR_WEIGHT, ALIKE_MOST = 0.01, 20.0, 0.3
#: A ratio beyond so many deviations teaches no more than one at them; a sample of this size teaches fully.
CREDIBLE, FULL_SAMPLE = 2.5, 20.0
#: A ratio is expected to be no nearer to 0 and 1: the first failure in weeks is no outage.
EDGE: Final = 0.005


class RatioDetector(Weekly):
    """A beta-binomial test: binomial where calls are independent, wider as those of a half-hour are found alike."""

    name: ClassVar[str] = "ratio"

    @staticmethod
    def usual_guard() -> Guard:
        """Between 0 and 1; ten calls at least, and five points."""
        return Guard(min_sample=10.0, min_absolute=0.05, least=0.0, most=1.0)

    def usable(self, value: float, sample: float) -> bool:
        """As `Weekly.usable`: a ratio also needs calls behind it."""
        return super().usable(value, sample) and isfinite(sample) and 1.0 <= sample <= 1e9

    def alike(self, place: Place) -> float:
        """The correlation of two calls of one half-hour, the doubt about the mean included."""
        size = float(self._state[OF])
        found = max(float(self._state[EXCESS]) / max(size, 1e-9), 0.0)
        weight = PRIOR_WEIGHT * 100.0
        known = (found * size + ALIKE_PRIOR * weight) / (size + weight)
        return min(known + 0.2 * self._profile.doubt(place), ALIKE_MOST)

    def tails(self, place: Place, value: float, sample: float) -> tuple[float, Tails]:
        """As `Weekly.tails`."""
        expected = self._profile.expected(place)
        if not isfinite(expected):
            return expected, (1.0, 1.0)
        expected = min(max(expected, EDGE), 1.0 - EDGE)
        n = round(sample)
        return expected, beta_binomial(round(value * n), n, expected, self.alike(place))

    def band(self, place: Place, expected: float, sample: float, chance: float) -> tuple[float, float]:
        """The ratios whose tails are *chance*, by halving."""
        n, alike = round(sample), self.alike(place)

        def edge(above: bool) -> float:
            low, high = (int(expected * n), n + 1) if above else (-1, int(expected * n) + 1)
            while high - low > 1:
                middle = (low + high) // 2
                rare = beta_binomial(middle, n, expected, alike)[above] < chance
                if rare == above:
                    high = middle
                else:
                    low = middle
            return (high if above else low) / n

        return edge(above=False), edge(above=True)

    def teach(self, place: Place, value: float, sample: float, expected: float, weight: float) -> None:
        """As `Weekly.teach`."""
        weight *= min(sample / FULL_SAMPLE, 1.0)
        if not isfinite(expected):
            self._profile.learn(place, value, weight)
            return
        chance = expected * (1.0 - expected)
        variance = chance / sample * (1.0 + (sample - 1.0) * self.alike(place))
        reach = CREDIBLE * sqrt(variance)
        state = self._state
        state[DAY_SEEN] = DAY_KEPT * state[DAY_SEEN] + value * sample
        state[DAY_MEAN] = DAY_KEPT * state[DAY_MEAN] + expected * sample
        # in counts: variance n p q + n (n - 1) p q alike; both by n p q, so that large samples do not outweigh the rest
        scale = sample / max(chance, 1e-6)
        self.varied((value - expected) * sqrt(scale), variance * scale, 1.0, sample - 1.0)
        self._profile.learn(place, min(max(value, expected - reach), expected + reach), weight)
