"""What a partition tells of its orders to the homes of units: which queues broke just now, and which a storm holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter

from alerts.order import WorkOrder
from alerts.storm import RULES_MAX
from alerts.storm_book import StormBook
from alerts.storm_orders import is_broken
from alerts.workorder import OPEN
from models.unit import NAMES_MAX, Trouble


def trouble(
    book: StormBook, orders: Mapping[str, WorkOrder], of: Iterable[str], rules: Collection[str], now_ms: int
) -> dict[str, Trouble]:
    """By unit, of the open *orders* of the queues *of*. Units that have nothing of it are left out.

    ``live`` counts the broken alone: who asks knows which queues have calls.
    """
    found: dict[str, Trouble] = {}
    if book.is_off and not book.children:
        return found
    for queue in sorted(of):
        order = orders[queue]
        if is_broken(order, now_ms):
            for unit in book.units(queue):
                _broken(found.setdefault(unit, Trouble(live=0)), order, rules)
    for unit, standing in sorted(book.standings.items()):
        if standing.parent is not None and (queues := book.children.get(standing.parent.id)):
            _held(found.setdefault(unit, Trouble(live=0)), sorted(queues), orders)
    for share in found.values():
        if len(share.rules) > RULES_MAX:
            share.rules = dict(sorted(share.rules.items(), key=itemgetter(1), reverse=True)[:RULES_MAX])
    return found


def _broken(share: Trouble, order: WorkOrder, rules: Collection[str]) -> None:
    share.live += 1
    share.bad += 1
    share.worst = min(share.worst, order.severity)
    share.last_ms = max(share.last_ms, order.private.broke_ms)
    for rule in order.active:
        if rule in rules:
            share.rules[rule] = share.rules.get(rule, 0) + 1
    if len(share.names) < NAMES_MAX:
        share.names.append(order.queue)


def _held(share: Trouble, queues: list[str], orders: Mapping[str, WorkOrder]) -> None:
    share.joined, share.children = len(queues), queues[:NAMES_MAX]
    for queue in queues:
        order = orders[queue]
        if order.state in OPEN:
            share.held += 1
            share.worst = min(share.worst, order.severity)
