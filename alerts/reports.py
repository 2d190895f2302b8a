"""The commands of findings: ``report`` (opens an order or joins the queue's open one), ``over``, ``sign_check``.

`alerts.findings` says what a finding is and how it ends. A finding's id is made of the queue and the command that
reported it, or, of another system's, of the sender and its own key: the same key is the same finding.
"""

from __future__ import annotations

from alerts import desk, findings, people, proof, routing
from alerts.ask import Ask, No
from alerts.episode import short_id
from alerts.order import Finding, WorkOrder
from alerts.turn import Turn
from alerts.workorder import OPEN, moved
from models.catalogue import Catalogue
from models.command import NEEDS, WAY_NEEDS, OrderCommand
from models.fields import is_unit
from models.metric import FIGURES, METRIC

_OTHER_SIDE = {"below": True, "above": False}


def fault(catalogue: Catalogue, queue: str, order: WorkOrder | None, command: OrderCommand) -> No | None:
    """What is wrong with a report about *queue*, whose order is *order*; None when it can be taken."""
    for name in (*NEEDS["report"], *WAY_NEEDS.get(command.verify, ())):
        if getattr(command, name) in ("", None):
            return No(f"needs_{name}", f"report needs {name}")
    if catalogue.people and command.verify != "sender" and routing.person_of(catalogue, command.actor) is None:
        return No("unknown_person", f"{command.actor} is not in the settings")
    known = is_unit(queue) or any(site.name in ("*", queue.rpartition("/")[0]) for site in catalogue.sites)
    if catalogue.sites and not known:
        return No("unknown_site", f"no site of the settings has a queue {queue}")
    if no := _way_fault(catalogue, queue, command):
        return no
    resolved_by = order.private.resolved_by if order is not None and order.state == "verifying" else ""
    if command.verify == "signed" and command.person == resolved_by:
        return No("needs_a_second_person", "the check is signed by somebody else than who resolved it")
    open_now = [f for f in order.findings if not _done(f)] if order is not None and order.state in OPEN else []
    if len(open_now) >= findings.FINDINGS_MAX and all(f.id != _id(queue, command, "") for f in open_now):
        return No("too_many_findings", f"the order has {findings.FINDINGS_MAX} findings already: resolve those first")
    return None


def _done(finding: Finding) -> bool:
    """Whether nothing asks for *finding* any more: a resolve lets all others be proven again."""
    return finding.verify == "sender" and finding.state == "passed"


def _way_fault(catalogue: Catalogue, queue: str, command: OrderCommand) -> No | None:
    if command.verify == "figure":
        if (command.metric, command.window) not in FIGURES or command.window == "resolve":
            return No("unknown_figure", f"there is no figure {command.metric} over {command.window}")
        if METRIC[command.metric].better == "neither" and not command.breach:
            return No("needs_breach", f"{command.metric} has no better direction: say which side is bad")
    if command.verify == "probe" and is_unit(queue):
        return No("no_test_calls", "no test call is of a unit: name one of its queues")
    if command.verify == "signed":
        if command.person == command.actor:
            return No("needs_a_second_person", "the check is signed by somebody else than who reports")
        if catalogue.people and routing.person_of(catalogue, command.person) is None:
            return No("unknown_person", f"{command.person} is not in the settings")
    return None


def _id(queue: str, command: OrderCommand, ident: str) -> str:
    return short_id("FI-", queue, command.actor, command.key) if command.verify == "sender" else short_id("FI-", ident)


def _finding(queue: str, command: OrderCommand, ident: str, now_ms: int) -> Finding:
    figure = command.verify == "figure"
    better = METRIC[command.metric].better if figure else "up"
    return Finding(
        id=_id(queue, command, ident),
        kind=command.kind,
        text=command.text,
        severity=command.severity or 3,
        by=command.actor,
        at_ms=now_ms,
        verify=command.verify,
        metric=command.metric if figure else "",
        window=command.window if figure else "",
        limit=command.limit if figure else None,
        below=_OTHER_SIDE.get(command.breach, better == "up") if figure else False,
        person=command.person if command.verify == "signed" else "",
        key=command.key if command.verify == "sender" else "",
    )


def opened(
    catalogue: Catalogue, turn: Turn, queue: str, order: WorkOrder | None, command: OrderCommand, ident: str
) -> WorkOrder:
    """A report about a queue without an open order: its own order is opened, or the one just closed comes back.

    It comes back only for a finding that was in it: another system says that it is there again.
    """
    finding = _finding(queue, command, ident, turn.now_ms)
    said = findings.said_of(finding, queue, _name(catalogue, command.actor))
    data = {"finding": finding.id, "kind": finding.kind, "verify": finding.verify}
    known = [f.id for f in order.findings] if order is not None and order.state == "closed" else []
    if order is not None and finding.id in known and turn.now_ms - (order.closed_ms or 0) <= catalogue.limits.reopen_ms:
        order.findings = [finding if f.id == finding.id else f for f in order.findings]
        desk.reopen(catalogue, turn, order, finding.severity, said, data)
        return order
    state = moved("new", "report") or "detected"
    made = WorkOrder(short_id("WO-", queue, finding.id, ident), queue, state, finding.severity, turn.now_ms)
    made.findings, made.sentence = [finding], said[0]
    desk.begin(catalogue, turn, made, said, event="report", actor=command.actor, data=data)
    return made


