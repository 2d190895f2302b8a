"""The figures that nearly every call changes, of one window, from its counters.

Written out one by one: they are computed for every queue at nearly every clock.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import CHANNELS, LINES
from models.formula import ratio
from models.metric import FIGURES, WINDOWS
from streams.counters import (
    ABANDONED,
    ABANDONED_SHORT,
    ANSWERED,
    BLOCKED,
    CALLBACK_FAILED,
    CHANNEL_AT,
    COMPLETED,
    FLOWED_OUT,
    HANDLE_MS,
    IVR_ABANDONED,
    LINE_AT,
    NEGATIVE,
    NETTED,
    OFFERED,
    QUEUED,
    QUEUED_PEAK,
    TALK_MS,
    WAIT_ELSE_MS,
    WAIT_KNOWN,
    WAIT_MS,
    WAITED_ELSE,
    WAITED_PEAK,
)
from streams.level import service
from streams.store import DAY

USUAL: Final = (
    *("offered", "answered", "abandoned", "flowed_out", "ivr_abandoned", "blocked", "arrivals", "outcomes"),
    *("completed", "service_sample", "service_level", "service_level_live", "answer_rate", "overall_answer_rate"),
    *("abandonment_rate", "unreached_share", "short_abandons", "lost_calls", "negative_waits", "speed_of_answer_ms"),
    *("talk_ms", "handle_ms", "queued_share", "patience_ms"),
)
#: Column of the first figure of each window; these lie at the same distances from it in every one.
_FIRST = np.array([FIGURES[("offered", w)] for w in WINDOWS], np.int64)
_AT: Final = tuple(FIGURES[(m, "1m")] - FIGURES[("offered", "1m")] for m in USUAL)
assert all(
    FIGURES[(m, w)] == first + at
    for w, first in zip(WINDOWS, _FIRST, strict=True)
    for m, at in zip(USUAL, _AT, strict=True)
)
_OFFERED, _ANSWERED, _ABANDONED, _FLOWED_OUT, _IVR_ABANDONED, _BLOCKED, _ARRIVALS, _OUTCOMES = _AT[:8]
_COMPLETED, _SAMPLE, _LEVEL, _LIVE, _ANSWER_RATE, _OVERALL = _AT[8:14]
_ABANDONMENT, _UNREACHED, _SHORT, _LOST, _NEGATIVE, _SPEED, _TALK, _HANDLE, _QUEUED, _PATIENCE = _AT[14:]

#: ``(windows, offered / answered / abandoned)`` column of the usual line and channel, -1 where there is none.
_WHAT: Final = ("offered", "answered", "abandoned")
_LINE = np.array([[FIGURES.get((f"line_other_{m}", w), -1) for m in _WHAT] for w in WINDOWS], np.int64)
_CHANNEL = np.array([[FIGURES.get((f"channel_voice_{m}", w), -1) for m in _WHAT] for w in WINDOWS], np.int64)
_LINES, _CHANNELS = len(LINES), len(CHANNELS)
_PEAK: Final = FIGURES[("queued_share_peak", "day")]
#: Columns that `fill_usual` fills.
FILLED: Final = [
    *(FIGURES[(m, w)] for m in USUAL for w in WINDOWS),
    *(int(column) for table in (_LINE, _CHANNEL) for column in table[table >= 0]),
    _PEAK,
]


@njit(cache=True, nogil=True, _nrt=False)
def fill_usual(out: NDArray[np.float64], w: int, s: NDArray[np.int64], formula: int, flow_out: int, past: int) -> None:
    """Fill the usual figures of window number *w* from its counters *s* into *out*, a row of figures.

    *past* calls wait past the threshold now.
    """
    c = _FIRST[w]
    unreached = s[IVR_ABANDONED] + s[BLOCKED]
    outcomes = s[ANSWERED] + s[ABANDONED] + s[FLOWED_OUT]
    out[c + _OFFERED], out[c + _ANSWERED], out[c + _ABANDONED] = s[OFFERED], s[ANSWERED], s[ABANDONED]
    out[c + _FLOWED_OUT], out[c + _IVR_ABANDONED], out[c + _BLOCKED] = s[FLOWED_OUT], s[IVR_ABANDONED], s[BLOCKED]
    out[c + _ARRIVALS], out[c + _OUTCOMES], out[c + _COMPLETED] = s[OFFERED] + unreached, outcomes, s[COMPLETED]
    out[c + _SHORT], out[c + _NEGATIVE] = s[ABANDONED_SHORT], s[NEGATIVE]
    out[c + _LOST] = unreached + s[ABANDONED] + s[CALLBACK_FAILED]
    out[c + _ANSWER_RATE] = ratio(s[ANSWERED], outcomes)
    out[c + _OVERALL] = ratio(s[ANSWERED], outcomes + unreached)
    out[c + _ABANDONMENT] = ratio(s[ABANDONED], outcomes)
    out[c + _UNREACHED] = ratio(unreached, s[OFFERED] + unreached)
    out[c + _SPEED] = ratio(s[WAIT_MS], s[WAIT_KNOWN])
    out[c + _TALK] = ratio(s[TALK_MS], s[COMPLETED])
    out[c + _HANDLE] = ratio(s[HANDLE_MS], s[COMPLETED])
    out[c + _QUEUED] = ratio(s[QUEUED], s[WAIT_KNOWN] + s[WAITED_ELSE])
    out[c + _PATIENCE] = ratio(s[WAIT_MS] + s[WAIT_ELSE_MS], s[ABANDONED])
    met, base = service(s, formula, flow_out)
    out[c + _SAMPLE] = base + past
    out[c + _LEVEL] = ratio(met, base)
    out[c + _LIVE] = ratio(met, base + past)
    if w == DAY:
        out[_PEAK] = ratio(s[QUEUED_PEAK], s[WAITED_PEAK])
    if _LINE[w, 0] >= 0:
        _fill_usual_splits(out, w, s)


@njit(cache=True, nogil=True, _nrt=False)
def _fill_usual_splits(out: NDArray[np.float64], w: int, s: NDArray[np.int64]) -> None:
    """Fill the figures of the usual line and channel: all calls but those of the others."""
    for what in range(3):
        line = channel = s[what] + (s[NETTED] if what == 0 else 0)  # OFFERED, ANSWERED, ABANDONED
        for n in range(_LINES):
            line -= s[LINE_AT[n, what]] if LINE_AT[n, what] >= 0 else 0
        for n in range(_CHANNELS):
            channel -= s[CHANNEL_AT[n, what]] if CHANNEL_AT[n, what] >= 0 else 0
        out[_LINE[w, what]], out[_CHANNEL[w, what]] = line, channel


assert (OFFERED, ANSWERED, ABANDONED) == (0, 1, 2)
