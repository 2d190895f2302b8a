"""Problem records at the desk: opened to somebody accountable, handed on with the settings, closed by name.

A problem is of the queue, not of one order: its decisions are logged with the queue's last order (there always is one).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from alerts import people, routing
from alerts.ask import Ask, No
from alerts.experience import half_of_week
from alerts.order import BY_ITSELF, WorkOrder
from alerts.problem import AT, GIVEN, SEEN, SUPERVISOR, Open, Recurrence, half_hour, owner_of, told
from alerts.seen_cause import WORDS, seen
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.causes import causes_of
from models.duty import on_duty
from models.topics import DAY_MS

#: A cause that says nothing: orders are not alike by it.
OTHER: Final = "other"


def order_opened(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str) -> None:
    """*order* has opened: it counts by its half-hour of the day, and by its cause where that can be seen."""
    half = half_of_week(catalogue, order.queue, order.opened_ms) % 48
    order.private.seen_cause = _seen(turn, order)
    keys = [f"{AT}{half}"]
    if order.private.seen_cause:
        keys.append(SEEN + order.private.seen_cause)
    _count(catalogue, turn, order, keys, event)


def briefed(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str) -> None:
    """*order* was briefed: its cause may be seen now."""
    if order.private.seen_cause or order.problem is not None or order.parent is not None:
        return
    order.private.seen_cause = _seen(turn, order)
    if order.private.seen_cause:
        _count(catalogue, turn, order, [SEEN + order.private.seen_cause], event)


def cause_given(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """*order* is closed: it counts by the cause that a person gave. Of a storm its parent counts, once."""
    cause = order.cause or ""
    if order.problem is None and order.parent is None and cause not in ("", OTHER, *BY_ITSELF):
        _count(catalogue, turn, order, [GIVEN + cause], "verified")


def _seen(turn: Turn, order: WorkOrder) -> str:
    metrics = [turn.rules[rule].metric for rule in order.symptoms if rule in turn.rules]
    return seen(order, metrics, partial(turn.read, order.queue))


def _count(catalogue: Catalogue, turn: Turn, order: WorkOrder, keys: Sequence[str], event: str) -> None:
    made = turn.memory.came(catalogue, order, keys)
    if made is not None:
        _opened(catalogue, turn, order, *made, event)
    elif order.problem is not None:
        turn.log(order, event, "problem_joined", "it belongs to an open problem", data={"problem": order.problem})


def _opened(catalogue: Catalogue, turn: Turn, order: WorkOrder, key: str, problem: Open, event: str) -> None:
    """*order* has opened *problem*: it is logged, shown, and told to who is accountable for it."""
    choice = owner_of(catalogue, order.queue, turn.now_ms)
    problem.owner = choice.person.id if choice.person else None
    problem.title, problem.zh = _in_common(catalogue, key)
    count, days = len(problem.orders), max(1, round(catalogue.limits.problem_ms / DAY_MS))
    if half := half_hour(key):
        what = (f"at {half} ({problem.zone})", f"在{half}时段")
    else:
        what = (f"with the same cause ({problem.title})", f"因同一原因({problem.zh})")
    en = f"{count} orders of {order.queue} within {days} days {what[0]}: a problem record is opened"
    zh = f"{order.queue} {days}日内{what[1]}出现{count}次工单,建立问题记录"
    data = {"problem": problem.id, "half_hour": half, "zone": problem.zone, "orders": ", ".join(problem.orders)}
    data |= {"problem_owner": problem.owner or "", "choice": choice.reason}
    if not half:
        data |= {"same_cause": problem.title}
    turn.log(order, event, "problem_opened", en, data=data)
    _show(turn, order, told(order.queue, key, problem), (en, zh))
    _tell_owner(catalogue, turn, order, problem, (en, zh))


def _in_common(catalogue: Catalogue, key: str) -> tuple[str, str]:
    """What orders of *key* have in common, as people read it."""
    if key.startswith(AT):
        return "", ""
    if key.startswith(SEEN):
        return WORDS[key.removeprefix(SEEN)]
    name = key.removeprefix(GIVEN)
    found = next((cause for cause in causes_of(catalogue) if cause.id == name), None)
    return (found.title or name, found.zh or found.title or name) if found else (name, name)


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
    for key, problem in sorted(back.problems.items()):
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
        _show(turn, order, told(order.queue, key, problem), said)
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
    key, problem = found
    payload = told(order.queue, key, problem)
    payload |= {"state": "closed", "closed_ms": ask.turn.now_ms, "closed_by": ask.actor}
    payload |= {"cause": command.text, "measure": command.measure}
    ask.turn.memory.problem_closed(order.queue, key)
    ask.log(
        "problem_closed", command.text, problem=problem.id, measure=command.measure, problem_owner=problem.owner,
        orders=", ".join(problem.orders), joined=problem.joined,
    )  # fmt: skip
    en = f"Problem {problem.id} is closed by {ask.name}: {command.text}; measure: {command.measure}"
    zh = f"问题记录{problem.id}由{ask.name}关闭:{command.text};措施:{command.measure}"
    _show(ask.turn, order, payload, (en, zh))
