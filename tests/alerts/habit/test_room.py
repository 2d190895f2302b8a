"""Room for more queues: what was learned stays, and what was not takes no memory."""

from __future__ import annotations

import numpy as np

from alerts.habit.state import Habits, habits, longer, pack


def test_rows_stay_as_they_are_and_new_ones_know_nothing() -> None:
    some = habits(3)
    rng = np.random.default_rng(1)
    for array in some:
        array[1] = rng.integers(1, 9, array[1].shape)
    made: Habits = longer(some, habits(2))
    assert [pack(made, q) for q in range(5)] == [
        *(pack(some, q) for q in range(3)),
        *(pack(habits(1), 0) for _ in range(2)),
    ]
    assert [array.dtype for array in made] == [array.dtype for array in some]
    assert pack(longer(habits(0), habits(1)), 0) == pack(habits(1), 0)
