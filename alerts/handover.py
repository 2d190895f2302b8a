"""Shift handover (交接班): what is open is written up before the shift ends, accepted by name, or told to a manager.

Theory. Each open order carries its own part of the sheet, as it was last told (`WorkOrder.private`), so that it moves
and survives with its order; the sheet that a person reads is put together from the parts of a department and change. At
the first clock of the last half hour (or when the order comes up later in it) the part is written. Where its owner goes
off duty with the shift, the order is offered to the incoming lead: until that lead accepts it by name the outgoing one
stays accountable, and every limit runs on. Ten minutes into the new shift a manager is paged, once for all orders of
the department that this partition has. Whatever gives the order to somebody else before settles its part.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from alerts import people, routing
from alerts.ask import No
from alerts.change_watch import Seen
from alerts.episode import amount, short_id
from alerts.order import WorkOrder
from alerts.turn import Turn
from models import rota
from models.catalogue import Catalogue
from models.command import OrderCommand
from models.duty import on_duty
from models.hours import local, settings_for
from models.metric import METRIC
from models.rota import Choice
from models.shift_change import ShiftChange, change_at, department_of, gaps

#: Parts of the sheet that wait for somebody to accept them.
AWAITING: Final = ("offered", "late")
#: The severity under which sheet and floor log are told: no order's, for information.
INFORMATION: Final = 4


def dues(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """One clock of an open order: its part of a sheet that was not accepted, and of one that is to be written."""
    sheet = order.private.sheet
    if sheet is not None and sheet["state"] == "offered" and turn.now_ms >= sheet["accept_by_ms"]:
        _due(catalogue, turn, order, sheet)
    change = change_at(catalogue, settings_for(catalogue, order.queue).department, turn.now_ms)
    if change is not None and (sheet is None or sheet["ends_ms"] != change.ends_ms):
        _write_up(catalogue, turn, order, change)


def _write_up(catalogue: Catalogue, turn: Turn, order: WorkOrder, change: ShiftChange) -> None:
    """The part of the sheet about *order*, which is offered where its owner leaves with the shift."""
    lead, owner = change.next_lead, routing.person_of(catalogue, order.owner)
    outgoing = change.outgoing.lead
    leaves = owner is None or owner.id == (outgoing.id if outgoing else None)
    stays = owner is not None and not leaves and on_duty(catalogue, owner, change.starts_ms)
    offered = not stays and (lead is None or lead.id != order.owner)
    order.private.sheet = sheet = _part(catalogue, order, change) | {"state": "offered" if offered else "stays"}
    at = local(change.outgoing.zone, change.ends_ms).strftime("%H:%M")
    data = {"shift": change.outgoing.name, "ends_ms": change.ends_ms, "to": sheet["next_lead"]}
    if offered:
        order.private.handover_to = lead.id if lead else ""
        why = "shift handover: accountable until it is accepted"
        turn.log(order, "shift_ends", "offered", why, data=data)
        name = lead.name if lead else "nobody"
        said = (f"{change.outgoing.name} ends at {at}: {name} is to accept it from {order.owner_name or 'nobody'}",
                f"{change.outgoing.name}于{at}下班:待{lead.name if lead else '(无人)'}接班")  # fmt: skip
    else:
        turn.log(order, "shift_ends", "listed", "stays_accountable", data=data)
        said = (f"{change.outgoing.name} ends at {at}: {order.owner_name} stays accountable",
                f"{change.outgoing.name}于{at}下班:{order.owner_name}继续负责")  # fmt: skip
    _tell(turn, order, sheet, said)


def _part(catalogue: Catalogue, order: WorkOrder, change: ShiftChange) -> dict[str, Any]:
    """What ``models.outputs.SheetPart`` has, but for its state."""
    missing = gaps(catalogue, department_of(catalogue, order.queue), change.starts_ms)
    return {
        "id": f"{change.outgoing.department}@{change.starts_ms}@{order.queue}",
        **change.head(),
        "owner": order.owner,
        "accepted_by": None,
        "gaps": [asdict(gap) for gap in missing],
    }


def _tell(turn: Turn, order: WorkOrder, sheet: dict[str, Any], said: tuple[str, str]) -> None:
    heading = f"{order.queue}: shift handover of {order.id}"
    turn.alert_without_order("handover", order.queue, INFORMATION, heading, said, order.id, order.owner,
                             {"sheet": {**sheet, "gaps": list(sheet["gaps"])}})  # fmt: skip


# --- not accepted in time -------------------------------------------------------------------------------------------


def _due(catalogue: Catalogue, turn: Turn, order: WorkOrder, sheet: dict[str, Any]) -> None:
    """Ten minutes of the new shift are over."""
    if order.owner != sheet["owner"]:  # escalated in the meantime: that person has it
        _settle(turn, order, sheet, "stays", None)
        turn.log(order, "handover_due", "listed", "passed_on_meanwhile", data={"owner": order.owner})
        return
    sheet["state"] = "late"
    choice = duty_manager(catalogue, order.queue, turn.now_ms)
    to = choice.person.id if choice.person else None
    turn.log(order, "handover_due", "not_accepted", choice.reason, data={"to": to, "waited_for": sheet["next_lead"]})
    waited_for = sheet["next_lead"] or "nobody"
    said = (f"Shift handover not accepted by {waited_for}, {order.owner_name or 'nobody'} is still accountable",
            f"{waited_for}未接班,仍由{order.owner_name or '(无人)'}负责")  # fmt: skip
    _tell(turn, order, sheet, said)
    department = sheet["department"]
    if choice.person is None or department in turn.managers_told:
        return
    people.page(catalogue, turn, order, choice.person, (f"{said[0]}. {order.sentence}", f"{said[1]}。{order.sentence}"))
    if order.private.paged.get(choice.person.id) == turn.now_ms:  # not kept back by the page limit
        turn.managers_told.add(department)


def duty_manager(catalogue: Catalogue, queue: str, now_ms: int) -> Choice:
    """The first manager on duty, of the department or of another; without one the highest on duty, then anybody."""
    rungs = rota.ladder(catalogue, queue, now_ms)
    for rung in rungs:
        if rung.tier >= routing.MANAGER:
            return Choice(rung.person, "manager_on_duty")
    if rungs:
        return Choice(max(rungs, key=lambda rung: rung.tier).person, "no_manager_on_duty")
    return routing.first_owner(catalogue, queue, now_ms)


# --- accepted -------------------------------------------------------------------------------------------------------


def awaits(order: WorkOrder, actor: str) -> bool:
    """Whether *order* waits for *actor* to accept it from the outgoing shift."""
    sheet = order.private.sheet
    return sheet is not None and sheet["state"] in AWAITING and order.private.handover_to == actor


def given(turn: Turn, order: WorkOrder) -> None:
    """*order* has a new owner by a command: the part of the sheet that waited for it is settled."""
    sheet = order.private.sheet
    if sheet is not None and sheet["state"] in AWAITING and order.owner != sheet["owner"]:
        accepted = order.owner == sheet["next_lead"]
        _settle(turn, order, sheet, "accepted" if accepted else "stays", order.owner if accepted else None)


def _settle(turn: Turn, order: WorkOrder, sheet: dict[str, Any], state: str, by: str | None) -> None:
    sheet |= {"state": state, "owner": order.owner, "accepted_by": by}
    name = order.owner_name or "nobody"
    _tell(turn, order, sheet, (f"Shift handover: {name} is accountable", f"交接班:由{name}负责"))


# --- floor log ------------------------------------------------------------------------------------------------------


def floor_fault(catalogue: Catalogue, command: OrderCommand) -> No | None:
    """Why a line of the floor log is not taken."""
    if not command.text.strip():
        return No("needs_text", "floor_note needs text")
    if catalogue.people and routing.person_of(catalogue, command.actor) is None:
        return No("unknown_person", f"nobody is called {command.actor}")
    return None


def floor_note(
    catalogue: Catalogue, turn: Turn, queue: str, order: str | None, command: OrderCommand, ident: str
) -> None:
    """One line of the floor log (现场工作日志): told to readers, kept by them; no state and no order's affair."""
    department = department_of(catalogue, queue)
    shift = rota.shift_at(catalogue, department.name, turn.now_ms)
    floor = {
        "id": short_id("FL-", ident),
        "at_ms": turn.now_ms,
        "by": command.actor,
        "text": command.text,
        "department": department.name,
        "shift": shift.name if shift else None,
    }
    said = (command.text, command.text)
    turn.alert_without_order("floor", queue, INFORMATION, f"{queue}: floor log", said, order, None, {"floor": floor})


# --- figures around the change --------------------------------------------------------------------------------------


def watched(turn: Turn, seen: Seen) -> None:
    """Tell what departs in a queue from the same change of earlier days."""
    parts = [(METRIC[d.metric], amount(d.metric, d.value), amount(d.metric, d.usual), d) for d in seen.departures]
    en = "; ".join(f"{m.en} {now[0]}, usually {usual[0]} ({d.days} days)" for m, now, usual, d in parts)
    zh = ";".join(f"{m.zh}{now[1]},往日{usual[1]}({d.days}天)" for m, now, usual, d in parts)
    watch = {
        "id": f"{seen.department}@{seen.shift.starts_ms}@{seen.queue}@{seen.at_ms}",
        "department": seen.department,
        "shift": seen.shift.name,
        "starts_ms": seen.shift.starts_ms,
        "at_ms": seen.at_ms,
        "departures": [asdict(departure) for departure in seen.departures],
    }
    said = (f"Change of shifts to {seen.shift.name}: {en}", f"交接班({seen.shift.name}):{zh}")
    heading = f"{seen.queue}: unusual at the change of shifts"
    turn.alert_without_order("handover", seen.queue, INFORMATION, heading, said, parts={"watch": watch})
