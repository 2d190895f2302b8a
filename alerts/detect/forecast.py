"""The next row, from the rows before it: a linear forecast that learns online and robustly.

Inputs are differences to the last row: recent ones, levels, the medians of past seasons and what followed the nearest
shape. Weights are a ridge regression (Hoerl & Kennard 1970) of exponentially weighted moments, outliers weighing less
(Huber 1964).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from alerts.detect.memory import (
    AT,
    DIFFERENCES,
    FAST,
    INPUTS,
    LONG,
    LONG_DEV,
    NEAREST,
    PERIOD_1,
    PERIOD_2,
    SLOW,
    Floats,
    Memory,
)

#: Past seasons of which the median is taken: one bad day among four is no norm.
SEASONS: Final = 4
#: Rows of memory of the moments.
MEMORY_ROWS: Final = 2048.0
_RIDGE: Final = 2e-4


@njit(cache=True, nogil=True)
def median_of(values: Floats, n: int) -> float:
    """The median of the first *n* of *values*, which are put in order."""
    for i in range(1, n):
        v, j = values[i], i - 1
        while j >= 0 and values[j] > v:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = v
    return float(values[n // 2] if n % 2 else 0.5 * (values[n // 2 - 1] + values[n // 2]))


@njit(cache=True, nogil=True)
def season(memory: Memory, period: float, rise: bool) -> float:
    """The median of the rows whole periods before the coming one, or of their rises. NaN without any."""
    at = memory.whole[AT]
    found = np.empty(SEASONS)
    n = 0
    for k in range(1, SEASONS + 1):
        i = at - int(k * period + 0.5)
        if period < 2.0 or i < 1:
            break
        found[n] = memory.clean[i] - memory.clean[i - 1] if rise else memory.clean[i]
        n += 1
    return float(median_of(found, n) if n else np.nan)


@njit(cache=True, nogil=True)
def prepare(memory: Memory) -> None:
    """Fill `memory.inputs` for the coming row."""
    at, inputs = memory.whole[AT], memory.inputs
    inputs[:] = 0.0
    last = memory.clean[at - 1]
    for d in range(DIFFERENCES):
        if at - 2 - d >= 0:
            inputs[d] = memory.clean[at - 2 - d] - last
    inputs[DIFFERENCES] = memory.real[FAST] - last
    inputs[DIFFERENCES + 1] = memory.real[SLOW] - last
    inputs[DIFFERENCES + 2] = memory.real[LONG] - last
    at_input = DIFFERENCES + 3
    for place in (PERIOD_1, PERIOD_2):
        period = memory.real[place]
        rise, level = season(memory, period, True), season(memory, period, False)
        if not np.isnan(rise):
            inputs[at_input] = rise
            inputs[at_input + 1] = level - last
        at_input += 2
    near = memory.whole[NEAREST]
    if near >= 0 and near + 1 < at:
        inputs[at_input] = memory.raw[near + 1] - memory.raw[near]


@njit(cache=True, nogil=True)
def expected(memory: Memory) -> float:
    """What the coming row should be, kept within what the series does."""
    last = memory.clean[memory.whole[AT] - 1]
    step = 0.0
    for i in range(INPUTS):
        step += memory.weights[i] * memory.inputs[i]
    most = 8.0 * memory.real[LONG_DEV]
    return float(last + min(max(step, -most), most))


@njit(cache=True, nogil=True)
def learn(memory: Memory, value: float, weight: float, rows: int) -> None:
    """Take *value* (cleaned) into the moments, *rows* being those seen."""
    last = memory.clean[memory.whole[AT] - 1]
    rate = weight * max(1.0 / MEMORY_ROWS, 1.0 / (rows + 1.0))
    target = value - last
    for i in range(INPUTS):
        a = memory.inputs[i]
        for j in range(i + 1):
            memory.gram[i, j] += rate * (a * memory.inputs[j] - memory.gram[i, j])
        memory.right[i] += rate * (a * target - memory.right[i])


@njit(cache=True, nogil=True)
def solve(memory: Memory, rows: int) -> None:
    """New weights from the moments, by Cholesky. They stay as they are where nothing varies."""
    trace = 0.0
    for i in range(INPUTS):
        trace += memory.gram[i, i]
    if not trace > 0.0:
        return
    ridge = (_RIDGE + 1.0 / (rows + 1.0)) * trace / INPUTS
    root = np.zeros((INPUTS, INPUTS))
    for i in range(INPUTS):
        for j in range(i + 1):
            total = memory.gram[i, j] + (ridge if i == j else 0.0)
            for k in range(j):
                total -= root[i, k] * root[j, k]
            if i == j:
                root[i, i] = np.sqrt(max(total, 1e-12 * trace))
            else:
                root[i, j] = total / root[j, j]
    half = np.zeros(INPUTS)
    for i in range(INPUTS):
        total = memory.right[i]
        for k in range(i):
            total -= root[i, k] * half[k]
        half[i] = total / root[i, i]
    for i in range(INPUTS - 1, -1, -1):
        total = half[i]
        for k in range(i + 1, INPUTS):
            total -= root[k, i] * memory.weights[k]
        memory.weights[i] = total / root[i, i]


@njit(cache=True, nogil=True)
def forget_seasons(memory: Memory) -> None:
    """What was learned of inputs whose meaning changes with the period is no longer true."""
    for i in range(DIFFERENCES + 3, INPUTS):
        memory.right[i] = 0.0
        for j in range(INPUTS):
            memory.gram[max(i, j), min(i, j)] = 0.0
