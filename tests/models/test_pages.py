"""Arrays of zeros that take memory where something is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from models.pages import LEAST_BYTES, zeros


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("rows", [0, 3, 2 * LEAST_BYTES])
def test_they_are_arrays_as_any_other(rows: int, dense: bool) -> None:
    made = zeros((rows, 2, 3), np.int32, dense=dense)
    assert made.shape == (rows, 2, 3)
    assert made.dtype == np.int32
    assert made.flags.c_contiguous
    assert made.flags.aligned
    assert made.flags.writeable
    assert not made.any()
    made[rows // 2 :] = 7
    assert made.sum() == 7 * 6 * (rows - rows // 2)


def test_records_too() -> None:
    made = zeros((LEAST_BYTES,), np.dtype([("a", np.int64), ("b", np.int8)]), dense=True)
    made["b"][5] = 3
    assert made[5].tolist() == (0, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of the process where Linux tells it")
def test_memory_is_taken_where_something_is_written_and_given_back() -> None:
    before, mib = _resident(), 2**20
    made = zeros((64, mib), np.uint8, dense=False)
    assert not made[::2, ::4096].any()
    assert _resident() - before < 8 * mib
    made[:32] = 1
    assert 32 * mib <= _resident() - before < 40 * mib
    del made
    assert _resident() - before < 8 * mib


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
