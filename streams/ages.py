"""The ages of the callers of one queue who wait now: what a sentence about them is made of, asked for when it is."""

from __future__ import annotations

from typing import Final

from streams.store import Store

#: More callers than that are not walked through in Python (10 ms); their figures say enough.
AGES_MAX: Final = 10_000


def ages_ms(store: Store, q: int, now_ms: int) -> list[int] | None:
    """Ages at *now_ms* of the callers waiting in queue number *q*, the oldest first, as the figures count them: since
    they came to the queue, those lost track of left out. None when more than `AGES_MAX` wait."""
    if int(store.queues["waiting"][q]) > AGES_MAX:
        return None
    offered, following = store.slots["offered"], store.slots["next"]
    found, at = [], int(store.queues["head"][q])
    while at >= 0:
        found.append(max(now_ms - int(offered[at]), 0))
        at = int(following[at])
    return sorted(found, reverse=True)
