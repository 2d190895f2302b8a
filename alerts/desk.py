"""The desk: episodes become orders, orders go to people, time and the live figure move them on.

One open order per queue. Plain functions over one order and one `Turn`; the states come from `alerts.workorder.moved`,
the people from `alerts.routing`, the limits from `alerts.deadlines`, the proof from `alerts.verification`.
"""

from __future__ import annotations

from alerts import deadlines, routing, verification
from alerts.episode import amount, anomaly, order_id
from alerts.judge import Change
from alerts.order import Check, WorkOrder
from alerts.rules import Step
from alerts.turn import SYSTEM, Output, Turn
from alerts.workorder import NEW, OPEN, moved
from models.calendar import on_duty
from models.catalogue import Catalogue, Person, Rule
from models.metric import METRIC, WINDOW_MS
from models.topics import ANOMALIES, DAY_MS

#: A turn deals with at most this many dues of one order: both limits, their warnings and the end of a hold.
_DUES = 8
RECOVERED_CAUSE = "recovered by itself"


def go(order: WorkOrder, event: str) -> bool:
    """Move *order* by *event* if that is legal, and keep where BACK leads."""
    came = order.private.came_from
    to = moved(order.state, event, came[-1] if came else None)
    if to is None:
        return False
    if event in ("hold", "recovered") and order.state not in ("on_hold", "accepted"):
        came.append(order.state)
    elif event in ("resume", "hold_due") or (event == "relapsed" and order.state == "verifying"):
        del came[-1:]
    elif event != "recovered" and to != order.state:
        came.clear()
    order.state = to
    return True


# --- episodes -------------------------------------------------------------------------------------------------------


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
    order.symptoms, order.active, order.sentence = [rule.id], [rule.id], said[0]
    turn.log(order, "breached", "raised", said[0], data={"rule": rule.id, "started_ms": change.started_ms})
    choice = routing.first_owner(catalogue, queue, turn.now_ms)
    order.liaison = routing.liaison(catalogue, queue, turn.now_ms)
    _limits_anew(catalogue, turn, order, choice.person)
    if choice.person is None:
        turn.log(order, "breached", "unassigned", choice.reason)
    else:
        give(order, choice.person)
        go(order, "breached")
        turn.log(order, "breached", "dispatched", choice.reason, data={"owner": choice.person.id})
        page(turn, order, choice.person, catalogue, said)
    turn.alert("raised", order, *said)
    return order


def _join(catalogue: Catalogue, turn: Turn, order: WorkOrder, change: Change, said: tuple[str, str]) -> None:
    rule, new = change.rule, change.rule.id not in order.symptoms
    if new:
        order.symptoms.append(rule.id)
    if rule.id not in order.active:
        order.active.append(rule.id)
    order.private.unproven = [r for r in order.private.unproven if r != rule.id]
    if rule.severity < order.severity:
        order.severity, order.sentence = rule.severity, said[0]
        _tighten(catalogue, turn, order)
    go(order, "joined")
    turn.log(order, "joined", "joined" if new else "rejoined", said[0], data={"rule": rule.id})
    if order.state == "verifying" and order.private.by_itself:
        stop_verification(turn, order, "failed", "the figure broke again before enough calls were seen")
        go(order, "relapsed")
        turn.log(order, "relapsed", "moved", "the recovery did not last", data={"rule": rule.id})
    if new:
        turn.alert("changed", order, f"Joined: {said[0]}", f"并入工单:{said[1]}")


