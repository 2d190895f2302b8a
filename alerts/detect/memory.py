"""All that the detector of a series remembers: arrays of fixed size, so it is bounded; their bytes are a snapshot."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rows looked back for a like shape and for seasons: four weeks of 5-minute rows; with it a row costs about 10 us.
HISTORY: Final = 8192
#: Longest window compared as a shape. Beyond it a day-long window would hide an hour's trouble.
SHAPE_MAX: Final = 512
#: What stays when the buffers are moved to their front, and their length: moving costs one copy per KEPT rows.
KEPT: Final = HISTORY + SHAPE_MAX
ROOM: Final = 2 * KEPT

#: Inputs of the linear forecast: 6 differences, 3 levels, 2 seasons of 2 each, the follower of the nearest shape.
DIFFERENCES: Final = 6
INPUTS: Final = DIFFERENCES + 3 + 4 + 1
#: Tests: point, extreme, shift, shape, spread.
POINT, EXTREME, SHIFT, SHAPE, SPREAD = range(5)
TESTS: Final = 5
#: Bins of the logarithm of a statistic, from LOWEST on, WIDTH each: e^-4 to e^8 of its geometric mean.
BINS: Final = 200
LOWEST: Final = -4.0
WIDTH: Final = 0.06

#: Alarms are counted by rarity in so many steps of this width.
LEVELS, STEP = 200, 0.1

#: Differences of times of which the cadence is the median.
PACES: Final = 32

#: Places in `Memory.whole`.
SEEN, AT, WINDOW, LAGS, REFRESH, NEAREST, LOOK, LAST_OUT = range(8)
WHOLE: Final = 8
#: Places in `Memory.real`. Levels and scales are exponentially weighted; their memory grows with the rows seen.
(
    FAST, SLOW, LONG, LONG_DEV, ERR_FAST, ERR_SLOW, SUM, SQUARES, DRIFT, DRIFT_DEV, PERIOD_1, PERIOD_2, GAPS,
    ORIGIN, OWN_LIMIT, DRIFT_SLOW, PEAK, SINCE_PEAK,
) = range(18)  # fmt: skip
REAL: Final = 18
#: Columns of `Memory.tail`: log of the tail's begin, its share, its index, rows behind it.
BEGIN, SHARE, INDEX, ROWS = range(4)


class Memory(NamedTuple):
    """Kernels take it whole. Values are kept relative to the first one."""

    whole: Ints
    pace: Ints  # alerts.detect.pace
    real: Floats
    raw: Floats  # as given; a missing one is what was expected
    clean: Floats  # the same without lone outliers
    error: Floats  # absolute error of the forecast
    mean: Floats  # of the window that ends there
    variance: Floats
    dots: Floats  # inner products of the last window with that which ends HISTORY - k rows earlier
    inputs: Floats
    gram: Floats
    right: Floats
    weights: Floats
    bins: Floats  # TESTS x BINS, rows by size of the statistic
    beyond: Floats  # the same summed from above
    tail: Floats  # TESTS x 4
    usual: Floats  # mean logarithm of each statistic
    tested: Floats  # how often each test was made
    quiet: Floats  # rows since each test, and all together, last called
    alarms: Floats  # alarms by rarity, LEVELS of STEP each
    tired: Floats  # how long each test has been calling


def fresh() -> Memory:
    """The memory of a detector that has seen nothing."""
    memory = Memory(
        whole=np.zeros(WHOLE, np.int64),
        pace=np.zeros(5 + PACES, np.int64),
        real=np.zeros(REAL),
        raw=np.zeros(ROOM),
        clean=np.zeros(ROOM),
        error=np.zeros(ROOM),
        mean=np.zeros(ROOM),
        variance=np.zeros(ROOM),
        dots=np.zeros(HISTORY + 1),
        inputs=np.zeros(INPUTS),
        gram=np.zeros((INPUTS, INPUTS)),
        right=np.zeros(INPUTS),
        weights=np.zeros(INPUTS),
        bins=np.zeros((TESTS, BINS)),
        beyond=np.zeros((TESTS, BINS)),
        tail=np.zeros((TESTS, 4)),
        usual=np.zeros(TESTS),
        tested=np.zeros(TESTS),
        quiet=np.full(TESTS + 1, 1e9),
        alarms=np.zeros(LEVELS),
        tired=np.zeros(TESTS),
    )
    memory.whole[WINDOW] = 24
    return memory


def pack(memory: Memory) -> bytes:
    """The bytes of *memory*."""
    return b"".join(array.tobytes() for array in memory)


def unpack(data: bytes) -> Memory:
    """The memory that `pack` made *data* of. Raises ValueError when it has another length."""
    memory = fresh()
    if len(data) != sum(array.nbytes for array in memory):
        raise ValueError(f"{len(data)} bytes are no memory of a series")
    at = 0
    for array in memory:
        array[...] = _read(data, at, array)
        at += array.nbytes
    return memory


def _read(data: bytes, at: int, like: NDArray[Any]) -> NDArray[Any]:
    return np.frombuffer(data, like.dtype, like.size, at).reshape(like.shape)
