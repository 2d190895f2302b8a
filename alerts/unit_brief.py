"""What is known of a unit in trouble (a site, a region, everything): from sums, its queues are in other partitions.

Who waits, and what moved: volume, handle time, abandonment and occupancy of the last quarter of an hour beside the
quarter before it, since nothing is learned of units and plans are of queues. Why and how many agents are told of each
queue: calls of one are not answered by the agents of another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from alerts.staffing.briefing import Known
from alerts.staffing.live import Read, patience_of
from alerts.staffing.moved import Reading
from models.catalogue import Catalogue
from models.hours import settings_for, site_of

LAST, BOTH = "15m", "30m"
AGAINST: Final = ("the quarter of an hour before", "前15分钟")
#: What quarters of an hour that follow each other differ by beside their chance: of a count, a mean, a share.
_COUNT_OFF, _MEAN_OFF, _SHARE_OFF = 0.1, 0.05, 0.02
#: A quarter with fewer calls says nothing.
_LEAST: Final = 10.0
_NOW: Final = ("waiting", "waiting_past_threshold")


class Figures(Protocol):
    """What is read of a unit."""

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """The current figure, None when it is undefined."""


def known(catalogue: Catalogue, unit: str, live: Figures, now_ms: int) -> Known:
    """All that is known of *unit* at *now_ms*."""
    read = partial(live.value, unit)
    return Known(
        figures={f"{name}@now": read(name, "now") for name in _NOW},
        settings=settings_for(catalogue, unit),
        patience=patience_of(read),
        now_ms=now_ms,
        zone=site_of(catalogue, unit).zone,
        readings=readings(read),
        window=LAST,
        against=AGAINST,
        of_unit=True,
    )


def readings(read: Read) -> dict[str, Reading]:
    """Figures of the last quarter of an hour beside those of the quarter before it."""
    found = {f"offered@{LAST}": _count(read, "offered")}
    found[f"handle_ms@{LAST}"] = _mean(read, "handle_ms", "completed", lambda mean, n: mean * _off(n, _MEAN_OFF))
    found[f"abandonment_rate@{LAST}"] = _mean(
        read, "abandonment_rate", "outcomes", lambda p, n: math.hypot(math.sqrt(max(p * (1 - p), 0.0) / n), _SHARE_OFF)
    )
    found[f"occupancy@{LAST}"] = _share(read, "occupancy")
    return {figure: reading for figure, reading in found.items() if reading is not None}


def _off(n: float, by: float) -> float:
    return math.hypot(1 / math.sqrt(max(n, 1.0)), by)


def _count(read: Read, metric: str) -> Reading | None:
    last, both = read(metric, LAST), read(metric, BOTH)
    if last is None or both is None or both < _LEAST:
        return None
    before = max(both - last, 0.0)
    # both quarters are counts: what is expected of one by the other varies as both do
    return Reading(last, before, math.hypot(math.sqrt(max(2 * before, 1.0)), _COUNT_OFF * before))


def _mean(read: Read, metric: str, sample: str, spread: Callable[[float, float], float]) -> Reading | None:
    """A mean or share with its sample: of the quarter before by what is left of both."""
    last, both = read(metric, LAST), read(metric, BOTH)
    n, of = read(sample, LAST) or 0.0, read(sample, BOTH) or 0.0
    if last is None or both is None or n < _LEAST or of - n < _LEAST:
        return None
    before = max((both * of - last * n) / (of - n), 0.0)
    return Reading(last, before, math.hypot(spread(before, n), spread(before, of - n)))


def _share(read: Read, metric: str) -> Reading | None:
    """A share of time: both quarters are as long, so it is of the quarter before what brings both to their mean."""
    last, both = read(metric, LAST), read(metric, BOTH)
    return None if last is None or both is None else Reading(last, min(max(2 * both - last, 0.0), 1.0), _MEAN_OFF)
