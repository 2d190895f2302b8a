"""Bounds of what makes and reads recordings: the size of a simulation, bad rows named, pseudonyms remembered."""

from __future__ import annotations

import pytest

from callwatch.commands.simulate import parse_start
from models.errors import UsageError
from sources.import_result import MAX_NAMED, BadRows, ImportCounts
from sources.pseudonym import Pseudonyms
from sources.simulate import MAX_EVENTS, make_plan


def test_a_simulation_that_would_not_fit_is_refused_with_the_way_out() -> None:
    start = parse_start("2026-03-02T00:00", "Asia/Shanghai")
    assert make_plan(1, start, 24, 64)
    with pytest.raises(UsageError, match=f"more than {MAX_EVENTS:,}; simulate fewer hours or queues"):
        make_plan(1, start, 24 * 30, 64)


def test_a_file_of_another_format_does_not_fill_the_screen() -> None:
    counts, said = ImportCounts(), list[str]()
    bad = BadRows(counts, said.append)
    for n in range(3 * MAX_NAMED):
        bad.report("file", n, "no call")
    assert counts.bad == 3 * MAX_NAMED
    assert len(said) == MAX_NAMED + 1


def test_pseudonyms_remembered_are_bounded_and_stay_the_same() -> None:
    names = Pseudonyms("key")
    first = names.customer("n0")
    for n in range(70_000):
        names.customer(f"n{n}")
    assert names._cached.cache_info().currsize == 1 << 16
    assert names.customer("n0") == first
