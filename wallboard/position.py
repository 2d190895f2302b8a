"""Where a screen stands in the alerts: the id of every SSE event."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ID: Final = re.compile(r"([0-9a-z]*):(\d{1,18}(?:,\d{1,18})*)")


@dataclass(frozen=True, slots=True)
class Position:
    """*epoch* names the build-up of Valkey; *offsets* has for each partition the offset to go on from in ``alerts``.

    On the wire ``<epoch>:<offset>,<offset>,...``, which a browser sends back as ``Last-Event-ID``.
    """

    epoch: str
    offsets: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.epoch}:{','.join(map(str, self.offsets))}"

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """The position that *text* stands for; None for anything that we did not write."""
        found = _ID.fullmatch(text.strip())
        if found is None:
            return None
        return cls(found[1], tuple(map(int, found[2].split(","))))

    def advanced(self, partition: int, offset: int) -> Position:
        """This position with *partition* moved on to *offset*."""
        offsets = list(self.offsets)
        offsets[partition] = offset
        return Position(self.epoch, tuple(offsets))
