"""Which figures a row of ``metrics`` shows: those that are defined."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.metric import FIGURES, SCORES, SPLITS

_NAMES: Final = np.array([f"{metric}@{window}" for metric, window in FIGURES], object)
#: Those whose 0 says nothing: none of a line or channel, nothing unusual.
_ABOVE_0: Final = np.array([metric in SPLITS or metric in SCORES for metric, _ in FIGURES])


def shown(row: NDArray[np.float64]) -> dict[str, float]:
    """The figures of *row* by ``metric@window``: without undefined ones; by line and channel, and of
    those that say how unusual something is, only what is above 0."""
    at = np.flatnonzero(~np.isnan(row) & ~(_ABOVE_0 & (row == 0)))
    return dict(zip(_NAMES[at].tolist(), row[at].tolist(), strict=True))
