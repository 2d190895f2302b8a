"""The kernel judges as its slow twin does, on states and figures drawn at random."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.habit.columns import read_columns
from alerts.habit.judge import judge, read_window
from alerts.habit.limits import limits_of
from alerts.habit.norm import prepare
from alerts.habit.state import HALF_MS, ROLLING, SUMS, Habits, habits, ready
from benchmarks.habit_weeks import fill
from models.metric import FIGURES
from tests.alerts.habit import twin

#: The first of them may have to wait for kernels to be compiled.
pytestmark = pytest.mark.timeout(900)

QUEUES = 40
NOW_MS = 964_975 * HALF_MS + 1_234_000


def drawn(random: np.random.Generator) -> Habits:
    """Queues of which this and that is known."""
    state = habits(QUEUES)
    state.week[:, :, 0] = random.choice([0.0, 1.0, 3.0, 8.0], state.week.shape[:2])
    state.week[:, -1, 0] = 100.0
    state.week[:, :, 1] = random.gamma(2.0, 40.0, (QUEUES, 1)) * random.uniform(0.5, 1.5, state.week.shape[:2])
    calls = random.integers(0, 300, state.like.shape[:2])
    calls[:, -1] = random.choice([10, 5000], QUEUES)
    state.like[:, :, 0] = np.maximum(calls / 20.0, 1.0)
    for _, below in twin.SUMS:
        state.like[:, :, below] = calls
    for above, _ in twin.SUMS:
        state.like[:, :, above] = calls * random.uniform(0, 0.5, calls.shape)
    for above, _ in twin.SUMS[6:]:
        state.like[:, :, above] = calls * random.uniform(1000, 3000, calls.shape)
    state.vary[:, :, :, 0] = random.normal(50.0, 100.0, state.vary.shape[:3])
    state.vary[:, :, :, 1] = random.choice([20.0, 3e3, 1e5], state.vary.shape[:3])
    state.vary[:, 7:, :, 0] = state.vary[:, 7:, :, 1] * random.uniform(0.5, 4.0, state.vary[:, 7:, :, 1].shape)
    state.late[:, 9, 0] = random.uniform(0, 600, QUEUES)
    state.late[:, 9, 1] = random.uniform(0, 600, QUEUES)
    state.whole[:, 10:14] = (random.integers(0, 336, QUEUES)[:, None] + np.arange(4)) % 336
    opened = np.array([0, NOW_MS - 400_000, NOW_MS - 1_500_000])
    state.whole[:, 6], state.whole[:, 7] = random.choice(opened, QUEUES), 0
    return state


def counted(random: np.random.Generator, state: Habits, w: int) -> np.ndarray:
    """Sums of a window, some as usual, some not."""
    sums = np.zeros((QUEUES, SUMS), np.int64)
    offered = state.week[:, 0, 1] * (1 / 30, 1 / 6, 1 / 2, 1.0)[w] * random.choice([0.05, 0.7, 1.0, 1.5, 3.0], QUEUES)
    sums[:, 0] = random.poisson(offered)
    for _, below in twin.SUMS:
        sums[:, below] = sums[:, 0]
    sums[:, 1] += random.integers(0, 5, QUEUES)
    for above, below in twin.SUMS:
        sums[:, above] = random.binomial(sums[:, below], random.choice([0.01, 0.2, 0.5, 0.9]))
    for above, below in twin.SUMS[6:]:
        sums[:, above] = sums[:, below] * random.integers(300, 9000, QUEUES)
    return sums


@pytest.mark.parametrize("seed", range(6))
def test_the_kernel_judges_as_its_slow_twin(seed: int) -> None:
    random, limits = np.random.default_rng(seed), limits_of(1.0)
    state, made, read = drawn(random), ready(QUEUES), read_columns()
    made.row[:] = np.arange(QUEUES)
    figures = np.full((QUEUES, len(FIGURES)), np.nan)
    for w in range(ROLLING):
        fill(figures, read[w], counted(random, state, w))
    for q in range(QUEUES):
        prepare(state, made, q)
    judge(state, made, QUEUES, NOW_MS, figures, read, limits.rarity, limits.slide, limits.guards)
    found, told = np.zeros(SUMS), 0
    for q in range(QUEUES):
        for w in range(ROLLING):
            read_window(figures[q], read[w], found)
            wanted = twin.scores(state, q, w, NOW_MS, found, float(limits.rarity[w]), limits.guards)
            here = state.out[q, :, w].tolist()
            told += sum(one > 0.5 for one in here)
            for subject, (one, other) in enumerate(zip(here, wanted, strict=True)):
                near = abs(one - other) <= 2e-3 * max(1.0, other) or (max(one, other) < 0.502 and min(one, other) == 0)
                both = np.isnan(one) == np.isnan(other)
                assert both and (np.isnan(one) or near), (q, w, subject, one, other)  # noqa: PT018
        for subject in range(10):
            row = state.out[q, subject]
            assert row[5] == np.nanmax(row[:4]) if not np.isnan(row[:4]).all() else np.isnan(row[5])
    assert told > 100
