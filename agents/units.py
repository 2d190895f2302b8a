"""The units of one partition: what it tells the homes of all units, and the judgement of those at home in it.

A home stands at the newest tick that every partition has told (`agents.unit_board`). At each tick the figures are
formed and judged like a queue's, by the rules that say ``of = "units"``; the time of a unit is that of its tick. Its
commands wait for the tick of their clock in a replay, so that they are decided on the same figures whichever partition
was read first; where owners keep the time they are decided at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from agents.sources import Odd
from agents.unit_board import Total, UnitBoard
from agents.unit_days import Days
from agents.unit_quality import Quality
from agents.unit_storms import Place, UnitStorms
from agents.unit_strays import Strays
from agents.unit_teller import Telling, UnitTeller
from agents.unit_time import UnitTime
from alerts.defaults import default_unit_rules
from alerts.episode import span
from alerts.judgement import Judgement, rules_of
from alerts.siblings.apart import Apart, worst
from alerts.siblings.book import words_of
from alerts.turn import Output
from models.catalogue import Catalogue
from models.hours import site_of
from models.metric import FIGURES, WINDOW_MS, WINDOWS
from models.storm import read_storm, storm_record
from models.unit import EVERYTHING, TICK_MS, units_of
from streams import unit_sums
from streams.counters import NEGATIVE
from streams.store import WINDOW_BUCKETS
from streams.unit_figures import UnitFacts, UnitFigures
from streams.windows import Windows, setup_of

#: Under this name a snapshot keeps what belongs to no unit; no queue and no unit is called so.
BOARD: Final = "units"
#: Commands that wait for their tick. People give a few a minute; beyond it the oldest is decided at once.
HELD_MAX: Final = 512

_APART: Final = "member_apart"
_QUARTER: Final = WINDOWS.index("15m")
#: What the rolling windows have lasted when a tick begins: they are whole buckets, the newest one just begun.
_LENGTHS: Final = [(width - 1) * TICK_MS for width in WINDOW_BUCKETS]
_ROLLING: Final = [WINDOW_MS[window] for window in WINDOWS if window in WINDOW_MS]


@dataclass(slots=True)
class Watch:
    """A verification under way: of calls that began to wait at or after *since_ms*; *clear_ms* is the first tick at
    which nobody waited any more who came before, -1 until then."""

    since_ms: int
    clear_ms: int = -1


class Units:
    """All that *partition* has to do with units. Touched by its actor alone."""

    def __init__(self, partition: int, partitions: int, catalogue: Catalogue, queues: Judgement) -> None:
        self._partition, self._partitions = partition, partitions
        self._queues = queues  # of the same partition: it tells what broke, and is told of storms
        self._storms = UnitStorms()
        self.board = UnitBoard(partitions)
        self.told: list[Telling] = []  #: for other partitions; the actor takes them away
        self.names: list[str] = []  #: of the units at home here, in the order of the figures
        self._layout = units_of(catalogue, partitions)
        self.teller = UnitTeller(partition, self._layout)
        self.judgement = Judgement(catalogue, "units")
        self.strays = Strays()
        self._quality = Quality()
        self._compared, self._aparts = -1, dict[str, Apart | None]()
        self._times: dict[str, UnitTime] = {}
        self._days = Days()
        self._watches: dict[str, Watch] = {}
        self._held: list[tuple[int, dict[str, Any]]] = []
        self._live, self._clock_ms = False, -1
        self._judged = -1  #: the minute of the tick that was judged last
        self._changed = False
        self._set_up(catalogue)

    def _set_up(self, catalogue: Catalogue) -> None:
        """Take up the units of *catalogue*; those that it does not have any more stay, without queues."""
        self.catalogue = catalogue
        self._by_minute = set(rules_of(catalogue, "units")) <= set(default_unit_rules())
        self._layout = layout = units_of(catalogue, self._partitions)
        at_home = [name for name, home in zip(layout.names, layout.home, strict=True) if home == self._partition]
        self.names += [name for name in at_home if name not in self.names]
        self._make_room()

    def _make_room(self) -> None:
        reach = dict(zip(self._layout.names, self._layout.reach, strict=True))
        setups = [setup_of(self.catalogue, name) for name in self.names]
        self._formed = False
        self._zones = {name: site_of(self.catalogue, name).zone for name in self.names}
        self._figures = UnitFigures(setups, [reach.get(name, 0) for name in self.names])

    # -- the log --------------------------------------------------------------------------------------------------

    def clock(
        self, cause: int, windows: Windows, *, live: bool, blind: bool, sources: Sequence[Odd] | None = None
    ) -> list[Output]:
        """A clock of this partition, the record at offset *cause*, was applied: tell, and judge what is due.

        *live* says that an owner keeps the time, not a replay; *blind* that nothing is heard of any source here;
        *sources* which of those declared are not well.
        """
        self._live, self._clock_ms = live, windows.now_ms
        self._changed = True  # the clock too: who counts as silent follows from it
        if windows.now_ms // TICK_MS <= self.teller.last:
            return []
        day_ms = self._days.began_ms(site_of(self.catalogue, EVERYTHING).zone, windows.now_ms)
        strays = self.strays.clock(cause, day_ms)
        broken = self._queues.trouble(windows.now_ms)
        book, records = self._queues.storms, self.strays.records
        tellings = self.teller.tell(cause, windows.now_ms, windows, blind, strays, book, broken, records, sources)
        for home, record in tellings:
            if home == self._partition:
                self.board.take(record)
            else:
                self.told.append((home, record))
        return self._go_on()

    def take(self, record: dict[str, Any]) -> list[Output]:
        """A ``unit.sums`` of another partition lies here in the log."""
        if not self.names or record.get("partition") == self._partition:
            return []
        self._changed = True
        self.board.take(record)
        return self._go_on()

    def take_storm(self, record: dict[str, Any]) -> None:
        """A ``storm.changed`` of a home lies here in the log."""
        self._changed = True
        self._queues.storms.take(read_storm(record))

    def command(self, record: dict[str, Any]) -> list[Output]:
        """A new ``order.command`` on the order of a unit."""
        self._changed = True
        tick = self._clock_ms // TICK_MS
        if self._live or self.board.tick >= tick:
            return self.judgement.command(record, self.now_ms, self)
        self._held.append((tick, record))
        if len(self._held) > HELD_MAX:
            return self.judgement.command(self._held.pop(0)[1], self.now_ms, self)
        return []

    def change(self, catalogue: Catalogue) -> list[Output]:
        """*catalogue* is in force from here on."""
        self._set_up(catalogue)
        self.teller.begin(self._layout)
        self._changed = True
        return self.judgement.change(catalogue, self.now_ms, self.figures, self.names, self)

    def _go_on(self) -> list[Output]:
        out: list[Output] = []
        while self.board.advance(self._clock_ms, self._live):
            self._keep_time()
            if self._watches:
                self._form()
            if not self.judgement.idle and self._is_due():
                out += self.judgement.clock(self.now_ms, self.figures, self.names, self)
            while self._held and self._held[0][0] <= self.board.tick:
                out += self.judgement.command(self._held.pop(0)[1], self.now_ms, self)
            out += self._judge_storms()
        self.board.pack()
        return out

    def _is_due(self) -> bool:
        """Whether to judge at this tick. While all is calm the default rules, of what is told by the minute or lasts
        for longer, are asked once a minute: forming the figures of a site cost as much as all else in a tick."""
        minute = self.now_ms // 60_000
        calm = self._by_minute and self.judgement.is_calm and not self.board.sources()
        if minute == self._judged and calm:
            return False
        self._judged = minute
        return True

    def _judge_storms(self) -> list[Output]:
        """The storms at the tick that the board stands at; what is new of them is told to every partition."""
        place = Place(self._layout, self.names, self.board, self.judgement, self.catalogue.limits, self)
        out, new = self._storms.tick(place, self.now_ms)
        if new:
            record = storm_record(self._partition, [asdict(one) for one in new], self.now_ms)
            self.told += [(p, record) for p in range(self._partitions) if p != self._partition]
            self._queues.storms.take(new)
        return out

    def _keep_time(self) -> None:
        """The board stands at another tick: note who is in which state from here on."""
        self._formed = False
        days = self._day_ticks()
        if EVERYTHING in days:
            bad = sum(self.board.strays(days[EVERYTHING]))
            self._quality.note(self.board.tick, self.board.records(days[EVERYTHING]), bad)
        for name in self.names:
            agents = self.board.agents(name)
            time = self._times.setdefault(name, UnitTime())
            time.hold(self.board.tick, (agents[1], sum(agents[3:6]), sum(agents[1:])), days[name])

    def _day_ticks(self) -> dict[str, int]:
        """The tick at which the local day of each unit began."""
        now_ms, began_ms = self.now_ms, self._days.began_ms
        return {name: began_ms(zone, now_ms) // TICK_MS for name, zone in self._zones.items()}

    def _form(self) -> None:
        """Form the figures of all units here at the tick that the board stands at."""
        days = self._day_ticks()
        for u, name in enumerate(self.names):
            total, agents = self.board.total(name, days[name]), self.board.agents(name)
            facts = UnitFacts(
                now=total.now,
                agents=agents,
                agent_ms=self._agent_ms(self._times.setdefault(name, UnitTime())),
                length_ms=np.array([*_LENGTHS, self.now_ms - days[name] * TICK_MS]),
                complete=total.complete,
                since=self._since(name, int(total.now[unit_sums.LONGEST])),
                known=self._known(name, days[name], total),
            )
            self._figures.form(u, self.now_ms, total.sums, facts)
        self._formed = True

    def _known(self, name: str, day_tick: int, total: Total) -> dict[tuple[str, str], float]:
        """The figures of a unit that no sums give."""
        if name != EVERYTHING:
            return self._rivalry(name)
        misrouted, dead = self.board.strays(day_tick)
        return self._rivalry(name) | {("misrouted", "day"): misrouted, ("dead", "day"): dead} | self._data(total)

    def _rivalry(self, name: str) -> dict[tuple[str, str], float]:
        """How far a member of the unit stands apart; since a resolve as soon as the 30 minutes lie behind it."""
        if self._compared != self.board.compared:
            self._compared, self._aparts = self.board.compared, {}
        if name not in self._aparts:
            self._aparts[name] = worst(self.board.rivals(name))
        apart = self._aparts[name]
        if apart is None:
            return {}
        watch = self._watches.get(name)
        over = watch is not None and self.now_ms - watch.since_ms >= WINDOW_MS["30m"]
        since = {(_APART, "resolve"): apart.limits} if over else {}
        return {(_APART, "30m"): apart.limits} | since

    def _data(self, total: Total) -> dict[tuple[str, str], float]:
        """The quality of the data of the whole: records, bad ones of them, and the sources."""
        tick, watch = self.board.tick, self._watches.get(EVERYTHING)
        windows = {"15m": (self._quality.window(tick), int(total.sums[_QUARTER, NEGATIVE]))}
        if watch is not None:
            windows["resolve"] = (self._quality.within(watch.since_ms // 60_000 + 1, self.now_ms // 60_000), 0)
        found: dict[tuple[str, str], float] = {}
        for window, ((records, bad), negative) in windows.items():
            found["records", window] = records
            if records + bad:
                found["bad_data_share", window] = (bad + negative) / (records + bad)
        sources = self.board.sources()
        if sources is not None:
            for state in ("dead", "late", "ahead"):
                found[f"sources_{state}", "now"] = sum(odd[1] == state for odd in sources)
        return found

    def behind(self, queue: str, metric: str) -> tuple[str, str]:
        """What a figure of the unit *queue* that no calls stand behind is made of, English and Chinese."""
        apart = self._aparts.get(queue)
        if metric == _APART and apart is not None:
            return words_of(metric, apart)
        sources = self.board.sources() or []
        state = metric.removeprefix("sources_")
        named = [(name, *span(ms)) for name, how, ms in sources if how == state]
        return (
            ", ".join(f"{name} ({en})" for name, en, _ in named),
            "、".join(f"{name}({zh})" for name, _, zh in named),
        )

    def _agent_ms(self, time: UnitTime) -> NDArray[np.int64]:
        tick = self.board.tick
        rolling = [time.within(tick - width + 1, tick) for width in WINDOW_BUCKETS]
        return np.array([*rolling, time.today(tick)], np.int64)

    def _since(self, name: str, longest_ms: int) -> int:
        """The longest rolling window of *name* that lies behind its resolve, -1 for none."""
        watch = self._watches.get(name)
        if watch is None:
            return -1
        if watch.clear_ms < 0 and longest_ms < self.now_ms - watch.since_ms:
            watch.clear_ms = self.now_ms
        behind = [w for w, length in enumerate(_ROLLING) if 0 <= watch.clear_ms <= self.now_ms - length]
        return max(behind, default=-1)

    # -- figures (the protocol ``alerts.turn.Live``) -------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The time of the units: that of the tick that they stand at."""
        return max(self.board.tick, 0) * TICK_MS

    @property
    def figures(self) -> NDArray[np.float64]:
        """A row per unit at home here. Formed when somebody asks: most ticks of a replay nobody does."""
        if not self._formed and self.board.tick >= 0:
            self._form()
        return self._figures.figures

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """A figure of the unit *queue*, None when undefined or not at home here.

        ``resolve`` is the longest of its rolling windows that began after the resolve and after the last caller who
        had waited then was gone: so only calls that came after it are in it, and not all of them.
        """
        if queue not in self.names:
            return None
        value = float(self.figures[self.names.index(queue), FIGURES[(metric, window)]])
        return None if math.isnan(value) else value

    def stale(self, unit: str) -> tuple[int, list[str]]:
        """How many queues of *unit* nothing is heard of by the clock of this partition, and the names known of them."""
        return self.board.stale(unit, self._clock_ms)

    def is_staffed(self, unit: str) -> bool:
        """Whether any agent of *unit* is not offline."""
        return sum(self.board.agents(unit)[1:]) > 0

    @property
    def habit(self) -> None:
        """Nothing is learned of units: what is unusual is unusual in a queue."""

    def watch(self, queue: str, since_ms: int) -> None:
        """Begin to count the window ``resolve`` of a unit."""
        self._watches[queue] = Watch(since_ms)
        self._changed = True

    def unwatch(self, queue: str) -> None:
        """End it."""
        self._watches.pop(queue, None)
        self._changed = True

    # -- snapshots ------------------------------------------------------------------------------------------------

    def kept(self) -> list[str]:
        """Every name that a snapshot keeps something of units under."""
        return [BOARD, *self.names]

    def changed(self) -> list[str]:
        """Those of them that changed since `freeze` last took them."""
        return [*([BOARD] if self._changed else []), *sorted(self.judgement.changed)]

    def freeze(self, name: str) -> bytes:
        """The state kept under *name*; it counts as unchanged from here on."""
        if name != BOARD:
            self.judgement.changed.discard(name)
            return orjson.dumps(self.judgement.snapshot(name))
        self._changed = False
        head = {
            "teller": self.teller.freeze(),
            "watches": {name: [watch.since_ms, watch.clear_ms] for name, watch in self._watches.items()},
            "held": self._held,
            "times": {name: time.freeze() for name, time in self._times.items()},
            "strays": self.strays.freeze(),
            "quality": self._quality.freeze(),
            "judged": self._judged,
            "clock": [self._live, self._clock_ms],
            "planned": self.judgement.plan.common(),
            "storms": self._storms.freeze(),
            "book": self._queues.storms.common(),
        }
        return orjson.dumps(head) + b"\n" + self.board.freeze()

    def thaw(self, kept: dict[str, bytes]) -> None:
        """Take up what `freeze` gave, by name, on blank units of the same catalogue."""
        for name in sorted(kept.keys() - {BOARD}):
            if name not in self.names:
                self.names.append(name)
            self.judgement.restore(name, orjson.loads(kept[name]))
        self.judgement.changed.clear()
        self._make_room()
        if BOARD not in kept:
            return
        line, _, rest = kept[BOARD].partition(b"\n")
        head = orjson.loads(line)
        self.teller.thaw(head["teller"])
        self._watches = {name: Watch(*watch) for name, watch in head["watches"].items()}
        self._held = [(tick, record) for tick, record in head["held"]]
        self._live, self._clock_ms = head["clock"]
        self.judgement.plan.thaw(head["planned"])
        self._storms.thaw(head.get("storms", {}))
        self._queues.storms.thaw(head.get("book", {}))
        for name, state in head["times"].items():
            self._times[name] = UnitTime()
            self._times[name].thaw(state)
        self.strays.thaw(head["strays"])
        self._quality.thaw(head.get("quality", [[0, 0]]))
        self._judged = head.get("judged", -1)
        self.board.thaw(rest)
