"""The formulas of the figures, once, as scalar functions that kernels, pages and reports share.

NaN is undefined: never 100 % of nothing.
"""

from __future__ import annotations

import math

from numba import njit

from models.catalogue import FlowOut, Formula

_SHORT_EXCLUDED = int(Formula.SHORT_EXCLUDED)
_IGNORED = int(Formula.IGNORED)
_ANSWERED_ONLY = int(Formula.ANSWERED_ONLY)
_POSITIVE = int(Formula.POSITIVE)
_AGAINST = int(FlowOut.AGAINST)
_LATE_ONLY = int(FlowOut.LATE_ONLY)


@njit(cache=True, nogil=True)
def ratio(part: float, whole: float) -> float:
    """*part* / *whole*, NaN when *whole* is not positive."""
    if whole <= 0:
        return math.nan
    return part / whole


@njit(cache=True, nogil=True)
def service_base(
    formula: int, flow_out: int, answered: int, abandoned: int, abandoned_in: int, short: int, flowed: int, late: int
) -> int:
    """Denominator of the service level: the calls that it judges.

    *formula* is a `Formula`, *flow_out* a `FlowOut`; the counts are answered, abandoned, abandoned within the
    threshold, short abandons, flowed out and flowed out after the threshold. Source: DESIGN section 4 (Cisco negative,
    Talkdesk, Cisco ignored, 公式二, Cisco positive / Amazon Connect, in the order of `Formula`).
    """
    if formula == _ANSWERED_ONLY:
        return answered
    base = answered + abandoned
    if formula == _SHORT_EXCLUDED:
        base -= short
    elif formula == _IGNORED:
        base -= abandoned_in
    if flow_out == _AGAINST:
        base += flowed
    elif flow_out == _LATE_ONLY:
        base += late
    return base


@njit(cache=True, nogil=True)
def service_met(formula: int, answered_in: int, abandoned_in: int) -> int:
    """Numerator of the service level: answered within the threshold, with `POSITIVE` the abandons within it too."""
    if formula == _POSITIVE:
        return answered_in + abandoned_in
    return answered_in
