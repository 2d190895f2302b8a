"""The check of the rota against the slow twin: whole exactly when every moment has one accountable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import Catalogue, Department, Duty, Person, Shift
from models.rota_check import WALK_DAYS, all_faults, covered, without
from tests.models.rota_twin import DAY_MIN, WEEK, Twin, rotas

#: Spans that hold a day together, and what is done to them.
WHOLE = [(0, 480), (480, 960), (960, 1440)]


@st.composite
def nearly_whole(draw: st.DrawFn) -> tuple[Catalogue, date]:
    """The rota of a day in three shifts, of which a test may bend one."""
    catalogue, day = draw(rotas())
    zone = draw(st.sampled_from(["Europe/Berlin", "Asia/Beirut", "Asia/Shanghai"]))
    spans = list(WHOLE)
    n, start, end = (
        draw(st.integers(0, 2)),
        draw(st.sampled_from([0, 0, 15, -15])),
        draw(st.sampled_from([0, 0, 30, -30])),
    )
    first = min(1425, max(0, spans[n][0] + start))
    spans[n] = (first, max(first + 15, spans[n][1] + end))
    shifts = tuple(
        replace(shift, zone=zone, hours=(Duty(WEEK, *spans[m]),), first_day=None, last_day=None, people=())
        for m, shift in enumerate((*catalogue.shifts, *catalogue.shifts, *catalogue.shifts)[:3])
    )
    department = Department("floor", zone=zone, covered=(), closed_on=draw(st.sampled_from(["", "feast"])))
    return replace(catalogue, departments=(department,), shifts=shifts), day


def walked(catalogue: Catalogue, day: date) -> tuple[bool, bool]:
    """Whether the twin finds a hole, and a second accountable, in the local *day* and the two after it."""
    twin, department, hole, second = Twin(catalogue, day), catalogue.departments[0], False, False
    for minute in range(twin.begin - DAY_MIN, twin.begin + 4 * DAY_MIN, 15):
        local = date.fromordinal(twin.wall(department.zone, minute) // DAY_MIN)
        if day <= local <= day + timedelta(days=2):
            leads = {lead for _, lead, _ in twin.on(minute)}
            closed = department.closed_on and local in catalogue.holidays[0].dates
            hole, second = hole or not (leads or closed), second or len(leads) > 1
    return hole, second


@settings(max_examples=25, deadline=None)
@given(nearly_whole())
def test_what_the_walk_finds_the_check_finds(world: tuple[Catalogue, date]) -> None:
    catalogue, day = world
    hole, second = walked(catalogue, day)
    reasons = " ".join(fault.reason for fault in all_faults(catalogue, day, 3))
    assert not hole or "nobody is accountable" in reasons
    assert not second or "second accountable" in reasons


@settings(max_examples=25, deadline=None)
@given(nearly_whole())
def test_what_the_check_finds_the_walk_finds(world: tuple[Catalogue, date]) -> None:
    catalogue, day = world
    bare = replace(
        catalogue, holidays=(), substitutions=(), departments=(replace(catalogue.departments[0], closed_on=""),)
    )
    bare = replace(bare, shifts=tuple(replace(shift, holidays="") for shift in bare.shifts))
    hole, second = walked(bare, day)  # nothing names a day: the check looks at these three alone
    reasons = " ".join(fault.reason for fault in all_faults(bare, day, 3))
    assert ("nobody is accountable" in reasons, "second accountable" in reasons) == (hole, second)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=5), st.lists(st.tuples(st.integers(0, 60),
       st.integers(1, 20)), max_size=5))  # fmt: skip
def test_without_is_what_is_left(spans: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    from models.duty import joined

    one, other = joined((a, a + n) for a, n in spans), joined((a, a + n) for a, n in taken)
    minutes = {m for a, b in one for m in range(a, b)} - {m for a, b in other for m in range(a, b)}
    found = list(without(one, other))
    assert {m for a, b in found for m in range(a, b)} == minutes
    assert sum(b - a for a, b in found) == len(minutes)


def test_a_year_of_sixteen_departments_is_walked() -> None:
    people = tuple(Person(f"p{n}", "P", f"d{n % 16}", 1) for n in range(48))
    shifts = tuple(
        Shift(f"s{n}", f"d{n % 16}", "Europe/Berlin", (Duty(WEEK, *WHOLE[n // 16]),), (f"p{n}",)) for n in range(48)
    )
    departments = tuple(Department(f"d{n}", zone="Europe/Berlin", covered=()) for n in range(16))
    catalogue = Catalogue(departments=departments, people=people, shifts=shifts)
    assert all_faults(catalogue) == []
    holed = replace(catalogue, shifts=shifts[1:])
    assert [(fault.table, fault.n) for fault in all_faults(holed)] == [("department", 0)]
    assert f"and {WALK_DAYS - 3} times more" in all_faults(holed)[0].reason


def test_covered_hours_of_nothing_are_none() -> None:
    assert covered(Catalogue(), Department("floor")) == []
