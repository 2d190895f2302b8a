"""What the partitions told of the units that are at home here, put together tick by tick.

Theory. Ticks of different partitions come in any order: a replay may read one partition hours before another. So a
told tick waits until every partition has told as far; then the board goes on to it. The shares that a tick is made of
are those told at it, or last before it where a partition skipped it (its clock jumped). So what a tick shows is a
function of what was told, and not of the order in which it came. Between two ticks nothing changes: what comes late
counts from the next one on.

Two things are not waited for. Where owners keep the time (*live*), a partition that is silent for longer than
`SILENT_MS`: its last share goes on counting, window by window until that window has passed, and its queues are named as
stale. And at `WAITING_BYTES` of ticks that wait, whoever is missing then; that is counted.

A repeated tick (an owner that restarted, or was taken for dead) is the same tick and is not taken again. A record that
does not follow the one before it is left until its partition tells everything anew, which it does every ten minutes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
import zstandard
from numpy.typing import NDArray

from agents.sources import Odd
from agents.unit_people import LinePeople, People, read_moves
from agents.unit_teller import COUNTING, Member, share_of
from alerts.siblings.apart import Group
from models.metric import WINDOW_MS, WINDOWS
from models.unit import TICK_MS, UNITS_MAX, Beside, Trouble
from streams import unit_sums
from streams.counters import COUNTERS
from streams.store import DAY

#: Silence of a partition after which it is not waited for: two ticks.
SILENT_MS: Final = 10_000
#: Compressed bytes of ticks that wait for other partitions: a day of a busy partition, read before the others.
WAITING_BYTES: Final = 32_000_000
#: A share that was told longer ago says nothing of now any more: callers who waited then have left.
NOW_MS: Final = 60_000

_LENGTHS: Final = np.array([WINDOW_MS.get(window, 86_400_000) for window in WINDOWS[: unit_sums.WINDOWS]])
#: Fields of now that are times.
_TIMES: Final = (
    *(unit_sums.LAST_EVENT, unit_sums.LAST_WORD, unit_sums.OPEN_SINCE),
    *(unit_sums.LAST_ANSWERED, unit_sums.LAST_CAME),
)
_MALFORMED: Final = (KeyError, IndexError, TypeError, ValueError)


@dataclass(slots=True)
class Share:
    """What one partition has of one unit."""

    sums: NDArray[np.int64]
    now: NDArray[np.int64]
    queues: list[str]
    unlisted: int  #: agents beyond those that are told by name


@dataclass(frozen=True, slots=True)
class News:
    """What one record tells: everything anew, or what is other than before; None: nothing of that unit any more."""

    whole: bool
    blind: bool
    strays: tuple[int, int]
    shares: dict[str, Share | None]
    moves: dict[str, list[tuple[int, int]]]
    trouble: dict[str, Trouble | None]
    beside: Beside | None
    members: dict[str, list[Member]] | None  #: compared with their like; None: those told before hold


@dataclass(slots=True)
class Waiting:
    """A record that waits for its tick: as it was read, or packed."""

    tick: int
    news: News | None
    record: dict[str, Any] | None
    packed: bytes = b""


@dataclass(slots=True)
class Line:
    """One partition: what it told up to *tick*, and the records of it that still wait."""

    tick: int = -1  #: of the shares
    blind: bool = False
    strays: tuple[int, int] = (0, 0)  #: misrouted and dead records of the day
    shares: dict[str, Share] = field(default_factory=dict)
    people: LinePeople = field(default_factory=LinePeople)
    trouble: dict[str, Trouble] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    members: dict[str, list[Member]] = field(default_factory=dict)
    told: int = -1  #: newest whole tick told
    part: tuple[int, int] = (-1, -1)  #: tick and part taken last
    waiting: deque[Waiting] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Total:
    """A unit at one tick: *sums* ``(WINDOWS, COUNTERS)``, *now* ``(FIELDS,)``, and whether it is *complete*: every
    queue's partition and sources are heard of."""

    sums: NDArray[np.int64]
    now: NDArray[np.int64]
    complete: bool


