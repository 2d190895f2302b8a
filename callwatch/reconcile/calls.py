"""The calls behind differing intervals: a plain reading of the events, by the same merging as `streams.apply`.

Kernels keep sums and numbers; what a person wants to see (the call's name, its times, what is odd about it) is read
again from the events, for the intervals in question only. A test holds the two together, and where the calls do not
add up to our row (retention, a limit) the comparison says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.decode import read
from models.event import AHEAD_LIMIT_MS, LATENESS_MS
from models.refusal import Refused
from streams.windows import QueueSetup

#: Calls in memory for the intervals in question, about 500 bytes each: 100 MB.
CALLS_MAX: Final = 200_000
ODD_MAX: Final = 10_000
#: A call this near the edge of an interval may be in the next one by another clock.
EDGE_MS: Final = 60_000
_OUTCOMES: Final = {"call.answered": 1, "call.abandoned": 2, "call.flowed_out": 3}
_NAMES: Final = ("", "answered", "abandoned", "flowed_out")
_SLOTS: Final = {"ivr.abandoned": "menu", "call.blocked": "blocked", "call.offered": "call", "call.completed": "call"}
_TIDY_EVERY: Final = 8192


@dataclass(slots=True)
class Call:
    """One leg of one contact in a queue, or (by *kind*) a caller who reached none. Times in epoch ms, -1 unknown."""

    call: str
    leg: int
    queue: str
    kind: str  #: call, menu, blocked
    offered: int = -1
    out_ts: int = -1
    outcome: int = 0  #: 0 none, 1 answered, 2 abandoned, 3 flowed out
    out_wait: int | None = None  #: as its source gave it
    first_queued: int = -1
    from_queue: str = ""
    word: int = -1
    negative: bool = False
    others: set[tuple[int, int]] = field(default_factory=set)  #: (ts, outcome) of all outcomes heard of

    @property
    def arrival(self) -> int:
        """When it came to the queue: its offer, else its outcome less its wait; -1 when neither is known."""
        if self.kind != "call":
            return self.out_ts
        if self.offered < 0 and self.outcome:
            return self.out_ts - max(self.out_wait or 0, 0)
        return self.offered

    @property
    def is_transfer(self) -> bool:
        """Whether the caller had waited somewhere else before."""
        return bool(self.from_queue) or 0 <= self.first_queued < self.offered

    @property
    def wait_ms(self) -> int | None:
        """Until the outcome: as its source gave it, else outcome less offer, not below 0; None unknown."""
        if not self.outcome or self.kind != "call":
            return None
        if self.out_wait is not None:
            return max(self.out_wait, 0)
        return max(self.out_ts - self.offered, 0) if self.offered >= 0 else None

    @property
    def name(self) -> str:
        """What became of it."""
        if self.kind != "call":
            return {"menu": "left in the menu"}.get(self.kind, self.kind)
        return _NAMES[self.outcome] or "no outcome"

    def at_arrival(self) -> dict[str, int]:
        """What its coming counts as."""
        return {"offered": 1} if self.kind == "call" and self.arrival >= 0 else {}

    def at_outcome(self, setup: QueueSetup) -> dict[str, int]:
        """What its outcome counts as (see `streams.calls.fill_outcome`)."""
        if self.kind != "call":
            return {"ivr_abandoned" if self.kind == "menu" else "blocked": 1}
        wait = self.wait_ms
        within = wait is not None and wait <= setup.threshold_ms
        if self.outcome == 0:
            return {"unresolved": 1} if self.offered >= 0 else {}
        if self.outcome == 1:
            known = wait is not None
            return {"answered": 1, "answered_in_threshold": within, "wait_ms": wait or 0, "wait_known": known}
        if self.outcome == 2:
            return {"abandoned": 1, "abandoned_in_threshold": within, "short_abandoned": self.is_short(setup)}
        return {"flowed_out": 1, "flowed_late": not within}

    def is_short(self, setup: QueueSetup) -> bool:
        """Whether it is a short abandon."""
        return self.outcome == 2 and self.wait_ms is not None and self.wait_ms <= setup.short_ms

    def merge(self, kind: str, event: Mapping[str, Any]) -> None:
        """Take in one event of it: the earliest offer and outcome count; of two at once the lower kind."""
        ts = event["ts"]
        self.word = max(self.word, ts)
        self.from_queue = event.get("from_queue") or self.from_queue
        if kind == "call.offered":
            self.offered = ts if self.offered < 0 else min(self.offered, ts)
            first = event.get("first_queued_ts")
            if first is not None:
                self.first_queued = first if self.first_queued < 0 else min(self.first_queued, first)
        elif self.kind != "call":
            self.out_ts = ts if self.out_ts < 0 else min(self.out_ts, ts)
            self.outcome = 1
        elif kind in _OUTCOMES:
            self._end(ts, _OUTCOMES[kind], event.get("wait_ms"))

    def _end(self, ts: int, outcome: int, wait: int | None) -> None:
        self.others.add((ts, outcome))
        self.negative = self.negative or (wait is not None and wait < 0) or (wait is None and ts < self.offered)
        if self.outcome:
            if (ts, outcome) > (self.out_ts, self.outcome):
                return
            if (ts, outcome) == (self.out_ts, self.outcome) and (
                wait is None or (self.out_wait is not None and wait >= self.out_wait)
            ):
                return
        self.out_ts, self.outcome, self.out_wait = ts, outcome, wait


@dataclass(frozen=True, slots=True)
class Odd:
    """A record of a queue in question that counts nowhere: a dead letter, or one that came too late."""

    queue: str
    ts: int | None
    text: str


class CallBook:
    """Collects the calls of the intervals in *wanted*: queue to (start, end) in epoch ms, in order.

    One book a partition (or recording): feed it the records in log order. Who came or left within a minute of an
    interval is kept, others for the 4 hours in which they may still turn out to be.
    """

    def __init__(self, wanted: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        self.odd: list[Odd] = []
        self.full = False
        self._wanted = {queue: (sorted(s for s, _ in cells), dict(cells)) for queue, cells in wanted.items()}
        self._calls: dict[tuple[str, str, str, int], Call] = {}
        self._clock = self._now = -1
        self._since_tidy = 0

    def feed(self, values: Iterable[bytes | None], numbers: Iterable[int], unit: str) -> None:
        """Apply records in log order; *numbers* are their places in *unit* (lines, offsets)."""
        for n, value in zip(numbers, values, strict=False):
            try:
                event = read(value)
            except Refused as refusal:
                self._dead(value or b"", f"{unit} {n}: {refusal.reason}: {refusal.detail}")
                continue
            self._take(event, f"{unit} {n}")
            self._since_tidy += 1
            if self._since_tidy >= _TIDY_EVERY:
                self._tidy()

    def calls(self) -> list[Call]:
        """All that is kept, by arrival and name."""
        return sorted(self._calls.values(), key=lambda c: (c.arrival, c.call, c.leg))

    def _take(self, event: dict[str, Any], where: str) -> None:
        kind, ts, queue = event["type"], event["ts"], event.get("queue")
        if kind == "clock":
            self._clock = self._now = max(self._clock, ts)
            return
        if self._clock < 0:
            self._now = max(self._now, ts)
        if queue not in self._wanted:
            return
        slot = "call" if kind in _OUTCOMES else _SLOTS.get(kind)
        if slot is None:
            return
        if self._clock >= 0 and ts > self._clock + AHEAD_LIMIT_MS:
            self._note(Odd(queue, ts, f"{where}: {kind} of {event['call']} lies over a minute ahead of the clock"))
        elif ts < self._now - LATENESS_MS:
            self._note(Odd(queue, ts, f"{where}: {kind} of {event['call']} came over 4 hours late"))
        else:
            self._merge(slot, kind, queue, event)

    def _merge(self, slot: str, kind: str, queue: str, event: dict[str, Any]) -> None:
        key = (slot, queue, event["call"], event.get("leg") or 1)
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= CALLS_MAX:
                self._tidy()
                self.full = self.full or len(self._calls) >= CALLS_MAX
            if self.full:
                return
            call = self._calls[key] = Call(key[2], key[3], queue, slot)
        call.merge(kind, event)

    def _dead(self, value: bytes, text: str) -> None:
        for queue in self._wanted:
            if f'"{queue}"'.encode() in value:
                self._note(Odd(queue, None, text))

    def _note(self, odd: Odd) -> None:
        if len(self.odd) < ODD_MAX:
            self.odd.append(odd)

    def _tidy(self) -> None:
        self._since_tidy = 0
        floor = self._now - LATENESS_MS
        gone = [key for key, call in self._calls.items() if call.word < floor and not self._touches(call)]
        for key in gone:
            del self._calls[key]

    def _touches(self, call: Call) -> bool:
        starts, ends = self._wanted[call.queue]
        for ts in (call.arrival, call.out_ts):
            at = bisect_right(starts, ts + EDGE_MS) - 1
            if ts >= 0 and at >= 0 and ts < ends[starts[at]] + EDGE_MS:
                return True
        return False
