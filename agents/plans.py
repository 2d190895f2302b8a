"""Under which name a partition's snapshots keep the plans of a queue: apart from the rest of the queue, which changes
at nearly every clock, while a fortnight of plans is 50 KB that hardly ever change."""

from __future__ import annotations

from typing import Final

from models.identity import SEPARATOR

#: No queue's name holds it.
_MARK: Final = f"{SEPARATOR}plan"


def plan_name(queue: str) -> str:
    """The name under which the plans of *queue* are kept."""
    return queue + _MARK


def queue_of_plan(name: str) -> str:
    """The queue whose plans are kept under *name*, an empty string for other names."""
    return name.removesuffix(_MARK) if name.endswith(_MARK) else ""
