"""Problem records at the desk: opened to somebody accountable, handed on with the settings, closed by name.

A problem is of the queue, not of one order: its decisions are logged with the queue's last order (there always is one).
"""

from __future__ import annotations

from typing import Any

from alerts import people, routing
from alerts.ask import Ask, No
from alerts.order import WorkOrder
from alerts.problem import SUPERVISOR, Open, Recurrence, clock_time, owner_of, told
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.duty import on_duty


def opened(catalogue: Catalogue, turn: Turn, order: WorkOrder, half: int, problem: Open, event: str) -> None:
    """*order* has opened *problem*: it is logged, shown, and told to who is accountable for it."""
    choice = owner_of(catalogue, order.queue, turn.now_ms)
    problem.owner = choice.person.id if choice.person else None
    count, half_hour, zone = len(problem.orders), clock_time(half), problem.zone
    en = f"{count} orders of {order.queue} within ten days at {half_hour} ({zone}): a problem record is opened"
    zh = f"{order.queue} 十日内在{half_hour}时段出现{count}次工单,建立问题记录"
    data = {"problem": problem.id, "half_hour": half_hour, "zone": zone, "orders": ", ".join(problem.orders)}
    data |= {"problem_owner": problem.owner or "", "choice": choice.reason}
    turn.log(order, event, "problem_opened", en, data=data)
    _show(turn, order, told(order.queue, half, problem), (en, zh))
    _tell_owner(catalogue, turn, order, problem, (en, zh))


def _show(turn: Turn, order: WorkOrder, payload: dict[str, Any], said: tuple[str, str]) -> None:
    heading = f"{order.queue}: problem {payload['id']}"
    turn.alert_without_order(
        "problem", order.queue, order.severity, heading, said, order.id, payload["owner"], {"problem": payload}
    )


def _tell_owner(catalogue: Catalogue, turn: Turn, order: WorkOrder, problem: Open, said: tuple[str, str]) -> None:
    """Whoever is accountable for it is told, and never woken for it: it stands in the list of problems."""
    owner = routing.person_of(catalogue, problem.owner)
    if owner is None:
        return
    if not on_duty(catalogue, owner, turn.now_ms):
        turn.log(order, "breached", "suppressed", "off_duty_and_not_urgent", data={"person": owner.id})
        return
    en, zh = f"Problem {problem.id} is yours. {said[0]}", f"问题记录{problem.id}由您负责。{said[1]}"
    people.page(catalogue, turn, order, owner, (en, zh), "asked")


def settings_changed(catalogue: Catalogue, turn: Turn, order: WorkOrder, back: Recurrence) -> None:
    """New settings: a problem whose owner they do not know any more goes to another."""
    for half, problem in sorted(back.problems.items()):
        choice = owner_of(catalogue, order.queue, turn.now_ms)
        if choice.person is None or routing.person_of(catalogue, problem.owner) is not None:
            continue
        left, problem.owner = problem.owner, choice.person.id
        data = {"problem": problem.id, "from": left, "to": choice.person.id, "choice": choice.reason}
        turn.log(order, "rules.changed", "problem_reassigned", "owner_not_in_settings", data=data)
        said = (
            f"Problem {problem.id} goes to {choice.person.name}",
            f"问题记录{problem.id}转由{choice.person.name}负责",
        )
        _show(turn, order, told(order.queue, half, problem), said)
        _tell_owner(catalogue, turn, order, problem, said)


def may_close(ask: Ask) -> No | None:
    """Whether the problem may be closed: an open one of the queue, by who is accountable for it or a supervisor."""
    found = ask.turn.memory.open_problem(ask.order.queue, ask.command.problem)
    if found is None:
        return No("no_such_problem", f"{ask.order.queue} has no open problem {ask.command.problem}")
    person = routing.person_of(ask.catalogue, ask.actor)
    its_own = ask.actor == found[1].owner
    if ask.catalogue.people and not its_own and (person is None or person.tier < SUPERVISOR):
        return No(
            "not_the_problems_owner", f"{found[1].owner} is accountable for it: that person or a supervisor closes it"
        )
    return None


def close(ask: Ask) -> None:
    """The problem is closed with its root cause and the measure against it."""
    order, command = ask.order, ask.command
    found = ask.turn.memory.open_problem(order.queue, command.problem)
    if found is None:
        return
    half, problem = found
    payload = told(order.queue, half, problem)
    payload |= {"state": "closed", "closed_ms": ask.turn.now_ms, "closed_by": ask.actor}
    payload |= {"cause": command.text, "measure": command.measure}
    ask.turn.memory.problem_closed(order.queue, half)
    ask.log(
        "problem_closed", command.text, problem=problem.id, measure=command.measure, problem_owner=problem.owner,
        orders=", ".join(problem.orders), joined=problem.joined,
    )  # fmt: skip
    en = f"Problem {problem.id} is closed by {ask.name}: {command.text}; measure: {command.measure}"
    zh = f"问题记录{problem.id}由{ask.name}关闭:{command.text};措施:{command.measure}"
    _show(ask.turn, order, payload, (en, zh))
