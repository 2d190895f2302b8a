"""The sheet of a shift handover as people read it: put together from the parts that the partitions have written.

A department's queues lie in several partitions, and each decides from its own log alone; so the topic has a part for
each open order, and its readers join them by department and the beginning of the new shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, Field

from models.catalogue import Catalogue, Department
from models.command import ANY_ORDER, OrderCommand
from models.fields import QUEUE_MAX, is_unit
from models.hours import settings_for
from models.shift_change import ShiftChange, change_at, gaps

Json = dict[str, Any]
#: Parts of the sheet that wait for the incoming lead.
AWAITING: Final = ("offered", "late")
_OF_THE_SHEET: Final = ("department", "shift", "lead", "began_ms", "ends_ms", "next_shift", "next_lead", "starts_ms",
                        "accept_by_ms", "gaps")  # fmt: skip
_OVER: Final = ("closed", "cancelled")


class AcceptRequest(BaseModel):
    """The body of ``POST /api/handover``: *actor* accepts all that waits for them in *department*."""

    department: str = Field(max_length=100)
    actor: str = Field(min_length=1, max_length=100, description="person id of the incoming lead")


class FloorRequest(BaseModel):
    """The body of ``POST /api/floor``: a line of the floor log about *queue*, which may be a unit."""

    queue: str = Field(min_length=1, max_length=QUEUE_MAX)
    actor: str = Field(min_length=1, max_length=100, description="person id")
    text: str


def sheets(
    parts: Iterable[Json], notes: Iterable[Json], orders: Mapping[str, Json], watched: Iterable[Json] = ()
) -> list[Json]:
    """The sheets in *parts* (alerts of kind ``handover``), the newest change first.

    *notes* are alerts of kind ``floor``, *watched* those that tell unusual figures at a change; *orders* are the orders
    as they stand now, by id.
    """
    found: dict[tuple[str, int], Json] = {}
    seen = list(watched)
    floor = sorted((alert["floor"] | {"queue": alert["queue"]} for alert in notes), key=lambda note: note["at_ms"])
    for alert in sorted(parts, key=lambda a: (a["at_ms"], a["queue"])):
        part = alert["sheet"]
        key = (part["department"], part["starts_ms"])
        sheet = found.setdefault(key, {"orders": [], "planned": [], "emergencies": [], "kept_quiet": []})
        sheet |= {name: part[name] for name in _OF_THE_SHEET}
        order = orders.get(alert["order"])
        sheet["orders"].append({"id": alert["order"], "queue": alert["queue"], "handover": part["state"],
                                "owner_then": part["owner"], "accepted_by": part["accepted_by"],
                                "now": order})  # fmt: skip
    for sheet in found.values():
        sheet["notes"] = [note for note in floor if _belongs(note, sheet)]
        sheet["unusual"] = [
            {"queue": alert["queue"], "text": alert["text"], "zh": alert["zh"], **alert["watch"]}
            for alert in sorted(seen, key=lambda a: (a["at_ms"], a["queue"]))
            if (alert["watch"]["department"], alert["watch"]["starts_ms"]) == (sheet["department"], sheet["starts_ms"])
        ]
    return sorted(found.values(), key=lambda sheet: (-sheet["starts_ms"], sheet["department"]))


def _belongs(note: Json, sheet: Json) -> bool:
    return bool(note["department"] == sheet["department"] and sheet["began_ms"] <= note["at_ms"] < sheet["starts_ms"])


def blank(catalogue: Catalogue, department: str, now_ms: int, notes: Iterable[Json]) -> Json | None:
    """The sheet of the change at hand of *department*, with nothing open on it; None when no shift ends soon."""
    change = change_at(catalogue, department, now_ms)
    if change is None:
        return None
    sheet = change.head() | {"gaps": _gaps(catalogue, department, change), "orders": [], "unusual": []}
    sheet |= {"planned": [], "emergencies": [], "kept_quiet": []}
    floor = (alert["floor"] | {"queue": alert["queue"]} for alert in notes)
    return sheet | {"notes": sorted((n for n in floor if _belongs(n, sheet)), key=lambda note: note["at_ms"])}


def _gaps(catalogue: Catalogue, department: str, change: ShiftChange) -> list[Json]:
    found = next((d for d in catalogue.departments if d.name == department), None)
    found = found or Department(department)
    return [{"tier": gap.tier, "reason": gap.reason} for gap in gaps(catalogue, found, change.starts_ms)]


def to_accept(
    parts: Iterable[Json], orders: Mapping[str, Json], partitions: Mapping[str, int], request: AcceptRequest
) -> list[str]:
    """One queue of each partition in which open orders of the department wait for the actor of *request*.

    A command is decided in one partition, and units are judged apart from queues: each gets its own.
    """
    found: dict[tuple[int, bool], str] = {}
    for alert in parts:
        part, order = alert["sheet"], orders.get(alert["order"])
        waits = part["state"] in AWAITING and part["next_lead"] == request.actor
        if part["department"] != request.department or not waits or order is None or order["state"] in _OVER:
            continue
        queue = alert["queue"]
        if queue in partitions:
            found.setdefault((partitions[queue], is_unit(queue)), queue)
    return sorted(found.values())


def accepting(request: AcceptRequest) -> OrderCommand:
    """The command that accepts the shift."""
    return OrderCommand(order=ANY_ORDER, command="accept_shift", actor=request.actor)


def departments(catalogue: Catalogue, queues: Iterable[str]) -> dict[str, list[str]]:
    """The departments that answer for *queues*, with their queues."""
    found: dict[str, list[str]] = {}
    for queue in sorted(queues):
        found.setdefault(settings_for(catalogue, queue).department, []).append(queue)
    return found
