"""Lost calls by day and cause, and the callers to ring back: against the definitions, in any order of the events."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts import lost_calls
from alerts.lost_calls import CAUSES, SETTLED_MS, Caller, Limits, LostCalls, listen
from tests.oracle import lives
from tests.oracle.lives import Call, Left, Note

T = 918_036_000_000  # Wednesday 3 February 1999, 10:00 UTC
MIN = 60_000
HOUR = 3_600_000
Event = dict[str, Any]


def limits(queue: str) -> Limits:
    return Limits(5_000, lambda ts: datetime.fromtimestamp(ts / 1000, UTC).date().isoformat())


def event(kind: str, ts: int, call: str = "1", **more: Any) -> Event:
    return {"id": f"{kind}{ts}{call}", "source": "pbx", "type": kind, "ts": ts, "call": call, "queue": "n/a", **more}


def causes(events: list[Event]) -> dict[str, int]:
    found = listen(events, limits)
    total: Counter[str] = Counter()
    for day in found.days.values():
        total.update(day.lost)
    return {cause: n for cause, n in total.items() if n}


def test_every_cause_is_told_apart() -> None:
    events = [
        event("call.blocked", T, "1"),
        event("ivr.abandoned", T, "2"),
        event("call.offered", T, "3"), event("call.abandoned", T + 5_001, "3"),
        event("call.offered", T, "4"), event("call.abandoned", T + 5_000, "4"),
        event("call.abandoned", T, "5", wait_ms=-3),
        event("call.abandoned", T, "6"),  # nobody knows how long it waited: not short
        event("callback.failed", T, "7"),
        event("call.offered", T, "8"), event("call.answered", T + 9_000, "8"),
        event("call.offered", T, "9"), event("call.flowed_out", T + 9_000, "9", reason="timeout"),
    ]  # fmt: skip
    expected = {"blocked": 1, "menu": 1, "abandoned": 2, "short_abandon": 2, "callback_failed": 1}
    assert causes(events) == expected
    assert causes([*events, *events]) == expected
    assert sum(day.arrivals for day in listen(events, limits).days.values()) == 8


def test_of_two_outcomes_the_earlier_counts_and_outbound_is_in_no_count() -> None:
    offered = event("call.offered", T)
    gone, taken = event("call.abandoned", T + 9_000), event("call.answered", T + 8_000)
    assert causes([offered, gone, taken]) == {}
    assert causes([offered, gone, event("call.answered", T + 9_000)]) == {}  # at once: answered
    assert causes([offered, gone, event("call.answered", T + 10_000)]) == {"abandoned": 1}
    assert causes([event("call.offered", T, direction="out"), gone]) == {}
    assert causes([event("call.blocked", T, direction="out")]) == {}
    assert causes([offered, gone, event("call.abandoned", T + 9_000, leg=2)]) == {"abandoned": 2}


def test_a_loss_belongs_to_its_local_day() -> None:
    midnight = T + 14 * HOUR
    found = listen([event("call.offered", midnight - MIN), event("call.abandoned", midnight + MIN)], limits)
    assert {key: (day.arrivals, day.total) for key, day in found.days.items()} == {
        ("n/a", "1999-02-03"): (1, 0),
        ("n/a", "1999-02-04"): (0, 1),
    }


def caller(*events: Event) -> list[Caller]:
    return listen(events, limits).ring_back()


def test_who_got_through_is_not_rung_back() -> None:
    def of(kind: str, ts: int, call: str) -> Event:
        return event(kind, ts, call, customer="c-51b2f00d")

    lost = of("call.abandoned", T, "1")
    listed = caller(lost)[0]
    assert (listed.masked, listed.queue, listed.times, listed.cause) == ("…f00d", "n/a", 1, "abandoned")
    assert caller(lost, of("call.answered", T + HOUR, "2")) == []
    assert caller(lost, of("callback.connected", T + 30 * HOUR, "2")) == []
    assert len(caller(of("call.answered", T - HOUR, "0"), lost)) == 1
    assert len(caller(lost, of("call.answered", T, "2"))) == 1  # at once is not after
    again = caller(lost, of("call.answered", T + HOUR, "2"), of("ivr.abandoned", T + 2 * HOUR, "3"))[0]
    assert (again.times, again.cause, again.last_ms) == (2, "menu", T + 2 * HOUR)
    assert caller(event("call.abandoned", T)) == []  # nobody known
    assert caller(of("call.abandoned", T, "1") | {"direction": "out"}) == []
    tried = caller(lost, of("callback.attempted", T + 1, "2"), of("callback.attempted", T + 2, "2"))[0]
    assert tried.tries == 2
    failed = caller(lost, of("callback.attempted", T + 1, "2"), of("callback.failed", T + 3, "2"))[0]
    assert (failed.tries, failed.tried_ms, failed.cause, failed.times) == (1, T + 3, "callback_failed", 2)
    once_more = caller(lost, of("callback.failed", T + 3, "2"), of("call.abandoned", T + 9, "3"))[0]
    assert (once_more.tries, once_more.tried_ms, once_more.cause) == (0, None, "abandoned")


def test_what_became_of_each_lost_caller_is_known() -> None:
    def of(who: str, kind: str, ts: int) -> Event:
        return event(kind, ts, f"{who}{kind}", customer=who)

    events = [
        *(of(who, "call.abandoned", T) for who in ("a", "b", "c", "d")),
        of("a", "call.answered", T + HOUR),
        of("b", "callback.attempted", T + 1), of("b", "callback.connected", T + 2),
        of("c", "callback.attempted", T + 5),
        of("e", "call.answered", T),
    ]  # fmt: skip
    for sequence in (events, [*reversed(events), *events]):
        found = {c.customer: (c.state, c.cleared_ms, c.tries) for c in listen(sequence, limits).lost_callers()}
        assert found == {
            "c": ("to_ring_back", None, 1),
            "d": ("to_ring_back", None, 0),
            "a": ("got_through", T + HOUR, 0),
            "b": ("reached", T + 2, 1),
        }
        assert list(found)[:2] == ["c", "d"]


@pytest.mark.parametrize(("after", "recovered"), [(24 * HOUR - 1, True), (24 * HOUR, True), (24 * HOUR + 1, False)])
def test_recovered_is_within_a_day(after: int, recovered: bool) -> None:
    events = [event("call.abandoned", T, customer="x"), event("call.answered", T + after, "2", customer="x")]
    found = listen(events, limits).callers["n/a", "x"]
    assert (found.is_recovered, found.reached) == (recovered, False)


def test_a_short_pseudonym_is_not_shown_whole() -> None:
    assert [Caller(name, "q").masked for name in ("abcdefgh", "abcd", "ab", "a")] == ["…efgh", "…cd", "…b", "…"]


def walk(seed: int) -> list[Event]:
    """Two days of a small queue: outcomes twice, repeats, callers who come again."""
    rng = random.Random(seed)
    events = []
    for n in range(300):
        ts, who = T + rng.randrange(48 * HOUR), rng.choice([None, "x", "y", "z", "u", "v"])
        more = {} if who is None else {"customer": who}
        if rng.random() < 0.1:
            more["direction"] = rng.choice(["in", "out"])
        kind = rng.choice(["call.blocked", "ivr.abandoned", "callback.failed", "callback.connected", *["call"] * 6])
        if kind != "call":
            events.append(event(kind, ts, str(n), **more))
            continue
        events.append(event("call.offered", ts, str(n), **more))
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            outcome = rng.choice(["call.abandoned", "call.answered", "call.flowed_out"])
            wait = {} if rng.random() < 0.5 else {"wait_ms": rng.randrange(-2_000, 20_000)}
            events.append(event(outcome, ts + rng.randrange(20_000), str(n), **wait, **more))
    return events + rng.sample(events, 40)


def oracle(events: list[Event]) -> tuple[int, int, int, int]:
    """Lost calls, short abandons, lost and recovered callers by the dictionary's own oracle."""
    judged = lives.Limits(20_000, 5_000, 5_000)
    things: dict[tuple[Any, ...], lives.Life] = {}
    callers: dict[str, lives.Caller] = {}
    for one in events:
        kind = one["type"]
        key: tuple[Any, ...] = (one["call"],) if kind in lives.OF_A_CALL else (kind, one["call"])
        of: type[lives.Life] = Call if kind in lives.OF_A_CALL else Left
        if kind in lives.NOTES:
            key, of = (one["source"], one["id"]), Note
        things.setdefault(key, of(judged)).events.append(one)
        if "customer" in one and one.get("direction") != "out":
            callers.setdefault(one["customer"], lives.Caller()).hear(one)
    n = lives.total(fact for thing in things.values() for fact in thing.facts())
    people = lives.total(fact for found in callers.values() for fact in found.facts())
    lost = sum(n.get(what, 0) for what in ("blocked", "ivr_abandoned", "abandoned", "callbacks_failed"))
    return lost, n.get("short", 0), people.get("lost_callers", 0), people.get("recovered_callers", 0)


