"""What a contender is asked to do, and what it measured: two small JSON files between the benchmark and its process."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Job:
    """A preloaded topic. ``ends``: records of each partition, clock records included; ``events``: without them."""

    bootstrap: str
    valkey_url: str
    topic: str
    partitions: int
    ends: tuple[int, ...]
    events: int
    limit: int  #: events that a contender too slow for the whole topic takes
    output: str  #: file that it writes its `Measured` to
    progress: str = ""  #: file that one of several workers writes its positions to

    @property
    def records(self) -> int:
        """Records of the topic."""
        return sum(self.ends)

    def write(self, path: Path) -> None:
        """Write the job to *path*."""
        path.write_bytes(orjson.dumps(asdict(self)))


def read_job(path: Path) -> Job:
    """The job that `Job.write` wrote to *path*."""
    fields = orjson.loads(path.read_bytes())
    return Job(**{**fields, "ends": tuple(fields["ends"])})


@dataclass(frozen=True, slots=True)
class Measured:
    """What a contender did: *events* (clock records not counted) in *seconds* by the wall, *cpu_s* of its process."""

    events: int
    seconds: float
    cpu_s: float
    how: str  #: what it ran, in one line

    def write(self, job: Job) -> None:
        """Hand it to the benchmark, which waits for the file to appear (whole: it is renamed into place)."""
        path = Path(job.output)
        part = path.with_suffix(".part")
        part.write_bytes(orjson.dumps(asdict(self)))
        part.rename(path)


class Stopwatch:
    """Wall and CPU time (all threads of this process) since it was made."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def measured(self, events: int, how: str) -> Measured:
        """*events* took the time until now."""
        return Measured(events, time.perf_counter() - self._wall_s, time.process_time() - self._cpu_s, how)
