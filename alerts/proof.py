"""A verification under way: the calls offered since the resolve close the order or send it back.

`alerts.verification` says what the figures mean; this carries it out.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from alerts import consultation, findings, limits, outage, people, storm_pages, verification
from alerts.episode import amount, anomaly
from alerts.judge import Change
from alerts.moves import go
from alerts.order import RECOVERED_CAUSE, WITHDRAWN_CAUSE, Check, WorkOrder
from alerts.rules import Step
from alerts.turn import SYSTEM, Output, Turn
from models.catalogue import Catalogue, Rule
from models.metric import METRIC
from models.topics import ANOMALIES

#: A verification that has paused for so long is left to people: longer than a weekend with a holiday beside it. A queue
#: that never opens again, or whose sources are gone, would else keep its order open for ever.
PAUSE_MAX_MS: Final = 72 * 3_600_000


def start_verification(catalogue: Catalogue, turn: Turn, order: WorkOrder, by_itself: bool) -> None:
    """Count the calls offered from now on, and wait for what else is to prove it."""
    if not by_itself:
        findings.begin(order)
    limits.hold_so_far(catalogue, turn, order)
    order.private.by_itself, order.private.calls_passed = by_itself, ""
    calls = findings.needs_calls(order, len(symptoms(turn, order)))
    order.verification = Check(turn.now_ms, catalogue.limits.verify_calls if calls else 0, 0, "running", "")
    order.verification.sentence = _standing(order)
    order.private.undecided_at_ms = turn.now_ms + catalogue.limits.undecided_ms
    order.private.paused_ms = None
    turn.live.watch(order.queue, turn.now_ms)


def count_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """A verification that stood still goes on; what the calls have not proven yet, those from now on are to prove."""
    check = order.verification
    if check is None:
        return
    check.state, order.private.paused_ms = "running", None
    if check.needed and not order.private.calls_passed:
        check.since_ms, check.seen = turn.now_ms, 0
        order.private.undecided_at_ms = turn.now_ms + catalogue.limits.undecided_ms
        turn.live.watch(order.queue, turn.now_ms)
    check.sentence = _standing(order)


def joined(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """A symptom, or a finding with a figure, has joined while *order* is verified: the calls prove that too."""
    check = order.verification
    held = order.state == "on_hold" and order.private.came_from[-1:] == ["verifying"]
    if check is None or not (held or order.state == "verifying"):
        return
    order.private.calls_passed = ""
    if not check.needed and findings.needs_calls(order, len(symptoms(turn, order))):
        check.needed = catalogue.limits.verify_calls
    check.sentence = _standing(order)


def _standing(order: WorkOrder) -> str:
    """How far a verification has come, in words."""
    check, waits = order.verification, findings.waited_for(order)
    parts = [f"waits for {waits}"] if waits else []
    if order.private.calls_passed:
        parts.insert(0, order.private.calls_passed)
    elif check is not None and check.needed:
        since = "recovery" if order.private.by_itself else "resolve"
        parts.insert(0, f"{check.seen} of {check.needed} calls since the {since}")
    return ", ".join(parts) or "nothing is left to wait for"


def stop_verification(turn: Turn, order: WorkOrder, state: str, words: str) -> None:
    """End a verification as *state*, with its sentence."""
    if order.verification is not None:
        order.verification.state, order.verification.sentence = state, words
    order.private.paused_ms = None
    turn.live.unwatch(order.queue)


def symptoms(turn: Turn, order: WorkOrder) -> list[Rule]:
    """The rules of an order's symptoms that still exist for its queue."""
    found = [turn.rules[r] for r in order.symptoms if r in turn.rules]
    return [rule for rule in found if fnmatchcase(order.queue, rule.pattern)]


