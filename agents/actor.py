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

import orjson

from agents.room import Room
from agents.sources import SourceBook
from agents.unit_strays import DEAD
from agents.units import Units
from alerts.judgement import Judgement
from alerts.turn import Output
from models.catalogue import Catalogue
from models.decode import LastClock, decode
from models.encode import dead_letter_record
from models.event import DeadLetter, EventColumns, EventType, Misrouted
from models.fields import is_unit
from models.hours import is_open, next_change_ms, settings_for, site_of
from models.identity import SEPARATOR
from models.interner import Names
from models.outputs import IntervalRow
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
        self._next_change: dict[str, int] = {}
        self._next_due = _NEVER  #: the least of them; all are asked anew at the first clock after a restore
        self._cause, self._n = 0, 0
        self._refused: list[DeadLetter] = []

    def _begin_with(self, catalogue: Catalogue) -> None:
        """*catalogue* is in force from the beginning."""
        self.catalogue, self.digest = catalogue, digest(catalogue)
        self.windows.change(partial(setup_of, catalogue))
        self.judgement = Judgement(catalogue)
        self.sources = SourceBook(catalogue.sources)
        self.units = Units(self.partition, self.partitions, catalogue)

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
            first = row + 1
            self._cause, self._n = int(columns.offset[row]), 0
            effects.records += self._control(columns, row, record)
        self.windows.apply(columns, first, len(columns))
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
        """Take a ``unit.sums`` that has no place in the log (a rehearsal): caused by what was decided last, say its
        outputs."""
        return self._outputs(self.units.take(orjson.loads(value)))

    def _control(self, columns: EventColumns, row: int, record: dict[str, Any]) -> list[Record]:
        kind, now_ms = columns.kind[row], self.windows.now_ms
        if kind == EventType.CLOCK:
            return self._clock(int(columns.ts[row]), live=record["source"] == clock.SOURCE)
        if kind == EventType.UNIT_SUMS:
            return self._outputs(self.units.take(record))
        if kind in _DECIDED:
            if not self._is_new(_ident(record)):
                return []
            self.windows.look()  # the figures of the last clock are in no snapshot
        if kind == EventType.ORDER_COMMAND and is_unit(record["queue"]):
            return self._outputs(self.units.command(record))
        if kind == EventType.ORDER_COMMAND:
            return self._outputs(self.judgement.command(record, now_ms, self.windows))
        if kind == EventType.PROBE_RESULT:
            return self._outputs(self.judgement.probe(record, now_ms, self.windows))
        if kind == EventType.SOURCE_HEARTBEAT:
            self.sources.hear(record["source"], int(columns.ts[row]))
        if kind == EventType.RULES_CHANGED:
            return self._rules_changed(record)
        return []

    def _rules_changed(self, record: dict[str, Any]) -> list[Record]:
        """The settings in *record* are in force from where it lies, unless something is wrong with them."""
        try:
            catalogue = read_settings(record)
            if recut := self.windows.recut(partial(setup_of, catalogue)):
                raise Refused(Reason.SITE_CHANGED, f"zone or interval length of {recut[0]} and {len(recut) - 1} more")
        except Refused as refused:
            value = orjson.dumps(record)
            letter = DeadLetter(EVENTS, self.partition, self._cause, refused.reason, refused.detail, value)
            self._refused.append(letter)
            self.units.strays.counts[DEAD] += 1
            return []
        if not self._is_new(_ident(record)) or digest(catalogue) == self.digest:
            return []
        self.catalogue, self.digest = catalogue, digest(catalogue)
        self.windows.change(partial(setup_of, catalogue))
        self.sources.declare(catalogue.sources)
        self._next_change.clear()  # all hours are asked anew at the next clock
        self.windows.look()
        figures, names = self.windows.figures, self.names.names[: self.windows.ready]
        decisions = self.judgement.change(catalogue, self.windows.now_ms, figures, names, self.windows)
        return self._outputs(decisions + self.units.change(catalogue))

    def _clock(self, ts_ms: int, live: bool) -> list[Record]:
        if self.windows.clocked and ts_ms <= self.windows.now_ms:
            return []  # no news: written twice, or by an owner that was taken for dead. A time is judged once.
        self._open_and_close(max(ts_ms, self.windows.now_ms))
        complete = not self.sources.all_overdue(max(ts_ms, self.windows.now_ms))
        self.room.note(self.windows.refused)
        moved = self.windows.clock(ts_ms, complete=complete)
        self.room.skip(self.windows.refused)  # the first clock drops what lies too far ahead of it
        out = [self._interval(row) for row in self.windows.due_rows()] if moved else []
        now_ms = self.windows.now_ms
        if full := self.room.clock(self._cause, self.windows, self.names.limit):
            out.append(self._record(ALERTS, *full))
        figures, names = self.windows.figures, self.names.names[: self.windows.ready]
        decisions = self.judgement.clock(now_ms, figures, names, self.windows)
        decisions += self.units.clock(self._cause, self.windows, live=live, blind=not complete)
        return out + self._outputs(decisions)

    def _open_and_close(self, now_ms: int) -> None:
        """Open and close the queues whose hours began or ended by *now_ms*."""
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
        """All names that `freeze` knows: the queues', and those under which the state of units is kept."""
        return sorted({*self.names.names, *self.units.kept()})

    def changed(self) -> list[str]:
        """Those of them that changed since `freeze` last took them, sorted."""
        return sorted({*self.windows.changed(), *self.judgement.changed, *self.units.changed()})

    def freeze(self, names: Sequence[str]) -> dict[str, bytes]:
        """The state under each of *names* as bytes; they count as unchanged from here on."""
        queues = [name for name in names if not _is_of_units(name)]
        frozen = self.windows.freeze(queues)
        out = {name: self.units.freeze(name) for name in names if _is_of_units(name)}
        for queue in queues:
            orders = orjson.dumps(self.judgement.snapshot(queue))
            out[queue] = b"%d\n%b%b" % (len(orders), orders, frozen[queue])
            self.judgement.changed.discard(queue)
        return out

    def freeze_common(self) -> dict[str, Any]:
        """What belongs to no queue: the time, the sources, the commands that were seen, what was told of room."""
        self.room.note(self.windows.refused)
        return {
            "catalogue": packed(self.catalogue),
            "time": self.windows.freeze_time(),
            "heard": self.sources.heard,
            "room": self.room.freeze(),
            "commands": list(self._commands),
            "clock": [self._clock_seen.ts_ms, self._clock_seen.appended_ms],
            "planned": self.judgement.plan.common(),
        }

    def thaw(self, position: int, common: dict[str, Any], queues: dict[str, bytes]) -> None:
        """Restore into a blank actor what `freeze_common` and `freeze` took at *position*.

        Raises ValueError for a snapshot of a version that this program does not read, Refused for settings that it
        does not understand.
        """
        self._begin_with(unpacked(common["catalogue"]))
        windows, orders = {}, {}
        self.units.thaw({name: data for name, data in queues.items() if _is_of_units(name)})
        for queue, data in queues.items():
            if _is_of_units(queue):
                continue
            length, _, rest = data.partition(b"\n")
            orders[queue], windows[queue] = orjson.loads(rest[: int(length)]), rest[int(length) :]
        self.windows.thaw(common["time"], windows)
        for queue in sorted(orders):
            self.judgement.restore(queue, orders[queue])
        self.judgement.plan.thaw(common["planned"])
        self.judgement.changed.clear()
        self.sources.heard = dict(common["heard"])
        self.room.thaw(common["room"])
        self._commands = dict.fromkeys(common["commands"])
        self._clock_seen = LastClock(*common["clock"])
        self.position = position


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
    """What is told of units to the partition in which they are at home."""
    return Record(EVENTS, home, record["queue"].encode(), orjson.dumps(record), (record["tick"], record["part"]))


def _forwarded(stray: Misrouted) -> Record:
    """A record of another partition, sent where it belongs; applied there once, whoever sends it twice."""
    return Record(EVENTS, stray.partition, stray.queue.encode(), stray.value, (stray.offset, 0))
