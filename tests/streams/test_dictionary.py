"""Figures of the metric dictionary worked out by hand: in any order of events, repeated, cut and restored."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from models.event import CHANNELS, LINES
from models.interner import Names
from streams.quantiles import EDGES_MS, bin_of
from streams.windows import QueueSetup, Windows
from tests.streams.feed import QUEUE, Event, clock, event, feed, setup, windows

#: A Monday, 10:00 in Jerusalem.
TEN = 918_460_800_000
MINUTE, HOUR = 60_000, 3_600_000


def agent(ts: int, name: str, state: str) -> Event:
    ident = f"{name}-{ts}-{state}"
    return {"id": ident, "source": "s", "type": "agent.state", "ts": ts, "queue": QUEUE, "agent": name, "state": state}


def ways(events: list[Event], now: int, make: Callable[[str], QueueSetup] = setup) -> Iterator[Windows]:
    """The windows of *events* at *now*: in order of time with clocks, shuffled and repeated, cut and restored."""
    ordered = sorted(events, key=lambda e: e["ts"])
    log: list[Event] = [clock(ordered[0]["ts"])]
    for e in ordered:
        log += [clock(e["ts"]), e]
    log.append(clock(now))
    yield feed(Windows(Names(), make), log)
    rng = random.Random(len(events) + now)
    for _ in range(3):
        again = [*events, *rng.sample(events, len(events) // 2)]
        rng.shuffle(again)
        yield feed(Windows(Names(), make), [clock(ordered[-1]["ts"]), *again, clock(now)])
    for cut in {len(log) // 3, len(log) // 2, len(log) - 1}:
        first, second = feed(Windows(Names(), make), log[:cut]), Windows(Names(), make)
        second.thaw(first.freeze_time(), first.freeze(first.names.names))
        yield feed(second, log[cut:])


def check(
    events: list[Event], now: int, want: dict[str, float | None], make: Callable[[str], QueueSetup] = setup
) -> None:
    for got in ways(events, now, make):
        found = {name: got.value(QUEUE, *name.split("@")) for name in want}
        assert found == pytest.approx(want, nan_ok=True), found


def test_calls_of_every_kind() -> None:
    calls = [
        event("call.offered", TEN, "a"), event("call.answered", TEN + 4_000, "a"),
        event("call.completed", TEN + 64_000, "a", talk_ms=50_000, hold_ms=4_000, wrap_ms=6_000),
        event("call.offered", TEN, "b"), event("call.abandoned", TEN + 5_000, "b"),
        event("call.offered", TEN, "c"), event("call.abandoned", TEN + 30_000, "c"),
        event("call.offered", TEN, "d"), event("call.answered", TEN + 21_000, "d"),
        event("call.answered", TEN + 1_000, "e", wait_ms=-5),
        event("call.blocked", TEN, "f"), event("ivr.abandoned", TEN + 1, "g"),
        event("callback.failed", TEN + 2, "b"),
    ]  # fmt: skip
    check(
        calls,
        TEN + 70_000,
        {
            "short_abandons@5m": 1, "lost_calls@5m": 5, "negative_waits@5m": 1, "completed@5m": 1, "talk_ms@5m": 50_000,
            "handle_ms@5m": 60_000, "queued_share@5m": 2 / 5, "callbacks_failed@day": 1, "queued_share_peak@day": None,
            "line_other_offered@30m": 5, "channel_voice_answered@30m": 3, "line_report_offered@30m": 0,
        },
    )  # fmt: skip


def test_outbound_calls_count_in_nothing_but_what_is_theirs() -> None:
    out = {"direction": "out"}
    calls = [
        event("call.offered", TEN, "a", **out), event("call.answered", TEN + 9_000, "a"),
        event("call.completed", TEN + 20_000, "a", talk_ms=11_000), event("call.offered", TEN, "b", **out),
        event("call.blocked", TEN, "c", **out), event("call.abandoned", TEN + 1, "d", customer="x", **out),
    ]  # fmt: skip
    check(
        calls,
        TEN + 30_000,
        {
            "outbound@5m": 3, "outbound_connected@5m": 1, "talk_ms@5m": 11_000, "offered@5m": 0, "answered@5m": 0,
            "abandoned@5m": 0, "waiting@now": 0, "blocked@5m": 0, "answer_rate@5m": None, "service_level@5m": None,
            "lost_callers@day": 0, "wait_p50_ms@5m": None, "line_other_offered@30m": 0,
        },
    )  # fmt: skip


def test_by_line_and_channel() -> None:
    calls = [event("call.offered", TEN, name, line=name, channel=CHANNELS[n]) for n, name in enumerate(LINES)]
    calls += [event("call.answered", TEN + 1_000, name) for name in ("report", "other")]
    calls += [event("call.abandoned", TEN + 1_000, "complaint", channel="fax")]  # fax is none of them: other
    want: dict[str, float | None] = {f"line_{name}_offered@day": 1.0 for name in LINES}
    want |= {f"channel_{name}_offered@day": 1.0 for name in CHANNELS if name != "email"}
    want |= {"channel_other_offered@day": 2.0, "channel_message_offered@day": 0.0}
    want |= {"line_report_answered@30m": 1, "line_other_answered@30m": 1, "line_complaint_abandoned@30m": 1}
    want |= {"channel_voice_answered@30m": 1, "channel_other_abandoned@30m": 1, "line_enquiry_answered@30m": 0}
    check(calls, TEN + 2_000, want)


def test_waits_by_percentile_within_a_tenth() -> None:
    rng = random.Random(5)
    waits = sorted(rng.choice([rng.randrange(1_000), round(1_000 * 3_600 ** rng.random())]) for _ in range(401))
    calls = [
        event(rng.choice(["call.answered", "call.abandoned"]), TEN + n, f"c{n}", wait_ms=wait)
        for n, wait in enumerate(waits)
    ]
    calls += [event("call.flowed_out", TEN, "x", wait_ms=7), event("call.answered", TEN, "y")]
    got = feed(windows(), [clock(TEN), *calls, clock(TEN + 1_000)])
    for name, rank in (("wait_p50_ms", 200), ("wait_p95_ms", 380)):
        assert got.value(QUEUE, name, "5m") == pytest.approx(waits[rank], rel=0.1001, abs=501)


def test_bins_of_waits() -> None:
    edges = EDGES_MS.tolist()
    assert [bin_of(w) for w in (0, 1_000, 1_001, edges[1], edges[1] + 1)] == [0, 0, 1, 1, 2]
    assert bin_of(10**9) == len(edges)
    got = feed(windows(), [event("call.answered", TEN, "a", wait_ms=10**8), clock(TEN)])
    assert got.value(QUEUE, "wait_p50_ms", "1m") == edges[-1] >= HOUR


def test_queued_in_a_peak() -> None:
    def peak(queue: str) -> QueueSetup:
        return replace(setup(queue), immediate_ms=10_000, peak=frozenset({20}))  # Monday 10:00 to 10:30

    calls = [
        event("call.offered", TEN + 1_800_000 - 1, "in"), event("call.answered", TEN + 1_800_000 + 10_000, "in"),
        event("call.offered", TEN, "too"), event("call.answered", TEN + 10_000, "too"),
        event("call.offered", TEN - 1, "before"), event("call.answered", TEN + 20_000, "before"),
        event("call.offered", TEN + 1_800_000, "after"), event("call.abandoned", TEN + 1_840_000, "after"),
    ]  # fmt: skip
    check(calls, TEN + 1_900_000, {"queued_share_peak@day": 1 / 2, "queued_share@day": 3 / 4}, peak)


def test_notes_count_once_by_source_and_id() -> None:
    def note(kind: str, ts: int, ident: str, **more: object) -> Event:
        return {**event(kind, ts, "c"), "id": ident, **more}

    notes = [
        note("call.rated", TEN, "1", value=4.5), note("call.rated", TEN + 5, "1", value=1),
        note("call.rated", TEN, "2"),
        note("call.rated", TEN, "3", value=2), note("call.scored", TEN, "4", value=80.25),
        note("call.scored", TEN, "5", value=90), note("call.resolved", TEN, "6"),
        note("call.resolved", TEN, "7", ok=False), note("probe.result", TEN, "8", ok=True),
        note("probe.result", TEN, "9", ok=False), note("probe.result", TEN, "10"),
        note("agent.login_failed", TEN, "11", agent="a"), note("callback.requested", TEN, "12"),
        note("callback.attempted", TEN, "13"), note("callback.attempted", TEN, "14"),
        note("callback.connected", TEN, "15"), note("call.scored", TEN, "4b", value=80.25),
    ]  # fmt: skip
    check(
        notes,
        TEN + 10,
        {
            "rating@5m": 3.25, "ratings@5m": 2, "quality_score@1m": 250.5 / 3, "scores@day": 3,
            "first_contact_resolution@5m": 0.5, "resolutions@30m": 2, "test_call_success@15m": 0.5, "test_calls@1m": 2,
            "login_failures@day": 1, "callbacks_requested@1m": 1, "callbacks_attempted@1m": 2,
            "callbacks_connected@1m": 1,
        },
    )  # fmt: skip


def test_lost_callers_and_who_got_through_after_all() -> None:
    def of(who: str, kind: str, ts: int, call: str) -> Event:
        return event(kind, ts, call, customer=who)

    calls = [
        of("x", "call.abandoned", TEN, "1"), of("x", "call.abandoned", TEN + MINUTE, "2"),
        of("x", "call.answered", TEN + 2 * MINUTE, "3"),  # lost, once, and recovered
        of("y", "call.answered", TEN, "4"), of("y", "call.blocked", TEN + MINUTE, "5"),  # lost after getting through
        of("z", "callback.failed", TEN, "6"), of("z", "callback.connected", TEN + HOUR, "7"),
        of("v", "ivr.abandoned", TEN, "8"), of("v", "call.answered", TEN, "9"),  # at once is not after
        event("call.abandoned", TEN, "10"),  # nobody known
    ]  # fmt: skip
    check(calls, TEN + HOUR, {"lost_callers@day": 4, "recovered_callers@day": 2})


def test_recovered_within_a_day_though_calls_are_kept_for_four_hours() -> None:
    lost = event("call.abandoned", TEN, "1", customer="x")
    for after, recovered in ((24 * HOUR - 1, 1), (24 * HOUR, 1), (24 * HOUR + 1, 0)):
        later = [*(clock(TEN + n * HOUR) for n in range(24)), clock(TEN + after)]
        got = feed(windows(), [clock(TEN), lost, *later, event("call.answered", TEN + after, "2", customer="x")])
        slots = got._store.slots[: int(got._store.meta[6])]
        assert sorted(slots["outcome"][slots["kind"] == 5].tolist()) == [recovered]


def test_agents_by_state_and_how_long() -> None:
    states = [
        agent(TEN, "a", "ready"), agent(TEN + 20_000, "a", "talking"), agent(TEN + 50_000, "a", "wrap"),
        agent(TEN + 60_000, "a", "ready"), agent(TEN, "b", "not_ready"), agent(TEN + 30_000, "b", "hold"),
        agent(TEN + 40_000, "b", "ringing"), agent(TEN + 10_000, "c", "ready"), agent(TEN + 55_000, "c", "offline"),
    ]  # fmt: skip
    # at TEN + 70 s: ready a 30, c 45; busy a 40, b 10; signed in a 70, b 70, c 45
    check(
        states,
        TEN + 70_000,
        {
            "occupancy@5m": 50 / 125, "effective_work_rate@day": 50 / 185, "agents_ready@now": 1, "agents_busy@now": 1,
            "agents_ringing@now": 1, "agents_signed_in@now": 2, "agents_talking@now": 0, "agents_wrap@now": 0,
            # the last minute is the buckets from TEN + 15 s: ready a 5 + 10, c 40; busy a 40, b 10
            "occupancy@1m": 50 / 105, "effective_work_rate@1m": 50 / 150,
        },
    )  # fmt: skip


def test_a_state_ahead_of_the_clock_counts_when_the_clock_has_come_to_it() -> None:
    log = [clock(TEN), agent(TEN, "a", "ready"), agent(TEN + 3_000, "a", "talking"), clock(TEN + 2_000)]
    got = feed(windows(), log)
    assert got.value(QUEUE, "occupancy", "1m") == 0
    again = Windows(Names(), setup)
    again.thaw(got.freeze_time(), got.freeze([QUEUE]))
    for one in (got, again):
        one.clock(TEN + 4_000)
        assert one.value(QUEUE, "occupancy", "1m") == 1 / 4
    assert got.freeze([QUEUE]) == again.freeze([QUEUE])


def test_agents_over_hours_and_midnight_are_told_by_what_is_kept() -> None:
    """Points below the floor are let go of, the level stays; the day begins at midnight with those who are there."""
    evening = TEN + 13 * HOUR  # 23:00
    states = [agent(evening - n * MINUTE, "a", "talking" if n % 2 else "ready") for n in range(600, 0, -1)]
    states += [agent(evening, "b", "ready")]
    log = [entry for e in states for entry in (e, clock(e["ts"]))]
    got = feed(windows(), [*log, *(clock(evening + n * MINUTE) for n in range(1, 120))])
    assert int((got._store.slots["kind"] == 6).sum()) < 300
    # since 00:00 a talks (state of 22:59) and b is ready
    assert got.value(QUEUE, "occupancy", "day") == pytest.approx(1 / 2)
    assert got.value(QUEUE, "occupancy", "30m") == pytest.approx(1 / 2)


def test_load_is_offered_times_handle_time() -> None:
    calls = [event("call.offered", TEN + n * 1_000, f"c{n}") for n in range(10)]
    done = event("call.completed", TEN + 20_000, "c0", talk_ms=90_000, wrap_ms=30_000)
    got = feed(windows(), [clock(TEN), *calls, done, clock(TEN + 20_000)])
    start = (TEN + 20_000) // 5_000 * 5_000 - 55_000
    assert got.value(QUEUE, "load_erlangs", "1m") == pytest.approx(10 * 120_000 / (TEN + 20_000 - start))
    got = feed(got, [clock(TEN + 40 * MINUTE), event("call.offered", TEN + 40 * MINUTE, "z"), clock(TEN + 40 * MINUTE)])
    start = (TEN + 40 * MINUTE) - 55_000  # no handle time in this window: that of the day
    assert got.value(QUEUE, "load_erlangs", "1m") == pytest.approx(120_000 / (TEN + 40 * MINUTE - start))
    assert got.value(QUEUE, "occupancy", "1m") is None


def test_calls_from_other_queues() -> None:
    from streams import counters as c

    def near(queue: str) -> QueueSetup:
        return replace(setup(queue), site="site", neighbours=frozenset({"site", "near"}))

    came = [("a", "site/other"), ("b", "near/x"), ("d", "far/x"), ("e", "nowhere"), ("f", "near/y")]
    calls = [event("call.offered", TEN + 60_000, call, from_queue=where) for call, where in came]
    calls += [event("call.offered", TEN + 60_000, "f", first_queued_ts=TEN + 39_999)]
    calls += [event("call.answered", TEN + 61_000, "f", wait_ms=1_000)]
    for got in ways(calls, TEN + 70_000, near):
        sums = got._store.sums[0, 1]
        inner = (c.INNER_SITE, c.INNER_REGION, c.INNER_ALL, c.INNER_LATE_SITE, c.INNER_LATE_REGION, c.INNER_LATE_ALL)
        assert [int(sums[at]) for at in inner] == [1, 3, 4, 0, 1, 1]
        assert [int(sums[at]) for at in (c.ANSWERED_IN, c.ANSWERED_IN_FIRST, c.WAIT_FIRST_MS)] == [1, -1, 20_001]


def test_records_of_the_day() -> None:
    log = [clock(TEN + 5 * HOUR), event("call.offered", TEN, "a"), event("call.offered", TEN + 2 * HOUR, "b")]
    log += [event("call.offered", TEN + 2 * HOUR, "b"), clock(TEN + 5 * HOUR)]
    got = feed(windows(), log)
    again = Windows(Names(), setup)
    again.thaw(got.freeze_time(), got.freeze([QUEUE]))
    for one in (got, again):
        assert [one.value(QUEUE, name, "day") for name in ("late", "too_late", "duplicate")] == [2, 1, 1]
        assert one.value(QUEUE, "misrouted", "day") is None
        one.clock(TEN + 15 * HOUR)
        assert [one.value(QUEUE, name, "day") for name in ("late", "too_late", "duplicate")] == [0, 0, 0]


def test_time_since_the_last_record_of_any_type() -> None:
    got = feed(windows(), [event("call.offered", TEN, "a"), agent(TEN + 5_000, "x", "ready"), clock(TEN + 9_000)])
    assert got.value(QUEUE, "since_last_event_ms", "now") == 4_000
    assert got.value(QUEUE, "silence_ms", "now") == 9_000


def test_a_setting_that_changes_takes_nothing_back_that_it_did_not_add() -> None:
    """A call is judged by the limits that held when its first word came."""
    got = feed(windows(), [clock(TEN), event("call.offered", TEN, "a"), event("call.answered", TEN + 15_000, "a")])
    got.change(lambda queue: replace(setup(queue), threshold_ms=10_000, immediate_ms=60_000))
    feed(got, [event("call.offered", TEN - 1_000, "a"), event("call.answered", TEN, "b", wait_ms=15_000)])
    feed(got, [clock(TEN + 20_000)])
    assert got.value(QUEUE, "service_level", "1m") == 1 / 2
    assert got.value(QUEUE, "queued_share", "1m") == 1 / 2


def test_agents_beyond_the_limit_of_slots_are_counted_in_their_state() -> None:
    got = feed(windows(limit=4), [clock(TEN), *(agent(TEN, name, "ready") for name in "abcde"), clock(TEN)])
    assert got.value(QUEUE, "agents_ready", "now") == 2  # two slots each
    feed(got, [agent(TEN + 1_000, "a", "talking"), clock(TEN + 1_000)])
    assert got.value(QUEUE, "agents_talking", "now") == 1
    assert got.refused > 0
    assert not math.isnan(got.value(QUEUE, "occupancy", "1m") or 0.0)


def test_agents_are_found_again_however_often_the_table_of_slots_has_grown() -> None:
    names, states = [f"a{n}" for n in range(40)], ("offline", "ready", "ringing", "talking", "wrap", "not_ready")
    rng = random.Random(1)
    events = [agent(TEN + n * 100, rng.choice(names), rng.choice(states)) for n in range(6_000)]
    latest = {e["agent"]: e["state"] for e in events}
    now = events[-1]["ts"] + 1_000
    got = feed(windows(), [clock(TEN), *events[:1]])
    for first in range(1, len(events), 100):
        feed(got, [clock(events[first]["ts"]), *events[first : first + 100]])
    feed(got, [clock(now)])
    again = windows()
    again.thaw(got.freeze_time(), got.freeze(got.names.names))
    for found in (got, again):
        for state in states[1:]:
            count = sum(s == state for s in latest.values())
            assert found.value(QUEUE, f"agents_{state}", "now") == count, state
