"""What false alarms a queue may cost, by its settings and by the people who look after it."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.alarm_budget import LEAST, alarms_per_week, person_shifts
from alerts.local_week import local_week
from models.catalogue import (
    AlarmBudget,
    Catalogue,
    Department,
    Duty,
    Holidays,
    OpeningHours,
    Person,
    QueueSettings,
    Shift,
    Site,
)

WORKDAYS = frozenset(range(5))
DAY = (Duty(WORKDAYS, 480, 960),)
LEAD, OTHER = Person("ann", "Ann", "desk", 1), Person("bob", "Bob", "desk", 1, duty=DAY)


def test_without_people_the_settings_hold() -> None:
    assert alarms_per_week(Catalogue(), 10_000) == 1.0
    assert alarms_per_week(Catalogue(judge=AlarmBudget(0.5)), 3) == 0.5
    assert alarms_per_week(Catalogue(people=(Person("lia", "Lia", "desk", 0),)), 10_000) == 1.0


def test_people_bear_six_orders_a_shift() -> None:
    catalogue = Catalogue(people=(LEAD, OTHER))  # five shifts a week each
    assert person_shifts(catalogue) == 10.0
    assert alarms_per_week(catalogue, 60) == 1.0
    assert alarms_per_week(catalogue, 120) == pytest.approx(0.5)
    assert alarms_per_week(Catalogue(people=(LEAD, OTHER), judge=AlarmBudget(1.0, 3.0)), 120) == pytest.approx(0.25)
    assert alarms_per_week(catalogue, 10_000_000) == LEAST


def test_a_shift_has_one_who_is_accountable() -> None:
    shift = Shift("day", "desk", hours=(Duty(frozenset(range(7)), 0, 720),), lead=("ann", "bob"))
    assert person_shifts(Catalogue(people=(LEAD, OTHER), shifts=(shift,))) == 7.0
    assert person_shifts(Catalogue(people=(LEAD,), shifts=(Shift("empty", "desk", hours=DAY),))) == 5.0


def test_the_week_of_a_queue_is_that_of_its_site_and_its_department() -> None:
    first_may = date(2026, 5, 1)
    catalogue = Catalogue(
        sites=(Site("north", "Asia/Shanghai", hours=(OpeningHours(WORKDAYS, 0, 60),)),),
        queues=(QueueSettings("north/*", department="desk"),),
        departments=(Department("desk", closed_on="national"), Department("other", closed_on="another")),
        holidays=(Holidays("national", frozenset({first_may})), Holidays("another", frozenset())),
    )
    week = local_week(catalogue, "north/billing")
    assert (week.zone, week.holidays) == ("Asia/Shanghai", frozenset({"2026-05-01"}))
    assert local_week(catalogue, "south/billing").holidays == frozenset()
