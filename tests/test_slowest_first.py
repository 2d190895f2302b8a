"""The order in which tests are handed to several processes: nothing is lost, and what takes long comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.slowest_first import SECONDS, dealt

SLOW = [name for name in SECONDS for _ in range(5)]
#: A number of tests that 2, 3 and 4 divide.
FILES = [*(f"quick{n // 9}.py" for n in range(1199 - len(SLOW))), *SLOW, "last.py"]


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_each_process_has_its_part_of_the_slow_files_first_and_no_test_is_lost(processes: int) -> None:
    order = dealt(FILES, processes)
    assert sorted(order) == list(range(len(FILES)))
    size, loads = len(FILES) // processes, []
    for first in range(0, size * processes, size):
        share = [FILES[at] for at in order[first : first + size]]
        slow = [name for name in share if name in SECONDS]
        assert share[: len(slow)] == slow
        assert len(slow) == 5 * len(set(slow)), "a file is in one share"
        loads.append(sum(SECONDS[name] for name in set(slow)))
    assert sum(loads) == sum(SECONDS.values())
    assert max(loads) - min(loads) <= max(SECONDS.values()) // 2


def test_every_file_that_is_named_is_there() -> None:
    assert [name for name in SECONDS if not (Path(__file__).parent / name).exists()] == []


def test_few_tests_are_handed_out_whole() -> None:
    name = next(iter(SECONDS))
    assert sorted(dealt([name] * 5, 3)) == list(range(5))
    assert dealt([], 3) == []
