"""What is known of one call, caller, agent or note, and what follows from it: facts, each with its time and counts.

Everything here is a function of the set of events; their order is looked at nowhere. By DESIGN sections 3 and 4,
``docs/AWKWARD-CALLS.md`` and the formulas of the metric dictionary in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from models.event import AGENT_STATES, CHANNELS, EVENT_TYPES, LINES

Event = dict[str, Any]
Counts = dict[str, int]
#: ``(time, counts)``.
Fact = tuple[int, Counts]

#: Outcomes of one call and leg in a queue, in the order in which they win at one instant, and its other types.
OUTCOMES = ("call.answered", "call.abandoned", "call.flowed_out")
OF_A_CALL = ("call.offered", "ring.no_answer", *OUTCOMES, "call.completed")
#: A caller who reached no queue.
LEFT = {"ivr.abandoned": "ivr_abandoned", "call.blocked": "blocked"}
#: What counts once by its identity, and as what.
NOTES = {
    "callback.requested": "callbacks_requested",
    "callback.attempted": "callbacks_attempted",
    "callback.connected": "callbacks_connected",
    "callback.failed": "callbacks_failed",
    "call.rated": "ratings",
    "call.scored": "scores",
    "call.resolved": "resolutions",
    "probe.result": "test_calls",
    "agent.login_failed": "login_failures",
}
#: Without a word from its source for longer than this a waiting call is lost track of.
LOST_TRACK = 30 * 60_000


@dataclass(frozen=True)
class Limits:
    """By what a call is judged: by the limits that held when it was first heard of."""

    threshold_ms: int
    short_ms: int
    immediate_ms: int


@dataclass
class Life:
    """What was said of one thing, from the first word of it until it is let go of."""

    limits: Limits
    events: list[Event] = field(default_factory=list)
    #: Start of the interval row that it counts in; None where it has none. Set by who reads the log.
    row: int | None = None
    #: Whether it arrived in a peak half-hour. Set by who reads the log, who knows the zone.
    peak: bool = False

    @property
    def arrival(self) -> int | None:
        return None

    @property
    def word(self) -> int:
        """When it was last heard of."""
        return max(int(event["ts"]) for event in self.events)

    def is_kept(self, floor: int, now: int) -> bool:
        return max(self.word, self.arrival or 0) >= floor

    def state(self) -> Any:
        """All that a further event can change."""
        raise NotImplementedError

    def facts(self) -> list[Fact]:
        raise NotImplementedError

    @property
    def is_out(self) -> bool:
        return any(event.get("direction") == "out" for event in self.events)

    @property
    def line(self) -> str:
        """Of several words the one that stands last in the list."""
        said = [event.get("line") for event in self.events]
        return max((word for word in said if word in LINES), key=LINES.index, default="other")

    @property
    def channel(self) -> str:
        said = [event.get("channel", "voice") for event in self.events]
        return max((word if word in CHANNELS else "other" for word in said), key=CHANNELS.index)

    def description(self) -> tuple[Any, ...]:
        first = min((event["first_queued_ts"] for event in self.events if "first_queued_ts" in event), default=None)
        return first, self.is_out, self.line, self.channel, _origin(self.events)


def _origin(events: Iterable[Event]) -> int:
    """How near the queue lies that it came from: 0 from none, 1 elsewhere, 3 of the same site (no regions here)."""
    ranks = [0]
    for event in events:
        site, _, skill = event.get("from_queue", "").rpartition("/")
        if site and skill:
            ranks.append(3 if site == event["queue"].rpartition("/")[0] else 1)
    return max(ranks)


class Call(Life):
    """One call and leg in one queue."""

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def offered(self) -> int | None:
        return min((int(event["ts"]) for event in self.of("call.offered")), default=None)

    @property
    def outcome(self) -> Event | None:
        """The earliest; of two at once the first of `OUTCOMES`; of two alike the one with the shorter known wait."""

        def rank(event: Event) -> tuple[int, int, float]:
            return event["ts"], OUTCOMES.index(event["type"]), _given_wait(event)

        return min((event for event in self.events if event["type"] in OUTCOMES), key=rank, default=None)

    @property
    def completion(self) -> tuple[int, tuple[int, ...]] | None:
        """When, and talk, hold and wrap (-1 unknown or negative): the earliest, of two at once the longer."""
        found = []
        for event in self.of("call.completed"):
            times = [event.get(name) for name in ("talk_ms", "hold_ms", "wrap_ms")]
            found.append((event["ts"], tuple(-1 if t is None or t < 0 else t for t in times)))
        return min(found, key=lambda f: (f[0], tuple(-t for t in f[1])), default=None)

    @property
    def wait(self) -> int | None:
        """Until the outcome: as its source says, else from the offer; never below 0; None unknown."""
        assert self.outcome is not None
        given, offered = self.outcome.get("wait_ms"), self.offered
        if given is None:
            return None if offered is None else max(int(self.outcome["ts"]) - offered, 0)
        return max(int(given), 0)

    @property
    def has_negative_wait(self) -> bool:
        assert self.outcome is not None
        given, offered = self.outcome.get("wait_ms"), self.offered
        if given is None:
            return offered is not None and offered > self.outcome["ts"]
        return bool(given < 0)

    @property
    def arrival(self) -> int | None:
        if self.offered is not None:
            return self.offered
        return None if self.outcome is None else int(self.outcome["ts"]) - (self.wait or 0)

    @property
    def in_queue(self) -> bool:
        """Offered, and nothing ended that. Who is called waits for nobody."""
        return self.offered is not None and self.outcome is None and self.completion is None and not self.is_out

    def is_lost(self, now: int) -> bool:
        return self.in_queue and now - self.word > LOST_TRACK

    def is_waiting(self, now: int) -> bool:
        return self.in_queue and now - self.word <= LOST_TRACK

    def is_kept(self, floor: int, now: int) -> bool:
        return self.is_waiting(now) or super().is_kept(floor, now)

    def state(self) -> Any:
        end = None if self.outcome is None else (self.outcome["ts"], self.outcome["type"], _given_wait(self.outcome))
        return self.offered, end, self.completion, self.word, self.description()

    def facts(self) -> list[Fact]:
        out: list[Fact] = []
        if self.arrival is not None:
            out.append((self.arrival, {"outbound": 1} if self.is_out else self._arrived()))
        if self.outcome is not None:
            out.append((self.outcome["ts"], self._went_out() if self.is_out else self._ended()))
        if self.completion is not None:
            ts, times = self.completion
            talk, hold, wrap = (max(t, 0) for t in times)
            out.append((ts, {"completed": 1, "talk_ms": talk, "handle_ms": talk + hold + wrap}))
        return out

    def _split(self, what: str) -> Counts:
        return {what: 1, f"line_{self.line}_{what}": 1, f"channel_{self.channel}_{what}": 1}

    def _arrived(self) -> Counts:
        flowed_in = int(_origin(self.events) > 0)
        return self._split("offered") | {"flowed_in": flowed_in} | ({"unresolved": 1} if self.outcome is None else {})

    def _went_out(self) -> Counts:
        assert self.outcome is not None
        return {"outbound_connected": int(self.outcome["type"] == "call.answered")}

    def _ended(self) -> Counts:
        assert self.outcome is not None
        wait, kind = self.wait, self.outcome["type"]
        within = int(wait is not None and wait <= self.limits.threshold_ms)
        out = {"negative": int(self.has_negative_wait)}
        if wait is not None:
            queued = int(wait > self.limits.immediate_ms)
            out |= {"waited": 1, "queued": queued, "waited_ms": wait}
            out |= {"waited_peak": int(self.peak), "queued_peak": queued * self.peak}
        if wait is not None and kind != "call.flowed_out":
            out[f"waited {wait}"] = 1
        if kind == "call.answered":
            known = {} if wait is None else {"wait_ms": wait, "wait_known": 1}
            return out | self._split("answered") | {"answered_in": within} | known
        if kind == "call.abandoned":
            short = int(wait is not None and wait <= self.limits.short_ms)
            return out | self._split("abandoned") | {"abandoned_in": within, "short": short}
        return out | {"flowed_out": 1, "flowed_late": 1 - within}


def _given_wait(event: Event) -> float:
    """All negative waits are one, and an unknown one is longer than any."""
    wait = event.get("wait_ms")
    return math.inf if wait is None else max(wait, -1)


class Left(Life):
    """A caller who left in the menu or found no line; said twice, it happened when it was first said to have."""

    @property
    def arrival(self) -> int | None:
        return min(int(event["ts"]) for event in self.events)

    def is_kept(self, floor: int, now: int) -> bool:
        return (self.arrival or 0) >= floor

    def state(self) -> Any:
        return self.arrival, self.description()

    def facts(self) -> list[Fact]:
        return [(self.arrival or 0, {} if self.is_out else {LEFT[self.events[0]["type"]]: 1})]


class Note(Life):
    """What counts once, when it was first said to have happened; of two values at one time the lower."""

    @property
    def _said(self) -> tuple[int, int, int, int]:
        return min(_note(event) for event in self.events)

    @property
    def arrival(self) -> int | None:
        return self._said[0]

    def is_kept(self, floor: int, now: int) -> bool:
        return self._said[0] >= floor

    def state(self) -> Any:
        return self._said

    def facts(self) -> list[Fact]:
        ts, number, milli, ok = self._said
        kind = next(name for name, one in EVENT_TYPES.items() if one == number)
        more = {
            "call.rated": {"rating_milli": milli},
            "call.scored": {"score_milli": milli},
            "call.resolved": {"resolved": int(ok != 0)},
            "probe.result": {"test_calls_ok": int(ok == 1)},
        }
        return [(ts, {NOTES[kind]: 1} | more.get(kind, {}))]


def _note(event: Event) -> tuple[int, int, int, int]:
    """Time, type, value in thousandths and ``ok`` (-1 unsaid)."""
    valued = event["type"] in ("call.rated", "call.scored")
    milli = math.floor(Fraction(event["value"]) * 1000 + Fraction(1, 2)) if valued else 0
    return event["ts"], int(EVENT_TYPES[event["type"]]), milli, int(event.get("ok", -1))


def is_note(event: Event) -> bool:
    """Whether it says what it is for: a rating without a value and a test call without a result do not."""
    if event["type"] in ("call.rated", "call.scored"):
        return "value" in event
    return event["type"] != "probe.result" or "ok" in event


@dataclass
class Agent(Life):
    """An agent in one queue."""

    #: When they were lost track of, and how many events had been heard by then.
    lost: list[tuple[int, int]] = field(default_factory=list)

    def points(self) -> list[tuple[int, int]]:
        """When the agent came into which state, by time; of two states at once the higher holds."""
        latest = {at: 0 for at, heard in self.lost if self._is_silent(at, heard)}
        for event in self.events:
            latest[event["ts"]] = max(latest.get(event["ts"], 0), int(AGENT_STATES[event["state"]]))
        return sorted(latest.items())

    def lose(self, minute: int, now: int) -> None:
        """Taken for offline from *now* on where nothing was heard for a day by *minute*."""
        ts, state = self.points()[-1]
        if state != 0 and ts <= minute - 24 * 3_600_000:
            self.lost.append((now, len(self.events)))

    def _is_silent(self, at: int, heard: int) -> bool:
        """Whether what was heard since all lies after *at*."""
        return all(event["ts"] > at for event in self.events[heard:])

    def is_kept(self, floor: int, now: int) -> bool:
        ts, state = self.points()[-1]
        return state != 0 or ts >= floor

    def state(self) -> Any:
        return self.points()

    def facts(self) -> list[Fact]:
        return []

    def time_in(self, states: Iterable[int], begin: int, end: int) -> int:
        """Milliseconds between *begin* and *end* in one of *states*."""
        points = self.points()
        total = 0
        for (since, state), until in zip(points, [ts for ts, _ in points[1:]] + [end], strict=True):
            if state in states:
                total += max(min(until, end) - max(since, begin), 0)
        return total


class Caller:
    """Somebody known, in one queue: when they were lost and when they got through."""

    LOST = ("call.abandoned", "ivr.abandoned", "call.blocked", "callback.failed")
    THROUGH = ("call.answered", "callback.connected")
    RECOVERY = 24 * 3_600_000

    def __init__(self) -> None:
        self.lost: list[int] = []
        self.through: list[int] = []

    def hear(self, event: Event) -> None:
        if event["type"] in self.LOST:
            self.lost.append(event["ts"])
        elif event["type"] in self.THROUGH:
            self.through.append(event["ts"])

    def facts(self) -> list[Fact]:
        if not self.lost:
            return []
        last = max(self.lost)
        recovered = any(last < ts <= last + self.RECOVERY for ts in self.through)
        return [(last, {"lost_callers": 1, "recovered_callers": int(recovered)})]


def total(facts: Iterable[Fact]) -> Counts:
    """The sum of the counts of *facts*."""
    out: Counts = {}
    for _, counts in facts:
        for name, n in counts.items():
            out[name] = out.get(name, 0) + n
    return out