@pytest.mark.parametrize("seed", range(12))
def test_the_figures_are_those_of_the_dictionary(seed: int) -> None:
    events = sorted(walk(seed), key=lambda one: int(one["ts"]))
    expected = oracle(events)
    for _ in range(2):
        found = listen(events, limits)
        lost = Counter[str]()
        for day in found.days.values():
            lost.update(day.lost)
        known = [c for c in found.callers.values() if c.times]
        got = (sum(lost.values()), lost["short_abandon"], len(known), sum(c.is_recovered for c in known))
        assert got == expected
        shuffled = [events[at : at + 10] for at in range(0, len(events), 10)]
        events = [one for block in shuffled for one in random.Random(seed).sample(block, len(block))]
    assert set(lost) == set(CAUSES)


def test_what_is_settled_takes_no_room() -> None:
    found = LostCalls(limits)
    for n in range(200):
        found.hear(event("call.offered", T + n * HOUR, str(n), customer=f"c{n}"))
        found.hear(event("call.answered", T + n * HOUR + MIN, str(n), customer=f"c{n}"))
    assert len(found._legs) <= 2 * SETTLED_MS // HOUR + 2
    assert len(found.callers) <= 2 * SETTLED_MS // HOUR + 2


def test_the_caller_lost_longest_ago_is_forgotten_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_calls, "CALLERS_MAX", 3)
    found = listen([event("call.abandoned", T + n, str(n), customer=f"caller-{n}") for n in range(5)], limits)
    assert [c.customer for c in found.ring_back()] == ["caller-4", "caller-3", "caller-2"]
    assert found.forgotten == 2
