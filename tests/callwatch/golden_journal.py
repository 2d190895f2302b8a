"""The journal of two weeks that the bulletin's golden test reads. It is checked in: later programs must read it too.

Make it anew (and then the golden files) with ``python -m tests.callwatch.golden_journal``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import orjson

from tests.alerts.world import HOUR, MIN, SERVICE, UNREACHED, WAITING, S, World, catalogue

FOLDER: Final = Path(__file__).parent / "golden"
JOURNAL: Final = FOLDER / "journal.ndjson"
DAY: Final = 24 * HOUR
PS, ODD = "bank/PS", "bank/<b>\"&'</b><script>alert(1)</script>"
TREND: Final = replace(SERVICE, id="trend", limit=0.75, severity=4)


def solve(world: World, queue: str, good: bool = True, measure: str = "two agents moved over") -> None:
    """Acknowledge, resolve, and the calls that decide."""
    if world.order(queue)["state"] in ("dispatched", "detected"):
        world.tell("acknowledge", world.order(queue)["owner"], queue)
    world.put("5m", queue, service_level_live=0.9, outcomes=5)
    world.put("15m", queue, service_level_live=0.9)
    world.tell("resolve", world.order(queue)["owner"], queue, cause="staffing", measure=measure)
    level = 0.9 if good else 0.2
    world.put("resolve", queue, service_level_live=level, outcomes=10, arrivals=10)
    world.run(S)


def breach(world: World, queue: str, level: float) -> None:
    """A breach until its order is raised, then good calls only."""
    world.service(level, queue=queue)
    world.run(61 * S)


def two_weeks() -> World:
    """From Wednesday 3 February 1999: one of each kind of ending."""
    world = World(catalogue((SERVICE, WAITING, UNREACHED, TREND)), PS, ODD)
    breach(world, PS, 0.4)
    world.run(4 * MIN, 10 * S)
    solve(world, PS)
    world.tell("verdict", queue=PS, verdict="true")
    world.run(DAY, HOUR)
    breach(world, PS, 0.5)
    world.run(25 * MIN, 10 * S)  # nobody answers
    solve(world, PS, good=False)
    world.run(10 * MIN, 10 * S)
    solve(world, PS, measure="ten agents & <i>overtime</i>")
    world.tell("verdict", queue=PS, verdict="false")
    world.run(2 * DAY, HOUR)
    breach(world, ODD, 0.3)
    world.tell("note", "lia", ODD, text="<script>alert(2)</script>")
    world.tell("cancel", queue=ODD, reason="false alarm: a <drill>")
    world.tell("confirm_cancel", "team", ODD)
    world.service(0.9, queue=ODD)
    world.run(HOUR, MIN)
    world.put("now", PS, waiting=9, waiting_past_threshold=9)
    world.run(MIN)
    world.put("now", PS, waiting=0, waiting_past_threshold=0)
    world.run(2 * MIN, S)  # closes by itself
    world.run(2 * DAY, HOUR)
    world.service(0.7, queue=PS)
    world.run(10 * MIN, 10 * S)  # a trend only
    world.service(0.9, queue=PS)
    world.run(DAY, HOUR)
    breach(world, PS, 0.4)
    world.tell("hold", queue=PS, reason="carrier works", until_ms=world.now_ms + HOUR)
    world.run(HOUR, MIN)
    world.tell("acknowledge", world.order(PS)["owner"], PS)
    world.run(DAY, HOUR)
    return world


def main() -> None:
    """Write the journal."""
    FOLDER.mkdir(exist_ok=True)
    numbers = count()
    lines = [
        orjson.dumps({"pos": [0, next(numbers), 0], **output.payload})
        for output in two_weeks().outputs
        if output.topic in ("workorder-log", "alerts")
    ]
    JOURNAL.write_bytes(b"".join(line + b"\n" for line in lines))


if __name__ == "__main__":
    main()
