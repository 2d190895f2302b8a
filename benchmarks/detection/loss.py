"""What a trouble costs: callers harmed beyond those of the same day without it, expected over many draws of the day."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.detection.life import Floats, draw_day, live
from benchmarks.detection.shape import Line
from benchmarks.detection.trouble import Trouble

#: Draws of the day over which the expectation is formed, each with and without the trouble.
REPLICAS: Final = 16
#: From here on a trouble has cost something: five calls.
COSTS: Final = 5.0


def expected_loss(line: Line, trouble: Trouble, replicas: int = REPLICAS) -> Floats:
    """Callers harmed beyond the usual by each second of the trouble: (seconds + 1,) from its start."""
    seconds = int(trouble.end_s - trouble.start_s)
    grid = trouble.start_s + np.arange(seconds + 1)
    total = np.zeros(seconds + 1)
    for replica in range(1, replicas + 1):
        draws = draw_day(line, trouble.day, replica)
        for sign, hit in ((1.0, trouble), (-1.0, None)):
            total += sign * np.searchsorted(live(line, trouble.day, draws, hit).harm(), grid, "right")
    found: Floats = total / replicas
    return found


def costs_from_s(loss: Floats) -> int | None:
    """Seconds from the start at which *loss* passes five calls; None: it never does while the trouble lasts."""
    passed = np.flatnonzero(loss >= COSTS)
    return int(passed[0]) if len(passed) else None
