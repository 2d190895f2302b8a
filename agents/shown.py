"""Which figures a row of ``metrics`` shows: those that are defined."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.metric import FIGURES, SPLITS

_NAMES: Final = np.array([f"{metric}@{window}" for metric, window in FIGURES], object)
_IS_SPLIT: Final = np.array([metric in SPLITS for metric, _ in FIGURES])


def shown(row: NDArray[np.float64]) -> dict[str, float]:
    """The figures of *row* by ``metric@window``: without undefined ones, by line and channel only those above 0."""
    at = np.flatnonzero(~np.isnan(row) & ~(_IS_SPLIT & (row == 0)))
    return dict(zip(_NAMES[at].tolist(), row[at].tolist(), strict=True))
