"""The figures around a change of shifts, against those at the same change of earlier days.

At the change, a quarter and half an hour after it, each queue of the department is looked at once. What was seen is
remembered by the local time of the change, a few days long; a figure that departs from their median is told, once. It
is state of the queue, kept in its snapshot: whether something is unusual is a decision, which a replay must repeat.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.catalogue import Catalogue
from models.hours import local, settings_for
from models.metric import figure
from models.rota import shift_at
from models.shifts import ShiftTurn, rota_of

_MINUTE_MS: Final = 60_000
#: When it is looked, after the change; the windows of a quarter of an hour then lie side by side.
POINTS_MS: Final = (0, 15 * _MINUTE_MS, 30 * _MINUTE_MS)
#: A clock that comes later than this after a point (a recording with a gap) sees other calls: nothing is looked at.
LATE_MS: Final = 5 * _MINUTE_MS
#: Days remembered of each point, and points: eight changes a day. 24 points of 5 days are 4 KB a queue.
DAYS: Final = 5
POINTS_KEPT: Final = 24
#: Earlier days that make something usual, and how long ago they may be.
DAYS_NEEDED: Final = 3
REACH_MS: Final = 14 * 24 * 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True)
class Watched:
    """A figure, and when it departs: by *step* below, or beyond *times* the usual (below it when that is less than 1).

    It is not looked at with fewer than *least* of *sample* behind it.
    """

    metric: str
    window: str
    step: float = 0.0
    times: float = 0.0
    sample: str = ""
    least: int = 0

    def departs(self, value: float, usual: float) -> bool:
        """Whether *value* is not what is usual."""
        if self.step:
            return value < usual - self.step
        return value < usual * self.times if self.times < 1 else value > usual * self.times


#: Of the connection, the use of people, who is there, and calls that take too long.
WATCHED: Final = (
    Watched("answer_rate", "15m", step=0.10, sample="outcomes", least=10),
    Watched("occupancy", "15m", step=0.15),
    Watched("agents_signed_in", "now", times=0.8),
    Watched("talk_ms", "15m", times=1.5, sample="completed", least=5),
)
_COLUMNS: Final = [figure(w.metric, w.window) for w in WATCHED]
#: The columns of samples; a figure that needs none counts its own, which is there whenever it is.
_SAMPLES: Final = [figure(w.sample or w.metric, w.window) for w in WATCHED]
_LEAST: Final = np.array([w.least if w.sample else -np.inf for w in WATCHED])


@dataclass(frozen=True, slots=True)
class Departure:
    """A figure that departs from what is usual at this change: *usual* is the median of *days* earlier days."""

    metric: str
    window: str
    value: float
    usual: float
    days: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was unusual in *queue* at *at_ms*, a point of the change to *shift*."""

    queue: str
    department: str
    shift: ShiftTurn
    at_ms: int
    departures: tuple[Departure, ...]


@dataclass(slots=True)
class _Kept:
    """Of one queue: the point looked at last, and by point (minute of the local day) the days: [at_ms, figures...]."""

    last_ms: int = 0
    days: dict[int, list[list[float | None]]] = field(default_factory=dict)


def point_at(catalogue: Catalogue, department: str, now_ms: int) -> int | None:
    """The point of a change of *department* that lies at most `LATE_MS` back at *now_ms*; None when none does."""
    minute = now_ms // _MINUTE_MS

    def point() -> int | None:
        turn = shift_at(catalogue, department, minute * _MINUTE_MS)
        if turn is None or shift_at(catalogue, department, turn.starts_ms - 1) is None:
            return None
        since_ms = minute * _MINUTE_MS - turn.starts_ms
        return next((turn.starts_ms + p for p in POINTS_MS if p <= since_ms < p + LATE_MS), None)

    return rota_of(catalogue).once((f"change of {department}", minute, 0, 0), point)


