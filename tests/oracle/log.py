"""The oracle of one partition: its log from the beginning, and at each clock what the figures and rows are.

It keeps every event that was not refused and works each figure out anew from all of them. It looks at the order of the
log only where the contract does: what lies ahead of the clock or is too late is decided where it lies; a call is let go
of at the first clock of the minute in which it lies wholly below the floor, and what is said of it after that is of
another call; a row is published at a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from models.catalogue import Catalogue, QueueSettings, Site
from models.hours import settings_for, site_of
from models.partition import partition_of
from tests.oracle import figures, wall_clock
from tests.oracle.lives import (
    LEFT,
    NOTES,
    OF_A_CALL,
    Agent,
    Call,
    Caller,
    Counts,
    Event,
    Fact,
    Left,
    Life,
    Limits,
    Note,
    is_note,
    total,
)

#: What lies so far ahead of the clock is refused; what comes so far behind it is late.
AHEAD = LATE = 60_000
LATENESS = 4 * 3_600_000
BUCKET = 5_000
WINDOWS = {"1m": 12, "5m": 60, "15m": 180, "30m": 360}
#: Published of every interval, beside the ratios.
ROW_COUNTS = {
    "offered": "offered",
    "answered": "answered",
    "abandoned": "abandoned",
    "flowed_out": "flowed_out",
    "ivr_abandoned": "ivr_abandoned",
    "blocked": "blocked",
    "answered_in_threshold": "answered_in",
    "abandoned_in_threshold": "abandoned_in",
    "wait_ms_sum": "wait_ms",
    "unresolved": "unresolved",
}


@dataclass(frozen=True)
class Watch:
    """Not a record: where in the log the window "resolve" of a queue begins (None: ends)."""

    queue: str
    since: int | None


Entry = Event | Watch


@dataclass
class Queue:
    """All that a partition's log has said of one queue."""

    name: str
    site: Site
    settings: QueueSettings
    lives: dict[Any, Life] = field(default_factory=dict)
    #: What was let go of: it stays in the sums that it is in.
    gone: list[Life] = field(default_factory=list)
    callers: dict[str, Caller] = field(default_factory=dict)
    last_word: int | None = None
    last_event: int | None = None
    last_answered: int | None = None
    last_came: int | None = None
    open_since: int | None = None
    is_open: bool = True
    watch: int | None = None
    #: By what it is, the times of the log at which a record was found to be it.
    records: dict[str, list[int]] = field(default_factory=lambda: {"late": [], "too_late": [], "duplicate": []})
    published: dict[int, dict[str, Any]] = field(default_factory=dict)

    def all(self) -> Iterator[Life]:
        yield from self.lives.values()
        yield from self.gone

    def waiting(self, now: int) -> list[Call]:
        return [life for life in self.lives.values() if isinstance(life, Call) and life.is_waiting(now)]

    def agents(self) -> list[Agent]:
        return [life for life in self.all() if isinstance(life, Agent)]

    def begin(self, window: str, now: int) -> int:
        """When *window* began at the clock *now*: windows are whole buckets, the day begins at local midnight."""
        if window == "day":
            return wall_clock.day_start(self.site.zone, now)
        return (now // BUCKET - WINDOWS[window] + 1) * BUCKET

    def window(self, name: str, now: int) -> Counts:
        """The counts of one window at the clock *now*."""
        if name == "resolve":
            return total(self._since_resolve())
        begin, end = self.begin(name, now), (now // BUCKET + 1) * BUCKET
        return total(fact for fact in self._facts() if begin <= fact[0] < end)

    def today(self, what: str, now: int) -> int:
        """How many records were *what* (late, ...) on the local day of *now*, by the time of the log."""
        began = wall_clock.day_start(self.site.zone, now)
        return sum(at >= began for at in self.records[what])

    def agent_ms(self, states: Iterable[int], window: str, now: int) -> int:
        """Milliseconds of all agents in one of *states* in *window*, cut at its edges."""
        return sum(agent.time_in(states, self.begin(window, now), now) for agent in self.agents())

    def _facts(self) -> Iterator[Fact]:
        for life in self.all():
            yield from life.facts()
        for caller in self.callers.values():
            yield from caller.facts()

    def _since_resolve(self) -> Iterator[Fact]:
        for life in self.all():
            if self.watch is not None and life.arrival is not None and life.arrival >= self.watch:
                yield from life.facts()

    def rows(self, *, by_event: bool = False) -> dict[int, Counts]:
        """What each interval counts, by its start: the calls that arrived in it, or what happened in it."""
        facts: dict[int, list[Fact]] = {}
        for life in self.all():
            for fact in life.facts() if isinstance(life, Call | Left) else []:
                start = self.row_start(fact[0]) if by_event else life.row
                if start is not None:
                    facts.setdefault(start, []).append(fact)
        return {start: total(of) for start, of in facts.items()}

    def row_start(self, ts: int) -> int:
        return wall_clock.interval_start(self.site.zone, self.site.interval_min, ts)


class Oracle:
    """One partition. `read` its log; `figures` are those of the last clock, `rows` those that it published."""

    def __init__(self, catalogue: Catalogue, partition: int, partitions: int) -> None:
        self.catalogue = catalogue
        self.partition, self.partitions = partition, partitions
        self.queues: dict[str, Queue] = {}
        self.now: int | None = None
        self.bucket, self.minute = -1, -1
        self.figures: dict[str, dict[tuple[str, str], float]] = {}
        self.rows: list[dict[str, Any]] = []
        self.dead, self.misrouted = 0, 0

    def read(self, entries: Iterable[Entry]) -> Oracle:
        """Read on; `figures` are those of the last entry, if that is a clock."""
        todo = list(entries)
        for at, entry in enumerate(todo):
            if isinstance(entry, Watch):
                self.queues[entry.queue].watch = entry.since
            elif entry["type"] == "clock":
                self._clock(entry["ts"], last=at == len(todo) - 1)
            elif entry["type"] != "unit.sums":  # what partitions tell each other of their sums
                self._event(entry)
        return self

    # -- events ---------------------------------------------------------------------------------------------------

    def _event(self, event: Event) -> None:
        assert self.now is not None, "a log begins with a clock"
        name, ts = event["queue"], event["ts"]
        if partition_of(name, self.partitions) != self.partition:
            self.misrouted += 1
            return
        if ts > self.now + AHEAD:
            self.dead += 1
            return
        queue = self.queues.get(name) or self._new_queue(name)
        if ts < self.now - LATENESS:
            queue.records["too_late"].append(self.now)
            return
        if ts < self.now - LATE:
            queue.records["late"].append(self.now)
        queue.last_word = max(ts, queue.last_word or ts)
        kind, leg = event["type"], event.get("leg", 1)
        if kind not in ("agent.state", "agent.login_failed", "probe.result"):
            queue.last_event = max(ts, queue.last_event or ts)
        if event.get("direction") != "out" and kind == "call.answered":
            queue.last_answered = max(ts, queue.last_answered or ts)
        if event.get("direction") != "out" and kind in ("call.offered", "call.blocked"):
            queue.last_came = max(ts, queue.last_came or ts)
        if kind == "agent.state":
            self._add(queue, Agent, (event["agent"],), event)
        elif kind in OF_A_CALL:
            self._add(queue, Call, (event["call"], leg), event)
        elif kind in LEFT:
            self._add(queue, Left, (kind, event["call"], leg), event)
        elif kind in NOTES and is_note(event):
            self._add(queue, Note, (event["source"], event["id"]), event)
        if "customer" in event and event.get("direction") != "out":
            queue.callers.setdefault(event["customer"], Caller()).hear(event)

    def _new_queue(self, name: str) -> Queue:
        settings, site = settings_for(self.catalogue, name), site_of(self.catalogue, name)
        return self.queues.setdefault(name, Queue(name, site, settings))

    def _add(self, queue: Queue, what: type[Life], name: tuple[Any, ...], event: Event) -> None:
        key = (what, *name)
        life = queue.lives.get(key)
        if life is None:
            of = queue.settings
            life = queue.lives[key] = what(Limits(of.threshold_ms, of.short_ms, of.immediate_ms))
        before, came = (life.state(), life.arrival) if life.events else (None, None)
        life.events.append(event)
        if life.state() == before:
            queue.records["duplicate"].append(self.now or 0)
        if isinstance(life, Call | Left) and life.arrival is not None and life.arrival != came:
            start = queue.row_start(life.arrival)
            end = start + queue.site.interval_min * 60_000
            # a row below the floor was published for good: a part of it would replace the whole
            life.row = start if end > (self.now or 0) - LATENESS else None
            at = wall_clock.local(queue.site.zone, life.arrival)
            half_hour = at.weekday() * 48 + at.hour * 2 + at.minute // 30
            life.peak = half_hour in queue.settings.peak

    # -- clocks ---------------------------------------------------------------------------------------------------

    def _clock(self, ts: int, *, last: bool) -> None:
        self.now = now = ts if self.now is None else max(ts, self.now)
        for queue in self.queues.values():
            is_open = wall_clock.is_within(queue.settings.hours or queue.site.hours, queue.site.zone, now)
            if queue.open_since is None or is_open != queue.is_open:
                queue.is_open, queue.open_since = is_open, now
        if last:
            self.figures = {name: figures.of(queue, now) for name, queue in self.queues.items()}
        moved, self.bucket = now // BUCKET > self.bucket, now // BUCKET
        if now // 60_000 != self.minute:
            self.minute = now // 60_000
            self._let_go(self.minute * 60_000 - LATENESS, now)
        if moved:
            for _, queue in sorted(self.queues.items()):
                self._publish(queue, now)

    def _let_go(self, floor: int, now: int) -> None:
        for queue in self.queues.values():
            for key, life in list(queue.lives.items()):
                if isinstance(life, Agent):
                    life.lose(floor + LATENESS, now)
                if not life.is_kept(floor, now):
                    queue.gone.append(queue.lives.pop(key))

    def _publish(self, queue: Queue, now: int) -> None:
        """Rows that are over, hold nobody who waits, and say something else than was last published of them."""
        held = {life.row for life in queue.waiting(now)}
        here = queue.rows()
        for start in sorted({*here, *queue.published}):
            if start + queue.site.interval_min * 60_000 > now or start in held:
                continue
            row = self._row(queue, start, figures.Sums(here.get(start, {})))
            last = queue.published.get(start)
            if last is None and not any(here[start].values()):
                continue
            if last is None or {**last, "revision": 0} != {**row, "revision": 0}:
                row["revision"] = 1 if last is None else last["revision"] + 1
                queue.published[start] = row
                self.rows.append(row)

    def _row(self, queue: Queue, start: int, n: figures.Sums) -> dict[str, Any]:
        decided = n["answered"] + n["abandoned"] + n["flowed_out"]
        return {
            "queue": queue.name,
            "start_ms": start,
            "minutes": queue.site.interval_min,
            "revision": 0,
            **{name: n[counter] for name, counter in ROW_COUNTS.items()},
            "service_level": figures.known(figures.service_level(queue.settings, n)),
            "answer_rate": figures.known(figures.ratio(n["answered"], decided)),
            "abandonment_rate": figures.known(figures.ratio(n["abandoned"], decided)),
            "formula": queue.settings.formula.name.lower(),
            "threshold_ms": queue.settings.threshold_ms,
        }
