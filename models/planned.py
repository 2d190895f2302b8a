"""What is foreseen on the floor: planned events and the emergency state, and which queues they cover.

A planned event is entered ahead: while it runs, a breach of a queue that it covers is recorded and nobody is paged.
An emergency (应急状态) is declared by name; while it is on, no planned event keeps anything quiet where it covers.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from models.catalogue import Catalogue
from models.fields import QUEUE_MAX, is_unit, queue_fault
from models.hours import site_of

PlannedKind = Literal["maintenance", "campaign", "drill", "closure"]
KINDS: Final[tuple[PlannedKind, ...]] = get_args(PlannedKind)
KINDS_ZH: Final[dict[PlannedKind, str]] = {
    "maintenance": "系统维护",
    "campaign": "营销活动",
    "drill": "应急演练",
    "closure": "停业",
}

#: Hours at which an outage, and an emergency, are told again: the marks of the source documents (24 h without a
#: connection, 72 h in a state of emergency).
MARK_HOURS: Final = (24, 72)
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
#: Longest event: what lasts longer is no event but how things are, and belongs into the settings.
LONGEST_MS: Final = 14 * _DAY_MS
#: How far ahead one may begin: a quarter's plan is entered month by month.
AHEAD_MS: Final = 60 * _DAY_MS
#: Events of one queue, and events of patterns in a partition, that run or are to come: several maintenances a week.
#: The latter stand in the manifest, 2 KB each at the very most.
OF_QUEUE_MAX: Final = 8
OF_PATTERN_MAX: Final = 50
#: Emergencies on at once, counted in the same way.
EMERGENCIES_MAX: Final = 8
#: Longest text of an event, and longest name in it.
TEXT_MAX: Final = 200
NAME_MAX: Final = 100
#: An emergency that lasts longer is a grave matter of its own (应急状态超过72小时).
EMERGENCY_LONG_MS: Final = 72 * _HOUR_MS
#: What a sheet of a shift handover looks ahead.
SHEET_AHEAD_MS: Final = _DAY_MS


def covers(catalogue: Catalogue, pattern: str, queue: str) -> bool:
    """Whether *pattern* covers *queue* (or unit): itself, ``*`` all, ``name/*`` what is of that site or region."""
    if pattern in ("*", queue):
        return True
    if not is_unit(pattern):
        return False
    site, name = site_of(catalogue, queue), pattern.removesuffix("/*")
    return name in (site.name, site.region)


def pattern_fault(catalogue: Catalogue, pattern: str) -> str:
    """What is wrong with *pattern* as what an event covers: a named reason, empty when nothing is."""
    if len(pattern) > QUEUE_MAX or (pattern != "*" and queue_fault(pattern)):
        return "not_a_queue_or_site"
    if "*" in pattern and not is_unit(pattern):
        return "not_a_queue_or_site"
    known = {site.name for site in catalogue.sites} | {site.region for site in catalogue.sites if site.region}
    if pattern == "*" or not known or "*" in known:
        return ""
    return "" if pattern.rpartition("/")[0] in known else "unknown_site"
