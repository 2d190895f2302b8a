"""One actor per partition: the log in, outputs out. It alone touches the partition's state.

A function of the log and of nothing else: what a record causes is decided where the record lies, at the time of the
last clock record before it. So the same log gives the same outputs whatever the batching, the speed and the crashes.
No Faust, no broker, no wall clock here; ``agents.keeper`` is the shell that has them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from agents.live import LiveQueues
from agents.plans import plan_name, queue_of_plan
from agents.room import Room
from agents.sources import SourceBook
from agents.unit_strays import DEAD
from agents.units import Units
from alerts.alarm_budget import alarms_per_week
from alerts.habit.book import HabitBook
from alerts.judge import TREND
from alerts.judgement import Judgement
from alerts.local_week import local_week
from alerts.plan.watch import PlanWatch
from alerts.siblings.book import SiblingBook
from alerts.turn import Output
from models.catalogue import Catalogue
from models.decode import LastClock, decode
from models.encode import dead_letter_record
from models.event import TYPE_NAMES, DeadLetter, EventColumns, EventType, Misrouted
from models.fields import is_unit
from models.habit_record import read_habit
from models.hours import is_open, next_change_ms, settings_for, site_of
from models.identity import SEPARATOR
from models.interner import Names
from models.outputs import IntervalRow
from models.plan.record import read_plan
from models.refusal import Reason, Refused
from models.settings_record import canonical, digest, packed, read_settings, unpacked
from models.topics import ALERTS, DEAD_LETTERS, EVENTS, INTERVALS
from streams import clock, counters
from streams.windows import RowCounts, Windows, setup_of

#: Ids of commands remembered per partition, so that a repeated send is the same command: a person gives a few a minute.
#: Digests of 24 characters, because they stand in the manifest: 512 of the longest ids would be half a record.
COMMANDS_KEPT: Final = 512


@dataclass(frozen=True, slots=True)
class Record:
    """A record to write: topic (without prefix), partition, key, value, and its place in the order of outputs."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    pos: tuple[int, int]  #: (offset of the cause, n)


@dataclass(slots=True)
class Effects:
    """What a batch caused."""

    records: list[Record] = field(default_factory=list)
    told: list[Record] = field(default_factory=list)  #: for the homes of units: no outputs, a repeat is harmless
    events: int = 0
    dead: int = 0
    misrouted: int = 0


