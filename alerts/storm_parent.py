"""The order of a unit in a storm: opened when its queues break together, over when the orders of all of them are.

It goes to one person and is paged like any order. What proves it is not its own calls but its queues one by one: it
waits in verification until each of their orders is closed or has gone its own way. If enough of them break again it
comes back, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alerts import desk, findings, people, proof, routing
from alerts.episode import order_id
from alerts.order import Storm, WorkOrder
from alerts.storm import Total
from alerts.turn import Turn
from alerts.workorder import NEW, OPEN, moved
from models.catalogue import Catalogue
from models.metric import METRIC
from models.storm import STORM, Parent
from models.unit import EVERYTHING

#: The numbers of a storm are logged so often at most, while queues come and go.
NEWS_MS: Final = 60_000
#: Queues and symptoms that its sentence names.
_NAMED, _SYMPTOMS = 3, 3


def is_on(order: WorkOrder | None) -> bool:
    """Whether *order* is open and its storm not over."""
    return order is not None and order.state in OPEN and order.storm is not None and not order.storm.over


def parent_of(order: WorkOrder | None) -> Parent | None:
    """What partitions are told of the storm of *order*, None when there is none."""
    if order is None or order.storm is None or not is_on(order):
        return None
    away = order.private.came_from[-1:] if order.state in ("on_hold", "accepted") else [order.state]
    resolved = away == ["verifying"] and not order.private.by_itself
    return Parent(
        id=order.id,
        since_ms=order.storm.since_ms,
        owner=order.owner,
        owner_name=order.owner_name,
        acknowledged=order.state not in ("detected", "dispatched"),
        resolved=resolved,
        cause=order.cause or "" if resolved else "",
        measure=order.measure or "" if resolved else "",
        by=order.private.resolved_by if resolved else "",
    )


def sentence(unit: str, total: Total, metrics: Mapping[str, str]) -> tuple[str, str]:
    """What broke, English and Chinese; *metrics* are the figures that rules judge, by rule id."""
    where = ("all sites", "全部职场") if unit == EVERYTHING else (unit.removesuffix("/*"),) * 2
    shown = [METRIC[metrics[rule]] for rule, _ in _most(total) if rule in metrics]
    names = ", ".join(total.names[:_NAMED]) + (f" and {total.bad - _NAMED} more" if total.bad > _NAMED else "")
    kinds = dict.fromkeys((metric.en, metric.zh) for metric in shown)
    what_en = ", ".join(en for en, _ in kinds) or "several figures"
    what_zh = "、".join(zh for _, zh in kinds) or "多项指标"
    named_zh = "、".join(total.names[:_NAMED]) + ("等" if total.bad > _NAMED else "")
    of = max(total.live, total.bad)
    return (
        f"{total.bad} of {of} queues of {where[0]} broke within five minutes ({what_en}): {names}",
        f"{where[1]} {of}个队列中有{total.bad}个在五分钟内异动({what_zh}):{named_zh}",
    )


def _most(total: Total) -> list[tuple[str, int]]:
    return sorted(total.rules.items(), key=lambda item: (-item[1], item[0]))[:_SYMPTOMS]


def begins(
    catalogue: Catalogue, turn: Turn, order: WorkOrder | None, unit: str, total: Total, said: tuple[str, str]
) -> WorkOrder:
    """The queues of *unit* broke together: its open order has that as a symptom too, the one just closed comes back,
    or one opens."""
    before = order.storm.count if order is not None and is_on(order) and order.storm is not None else 0
    storm = Storm(turn.now_ms, list(total.names), max(before, total.bad), total.bad)
    data = {"queues": total.bad, "of": total.live}
    if order is not None and order.state in OPEN:
        order.storm = storm
        _is_symptom(order)
        if total.worst < order.severity:
            order.severity, order.sentence = total.worst, said[0]
            desk.tighten(catalogue, turn, order)
        turn.log(order, "joined", "joined", said[0], data={"rule": STORM, **data})
        if order.state == "verifying":
            _back(catalogue, turn, order, said)
        else:
            _page(catalogue, turn, order, said)  # its queues are paged no more: this page stands for theirs
            turn.alert("changed", order, f"Joined: {said[0]}", f"并入工单:{said[1]}")
        return order
    reopen_ms = catalogue.limits.reopen_ms
    if order is not None and order.state == "closed" and turn.now_ms - (order.closed_ms or 0) <= reopen_ms:
        order.storm, order.active = storm, []
        _is_symptom(order)
        desk.reopen(catalogue, turn, order, total.worst, said, {"rule": STORM, **data})
        return order
    order = WorkOrder(order_id(unit, turn.now_ms), unit, "detected", total.worst, turn.now_ms)
    order.state = moved(NEW, "breached") or "detected"
    order.sentence, order.storm = said[0], storm
    _is_symptom(order)
    desk.begin(catalogue, turn, order, said, "breached", data={"rule": STORM, "started_ms": turn.now_ms, **data})
    return order


def _is_symptom(order: WorkOrder) -> None:
    for listed in (order.symptoms, order.active):
        if STORM not in listed:
            listed.append(STORM)


def _page(catalogue: Catalogue, turn: Turn, order: WorkOrder, said: tuple[str, str]) -> None:
    owner = routing.person_of(catalogue, order.owner)
    if owner is not None:
        people.page(catalogue, turn, order, owner, said)


def _back(catalogue: Catalogue, turn: Turn, order: WorkOrder, said: tuple[str, str]) -> None:
    """Enough queues broke again while it was verified."""
    if order.private.by_itself:
        desk.not_over(turn, order, "its queues broke again", {"rule": STORM})
        _page(catalogue, turn, order, said)
        turn.alert("changed", order, f"Again: {said[0]}", f"复发:{said[1]}")
    else:
        order.sentence = said[0]
        proof.fail(catalogue, turn, order, f"its queues broke again: {said[0]}")


def goes_on(catalogue: Catalogue, turn: Turn, order: WorkOrder, total: Total) -> None:
    """A tick of a storm that is on, with what its queues came to."""
    storm = order.storm
    if storm is None or not total.current:
        return  # not every partition has heard of it yet
    if not total.held:
        _over(catalogue, turn, order, storm, total)
        return
    if total.worst < order.severity:
        order.severity = total.worst
        desk.tighten(catalogue, turn, order)
    news = (storm.count, storm.open, order.severity) != (max(storm.count, total.joined), total.held, order.severity)
    if news and turn.now_ms - order.private.storm_told_ms >= NEWS_MS:
        order.private.storm_told_ms = turn.now_ms
        _note(storm, total)
        if order.verification is not None and order.state == "verifying":
            order.verification.sentence = f"waits for {findings.waited_for(order)}"
        turn.log(order, "joined", "counting", f"{storm.open} of {storm.count} queues are left")


def _note(storm: Storm, total: Total) -> None:
    storm.count, storm.open = max(storm.count, total.joined), total.held
    if total.children:
        storm.queues = list(total.children)


def _over(catalogue: Catalogue, turn: Turn, order: WorkOrder, storm: Storm, total: Total) -> None:
    """Every queue's order is closed or went its own way: the symptom is over, and so is what waited for it."""
    _note(storm, total)
    storm.over = True
    said = (f"All {storm.count} queues are through: {order.sentence}", f"{storm.count}个队列均已结束:{order.sentence}")
    if STORM in order.active:
        order.active.remove(STORM)
    turn.log(order, "recovered", "symptom_ended", said[0], data={"rule": STORM, "left": len(order.active)})
    if order.state == "verifying":
        proof.finish(catalogue, turn, order)
    elif not order.active and not order.findings and moved(order.state, "recovered") is not None:
        desk.recover(catalogue, turn, order, said)
