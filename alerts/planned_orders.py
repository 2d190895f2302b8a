"""What a planned event does to the orders of the queues that it covers, and what is told of breaches kept quiet.

An order that is open when an event begins to cover its queue stays open, and stands still: its limits stop as on hold,
nothing escalates or reminds, and its verification waits. At the end of the event they go on with what was left, and a
verification counts the calls from then on, because those of the event prove nothing. What is set meanwhile (another
owner's time to respond) loses nothing of what came before it: `alerts.limits.hold_so_far`.
"""

from __future__ import annotations

from alerts import limits, people, proof, routing
from alerts.episode import anomaly_id
from alerts.judge import TREND, Change
from alerts.order import WorkOrder
from alerts.planned import Event, Plan
from alerts.rules import Step
from alerts.turn import Turn
from alerts.workorder import WORKING
from models.catalogue import Catalogue

# --- open orders ----------------------------------------------------------------------------------------------------


def stand_still(turn: Turn, order: WorkOrder, event: Event) -> bool:
    """A clock of an open order that *event* keeps quiet; whether anything of it changed."""
    private, check = order.private, order.verification
    changed = False
    if (private.still_since_ms is None) == (order.state != "on_hold"):  # a hold moves the limits by itself
        private.still_since_ms, changed = (None if order.state == "on_hold" else turn.now_ms), True
    if order.planned is None:
        order.planned, changed = event.id, True
        data = {"planned": event.id, "until_ms": event.until_ms}
        turn.log(order, "planned_begins", "paused", "planned_event", data=data)
        text = f"Planned {event.kind}: nobody is paged, the limits stand still: {order.sentence}"
        turn.alert("changed", order, text, f"计划事件期间不呼叫,时限暂停:{order.sentence}")
    if order.state == "verifying" and check is not None and check.state == "running":
        check.state, private.paused_ms, changed = "paused", None, True
        turn.log(order, "undecided", "paused", "planned_event", data={"planned": event.id})
    return changed


def go_on(catalogue: Catalogue, turn: Turn, plan: Plan, order: WorkOrder) -> None:
    """Nothing keeps the order quiet any more: limits go on, a verification begins anew."""
    if plan.emergency(order.queue, turn.now_ms):
        reason = "emergency_declared"
    else:
        is_graver = plan.keeps_quiet(order.queue, TREND, turn.now_ms)
        reason = "graver_than_planned" if is_graver else "planned_event_over"
    private, check = order.private, order.verification
    limits.hold_so_far(catalogue, turn, order)
    event, order.planned, private.still_since_ms = order.planned, None, None
    if order.state == "verifying" and check is not None and check.state == "paused":
        proof.count_anew(catalogue, turn, order)
    turn.log(order, "planned_over", "continued", reason, data={"planned": event})
    owner = routing.person_of(catalogue, order.owner)
    if owner is not None and order.state in WORKING:  # pages that were kept back stood for this
        people.page(catalogue, turn, order, owner, (order.sentence, order.sentence))
    text = "No longer kept quiet by a planned event"
    turn.alert("changed", order, f"{text}: {order.sentence}", f"计划事件不再生效:{order.sentence}")


# --- breaches that open nothing -------------------------------------------------------------------------------------


def judged_again(turn: Turn, order: WorkOrder, event: str, rule: str, because: str) -> None:
    """Log that what *event* kept quiet until now has come to *order*."""
    reason = "emergency_declared" if because == "emergency_declared" else "planned_event_over"
    turn.log(order, "planned_over", "judged_again", reason, data={"planned": event, "rule": rule})


def tell(turn: Turn, change: Change, event: str, said: tuple[str, str], because: str = "planned_event") -> None:
    """Tell an episode that *event* keeps quiet: at its beginning, at its end, or when it is judged again."""
    rule = change.rule
    over = change.step not in (Step.START, Step.UPDATE)
    state = "over" if over else "running" if because == "planned_event" else "judged_again"
    part = {
        "id": anomaly_id(rule.id, change.queue, change.started_ms),
        "event": event,
        "rule": rule.id,
        "metric": rule.metric,
        "window": rule.window,
        "value": change.value,
        "limit": rule.limit,
        "since_ms": change.started_ms,
        "ended_ms": turn.now_ms if over else None,
        "state": state,
        "because": because,
    }
    words = {
        "running": ("Not paged, a planned event runs", "计划事件期间,不呼叫"),
        "over": ("Over within a planned event", "计划事件期间已恢复"),
        "judged_again": ("Judged again after a planned event", "计划事件后重新评判"),
    }[state]
    told = (f"{words[0]} ({event}): {said[0]}", f"{words[1]}({event}):{said[1]}")
    heading = f"{change.queue}: kept quiet by {event}"
    turn.alert_without_order("suppressed", change.queue, rule.severity, heading, told, parts={"suppressed": part})
