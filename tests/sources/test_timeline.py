from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from models.encode import clock_record
from models.errors import InputError
from sources.recording import Ordered, RecordingHeader, RecordingWriter, open_recording
from sources.timeline import MAX_GAP_MS, SOURCE, Item, timeline


def event(ts: object, kind: str = "call.offered", queue: str = "s/q") -> bytes:
    return orjson.dumps({"id": f"{ts}", "source": "t", "type": kind, "ts": ts, "call": f"{ts}", "queue": queue})


def run(tmp_path: Path, lines: list[bytes], *, ordered: Ordered = "ts", **options: int) -> list[Item]:
    path = tmp_path / "rec.ndjson.zst"
    with RecordingWriter(path, RecordingHeader(ordered=ordered)) as writer:
        writer.write_all(lines)
    with open_recording(path) as recording:
        return list(timeline(recording, **options))


def brief(items: list[Item]) -> list[str]:
    """'c5000' for a clock, 'e5000' for an event."""
    return [f"{'c' if item.clock else 'e'}{orjson.loads(item.value)['ts']}" for item in items]


def test_a_clock_at_every_whole_second_between_the_events(tmp_path: Path) -> None:
    lines = [event(2_500), event(3_000), event(3_001), event(6_200)]
    assert brief(run(tmp_path, lines)) == (
        ["c2000", "e2500", "e3000", "c3000", "e3001", "c4000", "c5000", "c6000", "e6200", "c7000"]
    )
    assert brief(run(tmp_path, lines, clock_every_ms=2_000)) == (
        ["c2000", "e2500", "e3000", "e3001", "c4000", "c6000", "e6200", "c8000"]
    )


def test_an_event_on_the_second_has_a_clock_before_and_after_it(tmp_path: Path) -> None:
    assert brief(run(tmp_path, [event(5_000)])) == ["c4000", "e5000", "c5000"]


def test_clocks_go_on_after_the_end(tmp_path: Path) -> None:
    assert brief(run(tmp_path, [event(5_500)], tail_ms=2_500)) == ["c5000", "e5500", "c6000", "c7000", "c8000"]


def test_since(tmp_path: Path) -> None:
    lines = [event(1_500), event(9_500), event(9_700)]
    assert brief(run(tmp_path, lines, since_ms=9_500)) == ["c9000", "e9500", "e9700", "c10000"]
    assert run(tmp_path, lines, since_ms=99_000) == []


def test_no_event_lies_far_ahead_of_the_clock_whatever_the_gaps(tmp_path: Path) -> None:
    rng = random.Random(3)
    ts, lines = 0, []
    for _ in range(500):
        ts += rng.choice([0, 1, 999, 1000, 1001, 70_000, 700_000])
        lines.append(event(ts))
    clock = None
    items = run(tmp_path, lines)
    for item in items:
        at = orjson.loads(item.value)["ts"]
        if item.clock:
            assert clock is None or at == clock + 1000
            clock = at
        else:
            assert clock is not None
            assert clock < at + 1
            assert at - clock <= 1000
    assert [item.value for item in items if not item.clock] == lines
    assert [item.at_ms for item in items] == sorted(item.at_ms for item in items)


@pytest.mark.parametrize("ordered", ["ts", "log"])
def test_own_clocks_are_kept_and_none_is_added(tmp_path: Path, ordered: Ordered) -> None:
    lines = [clock_record(1_000, "w"), event(900), clock_record(1_100, "w"), clock_record(1_100, "v"), event(9_000)]
    items = run(tmp_path, lines, ordered=ordered)
    clocks = [clock_record(1_000, SOURCE), clock_record(1_100, SOURCE)]
    assert [item.value for item in items] == [clocks[0], lines[1], clocks[1], lines[4]]
    assert [item.at_ms for item in items] == [1_000, 1_000, 1_100, 1_100]
    assert brief(run(tmp_path, lines, ordered=ordered, since_ms=1_050)) == ["c1100", "e9000"]


def test_what_workers_told_of_units_is_left_to_those_that_read_this(tmp_path: Path) -> None:
    told = orjson.dumps({"id": "u", "source": "callwatch", "type": "unit.sums", "ts": 1_000, "queue": "*"})
    lines = [clock_record(1_000, "callwatch"), told, event(1_100)]
    assert [item.value for item in run(tmp_path, lines, ordered="log")] == [clock_record(1_000, SOURCE), lines[2]]


def test_garbage_is_carried_to_the_dead_letters(tmp_path: Path) -> None:
    lines = [event(1_500), b"garbage", b"[1]", event("x"), event(1_600)]
    items = run(tmp_path, lines)
    assert [item.value for item in items if not item.clock] == lines
    assert items[2] == Item(1_500, b"garbage", None, False, False)


def test_heartbeats_go_everywhere_and_events_to_their_queue(tmp_path: Path) -> None:
    items = run(tmp_path, [event(1_000, "source.heartbeat"), event(1_000, queue="a/b")])
    assert [(i.everywhere, i.queue) for i in items if not i.clock] == [(True, "s/q"), (False, "a/b")]


def test_a_senseless_jump_is_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rec.ndjson.zst: line 3: time jumps from 1970-01-01T00:00:00"):
        run(tmp_path, [event(500), event(600 + MAX_GAP_MS)])
    with pytest.raises(InputError, match="9000000000000000 ms"):
        run(tmp_path, [event(500), event(9_000_000_000_000_000)])
