"""Consultation (会商): others take part in an order, and somebody who does not handle it supervises (督导).

As soon as people of another department take part, there is a supervising party: named with the command or found by the
settings (`supervising departments first`). It can never be somebody who handles the order, and whoever supervises
cannot become accountable for it or take part. Pages and commands of the order stay with its owner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts import people, roles, routing
from alerts.ask import Ask, No
from alerts.order import Consultation, WorkOrder
from alerts.turn import Turn
from models.catalogue import Catalogue, Person
from models.duty import on_duty
from models.hours import settings_for

#: Participants of one order, people and departments: the source documents name 16 departments.
PARTICIPANTS_MAX: Final = 32


def may_consult(ask: Ask) -> No | None:
    """Whether these may take part, under that supervision."""
    command, catalogue = ask.command, ask.catalogue
    if no := _unknown(ask):
        return no
    asked = _with(ask)
    if asked is None:
        return None
    if len(asked.people) + len(asked.departments) > PARTICIPANTS_MAX:
        return No("too_many_participants", f"at most {PARTICIPANTS_MAX} take part in an order")
    trial = replace(ask.order, consultation=asked)
    supervisor = routing.person_of(catalogue, asked.supervisor)
    if supervisor is not None and not can_supervise(catalogue, trial, supervisor):
        if command.supervisor:
            return No("the_handler_cannot_supervise", f"{supervisor.id} handles the order: another one supervises it")
        return No("the_supervisor_cannot_handle", f"{supervisor.id} supervises the order: another one takes part")
    if is_across(catalogue, trial) and supervisor is None and choose(catalogue, trial, ask.turn.now_ms) is None:
        return No("needs_a_supervising_party", "several departments take part and nobody who does not could supervise")
    return None


def _unknown(ask: Ask) -> No | None:
    """Names that the settings do not know. Without any people in them everybody may take part."""
    if not ask.catalogue.people:
        return None
    for person in filter(None, (ask.command.person, ask.command.supervisor)):
        if routing.person_of(ask.catalogue, person) is None:
            return No("unknown_person", f"{person} is not in the settings")
    department = ask.command.department
    if department and roles.department_of(ask.catalogue, department) is None:
        return No("unknown_department", f"no department of the settings is called {department}")
    return None


def _with(ask: Ask) -> Consultation | None:
    """The consultation as it would be with what the command asks for; None when that is words only."""
    command = ask.command
    if not (command.person or command.department or command.supervisor):
        return None
    had = ask.order.consultation or Consultation()
    own = settings_for(ask.catalogue, ask.order.queue).department
    named = [command.person] if command.person and command.person not in had.people else []
    joined = [command.department] if command.department not in ("", own, *had.departments) else []
    return Consultation([*had.people, *named], [*had.departments, *joined], command.supervisor or had.supervisor)


def is_across(catalogue: Catalogue, order: WorkOrder) -> bool:
    """Whether people of another department than the queue's take part."""
    asked, own = order.consultation, settings_for(catalogue, order.queue).department
    if asked is None or not own:
        return False
    named = (routing.person_of(catalogue, p) for p in asked.people)
    return bool(asked.departments) or any(p is not None and p.department != own for p in named)


def can_supervise(catalogue: Catalogue, order: WorkOrder, person: Person) -> bool:
    """Whether *person* could supervise: does not handle it, and is of the centre or a supervisor at least."""
    if roles.handles(catalogue, order, person):
        return False
    return roles.in_centre(catalogue, person) or person.tier >= roles.SUPERVISOR


def choose(catalogue: Catalogue, order: WorkOrder, now_ms: int) -> str | None:
    """Who supervises when nobody is named: on duty first, the centre first, then the lowest tier that may."""
    found = [p for p in catalogue.people if can_supervise(catalogue, order, p)]
    found.sort(key=lambda p: (not on_duty(catalogue, p, now_ms), not roles.in_centre(catalogue, p), p.tier))
    return found[0].id if found else None


def consult(ask: Ask) -> None:
    """Ask others in, or only ask something."""
    order, command, asked = ask.order, ask.command, _with(ask)
    if asked is None:
        ask.log("noted", command.text)
        return
    order.consultation = asked
    if is_across(ask.catalogue, order) and asked.supervisor is None:
        asked.supervisor = choose(ask.catalogue, order, ask.turn.now_ms)
    ask.log(
        "consulted",
        command.text,
        person=command.person or None,
        department=command.department or None,
        supervisor=asked.supervisor,
    )
    who = command.person or command.department or command.supervisor
    ask.changed(f"{ask.name} asks {who} in ({command.text})", f"{ask.name} 邀请{who}会商({command.text})")


def supervise(ask: Ask) -> None:
    """The supervising party urges: in the log, and to the owner."""
    ask.log("supervised", ask.command.text)
    owner = routing.person_of(ask.catalogue, ask.order.owner)
    if owner is not None:
        text = ask.command.text
        said = (f"{ask.name} supervises: {text}. {ask.order.sentence}", f"{ask.name} 督办:{text}。{ask.order.sentence}")
        people.page(ask.catalogue, ask.turn, ask.order, owner, said)
    ask.changed(f"{ask.name} supervises ({ask.command.text})", f"{ask.name} 督办({ask.command.text})")


def may_handle(order: WorkOrder, person: str) -> No | None:
    """Whether *person* may become accountable: not while supervising the order."""
    if order.consultation is not None and order.consultation.supervisor == person:
        return No("the_supervisor_cannot_handle", f"{person} supervises the order and cannot handle it")
    return None


def keep_apart(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """After the system changed who handles the order: whoever supervised it and handles it now is replaced."""
    asked = order.consultation
    if asked is None or asked.supervisor is None:
        return
    now = routing.person_of(catalogue, asked.supervisor)
    if now is not None and not roles.handles(catalogue, order, now):
        return
    left, asked.supervisor = asked.supervisor, choose(catalogue, order, turn.now_ms)
    reason = "supervisor_handles_it" if now else "supervisor_not_in_settings"
    turn.log(order, "consult", "supervisor_replaced", reason, data={"from": left, "to": asked.supervisor})
