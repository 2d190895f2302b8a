"""How long callers are willing to wait, estimated from those who did and those who did not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

#: What is believed of a queue that nothing is known of, and how many hang-ups that belief is worth. Measured means go
#: from one minute to ten (Brown et al. 2005, "Statistical analysis of a telephone call center", JASA 100, section 5).
PRIOR_S: Final = 180.0
PRIOR_WEIGHT: Final = 10.0
#: Fewer hang-ups than this say less than the belief does: the estimate is then called not sure.
ABANDONED_MIN: Final = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """Mean patience in seconds with the bounds between which it lies at 90 %; *sure* when enough callers hung up."""

    mean_s: float
    low_s: float
    high_s: float
    abandoned: int
    sure: bool


def patience(abandoned: int, waited_s: float, prior_s: float = PRIOR_S, prior_weight: float = PRIOR_WEIGHT) -> Patience:
    """Mean patience from *abandoned* callers out of all who waited *waited_s* seconds together, answered ones included.

    theta = abandoned / waited, which is abandonment rate over mean wait, is the likeliest rate of hanging up when
    answers cut patience short (Mandelbaum and Zeltyn 2007, section 5). It is drawn towards *prior_s* as if
    *prior_weight* more callers of that patience had hung up: the mean of the gamma law conjugate to it. Raises
    ValueError for negative counts, or a belief that is none.
    """
    if abandoned < 0 or not waited_s >= 0 or not (prior_s > 0 and prior_weight > 0):
        raise ValueError(f"no patience from {abandoned} abandoned, {waited_s} s waited, prior {prior_s} s")
    shape, total_s = abandoned + prior_weight, waited_s + prior_weight * prior_s
    return Patience(
        mean_s=total_s / shape,
        low_s=total_s / _gamma_quantile(shape, 1.645),
        high_s=total_s / _gamma_quantile(shape, -1.645),
        abandoned=abandoned,
        sure=abandoned >= ABANDONED_MIN,
    )


def _gamma_quantile(shape: float, z: float) -> float:
    """The quantile of the gamma law of *shape* and scale 1 at *z* standard deviations (Wilson and Hilferty 1931)."""
    root = 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))
    return shape * max(root, 1e-3) ** 3
