"""The week is the local one: habits move with the clocks, and a holiday is a Sunday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.detect.season import Calendar
from alerts.habit.book import HabitBook
from alerts.habit.columns import COMPLETE, OPEN, read_columns
from alerts.habit.state import ARRIVALS, OFFERED, SUMS
from alerts.habit.subjects import NOW, SUBJECTS, WINDOWS
from benchmarks.habit_weeks import fill
from models.metric import FIGURES, figure

#: The first of them may have to wait for kernels to be compiled.
pytestmark = pytest.mark.timeout(900)

ZONE = "Europe/Berlin"
AT_NOW = WINDOWS.index(NOW)
SURGE, DROP = (next(n for n, s in enumerate(SUBJECTS) if s.id == word) for word in ("offered_surge", "offered_drop"))


def calls(first: date, days: int, holiday: date | None) -> tuple[int, NDArray[np.float64]]:
    """Calls up to each minute from local midnight of *first* on: four a minute from 9 to 17, a tenth at other times
    and on Sundays, and on the *holiday*."""
    begin = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    minutes = [(begin + timedelta(minutes=n)).astimezone(ZoneInfo(ZONE)) for n in range(days * 1440)]
    busy = [9 <= at.hour < 17 and at.weekday() != 6 and at.date() != holiday for at in minutes]
    return int(begin.timestamp()) * 1000, np.concatenate([[0.0], np.cumsum(np.where(busy, 8.0, 0.8))])


def lived(book: HabitBook, names: list[str], first: date, days: int, judged: date, holiday: date | None) -> set[str]:
    """Which of *names* alarm from local *judged* on, over *days* from *first* on."""
    begin_ms, total = calls(first, days, holiday)
    read, figures = read_columns(), np.full((len(names), len(FIGURES)), np.nan)
    figures[:, OPEN] = figures[:, COMPLETE] = 1.0
    sums, found = np.zeros((len(names), SUMS)), set[str]()
    for minute in range(30, days * 1440):
        for w, width in enumerate((1, 5, 15, 30, 30)):
            count = total[minute] - total[minute - width]
            sums[:, OFFERED] = sums[:, ARRIVALS] = round(count - (total[minute] - total[minute - 1]) / 12)
            fill(figures, read[w], sums.astype(np.int64))
        now_ms = begin_ms + minute * 60_000
        book.clock(now_ms, figures, names, may_learn=lambda _: True)
        if datetime.fromtimestamp(now_ms / 1000, ZoneInfo(ZONE)).date() >= judged:
            scores = book.scores(names)[:, [SURGE, DROP], AT_NOW]
            found |= {names[n] for n in np.flatnonzero((scores >= 1.0).any(axis=1))}
    assert np.isfinite(figures[:, figure("offered_expected", "30m")]).all()
    return found


@pytest.mark.parametrize("sunday", [date(2025, 3, 30), date(2025, 10, 26)])
def test_habits_move_with_the_clocks_and_holidays_are_sundays(sunday: date) -> None:
    holiday = sunday + timedelta(days=2)
    calendars = {
        "local": Calendar(ZONE, frozenset({holiday.isoformat()})),
        "utc": Calendar("UTC", frozenset({holiday.isoformat()})),
        "workday": Calendar(ZONE),
    }
    book = HabitBook(lambda queue: calendars[queue])
    first = sunday - timedelta(days=13)
    assert lived(book, list(calendars), first, 17, sunday, holiday) == {"utc", "workday"}


def test_days_of_the_change_have_46_and_50_half_hours() -> None:
    calendar = Calendar(ZONE)
    for day, count in ((date(2025, 3, 30), 46), (date(2025, 10, 26), 50), (date(2025, 3, 29), 48)):
        begin_ms, _ = calls(day, 1, None)
        slots = [calendar.place(begin_ms + n * 1_800_000).slot for n in range(count + 1)]
        assert slots[0] % 48 == 0
        assert slots[-1] % 48 == 0
        assert len(set(slots[:-1])) == min(count, 48)
