"""Commands of people: what each needs beside a legal move, and what it does.

A command is refused with a named reason, in the log with the live figures, and nothing else happens. A guard returns a
`No`, a handler does the work; `obey` asks the table of moves first.
"""

from __future__ import annotations

from collections.abc import Callable

from alerts import (
    consultation,
    findings,
    habit_commands,
    handover,
    limits,
    negotiation,
    people,
    problem_desk,
    proof,
    reports,
    roles,
    routing,
    storm_pages,
    verification,
)
from alerts.ask import Ask, No
from alerts.order import WorkOrder
from alerts.turn import Turn
from alerts.workorder import UNANSWERED, moved
from models.catalogue import Catalogue, Person
from models.command import CANCEL_REASONS, NEEDS, OrderCommand
from models.duty import on_duty
from models.hours import local, settings_for
from models.rota import shift_at

SHIFT_LEAD = 1


def obey(catalogue: Catalogue, turn: Turn, order: WorkOrder, command: OrderCommand, ident: str = "") -> None:
    """Decide one command about *order*; *ident* is the command's own among all."""
    ask = Ask(catalogue, turn, order, command, ident)
    no = _refused(ask)
    if no is None:
        if order.withheld and command.actor == order.owner:
            storm_pages.forget_page(order)  # who acts on it knows of it
        _HANDLERS[command.command](ask)
        return
    turn.log(order, command.command, "refused", no.text, command.actor, {"reason": no.reason, **no.data}, no.live)
    if command.command == "resolve":
        turn.alert("refused", order, f"Resolve refused: {no.text}", f"解决申请被拒绝:{no.text}")


def _refused(ask: Ask) -> No | None:
    command, order = ask.command, ask.order
    if moved(order.state, command.command, "analysing") is None:
        return No(
            f"illegal_when_{order.state}", f"{command.command} is not possible for an order that is {order.state}"
        )
    for name in NEEDS.get(command.command, ()):
        if getattr(command, name) in ("", None):
            return No(f"needs_{name}", f"{command.command} needs {name}")
    if not_theirs := roles.refusal(ask.catalogue, order, command):
        return No(*not_theirs)
    guard = _GUARDS.get(command.command)
    return guard(ask) if guard else None


# --- guards ---------------------------------------------------------------------------------------------------------


def _may_resolve(ask: Ask) -> No | None:
    if ask.command.cause not in ask.catalogue.causes:
        return No("unknown_cause", f"the cause must be one of {', '.join(ask.catalogue.causes)}")
    if any(f.verify == "signed" and f.person == ask.actor for f in ask.order.findings):
        return No("the_checker_cannot_resolve", f"{ask.actor} signs the check that it is over: another one resolves it")
    turn, order = ask.turn, ask.order
    if findings.queues_left(order):
        return None  # each queue of a storm is judged by itself
    active = [turn.rules[r] for r in sorted(order.active) if r in turn.rules] + findings.rules(order)
    against = verification.refusal(active, lambda m, w: turn.read(order.queue, m, w))
    return No(against.reason, against.text, {against.figure: against.value}) if against else None


def _until(ask: Ask, longest_ms: int) -> No | None:
    left_ms = (ask.command.until_ms or 0) - ask.turn.now_ms
    if left_ms <= 0:
        return No("until_is_past", "until lies in the past")
    if left_ms > longest_ms:
        latest_ms = ask.turn.now_ms + longest_ms
        text = f"until may be {longest_ms // 60_000} min ahead at most"
        return No("until_too_late", text, data={"latest_ms": latest_ms})
    return None


def _may_hold(ask: Ask) -> No | None:
    return _until(ask, ask.catalogue.limits.hold_max_ms)


def _may_accept(ask: Ask) -> No | None:
    """For one shift at most: until the end of the one under way; without one, as long as the settings say."""
    longest_ms = ask.catalogue.limits.accept_max_ms
    department = settings_for(ask.catalogue, ask.order.queue).department
    shift = shift_at(ask.catalogue, department, ask.turn.now_ms)
    if shift is None or shift.ends_ms - ask.turn.now_ms >= longest_ms or (ask.command.until_ms or 0) <= shift.ends_ms:
        return _until(ask, longest_ms)
    ends = local(shift.zone, shift.ends_ms).strftime("%Y-%m-%d %H:%M")
    text = f"until may be {ends} {shift.zone} at the latest: then the shift {shift.name} ends"
    return No("until_after_the_shift", text, data={"latest_ms": shift.ends_ms})


def _may_cancel(ask: Ask) -> No | None:
    if not ask.command.reason.startswith(CANCEL_REASONS):
        return No("not_a_reason_to_cancel", f"the reason begins with one of: {', '.join(CANCEL_REASONS)}")
    return None


def _may_confirm(ask: Ask) -> No | None:
    if not ask.order.private.cancel_by:
        return No("nothing_to_confirm", "nobody has asked to cancel this order")
    if ask.actor == ask.order.private.cancel_by:
        return No("needs_a_second_person", "cancelling needs a second person")
    return None


