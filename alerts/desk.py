"""The desk: episodes become orders, orders go to people, time and the live figure move them on.

One open order per queue. Plain functions over one order and one `Turn`; the states come from `alerts.workorder`, the
people from `alerts.routing`, the limits from `alerts.deadlines`, the proof from `alerts.verification`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from alerts import (
    briefs,
    consultation,
    deadlines,
    findings,
    handover,
    limits,
    outage,
    people,
    problem_desk,
    proof,
    routing,
    storm_pages,
)
from alerts.episode import order_id
from alerts.judge import Change
from alerts.moves import go
from alerts.order import WorkOrder
from alerts.rules import Step
from alerts.turn import SYSTEM, Turn
from alerts.workorder import NEW, OPEN, UNANSWERED, moved
from models.catalogue import Catalogue
from models.duty import on_duty

#: What a log entry carries beside.
Data = Mapping[str, str | int | float | bool | None]


def time_passes(catalogue: Catalogue, turn: Turn, order: WorkOrder, still: bool = False, held: bool = False) -> None:
    """One clock of an open order: its limits, the handover of its shift, then its verification.

    While it stands *still* for a planned event it is handed over and no more. One that a storm has *held* is verified
    and no more: it is handed over with its parent.
    """
    if not (still or held):
        limits.dues(catalogue, turn, order)
        outage.pass_time(catalogue, turn, order)
    if not held:
        handover.dues(catalogue, turn, order)
    if order.state != "verifying" or still:
        return
    if order.private.by_itself and order.active:  # it broke while it was on hold
        not_over(turn, order, "the figure broke again before enough calls were seen", {})
    else:
        proof.verify(catalogue, turn, order)


def breached(
    catalogue: Catalogue, turn: Turn, order: WorkOrder | None, change: Change, said: tuple[str, str]
) -> WorkOrder:
    """A new episode of the queue: it joins the open order, brings back the one just closed, or opens one."""
    if order is not None and order.state in OPEN:
        _join(catalogue, turn, order, change, said)
        return order
    reopen_ms = catalogue.limits.reopen_ms
    if order is not None and order.state == "closed" and turn.now_ms - (order.closed_ms or 0) <= reopen_ms:
        _relapse(catalogue, turn, order, change, said)
        return order
    return _open(catalogue, turn, change, said)


def _open(catalogue: Catalogue, turn: Turn, change: Change, said: tuple[str, str]) -> WorkOrder:
    queue, rule = change.queue, change.rule
    order = WorkOrder(order_id(queue, change.started_ms), queue, "detected", rule.severity, turn.now_ms)
    order.state = moved(NEW, "breached") or "detected"
    order.private.broke_ms = turn.now_ms
    order.symptoms, order.active, order.sentence = [rule.id], [rule.id], said[0]
    outage.began(order, change, turn.now_ms)
    begin(catalogue, turn, order, said, "breached", data={"rule": rule.id, "started_ms": change.started_ms})
    return order


def begin(
    catalogue: Catalogue,
    turn: Turn,
    order: WorkOrder,
    said: tuple[str, str],
    event: str,
    actor: str = SYSTEM,
    data: Data | None = None,
) -> None:
    """A new order, opened by *event*: to a person, with its limits, with what like orders have taught."""
    briefs.first(turn, order)
    figures = turn.figures(order)
    order.private.first_figures = {name: value for name, value in figures.items() if value is not None}
    turn.log(order, event, "raised", said[0], actor, data)
    choice = routing.first_owner(catalogue, order.queue, turn.now_ms)
    order.liaison = routing.liaison(catalogue, order.queue, turn.now_ms)
    limits.both_anew(catalogue, turn, order, choice.person)
    if choice.person is None:
        turn.log(order, event, "unassigned", choice.reason)
    else:
        people.give(order, choice.person)
        go(order, "breached")
        turn.log(order, event, "dispatched", choice.reason, data={"owner": choice.person.id})
        if actor == SYSTEM:
            storm_pages.first_page(catalogue, turn, order, choice.person, said)
        else:
            people.page(catalogue, turn, order, choice.person, briefs.with_headline(order, said, turn.now_ms))
    if not storm_pages.joins(turn, order):
        turn.alert("raised", order, *said)
    _remember(catalogue, turn, order, event)


def _remember(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str) -> None:
    """Offer the most similar closed orders; open a problem record when the queue keeps coming back at this time."""
    turn.memory.offer(catalogue, order)
    if order.like:
        data: dict[str, str | int | float | bool | None] = {}
        for n, like in enumerate(order.like, 1):
            data |= {f"like_{n}": like.order, f"score_{n}": like.score}
        turn.log(order, event, "experience_offered", f"{len(order.like)} similar orders are offered", data=data)
    problem = turn.memory.opened(catalogue, order)
    if problem is not None:
        problem_desk.opened(catalogue, turn, order, *problem, event)
    elif order.problem is not None:
        turn.log(order, event, "problem_joined", "it belongs to an open problem", data={"problem": order.problem})


def _join(catalogue: Catalogue, turn: Turn, order: WorkOrder, change: Change, said: tuple[str, str]) -> None:
    rule, new = change.rule, change.rule.id not in order.symptoms
    if new:
        order.symptoms.append(rule.id)
    if order.state in UNANSWERED and (not order.active or rule.severity < order.severity):
        order.private.broke_ms = turn.now_ms
    if rule.id not in order.active:
        order.active.append(rule.id)
    order.private.unproven = [r for r in order.private.unproven if r != rule.id]
    outage.began(order, change, turn.now_ms)
    if rule.severity < order.severity:
        order.severity, order.sentence = rule.severity, said[0]
        tighten(catalogue, turn, order)
        _brief_anew(turn, order)
    if not order.private.by_itself:
        proof.joined(catalogue, turn, order)
    go(order, "joined")
    turn.log(order, "joined", "joined" if new else "rejoined", said[0], data={"rule": rule.id})
    if order.state == "verifying" and order.private.by_itself:
        not_over(turn, order, "the figure broke again before enough calls were seen", {"rule": rule.id})
    if new:
        turn.alert("changed", order, f"Joined: {said[0]}", f"并入工单:{said[1]}")


def not_over(turn: Turn, order: WorkOrder, why: str, data: Data) -> None:
    """A recovery by itself did not last: back to where the order was."""
    proof.stop_verification(turn, order, "failed", why)
    go(order, "relapsed")
    turn.log(order, "relapsed", "moved", "the recovery did not last", data=data)


def tighten(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """A graver symptom shortens both limits, counted from now; it never lengthens them."""
    limits.hold_so_far(catalogue, turn, order)
    owner = routing.person_of(catalogue, order.owner)
    respond = deadlines.respond_by_ms(catalogue, order.severity, owner, turn.now_ms)
    resolve = deadlines.resolve_by_ms(catalogue, order.severity, owner, turn.now_ms)
    if order.respond_by_ms is not None:
        order.respond_by_ms = min(order.respond_by_ms, respond)
    if order.resolve_by_ms is not None and not order.private.resolve_late and resolve < order.resolve_by_ms:
        order.resolve_by_ms, order.agreed_ms = resolve, None


def _relapse(catalogue: Catalogue, turn: Turn, order: WorkOrder, change: Change, said: tuple[str, str]) -> None:
    rule = change.rule
    order.active = [rule.id]
    outage.began(order, change, turn.now_ms)
    if rule.id not in order.symptoms:
        order.symptoms.append(rule.id)
    reopen(catalogue, turn, order, rule.severity, said, {"rule": rule.id})


def reopen(
    catalogue: Catalogue, turn: Turn, order: WorkOrder, severity: int, said: tuple[str, str], data: Data
) -> None:
    """A closed order comes back inside the reopen window: the same order, with its limits anew."""
    go(order, "relapsed")
    order.reopened += 1
    order.closed_ms = order.cause = order.measure = order.verification = None
    storm_pages.came_back(turn, order)
    order.sentence, order.severity = said[0], min(order.severity, severity)
    order.private.unproven.clear()
    order.private.cancel_by = order.private.cancel_reason = ""
    owner = routing.person_of(catalogue, order.owner)
    if catalogue.people and (owner is None or not on_duty(catalogue, owner, turn.now_ms)):
        owner = routing.first_owner(catalogue, order.queue, turn.now_ms).person
    if owner is not None:
        people.give(order, owner)
        order.private.tried = [owner.id]
    limits.both_anew(catalogue, turn, order, owner)
    briefs.first(turn, order)
    turn.log(order, "relapsed", "reopened", said[0], data={**data, "reopened": order.reopened})
    consultation.keep_apart(catalogue, turn, order)
    if turn.memory.withdraw(order):
        turn.log(order, "relapsed", "experience_withdrawn", "it was not over, so what was done has not helped")
    if owner is not None and turn.by_clock:
        storm_pages.first_page(catalogue, turn, order, owner, said)
    elif owner is not None:
        people.page(catalogue, turn, order, owner, briefs.with_headline(order, said, turn.now_ms))
    turn.alert("raised", order, f"Again, inside the reopen window: {said[0]}", f"复发:{said[1]}")


def worse(turn: Turn, order: WorkOrder | None, change: Change, said: tuple[str, str]) -> None:
    """An episode got markedly worse: its order says so."""
    if order is None or order.state not in OPEN or change.rule.id not in order.active:
        return
    order.sentence = said[0]
    _brief_anew(turn, order)
    turn.log(order, "joined", "worse", said[0], data={"rule": change.rule.id})


def _brief_anew(turn: Turn, order: WorkOrder) -> None:
    """It got worse: what is known now. What a storm holds is told of with its parent; a first briefing comes first."""
    if order.parent is None and order.briefing is not None:
        turn.brief(order)


def brief_again(turn: Turn, order: WorkOrder) -> None:
    """It is still open: what is known of its trouble now. A queue that is closed, with nobody waiting, has none."""
    read = partial(turn.read, order.queue)
    if (read("open", "now") != 0 or read("waiting", "now")) and turn.brief(order):
        turn.log(order, "brief_due", "briefed", "still_open")


def ended(catalogue: Catalogue, turn: Turn, order: WorkOrder | None, change: Change, said: tuple[str, str]) -> None:
    """An episode ended: when it was the last, the order has recovered by itself."""
    if order is None or order.state not in OPEN or change.rule.id not in order.active:
        return
    order.active.remove(change.rule.id)
    outage.ended(order, change, turn.now_ms)
    if change.step != Step.RECOVERED:
        order.private.unproven.append(change.rule.id)
    decision = "withdrawn" if change.step == Step.WITHDRAWN else "symptom_ended"
    turn.log(order, "recovered", decision, said[0], data={"rule": change.rule.id, "left": len(order.active)})
    if not order.active and not findings.pending(order) and moved(order.state, "recovered") is not None:
        recover(catalogue, turn, order, said)


def people_changed(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """New settings: an owner or liaison whom they do not know any more is replaced by the normal routing."""
    if not catalogue.people:
        return  # there is nobody to take it: the name stays, a person who comes later can
    if order.parent is None:  # a child has whom its parent has
        _handlers_changed(catalogue, turn, order)
    consultation.settings_changed(catalogue, turn, order)


def _handlers_changed(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    if order.liaison is not None and routing.person_of(catalogue, order.liaison) is None:
        order.liaison = routing.liaison(catalogue, order.queue, turn.now_ms)
        turn.log(order, "rules.changed", "liaison_replaced", "liaison_not_in_settings", data={"to": order.liaison})
    if order.owner is None or routing.person_of(catalogue, order.owner) is not None:
        return
    left, choice = order.owner, routing.first_owner(catalogue, order.queue, turn.now_ms)
    if choice.person is None:
        return
    people.give(order, choice.person)
    data = {"from": left, "to": choice.person.id, "choice": choice.reason}
    turn.log(order, "rules.changed", "reassigned", "owner_not_in_settings", data=data)
    people.page(catalogue, turn, order, choice.person, (order.sentence, order.sentence))
    en, zh = f"Now with {order.owner_name}: {left} is not in the settings any more", f"责任人变更为{order.owner_name}"
    turn.alert("changed", order, en, zh)


def recover(catalogue: Catalogue, turn: Turn, order: WorkOrder, said: tuple[str, str]) -> None:
    """All symptoms have ended, nothing found is open. Grave orders are verified, lesser ones proven by the recovery."""
    limits.leave_hold(catalogue, turn, order)
    if order.state == "on_hold" and order.private.came_from[-1:] == ["verifying"]:
        go(order, "resume")
        turn.log(order, "recovered", "moved", "every symptom has ended: the verification goes on")
        return
    go(order, "recovered")
    proof.start_verification(catalogue, turn, order, by_itself=True)
    turn.log(order, "recovered", "moved", "every symptom has ended: the next calls must prove it")
    if order.severity >= 3 and not order.private.unproven:
        held = ("Closed by itself: " + said[0], "自行恢复并关闭:" + said[1])
        proof.close(turn, order, "the figure held its recovery", held, catalogue=catalogue)
    else:
        turn.alert("changed", order, f"Recovered, being verified: {said[0]}", f"已恢复,验证中:{said[1]}")
