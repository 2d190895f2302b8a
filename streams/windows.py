"""The windows of one partition: queues by name, batches in, figures and interval rows out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import identity
from models.catalogue import Catalogue
from models.event import AHEAD_LIMIT_MS, UNKNOWN, EventColumns
from models.formula import ratio
from models.hours import settings_for, site_of
from models.interner import Names
from models.metric import FIGURES
from streams import counters
from streams.ages import ages_ms
from streams.anew import carry
from streams.apply import apply
from streams.buckets import advance
from streams.figures import look
from streams.freeze import freeze, slots_by_queue, thaw
from streams.level import service
from streams.rows import free_rows
from streams.slots import free_slots, set_floor
from streams.staff import count_lost, lose_agents, reach_points
from streams.store import (
    AHEADS,
    ALL_STIRRED,
    BUCKET,
    BUCKET_MS,
    BY_EVENT,
    CLOCKED,
    COMPLETE,
    LIMIT,
    MINUTE,
    NOW,
    RAISED,
    REFUSED,
    ROWS,
    SLOT,
    SLOT_LIMIT,
    SLOTS,
    WEEK,
    empty_store,
    room_for,
    room_for_queues,
)
from streams.sweep import begin_days, due_rows, watch
from streams.unit_sums import add_up, list_agents
from streams.zones import zone_table

#: Rows of a batch that are applied at once; bounds how far ahead the pools are grown (8192 x 12 pages = 7.9 MB).
CHUNK = 8192
_TIME = {"now_ms": NOW, "clocked": CLOCKED, "raised_ms": RAISED, "complete": COMPLETE, "minute_ms": MINUTE}


@dataclass(frozen=True, slots=True)
class QueueSetup:
    """How a queue's figures are formed. Times in ms; *formula* and *flow_out* are ints of `Formula` and `FlowOut`.

    *immediate_ms*: a longer wait found no agent free. *peak*: half-hours of the local week, 0 to 335 from Monday.
    *site* is the queue's, *neighbours* are the sites of its region: where its calls come from is told apart by them.
    """

    zone: str
    interval_ms: int
    threshold_ms: int
    short_ms: int
    formula: int
    flow_out: int
    immediate_ms: int = 5_000
    peak: frozenset[int] = frozenset()
    site: str = ""
    neighbours: frozenset[str] = frozenset()


def setup_of(catalogue: Catalogue, queue: str) -> QueueSetup:
    """How *queue* is set up by the settings."""
    settings, site = settings_for(catalogue, queue), site_of(catalogue, queue)
    return QueueSetup(
        zone=site.zone,
        interval_ms=site.interval_min * 60_000,
        threshold_ms=settings.threshold_ms,
        short_ms=settings.short_ms,
        formula=int(settings.formula),
        flow_out=int(settings.flow_out),
        immediate_ms=settings.immediate_ms,
        peak=settings.peak,
        site=queue.rpartition("/")[0],
        neighbours=frozenset(other.name for other in catalogue.sites if site.region and other.region == site.region),
    )


@dataclass(frozen=True, slots=True)
class RowCounts:
    """One interval row that is due: its queue, start (UTC ms), revision and counters (see ``streams.counters``)."""

    queue: str
    start_ms: int
    minutes: int
    revision: int
    counts: NDArray[np.int64]
    service_level: float | None
    answer_rate: float | None
    abandonment_rate: float | None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


class Windows:
    """State and figures of the queues of one partition.

    *setup* says how a queue is set up by its name; *limit* is how many calls and agents are kept at once. All times
    are stream time; nothing here reads a clock. Raises nothing on any event that the decoder lets through.
    """

    def __init__(
        self, names: Names, setup: Callable[[str], QueueSetup], *, by_event: bool = False, limit: int = SLOT_LIMIT
    ) -> None:
        self.names = names
        self._setup = setup
        self._zones: list[str] = []
        self._store = empty_store(*zone_table(()))
        self._store.meta[BY_EVENT] = by_event
        self._store.meta[LIMIT] = limit
        self._ready = 0

    # -- events and time ------------------------------------------------------------------------------------------

    def apply(self, columns: EventColumns, first: int, end: int) -> None:
        """Apply the rows *first* to *end* of a decoded batch, in log order."""
        # Not those of the batch's later rows: when a queue appears must not depend on where a batch ends.
        self.make_queues(int(columns.queue[first:end].max(initial=-1)) + 1)
        for start in range(first, end, CHUNK):
            stop = min(start + CHUNK, end)
            self._store = room_for(self._store, stop - start)
            apply(
                self._store,
                start,
                stop,
                columns.kind,
                columns.ts,
                columns.queue,
                columns.key,
                columns.code,
                columns.first_queued_ts,
                (columns.wait_ms, columns.talk_ms, columns.hold_ms, columns.wrap_ms),
                columns.value,
                columns.who,
                columns.origin,
                (columns.direction, columns.line, columns.channel),
            )

    @property
    def now_ms(self) -> int:
        """The time: of the last clock record, before the first of the latest event; -1 before anything."""
        return int(self._store.meta[NOW])

    @property
    def clocked(self) -> bool:
        """Whether a clock record has been seen."""
        return bool(self._store.meta[CLOCKED])

    def clock(self, now_ms: int, *, complete: bool = True) -> bool:
        """Move the time to *now_ms* and compute the figures. True when a new bucket began.

        Never back, but the first clock sets the time: what lies over a minute ahead of it is refused then.

        *complete* says whether the sources of events are alive: no verification goes on without.
        """
        if not self.clocked and self.now_ms > now_ms:
            self._begin_at(now_ms)
        store = self._store
        now_ms = max(now_ms, self.now_ms)
        store.meta[CLOCKED] = 1
        store.meta[NOW] = now_ms
        store.meta[COMPLETE] = complete
        set_floor(store)
        moved = now_ms // BUCKET_MS > int(store.meta[BUCKET])
        if moved:
            begin_days(store, self._ready, now_ms)
            advance(store, now_ms // BUCKET_MS)
        self.look()
        if now_ms // 60_000 * 60_000 != store.meta[MINUTE]:
            self.tidy()
        return moved

    def _begin_at(self, now_ms: int) -> None:
        """Put what is known under the time *now_ms*, which lies before that of the latest event (`streams.anew`)."""
        old, ready = self._store, self._ready
        self._store = empty_store(*zone_table(()))
        self._store.meta[[BY_EVENT, LIMIT, REFUSED]] = old.meta[[BY_EVENT, LIMIT, REFUSED]]
        self._store.meta[NOW] = now_ms
        set_floor(self._store)
        advance(self._store, now_ms // BUCKET_MS)
        self._zones, self._ready = [], 0
        self.make_queues(ready)
        queues, until_ms = self._store.queues, now_ms + AHEAD_LIMIT_MS
        kept = ("open", "open_since", "known", "too_late", "duplicates", "too_late_day", "duplicates_day")
        for name in kept:
            queues[name][:ready] = old.queues[name][:ready]
        for name in ("last_event", "last_word", "last_answered", "last_came"):
            heard = old.queues[name][:ready]
            queues[name][:ready] = np.where(heard > until_ms, UNKNOWN, heard)
        self._store = room_for(self._store, int(old.meta[SLOTS]))
        self._store.meta[REFUSED] += carry(old, self._store, until_ms)

    def look(self) -> None:
        """Compute the figures at the time that is, with all that was applied since the last clock."""
        ahead = int(self._store.meta[AHEADS])
        if ahead:
            self._store = room_for(self._store, ahead)
            reach_points(self._store)
        look(self._store, self._ready, self.now_ms)

    def tidy(self) -> None:
        """Let go of calls and rows that nothing can change any more, by the last full minute."""
        self._store.meta[MINUTE] = self.now_ms // 60_000 * 60_000
        if lost := count_lost(self._store, self._ready):
            self._store = room_for(self._store, lost)
            lose_agents(self._store, self._ready)
        free_slots(self._store)
        free_rows(self._store)

    def stirred(self) -> NDArray[np.int64]:
        """Indices of the queues whose figures changed since the last call of this. For readers: decides nothing."""
        flags = self._store.queues["fresh"][: self._ready]
        found = np.flatnonzero(flags)
        flags[found] = 0
        return found

    # -- queues ---------------------------------------------------------------------------------------------------

    def make_queues(self, wanted: int | None = None) -> None:
        """Set up the queues that the interner has got since the last call, or the first *wanted* of them."""
        wanted = len(self.names) if wanted is None else wanted
        for at in range(self._ready, wanted):
            self._make(at, self._setup(self.names.names[at]))
        self._ready = max(self._ready, wanted)

    @property
    def ready(self) -> int:
        """How many queues are set up: the first so many of the interner's."""
        return self._ready

    def _make(self, at: int, setup: QueueSetup) -> None:
        if setup.zone not in self._zones:
            self._zones.append(setup.zone)
            starts, offsets = zone_table(self._zones)
            days = np.append(self._store.day_start, np.int64(-1))
            self._store = self._store._replace(zone_starts=starts, zone_offsets=offsets, day_start=days)
            if self.now_ms >= 0:
                begin_days(self._store, 0, self.now_ms)
        self._store = room_for_queues(self._store, at + 1)
        self._form(at, setup)
        queue = self._store.queues[at]
        queue["interval_ms"] = setup.interval_ms
        queue["zone"] = self._zones.index(setup.zone)
        for name in ("last_event", "last_word", "last_answered", "last_came", "open_since", "watch"):
            queue[name] = UNKNOWN
        queue["head"] = queue["rows"] = queue["agents"] = -1
        queue["name"] = np.uint64(identity.key("w", self.names.names[at]))
        queue["open"] = queue["changed"] = 1
        queue["stirred"] = ALL_STIRRED

    def _form(self, at: int, setup: QueueSetup) -> None:
        """How the figures of queue number *at* are formed from here on; a call keeps the threshold it came under."""
        queue = self._store.queues[at]
        queue["threshold"], queue["short"] = setup.threshold_ms, setup.short_ms
        queue["formula"], queue["flow_out"] = setup.formula, setup.flow_out
        queue["immediate"] = setup.immediate_ms
        queue["site"] = np.uint64(identity.key("s", setup.site))
        queue["peaks"], queue["region"] = self._peaks(setup.peak), self._region(setup.neighbours)

    def _peaks(self, peak: frozenset[int]) -> int:
        """The row of these peak half-hours, made where it is missing; -1 for none."""
        if not peak:
            return -1
        week = np.zeros((1, WEEK), np.int8)
        week[0, sorted(peak)] = 1
        known = np.flatnonzero((self._store.peaks == week).all(axis=1))
        if not len(known):
            self._store = self._store._replace(peaks=np.concatenate((self._store.peaks, week)))
        return int(known[0]) if len(known) else len(self._store.peaks) - 1

    def _region(self, sites: frozenset[str]) -> int:
        """The row of the region of these sites, made where it is missing; -1 for none."""
        if not sites:
            return -1
        row = np.array(sorted(identity.key("s", site) for site in sites), np.uint64)
        have = self._store.regions
        wide = max(have.shape[1], len(row))
        regions = np.zeros((len(have) + 1, wide), np.uint64)
        regions[:-1, : have.shape[1]] = have
        regions[-1, : len(row)] = row
        known = np.flatnonzero((regions[:-1] == regions[-1]).all(axis=1))
        if not len(known):
            self._store = self._store._replace(regions=regions)
        return int(known[0]) if len(known) else len(regions) - 1

    def recut(self, setup: Callable[[str], QueueSetup]) -> list[str]:
        """Names of the queues here whose days or intervals *setup* would cut otherwise: rows cannot be cut anew."""
        found = []
        for at in range(self._ready):
            wanted, queue = setup(self.names.names[at]), self._store.queues[at]
            if wanted.zone != self._zones[queue["zone"]] or wanted.interval_ms != queue["interval_ms"]:
                found.append(self.names.names[at])
        return found

    def change(self, setup: Callable[[str], QueueSetup]) -> None:
        """*setup* holds from here on, for the queues here and those to come. `recut` must be empty."""
        self._setup = setup
        for at in range(self._ready):
            self._form(at, setup(self.names.names[at]))
            self._store.queues[at]["stirred"] = ALL_STIRRED

    def set_open(self, queue: str, is_open: bool, since_ms: int) -> None:
        """Say at *since_ms* whether *queue* is open; the same as before says nothing."""
        record = self._store.queues[self.names.index(queue)]
        if record["open_since"] >= 0 and bool(record["open"]) == is_open:
            return
        record["open"], record["open_since"], record["changed"] = is_open, since_ms, 1

    # -- figures (the protocol ``alerts.judgement.Live``) --------------------------------------------------------

    @property
    def figures(self) -> NDArray[np.float64]:
        """``(queues, figures)`` at the last clock; columns by ``models.metric.FIGURES``, NaN undefined. Not a copy."""
        return self._store.figures[: self._ready]

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """One figure at the last clock, None when undefined or the queue is unknown."""
        at = self.names.find(queue)
        return None if at is None else _known(float(self.figures[at, FIGURES[(metric, window)]]))

    def ages_ms(self, queue: str) -> list[int] | None:
        """Ages of the callers waiting in *queue* at the last clock, the oldest first; None when there are too many."""
        at = self.names.find(queue)
        return [] if at is None or at >= self._ready else ages_ms(self._store, at, self.now_ms)

    def watch(self, queue: str, since_ms: int) -> None:
        """Begin to count the window "resolve": calls of *queue* that arrive at or after *since_ms*."""
        watch(self._store, self.names.index(queue), since_ms)

    def unwatch(self, queue: str) -> None:
        """End the window "resolve" of *queue*."""
        watch(self._store, self.names.index(queue), UNKNOWN)

    @property
    def refused(self) -> int:
        """Events that found no room, or lay over a minute ahead of the first clock."""
        return int(self._store.meta[REFUSED])

    @property
    def limit(self) -> int:
        """Calls and agents that may be kept at once."""
        return int(self._store.meta[LIMIT])

    @property
    def raised_ms(self) -> int | None:
        """What the floor was raised to for want of room, None when it never was."""
        raised = int(self._store.meta[RAISED])
        return None if raised == np.iinfo(np.int64).min else raised

    def fullest(self) -> str | None:
        """The queue that most of what is kept belongs to (of several the first by name), None without any."""
        slots = self._store.slots[: int(self._store.meta[SLOTS])]
        held = np.bincount(slots["queue"][slots["kind"] >= 0])
        most = np.flatnonzero(held == held.max(initial=1))
        return min((self.names.names[at] for at in most), default=None)

    def counts(self, name: str) -> NDArray[np.int64]:
        """A counter of every queue's record by its name, e.g. ``too_late``, ``duplicates``, ``lost``, ``staffed``."""
        return np.asarray(self._store.queues[name][: self._ready], np.int64)

    def add_up(
        self,
        members: NDArray[np.int32],
        sums: NDArray[np.int64],
        now: NDArray[np.int64],
        signs: NDArray[np.int64],
    ) -> None:
        """Add the queues up by unit, as they are at the last clock (see `streams.unit_sums.add_up`)."""
        add_up(self._store, self._ready, members, sums, now, signs)

    def agents_of(self, members: NDArray[np.int32], unit: int) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
        """Who is not offline in the queues of *unit* and in which state, once for each queue."""
        size = 64
        while True:
            who, states = np.zeros(size, np.uint64), np.zeros(size, np.int8)
            size = list_agents(self._store, self._ready, members, unit, who, states)
            if size <= len(who):
                return who[:size], states[:size]

    def heard(self, at: int) -> bool:
        """Whether anything was ever heard of queue number *at*: a call, or an agent."""
        queue = self._store.queues[at]
        return bool(queue["last_event"] >= 0 or queue["known"] == 1)

    # -- interval rows --------------------------------------------------------------------------------------------

    def due_rows(self, *, all_rows: bool = False) -> list[RowCounts]:
        """The interval rows to publish now, by queue and start; with *all_rows* those still running too."""
        store = self._store
        out = np.empty(int(store.meta[ROWS]), np.int32)
        n = due_rows(store, self.now_ms, all_rows, out)
        return sorted((self._row(int(at)) for at in out[:n]), key=lambda row: (row.queue, row.start_ms))

    def interval(self, queue: str, at_ms: int) -> RowCounts | None:
        """What the interval of *queue* that *at_ms* lies in has brought by now, over or not; None when nothing of it is
        kept: nobody came, or it lies too far back."""
        found, store = self.names.find(queue), self._store
        at = int(store.queues["rows"][found]) if found is not None and found < self._ready else -1
        while at >= 0 and not store.rows["start"][at] <= at_ms < store.rows["end"][at]:
            at = int(store.rows["next"][at])
        return self._row(at) if at >= 0 else None

    def _row(self, at: int) -> RowCounts:
        row, n = self._store.rows[at], self._store.row_counts[at].copy()
        queue = self._store.queues[row["queue"]]
        met, base = service(n, int(queue["formula"]), int(queue["flow_out"]))
        decided = n[counters.ANSWERED] + n[counters.ABANDONED] + n[counters.FLOWED_OUT]
        return RowCounts(
            queue=self.names.names[row["queue"]],
            start_ms=int(row["start"]),
            minutes=int(queue["interval_ms"] // 60_000),
            revision=int(row["revision"]),
            counts=n,
            service_level=_known(ratio(met, base)),
            answer_rate=_known(ratio(n[counters.ANSWERED], decided)),
            abandonment_rate=_known(ratio(n[counters.ABANDONED], decided)),
        )

    # -- snapshots ------------------------------------------------------------------------------------------------

    def changed(self) -> list[str]:
        """Names of the queues that changed since `freeze` last took them."""
        return [self.names.names[at] for at in np.flatnonzero(self._store.queues["changed"][: self._ready])]

    def freeze(self, queues: Sequence[str]) -> dict[str, bytes]:
        """The state of each of *queues* as bytes; they count as unchanged from here on."""
        slots = slots_by_queue(self._store)
        none = np.empty(0, np.int64)
        out = {}
        for name in queues:
            at = self.names.index(name)
            out[name] = freeze(self._store, at, slots.get(at, none))
            self._store.queues[at]["changed"] = 0
        return out

    def freeze_time(self) -> dict[str, int]:
        """The state that belongs to no queue: clock and floor."""
        return {name: int(self._store.meta[cell]) for name, cell in _TIME.items()}

    def thaw(self, time: dict[str, int], queues: dict[str, bytes]) -> None:
        """Restore into a blank object the clock and the *queues* that `freeze_time` and `freeze` took.

        Raises ValueError when a snapshot has a version that this program does not read.
        """
        for name, cell in _TIME.items():
            self._store.meta[cell] = time[name]
        set_floor(self._store)
        advance(self._store, self.now_ms // BUCKET_MS)
        for name in sorted(queues):
            self.names.index(name)
        self.make_queues()
        for name in sorted(queues):
            self._store = room_for(self._store, len(queues[name]) // SLOT.itemsize + 64)
            thaw(self._store, self.names.index(name), queues[name])
        self.look()
