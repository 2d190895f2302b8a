"""Several workers on one log: when all have come, what is left then, and how long it takes."""

from __future__ import annotations

import pytest

from benchmarks.together import Race, compared
from models.errors import WorkError


def test_what_counts_begins_when_every_worker_has_partitions() -> None:
    race = Race(workers=2, ends=(100, 100))
    assert not race.look(1.0, [{}, {}])
    assert not race.look(2.0, [{0: 10, 1: 20}, {}])  # the first has all
    assert not race.look(3.0, [{0: 30, 1: 20}, {1: 20}])  # it has not let go yet
    assert race.all_in_s < 0
    assert not race.look(4.0, [{0: 40}, {1: 10}])  # the second goes on from a snapshot
    assert (race.all_in_s, race.left) == (4.0, 60 + 80)
    assert not race.look(5.0, [{0: 100}, {1: 60}])
    assert race.look(6.0, [{}, {1: 100}])
    assert race.took_s == 2.0


def test_a_log_that_is_done_before_all_have_come_measures_nothing() -> None:
    race = Race(workers=2, ends=(100,))
    with pytest.raises(WorkError, match="give more --events"):
        race.look(1.0, [{0: 100}, {}])


def test_numbers_of_workers_are_compared_with_the_fewest() -> None:
    found = compared({2: {"events_per_s": 150}, 1: {"events_per_s": 100}})
    assert [(n, one["ratio"]) for n, one in found.items()] == [("1", 1.0), ("2", 1.5)]
