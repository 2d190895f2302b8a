"""The interner: the queues of one partition by number, because kernels hold numbers and no names."""

from __future__ import annotations

from typing import Final

#: Queues of one partition: ten times what a large centre has in all. A busy one costs the window tables some 60 KB, and
#: every one 12 KB in Valkey with its trend, so that names invented by a mad source end at 120 MB a partition there.
QUEUES_MAX: Final = 10_000


class NamesFullError(LookupError):
    """A further name does not fit; the names known so far keep their numbers."""


class Names:
    """Queue names in order of first appearance; the position is the number in ``EventColumns.queue``.

    Numbers are dense from 0 and never reused. They belong to one run of one worker: what must be stable (outputs,
    their order, snapshots) goes by name.
    """

    __slots__ = ("_index", "limit", "names")

    def __init__(self, limit: int = QUEUES_MAX) -> None:
        self.limit = limit
        self.names: list[str] = []
        self._index: dict[str, int] = {}

    def index(self, name: str) -> int:
        """The number of *name*, added when new. Raises NamesFullError when it is new and the limit is reached."""
        known = self._index.get(name)
        if known is not None:
            return known
        if len(self.names) >= self.limit:
            raise NamesFullError(f"no room for queue {name!r}: {self.limit} are known already")
        self._index[name] = len(self.names)
        self.names.append(name)
        return len(self.names) - 1

    def find(self, name: str) -> int | None:
        """The number of *name*, or None when it is not known. Adds nothing."""
        return self._index.get(name)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._index
