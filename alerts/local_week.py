"""Where a queue's days and half-hours lie: the clock of its site, the holidays of whoever answers for it."""

from __future__ import annotations

from alerts.detect.season import Calendar
from models.catalogue import Catalogue
from models.hours import settings_for, site_of


def local_week(catalogue: Catalogue, queue: str) -> Calendar:
    """The calendar by which habits of *queue* are learned.

    Its holidays are the days on which the department that answers for it is closed (``closed_on``).
    """
    department = settings_for(catalogue, queue).department
    named = next((d.closed_on for d in catalogue.departments if d.name == department), "")
    days = next((calendar.dates for calendar in catalogue.holidays if calendar.name == named), frozenset())
    return Calendar(site_of(catalogue, queue).zone, frozenset(day.isoformat() for day in days))
