"""The book of habits of a partition: what is normal for each of its queues, and how unusual the live figures are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alerts.detect.season import Calendar
from alerts.habit import carry, live, shift
from alerts.habit.band import Band, band_of
from alerts.habit.columns import CALLS, COMPLETE, FLOW, OPEN, read_columns, score_columns, usual_columns
from alerts.habit.judge import expectations, judge, read_window
from alerts.habit.limits import Limits, limits_of
from alerts.habit.norm import NEW, like_of_slot, prepare
from alerts.habit.state import (
    BEGAN,
    BUCKET_MS,
    HALF,
    HALF_MS,
    LEAST,
    MOST,
    PLANS,
    SEEN,
    SLOT,
    SUMS,
    TALK_BEFORE,
    UPTO,
    clear,
    habits,
    longer,
    pack,
    ready,
    unpack,
)
from alerts.habit.subjects import RESOLVE, ROLLING

__all__ = ["Band", "HabitBook", "Planned"]

#: Buckets without a clock after which the half-hour is not whole: a minute, the shortest window.
_GAP: Final = 12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOWS: Final = (*ROLLING, RESOLVE)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan says of a queue: calls forecast for the half-hour that holds now, and for the one before it; the
    mean talk time that its handle time comes to, of both. None: not planned, so habit says it."""

    offered: float | None = None
    offered_before: float | None = None
    talk_ms: float | None = None
    talk_before_ms: float | None = None


