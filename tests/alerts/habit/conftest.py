"""A centre of which a book has seen three weeks, in which nothing was wrong."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest

from alerts.habit.book import HabitBook
from benchmarks.habit_weeks import Centre, book_in_utc

#: Days that were seen: three weeks are learned.
DAYS = 23
#: Calls an hour by queue.
BUSY = (100.0, 100.0, 300.0, 100.0, 100.0, 1200.0, 200.0, 30.0, 60.0, 300.0)


@dataclass
class World:
    """A centre and its book."""

    centre: Centre
    book: HabitBook


@pytest.fixture(scope="session")
def seen() -> World:
    centre, book = Centre(np.array(BUSY), seed=3, step=12), book_in_utc()
    for _ in centre.run(book, DAYS):
        pass
    return World(centre, book)


@pytest.fixture
def world(seen: World) -> World:
    """One's own copy of it."""
    return deepcopy(seen)
