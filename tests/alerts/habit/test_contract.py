"""What holds for every detector holds for a book of habits too: causal, the same twice, each queue for itself.

Whole after a restore, bounded, and what must not be learned: `tests.alerts.habit.test_memory`. Free of chance and of
clocks: `tests.alerts.detect.test_contract`, for all modules of both.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.habit.columns import score_columns, usual_columns
from alerts.habit.state import BUCKET_MS
from benchmarks.habit_weeks import DAY_MS, Calls, Trouble
from tests.alerts.habit.conftest import World

#: Buckets from 11:00 on, in which there are calls.
NOON = 11 * 720
#: Clocks (a minute apart) that are judged after the cut.
AFTER = 45


def without(first_bucket: int, queue: int | None = None) -> Trouble:
    """No calls any more from *first_bucket* on: in *queue*, or in all."""

    def trouble(day: int, calls: Calls, random: np.random.Generator) -> Calls:
        gone = calls.bucket >= first_bucket
        if queue is not None:
            gone &= calls.queue == queue
        return Calls(*(getattr(calls, name)[~gone] for name in Calls.__dataclass_fields__))

    return trouble


def judged(seen: World, *troubles: Trouble) -> dict[int, NDArray[np.float64]]:
    """What the book writes at each clock of a day, by bucket, until some time after noon."""
    world = deepcopy(seen)
    world.centre.troubles += troubles
    columns = np.concatenate([score_columns().ravel(), usual_columns().ravel()])
    out = {}
    for now_ms in world.centre.run(world.book, 1):
        bucket = now_ms % DAY_MS // BUCKET_MS
        out[bucket] = world.centre.figures[:, columns].copy()
        if bucket > NOON + AFTER * world.centre.step:
            break
    return out


@pytest.fixture(scope="module")
def ordinary(seen: World) -> dict[int, NDArray[np.float64]]:
    return judged(seen)


def same(a: dict[int, NDArray[np.float64]], b: dict[int, NDArray[np.float64]]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[at], b[at], equal_nan=True) for at in a)


def test_the_same_calls_are_judged_the_same(seen: World, ordinary: dict[int, NDArray[np.float64]]) -> None:
    assert same(judged(seen), ordinary)


def test_later_calls_change_nothing(seen: World, ordinary: dict[int, NDArray[np.float64]]) -> None:
    other = judged(seen, without(NOON))

    def before(of: dict[int, NDArray[np.float64]]) -> dict[int, NDArray[np.float64]]:
        return {at: row for at, row in of.items() if at <= NOON}

    def after(of: dict[int, NDArray[np.float64]]) -> dict[int, NDArray[np.float64]]:
        return {at: row for at, row in of.items() if at > NOON}

    assert same(before(other), before(ordinary))
    assert not same(after(other), after(ordinary))


def test_a_queue_is_judged_by_itself(seen: World, ordinary: dict[int, NDArray[np.float64]]) -> None:
    other = judged(seen, without(NOON, queue=2))
    others = [n for n in range(len(seen.centre.names)) if n != 2]
    assert same({at: row[others] for at, row in other.items()}, {at: row[others] for at, row in ordinary.items()})
    assert not same({at: row[2:3] for at, row in other.items()}, {at: row[2:3] for at, row in ordinary.items()})


def test_how_unusual_is_never_less_than_nothing(ordinary: dict[int, NDArray[np.float64]]) -> None:
    scores = np.stack(list(ordinary.values()))[:, :, : score_columns().size]
    assert not np.isnan(scores).all()
    assert np.nanmin(scores) >= 0
    assert np.isfinite(scores[~np.isnan(scores)]).all()
