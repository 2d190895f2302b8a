"""Events for the tests of windows: made from a few draws, fed in any order and batching."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from models.decode import LastClock, decode
from models.event import EventType
from models.interner import Names
from streams.windows import QueueSetup, Windows

QUEUE = "site/skill"
ZONE = "Asia/Jerusalem"
Event = dict[str, Any]


def setup(_: str, *, formula: int = 1, flow_out: int = 1) -> QueueSetup:
    return QueueSetup(ZONE, 1_800_000, 20_000, 5_000, formula, flow_out)


def windows(**options: Any) -> Windows:
    return Windows(Names(), setup, **options)


def event(kind: str, ts: int, call: str, **more: Any) -> Event:
    ident = f"{kind}-{ts}-{call}-{sorted(more.items())}"
    return {"id": ident, "source": "test", "type": kind, "ts": ts, "queue": QUEUE, "call": call, **more}


def clock(ts: int) -> Event:
    return {"id": f"clock-{ts}", "source": "test", "type": "clock", "ts": ts}


def feed(to: Windows, events: Iterable[Event], *, batch: int = 10**9) -> Windows:
    """Apply *events* as the worker does: decoded in batches, cut at each clock. Nothing may be refused."""
    values = [orjson.dumps(e) for e in events]
    for start in range(0, len(values), batch):
        part = values[start : start + batch]
        now = to.now_ms if to.clocked else -1
        decoded = decode(
            part, range(len(part)), topic="events", partition=0, partitions=1, names=to.names, clock=LastClock(now)
        )
        assert not decoded.dead
        assert not decoded.misrouted
        columns, first = decoded.columns, 0
        for row in range(len(columns)):
            if columns.kind[row] == EventType.CLOCK:
                to.apply(columns, first, row)
                to.clock(int(columns.ts[row]))
                first = row + 1
        to.apply(columns, first, len(columns))
    return to
