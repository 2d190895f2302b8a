"""The book of habits of a partition: what is normal for each of its queues, and how unusual the live figures are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detect.season import Calendar


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan says of a queue: calls forecast for the half-hour that holds now, and for the one before it; mean
    handle time forecast for now. None: not planned, so habit says it."""

    offered: float | None = None
    offered_before: float | None = None
    handle_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """What is expected of a subject's figure over a window, and between which values it is no alarm; in its unit."""

    expected: float
    lower: float
    upper: float


class HabitBook:
    """What is normal for the queues of a partition. Everything follows from what was learned, the figures and the time.

    *calendar_of* a queue says where a moment lies in its local week; *alarms_per_week* is what a queue may cost in
    false alarms, all subjects together.
    """

    def __init__(self, calendar_of: Callable[[str], Calendar], alarms_per_week: float = 1.0) -> None:
        self.calendar_of = calendar_of
        self.alarms_per_week = alarms_per_week
        #: Queues whose snapshot changed; the caller takes them out.
        self.changed: set[str] = set()

    def clock(
        self,
        now_ms: int,
        figures: NDArray[np.float64],
        names: Sequence[str],
        *,
        may_learn: Callable[[str], bool],
        rates: Callable[[str], Planned | None] | None = None,
    ) -> bool:
        """At every clock: judge when a new bucket of 5 s begins (True), else write again what was judged last.

        *figures* has a row for each of *names*; the columns of `SUBJECTS` and `EXPECTED` are written in place.
        """
        return False

    def fill(self, figures: NDArray[np.float64], names: Sequence[str]) -> None:
        """Write what was judged last into *figures*, which were computed anew."""

    def adopt(self, queue: str) -> Mapping[str, float] | None:
        """The level of the last day is here to stay. Returns by what each figure's norm was multiplied, None when
        nothing is known of *queue*."""
        return None

    def mark_odd(self, queue: str, day: date) -> bool:
        """The local *day* (yesterday, today, or one to come) teaches nothing. False: too long ago, it was learned."""
        return False

    def band(self, queue: str, subject: str, window: str) -> Band | None:
        """What was expected of *subject* over *window* when it was judged last; None when unknown."""
        return None

    def begin_since(self, queue: str, now_ms: int) -> None:
        """A verification begins: window "resolve" of volumes counts from here."""

    def end_since(self, queue: str) -> None:
        """A verification is over."""

    def snapshot(self, queue: str) -> bytes:
        """All that is remembered of *queue*, at most 16 KB; empty when nothing is."""
        return b""

    def restore(self, queue: str, data: bytes) -> None:
        """Go on from a snapshot. Raises ValueError when it is none."""

    def learned(self, queue: str) -> dict[str, Any]:
        """What was learned of *queue*, for a record ``habit.learned``; empty when nothing was."""
        return {}

    def teach(self, queue: str, record: Mapping[str, Any]) -> None:
        """Take over what `learned` said elsewhere. Raises ValueError when it is not understood."""
