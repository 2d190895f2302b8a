"""Slides: many values in a row that are each a little off. A one-sided CUSUM each way (Page 1954) over a count's test.

Values become standard normal scores by their own test (mid-p), so that one limit holds for every count; it follows from
the alarm budget by Siegmund's approximation. Scores of neighbours are alike, a busy day being busy all day: they are
made smaller by what that adds to the variance of a sum, so that the budget holds all the same.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import ClassVar, Final

from alerts.detect.budget import cusum_limit
from alerts.detect.contract import LIMIT_SCORE, Judged, Verdict, score_of
from alerts.detect.counts import Tails
from alerts.detect.ratio import RatioDetector
from alerts.detect.season import Place
from alerts.detect.volume import VolumeDetector
from alerts.detect.weekly import BLOCK_ROWS, BLOCK_SUM, BLOCKS, CUT, CUT_MEAN, DOWN, EXTRA, UP, Weekly

#: Half the slide that is to be found soonest, in deviations.
SLACK: Final = 0.5
#: One value counts for no more than this: a spike is another detector's.
SCORE_MOST: Final = 3.0
#: A sum goes no higher than so many limits, so that it comes down again soon after what drove it up.
SUM_MOST: Final = 1.5
#: Half-hours of a sum by which it is learned how alike neighbours are, how many such sums count, and what is assumed.
BLOCK, BLOCKS_KEPT, EXTRA_PRIOR, PRIOR_BLOCKS = 24.0, 112.0, 2.0, 6.0
#: Nothing is summed where a half-hour is known less well (squared relative error): a wrong profile is no slide.
DOUBT_MOST: Final = 0.045


class Slide(Weekly):
    """Mixed in before a detector of points: the same test, summed."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._sum_limit = cusum_limit(self.budget.run_length * self.sides, SLACK)

    def judge(self, place: Place, value: float, sample: float, expected: float, tails: Tails, *, learn: bool) -> Judged:
        """As `Weekly.judge`. The sums move only with what is learned."""
        point = super().judge(place, value, sample, expected, tails, learn=learn)
        if not isfinite(expected) or self._profile.doubt(place) > DOUBT_MOST:
            return Judged(point.expected, point.lower, point.upper)
        state = self._state
        score = self.standard(expected, tails)
        step = min(max(score, -SCORE_MOST), SCORE_MOST) / sqrt(self._extra())
        most = SUM_MOST * self._sum_limit
        up = min(max(float(state[UP]) + step - SLACK, 0.0), most)
        down = min(max(float(state[DOWN]) - step - SLACK, 0.0), most)
        if learn:
            state[UP], state[DOWN] = up, down
            self._block(score)
        reached = {"above": up, "below": down, "both": max(up, down)}[self.guard.side]
        # no smallest difference here: small ones are what a slide is made of
        score = score_of(reached, self._sum_limit)
        verdict = Verdict.ANOMALY if score >= LIMIT_SCORE else Verdict.NORMAL
        return Judged(point.expected, point.lower, point.upper, score, verdict)

    def _extra(self) -> float:
        """The variance of a sum of scores over that of as many unlike ones, at least 1."""
        known, blocks = float(self._state[EXTRA]), float(self._state[BLOCKS])
        return max((known * blocks + EXTRA_PRIOR * PRIOR_BLOCKS) / (blocks + PRIOR_BLOCKS), 1.0)

    def _block(self, score: float) -> None:
        """Learn that variance from sums of half a day."""
        state = self._state
        state[BLOCK_SUM] += min(max(score, -SCORE_MOST), SCORE_MOST)
        state[BLOCK_ROWS] += 1.0
        if state[BLOCK_ROWS] >= BLOCK:
            found = min(float(state[BLOCK_SUM]) ** 2 / BLOCK, CUT * self._extra()) / CUT_MEAN
            state[BLOCKS] = min(float(state[BLOCKS]) + 1.0, BLOCKS_KEPT)
            state[EXTRA] += (found - state[EXTRA]) / state[BLOCKS]
            state[BLOCK_SUM] = state[BLOCK_ROWS] = 0.0


class VolumeSlide(Slide, VolumeDetector):
    """Counts that run a little above, or below, for hours."""

    name: ClassVar[str] = "volume_slide"

    def level(self) -> float:
        """No level of late: it would follow the slide."""
        return 1.0


class RatioSlide(Slide, RatioDetector):
    """Ratios that run a little above, or below, for hours."""

    name: ClassVar[str] = "ratio_slide"
