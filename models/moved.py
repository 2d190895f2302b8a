"""What `callwatch repartition` says of a record that it copied: where it lay and when it came there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: Prefix of the installation, then ``partition-offset-n``: the ``pos`` as it was.
MOVED_FROM: Final = "callwatch_moved_from"
#: When the broker had appended the original (its clock, epoch milliseconds): the copy bears the time of the move.
MOVED_AT: Final = "callwatch_moved_at"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a copied record comes from: the offset and number of its cause there, and when it was appended there."""

    offset: int
    n: int
    appended_ms: int


def origin(headers: Iterable[tuple[str, bytes]]) -> Origin | None:
    """Where the record with these *headers* comes from; None when it was written here."""
    found = dict(headers)
    if MOVED_FROM not in found:
        return None
    _, offset, n = found[MOVED_FROM].rsplit(b"-", 2)
    return Origin(int(offset), int(n), int(found.get(MOVED_AT, b"0")))
