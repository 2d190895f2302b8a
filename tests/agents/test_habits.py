"""What is usual, in a whole partition: weeks of a queue, learned, judged, kept, carried over, decided on by people."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from agents.actor import PartitionActor
from models.catalogue import Rule
from models.habit_record import habit_record
from models.topics import ANOMALIES, DEAD_LETTERS
from tests.agents.weeks import (
    CATALOGUE,
    DAY,
    HOUR,
    MIN,
    MONDAY,
    QUEUE,
    Weeks,
    bad_lunch,
    day_of,
    usual_calls,
)

#: Three weeks of ordinary days.
LEARNED = 21


@pytest.fixture(scope="module")
def three_weeks() -> Weeks:
    """A partition that has lived through three ordinary weeks; tests go on from a restart."""
    return Weeks().live(range(LEARNED))


def more(day: int, minute: int) -> float:
    return usual_calls(day, minute) * 2.2


def hole(day: int, minute: int) -> float:
    """From twelve to one nobody gets through."""
    return 0.0 if 12 * 60 <= minute < 13 * 60 else usual_calls(day, minute)


def until(world: Weeks, day: list[tuple[int, bytes]], at_ms: int) -> list[tuple[int, bytes]]:
    """Live through *day* up to *at_ms*; the rest of it."""
    world.apply([value for ts, value in day if ts <= at_ms])
    return [(ts, value) for ts, value in day if ts > at_ms]


def test_ordinary_weeks_raise_nothing(three_weeks: Weeks) -> None:
    assert three_weeks.raised(range(LEARNED)) == []
    assert three_weeks.actor.live.value(QUEUE, "offered_expected", "30m") is None  # closed
    assert three_weeks.notes(range(LEARNED)) == []


def test_a_lunch_that_is_bad_every_day_is_told_once_a_day_and_opens_nothing() -> None:
    world = Weeks().live(range(LEARNED), waits=bad_lunch)
    assert len(world.raised(range(5))) >= 2  # nothing was known yet: the limit speaks
    assert len(world.raised(range(14, LEARNED))) <= 1  # a week of one queue: what the alarm budget allows
    notes = world.notes(range(14, LEARNED))
    assert len({note["at_ms"] // DAY for note in notes}) == len(notes) == 5
    assert notes[-1]["note"]["state"] == "over"
    assert notes[-1]["severity"] == 4
    assert notes[-1]["text"].startswith("Below its limit as usual: Live service level of north/billing is ")
    assert "usual for Friday 12:00 is" in notes[-1]["text"]
    assert "低于限值,属常态" in notes[-1]["zh"]
    assert world.actor.judgement.tile(QUEUE) == "ok"  # by now it is over


def test_a_bad_lunch_where_it_is_good_opens_an_order(three_weeks: Weeks) -> None:
    world = three_weeks.restarted().live(range(LEARNED, LEARNED + 1), waits=bad_lunch)
    raised = world.raised(range(LEARNED, LEARNED + 1))
    assert [entry["data"]["rule"] for entry in raised] in (["service-unusual"], ["service-level"])
    assert MONDAY + LEARNED * DAY + 12 * HOUR < raised[0]["at_ms"] < MONDAY + LEARNED * DAY + 12 * HOUR + 20 * MIN


def test_a_new_level_raises_one_order_that_one_command_adopts(three_weeks: Weeks) -> None:
    world = three_weeks.restarted().live(range(LEARNED, LEARNED + 2), calls=more)
    first, *others = world.raised(range(LEARNED, LEARNED + 2))
    assert (first["data"]["rule"], others) == ("offered-surge", [])
    assert first["why"].startswith("Offered of north/billing: ")
    assert "usual for Monday 10:00 is 2" in first["why"]
    noon = MONDAY + (LEARNED + 2) * DAY + 12 * HOUR
    rest = until(world, day_of(LEARNED + 2, more), noon)
    world.tell("adopt", first["order"], noon)
    world.tell("adopt", first["order"], noon + 1, text="a new product")
    until(world, rest, noon + DAY)
    asked = [e for e in world.said("workorder-log") if e["event"] == "adopt"]
    assert [(e["decision"], e["data"].get("reason")) for e in asked] == [("refused", "needs_text"), ("adopted", None)]
    assert asked[1]["data"]["offered"] == pytest.approx(2.2, rel=0.15)
    ends = [a for a in world.said(ANOMALIES) if a["rule"] == "offered-surge" and a["phase"] == "end"]
    assert ends[-1]["at_ms"] <= noon + 3 * MIN
    assert {e["order"] for e in world.said("workorder-log", "closed")} == {first["order"]}
    world.live(range(LEARNED + 3, LEARNED + 5), calls=more)
    assert world.raised(range(LEARNED + 2, LEARNED + 5)) == []


def test_adopt_is_about_what_is_unusual(three_weeks: Weeks) -> None:
    world, day = three_weeks.restarted(), LEARNED
    noon = MONDAY + day * DAY + 12 * HOUR
    until(world, day_of(day), noon)
    report = {"kind": "complaint", "text": "echo on the line", "severity": 3, "verify": "probe"}
    world.tell("report", "-", noon, **report)
    order = world.raised(range(day, day + 1))[0]["order"]
    world.tell("adopt", order, noon + 1, text="no")
    assert [e["data"]["reason"] for e in world.said("workorder-log", "refused")] == ["nothing_unusual"]


@pytest.mark.parametrize("solved", [True, False])
def test_an_order_of_calls_that_stay_away_is_proven_by_the_calls_that_come(three_weeks: Weeks, solved: bool) -> None:
    world, noon = three_weeks.restarted(), MONDAY + LEARNED * DAY + 12 * HOUR
    back = noon + 40 * MIN

    def calls(day: int, minute: int) -> float:
        away = 12 * 60 <= minute < (12 * 60 + 42 if solved else 14 * 60)
        return (0.0 if solved or minute < 12 * 60 + 40 else 3.0) if away else usual_calls(day, minute)

    rest = until(world, day_of(LEARNED, calls), back)
    opened = [e for e in world.said("workorder-log", "raised") if e["at_ms"] > noon]
    assert [e["data"]["rule"] for e in opened] == ["offered-drop"]
    assert opened[0]["at_ms"] < noon + 20 * MIN
    order = opened[0]["order"]
    world.tell("acknowledge", order, back)
    world.tell("analyse", order, back + 1)
    rest = until(world, rest, back + 4 * MIN)
    world.tell("resolve", order, back + 4 * MIN, cause="trunk", measure="the carrier has switched")
    until(world, rest, noon + 2 * HOUR)
    log = [(e["event"], e["decision"]) for e in world.said("workorder-log") if e["order"] == order]
    assert ("resolve", "moved") in log
    assert (("verified", "closed") in log) == solved
    assert (("failed", "reopened") in log) == (not solved)
    assert world.raised(range(LEARNED, LEARNED + 1)) == opened  # calls from before it raise nothing again


@pytest.mark.parametrize("bad", [True, False])
def test_a_half_hour_below_its_limit_although_the_day_meets_it(bad: bool) -> None:
    rule = Rule("half-hour", "service_level", "30m", 0.6, 0.8, below=True, severity=2, min_sample=10, hold_ms=0)
    world, at = Weeks(replace(CATALOGUE, rules=(rule,))), MONDAY + 13 * HOUR

    def waits(minute: int, chance: float) -> int:
        return 60_000 if bad and 12 * 60 <= minute < 12 * 60 + 30 and chance < 0.7 else 3_000

    until(world, day_of(0, waits=waits), at)
    day = world.actor.live.value(QUEUE, "service_level", "day")
    assert day is not None
    assert day > 0.8
    started = [a for a in world.said(ANOMALIES) if a["phase"] == "start"]
    assert [a["rule"] for a in started] == (["half-hour"] if bad else [])
    assert len(world.raised(range(1))) == bad


def test_a_restart_anywhere_changes_nothing(three_weeks: Weeks) -> None:
    day = [value for _, value in day_of(LEARNED, hole)]
    straight = three_weeks.restarted()
    whole = straight.apply(day)
    end = straight.actor.freeze(straight.actor.kept())
    for cut in (len(day) // 3, len(day) // 2, len(day) // 2 + 1, len(day) - 20):
        world = three_weeks.restarted()
        first = world.apply(day[:cut])
        world = world.restarted()
        assert first + world.apply(day[cut:]) == whole
        assert world.actor.freeze(world.actor.kept()) == end
    assert any(record.topic == ANOMALIES for record in whole)


def test_an_open_order_teaches_nothing(three_weeks: Weeks) -> None:
    world = three_weeks.restarted()
    before = world.actor.habits.learned(QUEUE)
    world.live(range(LEARNED, LEARNED + 2), calls=more)
    noon = (LEARNED + 2) * DAY + MONDAY + 12 * HOUR
    until(world, day_of(LEARNED + 2, more), noon)
    ordinary = three_weeks.restarted().live(range(LEARNED, LEARNED + 2))
    until(ordinary, day_of(LEARNED + 2), noon)
    now = {name: w.actor.live.value(QUEUE, "offered_expected", "30m") for name, w in
           (("open", world), ("ordinary", ordinary))}  # fmt: skip
    assert now["open"] == pytest.approx(now["ordinary"], rel=0.1)
    assert before != ordinary.actor.habits.learned(QUEUE)


def test_a_day_marked_odd_teaches_nothing(three_weeks: Weeks) -> None:
    def busy(day: int, minute: int) -> float:
        return usual_calls(day, minute) * 1.3

    def after(mark: bool) -> float:
        world = three_weeks.restarted()
        for day in range(LEARNED, LEARNED + 4):
            world.live(range(day, day + 1), calls=busy)
            if mark:
                date = f"2026-03-{2 + day:02}"
                world.tell("mark_odd", "-", MONDAY + day * DAY + 15 * HOUR, day=date, text="fair")
        until(world, day_of(LEARNED + 4, busy), MONDAY + (LEARNED + 4) * DAY + 12 * HOUR)
        told = [a["text"] for a in world.said("alerts") if a["kind"] == "floor"]
        assert told == ([f"2026-03-{2 + d:02} is odd and teaches nothing: fair" for d in range(21, 25)] if mark else [])
        return world.actor.live.value(QUEUE, "offered_expected", "30m") or 0.0

    assert after(mark=True) < after(mark=False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"day": "", "text": "fair"}, "needs_day"),
        ({"day": "2026-03-20", "text": " "}, "needs_text"),
        ({"day": "last Monday", "text": "fair"}, "not_a_day"),
        ({"day": "2026-03-02", "text": "fair"}, "day_is_learned"),
        ({"day": "2026-09-01", "text": "fair"}, "begins_too_late"),
    ],
)
def test_what_cannot_be_marked_odd(three_weeks: Weeks, fields: dict[str, str], reason: str) -> None:
    world = three_weeks.restarted()
    world.tell("mark_odd", "-", MONDAY + 20 * DAY, **fields)
    refused = [a["text"] for a in world.said("alerts") if a["kind"] == "refused"]
    assert len(refused) == 1
    assert f"({reason})" in refused[0]


def learned(world: Weeks, ident: str = "1") -> bytes:
    return habit_record(QUEUE, world.actor.habits.learned(QUEUE), id=ident, source="learn", ts_ms=MONDAY)


def expected(world: Weeks) -> float | None:
    return world.actor.live.value(QUEUE, "offered_expected", "30m")


def test_what_was_learned_elsewhere_holds_from_where_it_lies(three_weeks: Weeks) -> None:
    world, noon = Weeks(), MONDAY + 28 * DAY + 12 * HOUR
    world.apply([learned(three_weeks)])
    until(world, day_of(28), noon)
    assert expected(world) == pytest.approx(40, rel=0.15)
    new = Weeks()
    until(new, day_of(28), noon)
    assert expected(new) is None
    before = world.actor.habits.learned(QUEUE)
    world = world.restarted()
    world.apply([learned(three_weeks)])  # the same telling once more
    assert world.actor.habits.learned(QUEUE) == before


def test_a_malformed_one_is_refused_by_name() -> None:
    world = Weeks()
    good = {"id": "1", "source": "learn", "type": "habit.learned", "ts": MONDAY, "queue": QUEUE}
    bad = [good | {"learned": body, "id": str(n)} for n, body in enumerate((None, {}, {"version": 99}, {"version": 1}))]
    bad.append(good | {"id": "9", "queue": "north/*", "learned": {"version": 1}})
    world.apply([orjson.dumps(record) for record in bad])
    assert [letter["reason"] for letter in world.said(DEAD_LETTERS)] == ["bad_habit"] * 5
    assert not world.actor.habits.learned(QUEUE)


@pytest.fixture
def old() -> dict[str, bytes]:
    """Snapshots of a partition from before habits were kept."""
    actor = PartitionActor(0, 1, CATALOGUE)
    day = [value for _, value in day_of(0)]
    actor.apply(list(day[:300]), range(300))
    out = {}
    for name, data in actor.freeze(actor.kept()).items():
        out[name] = data
        if name == QUEUE:
            length, _, rest = data.partition(b"\n")
            head, body = orjson.loads(rest[: int(length)]), rest[int(length) :]
            body = body[head.pop("habit", 0) :]
            out[name] = b"%d\n%b%b" % (len(orjson.dumps(head)), orjson.dumps(head), body)
    return out


def test_snapshots_from_before_habits_are_read(old: dict[str, bytes]) -> None:
    actor = PartitionActor(0, 1, CATALOGUE)
    common = actor.freeze_common()
    common.pop("habits")
    actor.thaw(300, common, old)
    assert actor.habits.snapshot(QUEUE) == b""
