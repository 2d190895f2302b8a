"""Lost calls (呼损): how many by day and cause, where their share turns, and whom to ring back.

The definitions are those of the metric dictionary (``lost_calls``, ``lost_callers``, ``recovered_callers``) and agree
with it event for event: a call and leg counts once, by its earliest outcome; calls that go out are in no count. A
caller is somebody known in one queue, lost once, the last time; recovered is who was answered, or rung back and
reached, within 24 h after it. A loss belongs to the local day on which it happened. An event counts by what it says
and not by when it came: a recording has no late ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from models.event import LATENESS_MS
from models.topics import DAY_MS

Cause = Literal["blocked", "menu", "abandoned", "short_abandon", "callback_failed"]
CAUSES: Final[tuple[Cause, ...]] = ("blocked", "menu", "abandoned", "short_abandon", "callback_failed")
WORDS: Final[dict[Cause, tuple[str, str]]] = {
    "blocked": ("blocked", "阻塞"),
    "menu": ("left in the menu", "菜单放弃"),
    "abandoned": ("abandoned", "排队放弃"),
    "short_abandon": ("short abandon", "短时放弃"),
    "callback_failed": ("callback failed", "回拨失败"),
}
#: A caller who got through, or was reached, within this long after the loss is recovered (DESIGN 2).
RECOVERY_MS: Final = DAY_MS

_OUTCOMES: Final = ("call.answered", "call.abandoned", "call.flowed_out")  # of two at once the first wins
_LEFT: Final[dict[str, Cause]] = {"ivr.abandoned": "menu", "call.blocked": "blocked"}
_LOSSES: Final[dict[str, Cause]] = {"call.abandoned": "abandoned", "callback.failed": "callback_failed", **_LEFT}
_THROUGH: Final = ("call.answered", "callback.connected")
_TRIES: Final = ("callback.attempted", "callback.failed")
_OF_A_CALLER: Final = (*_LOSSES, *_THROUGH, "callback.attempted")
#: A leg that nothing was said of for so long is settled: workers let go of it then too. Twice, to be on the safe side.
SETTLED_MS: Final = 2 * LATENESS_MS
#: Callers kept, some 100 MB; those lost longest ago are forgotten first, counted in `LostCalls.forgotten`.
CALLERS_MAX: Final = 200_000

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a queue: the short-abandon limit in milliseconds, and which local day (ISO date) an instant belongs to."""

    short_ms: int
    day_of: Callable[[int], str]


@dataclass(slots=True)
class Day:
    """One queue and local day: lost calls by cause, and arrivals (offered + left in the menu + blocked)."""

    lost: dict[Cause, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))
    arrivals: int = 0

    @property
    def total(self) -> int:
        """Lost calls."""
        return sum(self.lost.values())