class PartitionActor:
    """State of one partition and the only way to change it: `apply` a batch of its log.

    *position* is the offset of the next record to apply. Raises nothing on any record.
    """

    def __init__(self, partition: int, partitions: int, catalogue: Catalogue) -> None:
        self.partition = partition
        self.partitions = partitions
        self.names = Names()
        self.windows = Windows(self.names, partial(setup_of, catalogue))
        self._begin_with(canonical(catalogue))
        self.room = Room(partition)
        self.position = 0
        self._clock_seen = LastClock()
        self._commands: dict[str, None] = {}
        self._taught: dict[str, str] = {}  #: by queue, the telling of what was learned elsewhere
        self._next_change: dict[str, int] = {}
        self._next_due = _NEVER  #: the least of them; all are asked anew at the first clock after a restore
        self._cause, self._n = 0, 0
        self._refused: list[DeadLetter] = []

    def _begin_with(self, catalogue: Catalogue) -> None:
        """*catalogue* is in force from the beginning."""
        self.catalogue, self.digest = catalogue, digest(catalogue)
        self.windows.change(partial(setup_of, catalogue))
        self.judgement = Judgement(catalogue)
        self.habits = HabitBook(lambda queue: local_week(self.catalogue, queue), catalogue.judge.alarms_per_week)
        self.siblings = SiblingBook(catalogue.judge.alarms_per_week)
        self.live = LiveQueues(self.windows, self.habits, self.siblings)
        self.plans = self.judgement.plans = PlanWatch(lambda queue: site_of(self.catalogue, queue).zone)
        self.sources = SourceBook(catalogue.sources)
        self.units = Units(self.partition, self.partitions, catalogue, self.judgement)

    # -- the log --------------------------------------------------------------------------------------------------

    def apply(
        self, values: Sequence[bytes | None], offsets: Sequence[int], appended: Sequence[tuple[int, int]] = ()
    ) -> Effects:
        """Apply the records *values* at *offsets* (rising, all of this partition) and return what they caused.

        *appended* says when the broker appended them: (first row, epoch ms) from there on.
        """
        decoded = decode(
            values,
            offsets,
            topic=EVENTS,
            partition=self.partition,
            partitions=self.partitions,
            names=self.names,
            clock=self._clock_seen,
            appended=appended,
        )
        self._clock_seen = decoded.clock
        columns = decoded.columns
        effects = Effects(events=len(columns), misrouted=len(decoded.misrouted))
        self.room.begin(decoded.dead)
        self.units.strays.begin([m.offset for m in decoded.misrouted], [letter.offset for letter in decoded.dead])
        first = 0
        for row, record in sorted(columns.records.items()):
            self.windows.apply(columns, first, row + 1)
            self.units.strays.records += row - first
            first = row + 1
            self._cause, self._n = int(columns.offset[row]), 0
            effects.records += self._control(columns, row, record)
        self.windows.apply(columns, first, len(columns))
        self.units.strays.records += len(columns) - first
        self.room.end()
        self.units.strays.end()
        dead, self._refused = sorted(decoded.dead + self._refused, key=attrgetter("offset")), []
        effects.dead = len(dead)
        effects.records += [self._dead(letter) for letter in dead]
        effects.records += [_forwarded(stray) for stray in decoded.misrouted]
        effects.told, self.units.told = [_telling(*telling) for telling in self.units.told], []
        self.position = int(offsets[-1]) + 1
        return effects

    def hear(self, value: bytes) -> list[Record]:
        """Take what another partition told (``unit.sums``, ``storm.changed``) that has no place in the log (a
        rehearsal): caused by what was decided last, say its outputs."""
        record = orjson.loads(value)
        if record["type"] == TYPE_NAMES[EventType.STORM_CHANGED]:
            self.units.take_storm(record)
            return []
        return self._outputs(self.units.take(record))

    def _control(self, columns: EventColumns, row: int, record: dict[str, Any]) -> list[Record]:
        kind, now_ms = columns.kind[row], self.windows.now_ms
        if kind == EventType.CLOCK:
            return self._clock(int(columns.ts[row]), live=record["source"] == clock.SOURCE)
        if kind == EventType.UNIT_SUMS:
            return self._outputs(self.units.take(record))
        if kind == EventType.STORM_CHANGED:
            self.units.take_storm(record)
        if kind in _DECIDED:
            if not self._is_new(_ident(record)):
                return []
            self._look()  # the figures of the last clock are in no snapshot
        if kind == EventType.ORDER_COMMAND and is_unit(record["queue"]):
            return self._outputs(self.units.command(record))
        if kind == EventType.ORDER_COMMAND:
            return self._outputs(self.judgement.command(record, now_ms, self.live))
        if kind == EventType.PROBE_RESULT:
            return self._outputs(self.judgement.probe(record, now_ms, self.live))
        if kind == EventType.SOURCE_HEARTBEAT:
            self.sources.hear(record["source"], int(columns.ts[row]), now_ms if self.windows.clocked else None)
        if kind == EventType.RULES_CHANGED:
            return self._rules_changed(record)
        if kind == EventType.HABIT_LEARNED:
            self._learned(record)
        if kind == EventType.PLAN_CHANGED:
            self._planned(record, now_ms if self.windows.clocked else int(columns.ts[row]))
        return []

    def _rules_changed(self, record: dict[str, Any]) -> list[Record]:
        """The settings in *record* are in force from where it lies, unless something is wrong with them."""
        try:
            catalogue = read_settings(record)
            if recut := self.windows.recut(partial(setup_of, catalogue)):
                raise Refused(Reason.SITE_CHANGED, f"zone or interval length of {recut[0]} and {len(recut) - 1} more")
        except Refused as refused:
            self._refuse(record, refused)
            return []
        if not self._is_new(_ident(record)) or digest(catalogue) == self.digest:
            return []
        self.catalogue, self.digest = catalogue, digest(catalogue)
        self.windows.change(partial(setup_of, catalogue))
        self.sources.declare(catalogue.sources)
        self._next_change.clear()  # all hours are asked anew at the next clock
        self._budget()
        figures, names = self._look()
        decisions = self.judgement.change(catalogue, self.windows.now_ms, figures, names, self.live)
        return self._outputs(decisions + self.units.change(catalogue))

    def _refuse(self, record: dict[str, Any], refused: Refused) -> None:
        """*record* is found to be wrong where it is decided: it becomes a dead letter."""
        letter = DeadLetter(EVENTS, self.partition, self._cause, refused.reason, refused.detail, orjson.dumps(record))
        self._refused.append(letter)
        self.units.strays.counts[DEAD] += 1

    def _learned(self, record: dict[str, Any]) -> None:
        """What recordings taught of a queue holds from here on. The same telling once more changes nothing."""
        queue, ident = str(record["queue"]), _ident(record)
        if self._taught.get(queue) == ident:
            return
        try:
            self.habits.teach(queue, read_habit(record))
        except (Refused, ValueError) as error:
            self._refuse(record, error if isinstance(error, Refused) else Refused(Reason.BAD_HABIT, str(error)[:200]))
            return
        self._taught[queue] = ident
        self.habits.changed.add(queue)

    def _planned(self, record: dict[str, Any], now_ms: int) -> None:
        """The plan of a queue's day in *record* is in force from where it lies."""
        try:
            self.plans.take(read_plan(record), _ident(record), now_ms)
        except Refused as refused:
            self._refuse(record, refused)

    def _look(self) -> tuple[NDArray[np.float64], list[str]]:
        """The figures by queue at the time that is, whole."""
        self.windows.look()
        return self._whole()

    def _whole(self) -> tuple[NDArray[np.float64], list[str]]:
        """The figures that the windows have, with those that habits and comparisons found last."""
        figures, names = self.windows.figures, self.names.names[: self.windows.ready]
        self.habits.fill(figures, names)
        self.siblings.write(figures, names)
        return figures, names

    def _budget(self) -> None:
        """What false alarms a queue may cost, as many as there are now. Queues spread evenly over the partitions."""
        budget = alarms_per_week(self.catalogue, self.windows.ready * self.partitions)
        self.habits.alarms_per_week = self.siblings.alarms_per_week = budget

    def _clock(self, ts_ms: int, live: bool) -> list[Record]:
        if self.windows.clocked and ts_ms <= self.windows.now_ms:
            return []  # no news: written twice, or by an owner that was taken for dead. A time is judged once.
        self._open_and_close(max(ts_ms, self.windows.now_ms))
        complete = not self.sources.all_overdue(max(ts_ms, self.windows.now_ms))
        self.room.note(self.windows.refused)
        moved = self.windows.clock(ts_ms, complete=complete)
        self.room.skip(self.windows.refused)  # the first clock drops what lies too far ahead of it
        rows = self.windows.due_rows() if moved else []
        out = [self._interval(row) for row in rows]
        for row in rows:
            self.plans.correct(row.queue, row.start_ms, int(row.counts[counters.OFFERED]))
        now_ms = self.windows.now_ms
        if full := self.room.clock(self._cause, self.windows, self.names.limit):
            out.append(self._record(ALERTS, *full))
        figures, names = self.windows.figures, self.names.names[: self.windows.ready]
        keeps_quiet = self.judgement.plan.keeps_quiet
        off_plan = self.plans.clock(now_ms, self.live, lambda queue: keeps_quiet(queue, TREND, now_ms) is not None)
        may_learn = self.judgement.may_learn(now_ms, self.habits.is_new)
        self.habits.clock(now_ms, figures, names, may_learn=may_learn, rates=self.plans.rates)
        self.siblings.clock(now_ms, figures, names)
        decisions = self.judgement.off_plan(off_plan, now_ms, self.live) if off_plan else []
        decisions += self.judgement.clock(now_ms, figures, names, self.live)
        odd = self.sources.told(now_ms)
        decisions += self.units.clock(self._cause, self.windows, live=live, blind=not complete, sources=odd)
        return out + self._outputs(decisions)

    def _open_and_close(self, now_ms: int) -> None:
        """Open and close the queues whose hours began or ended by *now_ms*."""
        if len(self._next_change) < self.windows.ready:
            self._budget()
        for queue in self.names.names[len(self._next_change) : self.windows.ready]:
            self._next_change[queue] = self._next_due = now_ms
        if now_ms < self._next_due:
            return
        for queue, at in self._next_change.items():
            if now_ms >= at:
                site, settings = site_of(self.catalogue, queue), settings_for(self.catalogue, queue)
                self.windows.set_open(queue, is_open(site, settings, now_ms), now_ms)
                self._next_change[queue] = next_change_ms(site, settings, now_ms) or _NEVER
        self._next_due = min(self._next_change.values(), default=_NEVER)

    def _is_new(self, ident: str) -> bool:
        if ident in self._commands:
            return False
        if len(self._commands) >= COMMANDS_KEPT:
            del self._commands[next(iter(self._commands))]
        self._commands[ident] = None
        return True

    # -- outputs --------------------------------------------------------------------------------------------------

    def _pos(self) -> tuple[int, int]:
        self._n += 1
        return self._cause, self._n - 1

    def _outputs(self, decisions: Sequence[Output]) -> list[Record]:
        return [self._record(d.topic, d.key, d.payload) for d in decisions]

    def _record(self, topic: str, key: str, payload: dict[str, Any]) -> Record:
        pos = self._pos()
        value = orjson.dumps({"pos": [self.partition, *pos], **payload})
        return Record(topic, self.partition, key.encode(), value, pos)

    def _interval(self, row: RowCounts) -> Record:
        n, settings = row.counts, settings_for(self.catalogue, row.queue)
        payload = {
            "queue": row.queue,
            "start_ms": row.start_ms,
            "minutes": row.minutes,
            "revision": row.revision,
            **{name: int(n[at]) for name, at in _ROW_COUNTERS},
            "service_level": row.service_level,
            "answer_rate": row.answer_rate,
            "abandonment_rate": row.abandonment_rate,
            "formula": settings.formula.name.lower(),
            "threshold_ms": settings.threshold_ms,
        }
        return self._record(INTERVALS, f"{row.queue}@{row.start_ms}", payload)

    def _dead(self, letter: DeadLetter) -> Record:
        value = orjson.dumps(dead_letter_record(letter).model_dump())
        return Record(DEAD_LETTERS, self.partition, None, value, (letter.offset, 0))

    # -- snapshots ------------------------------------------------------------------------------------------------

    def kept(self) -> list[str]:
        """All names that `freeze` knows: the queues', and those under which the state of units and plans is kept."""
        return sorted({*self.names.names, *self.units.kept(), *map(plan_name, self.plans.book.queues())})

    def changed(self) -> list[str]:
        """Those of them that changed since `freeze` last took them, sorted."""
        of_queues = {*self.windows.changed(), *self.judgement.changed, *self.habits.changed, *self.plans.changed}
        of_queues |= self.siblings.changed
        return sorted({*of_queues, *self.units.changed(), *map(plan_name, self.plans.book.changed)})

    def freeze(self, names: Sequence[str]) -> dict[str, bytes]:
        """The state under each of *names* as bytes; they count as unchanged from here on."""
        queues = [name for name in names if not _is_of_units(name) and not queue_of_plan(name)]
        frozen = self.windows.freeze(queues)
        out = {name: self.units.freeze(name) for name in names if _is_of_units(name)}
        for name in names:
            if queue := queue_of_plan(name):
                out[name] = orjson.dumps(self.plans.book.freeze(queue))
                self.plans.book.changed.discard(queue)
        for queue in queues:
            habit, taught, today = self.habits.snapshot(queue), self._taught.get(queue), self.plans.freeze(queue)
            kept = self.judgement.snapshot(queue) | ({"habit": len(habit)} if habit else {})
            kept |= {"today": today} if today else {}
            kept |= {"apart": apart} if (apart := self.siblings.snapshot(queue)) else {}
            orders = orjson.dumps(kept | ({"taught": taught} if taught else {}))
            out[queue] = b"%d\n%b%b%b" % (len(orders), orders, habit, frozen[queue])
            self.judgement.changed.discard(queue)
            self.siblings.changed.discard(queue)
            self.habits.changed.discard(queue)
            self.plans.changed.discard(queue)
        return out

    def freeze_common(self) -> dict[str, Any]:
        """What belongs to no queue: the time, the sources, the commands that were seen, what was told of room."""
        self.room.note(self.windows.refused)
        return {
            "catalogue": packed(self.catalogue),
            "time": self.windows.freeze_time(),
            **self.sources.freeze(),
            "room": self.room.freeze(),
            "commands": list(self._commands),
            "clock": [self._clock_seen.ts_ms, self._clock_seen.appended_ms],
            "planned": self.judgement.plan.common(),
            "habits": self.habits.common(),
        }

    def thaw(self, position: int, common: dict[str, Any], queues: dict[str, bytes]) -> None:
        """Restore into a blank actor what `freeze_common` and `freeze` took at *position*.

        Raises ValueError for a snapshot of a version that this program does not read, Refused for settings that it
        does not understand.
        """
        self._begin_with(unpacked(common["catalogue"]))
        windows, orders, habits = {}, {}, {}
        self.units.thaw({name: data for name, data in queues.items() if _is_of_units(name)})
        for queue, data in queues.items():
            if _is_of_units(queue):
                continue
            if of := queue_of_plan(queue):
                self.plans.book.thaw(of, orjson.loads(data))
                continue
            length, _, rest = data.partition(b"\n")
            orders[queue], rest = orjson.loads(rest[: int(length)]), rest[int(length) :]
            learned = orders[queue].get("habit", 0)  # its bytes lie between; none before habits were kept
            habits[queue], windows[queue] = rest[:learned], rest[learned:]
        self.windows.thaw(common["time"], windows)
        for queue in sorted(orders):
            self.judgement.restore(queue, orders[queue])
            self.siblings.restore(queue, orders[queue].get("apart", {}))
            if habits[queue]:
                self.habits.restore(queue, habits[queue])
            if "taught" in orders[queue]:
                self._taught[queue] = orders[queue]["taught"]
            self.plans.thaw(queue, orders[queue].get("today", {}))
        self.judgement.plan.thaw(common["planned"])
        self.habits.thaw(common.get("habits", {}))  # of before habits were kept: nothing
        self.judgement.changed.clear()
        self.siblings.minute = self.windows.now_ms // 60_000 if self.windows.clocked else -1
        self.habits.changed.clear()
        self.plans.resume(self.windows.now_ms if self.windows.clocked else None)
        self.sources.thaw(common["heard"], common.get("lags", {}))
        self.room.thaw(common["room"])
        self._commands = dict.fromkeys(common["commands"])
        self._budget()
        self._clock_seen = LastClock(*common["clock"])
        self.position = position
        self._whole()


