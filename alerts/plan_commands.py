"""The commands of planned events and of the emergency state: entered, shortened, cancelled; declared, stood down.

Each is given by a person by name and decided where it lies in the log of its partition. What covers a site is told to
every partition, in a command each; its id is made of a text that all of these have (``event``; without it, of the
command's own id), so it is the same everywhere. What a command changes takes effect at the next clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alerts import routing
from alerts.ask import No
from alerts.episode import short_id
from alerts.planned import EMERGENCY, Event, Plan
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.command import NEEDS, OrderCommand
from models.fields import is_unit
from models.planned import (
    AHEAD_MS,
    EMERGENCIES_MAX,
    KINDS_ZH,
    LONGEST_MS,
    NAME_MAX,
    OF_PATTERN_MAX,
    OF_QUEUE_MAX,
    TEXT_MAX,
    pattern_fault,
)

COMMANDS: Final = ("plan", "shorten_plan", "cancel_plan", "declare_emergency", "stand_down")
#: The severity under which events are told: for information. An emergency is told as gravely as it is.
INFORMATION: Final = 4
_GRAVE: Final = 1


def obey(catalogue: Catalogue, turn: Turn, plan: Plan, queue: str, command: OrderCommand, ident: str) -> No | None:
    """Decide one of `COMMANDS`, given in the log of *queue*; the refusal, None when it is done."""
    plan.clock(turn.now_ms)
    for name in NEEDS[command.command]:
        value = getattr(command, name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return No(f"needs_{name}", f"{command.command} needs {name}")
    if catalogue.people and routing.person_of(catalogue, command.actor) is None:
        return No("unknown_person", f"nobody is called {command.actor}")
    return _DONE[command.command](catalogue, turn, plan, queue, command, ident)


# --- planned events -------------------------------------------------------------------------------------------------


def _plan(catalogue: Catalogue, turn: Turn, plan: Plan, queue: str, command: OrderCommand, ident: str) -> No | None:
    now_ms = turn.now_ms
    from_ms = max(now_ms, now_ms if command.from_ms is None else command.from_ms)
    name, text, source = short_id("PE-", command.event or ident), command.text, command.of_source
    event = Event(name, command.planned, command.covers, from_ms, command.until_ms or 0, text, command.actor, source)
    no = _place_fault(catalogue, queue, event) or _time_fault(event, now_ms)
    no = no or _known_fault(plan, event)
    if no is None and event.source and catalogue.sources and all(s.name != event.source for s in catalogue.sources):
        no = No("unknown_source", f"no source of the settings is called {event.source}")
    limit = OF_PATTERN_MAX if is_unit(event.covers) else OF_QUEUE_MAX
    if no is None and len(plan.alike(event)) >= limit:
        no = No("too_many_planned", f"{limit} planned events are entered for it already: cancel one first")
    if no is None:
        plan.put(event)
        _tell_event(turn, queue, event, "entered", None, "")
    return no


def _place_fault(catalogue: Catalogue, queue: str, event: Event) -> No | None:
    if fault := pattern_fault(catalogue, event.covers):
        return No(fault, f"{event.covers} is neither a queue nor site/*, region/* or * of the settings")
    if not is_unit(event.covers) and event.covers != queue:
        return No("not_a_queue_or_site", f"what covers {event.covers} is entered in the log of that queue")
    if len(event.text) > TEXT_MAX or len(event.text.splitlines()) > 1:
        return No("text_too_long", f"one line of at most {TEXT_MAX} characters")
    if max(len(event.by), len(event.source)) > NAME_MAX:
        return No("text_too_long", f"a name has at most {NAME_MAX} characters")
    return None


def _known_fault(plan: Plan, event: Event) -> No | None:
    return No("entered_already", f"{event.id} is entered already") if event.id in plan.events else None


def _time_fault(event: Event, now_ms: int) -> No | None:
    until_ms = event.until_ms or 0
    if until_ms <= now_ms:
        return No("until_is_past", "its end lies in the past")
    if until_ms <= event.from_ms:
        return No("ends_before_it_begins", "it would end before it begins")
    if until_ms - event.from_ms > LONGEST_MS:
        return No("lasts_too_long", f"it may last {LONGEST_MS // 86_400_000} days at most")
    if event.from_ms - now_ms > AHEAD_MS:
        return No("begins_too_late", f"it may begin {AHEAD_MS // 86_400_000} days ahead at most")
    return None


def _shorten(catalogue: Catalogue, turn: Turn, plan: Plan, queue: str, command: OrderCommand, _: str) -> No | None:
    event, until_ms = plan.events.get(command.event), command.until_ms or 0
    if event is None or event.kind == EMERGENCY:
        return _unknown(command)
    if until_ms <= turn.now_ms:
        return No("until_is_past", "its new end lies in the past: cancel it")
    if until_ms >= (event.until_ms or 0):
        return No("not_shorter", "its new end is not before the old one: enter another event")
    if until_ms <= event.from_ms:
        return No("ends_before_it_begins", "it would end before it begins: cancel it")
    plan.end(event, until_ms)
    _tell_event(turn, queue, plan.events[event.id], "shortened", command.actor, command.reason)
    return None


def _cancel(catalogue: Catalogue, turn: Turn, plan: Plan, queue: str, command: OrderCommand, _: str) -> No | None:
    event = plan.events.get(command.event)
    if event is None or event.kind == EMERGENCY:
        return _unknown(command)
    plan.drop(event)
    _tell_event(turn, queue, event, "cancelled", command.actor, command.reason)
    return None


def _unknown(command: OrderCommand) -> No:
    return No("no_such_event", f"{command.event} is neither running nor to come here")


def _tell_event(turn: Turn, queue: str, event: Event, state: str, by: str | None, reason: str) -> None:
    zh = KINDS_ZH[event.kind]  # type: ignore[index]
    did = {"entered": "登记", "shortened": "提前结束", "cancelled": "取消"}[state]
    who = by or event.by
    why = f" ({reason})" if reason else ""
    said = (f"Planned {event.kind} of {event.covers} {state} by {who}: {event.text}{why}",
            f"{who}{did}计划{zh}({event.covers}):{event.text}{why}")  # fmt: skip
    part = {
        "id": f"{event.id}@{queue}",
        "event": event.id,
        "kind": event.kind,
        "covers": event.covers,
        "source": event.source,
        "text": event.text,
        "by": event.by,
        "from_ms": event.from_ms,
        "until_ms": event.until_ms,
        "state": state,
        "changed_by": by,
        "reason": reason,
    }
    heading = f"{event.covers}: planned {event.kind} {event.id}"
    turn.alert_without_order("planned", queue, INFORMATION, heading, said, parts={"planned": part})


# --- the emergency state --------------------------------------------------------------------------------------------


def _declare(catalogue: Catalogue, turn: Turn, plan: Plan, queue: str, command: OrderCommand, ident: str) -> No | None:
    name = short_id("EM-", command.event or ident)
    event = Event(name, EMERGENCY, command.covers, turn.now_ms, None, command.reason, command.actor, told_in=queue)
    if no := _place_fault(catalogue, queue, event) or _known_fault(plan, event):
        return no
    alike = plan.alike(event)
    if any(one.covers == event.covers for one in alike):
        return No("emergency_is_on", f"the emergency of {event.covers} is on already")
    if len(alike) >= EMERGENCIES_MAX:
        return No("too_many_emergencies", f"{EMERGENCIES_MAX} emergencies are on already: declare a wider one")
    plan.put(event)
    said = (f"EMERGENCY of {event.covers} declared by {event.by}: {event.text}",
            f"{event.by}宣布{event.covers}进入应急状态:{event.text}")  # fmt: skip
    _tell_emergency(turn, queue, event, said, None, "")
    return None


def _stand_down(catalogue: Catalogue, turn: Turn, plan: Plan, queue: str, command: OrderCommand, _: str) -> No | None:
    event = plan.events.get(command.event)
    if event is None or event.kind != EMERGENCY:
        return _unknown(command)
    plan.drop(event)
    said = (f"Emergency of {event.covers} stood down by {command.actor}: {command.reason}",
            f"{command.actor}解除{event.covers}应急状态:{command.reason}")  # fmt: skip
    _tell_emergency(turn, queue, event, said, command.actor, command.reason)
    return None


def _tell_emergency(turn: Turn, queue: str, event: Event, said: tuple[str, str], by: str | None, reason: str) -> None:
    part = {
        "id": f"{event.id}@{queue}",
        "event": event.id,
        "covers": event.covers,
        "reason": event.text,
        "by": event.by,
        "since_ms": event.from_ms,
        "ended_ms": None if by is None else turn.now_ms,
        "ended_by": by,
        "ended_reason": reason,
        "marks": list(event.marks),
    }
    heading = f"{event.covers}: emergency {event.id}"
    turn.alert_without_order("emergency", queue, _GRAVE, heading, said, parts={"emergency": part})


def tell_mark(turn: Turn, event: Event, hours: int) -> str:
    """The emergency has passed a mark and still is on; returns in which queue's log that is told."""
    queue = event.told_in or event.covers
    said = (f"EMERGENCY of {event.covers} has lasted {hours} hours: {event.text}",
            f"{event.covers}应急状态已超过{hours}小时:{event.text}")  # fmt: skip
    _tell_emergency(turn, queue, event, said, None, "")
    return queue


_Done = Callable[[Catalogue, Turn, Plan, str, OrderCommand, str], No | None]
_DONE: Final[dict[str, _Done]] = {
    "plan": _plan,
    "shorten_plan": _shorten,
    "cancel_plan": _cancel,
    "declare_emergency": _declare,
    "stand_down": _stand_down,
}
