"""One bucket of all queues: the kernels in their order, and the figures that they write."""

from __future__ import annotations

from math import isnan

import numpy as np
from numba import njit
from numpy.typing import NDArray

from alerts.habit.judge import note
from alerts.habit.learn import expect_since, turn
from alerts.habit.state import CLEAN, HALF, HALF_MS, OUTS, SUBJECTS, Habits, Ready


@njit(cache=True, nogil=True)
def pass_time(
    state: Habits, made: Ready, rows: int, now_ms: int, gap: bool, days: NDArray[np.int64], slots: NDArray[np.int64],
    figures: NDArray[np.float64], columns: NDArray[np.int64], slide_limit: float,
) -> None:  # fmt: skip
    """Time has passed to *now_ms* for the first *rows* queues; after a *gap* of clocks this half-hour is not whole.

    *days* and *slots* say for each row the local day and the half-hours of the week around the present one.
    """
    for q in range(rows):
        if made.row[q] < 0:
            continue
        if gap and state.whole[q, CLEAN] != 0:
            state.whole[q, CLEAN] = 0
            made.dirty[q] = 1
        if state.whole[q, HALF] != now_ms // HALF_MS:
            turn(state, made, q, now_ms, days[q], slots[q], figures, columns, slide_limit)


@njit(cache=True, nogil=True)
def note_all(
    state: Habits, made: Ready, rows: int, now_ms: int, figures: NDArray[np.float64], is_open: int, complete: int,
    may_learn: NDArray[np.uint8], plan: NDArray[np.float64],
) -> None:  # fmt: skip
    """Note of each queue what the figures and the plans say in this bucket. *is_open* and *complete* are columns."""
    for q in range(rows):
        at = made.row[q]
        if at < 0:
            continue
        note(
            state, made, q, now_ms, figures[at, is_open] != 0.0, figures[at, complete] != 0.0, may_learn[q] != 0
        )  # fmt: skip
        for n in range(2):
            before = state.plan[q, n]
            if plan[q, n] != before and not (isnan(plan[q, n]) and isnan(before)):
                state.plan[q, n] = plan[q, n]
                made.dirty[q] = 1
        expect_since(state, made, q, now_ms)


@njit(cache=True, nogil=True)
def write(
    state: Habits, made: Ready, rows: int, figures: NDArray[np.float64], scores: NDArray[np.int64],
    usual: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write scores and expectations as they were judged last into *figures*."""
    for q in range(rows):
        at = made.row[q]
        if at < 0:
            continue
        for subject in range(SUBJECTS):
            for w in range(OUTS):
                figures[at, scores[subject, w]] = state.out[q, subject, w]
        for n in range(len(usual)):
            figures[at, usual[n]] = made.usual[q, n]