def _tighten(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """A graver symptom shortens both limits, counted from now; it never lengthens them."""
    owner = routing.person_of(catalogue, order.owner)
    respond = deadlines.respond_by_ms(catalogue.limits, order.severity, owner, turn.now_ms)
    resolve = deadlines.resolve_by_ms(catalogue.limits, order.severity, owner, turn.now_ms)
    if order.respond_by_ms is not None:
        order.respond_by_ms = min(order.respond_by_ms, respond)
    if order.resolve_by_ms is not None and not order.private.resolve_late:
        order.resolve_by_ms = min(order.resolve_by_ms, resolve)


def _relapse(catalogue: Catalogue, turn: Turn, order: WorkOrder, change: Change, said: tuple[str, str]) -> None:
    rule = change.rule
    go(order, "relapsed")
    order.reopened += 1
    order.closed_ms = order.cause = order.measure = order.verification = None
    order.active, order.sentence = [rule.id], said[0]
    order.severity = min(order.severity, rule.severity)
    order.private.unproven.clear()
    if rule.id not in order.symptoms:
        order.symptoms.append(rule.id)
    owner = routing.person_of(catalogue, order.owner)
    if catalogue.people and (owner is None or not on_duty(owner, turn.now_ms)):
        owner = routing.first_owner(catalogue, order.queue, turn.now_ms).person
    if owner is not None:
        give(order, owner)
        order.private.tried = [owner.id]
    _limits_anew(catalogue, turn, order, owner)
    turn.log(order, "relapsed", "reopened", said[0], data={"rule": rule.id, "reopened": order.reopened})
    if owner is not None:
        page(turn, order, owner, catalogue, said)
    turn.alert("raised", order, f"Again, inside the reopen window: {said[0]}", f"复发:{said[1]}")


def worse(turn: Turn, order: WorkOrder | None, change: Change, said: tuple[str, str]) -> None:
    """An episode got markedly worse: its order says so."""
    if order is None or order.state not in OPEN or change.rule.id not in order.active:
        return
    order.sentence = said[0]
    turn.log(order, "joined", "worse", said[0], data={"rule": change.rule.id})


def ended(catalogue: Catalogue, turn: Turn, order: WorkOrder | None, change: Change, said: tuple[str, str]) -> None:
    """An episode ended: when it was the last, the order has recovered by itself."""
    if order is None or order.state not in OPEN or change.rule.id not in order.active:
        return
    order.active.remove(change.rule.id)
    if change.step != Step.RECOVERED:
        order.private.unproven.append(change.rule.id)
    turn.log(order, "recovered", "symptom_ended", said[0], data={"rule": change.rule.id, "left": len(order.active)})
    if not order.active and moved(order.state, "recovered") is not None:
        _recover(catalogue, turn, order, said)


def _recover(catalogue: Catalogue, turn: Turn, order: WorkOrder, said: tuple[str, str]) -> None:
    """All symptoms have ended. Grave orders are verified; lesser ones are proven by the recovery that was just held."""
    leave_hold(turn, order)
    if order.state == "on_hold" and order.private.came_from[-1:] == ["verifying"]:
        go(order, "resume")
        turn.log(order, "recovered", "moved", "every symptom has ended: the verification goes on")
        return
    go(order, "recovered")
    start_verification(catalogue, turn, order, by_itself=True)
    turn.log(order, "recovered", "moved", "every symptom has ended: the next calls must prove it")
    if order.severity >= 3 and not order.private.unproven:
        close(
            turn, order, "the figure held its recovery", ("Closed by itself: " + said[0], "自行恢复并关闭:" + said[1])
        )


# --- people ---------------------------------------------------------------------------------------------------------


def give(order: WorkOrder, person: Person) -> None:
    """Make *person* the one accountable."""
    order.owner, order.owner_name = person.id, person.name
    if person.id not in order.private.tried:
        order.private.tried.append(person.id)


def page(turn: Turn, order: WorkOrder, person: Person, catalogue: Catalogue, said: tuple[str, str]) -> None:
    """Page *person*, unless that was done just now or nobody is woken for this."""
    last = order.private.paged.get(person.id)
    if order.severity >= 3 and not on_duty(person, turn.now_ms):
        turn.log(order, "breached", "suppressed", "off_duty_and_not_urgent", data={"person": person.id})
    elif last is not None and turn.now_ms - last < catalogue.limits.page_gap_ms:
        turn.log(order, "breached", "suppressed", "paged_recently", data={"person": person.id, "last_ms": last})
    else:
        order.private.paged[person.id] = turn.now_ms
        turn.log(order, "breached", "notified", "paged", data={"person": person.id})
        turn.alert("page", order, *said, owner=person.id)


def escalate(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str, why: tuple[str, str]) -> bool:
    """Hand the order to the next on duty in the tier, then up; at the top the owner is told again. Whether it moved."""
    choice = routing.next_owner(catalogue, order.queue, order.owner, order.private.tried, turn.now_ms)
    said = (f"{why[0]}. {order.sentence}", f"{why[1]}。{order.sentence}")
    if choice.person is None:
        turn.log(order, event, "not_escalated", choice.reason, data={"because": why[0]})
        owner = routing.person_of(catalogue, order.owner)
        if owner is not None:
            page(turn, order, owner, catalogue, said)
        return False
    left = order.owner
    give(order, choice.person)
    order.escalation += 1
    if order.state == "detected":
        go(order, "breached")
    data = {"because": why[0], "from": left, "to": choice.person.id}
    turn.log(order, event, "escalated", choice.reason, data=data)
    page(turn, order, choice.person, catalogue, said)
    turn.alert("changed", order, f"Escalated to {order.owner_name}: {why[0]}", f"已升级至{order.owner_name}:{why[1]}")
    return True


# --- limits ---------------------------------------------------------------------------------------------------------


def _limits_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder, owner: Person | None) -> None:
    """Both limits begin now."""
    order.private.respond_from_ms = turn.now_ms
    order.respond_by_ms = deadlines.respond_by_ms(catalogue.limits, order.severity, owner, turn.now_ms)
    deadlines.unmark(order, "respond")
    resolve_anew(catalogue, turn, order)


