"""What a storm does to the orders of its queues: they are its children, held under their parent.

A child is an order like any other: it has its symptoms, its calls prove that it is over, it closes by itself. But it is
nobody's to answer one by one: it has the owner of its parent, its limits stand still, nobody is paged about it, and
what the owner does with the parent (acknowledge, resolve with cause and measure) is done with it. It leaves when
somebody takes it, when its verification fails, and when the parent is over or was none; then it is paged for itself.
"""

from __future__ import annotations

from alerts import proof, storm_pages
from alerts.moves import go
from alerts.order import WorkOrder
from alerts.storm import TOGETHER_MS
from alerts.storm_book import StormBook
from alerts.turn import Turn
from alerts.workorder import UNANSWERED, WORKING
from models.catalogue import Catalogue
from models.storm import Parent


def is_broken(order: WorkOrder, now_ms: int) -> bool:
    """Whether *order* broke a short while ago, and nothing else accounts for it yet."""
    return _is_free(order) and order.private.broke_ms > now_ms - TOGETHER_MS


def _is_free(order: WorkOrder) -> bool:
    return order.state in WORKING and order.parent is None and order.planned is None and bool(order.active)


def follow(catalogue: Catalogue, turn: Turn, book: StormBook, order: WorkOrder) -> bool:
    """A clock of an open order: it becomes a child, follows its parent, or leaves it. Whether a storm holds it."""
    if order.parent is not None:
        parent = book.parent(order.parent)
        if parent is None:
            if book.ended(order.queue) == "cancelled":
                storm_pages.leave(catalogue, turn, order, "storm_cancelled")
            else:
                storm_pages.leave(catalogue, turn, order, "storm_closed")
            return False
    else:
        parent = book.over(order.queue)
        if parent is None or not _is_free(order) or order.private.broke_ms <= parent.since_ms - TOGETHER_MS:
            return False
        _join(turn, book, order, parent)
    _as_parent(catalogue, turn, order, parent)
    return True


def _join(turn: Turn, book: StormBook, order: WorkOrder, parent: Parent) -> None:
    order.parent = parent.id
    storm_pages.forget_page(order)
    order.private.still_since_ms = turn.now_ms
    turn.memory.cancelled(order)  # that it came back says nothing of its queue
    book.joins(parent.id, order.queue)
    turn.log(order, "storm_begins", "held", "storm", data={"parent": parent.id})


def _as_parent(catalogue: Catalogue, turn: Turn, order: WorkOrder, parent: Parent) -> None:
    """Do with a child what was done with its parent since."""
    if (parent.owner, parent.owner_name) != (order.owner, order.owner_name) and parent.owner is not None:
        left, order.owner, order.owner_name = order.owner, parent.owner, parent.owner_name
        order.private.tried, order.private.handover_to = [parent.owner], ""
        go(order, "storm_begins")  # dispatched, where nobody had it
        data = {"from": left, "to": parent.owner, "parent": parent.id}
        turn.log(order, "storm_begins", "reassigned", "the_parents_owner", data=data)
    if order.state in UNANSWERED and (parent.acknowledged or parent.resolved) and order.owner is not None:
        go(order, "acknowledge")
        turn.log(order, "acknowledge", "moved", "with_its_parent", data={"parent": parent.id})
    if parent.resolved and order.state in ("acknowledged", "analysing"):
        order.cause, order.measure = parent.cause, parent.measure
        order.private.resolved_by = parent.by
        proof.start_verification(catalogue, turn, order, by_itself=False)
        go(order, "resolve")
        turn.log(order, "resolve", "moved", "with_its_parent", data={"parent": parent.id, "cause": parent.cause})


def stands_still(order: WorkOrder, now_ms: int) -> bool:
    """A clock of a child: its limits stand. Whether anything of it changed."""
    private = order.private
    if (private.still_since_ms is None) == (order.state != "on_hold"):  # a hold moves the limits by itself
        private.still_since_ms = None if order.state == "on_hold" else now_ms
        return True
    return False
