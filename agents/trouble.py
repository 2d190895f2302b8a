"""What a worker says aloud: records that were refused or lay in the wrong partition, now and then and in one line."""

from __future__ import annotations

import logging
from typing import Final

from agents.actor import Effects

#: Between two lines: a source gone mad writes thousands of bad records a second.
EVERY_S: Final = 10.0

log = logging.getLogger("callwatch.worker")


class Trouble:
    """Counts what was not applied, and tells of it at most every 10 seconds."""

    def __init__(self) -> None:
        self.dead = 0
        self.misrouted = 0
        self._told = (0, 0, 0)
        self._told_s = float("-inf")

    def add(self, effects: Effects) -> None:
        """Count one batch."""
        self.dead += effects.dead
        self.misrouted += effects.misrouted

    def tell(self, now_s: float, refused: int = 0) -> bool:
        """Log the counts when they have changed and the last line is old enough. True when it did.

        *refused* is the number of calls for which the owned partitions had no room.
        """
        counts = (self.dead, self.misrouted, refused)
        if counts == self._told or not any(counts) or now_s - self._told_s < EVERY_S:
            return False
        self._told, self._told_s = counts, now_s
        parts = (
            (self.dead, "were no events: each is in the topic dead-letters, with the reason"),
            (self.misrouted, "lay in another queue's partition and were forwarded: key them by queue, murmur2"),
            (refused, "found no room: a partition keeps 4 million calls, use more partitions"),
        )
        log.warning("of the records so far %s", "; ".join(f"{n} {what}" for n, what in parts if n))
        return True
