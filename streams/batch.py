"""A batch of records as it came from the broker: one fetch of one partition, in log order, values not decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

Headers = list[tuple[str, bytes | None]]


@dataclass(slots=True)
class RecordBatch:
    """What one fetch brought from one partition. Lists have one entry per record; it is never empty.

    ``start`` is the position that was fetched from and ``end`` the position after: offsets between them that are
    not in ``offsets`` hold no record (compacted away, or markers of transactions).
    """

    topic: str
    partition: int
    start: int
    end: int
    offsets: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]
    #: (first row, when the broker appended the records from there on, ms), rising; -1 where it is not known
    appended: list[tuple[int, int]] = field(default_factory=list)
    headers: dict[int, Headers] = field(default_factory=dict)  #: by row, only of records that have some

    def __len__(self) -> int:
        return len(self.offsets)
