"""At the limits: calls kept at once, a clock that jumps, snapshots older than what was let go of since."""

from __future__ import annotations

import numpy as np
import orjson

from models.decode import LastClock, decode
from models.interner import Names
from streams.store import FLOOR, LIMIT, REFUSED, SLOT_LIVE
from streams.windows import Windows
from tests.streams.feed import QUEUE, Event, clock, event, feed, setup, windows
from tests.streams.test_windows import assert_same_calls

START = 918_248_400_000
HOUR = 3_600_000
#: An hour and some minutes later it is midnight in Jerusalem.
MIDNIGHT = 918_252_000_000


def answered(first: int, calls: int, step_ms: int, name: str = "c") -> list[Event]:
    return [event("call.answered", first + n * step_ms, f"{name}{n}", wait_ms=1) for n in range(calls)]


def refused(to: Windows, events: list[Event], batch: int) -> list[str]:
    """Apply *events* in batches; the reasons of what the decoder refuses."""
    out: list[str] = []
    for start in range(0, len(events), batch):
        values = [orjson.dumps(e) for e in events[start : start + batch]]
        now = to.now_ms if to.clocked else -1
        got = decode(
            values, range(len(values)), topic="t", partition=0, partitions=1, names=to.names, clock=LastClock(now)
        )
        out += [letter.reason for letter in got.dead]
        to.apply(got.columns, 0, len(got.columns))
        for row in got.columns.records:
            to.clock(int(got.columns.ts[row]))
    return out


def test_at_the_limit_the_floor_rises_and_the_newest_calls_are_kept() -> None:
    got = windows(limit=100)
    feed(got, [clock(START), *answered(START - 3 * HOUR, 100, 60_000), clock(START + 1)])
    floor = int(got._store.meta[FLOOR])
    feed(got, [*answered(START, 50, 10, "late"), clock(START + 1_000)])
    meta = got._store.meta
    assert int(meta[SLOT_LIVE]) <= 100
    assert int(meta[REFUSED]) == 0
    assert int(meta[FLOOR]) > floor
    assert got.value(QUEUE, "answered", "1m") == 50
    feed(got, [event("call.answered", START - 3 * HOUR, "below", wait_ms=1), clock(START + 1_000)])
    assert got.counts("too_late").tolist() == [1]


def test_what_finds_no_room_is_refused_counted_and_harms_nothing() -> None:
    got = windows(limit=100)
    feed(got, [clock(START), *answered(START - 1_000, 150, 1), clock(START + 1_000)])
    assert int(got._store.meta[SLOT_LIVE]) == 100
    assert int(got._store.meta[REFUSED]) == 50
    assert got.value(QUEUE, "answered", "1m") == 100
    feed(got, [*answered(START - 1_000, 150, 1), clock(START + 1_000)])  # the same again
    assert got.value(QUEUE, "answered", "1m") == 100


def test_a_worker_at_the_limit_is_restored_as_it_was() -> None:
    """From an old snapshot of a queue without change, whose calls would fill what others have since."""
    other = "site/other"
    first = windows(limit=100)
    feed(first, [clock(START), *answered(START, 90, 1), clock(START + 1_000)])
    kept = first.freeze(first.changed())
    later = START + 4 * HOUR + 120_000
    more = [{**e, "queue": other} for e in answered(later, 95, 1, "d")]
    feed(first, [clock(later), *more, clock(later + 1_000)])
    kept.update(first.freeze([other]))
    again = windows(limit=100)
    again.thaw(first.freeze_time(), kept)
    assert int(again._store.meta[SLOT_LIVE]) == int(first._store.meta[SLOT_LIVE]) == 95
    assert int(again._store.meta[FLOOR]) == int(first._store.meta[FLOOR])
    assert again.freeze([QUEUE, other]) == first.freeze([QUEUE, other])


def test_the_limit_is_the_store_s() -> None:
    assert int(windows()._store.meta[LIMIT]) == 4_000_000


def test_an_event_ahead_of_a_clock_that_then_jumps_over_midnight_counts_into_the_new_day() -> None:
    before = [clock(MIDNIGHT - 30_000), *answered(MIDNIGHT - 60_000, 3, 1), *answered(MIDNIGHT + 10_000, 2, 1, "new")]
    jumped = feed(windows(), [*before, clock(MIDNIGHT + 2 * HOUR)])
    steps = [clock(at) for at in range(MIDNIGHT - 25_000, MIDNIGHT + 2 * HOUR + 1, 5_000)]
    stepped = feed(windows(), [*before, *steps])
    cut = feed(windows(), before)
    again = Windows(Names(), setup)
    again.thaw(cut.freeze_time(), cut.freeze([QUEUE]))
    feed(again, [clock(MIDNIGHT + 2 * HOUR)])
    assert jumped.value(QUEUE, "answered", "day") == 2
    np.testing.assert_array_equal(jumped.figures, stepped.figures)
    np.testing.assert_array_equal(jumped.figures, again.figures)


def test_pools_do_not_grow_with_time() -> None:
    got = windows()
    sizes = []
    for day in range(8):
        at = START + day * 24 * HOUR
        feed(
            got,
            [
                e
                for n in range(300)
                for e in (clock(at + n * 100_000), *answered(at + n * 100_000, 5, 7, f"{day}-{n}-"))
            ],
        )
        got.due_rows()
        sizes.append([len(got._store.slots), len(got._store.entries), len(got._store.rows)])
    assert sizes[1] == sizes[-1]


def test_the_first_clock_sets_the_time_whatever_events_said_before() -> None:
    """A source hours ahead must not hold the time there: all that is true would be too late."""
    liar = event("call.answered", START + 9 * HOUR, "liar", wait_ms=1)
    ahead = event("call.offered", START + 30_000, "a little ahead")
    agent = {**event("agent.state", START - 5_000, "c", state="ready"), "agent": "x"}
    calls = [event("call.offered", START - 8_000, "c"), *answered(START - 90_000, 5, 1_000), agent, ahead]
    got = feed(windows(), [*calls, liar, clock(START)])
    want = feed(windows(), [clock(START), *calls, clock(START)])
    assert got.now_ms == START
    assert int(got._store.meta[REFUSED]) == 1
    assert_same_calls(got, want)
    assert got.value(QUEUE, "answered", "5m") == 5
    log = [event("call.answered", START + 20_000, "c", wait_ms=1), clock(START + 1_800_000)]
    assert_same_calls(feed(got, log), feed(want, log))
    assert [r.counts.tolist() for r in got.due_rows()] == [r.counts.tolist() for r in want.due_rows()]


def test_at_the_first_clock_batches_may_end_anywhere() -> None:
    log = [event("call.answered", START + 50_000, "a", wait_ms=1), clock(START)]
    log += [event("call.answered", START + 59_000, "b", wait_ms=1), clock(START + 90_000)]
    figures = [feed(windows(), log, batch=batch).figures for batch in (1, 2, 3, 4)]
    for other in figures[1:]:
        np.testing.assert_array_equal(other, figures[0])
    late = event("call.answered", START + 90_000, "c", wait_ms=1)  # ahead of the clock, not of the event before it
    for batch in (1, 9):
        names = Names()
        got = Windows(names, setup)
        assert len(refused(got, [*log[:2], late], batch)) == 1


def test_without_clocks_too_memory_is_given_back() -> None:
    """A recording is counted so: the time follows its events."""
    got = windows()
    for hour in range(12):
        feed(got, answered(START + hour * HOUR, 100, 30_000, f"{hour}-"))
        got.due_rows(all_rows=True)
        got.tidy()
    assert int(got._store.meta[SLOT_LIVE]) <= 500
