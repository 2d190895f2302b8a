from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from models.errors import UsageError
from models.partition import partition_of
from sources.recording import Recording, RecordingHeader, RecordingWriter, open_recording
from sources.replay import QUANTUM_S, ReplayState, check_covered, replay, start_of, warm_up_from

HOUR_MS = 3_600_000


class ListSink:
    """Keeps what it gets, with the wall time at which it would be on the broker."""

    def __init__(self, wall: Callable[[], float] = lambda: 0.0) -> None:
        self.wall = wall
        self.held: list[tuple[int, bytes | None, bytes]] = []
        self.sent: list[tuple[float, int, bytes | None, bytes]] = []

    def send(self, partition: int, key: bytes | None, value: bytes) -> None:
        self.held.append((partition, key, value))

    def flush(self) -> None:
        self.sent += [(self.wall(), *record) for record in self.held]
        self.held.clear()


class Wall:
    """A wall clock that only sleeping moves; every sleep takes *oversleep_s* too long."""

    def __init__(self, oversleep_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.oversleep_s = oversleep_s
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now_s += seconds + self.oversleep_s


def event(ts: int, queue: str = "s/q", kind: str = "call.offered") -> bytes:
    return orjson.dumps({"id": f"{ts}", "source": "t", "type": kind, "ts": ts, "call": f"{ts}", "queue": queue})


@contextmanager
def recording_of(tmp_path: Path, *lines: bytes) -> Iterator[Recording]:
    with RecordingWriter(tmp_path / "rec", RecordingHeader()) as writer:
        writer.write_all(lines)
    with open_recording(tmp_path / "rec") as recording:
        yield recording


def test_events_go_to_the_partition_of_their_queue_and_clocks_to_all(tmp_path: Path) -> None:
    queues = [f"site/{n}" for n in range(20)]
    sink = ListSink()
    lines = [event(1_500, queue) for queue in queues]
    with recording_of(tmp_path, *lines, event(1_500, kind="source.heartbeat"), b"garbage") as recording:
        state = replay(recording, sink, 3)
    records = [record[1:] for record in sink.sent]
    assert [r for r in records if r[2] in lines] == [
        (partition_of(queue, 3), queue.encode(), line) for queue, line in zip(queues, lines, strict=True)
    ]
    everywhere = [(r[0], r[1], orjson.loads(r[2])["type"]) for r in records if b"clock" in r[2] or b"heartbeat" in r[2]]
    assert everywhere == [(n, None, kind) for kind in ("clock", "source.heartbeat", "clock") for n in range(3)]
    assert (0, None, b"garbage") in records
    assert (state.events, state.clocks, state.stopped, state.stream_ms) == (22, 2, False, 2_000)


def test_flat_out_never_sleeps(tmp_path: Path) -> None:
    wall = Wall()
    with recording_of(tmp_path, event(0), event(HOUR_MS)) as recording:
        state = replay(recording, ListSink(), 1, monotonic=wall.monotonic, sleep=wall.sleep)
    assert wall.naps == []
    assert state.clocks == 3602


def test_paced_on_an_absolute_schedule(tmp_path: Path) -> None:
    wall = Wall(oversleep_s=0.013)
    sink = ListSink(wall.monotonic)
    times = range(10_500, 130_500, 700)
    with recording_of(tmp_path, *map(event, times)) as recording:
        replay(recording, sink, 1, speed=10, monotonic=wall.monotonic, sleep=wall.sleep)
    assert min(wall.naps) >= QUANTUM_S
    for at_s, _, _, value in sink.sent:
        due_s = 100 + (orjson.loads(value)["ts"] - 10_000) / 10_000
        # at most one sleep and its excess late, at the end as in the beginning: the excess does not add up
        assert due_s - 1e-9 <= at_s <= due_s + QUANTUM_S + 2 * 0.013


def test_fast_pacing_sends_in_batches(tmp_path: Path) -> None:
    wall = Wall()
    with recording_of(tmp_path, *map(event, range(0, 600_000, 10))) as recording:
        replay(recording, ListSink(), 1, speed=600, monotonic=wall.monotonic, sleep=wall.sleep)
    assert len(wall.naps) <= 1 / QUANTUM_S + 1
    assert wall.now_s == pytest.approx(101.0, abs=QUANTUM_S)


def test_the_warm_up_goes_flat_out_and_is_delivered_before_the_pacing(tmp_path: Path) -> None:
    wall = Wall()
    sink = ListSink(wall.monotonic)
    lines = [event(ts) for ts in (100_000, 3_000_000, 3_600_500, 3_601_500)]
    states: list[bool] = []
    with recording_of(tmp_path, *lines) as recording:
        replay(
            recording,
            sink,
            1,
            speed=1,
            from_ms=3_600_000,
            since_ms=2_000_000,
            monotonic=wall.monotonic,
            sleep=wall.sleep,
            progress=lambda s: states.append(s.warming),
        )
    at = {value: wall_s for wall_s, _, _, value in sink.sent}
    assert lines[0] not in at
    assert at[lines[1]] == 100.0
    assert at[lines[2]] == pytest.approx(100.5, abs=QUANTUM_S)
    assert at[lines[3]] == pytest.approx(101.5, abs=QUANTUM_S)
    assert states[-1] is False


def test_a_stop_ends_it_with_everything_flushed(tmp_path: Path) -> None:
    stop = threading.Event()
    wall = Wall()
    sink = ListSink()

    def sleep(seconds: float) -> None:
        wall.sleep(seconds)
        if wall.now_s > 102:
            stop.set()

    with recording_of(tmp_path, *map(event, range(0, 100_000, 100))) as recording:
        state = replay(recording, sink, 1, speed=1, stop=stop, monotonic=wall.monotonic, sleep=sleep)
    assert state.stopped
    assert sink.held == []
    assert 8 < state.events < 13  # the pacing begins at the clock before the first event
    assert len(sink.sent) == state.events + state.clocks


def test_a_real_stop_wakes_a_long_sleep(tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[ReplayState] = []
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    with recording_of(tmp_path, event(0), event(HOUR_MS)) as recording:
        assert replay(recording, ListSink(), 1, speed=1, stop=stop, progress=seen.append).stopped
    timer.join()
    assert seen


def test_a_negative_speed_is_refused(tmp_path: Path) -> None:
    with recording_of(tmp_path, event(0)) as recording, pytest.raises(UsageError, match="speed"):
        replay(recording, ListSink(), 1, speed=-1)


HEADER = RecordingHeader(zone="Asia/Jerusalem")


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(HEADER.zone)).timestamp() * 1000)