def _name(catalogue: Catalogue, actor: str) -> str:
    person = routing.person_of(catalogue, actor)
    return person.name if person else actor


def report(ask: Ask) -> None:
    """A report about a queue with an open order: the finding joins it."""
    order, command = ask.order, ask.command
    finding = _finding(order.queue, command, ask.ident, ask.turn.now_ms)
    data = {"finding": finding.id, "kind": finding.kind, "verify": finding.verify}
    there = next((f for f in order.findings if f.id == finding.id), None)
    if there is not None and there.state != "passed":
        ask.log("repeated", command.text, **data)
        return
    if there is not None:
        there.state, there.evidence, there.text = "open", "", command.text
    else:
        if len(order.findings) >= findings.FINDINGS_MAX:
            order.findings.remove(next(f for f in order.findings if _done(f)))  # `fault` has seen one
        order.findings.append(finding)
        if finding.verify == "figure" and not order.private.by_itself:
            proof.joined(ask.catalogue, ask.turn, order)
    said = findings.said_of(finding, order.queue, ask.name)
    if finding.severity < order.severity:
        order.severity, order.sentence = finding.severity, said[0]
        desk.tighten(ask.catalogue, ask.turn, order)
    ask.log("rejoined" if there else "joined", said[0], **data)
    if order.state == "verifying" and order.private.by_itself:
        desk.not_over(ask.turn, order, "something was found before the recovery was proven", data)
    ask.turn.alert("changed", order, f"Joined: {said[0]}", f"并入工单:{said[1]}")


def may_be_over(ask: Ask) -> No | None:
    """Whether the sender may say that its finding is over."""
    return None if _named(ask) else No("no_such_finding", f"{ask.actor} has sent no open finding {ask.command.key}")


def _named(ask: Ask) -> Finding | None:
    return next(
        (
            f
            for f in findings.pending(ask.order)
            if f.verify == "sender" and (f.by, f.key) == (ask.actor, ask.command.key)
        ),
        None,
    )


def over(ask: Ask) -> None:
    """The sender says that its finding is over."""
    finding = _named(ask)
    if finding is None:
        return
    findings.passed(finding, ask.command.text or f"{ask.actor} says that it is over")
    ask.log("passed", finding.evidence, finding=finding.id)
    _go_on(ask)


def _go_on(ask: Ask) -> None:
    """A finding has passed: that may be all that was waited for."""
    order = ask.order
    if order.state == "verifying":
        proof.finish(ask.catalogue, ask.turn, order)
    elif not order.active and not findings.pending(order) and moved(order.state, "recovered") is not None:
        said = (f"{ask.actor} says that it is over: {order.sentence}", f"{ask.actor} 通知已恢复:{order.sentence}")
        desk.recover(ask.catalogue, ask.turn, order, said)


def may_sign_check(ask: Ask) -> No | None:
    """Whether the check may be signed: of an open finding, by who was named, by nobody who resolved it."""
    finding = next((f for f in findings.pending(ask.order) if f.id == ask.command.finding), None)
    if finding is None or finding.verify != "signed":
        return No("no_such_finding", f"no open finding {ask.command.finding} waits for a signed check")
    if routing.person_of(ask.catalogue, finding.person) is not None and finding.person != ask.actor:
        return No("not_the_checker", f"{finding.person} was named to sign the check")
    if ask.actor in (finding.by, ask.order.private.resolved_by):
        return No("needs_a_second_person", "who reported or resolved it does not sign that it is over")
    return None


def sign_check(ask: Ask) -> None:
    """The named second person signs what the check has shown."""
    order, command = ask.order, ask.command
    finding = next(f for f in order.findings if f.id == command.finding)
    evidence = f"check signed by {ask.actor}: {command.text}"
    if command.outcome == "failed":
        finding.state, finding.evidence = "failed", evidence
        ask.log("failed", evidence, finding=finding.id)
        proof.fail(ask.catalogue, ask.turn, order, evidence)
        return
    findings.passed(finding, evidence)
    ask.log("passed", evidence, finding=finding.id)
    _go_on(ask)


def tell_checkers(ask: Ask) -> None:
    """After a resolve: whoever signs a check is told that it is time for it."""
    for finding in findings.pending(ask.order):
        person = routing.person_of(ask.catalogue, finding.person)
        if person is not None and finding.verify == "signed":
            said = (f"To be checked by you: {finding.text}", f"请现场核查:{finding.text}")
            people.page(ask.catalogue, ask.turn, ask.order, person, said)
