"""When a rare value is still no reason to wake anybody: too few calls, too small a difference, the good side."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

from alerts.detect.contract import LIMIT_SCORE, Judged, Verdict, score_of

#: Which side of the expectation matters.
Side = Literal["both", "above", "below"]
#: A score that is held back by a guard stays just below the limit.
_HELD: float = LIMIT_SCORE - 1e-6


@dataclass(frozen=True, slots=True)
class Guard:
    """All of them must hold for an anomaly. *least* and *most* are what the figure can be at all."""

    side: Side = "both"
    min_sample: float = 0.0
    min_absolute: float = 0.0
    min_relative: float = 0.0
    least: float = -inf
    most: float = inf

    def possible(self, value: float) -> float:
        """*value* clipped to what the figure can be."""
        return min(max(value, self.least), self.most)

    def on_side(self, value: float, expected: float) -> bool:
        """Whether *value* lies on the side that matters."""
        return self.side == "both" or (value > expected) == (self.side == "above")

    def matters(self, value: float, expected: float) -> bool:
        """Whether the difference is large enough, in itself and against what was expected."""
        away = abs(value - expected)
        return away >= self.min_absolute and away >= self.min_relative * abs(expected)

    def judged(self, value: float, expected: float, band: tuple[float, float], rarity: float, limit: float) -> Judged:
        """The judgement of a rarity against its *limit*."""
        score = score_of(rarity, limit) if self.on_side(value, expected) else 0.0
        if not self.matters(value, expected):
            score = min(score, _HELD)
        verdict = Verdict.ANOMALY if score >= LIMIT_SCORE else Verdict.NORMAL
        lower, upper = (self.possible(edge) for edge in band)
        return Judged(expected, min(lower, expected), max(upper, expected), score, verdict)