class UnitBoard:
    """The shares of all *partitions*, at one tick."""

    def __init__(self, partitions: int) -> None:
        self.lines = [Line() for _ in range(partitions)]
        self.tick = -1  #: the tick that the board stands at; -1 before the first
        self.compared = 0  #: changes whenever something else is told of members
        self.hurried = 0  #: ticks that went on without a partition for want of room
        self._first = -1  #: the first tick that anybody told
        self._bytes = 0
        self._people = People()

    def take(self, record: dict[str, Any]) -> None:
        """Take one ``unit.sums`` record; nothing happens with one that was taken, or that no teller wrote."""
        try:
            tick, part, parts, after = (_whole(record[name]) for name in ("tick", "part", "parts", "after"))
            line = self.lines[_whole(record["partition"], 0)]
            if record["counting"] != COUNTING or tick >= _TICK_END or not _follows(line, tick, part):
                return
            if after != line.told and not record["whole"]:
                return
            news = _read(record)
        except _MALFORMED:
            return
        line.part = (tick, part)
        line.waiting.append(Waiting(tick, news, record))
        if self._first < 0:
            self._first = tick
        if part + 1 == parts:
            line.told = tick

    def pack(self) -> None:
        """Make what waits small; to be called when the board goes no further for now."""
        for line in self.lines:
            for at in range(len(line.waiting) - 1, -1, -1):
                entry = line.waiting[at]
                if entry.packed:
                    break  # those before it were packed before
                entry.packed = zstandard.compress(orjson.dumps(entry.record), 1)
                entry.news = entry.record = None
                self._bytes += len(entry.packed)

    def advance(self, now_ms: int, live: bool) -> bool:
        """Go on to the next tick that is due; False where there is none. *now_ms* is the clock of this partition."""
        ahead = [line for line in self.lines if line.told > self.tick]
        due = min((next(e.tick for e in line.waiting if e.tick > self.tick) for line in ahead), default=-1)
        if due < 0:
            return False
        missing = [line for line in self.lines if line.told < due]
        if any(not (live and self.is_silent(line, now_ms)) for line in missing):
            if self._bytes <= WAITING_BYTES:
                return False
            self.hurried += 1
        self.tick = due
        for line in self.lines:
            self._settle(line, due)
        return True

    def is_silent(self, line: Line, now_ms: int) -> bool:
        """Whether the partition of *line* has told nothing for long at *now_ms*."""
        return now_ms - max(line.told, self._first) * TICK_MS > SILENT_MS

    def _settle(self, line: Line, tick: int) -> None:
        """Bring the shares of *line* to those told at *tick* or last before it."""
        until = min(line.told, tick)
        while line.waiting and line.waiting[0].tick <= until:
            entry = line.waiting.popleft()
            self._bytes -= len(entry.packed)
            news = entry.news or _read(orjson.loads(zstandard.decompress(entry.packed)))
            if news.whole:
                line.shares.clear()
                line.people.clear()
                line.trouble.clear()
            for name, share in news.shares.items():
                line.shares.pop(name, None)
                if share is not None and len(line.shares) < UNITS_MAX:
                    line.shares[name] = share
                if share is None:
                    line.people.drop(name)
            for name, moves in news.moves.items():
                line.people.move(name, moves)
            for name, trouble in news.trouble.items():
                line.trouble.pop(name, None)
                if trouble is not None and len(line.trouble) < UNITS_MAX:
                    line.trouble[name] = trouble
            line.tick, line.blind, line.strays = entry.tick, news.blind, news.strays
            if news.beside is not None:
                line.beside = news.beside
            if news.members is not None:  # between two minutes what was told of them holds
                before, line.members = line.members, (line.members if news.beside is None else {}) | news.members
                self.compared += line.members != before

    # -- what they make together ----------------------------------------------------------------------------------

    def total(self, unit: str, day_tick: int) -> Total:
        """What *unit*, whose day began at *day_tick*, comes to at the tick that the board stands at."""
        sums = np.zeros((unit_sums.WINDOWS, COUNTERS), np.int64)
        now = np.zeros(unit_sums.FIELDS, np.int64)
        now[list(_TIMES)] = -1
        complete = True
        for line in self.lines:
            age_ms = (self.tick - line.tick) * TICK_MS
            share = line.shares.get(unit)
            if share is not None:
                counting = age_ms < _LENGTHS
                counting[DAY] = line.tick >= day_tick
                unit_sums.gather(share.sums, share.now, counting, age_ms < NOW_MS, sums, now)
                complete &= not line.blind and age_ms <= SILENT_MS
        return Total(sums, now, complete)

    def agents(self, unit: str) -> tuple[int, ...]:
        """How many distinct agents of *unit* are in each ``AgentState``."""
        now = [line.people if (self.tick - line.tick) * TICK_MS < NOW_MS else None for line in self.lines]
        return self._people.counts(unit, now)

    @property
    def in_trouble(self) -> bool:
        """Whether any queue broke just now, or is held by a storm."""
        return any(share.bad or share.held for line in self.lines for share in line.trouble.values())

    @property
    def all_told(self) -> bool:
        """Whether every partition has told anything since this home is one."""
        return all(line.told >= 0 for line in self.lines)

    def trouble(self, unit: str) -> list[Trouble]:
        """What each partition has of *unit*. What one says that fell silent a minute ago is what it held then."""
        found = []
        for line in self.lines:
            share = line.trouble.get(unit)
            if share is not None and (self.tick - line.tick) * TICK_MS >= NOW_MS:
                share = share.model_copy(update={"live": 0, "bad": 0, "rules": {}, "names": []})
            if share is not None:
                found.append(share)
        return found

    def strays(self, day_tick: int) -> tuple[int, int]:
        """Misrouted and dead records of all partitions in the day that began at *day_tick*."""
        counts = [line.strays for line in self.lines if line.tick >= day_tick]
        return sum(misrouted for misrouted, _ in counts), sum(dead for _, dead in counts)

    def records(self, day_tick: int) -> int:
        """Records of calls and agents of all partitions in the day that began at *day_tick*."""
        return sum(line.beside.records for line in self.lines if line.tick >= day_tick)

    def sources(self) -> list[Odd] | None:
        """The sources that are not well; None where none is declared, or nobody tells."""
        told = [line.beside.sources for line in self.lines if line.beside.sources is not None]
        return [(name, state, ms) for name, state, ms in told[0]] if told else None

    def rivals(self, unit: str) -> list[Group]:
        """What is compared with its like in *unit*."""
        found: dict[str, tuple[int, int, bool]] = {}
        for line in self.lines:
            if (self.tick - line.tick) * TICK_MS < NOW_MS:
                for name, lost, of, usual in line.members.get(unit, ()):
                    before = found.get(name, (0, 0, True))
                    found[name] = (before[0] + lost, before[1] + of, before[2] and usual)
        return [Group(name, *found[name]) for name in sorted(found)]

    def members(self, unit: str) -> int:
        """How many queues were ever heard of in *unit*."""
        shares = [line.shares[unit] for line in self.lines if unit in line.shares]
        return sum(int(share.now[unit_sums.QUEUES]) for share in shares)

    def stale(self, unit: str, now_ms: int) -> tuple[int, list[str]]:
        """How many queues of *unit* nothing is heard of at *now_ms*, and those of their names that were told."""
        count, names = 0, list[str]()
        for line in self.lines:
            share = line.shares.get(unit)
            if share is not None and (line.blind or self.is_silent(line, now_ms)):
                count += int(share.now[unit_sums.QUEUES])
                names += share.queues
        return count, sorted(names)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def freeze(self) -> bytes:
        """The board as bytes."""
        self.pack()
        lines, packed = [], list[bytes]()
        for line in self.lines:
            shares = {name: _frozen(share) for name, share in line.shares.items()}
            waiting = [(entry.tick, len(entry.packed)) for entry in line.waiting]
            packed += [entry.packed for entry in line.waiting]
            people = {unit: list(agents.items()) for unit, agents in line.people.units.items()}
            trouble = {unit: share.model_dump() for unit, share in line.trouble.items()}
            state = [line.tick, line.blind, line.strays, shares, people, line.told, line.part, waiting, trouble]
            lines.append([*state, line.beside.model_dump(), line.members])
        head = {"tick": self.tick, "hurried": self.hurried, "first": self._first, "lines": lines}
        return orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n" + b"".join(packed)

    def thaw(self, data: bytes) -> None:
        """Take up what `freeze` gave, on a board of as many partitions."""
        line, _, rest = data.partition(b"\n")
        head = orjson.loads(line)
        self.tick, self.hurried, self._first, self._bytes = head["tick"], head["hurried"], head["first"], len(rest)
        at = 0
        for own, state in zip(self.lines, head["lines"], strict=True):
            own.tick, own.blind, strays, shares, people, own.told, part, waiting, *later = state
            own.trouble = {unit: Trouble(**share) for unit, share in (later[0] if later else {}).items()}
            own.beside = Beside(**later[1]) if len(later) > 1 else Beside()
            own.members = _members(later[2]) if len(later) > 2 else {}
            own.strays, own.part = tuple(strays), tuple(part)
            own.shares = {name: Share(*share_of(share)) for name, share in shares.items()}
            own.people = LinePeople()
            for unit, agents in people.items():
                own.people.move(unit, agents)
            own.waiting.clear()
            for of, length in waiting:
                own.waiting.append(Waiting(of, None, None, rest[at : at + length]))
                at += length


