"""Windows by themselves, without an actor: figures and rows, cut and restored, by event, before the first clock."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import Catalogue, FlowOut, Formula, QueueSettings, Site
from models.formula import ratio, service_base, service_met
from models.interner import Names
from models.metric import FIGURES, METRICS, NOW
from streams import counters
from streams.windows import Windows
from tests.oracle.figures import Sums, service_level
from tests.oracle.log import Oracle, Watch
from tests.streams.feed import QUEUE, ZONE, Event, clock, event, feed, setup, windows

#: A Saturday night in Jerusalem one hour before local midnight.
START = 918_248_400_000
SPAN_MS = 3 * 3_600_000

WAITS = st.one_of(st.none(), st.integers(0, 60_000), st.sampled_from([0, 5_000, 5_001, 20_000, 20_001]))


@st.composite
def calls(draw: st.DrawFn) -> list[Event]:
    """The events of a few calls within three hours, some of them odd: two outcomes, no offer, no outcome."""
    out: list[Event] = []
    for n in range(draw(st.integers(1, 12))):
        name, at = f"c{n}", START + draw(st.integers(0, SPAN_MS))
        if draw(st.booleans()):
            out.append(event("ivr.abandoned" if draw(st.booleans()) else "call.blocked", at, name))
        if draw(st.integers(0, 9)) > 0:
            out.append(event("call.offered", at, name))
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
            kind = draw(st.sampled_from(["call.answered", "call.abandoned", "call.flowed_out"]))
            wait, ts = draw(WAITS), at + draw(st.integers(-2_000, 90_000))
            out.append(event(kind, max(ts, START), name, **({} if wait is None else {"wait_ms": wait})))
            if draw(st.booleans()):
                out.append(event("call.completed", ts + 60_000, name, talk_ms=draw(st.integers(0, 60_000))))
    return out or [event("call.blocked", START, "only")]


def oracle_of(events: list[Event], now: int, since: int | None = None) -> Oracle:
    """What the oracle makes of *events*, all heard by *now*."""
    oracle = Oracle(Catalogue(sites=(Site("site", ZONE),)), 0, 1).read([clock(now), *events])
    return oracle.read([Watch(QUEUE, since), clock(now)])


def assert_equals_oracle(got: Windows, events: list[Event], now: int, since: int | None = None) -> None:
    """All figures but those that tell of the log."""
    want = oracle_of(events, now, since).figures[QUEUE]
    for (metric, window), at in FIGURES.items():
        if metric not in ("duplicate", "late", "too_late", "silence_ms", "since_connected_ms"):
            np.testing.assert_equal(got.figures[0, at], want[metric, window], f"{metric}@{window}")


def assert_same_calls(got: Windows, want: Windows) -> None:
    """All figures are the same, but those that count records: how often something was said, and how late."""
    columns = [at for (metric, _), at in FIGURES.items() if metric not in ("duplicate", "late", "too_late")]
    np.testing.assert_array_equal(got.figures[:, columns], want.figures[:, columns])


def rows_of(got: Windows) -> dict[int, dict[str, int]]:
    names = {
        "offered": counters.OFFERED,
        "answered": counters.ANSWERED,
        "abandoned": counters.ABANDONED,
        "flowed_out": counters.FLOWED_OUT,
        "ivr_abandoned": counters.IVR_ABANDONED,
        "blocked": counters.BLOCKED,
        "answered_in": counters.ANSWERED_IN,
        "abandoned_in": counters.ABANDONED_IN,
        "wait_ms": counters.WAIT_MS,
        "unresolved": counters.UNRESOLVED,
    }
    return {
        row.start_ms: {name: int(row.counts[at]) for name, at in names.items()} for row in got.due_rows(all_rows=True)
    }


def expected_rows(events: list[Event], *, by_event: bool = False) -> dict[int, dict[str, int]]:
    rows = oracle_of(events, max(e["ts"] for e in events)).queues[QUEUE].rows(by_event=by_event)
    keep = ["offered", "answered", "abandoned", "flowed_out", "ivr_abandoned", "blocked"]
    keep += ["answered_in", "abandoned_in", "wait_ms", "unresolved"]
    return {start: {name: row.get(name, 0) for name in keep} for start, row in rows.items()}


def in_time(events: list[Event], end: int, step: int = 60_000) -> list[Event]:
    """Events in order of time with a clock before each step, so that none lies ahead."""
    ordered = sorted(events, key=lambda e: e["ts"])
    at = ordered[0]["ts"]
    log: list[Event] = [clock(at)]
    for e in ordered:
        while at + step <= e["ts"]:
            at += step
            log.append(clock(at))
        log.append(e)
    return [*log, clock(end)]


@settings(max_examples=50, deadline=None)
@given(calls(), st.data())
def test_cut_and_restored_anywhere_goes_on_the_same(events: list[Event], data: st.DataObject) -> None:
    end = max(e["ts"] for e in events) + data.draw(st.integers(0, 5 * 3_600_000))
    log = in_time(events, end)
    cut = data.draw(st.integers(0, len(log)))
    whole = feed(windows(), log)
    part = feed(windows(), log[:cut])
    again = Windows(Names(), setup)
    again.thaw(part.freeze_time(), part.freeze(part.changed()))
    feed(again, log[cut:])
    np.testing.assert_array_equal(again.figures, whole.figures)
    assert {r.start_ms: (r.revision, r.counts.tolist()) for r in again.due_rows(all_rows=True)} == {
        r.start_ms: (r.revision, r.counts.tolist()) for r in whole.due_rows(all_rows=True)
    }
    assert again.freeze([QUEUE]) == whole.freeze([QUEUE])


@settings(max_examples=50, deadline=None)
@given(calls(), st.integers(0, SPAN_MS), st.booleans())
def test_the_window_since_a_resolve_counts_arrivals_from_there(events: list[Event], since: int, early: bool) -> None:
    end = max(e["ts"] for e in events) + 1_000
    at = START + since
    got = windows()
    got.names.index(QUEUE)
    got.make_queues()
    if early:
        got.watch(QUEUE, at)
    feed(got, in_time(events, end))
    if not early:
        got.watch(QUEUE, at)
        got.clock(end)
    assert_equals_oracle(got, events, end, since=at)


@settings(max_examples=50, deadline=None)
@given(calls())
def test_intervals_by_event(events: list[Event]) -> None:
    got = feed(windows(by_event=True), sorted(events, key=lambda e: e["ts"]))
    assert rows_of(got) == expected_rows(events, by_event=True)


@settings(max_examples=50, deadline=None)
@given(calls())
def test_before_the_first_clock_time_follows_the_events(events: list[Event]) -> None:
    straight = sorted(events, key=lambda e: e["ts"])
    end = straight[-1]["ts"]
    got = feed(windows(), [*straight, clock(end)])
    assert_equals_oracle(got, events, end)


VECTORS = [
    (
        (300, 200, 100, 70, 50),
        {"negative": 50.00, "short_excluded": 57.14, "ignored": 60.61, "answered_only": 66.67, "positive": 67.50},
    ),
    ((1000, 860, 60, 20, 0), {"positive": 83.0, "answered_only": 86.0, "negative": 81.1, "ignored": 82.7}),
]


@pytest.mark.parametrize(("counts", "want"), VECTORS)
def test_vectors_of_the_five_formulas(counts: tuple[int, ...], want: dict[str, float]) -> None:
    answered, answered_in, abandoned, abandoned_in, short = counts
    for name, percent in want.items():
        formula = int(Formula[name.upper()])
        base = service_base(formula, int(FlowOut.LATE_ONLY), answered, abandoned, abandoned_in, short, 0, 0)
        level = 100 * ratio(service_met(formula, answered_in, abandoned_in), base)
        assert round(level, 2 if round(percent, 1) != percent or percent in (50.0, 67.5) else 1) == percent


@pytest.mark.parametrize("formula", list(Formula))
@pytest.mark.parametrize("flow_out", list(FlowOut))
def test_formulas_equal_the_oracle(formula: Formula, flow_out: FlowOut) -> None:
    rng = random.Random(7)
    for _ in range(200):
        n = Sums({name: rng.randint(0, 9) for name in ("short", "answered_in", "flowed_late")})
        n["abandoned_in"] = n["short"] + rng.randint(0, 3)
        n["abandoned"] = n["abandoned_in"] + rng.randint(0, 3)
        n["answered"] = n["answered_in"] + rng.randint(0, 3)
        n["flowed_out"] = n["flowed_late"] + rng.randint(0, 3)
        base = service_base(
            int(formula),
            int(flow_out),
            n["answered"],
            n["abandoned"],
            n["abandoned_in"],
            n["short"],
            n["flowed_out"],
            n["flowed_late"],
        )
        got = ratio(service_met(int(formula), n["answered_in"], n["abandoned_in"]), base)
        np.testing.assert_equal(got, service_level(QueueSettings(formula=formula, flow_out=flow_out), n))


def test_a_wait_equal_to_the_threshold_is_within_it_and_an_unknown_wait_is_not() -> None:
    got = feed(
        windows(),
        [
            event("call.answered", START, "at", wait_ms=20_000),
            event("call.answered", START, "over", wait_ms=20_001),
            event("call.answered", START, "unknown"),
            clock(START),
        ],
    )
    assert got.value(QUEUE, "service_level", "1m") == 1 / 3
    assert got.value(QUEUE, "speed_of_answer_ms", "1m") == 20_000.5


def test_nothing_is_never_a_hundred_percent() -> None:
    got = feed(windows(), [event("call.offered", START, "waits"), clock(START)])
    for metric in ("service_level", "service_level_live", "answer_rate", "abandonment_rate", "speed_of_answer_ms"):
        assert got.value(QUEUE, metric, "5m") is None
    assert got.value(QUEUE, "agents_ready", "now") is None
    assert got.value("site/unheard-of", "waiting", "now") is None


def test_a_caller_still_waiting_past_the_threshold_counts_at_once() -> None:
    log = [clock(START), event("call.answered", START, "a", wait_ms=0), event("call.offered", START, "b")]
    got = feed(windows(), [*log, clock(START + 20_000)])
    assert got.value(QUEUE, "service_level_live", "5m") == 1.0
    got.clock(START + 20_001)
    assert got.value(QUEUE, "waiting_past_threshold", "now") == 1
    assert got.value(QUEUE, "service_level_live", "5m") == 0.5
    assert got.value(QUEUE, "service_level", "5m") == 1.0


def test_a_call_without_word_for_half_an_hour_is_lost_track_of_and_in_no_ratio() -> None:
    got = feed(windows(), [event("call.offered", START, "ghost"), clock(START), clock(START + 1_800_000)])
    assert got.value(QUEUE, "waiting", "now") == 1
    got.clock(START + 1_800_001)
    assert got.value(QUEUE, "waiting", "now") == 0
    assert got.value(QUEUE, "lost_track", "now") == 1
    assert got.value(QUEUE, "service_level_live", "30m") is None
    feed(got, [event("ring.no_answer", START + 1_801_000, "ghost"), clock(START + 1_802_000)])
    assert got.value(QUEUE, "waiting", "now") == 1


def agent(ts: int, name: str, state: str) -> Event:
    return {
        "id": f"{name}{ts}",
        "source": "s",
        "type": "agent.state",
        "ts": ts,
        "queue": QUEUE,
        "agent": name,
        "state": state,
    }


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 50), st.integers(0, 3), st.sampled_from(["offline", "ready", "talking", "wrap", "not_ready"])
        ),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_agents_by_their_latest_state(draws: list[tuple[int, int, str]], rng: random.Random) -> None:
    order = ["offline", "ready", "ringing", "talking", "hold", "wrap", "not_ready"]
    latest: dict[int, tuple[int, int]] = {}
    for ts, who, state in draws:
        latest[who] = max(latest.get(who, (-1, -1)), (ts, order.index(state)))
    log: list[Event] = [agent(START + ts, f"a{who}", state) for ts, who, state in draws]
    rng.shuffle(log)
    got = feed(windows(), [clock(START + 60), *log, clock(START + 60)])
    states = [code for _, code in latest.values()]
    assert got.value(QUEUE, "agents_ready", "now") == states.count(1)
    assert got.value(QUEUE, "agents_busy", "now") == sum(2 <= s <= 5 for s in states)


def test_too_late_touches_nothing_and_is_counted() -> None:
    got = feed(windows(), [event("call.answered", START, "a", wait_ms=1), clock(START + 4 * 3_600_000 + 1)])
    before = got.figures.copy()
    feed(got, [event("call.answered", START, "b", wait_ms=1), clock(START + 4 * 3_600_000 + 1)])
    before[0, FIGURES[("too_late", "day")]] = 1
    np.testing.assert_array_equal(got.figures, before)
    assert got.counts("too_late").tolist() == [1]


def test_a_corrected_row_has_a_higher_revision() -> None:
    got = feed(windows(), [event("call.answered", START, "a", wait_ms=0), clock(START + 1_800_000)])
    assert [(r.start_ms, r.revision, int(r.counts[counters.ANSWERED])) for r in got.due_rows()] == [(START, 1, 1)]
    assert got.due_rows() == []
    feed(got, [event("call.answered", START + 1, "b", wait_ms=1), clock(START + 1_900_000)])
    assert [(r.start_ms, r.revision, int(r.counts[counters.ANSWERED])) for r in got.due_rows()] == [(START, 2, 2)]


def test_handle_times_alone_are_no_correction() -> None:
    got = feed(windows(), [event("call.answered", START, "a", wait_ms=0), clock(START + 1_800_000)])
    assert [r.revision for r in got.due_rows()] == [1]
    feed(got, [event("call.completed", START + 1_850_000, "a", talk_ms=7), clock(START + 1_900_000)])
    assert got.due_rows() == []
    feed(got, [event("call.answered", START + 1, "b", wait_ms=1), clock(START + 1_950_000)])
    assert [(r.revision, int(r.counts[counters.TALK_MS])) for r in got.due_rows()] == [(2, 7)]
    feed(got, [event("call.completed", START + 1_960_000, "b", talk_ms=5), clock(START + 1_990_000)])
    assert [(r.revision, int(r.counts[counters.TALK_MS])) for r in got.due_rows(all_rows=True)] == [(3, 12)]


def test_an_interval_is_final_when_its_last_caller_has_left() -> None:
    got = feed(windows(), [event("call.offered", START + 1_799_000, "a"), clock(START + 1_800_000)])
    assert got.due_rows() == []
    feed(got, [event("call.abandoned", START + 1_810_000, "a"), clock(START + 1_810_000)])
    assert [int(r.counts[counters.ABANDONED]) for r in got.due_rows()] == [1]


def test_the_kernel_fills_the_columns_of_the_dictionary() -> None:
    got = feed(windows(), [event("call.answered", START, "a", wait_ms=1), clock(START)])
    assert got.figures.shape == (1, len(FIGURES))
    present = [(m.id, "now") for m in METRICS if m.windows is NOW]
    assert [key for key in FIGURES if key in present] == present  # the kernel fills them one after the other
    defined = {key for key, at in FIGURES.items() if not math.isnan(got.figures[0, at])}
    assert ("waiting", "now") in defined
    assert ("open", "now") in defined


def test_memory_is_given_back() -> None:
    got = windows()
    for hour in range(12):
        at = START + hour * 3_600_000
        feed(
            got,
            in_time(
                [event("call.answered", at + n * 1000, f"{hour}-{n}", wait_ms=1) for n in range(500)], at + 3_599_000
            ),
        )
        got.due_rows()
    assert int(got._store.meta[7]) <= 500 * 5  # SLOT_LIVE: four hours and the one that runs
    assert len(got._store.rows) <= 32768
