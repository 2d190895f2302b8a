"""The figures that few events change, of one window: two tables of counters and the kernel that goes through them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import CHANNELS, LINES
from models.formula import ratio
from models.metric import FIGURES, WINDOWS
from streams import counters

_COUNTS: Final[dict[str, int]] = {
    "outbound": counters.OUTBOUND,
    "outbound_connected": counters.OUTBOUND_CONNECTED,
    "flowed_in": counters.INNER_ALL,
    "callbacks_requested": counters.CALLBACK_REQUESTED,
    "callbacks_attempted": counters.CALLBACK_ATTEMPTED,
    "callbacks_connected": counters.CALLBACK_CONNECTED,
    "callbacks_failed": counters.CALLBACK_FAILED,
    "ratings": counters.RATINGS,
    "scores": counters.SCORES,
    "resolutions": counters.RESOLUTIONS,
    "test_calls": counters.PROBES,
    "login_failures": counters.LOGIN_FAILED,
    "lost_callers": counters.LOST_CALLERS,
    "recovered_callers": counters.RECOVERED_CALLERS,
} | {
    f"{kind}_{word}_{what}": int(table[n, at])
    for kind, words, table in (("line", LINES, counters.LINE_AT), ("channel", CHANNELS, counters.CHANNEL_AT))
    for n, word in enumerate(words)
    for at, what in enumerate(("offered", "answered", "abandoned"))
    if table[n, at] >= 0
}
#: Above and below the line, and what the quotient is divided by: sums in thousandths become whole.
_QUOTIENTS: Final[dict[str, tuple[int, int, int]]] = {
    "rating": (counters.RATING_MILLI, counters.RATINGS, 1000),
    "quality_score": (counters.SCORE_MILLI, counters.SCORES, 1000),
    "first_contact_resolution": (counters.RESOLVED, counters.RESOLUTIONS, 1),
    "test_call_success": (counters.PROBES_OK, counters.PROBES, 1),
}

#: Column and counter of each count, window by window, and where those of each window end.
_COUNT = np.array([[FIGURES[(m, w)], c] for w in WINDOWS for m, c in _COUNTS.items() if (m, w) in FIGURES], np.int64)
_COUNT_END = np.cumsum([sum((m, w) in FIGURES for m in _COUNTS) for w in WINDOWS])
#: Column, counters above and below, and scale of each quotient; they have every window.
_QUOTIENT = np.array([[[FIGURES[(m, w)], *of] for m, of in _QUOTIENTS.items()] for w in WINDOWS], np.int64)
#: Columns that `fill_rare` fills.
FILLED: Final = [*(int(at) for at in _COUNT[:, 0]), *(int(at) for at in _QUOTIENT[:, :, 0].ravel())]


@njit(cache=True, nogil=True, _nrt=False)
def fill_rare(out: NDArray[np.float64], w: int, s: NDArray[np.int64]) -> None:
    """Fill the rare figures of window number *w* from its counters *s* into *out*, a row of figures."""
    for n in range(_COUNT_END[w - 1] if w > 0 else 0, _COUNT_END[w]):
        out[_COUNT[n, 0]] = s[_COUNT[n, 1]]
    for n in range(_QUOTIENT.shape[1]):
        of = _QUOTIENT[w, n]
        out[of[0]] = ratio(s[of[1]], s[of[2]] * of[3])
