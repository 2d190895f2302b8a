"""An order from its log alone: as it stood after each decision, without the topic ``workorders`` or any snapshot.

Every entry of ``workorder-log`` carries the fields that its decision changed (``order_after``, `alerts.turn`), so the
order at a version is what its entries up to there have set, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.errors import InputError

Entry = Mapping[str, Any]  #: a payload of ``workorder-log``; ``pos`` may be missing


def by_order(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """*entries* by order, each order's by version; orders in the order in which they first appear.

    An entry that is there twice counts once. Raises InputError when two entries contradict each other.
    """
    found: dict[str, dict[int, Entry]] = {}
    for entry in entries:
        versions = found.setdefault(entry["order"], {})
        first = versions.setdefault(entry["version"], entry)
        if first is not entry and _said(first) != _said(entry):
            raise InputError(
                f"The log says two things of order {entry['order']} at version {entry['version']}: "
                f"{first['decision']} and {entry['decision']}. It is not the log of one installation: read one prefix."
            )
    return {order: [versions[v] for v in sorted(versions)] for order, versions in found.items()}


def rebuild(entries: Iterable[Entry]) -> dict[int, dict[str, Any]]:
    """The payload (``models.outputs.Order`` without ``pos``) of one order after each of its versions.

    *entries* are all of that order, in any sequence. Raises InputError when the log does not hold its beginning, has a
    gap, is of several orders or contradicts itself.
    """
    sorted_ = by_order(entries)
    if len(sorted_) > 1:
        raise InputError(f"These are entries of {len(sorted_)} orders, not of one: {', '.join(list(sorted_)[:3])}")
    found: dict[int, dict[str, Any]] = {}
    order: dict[str, Any] = {}
    for expected, entry in enumerate(next(iter(sorted_.values()), ()), 1):
        if entry["version"] != expected:
            raise InputError(
                f"The log of order {entry['order']} lacks version {expected}: "
                "the topic keeps entries for 400 days by default, older ones are in a file written before."
            )
        before, order = order.get("state"), order | entry["order_after"]
        if before != entry["before"] or order.get("state") != entry["after"] or order.get("version") != expected:
            raise InputError(
                f"The log of order {entry['order']} breaks at version {expected}: it moves from {entry['before']} to "
                f"{entry['after']}, but what was logged before says {before}."
            )
        found[expected] = order
    return found


def _said(entry: Entry) -> dict[str, Any]:
    """What an entry says; the same decision may lie at two places."""
    return {name: value for name, value in entry.items() if name != "pos"}
