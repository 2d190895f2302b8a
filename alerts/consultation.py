"""Consultation (会商): others take part in an order, and somebody who does not handle it supervises (督导).

As soon as people of another department take part, there is a supervising party: named with the command or found by the
settings (`supervising departments first`). It can never be somebody who handles the order, and whoever supervises
cannot become accountable for it or take part. Pages and commands of the order stay with its owner; whoever is asked in
is told once, a department through its liaison on duty, else through whoever is accountable there.

Taking part ends with `release` (by the owner, the supervising party, or whoever leaves), with a name that leaves the
settings, and with the order. When no other department is left, the supervising party stands down.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts import people, roles, routing
from alerts.ask import Ask, No
from alerts.order import Consultation, WorkOrder
from alerts.turn import Turn
from models import rota
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
    had = order.consultation or Consultation()
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
    _tell_joined(ask, had)
    who = command.person or command.department or command.supervisor
    ask.changed(f"{ask.name} asks {who} in ({command.text})", f"{ask.name} 邀请{who}会商({command.text})")


def _tell_joined(ask: Ask, had: Consultation) -> None:
    """Whoever takes part or supervises only now is told, each once in the page gap of the order."""
    order, now, text = ask.order, ask.order.consultation or Consultation(), ask.command.text
    joined = [routing.person_of(ask.catalogue, p) for p in now.people if p not in had.people]
    joined += [contact(ask.catalogue, d, ask.turn.now_ms) for d in now.departments if d not in had.departments]
    said = (
        f"{ask.name} asks you to take part: {text}. {order.sentence}",
        f"{ask.name} 邀请您会商:{text}。{order.sentence}",
    )
    for person in joined:
        if person is not None and person.id != order.owner:
            people.page(ask.catalogue, ask.turn, order, person, said, "asked")
    supervisor = routing.person_of(ask.catalogue, now.supervisor)
    if supervisor is not None and supervisor.id != had.supervisor:
        said = (f"You supervise this order: {text}. {order.sentence}", f"请您督导该工单:{text}。{order.sentence}")
        people.page(ask.catalogue, ask.turn, order, supervisor, said, "asked")


def contact(catalogue: Catalogue, department: str, now_ms: int) -> Person | None:
    """Through whom *department* is asked: its liaison on duty, else whoever of it is accountable, else its highest."""
    known = roles.department_of(catalogue, department)
    beside = rota.liaison_of(catalogue, known, now_ms) if known is not None else None
    if beside is not None:
        return beside
    own = [person for person in catalogue.people if person.department == department]
    if not own:
        return None
    rungs = rota.ladder_of(catalogue, department, now_ms)
    return next((rung.person for rung in rungs if rung.person in own), max(own, key=lambda person: person.tier))


# --- the end of taking part -----------------------------------------------------------------------------------------


def may_release(ask: Ask) -> No | None:
    """Whether they may stop taking part, by this person's word."""
    person, department = _leaving(ask)
    asked = ask.order.consultation or Consultation()
    gone = (not person or person in (*asked.people, asked.supervisor)) and department in ("", *asked.departments)
    if not (person or department) or not gone:
        return No("not_taking_part", f"{ask.command.person or ask.command.department or ask.actor} does not take part")
    if person and person == asked.supervisor:
        if person != ask.actor and ask.catalogue.people:
            return No("not_your_participation", "the supervising party stands down by itself only")
        if is_across(ask.catalogue, ask.order):
            return No("needs_a_supervising_party", "other departments take part: name another supervisor (consult)")
    if not _is_own(ask, person, department) and not _ends_for_others(ask):
        return No("not_your_participation", "the owner, the liaison or the supervising party ends it for others")
    return None


def _leaving(ask: Ask) -> tuple[str, str]:
    """Who leaves: the person and the department named, else the actor, or the department that the actor speaks for."""
    if ask.command.person or ask.command.department:
        return ask.command.person, ask.command.department
    asked, person = ask.order.consultation or Consultation(), routing.person_of(ask.catalogue, ask.actor)
    if ask.actor in (*asked.people, asked.supervisor):
        return ask.actor, ""
    return "", person.department if person is not None and person.department in asked.departments else ""


def _is_own(ask: Ask, person: str, department: str) -> bool:
    actor = routing.person_of(ask.catalogue, ask.actor)
    return person in ("", ask.actor) and department in ("", actor.department if actor is not None else "")


def _ends_for_others(ask: Ask) -> bool:
    has = roles.roles_of(ask.catalogue, ask.order, ask.actor)
    return bool(has & {"owner", "responsible", "supervising"})


def release(ask: Ask) -> None:
    """Somebody takes part no longer."""
    order, (person, department) = ask.order, _leaving(ask)
    had = order.consultation or Consultation()
    was_across = is_across(ask.catalogue, order)
    left = Consultation(
        [p for p in had.people if p != person],
        [d for d in had.departments if d != department],
        None if person == had.supervisor else had.supervisor,
    )
    order.consultation = None if left == Consultation() else left
    ask.log(
        "released", ask.command.text or "takes part no longer", person=person or None, department=department or None
    )
    _stand_down(ask.catalogue, ask.turn, order, "release", was_across)
    who = person or department
    ask.changed(f"{who} takes part no longer", f"{who} 退出会商")


def _stand_down(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str, was_across: bool) -> None:
    """After somebody left: without another department nobody need supervise, without anybody it is no consultation."""
    asked = order.consultation
    if asked is None or asked.supervisor is None or is_across(catalogue, order):
        return
    alone = not (asked.people or asked.departments)
    if was_across or alone:
        order.consultation = None if alone else replace(asked, supervisor=None)
        turn.log(order, event, "supervisor_stood_down", "no_other_department_left", data={"from": asked.supervisor})


def over(turn: Turn, order: WorkOrder, event: str) -> None:
    """*order* has come to its end: nobody takes part in it or supervises it any more."""
    asked = order.consultation
    if asked is None:
        return
    order.consultation = None
    data = {"people": ", ".join(asked.people), "departments": ", ".join(asked.departments), "from": asked.supervisor}
    turn.log(order, event, "consultation_ended", "order_is_over", data=data)


def settings_changed(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """New settings: names that they do not know any more take no part, and whoever supervises still can."""
    asked = order.consultation
    if asked is None:
        return
    people_left = [p for p in asked.people if routing.person_of(catalogue, p) is None]
    departments_left = [d for d in asked.departments if roles.department_of(catalogue, d) is None]
    if people_left or departments_left:
        left = Consultation(
            [p for p in asked.people if p not in people_left],
            [d for d in asked.departments if d not in departments_left],
            asked.supervisor,
        )
        order.consultation = None if left == Consultation() else left
        data = {"people": ", ".join(people_left), "departments": ", ".join(departments_left)}
        turn.log(order, "rules.changed", "participants_left", "not_in_settings_any_more", data=data)
        # by the settings before: a department that is gone was another one
        _stand_down(catalogue, turn, order, "rules.changed", was_across=True)
    keep_apart(catalogue, turn, order)


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
