"""The slow twin of the rota: it walks the minutes of a wall clock and asks each shift whether it is on.

Shifts begin and end on quarters of an hour here, and clocks jump on them: a walk in steps of five minutes misses none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from models.catalogue import (
    Catalogue,
    Department,
    Duty,
    Holidays,
    OnHoliday,
    Person,
    QueueSettings,
    Shift,
    Site,
    Substitution,
)

MIN = 60_000
DAY_MIN = 1440
STEP = 5
WEEK = frozenset(range(7))
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Shanghai", "UTC"]
#: Days of 2026 on which one of these clocks jumps, and an ordinary one.
DAYS = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1),
        date(2026, 6, 30)]  # fmt: skip


def minute_of(day: date) -> int:
    """Minutes since 1970 of midnight UTC of *day*."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 60


@cache
def walls(zone: str, day: date) -> tuple[int, list[int]]:
    """What the clock of *zone* has shown at most by each minute of nine days, the fifth of them *day*, in UTC.

    Times of a wall clock as minutes of its days, every `STEP` minutes from the first number on.
    """
    begin, shown, found = minute_of(day - timedelta(days=4)), 0, []
    place = ZoneInfo(zone)
    for minute in range(begin, begin + 9 * DAY_MIN, STEP):
        at = datetime.fromtimestamp(minute * 60, place)
        shown = max(shown, at.toordinal() * DAY_MIN + at.hour * 60 + at.minute)
        found.append(shown)
    return begin, found


class Twin:
    """A catalogue walked minute by minute through the days around *day*. Minutes count from 1970."""

    def __init__(self, catalogue: Catalogue, day: date) -> None:
        self.catalogue, self.day = catalogue, day
        self.begin = minute_of(day)

    def wall(self, zone: str, minute: int) -> int:
        begin, shown = walls(zone, self.day)
        return shown[(minute - begin) // STEP]

    def is_on(self, zone: str, hours: tuple[Duty, ...], minute: int, held: date) -> bool:
        start, wall = held.toordinal() * DAY_MIN, self.wall(zone, minute)
        return any(held.weekday() in d.days and start + d.starts_min <= wall < start + d.ends_min for d in hours)

    def held_on(self, shift: Shift, held: date) -> bool:
        if shift.first_day and held < shift.first_day:
            return False
        if shift.last_day and held > shift.last_day:
            return False
        dates = [calendar.dates for calendar in self.catalogue.holidays if calendar.name == shift.holidays]
        if not dates:
            return True
        return (held in dates[0]) == (shift.on_holidays == OnHoliday.ONLY)

    def days(self, zone: str, minute: int) -> list[date]:
        today = date.fromordinal(self.wall(zone, minute) // DAY_MIN)
        return [today - timedelta(days=n) for n in range(3)]

    def by(self, person: str, held: date, shift: str) -> str:
        """Whoever does it on *held*: steps from one to the next, as long as there is one."""
        for _ in self.catalogue.people:
            for one in self.catalogue.substitutions:
                if one.person == person and one.first_day <= held <= one.last_day and one.shift in ("", shift):
                    person = one.by
                    break
            else:
                break
        return person

    def seated(self, seat: tuple[str, ...], shift: Shift, held: date) -> str:
        anchor = shift.turns_from or shift.first_day or date(1970, 1, 5)
        weeks = 0
        while (anchor - timedelta(anchor.weekday())) + timedelta(weeks=weeks + 1) <= held:
            weeks += 1
        while (anchor - timedelta(anchor.weekday())) + timedelta(weeks=weeks) > held:
            weeks -= 1
        return self.by(seat[(weeks // shift.turn_weeks) % len(seat)], held, shift.name)

    def on(self, minute: int) -> list[tuple[str, str, list[str]]]:
        """(shift, lead, all on it) of each shift that is on."""
        found = []
        for shift in self.catalogue.shifts:
            for held in self.days(shift.zone, minute):
                if self.held_on(shift, held) and self.is_on(shift.zone, shift.hours, minute, held):
                    seats = [self.seated(seat, shift, held) for seat in (shift.lead, *shift.people) if seat]
                    found.append((shift.name, seats[0] if shift.lead else "", seats))
        return found

    def on_duty(self, person: str, minute: int) -> bool:
        if any(person in seats for _, _, seats in self.on(minute)):
            return True
        named = {one for shift in self.catalogue.shifts for seat in (shift.lead, *shift.people) for one in seat}
        for other in self.catalogue.people:
            hours = other.duty or (() if other.id in named else (Duty(WEEK, 0, DAY_MIN),))
            for held in self.days(other.zone, minute):
                if self.is_on(other.zone, hours, minute, held) and self.by(other.id, held, "") == person:
                    return True
        return False


spans = st.builds(
    lambda days, first, long: Duty(frozenset(days), first, first + long),
    st.sets(st.integers(0, 6), min_size=4),
    st.sampled_from([0, 60, 120, 150, 180, 480, 960, 1320, 1380, 1425]),
    st.sampled_from([15, 60, 90, 480, 720, 1440]),
)


@st.composite
def rotas(draw: st.DrawFn) -> tuple[Catalogue, date]:
    """A rota with holidays, turns and substitutes around a day on which clocks jump."""
    day = draw(st.sampled_from(DAYS))
    near = st.integers(-3, 3).map(lambda n: day + timedelta(days=n))
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2))
    zone = st.sampled_from(zones)
    seat = st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True).map(tuple)
    shifts = [
        draw(
            st.builds(
                Shift,
                name=st.just(f"s{n}"),
                department=st.just("floor"),
                zone=zone,
                hours=st.lists(spans, min_size=1, max_size=2).map(tuple),
                lead=seat,
                people=st.lists(seat, max_size=1).map(tuple),
                turn_weeks=st.integers(1, 2),
                turns_from=near,
                first_day=st.none() | near,
                last_day=st.none() | near.map(lambda d: d + timedelta(days=7)),
                holidays=st.sampled_from(["", "feast"]),
                on_holidays=st.sampled_from(OnHoliday),
            )
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    substitutions = []
    for person in draw(st.lists(st.sampled_from("abd"), max_size=2, unique=True)):
        by = {"a": "b", "b": "d", "d": "c"}[person]  # never a ring, but chains
        first = draw(near)
        substitutions.append(
            Substitution(
                person, by, first, first + timedelta(draw(st.integers(0, 3))), draw(st.sampled_from(["", "s0"]))
            )
        )
    people = tuple(
        Person(one, one.upper(), "floor", tier, draw(zone), draw(st.lists(spans, max_size=1).map(tuple)))
        for one, tier in (("a", 1), ("b", 1), ("c", 2), ("d", 3))
    )
    catalogue = Catalogue(
        sites=(Site("north", draw(zone)),),
        queues=(QueueSettings("north/*", department="floor"),),
        departments=(Department("floor", zone=draw(zone)),),
        people=people,
        holidays=(Holidays("feast", draw(st.frozensets(near, max_size=3))),),
        shifts=tuple(shifts),
        substitutions=tuple(substitutions),
    )
    return catalogue, day
