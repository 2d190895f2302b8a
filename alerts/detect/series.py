"""The detector of any series: no cadence, season, scale or label is given, and each row is judged by those before it.

Five tests (`alerts.detect.rows`) hold each row against a forecast and against the past; each says how rare it is by its
own past (`alerts.detect.tail`); joined they are held against the limit of the alarm budget.
"""

from __future__ import annotations

import struct
from math import isfinite, nan
from typing import ClassVar, Final

import numpy as np

from alerts.detect import pace, rows, shape
from alerts.detect.contract import LIMIT_SCORE, Judged, Verdict
from alerts.detect.forecast import forget_seasons
from alerts.detect.memory import (
    AT,
    HISTORY,
    LOOK,
    PERIOD_1,
    PERIOD_2,
    SEEN,
    SHAPE_MAX,
    WINDOW,
    Floats,
    Ints,
    fresh,
    pack,
    unpack,
)
from alerts.detect.period import periods_of
from alerts.detect.tail import assume

#: Rows after which periods are looked for: these, then half as many again each time, at most so many more.
FIRST_LOOK, LOOK_EVERY = 48, 2048
#: Periods that differ by less are the same.
SAME: Final = 0.02
#: Rows compared as a shape: a period, within these and `SHAPE_MAX`; without a period the first.
SHAPE_DEFAULT, SHAPE_MIN = 24, 12
#: Of a snapshot; raised with every change of what is remembered.
VERSION: Final = b"callwatch-series-1\n"

#: Columns of `SeriesDetector.judge`.
EXPECTED, LOWER, UPPER, SCORE = range(4)


class SeriesDetector:
    """See the module. *alarms_per_week* is the budget of false alarms, held within what rows can vouch for."""

    name: ClassVar[str] = "series"

    def __init__(self, alarms_per_week: float = 1.0) -> None:
        self.alarms_per_week = alarms_per_week
        self._memory = fresh()
        self._memory.whole[LOOK] = FIRST_LOOK
        assume(self._memory)

    def update(self, ts_ms: int, value: float, sample: float = nan, *, learn: bool = True) -> Judged:
        """As `Detector.update`; *sample* says nothing here."""
        before = None if learn else self.snapshot()
        row = self.judge(np.array([ts_ms], np.int64), np.array([value]))[0].tolist()
        if before is not None:
            self.restore(before)
        if not isfinite(row[EXPECTED]):
            return Judged()
        verdict = Verdict.ANOMALY if row[SCORE] >= LIMIT_SCORE else Verdict.NORMAL
        return Judged(row[EXPECTED], row[LOWER], row[UPPER], row[SCORE], verdict)

    def judge(self, ts_ms: Ints, values: Floats) -> Floats:
        """Many rows at once, as if one by one: expected, lower, upper and score of each."""
        found = self.details(ts_ms, values)
        limits = np.maximum(found[:, rows.LIMIT], 1e-9)
        found[:, SCORE] = found[:, rows.RARE] / (found[:, rows.RARE] + limits)
        return found[:, : SCORE + 1]

    def details(self, ts_ms: Ints, values: Floats) -> Floats:
        """The same with what each test found; columns are those of `alerts.detect.rows`."""
        out, whole, done = np.zeros((len(values), rows.OUT)), self._memory.whole, 0
        while done < len(values):
            done += rows.run(self._memory, ts_ms[done:], values[done:], self.alarms_per_week, whole[LOOK], out[done:])
            if whole[SEEN] >= whole[LOOK]:
                self._look()
        return out

    def periods(self) -> tuple[float, float]:
        """The shorter and the longer season found so far, in rows; 0 where there is none."""
        return float(self._memory.real[PERIOD_1]), float(self._memory.real[PERIOD_2])

    def _look(self) -> None:
        """Look for periods anew."""
        memory = self._memory
        at, seen = int(memory.whole[AT]), int(memory.whole[SEEN])
        memory.whole[LOOK] = min(seen + seen // 2, seen + LOOK_EVERY)
        found = periods_of(memory.clean[max(at - HISTORY, 0) : at], int(memory.pace[pace.CADENCE]))
        if all(abs(new - old) <= SAME * max(new, old) for new, old in zip(found, self.periods(), strict=True)):
            return
        memory.real[PERIOD_1], memory.real[PERIOD_2] = found
        forget_seasons(memory)
        window = min(max(round(found[0]), SHAPE_MIN), SHAPE_MAX) if found[0] else SHAPE_DEFAULT
        if window != memory.whole[WINDOW]:
            shape.rebuild(memory, window)

    def snapshot(self) -> bytes:
        """About a megabyte: the past that shapes and seasons are looked up in."""
        return VERSION + struct.pack("<d", self.alarms_per_week) + pack(self._memory)

    def restore(self, data: bytes) -> None:
        """As `Detector.restore`."""
        if not data.startswith(VERSION):
            raise ValueError("no snapshot of a series, or one of another version")
        self._memory = unpack(data[len(VERSION) + 8 :])
        (self.alarms_per_week,) = struct.unpack_from("<d", data, len(VERSION))
