"""Awkward calls: what becomes of each kind that `docs/AWKWARD-CALLS.md` names, in any order, repeated or not."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from agents.actor import PartitionActor
from models.catalogue import Catalogue, Site
from models.encode import clock_record
from models.metric import FIGURES
from models.partition import partition_of
from streams import counters
from streams.store import ROWS
from streams.windows import RowCounts, Windows
from tests.streams.feed import QUEUE, ZONE, Event, clock, event, feed, windows

DOC = Path(__file__).parents[2] / "docs" / "AWKWARD-CALLS.md"
#: A Monday, 10:00 in Jerusalem.
TEN = int(datetime(2026, 3, 2, 10, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
MINUTE = 60_000


def figure(of: Windows, metric: str, window: str = "30m", queue: str = QUEUE) -> float | None:
    return of.value(queue, metric, window)


def orders(events: list[Event]) -> Iterator[list[Event]]:
    """Every order of *events*, the last of them said twice in the end."""
    for order in itertools.permutations(events):
        yield [*order, order[-1]]


def at_clock(events: list[Event], now: int) -> Windows:
    """The windows of *events* at *now*; the same for every order of them, or the test fails."""
    first: Windows | None = None
    for order in orders(events):
        got = feed(windows(), [clock(max(e["ts"] for e in events)), *order, clock(now)])
        first = first or got
        assert _calls_alone(got) == _calls_alone(first), "another order gave other figures"
    assert first is not None
    return first


def _calls_alone(got: Windows) -> dict[str, Any]:
    """Figures and rows by queue, without the figures that count records, which is another thing than calls."""
    columns = [at for (metric, _), at in FIGURES.items() if metric not in ("duplicate", "late", "too_late")]
    figures = {name: got.figures[at, columns].tolist() for at, name in enumerate(got.names.names)}
    found = {name: [repr(v) for v in row] for name, row in figures.items()}
    return found | {f"{r.queue}@{r.start_ms}": r.counts.tolist() for r in all_rows(got)}


def all_rows(of: Windows) -> list[RowCounts]:
    """Every row in memory that tells of a call, published or not."""
    used = [at for at in range(int(of._store.meta[ROWS])) if of._store.rows[at]["used"]]
    return [row for row in map(of._row, used) if row.counts.any()]


def kept_rows(of: Windows) -> dict[int, RowCounts]:
    """The rows of `QUEUE` by their start."""
    return {row.start_ms: row for row in all_rows(of) if row.queue == QUEUE}


def test_answered_without_offer() -> None:
    known = at_clock([event("call.answered", TEN + 30_000, "a", wait_ms=12_000)], TEN + MINUTE)
    assert (figure(known, "offered"), figure(known, "answered"), figure(known, "service_level")) == (1, 1, 1)
    assert figure(known, "speed_of_answer_ms") == 12_000

    unknown = at_clock([event("call.answered", TEN + 30_000, "a")], TEN + MINUTE)
    assert (figure(unknown, "offered"), figure(unknown, "answered"), figure(unknown, "service_level")) == (1, 1, 0)
    assert figure(unknown, "speed_of_answer_ms") is None

    late_offer = [event("call.answered", TEN + 5_000, "a"), event("call.offered", TEN - 5_000, "a")]
    moved = at_clock(late_offer, TEN + MINUTE)  # it arrived in the half-hour before
    assert (figure(moved, "offered"), figure(moved, "speed_of_answer_ms")) == (1, 10_000)
    assert kept_rows(moved)[TEN - 30 * MINUTE].counts[counters.ANSWERED] == 1


def test_two_outcomes() -> None:
    offer = event("call.offered", TEN, "a")
    answer, hang_up = event("call.answered", TEN + 9_000, "a"), event("call.abandoned", TEN + 8_000, "a")
    got = at_clock([offer, answer, hang_up], TEN + MINUTE)
    assert (figure(got, "answered"), figure(got, "abandoned"), figure(got, "outcomes")) == (0, 1, 1)

    flow = event("call.flowed_out", TEN + 8_000, "a")
    tied = at_clock([offer, flow, hang_up], TEN + MINUTE)
    assert (figure(tied, "flowed_out"), figure(tied, "abandoned")) == (0, 1)


def test_a_second_outcome_corrects_a_published_row() -> None:
    got = feed(windows(), [clock(TEN), event("call.offered", TEN, "a"), event("call.answered", TEN + 9_000, "a")])
    feed(got, [clock(TEN + 31 * MINUTE)])
    (first,) = got.due_rows()
    feed(got, [event("call.abandoned", TEN + 8_000, "a"), clock(TEN + 32 * MINUTE)])
    (second,) = got.due_rows()
    assert (first.revision, first.counts[counters.ANSWERED]) == (1, 1)
    assert (second.revision, second.counts[counters.ANSWERED], second.counts[counters.ABANDONED]) == (2, 0, 1)


def test_outcome_before_offer() -> None:
    got = at_clock([event("call.abandoned", TEN + 7_000, "a"), event("call.offered", TEN, "a")], TEN + MINUTE)
    assert (figure(got, "offered"), figure(got, "abandoned"), figure(got, "waiting", "now")) == (1, 1, 0)
    assert kept_rows(got)[TEN].counts[counters.ABANDONED_IN] == 1


def test_transfer_there_and_back() -> None:
    there, back = TEN + 60_000, TEN + 120_000
    other = {"queue": "site/other"}
    events = [
        event("call.offered", TEN, "a"),
        event("call.flowed_out", there, "a", reason="transfer"),
        event("call.offered", there, "a", from_queue=QUEUE, first_queued_ts=TEN, **other),
        event("call.flowed_out", back, "a", reason="transfer", **other),
        event("call.offered", back, "a", leg=2, from_queue="site/other", first_queued_ts=TEN),
        event("call.answered", back + 3_000, "a", leg=2),
    ]
    got = at_clock(events, TEN + 5 * MINUTE)
    assert [figure(got, m) for m in ("offered", "answered", "flowed_out")] == [2, 1, 1]
    assert [figure(got, m, queue="site/other") for m in ("offered", "answered", "flowed_out")] == [1, 0, 1]
    assert figure(got, "speed_of_answer_ms") == 3_000  # its wait in this queue, this time

    unnumbered = at_clock([{**e, "leg": 1} for e in events if e["queue"] == QUEUE], TEN + 5 * MINUTE)
    assert [figure(unnumbered, m) for m in ("offered", "answered", "flowed_out")] == [1, 0, 1]


def test_overflow_chain() -> None:
    names = ("site/a", "site/b", "site/c")
    events, at = [], TEN
    for n, name in enumerate(names):
        more = {"from_queue": names[n - 1], "first_queued_ts": TEN} if n else {}
        events.append(event("call.offered", at, "x", queue=name, **more))
        at += 15_000 if n == 0 else 25_000
        last = n == len(names) - 1
        events.append(event("call.answered" if last else "call.flowed_out", at, "x", queue=name, reason="overflow"))
    got = at_clock(events, TEN + 5 * MINUTE)
    assert [figure(got, "offered", queue=q) for q in names] == [1, 1, 1]
    assert [figure(got, "flowed_out", queue=q) for q in names] == [1, 1, 0]
    assert figure(got, "answered", queue="site/c") == 1
    assert figure(got, "speed_of_answer_ms", queue="site/c") == 25_000
    # late_only: the flow-out of b came after its threshold of 20 s and counts against it, that of a did not
    assert [figure(got, "service_sample", queue=q) for q in names] == [0, 1, 1]


def test_ring_no_answer_twice() -> None:
    ring = 25 * MINUTE
    events = [event("call.offered", TEN, "a"), *(event("ring.no_answer", TEN + n * ring, "a") for n in (1, 2))]
    waiting = at_clock(events, TEN + 2 * ring + 29 * MINUTE)
    assert (figure(waiting, "waiting", "now"), figure(waiting, "lost_track", "now")) == (1, 0)
    assert figure(waiting, "longest_wait_ms", "now") == 2 * ring + 29 * MINUTE
    assert figure(waiting, "outcomes", "day") == 0


def test_call_over_midnight() -> None:
    midnight = int(datetime(2026, 3, 3, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
    events = [event("call.offered", midnight - 10_000, "a"), event("call.answered", midnight + 5_000, "a")]
    got = at_clock(events, midnight + MINUTE)
    assert (figure(got, "offered", "day"), figure(got, "answered", "day")) == (0, 1)
    assert (figure(got, "service_level", "day"), figure(got, "answer_rate", "day")) == (1, 1)
    assert (figure(got, "offered"), figure(got, "answered")) == (1, 1)
    found = kept_rows(got)
    assert found[midnight - 30 * MINUTE].counts[counters.ANSWERED_IN] == 1
    assert midnight not in found


@pytest.mark.parametrize(("day", "half_hours"), [((2026, 3, 27), 46), ((2026, 10, 25), 50), ((2026, 3, 2), 48)])
def test_call_over_a_change_of_the_clock(day: tuple[int, int, int], half_hours: int) -> None:
    zone = ZoneInfo(ZONE)
    begins = int(datetime(*day, tzinfo=zone).timestamp() * 1000)
    after = datetime(*day, tzinfo=zone).replace(hour=12).timestamp() * 1000
    changes = [
        at for at in range(begins, int(after), 30 * MINUTE) if _offset(at - 1, zone) != _offset(at, zone)
    ]  # none on the ordinary day
    at = (changes or [begins + 2 * 60 * MINUTE])[0]
    call = [event("call.offered", at - 10_000, "a"), event("call.answered", at + 5_000, "a")]
    got = at_clock(call, at + MINUTE)
    assert figure(got, "speed_of_answer_ms") == 15_000
    assert (figure(got, "offered", "day"), figure(got, "answered", "day")) == (1, 1)
    assert kept_rows(got)[at - 30 * MINUTE].counts[counters.ANSWERED] == 1

    ends = int(datetime(*day[:2], day[2] + 1, tzinfo=zone).timestamp() * 1000)
    starts = range(begins, ends, 30 * MINUTE)
    a_call_each = [event("call.blocked", start + 1, f"c{start}") for start in starts]
    whole = windows()
    seen: set[int] = set()
    for one in a_call_each:
        feed(whole, [clock(one["ts"]), one])
        seen |= {row.start_ms for row in whole.due_rows()}
    feed(whole, [clock(ends + MINUTE)])
    seen |= {row.start_ms for row in whole.due_rows()}
    assert sorted(seen) == list(starts)
    assert len(seen) == half_hours


def _offset(at_ms: int, zone: ZoneInfo) -> Any:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).utcoffset()


def test_call_lost_track_of() -> None:
    got = feed(windows(), [clock(TEN), event("call.offered", TEN, "a"), clock(TEN + 29 * MINUTE)])
    assert (figure(got, "waiting", "now"), figure(got, "lost_track", "now")) == (1, 0)
    feed(got, [clock(TEN + 31 * MINUTE)])
    assert (figure(got, "waiting", "now"), figure(got, "lost_track", "now")) == (0, 1)
    assert (figure(got, "waiting_past_threshold", "now"), figure(got, "service_level_live")) == (0, None)
    (row,) = got.due_rows()
    assert (row.counts[counters.UNRESOLVED], row.service_level) == (1, None)
    feed(got, [event("call.answered", TEN + 32 * MINUTE, "a"), clock(TEN + 33 * MINUTE)])
    (row,) = got.due_rows()
    assert (row.revision, row.counts[counters.UNRESOLVED], row.counts[counters.ANSWERED]) == (2, 0, 1)
    assert figure(got, "lost_track", "now") == 0


def test_negative_wait() -> None:
    given = [event("call.offered", TEN, "a"), event("call.answered", TEN + 40_000, "a", wait_ms=-3_000)]
    by_times = [event("call.offered", TEN + 4_000, "b"), event("call.abandoned", TEN, "b")]
    for events in (given, by_times):
        got = at_clock(events, TEN + MINUTE)
        assert figure(got, "negative_waits") == 1
        assert kept_rows(got)[TEN].counts[counters.ANSWERED_IN] + kept_rows(got)[TEN].counts[counters.ABANDONED_IN] == 1
    assert figure(at_clock(given, TEN + MINUTE), "speed_of_answer_ms") == 0


def test_clock_ahead() -> None:
    queue = QUEUE
    actor = PartitionActor(partition_of(queue, 1), 1, Catalogue(sites=(Site("site", ZONE),)))
    ahead = [event("call.offered", TEN + 60_001, "far"), event("call.offered", TEN + 60_000, "near")]
    values = [clock_record(TEN, "t"), *map(orjson.dumps, ahead), orjson.dumps(event("call.offered", TEN, "now"))]
    caused = actor.apply(values, range(len(values)))
    (dead,) = [orjson.loads(r.value) for r in caused.records if r.topic == "dead-letters"]
    assert (dead["offset"], dead["reason"]) == (1, "ahead_of_clock")
    actor.apply([clock_record(TEN + 1_000, "t")], [4])
    assert actor.windows.value(queue, "offered", "30m") == 1
    actor.apply([clock_record(TEN + 60_000, "t")], [5])
    assert actor.windows.value(queue, "offered", "30m") == 2


def test_id_reused_by_another_source() -> None:
    rated = [event("call.rated", TEN, "a", id="7", source=s, value=v) for s, v in (("east", 5), ("west", 3))]
    got = at_clock([*rated, {**rated[0]}], TEN + MINUTE)
    assert (figure(got, "ratings"), figure(got, "rating")) == (2, 4)

    one_contact = [
        event("call.offered", TEN, "pbx1-7", id="1", source="trunk"),
        event("call.answered", TEN + 5_000, "pbx1-7", id="1", source="acd"),
        event("call.offered", TEN, "pbx2-7", id="1", source="other"),
    ]
    got = at_clock(one_contact, TEN + MINUTE)
    assert (figure(got, "offered"), figure(got, "answered"), figure(got, "waiting", "now")) == (2, 1, 1)


def test_every_kind_in_the_page_has_a_test_of_its_name() -> None:
    headings = re.findall(r"^## (.+)$", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    names = {"test_" + heading.lower().replace(" ", "_") for heading in headings}
    assert len(names) == 12
    assert names <= set(globals())