def verify(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """One clock of a verification: paused while closed, judged with enough calls, undecided after a time."""
    check, rules = order.verification, symptoms(turn, order) + findings.rules(order)
    if check is None or turn.now_ms <= check.since_ms or (check.needed and _paused(turn, order, check)):
        return  # the figures of the clock at which the watch began are still those of an earlier watch
    if not check.needed or order.private.calls_passed:
        finish(catalogue, turn, order)
    else:
        _count(catalogue, turn, order, check, rules)
    if order.state == "verifying" and check.state == "running" and turn.now_ms >= order.private.undecided_at_ms:
        check.state = "undecided"
        check.sentence = _undecided(order, check)
        go(order, "undecided")
        turn.log(order, "undecided", "undecided", check.sentence)
        turn.alert("changed", order, f"Undecided: {check.sentence}", f"验证未决:仅{check.seen}/{check.needed}通来电")


def _undecided(order: WorkOrder, check: Check) -> str:
    if findings.pending(order) or findings.queues_left(order):
        return f"nothing has proven it yet: {_standing(order)}"
    return f"only {check.seen} of {check.needed} calls: a test call or signed evidence decides"


def _count(catalogue: Catalogue, turn: Turn, order: WorkOrder, check: Check, rules: list[Rule]) -> None:
    """The calls since the resolve: judged when there are enough."""

    def read(metric: str, window: str) -> float | None:
        return turn.read(order.queue, metric, window)

    habit = turn.live.habit
    band = habit.band(order.queue, verification.FEWER, "resolve") if habit else None
    count = verification.seen(rules, read, band.expected if band else None)
    if count >= check.needed and not findings.undefined(order, read):
        result = verification.outcome(rules, read)
        if result is not None:
            check.seen = count
            _decide(catalogue, turn, order, *result)
            return
    if count > check.seen:
        check.seen = count
        check.sentence = _standing(order)
        turn.log(order, "undecided", "counting", check.sentence)


def _paused(turn: Turn, order: WorkOrder, check: Check) -> bool:
    """Pause while the queue is closed or its data are not complete, and continue after."""
    closed = turn.read(order.queue, "open", "now") == 0.0
    blind = turn.read(order.queue, "data_complete", "now") == 0.0
    if (closed or blind) and check.state == "running":
        check.state, order.private.paused_ms = "paused", turn.now_ms
        turn.log(order, "undecided", "paused", "the queue is closed" if closed else "no source of events is heard of")
    elif (closed or blind) and check.state == "paused":
        if turn.now_ms - (order.private.paused_ms or turn.now_ms) >= PAUSE_MAX_MS:
            check.state, order.private.paused_ms = "undecided", None
            check.sentence = "paused for three days: a test call or signed evidence decides"
            turn.log(order, "undecided", "undecided", "paused for three days: a test call or signed evidence decides")
    elif not closed and not blind and check.state == "paused":
        order.private.undecided_at_ms += turn.now_ms - (order.private.paused_ms or turn.now_ms)
        check.state, order.private.paused_ms = "running", None
        turn.log(order, "undecided", "continued", "the queue is open and its data are complete again")
    return closed or blind


def _decide(catalogue: Catalogue, turn: Turn, order: WorkOrder, good: bool, words: str) -> None:
    count = order.verification.seen if order.verification else 0
    why = f"the next {count} calls: {words}"
    if not good:
        fail(catalogue, turn, order, why)
    elif not findings.waited_for(order):
        close(turn, order, why, (f"Closed: {words}", f"验证通过并关闭:{words}"), catalogue=catalogue)
    else:
        order.private.calls_passed = why
        for finding in order.findings:
            if finding.verify == "figure":
                findings.passed(finding, why)
        _stand(turn, order, "verified", "calls_passed")


def _stand(turn: Turn, order: WorkOrder, event: str, decision: str) -> None:
    """Note in the log how far the verification has come."""
    if order.verification is not None:
        order.verification.sentence = _standing(order)
        turn.log(order, event, decision, order.verification.sentence)


def finish(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """Close a verification in which all has come that was waited for; it goes on otherwise."""
    check = order.verification
    if check is None or order.state != "verifying" or findings.pending(order) or findings.queues_left(order):
        return
    if check.needed and not order.private.calls_passed:
        return
    proofs = [order.private.calls_passed, *(finding.evidence for finding in order.findings)]
    why = "; ".join(text for text in proofs if text)
    close(turn, order, why, (f"Closed: {why}", f"验证通过并关闭:{why}"), catalogue=catalogue)


def probe(catalogue: Catalogue, turn: Turn, order: WorkOrder, ok: bool) -> None:
    """A test call, while verifying: proves the findings that wait for one, and decides what calls left undecided."""
    check = order.verification
    waiting = [f for f in findings.pending(order) if f.verify == "probe"]
    undecided = check is not None and check.state == "undecided" and not findings.rules(order)
    if check is None or not (waiting or undecided):
        return
    words = "a test call got through" if ok else "a test call did not get through"
    if not ok:
        fail(catalogue, turn, order, words)
        return
    for finding in waiting:
        findings.passed(finding, words)
    if undecided and not order.private.calls_passed:
        order.private.calls_passed = words
    if not findings.pending(order) and (order.private.calls_passed or not check.needed):
        close(turn, order, words, ("Closed: a test call got through", "拨测成功,工单关闭"), catalogue=catalogue)
    else:
        _stand(turn, order, "verified", "test_call_passed")


def close(
    turn: Turn,
    order: WorkOrder,
    why: str,
    said: tuple[str, str],
    actor: str = SYSTEM,
    *,
    catalogue: Catalogue,
) -> None:
    """A passing verification, and the only end of an order: episodes still in their window are settled with it."""
    check = order.verification
    stop_verification(turn, order, "passed", why)
    go(order, "verified")
    order.closed_ms = turn.now_ms
    outage.stop(order, turn.now_ms)
    if order.cause is None:
        left = symptoms(turn, order) or order.findings or order.storm
        order.cause, order.measure = RECOVERED_CAUSE if left else WITHDRAWN_CAUSE, "none"
    for finding in findings.pending(order):
        findings.passed(finding, why)
    for rule_id in sorted(order.active):
        _settle(turn, order, rule_id, check.since_ms if check else turn.now_ms)
    order.active.clear()
    order.private.cancel_by = order.private.cancel_reason = ""
    turn.log(order, "verified", "closed", why, actor)
    consultation.over(turn, order, "verified")
    if order.parent is None and turn.memory.keep(catalogue, order):  # of a storm its parent teaches, once
        turn.log(order, "verified", "experience_kept", "cause, measure and effect are kept for orders like it")
    turn.alert("cleared", order, *said)


def _settle(turn: Turn, order: WorkOrder, rule_id: str, since_ms: int) -> None:
    """End a symptom's episode: the calls that its window still holds from before *since_ms* raise nothing any more."""
    rule = turn.rules.get(rule_id)
    if rule is None:
        return
    quiet = verification.quiet_ms(rule)
    quiet_until_ms = since_ms + quiet if quiet else 0
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
    limits.resolve_anew(catalogue, turn, order)
    turn.log(order, "failed", "reopened", why, data={"reopened": order.reopened})
    said = (f"Not solved: {why}", f"验证未通过:{why}")
    held = order.parent is not None
    if held:
        storm_pages.failed(catalogue, turn, order, said)
    turn.alert("changed", order, *said)
    if not held:
        people.escalate(catalogue, turn, order, "failed", ("The verification failed", "验证未通过"))
