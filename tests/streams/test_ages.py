"""Ages of waiting callers are those that the figures count."""

from __future__ import annotations

import random

import pytest

from streams import ages
from streams.windows import Windows
from tests.streams.feed import QUEUE, Event, clock, event, feed, windows

START = 918_248_400_000


def figure(of: Windows, metric: str) -> int:
    return int(of.value(QUEUE, metric, "now") or 0)


def test_the_ages_are_those_that_the_figures_are_made_of() -> None:
    rng, some = random.Random(3), 0
    for _ in range(20):
        events: list[Event] = []
        for n in range(rng.randint(0, 30)):
            at = START + rng.randint(0, 2_400_000)  # the oldest are lost track of after half an hour
            events.append(event("call.offered", at, f"c{n}"))
            if rng.random() < 0.4:
                kind = rng.choice(["call.answered", "call.abandoned", "call.flowed_out"])
                events.append(event(kind, at + rng.randint(0, 60_000), f"c{n}"))
        events += [clock(START + n * 30_000) for n in range(84)]
        of = feed(windows(), sorted(events, key=lambda one: (one["ts"], one["type"] != "clock")))
        found = of.ages_ms(QUEUE)
        assert found is not None
        assert found == sorted(found, reverse=True)
        assert len(found) == figure(of, "waiting")
        assert max(found, default=0) == figure(of, "longest_wait_ms")
        assert sum(age > 20_000 for age in found) == figure(of, "waiting_past_threshold")
        assert sum(age <= 20_000 < age + 20_000 for age in found) == figure(of, "waiting_soon")
        some += len(found)
    assert some > 50


def test_a_queue_without_callers_has_none_and_too_many_are_not_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    of = feed(
        windows(), [clock(START), *(event("call.offered", START + n, f"c{n}") for n in range(3)), clock(START + 9)]
    )
    assert of.ages_ms(QUEUE) == [9, 8, 7]
    assert of.ages_ms("no/such") == []
    monkeypatch.setattr(ages, "AGES_MAX", 2)
    assert of.ages_ms(QUEUE) is None
