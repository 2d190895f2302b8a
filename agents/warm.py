"""Compile or load every kernel before the worker joins its group: the first call of one takes seconds.

``python -m agents.warm`` does it for a fresh checkout (a minute of compiling, once), so that no test pays for it.
"""

from __future__ import annotations

import compileall
from datetime import date
from pathlib import Path
from typing import Final

from agents.actor import PartitionActor
from models.catalogue import Catalogue
from models.encode import clock_record, encode_event

#: What a worker and a wallboard are made of.
PACKAGES: Final = ("models", "streams", "alerts", "sources", "agents", "wallboard", "callwatch")


def warm() -> None:
    """Run one call and one agent through an actor, and its snapshot through another."""
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
    actor.apply(events, range(len(events)))
    actor.windows.watch("warm/up", 1)
    again = PartitionActor(0, 1, Catalogue())
    again.thaw(actor.position, actor.freeze_common(), actor.freeze(actor.changed()))
    again.habits.mark_odd("warm/up", date(1970, 1, 1))
    again.habits.learned("warm/up")
    again.habits.band("warm/up", "talk_unusual", "30m")


def compile_sources() -> None:
    """Make the bytecode of our packages, for a start that may not write it (PYTHONDONTWRITEBYTECODE)."""
    root = Path(__file__).parent.parent
    for name in PACKAGES:
        compileall.compile_dir(root / name, quiet=2)


if __name__ == "__main__":
    compile_sources()
    warm()
