"""What a trained book finds, and what it leaves in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.habit.book import HabitBook, Planned
from alerts.habit.state import TALK
from alerts.habit.subjects import NOW, SUBJECTS, WINDOWS
from benchmarks.habit_weeks import DAY_MS, MONDAY_MS, Calls, Centre, Trouble, book_in_utc
from models.metric import figure
from tests.alerts.habit.conftest import BUSY, DAYS, World

#: The first of them may have to wait for kernels to be compiled.
pytestmark = pytest.mark.timeout(900)

HOUR = 720  # buckets
AT_NOW = WINDOWS.index(NOW)
IDS = [subject.id for subject in SUBJECTS]

Which = Callable[[Calls], NDArray[np.bool_]]


def only(calls: Calls, keep: NDArray[np.bool_]) -> Calls:
    return Calls(*(getattr(calls, field.name)[keep] for field in fields(calls)))


def of(queue: int, first_hour: float, last_hour: float = 24.0) -> Which:
    return lambda calls: (
        (calls.queue == queue) & (calls.bucket >= first_hour * HOUR) & (calls.bucket < last_hour * HOUR)
    )


def lost(which: Which, share: float) -> Trouble:
    """A *share* of the calls never comes."""
    return lambda day, calls, random: only(calls, ~(which(calls) & (random.random(len(calls.queue)) < share)))


def twice(which: Which) -> Trouble:
    """Each call comes twice."""

    def change(day: int, calls: Calls, random: np.random.Generator) -> Calls:
        again = only(calls, which(calls))  # each within five minutes of the first
        again.bucket = np.clip(again.bucket + random.integers(-60, 60, len(again.bucket)), 0, 17_279)
        return Calls(*(np.concatenate([getattr(calls, f.name), getattr(again, f.name)]) for f in fields(calls)))

    return change


def become(which: Which, field: str, share: float) -> Trouble:
    """A *share* of the calls is abandoned, blocked or left in the menu."""

    def change(day: int, calls: Calls, random: np.random.Generator) -> Calls:
        hit = which(calls) & (random.random(len(calls.queue)) < share)
        setattr(calls, field, np.where(hit, True, getattr(calls, field)))
        return calls

    return change


def longer(which: Which, field: str, factor: float, more: float = 0.0) -> Trouble:
    def change(day: int, calls: Calls, random: np.random.Generator) -> Calls:
        setattr(
            calls, field, np.where(which(calls), getattr(calls, field) * factor + more, getattr(calls, field))
        )  # fmt: skip
        return calls

    return change


def begun(world: World, days: int) -> list[tuple[float, int, str]]:
    """Alarms that begin in the next *days*: hours from now, queue, subject."""
    first_ms = MONDAY_MS + DAYS * DAY_MS
    on = np.zeros((len(BUSY), len(SUBJECTS)), bool)
    found = []
    for now_ms in world.centre.run(world.book, days):
        now = world.book.scores(world.centre.names)[:, :, AT_NOW]
        found += [
            ((now_ms - first_ms) / 3_600_000, int(q), IDS[n])
            for q, n in zip(*np.nonzero((now >= 1.0) & ~on), strict=True)
        ]
        on = (now >= 1.0) | (on & (now >= 0.5))
    return found


def test_an_ordinary_week_is_left_in_peace(world: World) -> None:
    assert len(begun(world, 7)) <= len(BUSY) // 2


#: Trouble from 11:00 to 13:00, what finds it, and within how many hours.
TROUBLES: list[tuple[int, Trouble, str, float]] = [
    (0, lost(of(0, 11, 13), 1.0), "offered_drop", 0.25),
    (1, twice(of(1, 11, 13)), "offered_surge", 0.8),
    (2, become(of(2, 11, 13), "abandoned", 0.18), "abandonment_unusual", 0.6),
    (3, become(of(3, 11, 13), "blocked", 0.3), "blocked_unusual", 0.4),
    (4, longer(of(4, 11, 13), "talk_ds", 2.0), "talk_unusual", 0.6),
    (6, become(of(6, 11, 13), "menu", 0.3), "menu_unusual", 0.5),
    (8, longer(of(8, 11, 13), "wait_ds", 1.0, 400.0), "service_unusual", 0.5),
    (9, longer(of(9, 11, 13), "wait_ds", 1.0, 400.0), "speed_unusual", 0.5),
]


def test_trouble_of_each_kind_is_found_soon(world: World) -> None:
    world.centre.troubles += [trouble for _, trouble, _, _ in TROUBLES]
    found = begun(world, 1)
    for queue, _, subject, hours in TROUBLES:
        first = min((at for at, q, s in found if (q, s) == (queue, subject) and at >= 11.0), default=99.0)
        assert first - 11.0 <= hours, (queue, subject, found)
    troubled = {queue for queue, _, _, _ in TROUBLES}
    assert len([one for one in found if one[1] not in troubled or one[0] < 11.0]) <= 2


def test_a_slide_of_a_seventh_is_found_in_hours_and_is_over_soon_after_it(world: World) -> None:
    world.centre.troubles.append(lost(of(5, 8, 17), 0.15))
    found = begun(world, 1)
    assert [s for _, q, s in found if q == 5] == ["offered_drop"]
    assert world.book.scores(["n/q5"])[0, IDS.index("offered_drop"), AT_NOW] != pytest.approx(1.5)


def test_a_level_shift_is_told_until_it_is_adopted(world: World) -> None:
    book, centre = world.book, world.centre
    centre.busy = centre.busy * np.where(np.arange(len(BUSY)) == 9, 2.0, 1.0)
    alarmed = False

    def may_learn(queue: str) -> bool:
        return not (alarmed and queue == "n/q9")

    surge = IDS.index("offered_surge")
    for now_ms in centre.run(book, 1, may_learn):
        hour = now_ms % DAY_MS / 3_600_000
        now = book.scores(["n/q9"])[0, surge, AT_NOW]
        alarmed |= bool(now >= 1.0)
        if hour == 13.0:
            assert now >= 1.0
            moved = book.adopt("n/q9")
            assert moved is not None
            assert moved["offered"] == pytest.approx(2.0, rel=0.1)
            assert "blocked" not in moved  # one or none in hours is no new level
        elif 13.0 < hour < 20.0:
            assert not now >= 1.0
    assert alarmed
    later = [one for one in begun(world, 1) if one[1] == 9 and one[2].startswith("offered")]
    assert later == []


def test_shares_and_times_are_adopted_too(world: World) -> None:
    book, centre = world.book, world.centre
    centre.troubles += [become(of(6, 0), "blocked", 0.2), longer(of(6, 0), "talk_ds", 1.5)]
    first = {s: book.band("n/q6", s, "30m") for s in ("blocked_unusual", "talk_unusual")}
    assert first == {"blocked_unusual": None, "talk_unusual": None}  # it is night
    for now_ms in centre.run(book, 1, lambda queue: queue != "n/q6"):
        if now_ms % DAY_MS == 13 * 3_600_000:
            before = book.band("n/q6", "blocked_unusual", "30m"), book.band("n/q6", "talk_unusual", "30m")
            moved = book.adopt("n/q6")
            after = book.band("n/q6", "blocked_unusual", "30m"), book.band("n/q6", "talk_unusual", "30m")
            break
    assert moved is not None
    assert moved["blocked"] > 10.0
    assert moved["talk_ms"] == pytest.approx(1.5, rel=0.15)
    assert before[0] is not None
    assert before[1] is not None
    assert after[0] is not None
    assert after[1] is not None
    assert before[0].expected == pytest.approx(0.005)
    assert {"blocked", "talk_ms"} <= set(moved) <= {"blocked", "talk_ms", "offered"}  # a fifth fewer were offered
    assert after[0].expected == pytest.approx(0.2, abs=0.05)
    assert after[1].expected == pytest.approx(before[1].expected * moved["talk_ms"], rel=0.01)


def test_a_plan_is_what_is_expected(world: World) -> None:
    book, centre = world.book, world.centre
    planned = Planned(20.0, 20.0)
    figures = None
    for now_ms in centre.run(_Planned(book, "n/q9", planned), 1):
        if now_ms % DAY_MS == 11 * 3_600_000:
            figures = centre.figures
            break
    assert figures is not None
    assert figures[9, figure("offered_expected", "30m")] == pytest.approx(20.0 * 1795 / 1800)
    assert figures[9, figure("offered_surge", "now")] > 1.0  # 150 calls came
    assert figures[6, figure("offered_surge", "now")] < 1.0
    assert figures[6, figure("offered_expected", "30m")] == pytest.approx(95.0, rel=0.2)


def test_a_planned_talk_time_is_what_is_expected(world: World) -> None:
    """By habit the talk of a busy queue is as usual; by a plan of half of it, it is too long."""
    book, centre = world.book, world.centre
    row, before, after = book._row_of["n/q5"], None, None
    usual_ms = float(book._made.norm[row, TALK, 1]) * 100.0
    planned = Planned(None, None, usual_ms / 2.0, usual_ms / 2.0)
    for now_ms in centre.run(_Planned(book, "n/q5", planned), 1):
        if now_ms % DAY_MS == 11 * 3_600_000:
            before = centre.figures.copy()
            break
    assert before is not None
    expected, score = figure("talk_expected_ms", "30m"), figure("talk_unusual", "now")
    assert before[5, expected] == pytest.approx(usual_ms / 2.0)
    assert before[5, score] > 1.0
    assert before[9, score] < 1.0
    band = book.band("n/q5", "talk_unusual", "30m")
    assert band is not None
    assert band.expected == pytest.approx(usual_ms / 2.0)
    kept = book.snapshot("n/q5")
    again = book_in_utc()
    again.restore("n/q5", kept)
    again.thaw(book.common())
    after = before.copy()
    after[:, expected] = np.nan
    again.fill(after, centre.names)  # as it was judged last, before the plan is asked again
    assert after[5, expected] == before[5, expected]
    for now_ms in centre.run(book, 1):  # no plan any more: from noon on habit says it
        if now_ms % DAY_MS == 12 * 3_600_000:
            assert centre.figures[5, expected] == pytest.approx(usual_ms, rel=0.2)
            assert centre.figures[5, figure("talk_unusual", "30m")] < 1.0  # "now" knows of the half-hours before yet
            break


class _Planned(HabitBook):
    """A book whose *queue* has a plan."""

    def __init__(self, book: HabitBook, queue: str, planned: Planned) -> None:
        self.__dict__ = book.__dict__
        self._plan = (queue, planned)

    def clock(self, now_ms, figures, names, *, may_learn, rates=None, special=None):  # type: ignore[no-untyped-def]
        return super().clock(
            now_ms, figures, names, may_learn=may_learn, rates=lambda q: self._plan[1] if q == self._plan[0] else None
        )


def test_calls_since_a_resolve_are_held_against_what_was_to_come_since_then(world: World) -> None:
    book, centre = world.book, world.centre
    for now_ms in centre.run(book, 1):
        hour = now_ms % DAY_MS / 3_600_000
        if hour == 10.0:
            book.begin_since("n/q9", now_ms)
            assert np.isnan(book.scores(["n/q8"])[0, 0, WINDOWS.index("resolve")])
        if hour == 11.5:
            band = book.band("n/q9", "offered_drop", "resolve")
            assert band is not None
            assert band.expected == pytest.approx(420.0, rel=0.12)
            assert 200.0 < band.lower < 400.0
            # the figures of this centre have the last half-hour in their window "resolve"
            assert book.scores(["n/q9"])[0, 1, WINDOWS.index("resolve")] > 1.0
            book.end_since("n/q9")
        if hour == 11.6:
            assert np.isnan(book.scores(["n/q9"])[0, 1, WINDOWS.index("resolve")])
            break


def test_a_band_begins_where_alarms_do(world: World) -> None:
    centre: Centre = world.centre
    centre.troubles += [twice(of(9, 10)), lost(of(6, 10), 0.5), become(of(5, 10), "abandoned", 0.15)]
    told = 0
    for now_ms in centre.run(world.book, 1):
        if not 10.2 < now_ms % DAY_MS / 3_600_000 < 12.0 or now_ms // 60_000 % 7:
            continue
        for queue, subject, metric in (
            (9, "offered_surge", "offered"),
            (6, "offered_drop", "offered"),
            (5, "abandonment_unusual", "abandonment_rate"),
            (4, "service_unusual", "service_level_live"),
            (4, "talk_unusual", "talk_ms"),
        ):
            band = world.book.band(f"n/q{queue}", subject, "15m")
            score = world.book.scores([f"n/q{queue}"])[0, IDS.index(subject), WINDOWS.index("15m")]
            if band is None:
                assert np.isnan(score)
                continue
            value = centre.figures[queue, figure(metric, "15m")]
            if metric == "abandonment_rate":  # the centre writes what it is made of
                value = centre.figures[queue, figure("abandoned", "15m")]
                value /= centre.figures[queue, figure("outcomes", "15m")]
            step = 99.0 if metric == "talk_ms" else 1e-9  # times are searched by tenths of a second
            assert (score >= 1.0) == (not band.lower - 1e-9 <= value <= band.upper + step), (
                subject,
                score,
                value,
                band,
            )
            told += score >= 1.0
    assert told >= 10
