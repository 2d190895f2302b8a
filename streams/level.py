"""The service level from the counters of a window or of an interval row: one place for both."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.formula import service_base, service_met
from streams.counters import (
    ABANDONED,
    ABANDONED_IN,
    ABANDONED_SHORT,
    ANSWERED,
    ANSWERED_IN,
    FLOWED_LATE,
    FLOWED_OUT,
)


@njit(cache=True, nogil=True, _nrt=False)
def service(n: NDArray[np.int64], formula: int, flow_out: int) -> tuple[int, int]:
    """Of the counters *n*: the calls that met the threshold, and those that they are a share of (`models.formula`)."""
    base = service_base(
        formula,
        flow_out,
        n[ANSWERED],
        n[ABANDONED],
        n[ABANDONED_IN],
        n[ABANDONED_SHORT],
        n[FLOWED_OUT],
        n[FLOWED_LATE],
    )
    return service_met(formula, n[ANSWERED_IN], n[ABANDONED_IN]), base
