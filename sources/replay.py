"""Replay: a recording onto a sink, flat out or at X times the speed at which it happened.

The schedule is absolute: a record is due at the wall time that its stream time has on one straight line, so that
delays do not add up. Sleeps are never shorter than `QUANTUM_S`; what falls due in between goes out as one batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from models.errors import UsageError
from models.fields import partition_of_queue
from sources.local_time import epoch_ms
from sources.recording import Recording, RecordingHeader, recording_span
from sources.timeline import DEFAULT_CLOCK_MS, Item, timeline

#: The shortest sleep: finer pacing would cost round trips and show nowhere.
QUANTUM_S: Final = 0.05
#: The longest sleep without a word of progress.
_NAP_S: Final = 0.5
#: Records between two looks at the wall clock when nothing is waited for.
_LOOK_EVERY: Final = 2048
#: What the longest window and the latest event need before the first figure is whole (4 h of lateness, 30 min).
WARM_UP_MS: Final = 4 * 3_600_000 + 30 * 60_000


class Sink(Protocol):
    """Where the records go."""

    def send(self, partition: int, key: bytes | None, value: bytes) -> None:
        """Take one record for *partition*; may hold it back."""

    def flush(self) -> None:
        """Return when all that was taken is safely there; raise WorkError if it is not."""


@dataclass(slots=True)
class ReplayState:
    """How far a replay is. *warming*: before the time from which it is paced. *behind_s*: how late, in wall time."""

    events: int = 0
    clocks: int = 0  #: clock times, each of which went to every partition
    stream_ms: int = 0
    warming: bool = False
    behind_s: float = 0.0
    stopped: bool = False  #: by request, before the end


def replay(
    recording: Recording,
    sink: Sink,
    partitions: int,
    *,
    speed: float = 0.0,
    from_ms: int | None = None,
    since_ms: int | None = None,
    tail_ms: int = 0,
    clock_every_ms: int = DEFAULT_CLOCK_MS,
    progress: Callable[[ReplayState], None] = lambda _: None,
    stop: threading.Event | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] | None = None,
) -> ReplayState:
    """Send *recording* from *since_ms* on, its clocks with it; flushed at the end. Blocks until done or *stop* is set.

    *speed* 0 is flat out, else seconds of the recording a second, paced from *from_ms* (what lies before goes flat
    out) or from the first record. *progress* is called a few times a second at most. Raises InputError for a damaged
    recording, WorkError when the sink cannot deliver, UsageError for a negative speed.
    """
    if speed < 0 or clock_every_ms <= 0:
        raise UsageError("The speed must not be negative (0 is flat out), and clocks need a positive step.")
    stop = stop or threading.Event()
    state = ReplayState(warming=from_ms is not None)
    pacer = _Pacer(sink, state, speed, from_ms, progress, stop, monotonic, sleep or stop.wait)
    for item in timeline(recording, clock_every_ms=clock_every_ms, since_ms=since_ms, tail_ms=tail_ms):
        if not pacer.wait_for(item):
            state.stopped = True
            break
        key = None if item.everywhere or item.queue is None else item.queue.encode()
        for partition in places(item, partitions):
            sink.send(partition, key, item.value)
        state.clocks += item.clock
        state.events += not item.clock
        state.stream_ms = item.at_ms
    sink.flush()
    progress(state)
    return state


def places(item: Item, partitions: int) -> Sequence[int]:
    """The partitions that *item* goes to."""
    if item.everywhere:
        return range(partitions)
    # no event: any partition's dead letters will do
    return (0 if item.queue is None else partition_of_queue(item.queue, partitions),)


@dataclass(slots=True)
class _Pacer:
    """Holds every record back until it is due."""

    sink: Sink
    state: ReplayState
    speed: float
    from_ms: int | None
    progress: Callable[[ReplayState], None]
    stop: threading.Event
    monotonic: Callable[[], float]
    sleep: Callable[[float], object]
    origin_ms: int = 0
    origin_s: float | None = None
    horizon_ms: float = 0.0  #: stream time until which everything is due
    seen: int = 0
    shown_s: float = 0.0

    def wait_for(self, item: Item) -> bool:
        """Return when *item* is due: True; or when the replay shall stop: False."""
        self.seen += 1
        if self.seen % _LOOK_EVERY == 0:
            self._show()
        if self.origin_s is None:
            if self.from_ms is not None and item.at_ms < self.from_ms:
                return not self.stop.is_set()
            self._begin(item)
        if self.speed and item.at_ms > self.horizon_ms:
            self._sleep_until(item.at_ms)
        return not self.stop.is_set()

    def _begin(self, item: Item) -> None:
        if self.state.warming:
            self.sink.flush()
        self.state.warming = False
        self.origin_ms = item.at_ms if self.from_ms is None else self.from_ms
        self.origin_s = self.monotonic()
        self.horizon_ms = self.origin_ms

    def _sleep_until(self, at_ms: int) -> None:
        assert self.origin_s is not None
        due_s = self.origin_s + (at_ms - self.origin_ms) / 1000 / self.speed
        now_s = self.monotonic()
        self.state.behind_s = max(0.0, now_s - due_s)
        if now_s < due_s:
            self.sink.flush()  # what was due before must not wait with us
        while now_s < due_s and not self.stop.is_set():
            self.sleep(min(max(due_s - now_s, QUANTUM_S), _NAP_S))
            self._show()
            now_s = self.monotonic()
        self.horizon_ms = self.origin_ms + (now_s - self.origin_s) * 1000 * self.speed

    def _show(self) -> None:
        now_s = self.monotonic()
        if now_s - self.shown_s >= _NAP_S / 2:
            self.shown_s = now_s
            self.progress(self.state)


def start_of(text: str, header: RecordingHeader) -> int:
    """``--from``: an ISO time as epoch ms, in the zone of the recording unless it has an offset. Raises UsageError."""
    try:
        return epoch_ms(datetime.fromisoformat(text), header.tzinfo)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--from {text!r} is no time: write it like 1999-02-03T12:00 (zone {header.zone}) or with an offset."
        ) from error


def warm_up_from(from_ms: int, header: RecordingHeader, warm_up_ms: int | None = None) -> int:
    """Where to begin so that the figures are whole at *from_ms*: *warm_up_ms* before it.

    By default the start of its local day, for the figures of the day so far, and `WARM_UP_MS` at least.
    """
    if warm_up_ms is not None:
        return from_ms - warm_up_ms
    zone = header.tzinfo
    midnight = datetime.fromtimestamp(from_ms / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return min(epoch_ms(midnight.replace(tzinfo=None), zone), from_ms - WARM_UP_MS)


def check_covered(path: str, header: RecordingHeader, from_ms: int) -> None:
    """Raise UsageError, saying what the recording covers, unless *from_ms* lies in it."""
    first, last = header.extra.get("first_ts"), header.extra.get("last_ts")
    if not isinstance(first, int) or not isinstance(last, int):
        if path == "-":
            raise UsageError("--from needs a file here: this recording on standard input does not say what it covers.")
        first, last, *_ = recording_span(path)
    if not first <= from_ms <= last:
        zone = header.tzinfo
        asked, start, end = (
            (datetime.fromtimestamp(0, zone) + timedelta(milliseconds=ms)).astimezone(zone).isoformat()
            for ms in (from_ms, first, last)
        )
        raise UsageError(f"--from {asked} is not in {path}: it covers {start} to {end}.")
