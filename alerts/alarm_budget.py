"""What false alarms a queue may cost: by the settings, and no more than those can type who look after it."""

from __future__ import annotations

from math import inf
from typing import Final

from alerts.detect.budget import people_budget
from models.catalogue import Catalogue, Duty, Shift

#: Shifts a week of somebody who is always on duty in the settings: nobody works all of them.
_FULL_WEEK: Final = 5.0
#: Orders are accountable from the shift lead on.
_SHIFT_LEAD: Final = 1
#: A queue is judged however few people there are: one false alarm in two years.
LEAST: Final = 0.01


def alarms_per_week(catalogue: Catalogue, queues: int) -> float:
    """False alarms that each of *queues* may cost in a week.

    Never more than ``alarms_per_week`` of the settings; less where all of them together would give those who are
    accountable more than ``orders_per_shift`` orders to type, each on each of their shifts.
    """
    budget, shifts = catalogue.judge, person_shifts(catalogue)
    if shifts == inf:
        return budget.alarms_per_week
    share = people_budget(1, shifts, queues, budget.alarms_per_week, budget.orders_per_shift)
    return max(share, min(LEAST, budget.alarms_per_week))


def person_shifts(catalogue: Catalogue) -> float:
    """Shifts that accountable people work in a week, all departments together; infinite where nobody is named.

    A shift has one who is accountable at a time. Who stands in no shift counts with the days of their duty.
    """
    if not any(person.tier >= _SHIFT_LEAD for person in catalogue.people):
        return inf
    in_shifts = {name for shift in catalogue.shifts for seat in (shift.lead, *shift.people) for name in seat}
    alone = [p for p in catalogue.people if p.tier == _SHIFT_LEAD and p.id not in in_shifts]
    found = sum(_days(shift) for shift in catalogue.shifts)
    found += sum(float(_days_of(person.duty)) if person.duty else _FULL_WEEK for person in alone)
    return found or _FULL_WEEK


def _days(shift: Shift) -> float:
    return float(_days_of(shift.hours)) if shift.lead or shift.people else 0.0


def _days_of(duties: tuple[Duty, ...]) -> int:
    return sum(len(duty.days) for duty in duties)
