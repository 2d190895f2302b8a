"""The clocks of an outage and of an emergency: since when, and the marks that they pass.

An outage is what the source documents call paralysis: the telephone cannot be connected at all. Its clock begins where
the last call was answered, runs on in the order while the centre is closed, over restarts and after acknowledgement,
and stops when a call is answered again or the order is over. A centre whose outage passes 24 hours, or whose state of
emergency passes 72, loses two grades there. Both marks are told of both, each once, one tier further up.
"""

from __future__ import annotations

from typing import Final

from alerts import people
from alerts.judge import Change
from alerts.order import Outage, WorkOrder
from alerts.planned import Event, Plan
from alerts.rules import Step
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.planned import MARK_HOURS

#: The figure whose episodes are outages.
METRIC: Final = "since_connected_ms"
HOUR_MS: Final = 3_600_000


def began(order: WorkOrder, change: Change, now_ms: int) -> None:
    """An episode begins for *order*: where it is an outage its clock runs from the last answer on; it goes on running
    where it has not stopped."""
    if change.rule.metric == METRIC and (order.outage is None or order.outage.ended_ms is not None):
        order.outage = Outage(now_ms - int(change.value or 0))


def ended(order: WorkOrder, change: Change, now_ms: int) -> None:
    """An episode ends. An outage is over when a call was answered, not when the centre closes."""
    if change.rule.metric == METRIC and change.step == Step.RECOVERED:
        stop(order, now_ms)


def stop(order: WorkOrder, now_ms: int) -> None:
    """The outage of *order*, if there is one, is over."""
    if order.outage is not None and order.outage.ended_ms is None:
        order.outage.ended_ms = now_ms


def _passed(since_ms: int, marks: list[int], now_ms: int) -> list[int]:
    """The marks that lie behind *now_ms* and were not told."""
    return [hours for hours in MARK_HOURS if hours not in marks and now_ms - since_ms > hours * HOUR_MS]


def pass_time(catalogue: Catalogue, turn: Turn, order: WorkOrder) -> None:
    """One clock of an open order with an outage: a mark that it passes is logged, told, and goes a tier up."""
    outage = order.outage
    if outage is None or outage.ended_ms is not None:
        return
    for hours in _passed(outage.since_ms, outage.marks, turn.now_ms):
        outage.marks.append(hours)
        data = {"hours": hours, "since_ms": outage.since_ms}
        turn.log(order, "outage_mark", "marked", f"no call has connected for {hours} hours", data=data)
        said = (
            f"No call of {order.queue} has connected for {hours} hours",
            f"{order.queue} 电话无法接通已超过{hours}小时",
        )
        turn.alert("changed", order, *said)
        people.escalate(catalogue, turn, order, "outage_mark", said)


def emergency_marks(plan: Plan, now_ms: int) -> list[tuple[Event, int]]:
    """The emergencies that pass a mark at *now_ms*, with its hours; each once."""
    found = []
    for event in plan.emergencies():
        for hours in _passed(event.from_ms, list(event.marks), now_ms):
            found.append((plan.marked(event, hours), hours))
    return found


def emergency_lasts(catalogue: Catalogue, turn: Turn, order: WorkOrder, event: Event, hours: int) -> None:
    """The emergency that covers the open *order* has passed a mark: it goes a tier up."""
    data: dict[str, str | int | float | bool | None] = {"hours": hours, "since_ms": event.from_ms, "event": event.id}
    turn.log(order, "emergency_mark", "marked", f"the emergency of {event.covers} has lasted {hours} hours", data=data)
    said = (f"The emergency of {event.covers} has lasted {hours} hours", f"{event.covers}应急状态已超过{hours}小时")
    people.escalate(catalogue, turn, order, "emergency_mark", said)