class ChangeWatch:
    """What is remembered of the queues of one judgement. *changed* is told which queues' state changed."""

    def __init__(self, changed: set[str]) -> None:
        self._changed = changed
        self._kept: dict[str, _Kept] = {}
        self._catalogue: Catalogue | None = None
        self._sorted = 0
        self._rows: dict[str, list[int]] = {}
        self._left: dict[str, tuple[int, list[int]]] = {}  # by department, of the point at hand: rows not looked at

    def clock(
        self,
        catalogue: Catalogue,
        now_ms: int,
        figures: NDArray[np.float64],
        names: Sequence[str],
        is_usual: Callable[[str], bool] = lambda queue: True,
    ) -> list[Seen]:
        """Look at what is due; *figures* and *names* as for ``Judgement.clock``. What departs, by queue.

        A queue that is not *usual* now is not looked at: what a planned event does to it is no measure of other days.
        """
        self._sort(catalogue, names)
        found: list[Seen] = []
        for department, rows in self._rows.items():
            at_ms = point_at(catalogue, department, now_ms)
            turn = shift_at(catalogue, department, at_ms) if at_ms is not None else None
            if at_ms is None or turn is None:
                continue
            moment, looked = local(turn.zone, at_ms), set()
            for row, values in self._fresh(department, at_ms, rows, figures):
                if not is_usual(names[row]):
                    continue
                looked.add(row)
                departures = self._look(names[row], at_ms, moment.hour * 60 + moment.minute, values)
                if departures:
                    found.append(Seen(names[row], department, turn, at_ms, departures))
            if looked:
                self._left[department] = (at_ms, [row for row in self._left[department][1] if row not in looked])
        return sorted(found, key=lambda seen: seen.queue)

    def _fresh(
        self, department: str, at_ms: int, rows: list[int], figures: NDArray[np.float64]
    ) -> list[tuple[int, list[float | None]]]:
        """The rows not looked at yet that have anything to look at, with their values: what nobody calls in these
        minutes must not be walked through ten times a second."""
        if self._left.get(department, (None,))[0] != at_ms:
            self._left[department] = (at_ms, list(rows))
        left = self._left[department][1]
        table = _values(figures, left)
        there = np.flatnonzero(~np.isnan(table).all(axis=1))
        return [(left[n], [None if math.isnan(v) else round(float(v), 4) for v in table[n]]) for n in there]

    def _sort(self, catalogue: Catalogue, names: Sequence[str]) -> None:
        """The rows of each department; worked out for new names, and anew for new settings."""
        if catalogue is not self._catalogue:
            self._catalogue, self._sorted, self._rows = catalogue, 0, {}
        if self._sorted < len(names):
            self._left.clear()
        for row in range(self._sorted, len(names)):
            self._rows.setdefault(settings_for(catalogue, names[row]).department, []).append(row)
        self._sorted = len(names)

    def _look(self, queue: str, at_ms: int, minute: int, values: list[float | None]) -> tuple[Departure, ...]:
        kept = self._kept.setdefault(queue, _Kept())
        if kept.last_ms >= at_ms:
            return ()
        kept.last_ms = at_ms
        self._changed.add(queue)
        days = [day for day in kept.days.pop(minute, []) if (day[0] or 0) > at_ms - REACH_MS]
        departures = [d for n, value in enumerate(values) if (d := _departure(n, value, days)) is not None]
        kept.days[minute] = [*days, [at_ms, *values]][-DAYS:]  # last among the points: what is oldest is first
        while len(kept.days) > POINTS_KEPT:
            del kept.days[next(iter(kept.days))]
        return tuple(departures)

    def snapshot(self, queue: str) -> list[Any]:
        """What is remembered of *queue*, for JSON; empty when nothing is."""
        kept = self._kept.get(queue)
        return [kept.last_ms, [[minute, days] for minute, days in kept.days.items()]] if kept else []

    def restore(self, queue: str, state: list[Any]) -> None:
        """Take up what `snapshot` gave."""
        self._kept.pop(queue, None)
        self._left.clear()
        if state:
            self._kept[queue] = _Kept(state[0], {minute: [list(day) for day in days] for minute, days in state[1]})


def _values(figures: NDArray[np.float64], rows: list[int]) -> NDArray[np.float64]:
    """The watched figures of *rows*, one column each; NaN where there is none or its sample is too small."""
    values, samples = figures[np.ix_(rows, _COLUMNS)], figures[np.ix_(rows, _SAMPLES)]
    return np.where(samples >= _LEAST, values, np.nan)


def _departure(n: int, value: float | None, days: list[list[float | None]]) -> Departure | None:
    earlier = [known for day in days if (known := day[n + 1]) is not None]
    if value is None or len(earlier) < DAYS_NEEDED:
        return None
    usual, watched = median(earlier), WATCHED[n]
    if not watched.departs(value, usual):
        return None
    return Departure(watched.metric, watched.window, value, usual, len(earlier))