def _may_take(ask: Ask) -> No | None:
    if ask.actor == ask.order.owner and ask.order.state not in UNANSWERED:
        return No("already_accountable", f"{ask.actor} is accountable already")
    return consultation.may_handle(ask.order, ask.actor)


def _may_give(ask: Ask) -> No | None:
    person = routing.person_of(ask.catalogue, ask.command.person)
    if person is None or person.tier < SHIFT_LEAD:
        return No("cannot_be_accountable", f"{ask.command.person} cannot be accountable")
    if person.id == ask.order.owner:
        return No("already_accountable", f"{person.id} is accountable already")
    return consultation.may_handle(ask.order, person.id)


def _may_reassign(ask: Ask) -> No | None:
    no = _may_give(ask)
    person = routing.person_of(ask.catalogue, ask.command.person)
    if no is None and person is not None and not on_duty(ask.catalogue, person, ask.turn.now_ms):
        return No("off_duty", f"{person.id} is off duty")
    return no


def _may_accept_handover(ask: Ask) -> No | None:
    if ask.actor == ask.order.private.handover_to:
        return consultation.may_handle(ask.order, ask.actor)
    return No("not_handed_to_you", f"the order has not been handed over to {ask.actor}")


def _may_sign(ask: Ask) -> No | None:
    check = ask.order.verification
    if check is None or check.state != "undecided":
        return No("verification_running", "the calls since the resolve still decide")
    if left := findings.pending(ask.order):
        text = f"{left[0].id} is over only by its own way of verification ({left[0].verify})"
        return No("findings_open", text)
    if waits := findings.queues_left(ask.order):
        return No("storm_queues_open", f"{waits} are still open: each is proven by its own calls")
    return None


def _may_report(ask: Ask) -> No | None:
    return reports.fault(ask.catalogue, ask.order.queue, ask.order, ask.command)


def _may_help(ask: Ask) -> No | None:
    if all(like.order != ask.command.like for like in ask.order.like):
        return No("not_offered", f"{ask.command.like} was not offered to this order")
    return None


_GUARDS: dict[str, Callable[[Ask], No | None]] = {
    "resolve": _may_resolve,
    "hold": _may_hold,
    "accept": _may_accept,
    "cancel": _may_cancel,
    "confirm_cancel": _may_confirm,
    "take": _may_take,
    "reassign": _may_reassign,
    "hand_over": _may_give,
    "accept_handover": _may_accept_handover,
    "propose_limit": negotiation.may_propose,
    "agree_limit": negotiation.may_agree,
    "sign_evidence": _may_sign,
    "consult": consultation.may_consult,
    "release": consultation.may_release,
    "close_problem": problem_desk.may_close,
    "report": _may_report,
    "over": reports.may_be_over,
    "sign_check": reports.may_sign_check,
    "helped": _may_help,
    "adopt": habit_commands.may_adopt,
}


# --- handlers -------------------------------------------------------------------------------------------------------


def _acknowledge(ask: Ask) -> None:
    if ask.order.owner is None:
        ask.order.owner = ask.order.owner_name = ask.actor
    ask.move("seen and taken on")
    ask.changed(f"Acknowledged by {ask.actor}", f"{ask.actor} 已确认")


def _own(ask: Ask, person_id: str) -> None:
    """Make *person_id* the one accountable; the climb begins anew with that person."""
    person = routing.person_of(ask.catalogue, person_id) or Person(person_id, person_id, "")
    if ask.order.parent is not None:
        storm_pages.leave(ask.catalogue, ask.turn, ask.order, "taken_out_of_the_storm", page=False)
    ask.order.private.tried.clear()
    ask.order.private.handover_to = ""
    people.give(ask.order, person)
    handover.given(ask.turn, ask.order)


def _take(ask: Ask) -> None:
    left = ask.order.owner
    _own(ask, ask.actor)
    ask.move("taken over", **{"from": left})
    ask.changed(f"Taken by {ask.order.owner_name}", f"{ask.order.owner_name} 已接手")


def _analyse(ask: Ask) -> None:
    ask.move("looking for the cause")


def _note(ask: Ask) -> None:
    ask.log("noted", ask.command.text)


def _hold(ask: Ask) -> None:
    order = ask.order
    limits.leave_hold(ask.catalogue, ask.turn, order)
    order.private.hold_since_ms, order.hold_until_ms = ask.turn.now_ms, ask.command.until_ms
    ask.move(ask.command.reason, until_ms=ask.command.until_ms)
    ask.changed(f"On hold ({ask.command.reason})", f"挂起({ask.command.reason})")


def _resume(ask: Ask) -> None:
    limits.resume(ask.catalogue, ask.turn, ask.order, "resume", ask.actor, "resumed")


