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
from benchmarks.habit_weeks import Calls, Trouble
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


def judged(seen: World, *troubles: Trouble) -> list[NDArray[np.float64]]:
    """What the book writes at each clock of a day, until some time after noon."""
    world = deepcopy(seen)
    world.centre.troubles += troubles
    columns = np.concatenate([score_columns().ravel(), usual_columns().ravel()])
    out = []
    for at, _ in enumerate(world.centre.run(world.book, 1)):
        out.append(world.centre.figures[:, columns].copy())
        if at * world.centre.step > NOON + AFTER * world.centre.step:
            break
    return out


@pytest.fixture(scope="module")
def ordinary(seen: World) -> list[NDArray[np.float64]]:
    return judged(seen)


def same(a: list[NDArray[np.float64]], b: list[NDArray[np.float64]]) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def test_the_same_calls_are_judged_the_same(seen: World, ordinary: list[NDArray[np.float64]]) -> None:
    assert same(judged(seen), ordinary)


def test_later_calls_change_nothing(seen: World, ordinary: list[NDArray[np.float64]]) -> None:
    other = judged(seen, without(NOON))
    cut = NOON // 12
    assert same(other[:cut], ordinary[:cut])
    assert not same(other[cut:], ordinary[cut:])


def test_a_queue_is_judged_by_itself(seen: World, ordinary: list[NDArray[np.float64]]) -> None:
    other = judged(seen, without(NOON, queue=2))
    others = [n for n in range(len(seen.centre.names)) if n != 2]
    assert same([row[others] for row in other], [row[others] for row in ordinary])
    assert not same([row[2:3] for row in other], [row[2:3] for row in ordinary])


def test_how_unusual_is_never_less_than_nothing(ordinary: list[NDArray[np.float64]]) -> None:
    scores = np.stack(ordinary)[:, :, : score_columns().size]
    assert not np.isnan(scores).all()
    assert np.nanmin(scores) >= 0
    assert np.isfinite(scores[~np.isnan(scores)]).all()