@dataclass(slots=True)
class Caller:
    """Somebody known in one queue. Times in epoch milliseconds; *cleared_ms*: got through after the last loss."""

    customer: str
    queue: str
    times: int = 0
    last_ms: int = 0
    cause: Cause = "abandoned"
    cleared_ms: int | None = None
    reached: bool = False  #: cleared by a callback, not by themselves
    called_ms: int = 0  #: the last loss that was a call of theirs, not a callback that failed
    attempted: int = 0  #: callbacks since then that were begun, and that failed; sources tell of one or of both
    failed: int = 0
    tried_ms: int | None = None  #: the last of them
    through: list[tuple[int, bool]] = field(default_factory=list)  #: when they got through, and whether by a callback
    recent: set[tuple[str, int]] = field(default_factory=set)  #: losses and attempts that a repeat must not count twice

    @property
    def masked(self) -> str:
        """The pseudonym as people see it: its last four characters, of a short one half at most."""
        shown = min(4, len(self.customer) // 2)
        return "…" + self.customer[len(self.customer) - shown :]

    @property
    def tries(self) -> int:
        """Callbacks since they called last."""
        return max(self.attempted, self.failed)

    @property
    def state(self) -> Literal["to_ring_back", "got_through", "reached"]:
        """What became of them: still to ring, got through by themselves, or were reached by a callback."""
        if self.cleared_ms is None:
            return "to_ring_back"
        return "reached" if self.reached else "got_through"

    @property
    def is_recovered(self) -> bool:
        """Whether they got through within 24 h after the last loss."""
        return self.cleared_ms is not None and self.cleared_ms - self.last_ms <= RECOVERY_MS


@dataclass(slots=True)
class _Leg:
    heard_ms: int
    offered_ms: int | None = None
    outcome: tuple[int, int, float] | None = None  # when, which, the wait as given
    wait_ms: int | None = None
    out: bool = False


class LostCalls:
    """Takes events in any order within `SETTLED_MS` and knows days and callers; ask after `finish`."""

    def __init__(self, limits_of: Callable[[str], Limits]) -> None:
        self.days: dict[tuple[str, str], Day] = {}
        self.callers: dict[tuple[str, str], Caller] = {}
        self.forgotten = 0
        self.now_ms = 0
        self._limits_of = limits_of
        self._limits: dict[str, Limits] = {}
        self._legs: dict[tuple[str, str, int], _Leg] = {}
        self._left: dict[tuple[str, str, str, int], tuple[int, bool]] = {}
        self._failed: dict[tuple[str, str], tuple[str, int]] = {}
        self._settled_ms = 0

    def hear(self, event: Event) -> None:
        """One event; those that are of no call count as time only."""
        kind, ts, queue = event["type"], event["ts"], event.get("queue")
        self.now_ms = max(self.now_ms, ts)
        self._settled_ms = self._settled_ms or ts
        if self.now_ms - self._settled_ms > SETTLED_MS:
            self._settle(self.now_ms - SETTLED_MS)
        if queue is None:
            return
        out = event.get("direction") == "out"
        if kind == "call.offered" or kind in _OUTCOMES or kind == "ring.no_answer":
            self._leg(event, out)
        elif kind in _LEFT:
            key = (kind, queue, event["call"], event.get("leg") or 1)
            first, was_out = self._left.get(key, (ts, False))
            self._left[key] = (min(first, ts), was_out or out)
        elif kind == "callback.failed":
            key_of_note = (event["source"], event["id"])
            self._failed[key_of_note] = (queue, min(ts, self._failed.get(key_of_note, (queue, ts))[1]))
        if event.get("customer") and not out:
            self._caller(event)

    def settle_all(self) -> None:
        """What was heard so far is all of it: the next events are of other queues, and begin in the past again."""
        self._settle(None)
        self._settled_ms = self.now_ms = 0

    def finish(self) -> LostCalls:
        """Everything that is still open counts as it stands."""
        self._settle(None)
        return self

    def lost_callers(self) -> list[Caller]:
        """Everybody who was lost: those to ring back first, then those who are done, the one lost last first."""
        found = [caller for caller in self.callers.values() if caller.times]
        return sorted(found, key=lambda c: (c.cleared_ms is not None, -c.last_ms, c.queue, c.customer))

    def ring_back(self) -> list[Caller]:
        """The callers who were lost and have not got through since, the one lost last first."""
        return [caller for caller in self.lost_callers() if caller.cleared_ms is None]

    # -- calls ----------------------------------------------------------------------------------------------------

    def _leg(self, event: Event, out: bool) -> None:
        key, ts, kind = (event["queue"], event["call"], event.get("leg") or 1), event["ts"], event["type"]
        leg = self._legs.setdefault(key, _Leg(ts))
        leg.heard_ms, leg.out = max(leg.heard_ms, ts), leg.out or out
        if kind == "call.offered":
            leg.offered_ms = ts if leg.offered_ms is None else min(leg.offered_ms, ts)
        elif kind in _OUTCOMES:
            given = event.get("wait_ms")
            rank = (ts, _OUTCOMES.index(kind), float("inf") if given is None else float(max(given, -1)))
            if leg.outcome is None or rank < leg.outcome:
                leg.outcome, leg.wait_ms = rank, given

    def _settle(self, before_ms: int | None) -> None:
        """Count what lies before *before_ms* (None: everything) and let go of it."""
        for key in [k for k, leg in self._legs.items() if before_ms is None or leg.heard_ms < before_ms]:
            self._count_leg(key[0], self._legs.pop(key))
        for left in [k for k, (ts, _) in self._left.items() if before_ms is None or ts < before_ms]:
            ts, out = self._left.pop(left)
            if not out:
                day = self._day(left[1], ts)
                day.arrivals += 1
                day.lost[_LEFT[left[0]]] += 1
        for note in [k for k, (_, ts) in self._failed.items() if before_ms is None or ts < before_ms]:
            queue, ts = self._failed.pop(note)
            self._day(queue, ts).lost["callback_failed"] += 1
        for who in [k for k, c in self.callers.items() if before_ms is None or c.through or c.recent]:
            self._trim(who, before_ms)
        self._settled_ms = self.now_ms

    def _count_leg(self, queue: str, leg: _Leg) -> None:
        if leg.out:
            return
        wait_ms = None
        if leg.outcome is not None:
            ended_ms = leg.outcome[0]
            if leg.wait_ms is not None:
                wait_ms = max(leg.wait_ms, 0)
            elif leg.offered_ms is not None:
                wait_ms = max(ended_ms - leg.offered_ms, 0)
            if _OUTCOMES[leg.outcome[1]] == "call.abandoned":
                short = wait_ms is not None and wait_ms <= self._of(queue).short_ms
                self._day(queue, ended_ms).lost["short_abandon" if short else "abandoned"] += 1
        arrived_ms = leg.offered_ms
        if arrived_ms is None and leg.outcome is not None:
            arrived_ms = leg.outcome[0] - (wait_ms or 0)
        if arrived_ms is not None:
            self._day(queue, arrived_ms).arrivals += 1

    def _of(self, queue: str) -> Limits:
        if queue not in self._limits:
            self._limits[queue] = self._limits_of(queue)
        return self._limits[queue]

    def _day(self, queue: str, ts: int) -> Day:
        return self.days.setdefault((queue, self._of(queue).day_of(ts)), Day())

    # -- callers --------------------------------------------------------------------------------------------------

    def _caller(self, event: Event) -> None:
        kind, ts, key = event["type"], event["ts"], (event["queue"], event["customer"])
        if kind not in _OF_A_CALLER:
            return
        caller = self.callers.get(key)
        if caller is None:
            self._make_room()
            caller = self.callers[key] = Caller(key[1], key[0])
        if kind in _THROUGH:
            caller.through.append((ts, kind == "callback.connected"))
        elif (kind, ts) not in caller.recent:
            caller.recent.add((kind, ts))
            if kind != "callback.attempted":
                self._lost(caller, kind, ts)
            self._tried(caller, kind, ts)
        after = [one for one in caller.through if one[0] > caller.last_ms]
        caller.cleared_ms, caller.reached = min(after, default=(None, False))

    @staticmethod
    def _lost(caller: Caller, kind: str, ts: int) -> None:
        caller.times += 1
        if ts >= caller.last_ms:
            caller.last_ms, caller.cause = ts, _LOSSES[kind]

    @staticmethod
    def _tried(caller: Caller, kind: str, ts: int) -> None:
        """What was tried since they called last; a call of theirs begins it anew."""
        tries = [(kind, ts)]
        if kind not in _TRIES:
            if ts < caller.called_ms:
                return
            caller.called_ms, caller.attempted, caller.failed, caller.tried_ms = ts, 0, 0, None
            tries = [one for one in caller.recent if one[0] in _TRIES]
        for what, at in tries:
            if at > caller.called_ms:
                caller.attempted += what == "callback.attempted"
                caller.failed += what == "callback.failed"
                caller.tried_ms = max(at, caller.tried_ms or at)

    def _trim(self, key: tuple[str, str], before_ms: int | None) -> None:
        """Let go of what can change nothing any more: of who was never lost, everything."""
        caller, from_ms = self.callers[key], self.now_ms + 1 if before_ms is None else before_ms
        caller.through = [one for one in caller.through if one[0] >= from_ms]
        if (
            caller.times
            and caller.cleared_ms is not None
            and all(one[0] != caller.cleared_ms for one in caller.through)
        ):
            caller.through.append((caller.cleared_ms, caller.reached))
        caller.recent = {one for one in caller.recent if one[1] >= from_ms}
        if not caller.times and not caller.through:
            del self.callers[key]

    def _make_room(self) -> None:
        """A tenth at once: looking for the oldest at every new caller would take longer than everything else."""
        if len(self.callers) >= CALLERS_MAX:
            by_age = sorted(self.callers, key=lambda key: self.callers[key].last_ms)
            for key in by_age[: max(1, CALLERS_MAX // 10)]:
                self.forgotten += self.callers.pop(key).times > 0


def listen(events: Iterable[Event], limits_of: Callable[[str], Limits]) -> LostCalls:
    """All of *events* heard."""
    found = LostCalls(limits_of)
    for event in events:
        found.hear(event)
    return found.finish()
