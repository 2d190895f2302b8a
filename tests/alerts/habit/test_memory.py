"""What is remembered: a restored book goes on as one that never stopped; what teaches and what does not."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.habit.book import HabitBook
from alerts.habit.state import CLEAN, HELD, MARK, MARKS, MEAN, ROWS, SEEN
from benchmarks.habit_weeks import DAY_MS, MONDAY_MS, Centre, book_in_utc
from tests.alerts.habit.conftest import DAYS, World

#: The first of them may have to wait for kernels to be compiled.
pytestmark = pytest.mark.timeout(900)

FIRST_MS = MONDAY_MS + DAYS * DAY_MS
FIRST = date(2025, 1, 6) + timedelta(days=DAYS)
HOUR_MS = 3_600_000


def moved_on(book: HabitBook, names: list[str]) -> HabitBook:
    """Another book with what *book* remembers, restored in another order."""
    again = book_in_utc()
    for name in reversed(names):
        again.restore(name, book.snapshot(name))
    again.thaw(book.common())
    return again


def commanded(book: HabitBook, at: int, now_ms: int) -> None:
    """What people do in between."""
    today = FIRST + timedelta(days=(now_ms - FIRST_MS) // DAY_MS)
    if at == 100:
        book.begin_since("n/q5", now_ms)
    elif at == 200:
        book.adopt("n/q6")
    elif at == 300:
        book.mark_odd("n/q7", today)
    elif at == 400:
        book.mark_odd("n/q8", today - timedelta(days=1))
    elif at == 500:
        book.end_since("n/q5")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_book_restored_anywhere_goes_on_as_one_that_never_stopped(seen: World, data: st.DataObject) -> None:
    world = deepcopy(seen)
    cuts = data.draw(st.sets(st.integers(0, 700), min_size=1, max_size=12), label="cuts")
    step = data.draw(st.sampled_from([10, 12]), label="step")
    world.centre.step = step
    names = world.centre.names
    other = moved_on(world.book, names)
    for at, now_ms in enumerate(world.centre.run(world.book, 1)):
        figures = world.centre.figures.copy()
        blank = figures.copy()
        if at in cuts:
            other = moved_on(other, names)
            other.fill(blank, names)  # what was judged before it stopped
        other.clock(now_ms, blank, names, may_learn=lambda _: True)
        assert np.array_equal(figures, blank, equal_nan=True), at
        commanded(world.book, at, now_ms)
        commanded(other, at, now_ms)
        if at in cuts or at % 350 == 0:
            assert [world.book.snapshot(name) for name in names] == [other.snapshot(name) for name in names]
        if at >= 710:
            break


def test_clocks_within_a_bucket_write_what_was_judged_in_it(world: World) -> None:
    book, names = world.book, world.centre.names
    for now_ms in world.centre.run(book, 1):
        if now_ms % DAY_MS == 11 * HOUR_MS:
            break
    judged = world.centre.figures.copy()
    figures = np.full_like(judged, np.nan)
    assert not book.clock(now_ms + 4_900, figures, names, may_learn=lambda _: True)
    written = ~np.isnan(figures)
    assert written.any()
    assert np.array_equal(figures[written], judged[written])
    restored = moved_on(book, names)
    again = np.full_like(judged, np.nan)
    restored.fill(again, names)
    assert np.array_equal(again, figures, equal_nan=True)


def test_only_queues_whose_snapshot_changed_are_said_to_have_changed(world: World) -> None:
    book, names = world.book, world.centre.names
    before: dict[str, bytes] = {}
    for now_ms in world.centre.run(book, 1):
        changed = {name for name in names if before and before[name] != book.snapshot(name)}
        assert changed <= book.changed
        assert not before or book.changed <= changed | {n for n in names if now_ms % 1_800_000 == 0}
        book.changed.clear()
        before = {name: book.snapshot(name) for name in names}
        if now_ms % DAY_MS >= 10 * HOUR_MS:
            break


def test_a_snapshot_has_a_bound_and_another_is_refused(world: World) -> None:
    assert 0 < len(world.book.snapshot("n/q5")) <= 16_384
    assert world.book.snapshot("n/none") == b""
    for data in (b"x", world.book.snapshot("n/q5")[:-1], b"callwatch-habit-0\n"):
        with pytest.raises(ValueError, match="no snapshot"):
            world.book.restore("n/q5", data)


def rows(book: HabitBook, queue: str) -> int:
    """Half-hours in the diary of *queue*."""
    state = book._state.whole[book._row_of[queue]]
    return int(state[ROWS] + state[ROWS + 1])


def a_day(world: World, may_learn: Any = None, first: float = 0.0, last: float = 24.0) -> None:
    """A day goes by, of which the clocks from *first* to *last* o'clock are seen."""
    centre, book = world.centre, world.book
    clock = book.clock

    def seen(now_ms: int, *args: Any, **options: Any) -> bool:
        hour = now_ms % DAY_MS / HOUR_MS
        return clock(now_ms, *args, **options) if first <= hour < last else False

    book.clock = seen  # type: ignore[method-assign]
    for _ in centre.run(book, 1, may_learn):
        pass
    book.clock = clock  # type: ignore[method-assign]


