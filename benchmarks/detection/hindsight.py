"""What an order of the real months was about, seen from afterwards: its hour beside the same hour of all other weeks.

Whoever names an order here knows the whole five months, before and after, and nothing of what the judgement knew: plain
counts of the records around the order beside those of the same weekday and clock time. It is a look at each order, and
no detector: nothing could judge by it as things happen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from statistics import median
from typing import Any, Final

from models.hours import instant_ms, local

#: Looked at around the moment of an order: what it speaks of, and what came of it.
BEFORE_MS: Final = 30 * 60_000
AFTER_MS: Final = 15 * 60_000
#: So few other weeks may show as much: at most one in ten.
RARE: Final = 0.1
#: Callers who give up, or leave in the menu, that are worth a look.
SOME: Final = 4
#: Types of the events that it looks at.
TYPES: Final = frozenset({"call.offered", "ivr.abandoned", "call.answered", "call.abandoned"})
_THRESHOLD_MS: Final = 20_000
_LONG_MS: Final = 180_000

#: The names, from what explains most to what explains nothing, and what each means.
NAMES: Final = {
    "no data": "the records of the day are missing",
    "holiday": "a day that its README calls quiet, probably a holiday",
    "fewer callers": "half of the usual callers or fewer; at most one other week in ten has as few",
    "more callers": "half as many again or more; at most one other week in ten has as many",
    "menu": "at most one other week in ten has as large a share of callers who leave in the menu",
    "gave up": "at most one other week in ten has as large a share of callers who give up",
    "slow": "at most one other week in ten has so few answers within 20 s",
    "bad as usual": "callers give up, at least four and one in seven, as in other weeks",
    "long wait": "a caller waits three minutes or longer, as in other weeks",
    "nothing": "nothing that other weeks do not have: a false order",
}


@dataclass(frozen=True, slots=True)
class Hour:
    """The records around one moment: callers who came, of whom so many left in the menu; waits that ended so."""

    came: int
    menu: int
    answered: int
    in_time: int
    gave_up: int
    longest_ms: int

    @property
    def ended(self) -> int:
        """Waits that ended."""
        return self.answered + self.gave_up

    @property
    def lost(self) -> float:
        """Share of those who gave up."""
        return self.gave_up / max(self.ended, 1)

    @property
    def left(self) -> float:
        """Share of those who left in the menu."""
        return self.menu / max(self.came, 1)

    @property
    def prompt(self) -> float:
        """Share of those answered in time."""
        return self.in_time / max(self.ended, 1)


class Months:
    """All records by queue and time. *apart* are days with which nothing is compared."""

    def __init__(self, events: Iterable[dict[str, Any]], zone: str, apart: Collection[date]) -> None:
        self._zone, self._apart = zone, frozenset(apart)
        self._rows: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
        for event in events:
            self._rows[event["queue"]].append((event["ts"], event["type"], event.get("wait_ms", 0)))
        for rows in self._rows.values():
            rows.sort()
        self.days = sorted({local(zone, at_ms).date() for rows in self._rows.values() for at_ms, _, _ in rows})

    def around(self, pattern: str, at_ms: int) -> Hour:
        """What the queues that match *pattern* had around *at_ms* (epoch ms)."""
        seen = [row for queue in self._rows if fnmatchcase(queue, pattern) for row in self._between(queue, at_ms)]
        waits = [(kind, wait_ms) for _, kind, wait_ms in seen if kind in ("call.answered", "call.abandoned")]
        return Hour(
            came=sum(kind in ("call.offered", "ivr.abandoned") for _, kind, _ in seen),
            menu=sum(kind == "ivr.abandoned" for _, kind, _ in seen),
            answered=sum(kind == "call.answered" for kind, _ in waits),
            in_time=sum(kind == "call.answered" and wait_ms <= _THRESHOLD_MS for kind, wait_ms in waits),
            gave_up=sum(kind == "call.abandoned" for kind, _ in waits),
            longest_ms=max((wait_ms for _, wait_ms in waits), default=0),
        )

    def _between(self, queue: str, at_ms: int) -> Sequence[tuple[int, str, int]]:
        rows = self._rows[queue]
        first = bisect_left(rows, (at_ms - BEFORE_MS,))
        return rows[first : bisect_left(rows, (at_ms + AFTER_MS,))]

    def others(self, pattern: str, at_ms: int) -> list[Hour]:
        """The same weekday and clock time of all other weeks."""
        then = local(self._zone, at_ms)
        minute = then.hour * 60 + then.minute
        return [
            self.around(pattern, instant_ms(self._zone, day, minute))
            for day in self.days
            if day.weekday() == then.weekday() and day != then.date() and day not in self._apart
        ]

    def name(self, pattern: str, at_ms: int, holidays: Collection[date] = ()) -> tuple[str, str]:
        """The name of an order of *pattern* raised at *at_ms* (a key of NAMES), and the counts it rests on."""
        day = local(self._zone, at_ms).date()
        if day not in self.days:
            return "no data", f"no record of {day}"
        if day in holidays:
            return "holiday", f"{day} is quiet"
        return named(self.around(pattern, at_ms), self.others(pattern, at_ms))


def named(hour: Hour, others: Sequence[Hour]) -> tuple[str, str]:
    """What sets *hour* apart from *others*: a key of NAMES, and the counts it rests on."""
    came = median([o.came for o in others]) if others else 0
    usual = f"{hour.came} came, {came:g} in the median of {len(others)} other weeks"
    if came >= 6 and hour.came <= 0.5 * came and _rare(others, lambda o: o.came <= hour.came):
        return "fewer callers", usual
    if hour.came >= max(1.5 * came, came + 5) and _rare(others, lambda o: o.came >= hour.came):
        return "more callers", usual
    if hour.menu >= SOME and _rare(others, lambda o: o.left >= hour.left):
        return "menu", f"{hour.menu} of {hour.came} left in the menu"
    if hour.gave_up >= SOME and _rare(others, lambda o: o.lost >= hour.lost):
        return "gave up", f"{hour.gave_up} of {hour.ended} gave up"
    if hour.ended >= 5 and _rare(others, lambda o: o.prompt <= hour.prompt and o.ended >= 5):
        return "slow", f"{hour.in_time} of {hour.ended} answered within 20 s"
    if hour.gave_up >= SOME and hour.lost >= 1 / 7:
        return "bad as usual", f"{hour.gave_up} of {hour.ended} gave up"
    if hour.longest_ms >= _LONG_MS:
        return "long wait", f"{hour.longest_ms / 60_000:.1f} min the longest of {hour.ended}"
    return "nothing", usual


def _rare(others: Sequence[Hour], as_much: Callable[[Hour], bool]) -> bool:
    return sum(map(as_much, others)) <= RARE * len(others)


def apart(spans: Iterable[tuple[date, date]], days: Iterable[date] = ()) -> frozenset[date]:
    """The days of *spans* (first and last) and *days*: those of incidents and holidays."""
    within = (first + timedelta(n) for first, last in spans for n in range((last - first).days + 1))
    return frozenset([*within, *days])