#: No clock comes to a later tick (2100).
_TICK_END: Final = 4_102_444_800_000 // TICK_MS


def _whole(value: Any, least: int = -1) -> int:
    if type(value) is not int or value < least:
        raise TypeError("no whole number")
    return value


def _follows(line: Line, tick: int, part: int) -> bool:
    """Whether part *part* of *tick* is the next after what *line* has taken."""
    return line.part == (tick, part - 1) if part > 0 else part == 0 and tick > line.told and line.part != (tick, 0)


def _read(record: dict[str, Any]) -> News:
    """What a record tells. Raises `_MALFORMED` when no teller wrote it."""
    if type(record["blind"]) is not bool or type(record["whole"]) is not bool:
        raise TypeError("no record of a teller")
    misrouted, dead = map(_whole, record["strays"])
    units, agents = dict(record["units"]).items(), dict(record["agents"]).items()
    shares = {name: None if share is None else Share(*share_of(share)) for name, share in units}
    moves = {name: read_moves(moved) for name, moved in agents}
    told = dict(record.get("trouble", {})).items()  # not told of old
    trouble = {name: None if share is None else Trouble.model_validate(share) for name, share in told}
    whole = record["whole"] and record["part"] == 0
    beside = record.get("beside")
    data = None if beside is None else Beside.model_validate(beside)
    members = None if record.get("members") is None else _members(record["members"])
    return News(whole, record["blind"], (misrouted, dead), shares, moves, trouble, data, members)


def _members(told: dict[str, Any]) -> dict[str, list[Member]]:
    return {
        str(unit): [(str(name), _whole(lost), _whole(of), usual is True) for name, lost, of, usual in found]
        for unit, found in told.items()
    }


def _frozen(share: Share) -> dict[str, Any]:
    flat = share.sums.ravel()
    at = np.flatnonzero(flat)
    return {"at": at, "n": flat[at], "now": share.now, "queues": share.queues, "unlisted": share.unlisted}
