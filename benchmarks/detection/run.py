"""One run of the suite with what it was made on."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks import machine
from benchmarks.detection.suite import Plan
from benchmarks.detection.suite import measure as run


def measure(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """The results of *plan*."""
    before, began = machine.load(), time.monotonic()
    found = run(plan, say)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "load_1m": {"before": before, "after": machine.load()},
        "seconds": time.monotonic() - began,
        **found,
    }
