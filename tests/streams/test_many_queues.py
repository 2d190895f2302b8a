"""Several queues in several zones against the slow twin, over nights on which clocks jump: shuffled, repeated, cut."""

from __future__ import annotations

import math
import random
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from models.interner import Names
from models.metric import WINDOWS
from streams.windows import QueueSetup, Windows
from tests.streams.feed import Event, clock, feed
from tests.streams.naive import Twin, service_level
from tests.streams.test_windows import in_time, rows_of

ZONES = {
    "ktm/a": "Asia/Kathmandu",
    "yt/b": "America/St_Johns",
    "ldh/c": "Australia/Lord_Howe",
    "jer/d": "Asia/Jerusalem",
}
#: A local evening before (or on) a day that matters in one of the zones.
EVENINGS = [
    ("Asia/Kathmandu", "2026-03-02T23:10"),
    ("America/St_Johns", "2026-03-08T00:30"),
    ("America/St_Johns", "2026-10-31T23:10"),
    ("Australia/Lord_Howe", "2026-04-05T00:20"),
    ("Australia/Lord_Howe", "2026-10-03T23:10"),
    ("Asia/Jerusalem", "2026-03-26T23:30"),
    ("Asia/Jerusalem", "2026-10-25T00:10"),
]
COMPARED = ("offered", "answered", "abandoned", "flowed_out", "ivr_abandoned", "blocked")
HOUR = 3_600_000


def zoned(queue: str) -> QueueSetup:
    return QueueSetup(ZONES[queue], 900_000, 20_000, 5_000, 1, 1)


def night(rng: random.Random, start: int) -> list[Event]:
    """Calls in several queues and legs: outcomes before their offers, ends without answers, times on the edges."""
    out: list[Event] = []

    def add(kind: str, ts: int, queue: str, call: int, leg: int, **more: int) -> None:
        base = {"id": f"{kind}{len(out)}", "source": "t", "type": kind, "ts": max(ts, start), "queue": queue}
        out.append({**base, "call": f"c{call}", "leg": leg, **more})

    for n in range(rng.randint(5, 60)):
        at = start + rng.choice([rng.randrange(3 * HOUR), rng.randrange(2_160) * 5_000, rng.randrange(180) * 60_000])
        queues, leg = rng.sample(sorted(ZONES), rng.choice([1, 1, 2])), rng.choice([1, 1, 1, 2, 7])
        for queue in queues:
            for _ in range(rng.choice([0, 1, 1, 1, 2])):
                add("call.offered", at + rng.choice([0, 0, 1, 5_000]), queue, n, leg)
            for _ in range(rng.choice([0, 1, 1, 2, 3])):
                kind = rng.choice(["call.answered", "call.abandoned", "call.flowed_out"])
                ts = at + rng.choice([-60_000, -1, 0, 1, 5_000, 20_000, 20_001, rng.randrange(1_200_000)])
                wait = rng.choice([None, None, -7, 0, 5_000, 5_001, 20_000, 20_001, 900_000])
                add(kind, ts, queue, n, leg, **({} if wait is None else {"wait_ms": wait}))
            for _ in range(rng.choice([0, 0, 1, 2])):
                times = {k: rng.randrange(-1, 90_000) for k in ("talk_ms", "hold_ms", "wrap_ms") if rng.random() < 0.6}
                add("call.completed", at + rng.randrange(600_000), queue, n, leg, **times)
            for _ in range(rng.choice([0, 0, 2])):
                add("ring.no_answer", at + rng.randrange(60_000), queue, n, leg)
                add(rng.choice(["ivr.abandoned", "call.blocked"]), at + rng.randrange(60_000), queue, n, leg)
    return out


def assert_twins(got: Windows, events: list[Event], now: int) -> None:
    for queue in {e["queue"] for e in events}:
        twin = Twin([e for e in events if e["queue"] == queue], ZONES[queue])
        ages = twin.waiting(now)
        assert got.value(queue, "waiting", "now") == len(ages)
        assert got.value(queue, "lost_track", "now") == twin.lost(now)
        assert got.value(queue, "longest_wait_ms", "now") == max(ages, default=0)
        for window in WINDOWS[:-1]:
            n = twin.window(now, window)
            for name in COMPARED:
                assert got.value(queue, name, window) == n[name], (queue, name, window)
            level = service_level("short_excluded", "late_only", n, sum(age > 20_000 for age in ages))
            found = got.value(queue, "service_level_live", window)
            np.testing.assert_equal(math.nan if found is None else found, level)
            handled = got.value(queue, "handle_ms", window)
            assert handled == (n["handle_ms"] / n["completed"] if n["completed"] else None)


def state(got: Windows) -> dict[str, bytes]:
    """All that is kept, without how often something was said again."""
    names = sorted(got.names.names)
    for field in ("duplicates", "duplicates_day", "late_day"):
        got._store.queues[field] = 0
    return {queue: data.partition(b"\n")[0] for queue, data in got.freeze(names).items()}


@pytest.mark.parametrize("evening", EVENINGS)
@pytest.mark.parametrize("seed", range(3))
def test_in_any_order_and_cut_anywhere(evening: tuple[str, str], seed: int) -> None:
    rng = random.Random(f"{evening}{seed}")
    start = int(datetime.fromisoformat(evening[1]).replace(tzinfo=ZoneInfo(evening[0])).timestamp()) * 1000
    events = night(rng, start)
    end = max(e["ts"] for e in events) + rng.choice([0, 1, 4_999, 60_000, 1_800_000])
    late = [*events, *rng.sample(events, rng.randint(0, len(events)))]
    rng.shuffle(late)
    shuffled = feed(Windows(Names(), zoned), [clock(end), *late, clock(end)], batch=rng.choice([1, 9, 1000]))
    log = in_time(events, end, rng.choice([10_000, 60_000]))
    straight = feed(Windows(Names(), zoned), log)
    at, kept, got = 0, dict[str, bytes](), Windows(Names(), zoned)
    while at < len(log):
        until = min(at + rng.randint(1, 120), len(log))
        feed(got, log[at:until])
        kept.update(got.freeze(got.changed()))
        time, got, at = got.freeze_time(), Windows(Names(), zoned), until
        got.thaw(time, kept)
    for windows in (shuffled, straight, got):
        assert_twins(windows, events, end)
    assert state(got) == state(straight)
    for queue in straight.names.names:
        for figure in ("lost_track", "waiting_past_threshold", "silence_ms"):
            assert shuffled.value(queue, figure, "now") == straight.value(queue, figure, "now")
    assert {(r.queue, r.start_ms): r.counts.tolist() for r in got.due_rows(all_rows=True)} == {
        (r.queue, r.start_ms): r.counts.tolist() for r in straight.due_rows(all_rows=True)
    }
    assert rows_of(shuffled).keys()