def test_from_is_local_unless_it_has_an_offset() -> None:
    assert start_of("1999-02-03T12:00", HEADER) == local("1999-02-03T12:00:00")
    assert start_of("1999-02-03T12:00+00:00", HEADER) == local("1999-02-03T14:00:00")
    with pytest.raises(UsageError, match="noon"):
        start_of("noon", HEADER)


def test_warm_up() -> None:
    assert warm_up_from(local("1999-02-03T12:00"), HEADER) == local("1999-02-03T00:00")
    assert warm_up_from(local("1999-02-03T02:00"), HEADER) == local("1999-02-02T21:30")
    assert warm_up_from(local("1999-04-02T12:00"), HEADER) == local("1999-04-02T00:00")  # 11 hours: the clock skips one
    assert warm_up_from(local("1999-02-03T12:00"), HEADER, HOUR_MS) == local("1999-02-03T11:00")


def test_outside_of_the_recording_says_what_it_covers(tmp_path: Path) -> None:
    path = tmp_path / "rec"
    for extra in ({}, {"first_ts": local("1999-02-01T07:00"), "last_ts": local("1999-02-28T23:00")}):
        with RecordingWriter(path, RecordingHeader(HEADER.zone, extra=extra)) as writer:
            writer.write_all(event(local(day)) for day in ("1999-02-01T07:00", "1999-02-28T23:00"))
        with open_recording(path) as recording:
            check_covered(str(path), recording.header, local("1999-02-10T07:00"))
            with pytest.raises(UsageError, match=r"covers 1999-02-01T07:00:00\+02:00 to 1999-02-28T23:00:00\+02:00"):
                check_covered(str(path), recording.header, local("1999-03-01T07:00"))
    with pytest.raises(UsageError, match="standard input"):
        check_covered("-", HEADER, 0)
