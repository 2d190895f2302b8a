"""Who may take which step of an order: the one table of roles, beside the table of moves.

Theory. A person has roles in an order, not by title alone: whoever is accountable for it is its *owner*, the liaison
beside is *responsible*, somebody who was asked to take part is *consulted*. What a command needs stands twice: in a
strict department each step belongs to its role; elsewhere whoever stands nearest may do it, and only what would undo
the loop (to let a shortfall stand, to sign instead of the calls, to supervise oneself) is kept to its role. Who must be
*another* person than somebody before is a guard of the command (`alerts.commands`), since it depends on what was done.

Two *sides* agree on the limit to resolve. Where a department supervises (the monitoring centre), its people are one
side and everybody who handles the order is the other. Without such a department the liaison, who speaks for the
business, is the handling side, and those who can be accountable are the other; without a liaison the owner handles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from alerts import routing
from alerts.order import WorkOrder
from models.catalogue import Catalogue, Department, Person
from models.command import OrderCommand
from models.hours import settings_for

Role = Literal[
    "anyone",  # whoever writes to the log, also a program
    "person",  # of the settings
    "owner",
    "responsible",
    "consulted",
    "lead",  # can be accountable: tier 1 and above, of any department
    "shift_lead",  # the same of this queue's people, and managers
    "supervisor",  # tier 3 and above
    "supervising",  # the supervising party of this order, and the monitoring centre: never who handles it
    "checker",  # named in an open finding as the one who signs
    "sender",  # reported an open finding and says when it is over
]
ROLES: Final[tuple[Role, ...]] = Role.__args__  # type: ignore[attr-defined]
Side = Literal["handling", "monitoring"]

SHIFT_LEAD: Final = 1
SUPERVISOR: Final = 3


@dataclass(frozen=True, slots=True)
class May:
    """Who may, usually and in a strict department, and the name of the refusal where it is an old one."""

    usual: frozenset[Role]
    strict: frozenset[Role]
    reason: str = "not_your_role"


def _may(usual: str, strict: str, reason: str = "not_your_role") -> May:
    return May(frozenset(usual.split()), frozenset(strict.split()), reason)  # type: ignore[arg-type]


MAY: Final[dict[str, May]] = {
    "acknowledge": _may("anyone", "owner responsible"),
    "take": _may("lead", "shift_lead", "cannot_be_accountable"),
    "analyse": _may("anyone", "owner responsible"),
    "consult": _may("anyone", "owner responsible supervising"),
    "note": _may("anyone", "person"),
    "propose_limit": _may("anyone", "owner responsible supervising"),
    "agree_limit": _may("anyone", "owner responsible supervising"),
    "hold": _may("anyone", "owner"),
    "resume": _may("anyone", "owner supervising"),
    "resolve": _may("anyone", "owner responsible"),
    "accept": _may("supervisor", "supervisor", "not_a_supervisor"),
    "cancel": _may("anyone", "owner responsible"),
    "confirm_cancel": _may("person", "shift_lead supervising", "unknown_person"),
    "reassign": _may("anyone", "owner supervisor supervising"),
    "hand_over": _may("anyone", "owner"),
    "accept_handover": _may("anyone", "shift_lead"),
    "sign_evidence": _may("lead", "shift_lead", "not_a_shift_lead"),
    "verdict": _may("anyone", "shift_lead supervising"),
    "report": _may("anyone", "anyone"),
    "over": _may("sender", "sender", "not_the_sender"),
    "sign_check": _may("checker", "checker", "not_the_checker"),
    "supervise": _may("supervising", "supervising", "not_the_supervising_party"),
    "release": _may("owner responsible supervising consulted", "owner responsible supervising consulted"),
    "close_problem": _may("person", "person", "unknown_person"),  # whose it is says `alerts.problem`
    "helped": _may("anyone", "owner responsible shift_lead"),
    "floor_note": _may("person", "person", "unknown_person"),
    "accept_shift": _may("anyone", "shift_lead"),
    "plan": _may("person", "person", "unknown_person"),
    "shorten_plan": _may("person", "person", "unknown_person"),
    "cancel_plan": _may("person", "person", "unknown_person"),
    "declare_emergency": _may("person", "person", "unknown_person"),
    "stand_down": _may("person", "person", "unknown_person"),
    "adopt": _may("lead", "shift_lead supervising", "cannot_be_accountable"),
    "mark_odd": _may("person", "person", "unknown_person"),
}


def refusal(catalogue: Catalogue, order: WorkOrder, command: OrderCommand) -> tuple[str, str] | None:
    """Why *command* is not its actor's to give: a named reason and words; None when it is."""
    may = MAY[command.command]
    if catalogue.people and _stranger(catalogue, command) and "anyone" not in may.usual:
        return may.reason, f"{command.actor} is not in the settings"
    strict = is_strict(catalogue, order.queue)
    has = roles_of(catalogue, order, command.actor)
    if has & may.usual and not strict:
        return None
    if has & may.strict and strict:
        return None
    needed = " or ".join(sorted(may.strict if strict else may.usual)).replace("_", " ")
    where = "in this department" if strict else "here"
    reason = "not_your_role" if strict and has & may.usual else may.reason
    return reason, f"{command.command} is for {needed} {where}, which {command.actor} is not"


