"""Which figures the sums of `alerts.habit.state` are read from, and which columns are written."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.habit.subjects import EXPECTED, EXPECTED_OVER, RESOLVE, ROLLING, SUBJECTS, WINDOWS
from models.metric import figure

#: In the order of the sums; those that are ratios or means are made sums by their sample (`alerts.habit.judge`).
_READ: Final = (
    "offered", "arrivals", "ivr_abandoned", "blocked", "outcomes", "abandoned", "queued_share", "service_sample",
    "service_level_live", "callbacks_attempted", "callbacks_failed", "completed", "talk_ms", "answered",
    "speed_of_answer_ms",
)  # fmt: skip


def read_columns() -> NDArray[np.int64]:
    """``(windows, sums)``: the rolling windows and "resolve"."""
    return np.array([[figure(m, w) for m in _READ] for w in (*ROLLING, RESOLVE)], np.int64)


def score_columns() -> NDArray[np.int64]:
    """``(subjects, windows)`` that scores are written to."""
    return np.array([[figure(subject.id, w) for w in WINDOWS] for subject in SUBJECTS], np.int64)


def usual_columns() -> NDArray[np.int64]:
    """Those that expectations are written to."""
    return np.array([figure(mid, EXPECTED_OVER) for _, mid in EXPECTED], np.int64)


#: Figures of the present that say whether a queue is open, and its data complete.
OPEN, COMPLETE = figure("open", "now"), figure("data_complete", "now")
#: A queue that had no call has no habit: what says that it had one.
CALLS: Final = (figure("arrivals", "30m"), figure("outcomes", "30m"))
