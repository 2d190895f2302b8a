"""The limits of an order at work: set, stretched by a hold, warned of, broken. `alerts.deadlines` says what is due."""

from __future__ import annotations

from alerts import deadlines, people, routing
from alerts.episode import span
from alerts.moves import go
from alerts.order import WorkOrder
from alerts.turn import SYSTEM, Turn
from alerts.workorder import moved
from models.catalogue import Catalogue, Person
from models.topics import DAY_MS

#: A turn deals with at most this many dues of one order: both limits, their warnings and the end of a hold.
_DUES = 8


def both_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder, owner: Person | None) -> None:
    """Both limits begin now."""
    order.private.respond_from_ms = turn.now_ms
    order.respond_by_ms = deadlines.respond_by_ms(catalogue, order.severity, owner, turn.now_ms)
    deadlines.unmark(order, "respond")
    _resolve_from_now(catalogue, turn, order, owner)


def resolve_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """The limit to resolve begins now: for a reopened order, after an acceptance, and for an agreed one."""
    _resolve_from_now(catalogue, turn, order, routing.person_of(catalogue, order.owner))


def _resolve_from_now(catalogue: Catalogue, turn: Turn, order: WorkOrder, owner: Person | None) -> None:
    hold_so_far(catalogue, turn, order)
    order.private.resolve_from_ms = turn.now_ms
    order.resolve_by_ms = deadlines.resolve_by_ms(catalogue, order.severity, owner, turn.now_ms)
    order.agreed_ms = order.negotiation = None
    order.private.resolve_late, order.private.climb_ms = False, None
    deadlines.unmark(order, "resolve")


def respond_anew(catalogue: Catalogue, turn: Turn, order: WorkOrder, gap_ms: int = 0) -> None:
    """The limit to respond begins now for a new owner; *gap_ms* is its least length."""
    hold_so_far(catalogue, turn, order)
    owner = routing.person_of(catalogue, order.owner)
    by = deadlines.respond_by_ms(catalogue, order.severity, owner, turn.now_ms)
    order.private.respond_from_ms = turn.now_ms
    order.respond_by_ms = max(by, turn.now_ms + gap_ms)
    deadlines.unmark(order, "respond")


def dues(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """Deal with all that is due at this clock, each once."""
    for _ in range(_DUES):
        due = deadlines.due(catalogue, order, turn.now_ms)
        if due is None:
            break
        if due.warn_percent:
            _warn(turn, order, due)
        elif due.event == "respond_due":
            _respond_due(catalogue, turn, order)
        elif due.event == "resolve_due":
            _resolve_due(catalogue, turn, order)
        elif due.event == "hold_due":
            resume(catalogue, turn, order, "hold_due", SYSTEM, "the hold has ended")
        else:
            _accept_due(catalogue, turn, order)
    _remind(catalogue, turn, order)


def _remind(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """Acknowledged is not done: without a word from anybody the owner is asked how it stands, again and again.

    Nor is a verification that the calls have left undecided: it waits for a test call, or for somebody to sign. While
    its queue is closed once a day is enough.
    """
    every_ms = catalogue.limits.remind_ms[min(order.severity, 3) - 1]
    if order.state == "verifying" and turn.read(order.queue, "open", "now") == 0.0:
        every_ms = max(every_ms, DAY_MS)
    quiet_ms = turn.now_ms - order.private.heard_ms
    check = order.verification
    calls_decide = order.state == "verifying" and (check is None or check.state != "undecided")
    if moved(order.state, "remind_due") is None or calls_decide or quiet_ms < every_ms:
        return
    en, zh = span(quiet_ms)
    turn.log(order, "remind_due", "reminded", f"nothing was heard of it for {en}")
    owner = routing.person_of(catalogue, order.owner)
    if owner is not None:
        said = (f"Still open, no news for {en}. {order.sentence}", f"工单未结,{zh}无进展。{order.sentence}")
        people.page(catalogue, turn, order, owner, said)


def _warn(turn: Turn, order: WorkOrder, due: deadlines.Due) -> None:
    which = due.event.removesuffix("_due")
    deadlines.mark(order, which, due.warn_percent)
    why = f"{due.warn_percent} % of the time to {which} is over"
    turn.log(order, due.event, "warned", why, data={"percent": due.warn_percent})
    en, zh = {"respond": ("answer it", "响应"), "resolve": ("resolve it", "处理")}[which]
    text = f"{due.warn_percent} % of the time to {en} is over: {order.sentence}"
    turn.alert("changed", order, text, f"{zh}时限已过{due.warn_percent}%:{order.sentence}")


def _respond_due(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    found = people.escalate(catalogue, turn, order, "respond_due", ("Not acknowledged in time", "未在响应时限内确认"))
    respond_anew(catalogue, turn, order, 0 if found else deadlines.TOP_GAP_MS)
    turn.log(order, "respond_due", "limit_set", "the time to respond begins anew", data={"by_ms": order.respond_by_ms})


def _resolve_due(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    found = people.escalate(catalogue, turn, order, "resolve_due", ("Not resolved in time", "未在处理时限内解决"))
    again = catalogue.limits.resolve_ms[min(order.severity, 3) - 1]
    order.private.resolve_late = True
    span_ms = again if found else max(again, deadlines.TOP_GAP_MS)
    owner = routing.person_of(catalogue, order.owner)
    order.private.climb_ms = deadlines.later_ms(catalogue, order.severity, owner, turn.now_ms, span_ms)
    turn.log(order, "resolve_due", "late", "the limit to resolve is broken", data={"again_ms": order.private.climb_ms})


def hold_so_far(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """Move the limits by the time held up to now: a limit that is set while it is held is moved by the rest only.

    The same for the time that it has stood still for a planned event; while it is held, the hold alone counts.
    """
    private, now_ms = order.private, turn.now_ms
    held = order.state == "on_hold"
    since = private.hold_since_ms if held else private.still_since_ms
    if since is None:
        return
    deadlines.stretched(catalogue, order, since, now_ms)
    private.undecided_at_ms += now_ms - since
    if private.paused_ms is not None:
        private.paused_ms += now_ms - since  # or that time would count twice when the pause ends
    if held:
        private.hold_since_ms = now_ms
    else:
        private.still_since_ms = now_ms
        private.heard_ms = min(now_ms, private.heard_ms + now_ms - since)


def leave_hold(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """Whatever ends a hold or an acceptance: the limits move by the time held, or the one to resolve begins anew."""
    hold_so_far(catalogue, turn, order)
    if order.state == "accepted":
        resolve_anew(catalogue, turn, order)
    order.private.hold_since_ms = order.hold_until_ms = None


def resume(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: str, actor: str, why: str) -> None:
    """End a hold: back to where it was."""
    leave_hold(catalogue, turn, order)
    go(order, event)
    turn.log(order, event, "moved", why, actor)
    turn.alert("changed", order, f"Back from hold: {order.sentence}", f"挂起结束:{order.sentence}")


def _accept_due(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    leave_hold(catalogue, turn, order)
    go(order, "accept_due")
    turn.log(order, "accept_due", "judged_again", "the accepted time is over and the figure has not recovered")
    owner = routing.person_of(catalogue, order.owner)
    if owner is not None:
        people.page(catalogue, turn, order, owner, (order.sentence, order.sentence))
    turn.alert("changed", order, f"No longer accepted: {order.sentence}", f"接受期结束:{order.sentence}")