def _resolve(ask: Ask) -> None:
    order = ask.order
    order.cause, order.measure = ask.command.cause, ask.command.measure
    order.hold_until_ms, order.private.resolved_by = None, ask.actor
    proof.start_verification(ask.catalogue, ask.turn, order, by_itself=False)
    ask.move(ask.command.measure, cause=ask.command.cause)
    proven = order.verification.sentence if order.verification else ""
    ask.changed(f"Resolved by {ask.actor}, being verified ({proven})", f"{ask.actor} 已处理,验证中")
    reports.tell_checkers(ask)


def _accept(ask: Ask) -> None:
    order = ask.order
    if order.state == "verifying":
        proof.stop_verification(ask.turn, order, "undecided", "given up: the shortfall is accepted")
    order.hold_until_ms = ask.command.until_ms
    ask.move(ask.command.reason, until_ms=ask.command.until_ms)
    ask.changed(f"Accepted by {ask.actor} ({ask.command.reason})", f"{ask.actor} 接受现状({ask.command.reason})")


def _cancel(ask: Ask) -> None:
    ask.order.private.cancel_by, ask.order.private.cancel_reason = ask.actor, ask.command.reason
    ask.log("asked", f"{ask.command.reason}: a second person must confirm")


def _confirm_cancel(ask: Ask) -> None:
    order = ask.order
    if order.state == "verifying" or "verifying" in order.private.came_from:
        proof.stop_verification(ask.turn, order, "undecided", "the order was cancelled")
    order.hold_until_ms, order.closed_ms = None, ask.turn.now_ms
    ask.turn.memory.cancelled(order)
    ask.move(order.private.cancel_reason, asked_by=order.private.cancel_by)
    consultation.over(ask.turn, order, "confirm_cancel")
    ask.turn.alert(
        "cleared", order, f"Cancelled: {order.private.cancel_reason}", f"工单已取消:{order.private.cancel_reason}"
    )


def _reassign(ask: Ask) -> None:
    left = ask.order.owner
    _own(ask, ask.command.person)
    ask.move(ask.command.reason or "given to another person", to=ask.command.person, **{"from": left})
    if ask.order.state in UNANSWERED:
        limits.respond_anew(ask.catalogue, ask.turn, ask.order)
        ask.log("limit_set", "the time to respond begins anew", by_ms=ask.order.respond_by_ms)
    person = routing.person_of(ask.catalogue, ask.command.person)
    if person is not None:
        people.page(ask.catalogue, ask.turn, ask.order, person, (ask.order.sentence, ask.order.sentence))
    ask.changed(f"Given to {ask.order.owner_name}", f"已转交{ask.order.owner_name}")


def _hand_over(ask: Ask) -> None:
    ask.order.private.handover_to = ask.command.person
    ask.log("offered", "shift handover: accountable until it is accepted", to=ask.command.person)


def _accept_handover(ask: Ask) -> None:
    left = ask.order.owner
    _own(ask, ask.actor)
    ask.move("shift handover accepted by name", **{"from": left})
    ask.changed(f"Handed over to {ask.order.owner_name}", f"已交接给{ask.order.owner_name}")


def _sign_evidence(ask: Ask) -> None:
    ask.log("signed", ask.command.text)
    words = f"signed evidence of {ask.actor}: {ask.command.text}"
    said = (f"Closed on {words}", f"凭{ask.actor}签字佐证关闭:{ask.command.text}")
    proof.close(ask.turn, ask.order, words, said, ask.actor, catalogue=ask.catalogue)


def _verdict(ask: Ask) -> None:
    ask.order.private.verdict = ask.command.verdict
    ask.log("verdict", ask.command.text or f"the alarm was {ask.command.verdict}", verdict=ask.command.verdict)


def _helped(ask: Ask) -> None:
    like = next(like for like in ask.order.like if like.order == ask.command.like)
    if like.helped != ask.command.helped:
        if like.helped:  # they think better of it: take back what was counted
            ask.turn.memory.judge(like.queue, like.order, like.helped == "no")
        like.helped = ask.command.helped
        ask.turn.memory.judge(like.queue, like.order, like.helped == "yes")
    ask.log("helped" if like.helped == "yes" else "not_helped", ask.command.text or like.measure, like=like.order)


_HANDLERS: dict[str, Callable[[Ask], None]] = {
    "acknowledge": _acknowledge,
    "take": _take,
    "analyse": _analyse,
    "consult": consultation.consult,
    "note": _note,
    "propose_limit": negotiation.propose,
    "agree_limit": negotiation.agree,
    "hold": _hold,
    "resume": _resume,
    "resolve": _resolve,
    "accept": _accept,
    "cancel": _cancel,
    "confirm_cancel": _confirm_cancel,
    "reassign": _reassign,
    "hand_over": _hand_over,
    "accept_handover": _accept_handover,
    "sign_evidence": _sign_evidence,
    "verdict": _verdict,
    "report": reports.report,
    "over": reports.over,
    "sign_check": reports.sign_check,
    "supervise": consultation.supervise,
    "release": consultation.release,
    "close_problem": problem_desk.close,
    "helped": _helped,
    "adopt": habit_commands.adopt,
}
