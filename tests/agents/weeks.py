"""Weeks of calls of a queue, day by day the same but for chance, for the tests of what is usual.

A day has calls from 10:00 to 14:30 UTC, Monday to Friday; clocks come every minute of it and a quarter of an hour
before and after. Lunch, from 12:00 to 13:00, may be served badly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from agents.actor import PartitionActor, Record
from alerts.habit.carry import learned
from alerts.habit.state import MEAN, SEEN, habits
from models.catalogue import Catalogue, OpeningHours, QueueSettings, Site
from models.encode import clock_record, command_record

QUEUE = "north/billing"
S, MIN, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
#: Monday 2 March 2026, 00:00 UTC.
MONDAY = 1_772_409_600_000
WORKDAYS = frozenset(range(5))
OPENS, CLOSES = 10 * HOUR, 14 * HOUR + 30 * MIN
HOURS = (OpeningHours(WORKDAYS, OPENS // MIN, CLOSES // MIN),)
CATALOGUE = Catalogue(sites=(Site("north", hours=HOURS),), queues=(QueueSettings(),))
CLOCK_MS = MIN

Calls = Callable[[int, int], float]  #: (day from the first Monday, minute of the day) to calls a half-hour
Waits = Callable[[int, float], int]  #: (minute of the day, chance in [0, 1)) to the wait of a call, ms


def usual_calls(day: int, minute: int) -> float:
    """Thirty calls a half-hour, fewer in the afternoon."""
    return 40.0 if minute < 13 * 60 else 30.0


def good_waits(minute: int, chance: float) -> int:
    """Everybody is answered soon."""
    return 3 * S


def bad_lunch(minute: int, chance: float) -> int:
    """At lunch three of five wait beyond the threshold."""
    return 60 * S if 12 * 60 <= minute < 13 * 60 and chance < 0.6 else 3 * S


def event(kind: str, ts_ms: int, call: str, queue: str = QUEUE, **fields: Any) -> bytes:
    """An event of a call."""
    record = {"id": f"{call}-{kind}", "source": "pbx", "type": kind, "ts": ts_ms, "queue": queue, "call": call}
    return orjson.dumps(record | fields)


def day_of(day: int, calls: Calls = usual_calls, waits: Waits = good_waits, seed: int = 1) -> list[tuple[int, bytes]]:
    """The records of a day, by time; none on a weekend."""
    if day % 7 >= 5:
        return []
    rng, start = random.Random(f"{seed}/{day}"), MONDAY + day * DAY
    rows: list[tuple[int, int, bytes]] = []
    at_ms, n = start + OPENS, 0
    while True:
        rate = calls(day, (at_ms - start) // MIN)
        at_ms += max(round(rng.expovariate(1.0) * 30 * MIN / rate), 1) if rate > 0 else MIN
        if at_ms >= start + CLOSES - 5 * MIN:
            break
        if rate <= 0:
            continue
        call, n, wait = f"{day}-{n}", n + 1, waits((at_ms - start) // MIN, rng.random())
        talk = round(rng.uniform(120, 240)) * S
        rows.append((at_ms, 1, event("call.offered", at_ms, call)))
        rows.append((at_ms + wait, 1, event("call.answered", at_ms + wait, call)))
        done = at_ms + wait + talk
        rows.append((done, 1, event("call.completed", done, call, talk_ms=talk)))
    first, last = start + OPENS - 15 * MIN, start + CLOSES + 15 * MIN
    rows += [(ts, 2, clock_record(ts, "replay")) for ts in range(first, last + 1, CLOCK_MS)]
    return [(ts, value) for ts, _, value in sorted(rows)]


class Weeks:
    """An actor that lives through days; what it caused."""

    def __init__(self, catalogue: Catalogue = CATALOGUE) -> None:
        self.catalogue = catalogue
        self.actor = PartitionActor(0, 1, catalogue)
        self.out: list[tuple[str, dict[str, Any]]] = []

    def live(self, days: range, calls: Calls = usual_calls, waits: Waits = good_waits) -> Weeks:
        """Live through *days*."""
        for day in days:
            self.apply([value for _, value in day_of(day, calls, waits)])
        return self

    def apply(self, values: list[bytes]) -> list[Record]:
        """Apply records."""
        if not values:
            return []
        first = self.actor.position
        records = self.actor.apply(list(values), range(first, first + len(values))).records
        self.out += [(record.topic, orjson.loads(record.value)) for record in records]
        return records

    def tell(self, command: str, order: str, at_ms: int, **args: Any) -> None:
        """A command of Ann's."""
        value = command_record(
            id=f"{command}-{at_ms}", source="test", ts_ms=at_ms, queue=QUEUE, order=order, command=command, actor="ann",
            args=args,
        )  # fmt: skip
        self.apply([value])

    def restarted(self) -> Weeks:
        """Another owner takes over here."""
        other, actor = Weeks(self.catalogue), self.actor
        other.actor.thaw(actor.position, actor.freeze_common(), actor.freeze(actor.kept()))
        other.out = list(self.out)
        return other

    def said(self, topic: str, decision: str = "") -> Iterator[dict[str, Any]]:
        """What was written to *topic*; of decisions those of one kind."""
        return (body for name, body in self.out if name == topic and decision in ("", body.get("decision")))

    def raised(self, days: range) -> list[dict[str, Any]]:
        """The orders raised on *days*."""
        return [e for e in self.said("workorder-log", "raised") if (e["at_ms"] - MONDAY) // DAY in days]

    def notes(self, days: range) -> list[dict[str, Any]]:
        """What was told to be as usual."""
        return [
            a for a in self.said("alerts") if a["title"].endswith("as usual") and (a["at_ms"] - MONDAY) // DAY in days
        ]


def four_calls() -> dict[str, Any]:
    """What was learned of a queue that has four calls in each half-hour, and of which nothing else is known."""
    state = habits(1)
    state.week[0, :, SEEN], state.week[0, :, MEAN] = 8, 4
    return learned(state, 0)


def clocks(first_ms: int, last_ms: int, step_ms: int = 5 * S) -> list[bytes]:
    """Clocks between two times."""
    return [clock_record(ts, "replay") for ts in range(first_ms, last_ms + 1, step_ms)]


def utc(ms: int) -> str:
    """A time as a test reads it."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms):%a %d %H:%M}"
