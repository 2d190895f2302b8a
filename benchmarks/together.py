"""Several workers on one log, a part of ``callwatch bench throughput``: what each further one brings.

A group forms while its first member works already, so what counts is the rate from the moment at which every worker has
partitions until the last record is done with. One worker is measured in the same way; the others are a ratio to it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks import machine
from benchmarks.job import Job
from callwatch.children import stop_child
from callwatch.stack import ending_with_us
from models.errors import WorkError

#: How long a round may take beside its work: kernels are loaded, the group is made.
START_S: Final = 180.0
SLOWEST_PER_S: Final = 500
POLL_S: Final = 0.02
STOP_S: Final = 20.0

#: The positions of the partitions that a worker has.
Positions = dict[int, int]


@dataclass(slots=True)
class Race:
    """*workers* on partitions of *ends* records, as it is seen from outside."""

    workers: int
    ends: Sequence[int]
    all_in_s: float = -1.0  #: when every worker had partitions first
    left: int = 0  #: records that were not done with then
    took_s: float = -1.0  #: from then to the end
    _reached: Positions | None = None

    def look(self, now_s: float, seen: Iterable[Positions]) -> bool:
        """Take what the workers say at *now_s*; True at the end.

        Raises WorkError when all is done before every worker has come.
        """
        told = list(seen)
        reached = self._reached or {}
        for positions in told:
            for partition, at in positions.items():
                reached[partition] = max(at, reached.get(partition, 0))
        self._reached = reached
        left = sum(max(0, end - reached.get(partition, 0)) for partition, end in enumerate(self.ends))
        owned = sorted(partition for positions in told for partition in positions)
        whole = len(told) == self.workers and all(told) and owned == list(range(len(self.ends)))
        if self.all_in_s < 0 and whole and left:
            self.all_in_s, self.left = now_s, left
        if left:
            return False
        if self.all_in_s < 0:
            raise WorkError(f"All was done before {self.workers} workers had come: give more --events.")
        self.took_s = now_s - self.all_in_s
        return True


def race(job: Job, workers: int, folder: Path) -> dict[str, Any]:
    """Let *workers* work through *job*. Raises WorkError when one of them fails, or when it takes too long."""
    watched = Race(workers, job.ends)
    with ExitStack() as stack:
        crew = [_start(job, folder / f"{workers}-{n}", stack) for n in range(workers)]
        deadline = time.monotonic() + START_S + job.records / SLOWEST_PER_S
        while not watched.look(time.monotonic(), [_told(path) for _, path in crew]):
            for process, path in crew:
                if process.poll() is not None or time.monotonic() > deadline:
                    words = path.with_suffix(".log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                    what = f"ended with exit code {process.returncode}" if process.poll() is not None else "is not done"
                    raise WorkError(f"One of {workers} workers {what}. Its last words:\n" + "\n".join(words))
            time.sleep(POLL_S)
    share = watched.left / job.records
    return {
        "events_per_s": round(job.events * share / watched.took_s),
        "seconds": round(watched.took_s, 3),
        "share": round(share, 3),
    }


def compared(rates: dict[int, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """*rates* by the number of workers, each with its ratio to the fewest."""
    first = rates[min(rates)]["events_per_s"]
    return {str(n): {**one, "ratio": round(one["events_per_s"] / first, 3)} for n, one in sorted(rates.items())}


def _start(job: Job, path: Path, stack: ExitStack) -> tuple[subprocess.Popen[bytes], Path]:
    """A worker that writes how far it is into a file."""
    told = path.with_suffix(".progress")
    replace(job, output=str(path.with_suffix(".json")), progress=str(told)).write(path.with_suffix(".job"))
    command = [sys.executable, "-m", "benchmarks.contenders", "callwatch", str(path.with_suffix(".job"))]
    with path.with_suffix(".log").open("wb") as log:
        child = subprocess.Popen(
            ending_with_us(command), cwd=machine.ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    stack.callback(stop_child, child, STOP_S)
    return child, told


def _told(path: Path) -> Positions:
    """What a worker wrote last; nothing before its first word."""
    try:
        return {int(partition): at for partition, at in orjson.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
