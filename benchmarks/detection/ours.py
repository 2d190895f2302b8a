"""Callwatch on the suite: an actor learns ordinary weeks, is frozen, and meets each trouble from there."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from agents.actor import PartitionActor
from benchmarks.detection.life import Day, draw_day, live
from benchmarks.detection.shape import CLOSES_S, DAY_S, OPENS_S, START_MS, ZONE, Line, day_ms
from benchmarks.detection.telling import SOURCE, Told, tell
from benchmarks.detection.trouble import Slow, Trouble
from callwatch.backtest.happened import Episode, Happened, OrderSpan
from models.catalogue import Catalogue, Department, Holidays, OpeningHours, QueueSettings, Rule, Site
from models.encode import clock_record
from models.hours import local

#: Stream time between clocks, in trouble: buckets have 5 s.
CLOCK_MS: Final = 5_000
#: In ordinary life, a minute: the longest after which a half-hour is whole. At night nothing is judged or learned.
ORDINARY_CLOCK_MS: Final = 60_000
NIGHT_CLOCK_MS: Final = 600_000
#: Clocks begin this long before the opening and end this long after the closing.
MARGIN_S: Final = 1800
#: Ordinary life goes on from a minute before a trouble.
LEAD_MS: Final = 60_000
#: A trouble counts as found until this long after its end.
TAIL_MS: Final = 30 * 60_000


def catalogue(lines: Sequence[Line], rules: tuple[Rule, ...], off: dict[str, int] | None = None) -> Catalogue:
    """The settings: opening hours, *rules*, and for queues in *off* a holiday of their own on that day."""
    hours = (OpeningHours(frozenset(range(7)), OPENS_S // 60, CLOSES_S // 60),)
    off = off or {}
    return Catalogue(
        sites=tuple(Site(name, ZONE, hours=hours) for name in sorted({line.name.partition("/")[0] for line in lines})),
        queues=tuple(QueueSettings(pattern=queue, department=f"of-{queue}") for queue in off),
        rules=rules,
        departments=tuple(Department(f"of-{queue}", closed_on=f"days-{queue}") for queue in off),
        holidays=tuple(Holidays(f"days-{queue}", frozenset({_date(day)})) for queue, day in off.items()),
    )


def _date(day: int) -> Any:
    return local(ZONE, START_MS).date() + timedelta(days=day)


def clocks(day: int, every_ms: int) -> list[Told]:
    """Clock records of *day*: dense while the queues are open, sparse at night."""
    midnight = day_ms(day)
    first, last = midnight + (OPENS_S - MARGIN_S) * 1000, midnight + (CLOSES_S + MARGIN_S) * 1000
    times = {*range(midnight, first, NIGHT_CLOCK_MS), *range(first, last, every_ms)}
    times |= set(range(last, midnight + DAY_S * 1000, NIGHT_CLOCK_MS))
    return [(ts, 9, clock_record(ts, SOURCE)) for ts in sorted(times)]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A queue, and what belongs to none, at a moment of ordinary life."""

    at_ms: int
    position: int
    common: dict[str, Any]
    queues: dict[str, bytes]


@dataclass(slots=True)
class Run:
    """One actor on a log. *happened* has what it said since it began."""

    actor: PartitionActor
    happened: Happened = field(default_factory=Happened)

    def play(self, told: Iterable[Told]) -> None:
        """Apply records that follow in time."""
        values = [value for _, _, value in told]
        if not values:
            return
        first = self.actor.position
        for record in self.actor.apply(values, range(first, first + len(values))).records:
            self.happened.add(record)

    def snapshot(self, queue: str, at_ms: int) -> Snapshot:
        """Freeze *queue* as it stands."""
        common = self.actor.freeze_common()
        return Snapshot(at_ms, self.actor.position, common, self.actor.freeze([queue]))


def ordinary(line: Line, day: int, slow: Slow | None = None) -> Day:
    """The day of *line* without a trouble of hours."""
    return live(line, day, draw_day(line, day, slow=slow))


def live_weeks(
    run: Run,
    lines: Sequence[Line],
    days: range,
    every_ms: int,
    wanted: dict[str, list[int]],
    say: Callable[[str], None],
    slow: dict[str, Slow] | None = None,
) -> list[tuple[str, Snapshot]]:
    """Play ordinary *days* of all *lines*; *wanted* queues are frozen at these moments. Returns what was frozen."""
    slow = slow or {}
    frozen: list[tuple[str, Snapshot]] = []
    moments = sorted((at, queue) for queue, times in wanted.items() for at in times)
    for day in days:
        told = [tell(line, ordinary(line, day, slow.get(line.name))) for line in lines]
        stream = list(heapq.merge(clocks(day, every_ms), *told, key=lambda one: one[:2]))
        begin = 0
        while moments and moments[0][0] < day_ms(day + 1):
            at_ms, queue = moments.pop(0)
            end = _after(stream, at_ms, begin)
            run.play(stream[begin:end])
            frozen.append((queue, run.snapshot(queue, at_ms)))
            begin = end
        run.play(stream[begin:])
        say(f"day {day + 1}")
    return frozen


def _after(stream: Sequence[Told], at_ms: int, first: int) -> int:
    """Index of the first record later than *at_ms*."""
    end = first
    while end < len(stream) and stream[end][0] <= at_ms:
        end += 1
    return end


@dataclass(frozen=True, slots=True)
class Found:
    """How a trouble was found: seconds from its start, by which rule; None: it was not."""

    after_s: float | None
    rule: str = ""


def meet(line: Line, trouble: Trouble, snapshot: Snapshot, settings: Catalogue) -> Found:
    """Go on from *snapshot* into *trouble* until an order tells of it, or its tail is over."""
    actor = PartitionActor(0, 1, settings)
    actor.thaw(snapshot.position, snapshot.common, snapshot.queues)
    run = Run(actor)
    start_ms = day_ms(trouble.day) + round(trouble.start_s * 1000)
    until_ms = day_ms(trouble.day) + round(trouble.end_s * 1000) + TAIL_MS
    day = live(line, trouble.day, draw_day(line, trouble.day), trouble)
    merged = heapq.merge(clocks(trouble.day, CLOCK_MS), tell(line, day, trouble), key=lambda one: one[:2])
    stream = [one for one in merged if snapshot.at_ms < one[0] <= until_ms]
    for piece in _minutes(stream):
        run.play(piece)
        first = first_order(run.happened, start_ms, line.name)
        if first is not None:
            return Found((first.told_ms - start_ms) / 1000, first.rule)
    return Found(None)


def _minutes(stream: Sequence[Told]) -> Iterator[Sequence[Told]]:
    """Pieces of a minute each."""
    begin = 0
    for end in range(1, len(stream) + 1):
        if end == len(stream) or stream[end][0] // 60_000 != stream[begin][0] // 60_000:
            yield stream[begin:end]
            begin = end


def first_order(happened: Happened, start_ms: int, queue: str) -> Episode | None:
    """The first episode from *start_ms* on that opened an order of *queue*, joined one, or brought one back."""
    told = [e for e in happened.episodes.values() if e.how and e.told_ms >= start_ms and e.queue == queue]
    return min(told, key=lambda one: one.told_ms, default=None)


def orders_between(happened: Happened, from_ms: int, until_ms: int) -> list[OrderSpan]:
    """Orders raised from *from_ms* until *until_ms*."""
    return [order for order in happened.orders.values() if from_ms <= order.raised_ms < until_ms]


def fresh(settings: Catalogue) -> Run:
    """A run that knows nothing yet."""
    return Run(PartitionActor(0, 1, settings))
