"""What belongs to a bulletin beside its orders: the floor log, problem records, what was planned, emergencies.

Readers keep these from ``alerts``: each has an id, and what was told of it last counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from callwatch.orders_report.period import Period
from models.hours import local

Json = dict[str, Any]
#: Kinds of alerts that carry one of these, each in the field of its name.
KINDS: Final = ("floor", "problem", "planned", "emergency", "suppressed")


def beside(alerts: Iterable[Json], period: Period) -> Json:
    """All of it that *period* has, by when it happened or began."""
    told = [alert for alert in alerts if alert["at_ms"] < period.to_ms]
    return {
        "floor": [_shown(period, one) for one in _newest(told, "floor") if _within(period, one["at_ms"])],
        "problems": [_shown(period, one) for one in _newest(told, "problem") if _within(period, one["at_ms"])],
        "planned": [
            _shown(period, one, "from_ms", "until_ms")
            for one in map(_as_it_was, _once(_newest(told, "planned")))
            if _overlaps(period, one["from_ms"], one["until_ms"])
        ],
        "emergencies": [
            _shown(period, one, "since_ms", "ended_ms")
            for one in _once(_newest(told, "emergency"))
            if _overlaps(period, one["since_ms"], one["ended_ms"])
        ],
        "suppressed": [_shown(period, one) for one in _newest(told, "suppressed") if _within(period, one["since_ms"])],
    }


def _newest(alerts: Iterable[Json], kind: str) -> list[Json]:
    """The parts of *kind* as they were told last, with queue, time and words of the alert; oldest first."""
    found: dict[str, Json] = {}
    for alert in alerts:
        part = alert.get(kind) if alert["kind"] == kind else None
        if part is not None:
            said = {"queue": alert["queue"], "text": alert["text"], "zh": alert["zh"], "at_ms": alert["at_ms"]}
            found[part["id"]] = said | part
    return sorted(found.values(), key=lambda one: (one["at_ms"], one["id"]))


def _once(parts: Iterable[Json]) -> Iterator[Json]:
    """One of those that several partitions were told of."""
    seen: set[str] = set()
    for part in parts:
        if part["event"] not in seen:
            seen.add(part["event"])
            yield part


def _as_it_was(event: Json) -> Json:
    """A planned event that was cancelled ended then; one that had not begun by then never was."""
    if event["state"] != "cancelled":
        return event
    return event | {"until_ms": max(event["from_ms"], min(event["until_ms"], event["at_ms"]))}


def _within(period: Period, at_ms: int) -> bool:
    return period.from_ms <= at_ms < period.to_ms


def _overlaps(period: Period, from_ms: int, until_ms: int | None) -> bool:
    return from_ms < period.to_ms and (until_ms is None or until_ms > max(period.from_ms, from_ms))


def _shown(period: Period, part: Json, *times: str) -> Json:
    """With its times on the clock of the period: ``at`` beside ``at_ms``, and so on."""
    named = ("at_ms", *times)
    clock = {
        name.removesuffix("_ms"): None
        if part[name] is None
        else local(period.zone, part[name]).isoformat(timespec="seconds")
        for name in named
    }
    return part | clock