def test_a_whole_day_is_in_the_diary_and_the_norm_follows_a_day_later(world: World) -> None:
    week = world.book._state.week
    a_day(world)
    assert rows(world.book, "n/q5") == 48  # today and yesterday, twelve hours each
    before = week[world.book._row_of["n/q5"], :, SEEN].copy()
    a_day(world)
    after = week[world.book._row_of["n/q5"], :, SEEN]
    day = (DAYS % 7 - 1) * 48  # the day before the first of these two
    grown = np.flatnonzero(after[:336] > before[:336])
    assert grown.tolist() == list(range(day + 16, day + 40))


def test_a_half_hour_in_which_learning_was_once_forbidden_teaches_nothing(world: World) -> None:
    asked = 0

    def may_learn(queue: str) -> bool:
        nonlocal asked
        asked += queue == "n/q5"
        return not (queue == "n/q5" and asked == 200)

    a_day(world, may_learn)
    assert rows(world.book, "n/q5") == 47
    assert rows(world.book, "n/q6") == 48


def test_a_boundary_that_is_seen_late_teaches_nothing(world: World) -> None:
    before = rows(world.book, "n/q5")
    a_day(world, first=9.99, last=10.7)
    # yesterday's stay, the day before is learned; 10:00 to 10:30 is the only half-hour seen in whole
    assert rows(world.book, "n/q5") == before - 24 + 1


def test_an_odd_day_teaches_nothing_whenever_it_is_said(world: World) -> None:
    book = world.book
    yesterday, today, tomorrow = (FIRST + timedelta(days=n) for n in (-1, 0, 1))
    a_day(world)
    assert not book.mark_odd("n/q5", yesterday - timedelta(days=1))  # learned
    assert not book.mark_odd("n/none", today)
    assert book.mark_odd("n/q5", yesterday)
    assert rows(book, "n/q5") == 24
    assert book.mark_odd("n/q5", today)
    assert rows(book, "n/q5") == 0
    assert book.mark_odd("n/q5", tomorrow)
    before = book._state.week[book._row_of["n/q5"]].copy()
    a_day(world)
    assert rows(book, "n/q5") == 0
    a_day(world)
    assert rows(book, "n/q5") == 24
    assert np.array_equal(book._state.week[book._row_of["n/q5"]], before)
    assert not np.array_equal(book._state.week[book._row_of["n/q6"]], before)
    later = [tomorrow + timedelta(days=n) for n in range(10, 20)]
    assert all(book.mark_odd("n/q5", day) for day in later)
    marks = book._state.whole[book._row_of["n/q5"], MARK : MARK + MARKS].tolist()
    assert marks == [day.toordinal() for day in later[2:]]  # as many as there is room for


def test_what_was_learned_is_carried_elsewhere(world: World) -> None:
    told = world.book.learned("n/q5")
    assert told["half_hours"] > 300
    assert world.book.learned("n/none") == {}
    other = book_in_utc()
    other.teach("n/q5", told)
    assert other.learned("n/q5") == told
    week = other._state.week[0]
    assert week[2 * 48 + 22, MEAN] == pytest.approx(590.0, rel=0.1)
    for damage in ({"version": 2}, {"data": "no"}, {"data": told["data"][:-9]}, {"data": 7}):
        with pytest.raises(ValueError, match="habit"):
            other.teach("n/q5", told | damage)


def test_what_is_carried_is_judged_by_at_once(world: World) -> None:
    other, centre = book_in_utc(), world.centre
    for name in centre.names:
        other.teach(name, world.book.learned(name))
    for now_ms in centre.run(other, 1):
        if now_ms % DAY_MS == 11 * HOUR_MS:
            break
    assert not np.isnan(other.scores(["n/q5"])[0, 0, :4]).any()
    assert other.scores(["n/q5"])[0, 0, 5] < 1.0


def test_a_queue_that_is_closed_or_of_which_data_lacks_is_not_judged() -> None:
    centre, book = Centre(np.array([200.0]), step=12), book_in_utc()
    for now_ms in centre.run(book, 4):
        if now_ms % DAY_MS < 8 * HOUR_MS:
            assert np.isnan(book.scores(["n/q0"])).all()
    state = book._state.whole[0]
    assert state[HELD] == 0
    assert state[CLEAN] == 0
    for now_ms in centre.run(book, 1):
        if now_ms % DAY_MS == 9 * HOUR_MS:
            break
    assert not np.isnan(book.scores(["n/q0"])[0, 0, 5])
    figures = centre.figures
    from alerts.habit.columns import COMPLETE

    figures[:, COMPLETE] = 0.0
    book.clock(now_ms + 5_000, figures, centre.names, may_learn=lambda _: True)
    assert np.isnan(book.scores(["n/q0"])).all()
    figures[:, COMPLETE] = 1.0
    for n in range(2, 20):
        book.clock(now_ms + n * 5_000, figures, centre.names, may_learn=lambda _: True)
    scores = book.scores(["n/q0"])[0, 0]
    assert not np.isnan(scores[0])  # a minute of whole data
    assert np.isnan(scores[3])
