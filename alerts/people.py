"""An order and its people: made accountable, paged, passed on when nobody acts."""

from __future__ import annotations

from alerts import routing
from alerts.moves import go
from alerts.order import WorkOrder
from alerts.turn import Turn
from models.catalogue import Catalogue, Person
from models.duty import on_duty


def give(order: WorkOrder, person: Person) -> None:
    """Make *person* the one accountable."""
    order.owner, order.owner_name = person.id, person.name
    if person.id not in order.private.tried:
        order.private.tried.append(person.id)


def page(
    catalogue: Catalogue, turn: Turn, order: WorkOrder, person: Person, said: tuple[str, str], kind: str = "page"
) -> None:
    """Page *person*, unless that was done just now, nobody is woken for this, or a planned event runs.

    *kind* is ``asked`` for what is asked of this person beside: the owner's answer does not settle it.
    """
    last = order.private.paged.get(person.id)
    if order.parent is not None and kind == "page":
        turn.log(order, "breached", "suppressed", "storm", data={"person": person.id, "parent": order.parent})
    elif event := turn.quiet(order):
        turn.log(order, "breached", "suppressed", "planned_event", data={"person": person.id, "planned": event})
    elif order.severity >= 3 and not on_duty(catalogue, person, turn.now_ms):
        turn.log(order, "breached", "suppressed", "off_duty_and_not_urgent", data={"person": person.id})
    elif last is not None and turn.now_ms - last < catalogue.limits.page_gap_ms:
        turn.log(order, "breached", "suppressed", "paged_recently", data={"person": person.id, "last_ms": last})
    else:
        order.private.paged[person.id] = turn.now_ms
        turn.log(order, "breached", "notified", "paged", data={"person": person.id})
        turn.alert(kind, order, *said, owner=person.id)


def escalate(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str, why: tuple[str, str]) -> bool:
    """Hand the order to the next on duty in the tier, then up; at the top the owner is told again. Whether it moved."""
    asked = order.consultation
    skipped = [asked.supervisor] if asked is not None and asked.supervisor else []  # supervises, so cannot handle it
    choice = routing.next_owner(catalogue, order.queue, order.owner, [*order.private.tried, *skipped], turn.now_ms)
    said = (f"{why[0]}. {order.sentence}", f"{why[1]}。{order.sentence}")
    if choice.person is None:
        turn.log(order, event, "not_escalated", choice.reason, data={"because": why[0]})
        owner = routing.person_of(catalogue, order.owner)
        if owner is not None:
            page(catalogue, turn, order, owner, said)
        return False
    left = order.owner
    give(order, choice.person)
    order.escalation += 1
    if order.state == "detected":
        go(order, "breached")
    data = {"because": why[0], "from": left, "to": choice.person.id}
    turn.log(order, event, "escalated", choice.reason, data=data)
    page(catalogue, turn, order, choice.person, said)
    turn.alert("changed", order, f"Escalated to {order.owner_name}: {why[0]}", f"已升级至{order.owner_name}:{why[1]}")
    return True
