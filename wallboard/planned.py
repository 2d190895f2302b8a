"""Planned events and emergencies as people read them: put together from what each partition has told.

An event of a site is told to every partition, in a command each under one id, so the topic has a copy from each; its
readers join them. A word that has reached some partitions only is shown as the word of all: who gave it is told of the
failure, and gives it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from models.catalogue import Catalogue
from models.errors import UsageError
from models.fields import QUEUE_MAX, is_unit
from models.planned import EMERGENCY_LONG_MS, NAME_MAX, SHEET_AHEAD_MS, PlannedKind, covers

Json = dict[str, Any]
_RANK: Final = ("entered", "shortened", "cancelled")
_OF_THE_EVENT: Final = (
    "event",
    "kind",
    "covers",
    "source",
    "text",
    "by",
    "from_ms",
    "until_ms",
    "changed_by",
    "reason",
)


class PlanRequest(BaseModel):
    """The body of ``POST /api/planned``: an event of *covers* from *from_ms* (at once without it) to *until_ms*."""

    model_config = ConfigDict(extra="forbid")

    kind: PlannedKind
    covers: str = Field(min_length=1, max_length=QUEUE_MAX, description="a queue, site/*, region/* or *")
    actor: str = Field(min_length=1, max_length=NAME_MAX, description="person id")
    text: str
    from_ms: int | None = None
    until_ms: int
    source: str = Field("", max_length=NAME_MAX, description="the source that it is about: a label")


class EmergencyRequest(BaseModel):
    """The body of ``POST /api/emergencies``: *actor* declares the emergency state of *covers*."""

    model_config = ConfigDict(extra="forbid")

    covers: str = Field(min_length=1, max_length=QUEUE_MAX)
    actor: str = Field(min_length=1, max_length=NAME_MAX)
    reason: str


class ChangeRequest(BaseModel):
    """The body of ``POST /api/planned/{event}`` and ``/api/emergencies/{event}``: cancelled or stood down with its
    reason, or with *until_ms* shortened."""

    model_config = ConfigDict(extra="forbid")

    actor: str = Field(min_length=1, max_length=NAME_MAX)
    reason: str = ""
    until_ms: int | None = None


def events(told: Iterable[Json], now_ms: int) -> list[Json]:
    """The planned events in *told* (alerts of kind ``planned``), those that begin first in front.

    ``state`` is ``to_come``, ``running``, ``over`` or ``cancelled`` at *now_ms*, ``partitions`` how many have told it.
    """
    found: dict[str, Json] = {}
    for alert in sorted(told, key=lambda a: (a["at_ms"], a["queue"])):
        part = alert["planned"]
        there = found.setdefault(part["event"], {"told": "", "partitions": 0})
        there["partitions"] += 1
        if not there["told"] or _RANK.index(part["state"]) >= _RANK.index(there["told"]):
            there |= {name: part[name] for name in _OF_THE_EVENT} | {"told": part["state"]}
    for event in found.values():
        event["state"] = _state(event, event.pop("told") == "cancelled", now_ms)
    return sorted(found.values(), key=lambda event: (event["from_ms"], event["event"]))


def _state(event: Json, cancelled: bool, now_ms: int) -> str:
    if cancelled:
        return "cancelled"
    if now_ms >= event["until_ms"]:
        return "over"
    return "running" if now_ms >= event["from_ms"] else "to_come"


def emergencies(told: Iterable[Json], now_ms: int) -> list[Json]:
    """The emergencies in *told* (alerts of kind ``emergency``), the newest first, each with its running clock
    (``for_ms``) and whether it is *long*."""
    found: dict[str, Json] = {}
    for alert in sorted(told, key=lambda a: (a["at_ms"], a["queue"])):
        part = {name: value for name, value in alert["emergency"].items() if name != "id"}
        there = found.setdefault(part["event"], part)
        if part["ended_ms"] is not None:
            there |= part
        there["since_ms"] = min(there["since_ms"], part["since_ms"])
    for one in found.values():
        ended_ms = one["ended_ms"]
        one["for_ms"] = max(0, (now_ms if ended_ms is None else ended_ms) - one["since_ms"])
        one["long"] = one["for_ms"] > EMERGENCY_LONG_MS
    return sorted(found.values(), key=lambda one: (-one["since_ms"], one["event"]))


def on_sheet(catalogue: Catalogue, sheet: Json, queues: Iterable[str], known: Json) -> Json:
    """What a sheet of a shift handover says of planned events: *planned* (they run at the change or begin in the day
    after it), *emergencies* that are on, and *kept_quiet* (began and ended within an event, in the shift that ends).

    *queues* are those of its department, *known* what `all_of` gave.
    """
    names = sorted(queues)

    def concerns(pattern: str) -> bool:
        return any(covers(catalogue, pattern, queue) for queue in names)

    from_ms, to_ms = sheet["ends_ms"], sheet["starts_ms"] + SHEET_AHEAD_MS
    planned = [e for e in known["planned"] if e["state"] != "cancelled" and e["from_ms"] < to_ms]
    return {
        "planned": [e for e in planned if e["until_ms"] > from_ms and concerns(e["covers"])],
        "emergencies": [e for e in known["emergencies"] if e["ended_ms"] is None and concerns(e["covers"])],
        "kept_quiet": [
            line
            for line in known["kept_quiet"]
            if line["queue"] in names and line["state"] == "over" and sheet["began_ms"] <= line["at_ms"] < from_ms
        ],
    }


def all_of(told: Iterable[Json], quiet: Iterable[Json], now_ms: int) -> Json:
    """Everything that is known: *told* are alerts of kinds ``planned`` and ``emergency``, *quiet* ``suppressed``."""
    alerts = list(told)
    lines = [
        {"queue": a["queue"], "at_ms": a["at_ms"], "text": a["text"], "zh": a["zh"], **a["suppressed"]} for a in quiet
    ]
    return {
        "now_ms": now_ms,
        "planned": events([a for a in alerts if a.get("planned")], now_ms),
        "emergencies": emergencies([a for a in alerts if a.get("emergency")], now_ms),
        "kept_quiet": sorted(lines, key=lambda line: (-line["at_ms"], line["queue"], line["rule"])),
    }


def anchors(pattern: str, partitions: Mapping[str, int]) -> list[str]:
    """The queues in whose log a command about *pattern* is given: itself, or one queue and one unit of each partition,
    since units are judged apart. Raises UsageError when nothing is known of a queue."""
    if not is_unit(pattern):
        if pattern not in partitions:
            raise UsageError(f"nothing is known of a queue {pattern}; GET /api/queues names them")
        return [pattern]
    found: dict[tuple[int, bool], str] = {}
    for queue in sorted(partitions):
        found.setdefault((partitions[queue], is_unit(queue)), queue)
    if not found:
        raise UsageError("nothing is known of any queue yet: start the workers and a source first")
    return sorted(found.values())
