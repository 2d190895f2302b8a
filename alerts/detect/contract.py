"""What every detector keeps to: one value at a time in, one judgement out, and a memory that can be taken along.

A detector is causal (a judgement follows from the values up to it), bounded (its snapshot does not grow), free of
chance and of clocks, and whole: a detector restored from a snapshot goes on as the one that gave it, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import nan
from typing import ClassVar, Final, Protocol

#: A score from here on is an alarm: the limit of the alarm budget, whatever the detector.
LIMIT_SCORE: Final = 0.5


class Verdict(StrEnum):
    """What a judgement comes to."""

    NORMAL = "normal"
    ANOMALY = "anomaly"
    #: Too little is known yet, the sample is too small, or there is no value.
    UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement of one value, in the unit of the value. NaN where nothing is known.

    *score* is 0 for what is most usual, `LIMIT_SCORE` at the limit, and nears 1.
    """

    expected: float = nan
    lower: float = nan
    upper: float = nan
    score: float = 0.0
    verdict: Verdict = Verdict.UNJUDGED


class Detector(Protocol):
    """One detector of one series. Adding one: a file with such a class, and its line in `alerts.detect.registry`."""

    #: Permanent: it stands in snapshots and settings.
    name: ClassVar[str]

    def update(self, ts_ms: int, value: float, sample: float = nan, *, learn: bool = True) -> Judged:
        """Judge *value* at *ts_ms*, then learn it.

        *sample* is how many stand behind a ratio (its denominator). With *learn* off (an open order, a planned event,
        an odd day) it is judged but leaves the norm as it is. A value that is not finite is a missing one.
        """
        ...

    def snapshot(self) -> bytes:
        """All that is remembered."""
        ...

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot of the same detector. Raises ValueError when it is none."""
        ...


def score_of(rarity: float, limit: float) -> float:
    """The score of a rarity (-log10 of a probability) at a *limit* of the same kind: 1/2 at the limit, never 1."""
    return rarity / (rarity + limit) if rarity > 0.0 else 0.0
