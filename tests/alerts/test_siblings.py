"""One served worse than its like: the test of two shares, the book of a partition, the order and its sentence."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import orjson
import pytest

from agents.actor import PartitionActor
from alerts.siblings.apart import GAP, LEAST, Apart, Group, since, worst
from alerts.siblings.book import SiblingBook, rising
from models.catalogue import Catalogue, Department, Person, QueueSettings, Site
from models.encode import clock_record, encode_event
from models.metric import FIGURES, figure
from tests.agents.unit_world import START

S = 1_000
MINUTE = 60_000


# --- the test ---------------------------------------------------------------------------------------------------------


def test_the_worst_of_three_is_named_with_the_calls_behind_both() -> None:
    found = worst([Group("voice", 8, 200), Group("chat", 30, 60), Group("email", 2, 40)])
    assert found is not None
    assert (found.name, found.lost, found.of, found.others_lost, found.others_of) == ("chat", 30, 60, 10, 240)
    assert found.limits > 1.0


@pytest.mark.parametrize(
    "groups",
    [
        [Group("a", 10, 100), Group("b", 12, 100)],  # alike
        [Group("a", 5, 100), Group("b", 19, 100)],  # a gap that is no matter
        [Group("a", 0, 200), Group("b", 4, 20)],  # an accident of four calls
        [Group("a", 30, 100), Group("b", 14, 30)],  # a gap that few calls make
    ],
)
def test_what_is_no_matter(groups: list[Group]) -> None:
    found = worst(groups)
    assert found is not None
    assert found.limits < 1.0


def test_what_is_served_worse_every_week_at_this_time_does_not_stand_out() -> None:
    found = worst([Group("a", 20, 60, usual=True), Group("b", 10, 200)])
    assert found is not None
    assert found.limits == 0.0
    both = worst([Group("a", 30, 60, usual=True), Group("b", 40, 90), Group("c", 10, 400)])
    assert both is not None
    assert (both.name, both.others_of) == ("b", 460)
    assert both.limits > 1.0


def test_nothing_is_compared_with_too_few_calls() -> None:
    assert worst([Group("a", 19, LEAST - 1), Group("b", 0, 500)]) is None
    assert worst([Group("a", 30, 60)]) is None


def test_more_groups_and_a_smaller_budget_ask_for_more() -> None:
    two = worst([Group("a", 20, 60), Group("b", 10, 200)])
    six = worst([Group("a", 20, 60), *(Group(f"b{n}", 2, 40) for n in range(5))])
    strict = worst([Group("a", 20, 60), Group("b", 10, 200)], alarms_per_week=0.01)
    assert two is not None
    assert six is not None
    assert strict is not None
    assert two.limits > six.limits
    assert two.limits > strict.limits


def test_alike_channels_cost_no_more_than_their_budget() -> None:
    """Two channels, one share, looked at each minute over 30 rolling minutes, for 40 weeks: at most 40 beginnings."""
    rng = np.random.default_rng(3)
    minutes = 40 * 7 * 24 * 60
    answered = rng.poisson(2.0, (2, minutes))
    lost = rng.binomial(answered, 0.2)
    window = 30
    of_30, lost_30 = (np.cumsum(x, axis=1)[:, window:] - np.cumsum(x, axis=1)[:, :-window] for x in (answered, lost))
    gap = np.abs(lost_30[0] / np.maximum(of_30[0], 1) - lost_30[1] / np.maximum(of_30[1], 1))
    begun, last = 0, -100
    for at in np.flatnonzero(gap >= GAP).tolist():
        found = worst([Group(str(n), int(lost_30[n, at]), int(of_30[n, at])) for n in range(2)])
        if found is not None and found.limits > 1.0:
            begun += at - last > window
            last = at
    assert begun <= 40


def test_since_a_resolve_the_same_group_is_judged() -> None:
    apart = Apart("chat", 30, 60, 12, 240, 3.0)
    assert since(apart, 0, 4) is None
    assert since(apart, 0, 10) == 0.0
    assert since(apart, 5, 10) == pytest.approx(0.45 / GAP)


# --- the book ---------------------------------------------------------------------------------------------------------


def filled(**counts: tuple[int, int]) -> Any:
    """A row of figures with (abandoned, answered) of 30 minutes and of the day by channel."""
    figures = np.zeros((1, len(FIGURES)))
    for channel, (lost, answered) in counts.items():
        for window in ("30m", "day"):
            figures[0, figure(f"channel_{channel}_abandoned", window)] = lost
            figures[0, figure(f"channel_{channel}_answered", window)] = answered
    return figures


def test_the_book_looks_once_a_minute_and_goes_on_from_its_snapshot() -> None:
    figures, column = filled(voice=(5, 200), chat=(30, 30)), figure("channel_apart", "30m")
    book = SiblingBook()
    book.clock(START, figures, ["s/q"])
    value = figures[0, column]
    assert value > 1.0
    assert (
        book.behind("s/q", "channel_apart")[0] == "channel chat lost 30 of 60 calls (50 %), the others 5 of 205 (2 %)"
    )
    assert book.behind("s/q", "channel_apart")[1] == "在线聊天 60通放弃30通(50%),其余205通放弃5通(2%)"
    assert book.changed == {"s/q"}
    again = SiblingBook()
    again.restore("s/q", orjson.loads(orjson.dumps(book.snapshot("s/q"))))
    again.minute = START // MINUTE
    blank = filled(voice=(5, 200), chat=(0, 60))
    again.clock(START + S, blank, ["s/q"])  # within the minute: what was found holds
    assert blank[0, column] == value
    again.clock(START + MINUTE, blank, ["s/q"])
    assert blank[0, column] == 0.0


def test_a_queue_with_one_channel_costs_nothing_and_is_not_kept() -> None:
    figures, book = filled(voice=(80, 200)), SiblingBook()
    book.clock(START, figures, ["s/q"])
    assert np.isnan(figures[0, figure("channel_apart", "30m")])
    assert (book.snapshot("s/q"), book.changed) == ({}, set())


def test_since_a_resolve_only_later_calls_count() -> None:
    figures, column = filled(voice=(5, 200), chat=(30, 30)), figure("channel_apart", "resolve")
    book = SiblingBook()
    book.clock(START, figures, ["s/q"])
    book.begin_since("s/q", figures[0])
    book.clock(START + S, figures, ["s/q"])
    assert np.isnan(figures[0, column])  # nobody yet
    figures[0, figure("channel_chat_answered", "day")] += 12
    book.clock(START + 2 * S, figures, ["s/q"])
    assert figures[0, column] == 0.0
    book.end_since("s/q")
    book.clock(START + 3 * S, figures, ["s/q"])
    assert np.isnan(figures[0, column])


def rise(five: tuple[int, int, int], half: tuple[int, int, int]) -> Apart | None:
    """(abandoned, answered, wait in seconds) of the last 5 minutes and of all 30."""
    row = np.zeros(len(FIGURES))
    for window, (lost, answered, wait) in (("5m", five), ("30m", half)):
        row[figure("abandoned", window)], row[figure("answered", window)] = lost, answered
        row[figure("speed_of_answer_ms", window)] = wait * S
    return rising(row, 1.0)


def test_abandonment_that_rises_with_the_queue() -> None:
    found = rise((30, 15, 90), (33, 165, 22))
    assert found is not None
    assert found.limits > 1.0
    assert (found.lost, found.of, found.others_lost, found.others_of) == (30, 45, 3, 153)
    assert rise((30, 15, 15), (33, 165, 15)) is None  # they leave from a queue as short as before
    assert rise((4, 41, 90), (20, 165, 22)) is None  # the queue is longer and nobody leaves for it
    assert rise((30, 0, 0), (33, 150, 20)) is not None  # nobody is answered any more


# --- in the worker ----------------------------------------------------------------------------------------------------

PEOPLE = (Person("ann", "Ann", "floor", 1), Person("bo", "Bo", "floor", 2))


def settings(*sites: Site) -> Catalogue:
    return Catalogue(
        sites=sites or (Site("ash"),),
        queues=(QueueSettings(department="floor"),),
        departments=(Department("floor", "Floor"),),
        people=PEOPLE,
    )


def log(groups: dict[tuple[str, str, str], float], minutes: int = 25, seed: int = 1) -> list[bytes]:
    """Calls by (queue, channel, line), of which a share is abandoned after 15 s, the others answered after 8 s."""
    rng, out, later = random.Random(seed), list[bytes](), list[tuple[int, dict[str, Any]]]()
    n = 0
    for now in range(START, START + minutes * MINUTE, 5 * S):
        for (queue, channel, line), share in groups.items():
            if rng.random() < 0.5:
                n += 1
                call = {"source": "pbx", "queue": queue, "call": f"c{n}", "channel": channel, "line": line}
                kind, wait = ("call.abandoned", 15) if rng.random() < share else ("call.answered", 8)
                later.append((now, call | {"id": f"o{n}", "type": "call.offered", "ts": now}))
                over = now + wait * S
                later.append((over, call | {"id": f"e{n}", "type": kind, "ts": over}))
        out += [encode_event(event) for at, event in sorted(later, key=lambda e: (e[0], e[1]["id"])) if at <= now]
        later = [one for one in later if one[0] > now]
        out.append(clock_record(now, "replay"))
    return out


def outputs(settings_: Catalogue, values: list[bytes], cut: int = 0) -> list[dict[str, Any]]:
    """What the worker says; with *cut* it dies there and another goes on from its snapshot."""
    actor, out = PartitionActor(0, 1, settings_), []
    parts = [(0, len(values))] if not cut else [(0, cut), (cut, len(values))]
    for first, end in parts:
        if first:
            common = orjson.loads(orjson.dumps(actor.freeze_common()))
            kept, actor = actor.freeze(actor.kept()), PartitionActor(0, 1, settings_)
            actor.thaw(first, common, kept)
        for at in range(first, end, 500):
            batch = values[at : min(at + 500, end)]
            out += actor.apply(batch, range(at, at + len(batch))).records
    return [orjson.loads(r.value) | {"topic": r.topic} for r in out if r.topic in ("anomalies", "workorders")]


def starts(found: list[dict[str, Any]], rule: str) -> list[dict[str, Any]]:
    return [o for o in found if o["topic"] == "anomalies" and o["phase"] == "start" and o["rule"] == rule]


def orders(found: list[dict[str, Any]], queue: str) -> list[list[str]]:
    return [o["symptoms"] for o in found if o["topic"] == "workorders" and o["queue"] == queue]


def test_a_channel_served_worse_is_an_order_that_names_it() -> None:
    worse = log({("ash/bills", "voice", "other"): 0.03, ("ash/bills", "chat", "other"): 0.5})
    found = outputs(settings(), worse)
    (start,) = starts(found, "channel-apart")
    assert start["sentence"].startswith(
        "A channel served worse than the others at ash/bills over the last 30 minutes: channel chat lost "
    )
    assert "在线聊天" in start["zh"]
    assert any("channel-apart" in symptoms for symptoms in orders(found, "ash/bills"))
    assert outputs(settings(), worse, cut=len(worse) // 2) == found
    alike = log({("ash/bills", "voice", "other"): 0.1, ("ash/bills", "chat", "other"): 0.1})
    assert starts(outputs(settings(), alike), "channel-apart") == []


def test_a_business_line_served_worse() -> None:
    found = outputs(settings(), log({("ash/bills", "voice", "report"): 0.5, ("ash/bills", "voice", "enquiry"): 0.03}))
    (start,) = starts(found, "line-apart")
    assert "line report lost " in start["sentence"]
    assert "报案" in start["zh"]
    assert starts(found, "channel-apart") == []


def test_a_queue_of_a_site_and_a_site_of_a_region_served_worse() -> None:
    regions = settings(Site("ash", region="east"), Site("birch", region="east"))
    groups = {(f"ash/{name}", "voice", "other"): 0.03 for name in ("bills", "moves")}
    worse = groups | {("ash/news", "voice", "other"): 0.5}
    found = outputs(regions, log(worse))
    (start,) = starts(found, "member-apart")
    assert (start["queue"], start["severity"]) == ("ash/*", 4)
    assert "ash/news lost " in start["sentence"]
    assert orders(found, "ash/*") == []  # a trend note: its harm has its order in ash/news
    assert orders(found, "ash/news") != []
    assert starts(outputs(regions, log(groups | {("ash/news", "voice", "other"): 0.03})), "member-apart") == []
    sites = {("ash/bills", "voice", "other"): 0.5, ("birch/bills", "voice", "other"): 0.03}
    found = outputs(regions, log(sites))
    (start,) = starts(found, "member-apart")
    assert start["queue"] == "east/*"
    assert "ash/* lost " in start["sentence"]
    assert [s["queue"] for s in starts(outputs(settings(Site("ash"), Site("birch")), log(sites)), "member-apart")] == [
        "*"
    ]
