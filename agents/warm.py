"""Compile or load every kernel before the worker joins its group: the first call of one takes seconds.

``python -m agents.warm`` does it for a fresh checkout (a minute or two of compiling, once), so that no test pays for
it; ``python -m agents.warm habits series`` takes a part of it, and what ``callwatch detect`` needs, on another core.
"""

from __future__ import annotations

import compileall
import sys
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from agents.actor import PartitionActor
from models.catalogue import Catalogue
from models.encode import clock_record, encode_event
from models.metric import FIGURES

#: What a worker and a wallboard are made of.
PACKAGES: Final = ("models", "streams", "alerts", "sources", "agents", "wallboard", "callwatch")


def warm() -> None:
    """Run one call and one agent through an actor, its snapshot through another, and both before the first clock."""
    actor = PartitionActor(0, 1, Catalogue())
    base = {"source": "warm", "queue": "warm/up", "call": "c"}
    events = [
        clock_record(1, "warm"),
        encode_event({**base, "id": "1", "type": "call.offered", "ts": 1}),
        encode_event({**base, "id": "2", "type": "call.answered", "ts": 2, "wait_ms": 1}),
        encode_event({**base, "id": "3", "type": "agent.state", "ts": 2, "agent": "a", "state": "ready"}),
        clock_record(10_000, "warm"),
        clock_record(1_900_000, "warm"),
    ]
    early = PartitionActor(0, 1, Catalogue())
    early.apply([*events[1:4], events[0]], range(4))
    actor.apply(events, range(len(events)))
    actor.windows.watch("warm/up", 1)
    again = PartitionActor(0, 1, Catalogue())
    again.thaw(actor.position, actor.freeze_common(), actor.freeze(actor.changed()))
    again.habits.mark_odd("warm/up", date(1970, 1, 1))
    again.habits.learned("warm/up")
    again.habits.band("warm/up", "talk_unusual", "30m")


def warm_habits() -> None:
    """Have a queue judged and learned from by itself."""
    book = PartitionActor(0, 1, Catalogue()).habits
    figures = np.zeros((1, len(FIGURES)))
    for now_ms in (10_000, 1_900_000):
        book.clock(now_ms, figures, ["warm/up"], may_learn=lambda _: True)


def warm_series() -> None:
    """Have a series judged that has a period, from its first row until it was looked at for periods."""
    from alerts.detect.series import FIRST_LOOK, SeriesDetector

    rows = np.arange(4 * FIRST_LOOK)
    SeriesDetector().judge(1_000 * rows, np.sin(rows / 4.0))


def compile_sources() -> None:
    """Make the bytecode of our packages, for a start that may not write it (PYTHONDONTWRITEBYTECODE)."""
    root = Path(__file__).parent.parent
    for name in PACKAGES:
        compileall.compile_dir(root / name, quiet=2)


if __name__ == "__main__":
    parts = {"habits": warm_habits, "series": warm_series}
    for part in sys.argv[1:]:
        parts[part]()
    if not sys.argv[1:]:
        compile_sources()
        warm()
