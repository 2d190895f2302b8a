"""Local time for kernels: the offsets of a zone as a table of transitions, and the interval that an instant lies in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numba import njit
from numpy.typing import NDArray

DAY_MS: Final = 86_400_000
_FIRST_YEAR, _LAST_YEAR = 1970, 2050


def _offset_ms(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
    assert offset is not None  # an aware datetime has one
    return int(offset / timedelta(milliseconds=1))


@lru_cache(maxsize=64)  # zones of one installation; a table is about 160 transitions
def transitions(zone_name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """UTC ms from which each offset (ms) of *zone_name* holds, 1970 to 2050; the first row holds from ever."""
    zone = ZoneInfo(zone_name)
    at = int(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(_LAST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    starts, offsets = [np.iinfo(np.int64).min], [_offset_ms(zone, at)]
    step = 7 * 86_400  # no zone has changed twice within a week since 1970
    while at < end:
        after = at + step
        if _offset_ms(zone, after) != offsets[-1]:
            low, high = at, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset_ms(zone, middle) == offsets[-1] else (low, middle)
            starts.append(high * 1000)
            offsets.append(_offset_ms(zone, high))
        at = after
    return tuple(starts), tuple(offsets)


def zone_table(names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Transition starts and offsets of each zone, ``(Z, K)`` each, padded with a start that is never reached."""
    tables = [transitions(name) for name in names]
    width = max((len(starts) for starts, _ in tables), default=1)
    starts_out = np.full((len(tables), width), np.iinfo(np.int64).max, np.int64)
    offsets_out = np.zeros((len(tables), width), np.int64)
    for row, (starts, offsets) in enumerate(tables):
        starts_out[row, : len(starts)] = starts
        offsets_out[row, : len(offsets)] = offsets
    return starts_out, offsets_out


@njit(cache=True, nogil=True, _nrt=False)
def _segment(starts: NDArray[np.int64], ts: int) -> int:
    low, high = 0, len(starts)
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= ts:
            low = middle
        else:
            high = middle
    return int(low)


@njit(cache=True, nogil=True, _nrt=False)
def offset_at(starts: NDArray[np.int64], offsets: NDArray[np.int64], ts: int) -> int:
    """Offset from UTC in ms that holds at *ts* by one zone's row of the tables."""
    return int(offsets[_segment(starts, ts)])


@njit(cache=True, nogil=True, _nrt=False)
def interval_start(starts: NDArray[np.int64], offsets: NDArray[np.int64], ts: int, interval_ms: int) -> int:
    """UTC ms at which the local interval of *interval_ms* that holds *ts* began.

    Intervals are aligned to local time, so a day of a zone with an odd offset begins on one, and keyed by UTC, so that
    the hour a clock repeats has rows of its own.
    """
    local = ts + offset_at(starts, offsets, ts)
    return int(ts - local % interval_ms)


@njit(cache=True, nogil=True, _nrt=False)
def day_start(starts: NDArray[np.int64], offsets: NDArray[np.int64], ts: int) -> int:
    """UTC ms at which the local day of *ts* began; never back when the clock is set back.

    A midnight that comes twice begins the day when it first comes; one that is skipped, when the clock jumps over it.
    """
    local = ts + offset_at(starts, offsets, ts)
    midnight = local - local % DAY_MS
    tomorrow = _first_midnight(starts, offsets, midnight + DAY_MS)
    return int(tomorrow if tomorrow <= ts else _first_midnight(starts, offsets, midnight))


@njit(cache=True, nogil=True, _nrt=False)
def _first_midnight(starts: NDArray[np.int64], offsets: NDArray[np.int64], local: int) -> int:
    """UTC ms at which the local time *local* (ms as if UTC) is first reached or passed."""
    guess = local - offset_at(starts, offsets, local - DAY_MS)  # by the offset of the day before
    segment = _segment(starts, guess)
    other = local - offsets[segment]  # by the offset that holds then
    return int(max(other, starts[segment]) if other < guess else other)
