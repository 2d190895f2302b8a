"""``callwatch bench growth``: time per event, memory per queue and time per clock, by the number of queues and callers.

The goal is that the cost of an event does not depend on the number of queues. Each size runs in a process of its own
(`benchmarks.growth_case`), the actors of a worker without a broker.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from benchmarks import machine
from benchmarks.growth_case import Case
from models.errors import UsageError, WorkError

QUEUES: Final = (10, 100, 1_000, 10_000, 100_000)
#: Callers who wait at once, over this many queues.
WAITING: Final = (1_000, 10_000, 100_000)
WAITING_QUEUES: Final = 200
EVENTS: Final = 400_000
#: The largest size compiles nothing and still takes a minute.
CASE_S: Final = 1_800.0
GOAL_SHARE: Final = 0.10
GOAL_BYTES: Final = 16 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes to measure; *runs* times, of which the fastest counts: what disturbs only adds."""

    queues: tuple[int, ...] = QUEUES
    waiting: tuple[int, ...] = WAITING
    events: int = EVENTS
    runs: int = 3

    def __post_init__(self) -> None:
        if len(self.queues) < 2 or min(self.queues) < 1:
            raise UsageError("--queues: give two sizes at least; a slope has two ends.")
        if self.events < 2 or self.runs < 1:
            raise UsageError("--events and --runs: at least 2 and 1.")

    def cases(self) -> list[Case]:
        """All sizes, queues first."""
        by_queues = [Case(queues, 0, self.events) for queues in self.queues]
        return by_queues + [Case(WAITING_QUEUES, waiting, self.events) for waiting in self.waiting]


def measure(plan: Plan, say: Say) -> dict[str, Any]:
    """Run *plan* and return the results as they are written to JSON. Raises WorkError when a size fails."""
    before, found = machine.load(), []
    for case in plan.cases():
        say(f"{case.queues:,} queues, {case.waiting:,} callers waiting")
        runs = [_run(case) for _ in range(plan.runs)]
        found.append(runs[0] | {name: min(run[name] for run in runs) for name in ("event_us", "clock_ms")})
    by_queues = [one for one in found if not one["waiting"]]
    return {
        "benchmark": "growth",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": before, "after": machine.load()},
        **asdict(plan),
        "goal": {"event": GOAL_SHARE, "bytes": GOAL_BYTES},
        "cases": found,
        "event_ratio": round(max(one["event_us"] for one in by_queues) / min(one["event_us"] for one in by_queues), 2),
        "event_slope": round(slope([one["queues"] for one in by_queues], [one["event_us"] for one in by_queues]), 3),
        "quiet_bytes": by_queues[-1]["quiet_bytes"] // by_queues[-1]["queues"],
    }


def slope(sizes: list[int], costs: list[float]) -> float:
    """How the cost grows with the size: of the straight line through their logarithms (0 flat, 1 in proportion)."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def _run(case: Case) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.growth_case", orjson.dumps(asdict(case)).decode()]
    ran = subprocess.run(command, cwd=machine.ROOT, capture_output=True, timeout=CASE_S, check=False)
    if ran.returncode:
        raise WorkError(f"{case}: {ran.stderr.decode(errors='replace')[-800:]}")
    result: dict[str, Any] = orjson.loads(ran.stdout)
    return result