def _stranger(catalogue: Catalogue, command: OrderCommand) -> bool:
    programs = ("over",)  # of findings that other systems send
    return routing.person_of(catalogue, command.actor) is None and command.command not in programs


def roles_of(catalogue: Catalogue, order: WorkOrder, actor: str) -> frozenset[Role]:
    """The roles of *actor* in *order*. Without people in the settings everybody may all."""
    if not catalogue.people:
        return frozenset(ROLES)
    pending = [finding for finding in order.findings if finding.state != "passed"]
    found: set[Role] = {"anyone"}
    if actor in {f.by for f in order.findings if f.verify == "sender"}:
        found.add("sender")
    signers = {f.person for f in pending if f.verify == "signed"}
    if actor in signers:
        found.add("checker")
    person = routing.person_of(catalogue, actor)
    if person is None:
        return frozenset(found)
    found.add("person")
    if person.tier >= SUPERVISOR and any(routing.person_of(catalogue, signer) is None for signer in signers):
        found.add("checker")  # who was named is not in the settings any more
    if actor == order.owner:
        found.add("owner")
    if actor == order.liaison:
        found.add("responsible")
    if takes_part(order, person):
        found.add("consulted")
    return frozenset(found | _of_tier(catalogue, order, person))


def _of_tier(catalogue: Catalogue, order: WorkOrder, person: Person) -> set[Role]:
    found: set[Role] = set()
    if person.tier >= SHIFT_LEAD:
        found.add("lead")
        if person.tier >= routing.MANAGER or person in routing.staff(catalogue, order.queue):
            found.add("shift_lead")
    if person.tier >= SUPERVISOR:
        found.add("supervisor")
    if supervises(catalogue, order, person):
        found.add("supervising")
    return found


def department_of(catalogue: Catalogue, name: str) -> Department | None:
    """The department of that name."""
    return next((d for d in catalogue.departments if d.name == name), None)


def is_strict(catalogue: Catalogue, queue: str) -> bool:
    """Whether the department that answers for *queue* wants each step done by its role."""
    department = department_of(catalogue, settings_for(catalogue, queue).department)
    return department is not None and department.strict


def in_centre(catalogue: Catalogue, person: Person) -> bool:
    """Whether *person* is of a department that supervises: the monitoring centre."""
    department = department_of(catalogue, person.department)
    return department is not None and department.supervises


def takes_part(order: WorkOrder, person: Person) -> bool:
    """Whether *person* was asked to take part, by name or with the department."""
    asked = order.consultation
    return asked is not None and (person.id in asked.people or person.department in asked.departments)


def handles(catalogue: Catalogue, order: WorkOrder, person: Person) -> bool:
    """Whether *person* is one of those who handle the order: accountable, responsible, or taking part in it."""
    if person.id in (order.owner, order.liaison):
        return True
    asked = order.consultation
    return asked is not None and (
        person.id in asked.people or (person.department in asked.departments and not in_centre(catalogue, person))
    )


def supervises(catalogue: Catalogue, order: WorkOrder, person: Person) -> bool:
    """Whether *person* is the supervising party of the order: named so, or of the centre, and does not handle it."""
    if handles(catalogue, order, person):
        return False
    named = order.consultation is not None and order.consultation.supervisor == person.id
    return named or in_centre(catalogue, person)


def side(catalogue: Catalogue, order: WorkOrder, actor: str) -> Side | None:
    """The side for which *actor* may agree on a limit; None for somebody of neither."""
    person = routing.person_of(catalogue, actor)
    if person is None:
        return None
    own = routing.staff(catalogue, order.queue)
    if any(department.supervises for department in catalogue.departments):
        if in_centre(catalogue, person):
            return "monitoring"
        return "handling" if person in own or handles(catalogue, order, person) else None
    department = department_of(catalogue, settings_for(catalogue, order.queue).department)
    if department is not None and person.id in department.liaisons and person.id != order.owner:
        return "handling"
    if person.id == order.liaison or (person in own and person.tier < SHIFT_LEAD) or takes_part(order, person):
        return "handling"
    if person.id == order.owner and not any(p.tier < SHIFT_LEAD for p in own):
        return "handling"
    return "monitoring" if person in own or person.id == order.owner or person.tier >= routing.MANAGER else None