class HabitBook:
    """What is normal for the queues of a partition. Everything follows from what was learned, the figures and the time.

    *calendar_of* a queue says where a moment lies in its local week; *alarms_per_week* is what a queue may cost in
    false alarms, all subjects together (it may be set anew). `common` and `thaw` are about the time, `snapshot` and
    `restore` about a queue; restored in any order, the time included.
    """

    def __init__(self, calendar_of: Callable[[str], Calendar], alarms_per_week: float = 1.0) -> None:
        self.calendar_of = calendar_of
        #: Queues whose snapshot changed; the caller takes them out.
        self.changed: set[str] = set()
        self._limits: dict[float, Limits] = {}
        self.alarms_per_week = alarms_per_week
        self._judged_ms = -1
        self._names: list[str] = []  # by row
        self._row_of: dict[str, int] = {}
        self._mapped: list[int] = []  # by row of figures: ours, -1 for none
        self._stale = False
        self._state, self._made = habits(0), ready(0)
        self._figures: NDArray[np.float64] = np.zeros((0, 0))
        self._read, self._scores, self._usual = read_columns(), score_columns(), usual_columns()

    @property
    def alarms_per_week(self) -> float:
        """What a queue may cost in false alarms."""
        return self._alarms

    @alarms_per_week.setter
    def alarms_per_week(self, alarms: float) -> None:
        """Set it anew. Raises ValueError for a budget that is none."""
        self._alarms = alarms
        if alarms not in self._limits:
            self._limits = {alarms: limits_of(alarms)}

    # -- the clock ------------------------------------------------------------------------------------------------

    def clock(
        self,
        now_ms: int,
        figures: NDArray[np.float64],
        names: Sequence[str],
        *,
        may_learn: Callable[[str], bool],
        rates: Callable[[str], Planned | None] | None = None,
        special: Callable[[], Collection[str] | None] | None = None,
    ) -> bool:
        """At every clock: judge when a new bucket of 5 s begins (True), else write again what was judged last.

        *figures* has a row for each of *names*; the columns of `SUBJECTS` and `EXPECTED` are written in place. Of the
        *special* queues (None: of all) *may_learn* and *rates* are asked; the others learn and have no plan.
        """
        before, bucket = self._judged_ms // BUCKET_MS, now_ms // BUCKET_MS
        if before >= bucket:
            self.fill(figures, names)
            return False
        self._refresh()
        before_ms, self._judged_ms = self._judged_ms, now_ms
        self._map(figures, names, begin=True)
        rows, state, made = len(self._names), self._state, self._made
        limits = self._limits[self._alarms]
        days, slots = self._local(now_ms)
        gap = bucket - before > _GAP
        live.pass_time(state, made, rows, now_ms, gap, days, slots, figures, self._read, limits.slide)
        learns, plan = self._asked(may_learn, rates, special() if special else None)
        live.note_all(state, made, rows, now_ms, figures, OPEN, COMPLETE, learns, plan)
        before_ms = -1 if gap else before_ms
        live.flow_all(state, made, rows, before_ms, now_ms, figures, FLOW, limits.flow, limits.guards)
        judge(state, made, rows, now_ms, figures, self._read, limits.rarity, limits.slide, limits.guards)
        live.write(state, made, rows, figures, self._scores, self._usual)
        for q in np.flatnonzero(made.dirty[:rows]):
            self.changed.add(self._names[q])
        made.dirty[:] = 0
        self._figures = figures
        return True

    def fill(self, figures: NDArray[np.float64], names: Sequence[str]) -> None:
        """Write what was judged last into *figures*, which were computed anew."""
        self._refresh()
        self._map(figures, names)
        live.write(self._state, self._made, len(self._names), figures, self._scores, self._usual)
        self._figures = figures

    def _refresh(self) -> None:
        """After a restore: what follows from the state."""
        if self._stale:
            self._stale = False
            for q in range(len(self._names)):
                self._prepare(q)

    def _prepare(self, q: int) -> None:
        prepare(self._state, self._made, q)
        if self._judged_ms >= 0:
            expectations(self._state, self._made, q, self._judged_ms)

    def _map(self, figures: NDArray[np.float64], names: Sequence[str], *, begin: bool = False) -> None:
        """Find the figures of every queue that has a row. To *begin*: one of *names* that had a call gets one."""
        for at in range(len(self._mapped), len(names)):
            self._mapped.append(self._row_of.get(names[at], -1))
            if self._mapped[at] >= 0:
                self._made.row[self._mapped[at]] = at
        if not begin or not len(names):
            return
        calls = np.zeros(len(names), bool)
        for column in CALLS:
            calls |= figures[: len(names), column] > 0.0
        for at in np.flatnonzero(calls & (np.array(self._mapped[: len(names)]) < 0)).tolist():
            self._mapped[at] = q = self._row(names[at])
            self._made.row[q] = at

    def _row(self, queue: str) -> int:
        """The row of *queue*, made where there is none."""
        q = self._row_of.get(queue)
        if q is None:
            q = self._row_of[queue] = len(self._names)
            self._names.append(queue)
            if q >= len(self._made.row):
                more = max(8, q // 4)  # a row takes 15 KB once something was learned
                self._state, self._made = longer(self._state, habits(more)), longer(self._made, ready(more))
        return q

    def _local(self, now_ms: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """By row the local day of *now_ms*, and the half-hours of the local week around it; asked of rows that are in
        another half-hour yet."""
        days, slots = np.zeros(len(self._names), np.int64), np.zeros((len(self._names), 4), np.int64)
        known: dict[Calendar, tuple[int, list[int]]] = {}
        for q in np.flatnonzero(self._state.whole[: len(self._names), HALF] != now_ms // HALF_MS):
            calendar = self.calendar_of(self._names[q])
            if calendar not in known:
                places = [calendar.place(now_ms + n * HALF_MS).slot for n in (-2, -1, 0, 1)]
                known[calendar] = (local_day(calendar, now_ms).toordinal(), places)
            days[q], slots[q] = known[calendar]
        return days, slots

    def _asked(
        self,
        may_learn: Callable[[str], bool],
        rates: Callable[[str], Planned | None] | None,
        special: Collection[str] | None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        learns, plan = np.ones(len(self._names), np.uint8), np.full((len(self._names), PLANS), np.nan)
        for name in self._names if special is None else special:
            q = self._row_of.get(name, -1)
            if q < 0:
                continue
            learns[q] = may_learn(name)
            planned = rates(name) if rates else None
            if planned is None:
                continue
            if planned.offered is not None:
                plan[q, :TALK_BEFORE] = _known(planned.offered_before), planned.offered
            if planned.talk_ms is not None:  # tenths of a second are what is summed
                plan[q, TALK_BEFORE:] = _known(planned.talk_before_ms) / 100.0, planned.talk_ms / 100.0
        return learns, plan

    def scores(self, names: Sequence[str]) -> NDArray[np.float32]:
        """What was judged last of *names*: ``(names, subjects, windows)``; NaN where nothing is known."""
        found = np.full((len(names), *self._state.out.shape[1:]), np.nan, np.float32)
        for at, name in enumerate(names):
            if (q := self._row_of.get(name)) is not None:
                found[at] = self._state.out[q]
        return found

    # -- what people decide ---------------------------------------------------------------------------------------

    def adopt(self, queue: str) -> Mapping[str, float] | None:
        """The level of the last day (while learning was not allowed: since then) is here to stay.

        Returns by what the norm of each figure was multiplied, only those that moved; None when nothing is known of
        *queue*.
        """
        q = self._row_of.get(queue)
        if q is None:
            return None
        self._refresh()
        found = np.zeros(SUMS)
        if 0 <= self._made.row[q] < len(self._figures):
            read_window(self._figures[self._made.row[q]], self._read[len(ROLLING) - 1], found)
        moved = shift.adopt(self._state, self._made, q, found, self._judged_ms)
        self._moved(q)
        return moved

    def mark_odd(self, queue: str, day: date) -> bool:
        """The local *day* (yesterday, today, or one to come) teaches nothing. False: too long ago, it was learned; or
        nothing is known of *queue*."""
        q = self._row_of.get(queue)
        if q is None or not shift.mark_odd(self._state, q, day.toordinal()):
            return False
        self._moved(q)
        return True

    def is_new(self, queue: str) -> bool:
        """Whether the present half-hour was hardly ever seen on days of its kind, so that nobody can call it odd."""
        q = self._row_of.get(queue)
        return q is None or bool(self._state.like[q, like_of_slot(int(self._state.whole[q, SLOT + 2])), SEEN] < NEW)

    def _moved(self, q: int) -> None:
        """The norm of row *q* has moved: what follows from it is made anew."""
        self._prepare(q)
        self.changed.add(self._names[q])

    def band(self, queue: str, subject: str, window: str) -> Band | None:
        """What was expected of *subject* over *window* (a rolling one, or "resolve") when it was judged last, and where
        its alarms begin for the calls that there are; None when unknown.

        Raises KeyError when there is no such subject or window.
        """
        w = _WINDOWS.index(window) if window in _WINDOWS else None
        if w is None:
            raise KeyError(window)
        q = self._row_of.get(queue)
        if q is None or not 0 <= self._made.row[q] < len(self._figures):
            return None
        self._refresh()
        found = np.zeros(SUMS)
        read_window(self._figures[self._made.row[q]], self._read[w], found)
        return band_of(self._state, self._made, q, subject, w, self._judged_ms, found, self._limits[self._alarms])

    def begin_since(self, queue: str, now_ms: int) -> None:
        """A verification begins: window "resolve" of volumes counts from here."""
        if (q := self._row_of.get(queue)) is not None:
            self._state.since[q, [BEGAN, UPTO, LEAST, MOST]] = now_ms, now_ms, 0.0, 0.0
            self.changed.add(queue)

    def end_since(self, queue: str) -> None:
        """A verification is over."""
        if (q := self._row_of.get(queue)) is not None:
            self._state.since[q] = np.nan
            self.changed.add(queue)

    # -- carrying -------------------------------------------------------------------------------------------------

    def common(self) -> dict[str, int]:
        """What belongs to no queue: when was judged last."""
        return {"judged_ms": self._judged_ms}

    def thaw(self, common: Mapping[str, int]) -> None:
        """Take up what `common` gave."""
        self._judged_ms = int(common.get("judged_ms", -1))
        self._stale = True

    def snapshot(self, queue: str) -> bytes:
        """All that is remembered of *queue*, 15 KB; empty when nothing is."""
        q = self._row_of.get(queue)
        return b"" if q is None else pack(self._state, q)

    def restore(self, queue: str, data: bytes) -> None:
        """Go on from a snapshot. Raises ValueError when it is none."""
        if not data and queue not in self._row_of:
            return
        q = self._row(queue)
        if data:
            unpack(self._state, q, data)
        else:
            clear(self._state, q)
        self._mapped.clear()
        self._stale = True

    def learned(self, queue: str) -> dict[str, Any]:
        """What was learned of *queue*, for a record ``habit.learned``; empty when nothing was. Days of the diary that
        wait to be learned are taken in, in what is said alone."""
        q = self._row_of.get(queue)
        return {} if q is None else carry.learned(self._state, q)

    def teach(self, queue: str, record: Mapping[str, Any]) -> None:
        """Take over what `learned` said elsewhere, in the place of what was learned here. Raises ValueError when it is
        not understood."""
        found = carry.understood(record)
        q = self._row(queue)
        self._mapped.clear()
        carry.teach(self._state, q, found)
        self._moved(q)


def _known(value: float | None) -> float:
    return np.nan if value is None else value


def local_day(calendar: Calendar, at_ms: int) -> date:
    """The local date of *at_ms*."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(calendar.zone)).date()