_NEVER: Final = 1 << 62
#: Types that are decided on the figures, where they lie.
_DECIDED: Final = frozenset({EventType.ORDER_COMMAND, EventType.PROBE_RESULT})
_ROW_COUNTERS: Final = (
    ("offered", counters.OFFERED),
    ("answered", counters.ANSWERED),
    ("abandoned", counters.ABANDONED),
    ("flowed_out", counters.FLOWED_OUT),
    ("ivr_abandoned", counters.IVR_ABANDONED),
    ("blocked", counters.BLOCKED),
    ("answered_in_threshold", counters.ANSWERED_IN),
    ("abandoned_in_threshold", counters.ABANDONED_IN),
    ("wait_ms_sum", counters.WAIT_MS),
    ("unresolved", counters.UNRESOLVED),
)
assert {name for name, _ in _ROW_COUNTERS} <= IntervalRow.model_fields.keys()


def _ident(record: dict[str, Any]) -> str:
    """What a command is the same by: a digest of its source and id."""
    name = f"{record['source']}{SEPARATOR}{record['id']}".encode()
    return base64.b64encode(hashlib.blake2b(name, digest_size=18).digest()).decode("ascii")


def _is_of_units(name: str) -> bool:
    """Whether a snapshot keeps a unit under *name*, or what belongs to all units."""
    return is_unit(name) or "/" not in name


def _telling(home: int, record: dict[str, Any]) -> Record:
    """What is told of units to the partition in which they are at home, and of storms to all."""
    key = record["queue"].encode() if "queue" in record else None
    return Record(EVENTS, home, key, orjson.dumps(record), (record.get("tick", 0), record.get("part", 0)))


def _forwarded(stray: Misrouted) -> Record:
    """A record of another partition, sent where it belongs; applied there once, whoever sends it twice."""
    return Record(EVENTS, stray.partition, stray.queue.encode(), stray.value, (stray.offset, 0))
