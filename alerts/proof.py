"""A verification under way: the calls offered since the resolve close the order or send it back.

`alerts.verification` says what the figures mean; this carries it out.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from alerts import limits, people, verification
from alerts.episode import amount, anomaly
from alerts.judge import Change
from alerts.moves import go
from alerts.order import Check, WorkOrder
from alerts.rules import Step
from alerts.turn import SYSTEM, Output, Turn
from models.catalogue import Catalogue, Rule
from models.metric import METRIC, WINDOW_MS
from models.topics import ANOMALIES, DAY_MS

RECOVERED_CAUSE = "recovered by itself"
#: Of an order that closes when nothing is left that could be judged.
WITHDRAWN_CAUSE = "its rules were withdrawn"


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
    """The rules of an order's symptoms that still exist for its queue."""
    found = [turn.rules[r] for r in order.symptoms if r in turn.rules]
    return [rule for rule in found if fnmatchcase(order.queue, rule.pattern)]


def verify(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """One clock of a verification: paused while closed, judged with enough calls, undecided after a time."""
    check, rules = order.verification, symptoms(turn, order)
    if check is None or turn.now_ms <= check.since_ms or _paused(turn, order, check):
        return  # the figures of the clock at which the watch began are still those of an earlier watch

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
    """Pause while the queue is closed or its data are not complete, and continue after."""
    closed = turn.read(order.queue, "open", "now") == 0.0
    blind = turn.read(order.queue, "data_complete", "now") == 0.0
    if (closed or blind) and check.state == "running":
        check.state, order.private.paused_ms = "paused", turn.now_ms
        turn.log(order, "undecided", "paused", "the queue is closed" if closed else "no source of events is heard of")
    elif not closed and not blind and check.state == "paused":
        order.private.undecided_at_ms += turn.now_ms - (order.private.paused_ms or turn.now_ms)
        check.state, order.private.paused_ms = "running", None
        turn.log(order, "undecided", "continued", "the queue is open and its data are complete again")
    return closed or blind


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
        order.cause, order.measure = RECOVERED_CAUSE if symptoms(turn, order) else WITHDRAWN_CAUSE, "none"
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
    limits.resolve_anew(catalogue, turn, order)
    turn.log(order, "failed", "reopened", why, data={"reopened": order.reopened})
    turn.alert("changed", order, f"Not solved: {why}", f"验证未通过:{why}")
    people.escalate(catalogue, turn, order, "failed", ("The verification failed", "验证未通过"))
