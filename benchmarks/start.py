"""``callwatch bench start``: from launching ``callwatch worker`` until its kernels are there, and until it watches.

A worker compiles its kernels once per checkout; what counts is every launch after that, of a process that has to import
everything, load the kernels, join the group and restore its partitions.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import machine
from benchmarks.takeover import Crew
from callwatch.stack import EmbeddedStack
from models.errors import UsageError, WorkError
from models.runtime import KafkaSettings
from streams.broker import create_topics

LAUNCHES: Final = 5
PARTITIONS: Final = 4
GOAL_S: Final = 5.0
#: After being ready: the group is made and the partitions, which are empty, are restored.
WATCH_S: Final = 120.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many *launches* are timed, one after the other."""

    launches: int = LAUNCHES
    bootstrap: str = ""  #: a broker that runs already; else an embedded one

    def __post_init__(self) -> None:
        if self.launches < 1:
            raise UsageError(f"--launches {self.launches}: give at least 1.")


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a worker fails."""
    before = machine.load()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callwatch-start-")))
        server = stack.enter_context(EmbeddedStack(broker=not plan.bootstrap))
        kafka = KafkaSettings(
            bootstrap=plan.bootstrap or server.bootstrap, prefix=f"start{int(time.time())}-", partitions=PARTITIONS
        )
        asyncio.run(create_topics(kafka))
        settings = folder / "settings.toml"
        settings.write_text(
            f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = {kafka.partitions}\n'
            f'[valkey]\nurl = "{server.valkey_url}"\n[worker]\nclock = "wall"\n',
            encoding="utf-8",
        )
        say("a first launch, which compiles what is not compiled yet")
        _launch(settings, folder / "first")
        launches = []
        for n in range(plan.launches):
            launches.append(_launch(settings, folder / str(n)))
            say(f"launch {n + 1}: ready after {launches[-1]['ready_s']:.1f} s")
    return {
        "benchmark": "start",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": before, "after": machine.load()},
        "broker": "Apache Kafka or what else was named" if plan.bootstrap else "embedded",
        "partitions": PARTITIONS,
        "goal_s": GOAL_S,
        "launches": launches,
        **{name: round(median(one[name] for one in launches), 2) for name in ("ready_s", "cpu_s", "watches_s")},
        "worst_s": max(one["ready_s"] for one in launches),
    }


def _launch(settings: Path, folder: Path) -> dict[str, float]:
    """Launch a worker, wait until it is ready and until it has its partitions, and end it."""
    folder.mkdir()
    crew, begun_s = Crew(settings, folder), time.monotonic()
    try:
        crew.do("start")
        ready_s = time.monotonic() - begun_s
        cpu_s = machine.cpu_s(crew.running[0].pid)
        while len(crew.restores()) < PARTITIONS:
            crew.check()
            if time.monotonic() - begun_s > ready_s + WATCH_S:
                raise WorkError(f"The worker has not got its partitions {WATCH_S:.0f} s after it was ready.")
            time.sleep(0.02)
        return {"ready_s": round(ready_s, 2), "cpu_s": cpu_s, "watches_s": round(time.monotonic() - begun_s, 2)}
    finally:
        crew.stop()