def resolve_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """The limit to resolve begins now: at the beginning, for a reopened order, and after an acceptance."""
    owner = routing.person_of(catalogue, order.owner)
    order.private.resolve_from_ms = turn.now_ms
    order.resolve_by_ms = deadlines.resolve_by_ms(catalogue.limits, order.severity, owner, turn.now_ms)
    order.agreed_ms = None
    order.private.proposed_ms, order.private.proposed_by = None, ""
    order.private.resolve_late, order.private.climb_ms = False, None
    deadlines.unmark(order, "resolve")


def respond_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder, gap_ms: int = 0) -> None:
    """The limit to respond begins now for a new owner; *gap_ms* is its least length."""
    owner = routing.person_of(catalogue, order.owner)
    by = deadlines.respond_by_ms(catalogue.limits, order.severity, owner, turn.now_ms)
    order.private.respond_from_ms = turn.now_ms
    order.respond_by_ms = max(by, turn.now_ms + gap_ms)
    deadlines.unmark(order, "respond")


def time_passes(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """Deal with all that is due at this clock, each once, and look at a running verification."""
    for _ in range(_DUES):
        due = deadlines.due(order, turn.now_ms)
        if due is None:
            break
        if due.warn_percent:
            _warn(turn, order, due)
        elif due.event == "respond_due":
            _respond_due(catalogue, turn, order)
        elif due.event == "resolve_due":
            _resolve_due(catalogue, turn, order)
        elif due.event == "hold_due":
            resume(turn, order, "hold_due", SYSTEM, "the hold has ended")
        else:
            _accept_due(catalogue, turn, order)
    if order.state == "verifying":
        verify(catalogue, turn, order)


def _warn(turn: Turn, order: WorkOrder, due: deadlines.Due) -> None:
    which = due.event.removesuffix("_due")
    deadlines.mark(order, which, due.warn_percent)
    why = f"{due.warn_percent} % of the time to {which} is over"
    turn.log(order, due.event, "warned", why, data={"percent": due.warn_percent})


def _respond_due(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    found = escalate(catalogue, turn, order, "respond_due", ("Not acknowledged in time", "未在响应时限内确认"))
    respond_anew(catalogue, turn, order, 0 if found else deadlines.TOP_GAP_MS)
    turn.log(order, "respond_due", "limit_set", "the time to respond begins anew", data={"by_ms": order.respond_by_ms})


def _resolve_due(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    found = escalate(catalogue, turn, order, "resolve_due", ("Not resolved in time", "未在处理时限内解决"))
    again = catalogue.limits.resolve_ms[min(order.severity, 3) - 1]
    order.private.resolve_late = True
    order.private.climb_ms = turn.now_ms + (again if found else max(again, deadlines.TOP_GAP_MS))
    turn.log(order, "resolve_due", "late", "the limit to resolve is broken", data={"again_ms": order.private.climb_ms})


def leave_hold(turn: Turn, order: WorkOrder) -> None:
    """Whatever ends a hold or an acceptance: the limits move by the time held."""
    since = order.private.hold_since_ms
    if order.state == "on_hold" and since is not None:
        deadlines.stretched(order, turn.now_ms - since)
        order.private.undecided_at_ms += turn.now_ms - since
    order.private.hold_since_ms = order.hold_until_ms = None


def resume(turn: Turn, order: WorkOrder, event: str, actor: str, why: str) -> None:
    """End a hold: back to where it was."""
    leave_hold(turn, order)
    go(order, event)
    turn.log(order, event, "moved", why, actor)
    turn.alert("changed", order, f"Back from hold: {order.sentence}", f"挂起结束:{order.sentence}")


def _accept_due(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    leave_hold(turn, order)
    go(order, "accept_due")
    resolve_anew(catalogue, turn, order)
    turn.log(order, "accept_due", "judged_again", "the accepted time is over and the figure has not recovered")
    owner = routing.person_of(catalogue, order.owner)
    if owner is not None:
        page(turn, order, owner, catalogue, (order.sentence, order.sentence))
    turn.alert("changed", order, f"No longer accepted: {order.sentence}", f"接受期结束:{order.sentence}")


# --- verification ---------------------------------------------------------------------------------------------------


def start_verification(catalogue: Catalogue, turn: Turn, order: WorkOrder, by_itself: bool) -> None:
    """Count the calls offered from now on."""
    needed = catalogue.limits.verify_calls
    order.verification = Check(turn.now_ms, needed, 0, "running", _counted(0, needed, by_itself))
    order.private.by_itself = by_itself
    order.private.undecided_at_ms = turn.now_ms + catalogue.limits.undecided_ms
    order.private.paused_ms = None
    turn.live.watch(order.queue, turn.now_ms)


def _counted(count: int, needed: int, by_itself: bool) -> str:
    return f"{count} of {needed} calls since the {'recovery' if by_itself else 'resolve'}"


def stop_verification(turn: Turn, order: WorkOrder, state: str, words: str) -> None:
    """End a verification as *state*, with its sentence."""
    if order.verification is not None:
        order.verification.state, order.verification.sentence = state, words
    order.private.paused_ms = None
    turn.live.unwatch(order.queue)


def symptoms(turn: Turn, order: WorkOrder) -> list[Rule]:
    """The rules of an order's symptoms that still exist."""
    return [turn.rules[r] for r in order.symptoms if r in turn.rules]


def verify(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """One clock of a verification: paused while closed, judged with enough calls, undecided after a time."""
    check, rules = order.verification, symptoms(turn, order)
    if check is None or _paused(turn, order, check):
        return

    def read(metric: str, window: str) -> float | None:
        return turn.read(order.queue, metric, window)

    count = verification.seen(rules, read)
    if count >= check.needed:
        result = verification.outcome(rules, read)
        if result is not None:
            check.seen = count
            _decide(catalogue, turn, order, *result)
            return
    if count > check.seen:
        check.seen = count
        check.sentence = _counted(count, check.needed, order.private.by_itself)
        turn.log(order, "undecided", "counting", check.sentence)
    if check.state == "running" and turn.now_ms >= order.private.undecided_at_ms:
        check.state = "undecided"
        check.sentence = f"only {check.seen} of {check.needed} calls: a test call or signed evidence decides"
        go(order, "undecided")
        turn.log(order, "undecided", "undecided", check.sentence)
        turn.alert("changed", order, f"Undecided: {check.sentence}", f"验证未决:仅{check.seen}/{check.needed}通来电")


def _paused(turn: Turn, order: WorkOrder, check: Check) -> bool:
    """Pause and continue with the opening hours."""
    closed = turn.read(order.queue, "open", "now") == 0.0
    if closed and check.state == "running":
        check.state, order.private.paused_ms = "paused", turn.now_ms
        turn.log(order, "undecided", "paused", "the queue is closed")
    elif not closed and check.state == "paused":
        order.private.undecided_at_ms += turn.now_ms - (order.private.paused_ms or turn.now_ms)
        check.state, order.private.paused_ms = "running", None
        turn.log(order, "undecided", "continued", "the queue is open again")
    return closed


def _decide(catalogue: Catalogue, turn: Turn, order: WorkOrder, good: bool, words: str) -> None:
    count = order.verification.seen if order.verification else 0
    if good:
        close(turn, order, f"the next {count} calls: {words}", (f"Closed: {words}", f"验证通过并关闭:{words}"))
    else:
        fail(catalogue, turn, order, f"the next {count} calls: {words}")


def close(turn: Turn, order: WorkOrder, why: str, said: tuple[str, str], actor: str = SYSTEM) -> None:
    """A passing verification, and the only end of an order: episodes still in their window are settled with it."""
    check = order.verification
    stop_verification(turn, order, "passed", why)
    go(order, "verified")
    order.closed_ms = turn.now_ms
    if order.cause is None:
        order.cause, order.measure = RECOVERED_CAUSE, "none"
    for rule_id in sorted(order.active):
        _settle(turn, order, rule_id, check.since_ms if check else turn.now_ms)
    order.active.clear()
    turn.log(order, "verified", "closed", why, actor)
    turn.alert("cleared", order, *said)


def _settle(turn: Turn, order: WorkOrder, rule_id: str, since_ms: int) -> None:
    """End a symptom's episode: the calls that its window still holds from before *since_ms* raise nothing any more."""
    rule = turn.rules.get(rule_id)
    if rule is None:
        return
    quiet_until_ms = 0 if rule.window == "now" else since_ms + WINDOW_MS.get(rule.window, DAY_MS)
    started_ms = turn.judge.settle(order.queue, rule_id, quiet_until_ms)
    if started_ms is None:
        return
    value = turn.read(order.queue, rule.metric, rule.window)
    change = Change(order.queue, rule, Step.RECOVERED, started_ms, value, None)
    name, shown = METRIC[rule.metric], amount(rule.metric, value)
    said = (
        f"Verified by the calls since the resolve: {name.en} of {order.queue}, {shown[0]} with the calls before them",
        f"{order.queue} {name.zh}经处理后来电验证恢复(含此前来电为{shown[1]})",
    )
    turn.outputs.append(Output(ANOMALIES, order.queue, order.queue, anomaly(change, turn.now_ms, said)))


def fail(catalogue: Catalogue, turn: Turn, order: WorkOrder, why: str) -> None:
    """A failed verification: back to analysis, escalated, with the limit to resolve anew."""
    stop_verification(turn, order, "failed", why)
    go(order, "failed")
    order.reopened += 1
    order.cause = order.measure = None
    resolve_anew(catalogue, turn, order)
    turn.log(order, "failed", "reopened", why, data={"reopened": order.reopened})
    turn.alert("changed", order, f"Not solved: {why}", f"验证未通过:{why}")
    escalate(catalogue, turn, order, "failed", ("The verification failed", "验证未通过"))
