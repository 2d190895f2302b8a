"""How often rows come, how many did not, and how rare an alarm must be for that: from the times seen so far."""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
from numba import njit

from alerts.detect.memory import PACES, SEEN, WINDOW, Memory

#: Places in `Memory.pace`; from RING on the last differences of times.
LAST, CADENCE, STEADY, KNOWN, FILLED, RING = range(6)
WEEK_MS: Final = 7 * 86_400_000
#: Missing rows that are filled in at one gap, and in all for each row seen. Longer gaps leave the seasons out of step.
FILL_MAX, FILL_SHARE = 2016, 4
#: Rarities of the limit: no row is an alarm that comes oftener than once in 3000 rows, and one need not be rarer than
#: once in 30000, for few series have a past that could vouch for more.
RARITY_MIN, RARITY_MAX = 3.5, 4.5


@njit(cache=True, nogil=True)
def _median(memory: Memory, part: float) -> int:
    n = min(memory.pace[KNOWN], PACES)
    ordered = np.sort(memory.pace[RING : RING + n])
    return int(ordered[int(part * (n - 1))])


@njit(cache=True, nogil=True)
def gap(memory: Memory, ts_ms: int) -> int:
    """Rows that are missing before *ts_ms*. Times that stand still or go back have none."""
    pace = memory.pace
    step = ts_ms - pace[LAST]
    first = pace[LAST] == 0 and pace[KNOWN] == 0
    pace[LAST] = ts_ms
    if first or step <= 0:
        return 0
    missing = 0
    if pace[KNOWN] >= 3 and pace[STEADY] and step > 1.5 * pace[CADENCE]:
        missing = min(int(step / pace[CADENCE] + 0.5) - 1, FILL_MAX)
        if pace[FILLED] + missing > FILL_SHARE * memory.whole[SEEN] + memory.whole[WINDOW]:
            missing = 0
        pace[FILLED] += missing
    pace[RING + pace[KNOWN] % PACES] = step
    pace[KNOWN] += 1
    if pace[KNOWN] <= PACES or pace[KNOWN] % PACES == 0:
        pace[CADENCE] = max(_median(memory, 0.5), 1)
        pace[STEADY] = int(_median(memory, 0.75) - _median(memory, 0.25) <= 0.5 * pace[CADENCE])
    return missing


@njit(cache=True, nogil=True)
def limit_of(memory: Memory, alarms_per_week: float) -> float:
    """The rarity (-log10 of a share of rows) of which rows come *alarms_per_week* times, within reason."""
    rows = WEEK_MS / max(memory.pace[CADENCE], 1)
    return min(max(log(rows / alarms_per_week) / log(10.0), RARITY_MIN), RARITY_MAX)
