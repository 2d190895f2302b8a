"""A page that waits where a storm may come, and a child of a storm that goes its own way.

The page of an order that has just opened waits a little (`alerts.storm.PAGE_WAITS_MS`) where its unit has queues enough
for a storm, and a little longer while more and more of them break. Its limits run from its opening. If a storm comes,
nobody is paged but about its parent; if none does, the page goes out as it would have.
"""

from __future__ import annotations

from typing import Final

from alerts import briefs, limits, people, routing
from alerts.order import WorkOrder
from alerts.storm import PAGE_WAITS_MS
from alerts.storm_book import StormBook
from alerts.turn import Turn
from alerts.workorder import WORKING
from models.catalogue import Catalogue, Person

#: A page waits for this part of the time to respond at most.
_PART: Final = 4


def joins(turn: Turn, order: WorkOrder) -> bool:
    """Whether a storm holds *order*, or takes it in at this clock."""
    return turn.storms is not None and turn.by_clock and turn.storms.over(order.queue) is not None


def first_page(catalogue: Catalogue, turn: Turn, order: WorkOrder, person: Person, said: tuple[str, str]) -> None:
    """Page *person* about an order that opens or comes back: at once, or where a storm may come a little later."""
    book = turn.storms
    if joins(turn, order):
        return
    if book is None or not turn.by_clock or turn.quiet(order) or not book.may_come(order.queue):
        people.page(catalogue, turn, order, person, briefs.with_headline(order, said, turn.now_ms))
        return
    private = order.private
    order.withheld = True
    private.page_to, private.page_said, private.page_from_ms = person.id, list(said), turn.now_ms
    data: dict[str, str | int | float | bool | None] = {"person": person.id}
    data["until_ms"] = book.waits_until(order.queue, turn.now_ms, _waits_ms(order))
    turn.log(order, "breached", "withheld", "storm_may_come", data=data)


def _waits_ms(order: WorkOrder) -> int:
    if order.respond_by_ms is None:
        return PAGE_WAITS_MS
    return min(PAGE_WAITS_MS, max(0, order.respond_by_ms - order.private.page_from_ms) // _PART)


def page_due(catalogue: Catalogue, turn: Turn, book: StormBook, order: WorkOrder) -> None:
    """A clock of an order whose page is withheld: it goes out when it has waited, if it is still that person's."""
    private = order.private
    if order.state not in WORKING:
        return  # it came back by itself meanwhile: paged if that does not last
    if turn.now_ms < book.waits_until(order.queue, private.page_from_ms, _waits_ms(order)):
        return
    person, said = routing.person_of(catalogue, private.page_to), (private.page_said[0], private.page_said[1])
    said = briefs.with_headline(order, said, private.page_from_ms)
    forget_page(order)
    if person is not None and person.id == order.owner:
        people.page(catalogue, turn, order, person, said)
    else:
        turn.log(order, "breached", "suppressed", "passed_on_meanwhile")


def forget_page(order: WorkOrder) -> None:
    """Nothing is withheld of *order* any more."""
    order.withheld = False
    order.private.page_to, order.private.page_said, order.private.page_from_ms = "", [], 0


def leave(catalogue: Catalogue, turn: Turn, order: WorkOrder, reason: str, *, page: bool = True) -> None:
    """A child goes its own way for *reason*: its limits go on with what was left, and its owner is paged (*page*)."""
    limits.hold_so_far(catalogue, turn, order)
    if order.planned is None:
        order.private.still_since_ms = None
    left, order.parent, order.private.broke_ms = order.parent, None, 0
    if turn.storms is not None:
        turn.storms.leaves(left, order.queue)
    turn.log(order, "storm_over", "continued", reason, data={"parent": left})
    owner = routing.person_of(catalogue, order.owner)
    if page and owner is not None and order.state in WORKING:
        people.page(catalogue, turn, order, owner, (order.sentence, order.sentence))


def failed(catalogue: Catalogue, turn: Turn, order: WorkOrder, said: tuple[str, str]) -> None:
    """The verification of a child failed. It stays where the storm goes on, else it is for its owner to answer."""
    if joins(turn, order):
        return
    leave(catalogue, turn, order, "its_own_calls_failed", page=False)
    order.private.broke_ms = turn.now_ms
    owner = routing.person_of(catalogue, order.owner)
    if owner is not None:
        first_page(catalogue, turn, order, owner, said)


def came_back(turn: Turn, order: WorkOrder) -> None:
    """A closed order comes back: a child of its storm only where that goes on."""
    order.private.broke_ms = turn.now_ms
    if order.parent is not None and not joins(turn, order):
        if turn.storms is not None:
            turn.storms.leaves(order.parent, order.queue)
        order.parent = None
