"""Snapshots on their topic: which records a round writes, and which of those found make a state.

Theory. The topic is compacted, so under a key only the newest record survives; and a round (queues, then the manifest)
may be cut anywhere. So that a cut round never damages the one before, each queue has two keys that are written in
turn (the newest at or below the manifest's offset counts), and each owner writes under keys of its own session (an
owner that was taken for dead and wakes up can only write to its own). A new owner takes the session with the highest
epoch, writes a full round under the next epoch and then deletes the keys of the sessions before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import zstandard

from models.errors import WorkError

#: A part stays below the 1 MB that brokers take for one record by default.
PART_BYTES: Final = 900_000
#: Raised whenever the state changes; another version is refused. 2: the settings in force, what was told of room.
#: 3: orders with findings, consultation and negotiation; experience and recurrence of queues.
VERSION: Final = 3
_LEVEL: Final = 1  # 4 times smaller at 400 MB/s; higher levels gain little on packed integers

KeyValue = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Up to where everything is in the snapshots: the next offset to apply, and the state of no queue.

    *outputs* has for each output topic where its next record lies and the (offset, n) of the last ``pos`` in it.
    """

    offset: int
    partitions: int
    epoch: int
    session: str
    common: dict[str, Any]
    outputs: dict[str, tuple[int, tuple[int, int]]]

    def encode(self) -> KeyValue:
        """The record that makes the round valid."""
        body = {"version": VERSION, **{name: getattr(self, name) for name in self.__slots__}}
        return orjson.dumps(["m", self.epoch, self.session]), orjson.dumps(body)


def barrier(why: str | None) -> KeyValue:
    """A record that keeps every owner out of this partition, saying *why* and what to do; None takes it away."""
    return orjson.dumps(["x", 0, ""]), None if why is None else orjson.dumps({"why": why})


class Snapshots:
    """The keys of one owner's session: what to write in each round."""

    def __init__(self, epoch: int, stale: Iterable[bytes] = ()) -> None:
        self.epoch = epoch
        self.session = uuid.uuid4().hex[:12]
        self._turn: dict[str, int] = {}  # queue -> which of its two keys holds the valid snapshot
        self._written: dict[str, int] = {}
        self._parts: dict[tuple[str, int], int] = {}
        self._stale = list(stale)

    def round(self, offset: int, queues: dict[str, bytes]) -> list[KeyValue]:
        """The records of the *queues*, whose state includes everything below *offset*."""
        out: list[KeyValue] = []
        for queue, data in queues.items():
            turn = 1 - self._turn.get(queue, 1)
            packed = zstandard.compress(data, _LEVEL)
            pieces = [packed[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]
            for n, piece in enumerate(pieces):
                head = orjson.dumps({"stamp": offset, "part": n, "parts": len(pieces)})
                out.append((self._key(queue, turn, n), head + b"\n" + piece))
            surplus = range(len(pieces), self._parts.get((queue, turn), 0))
            out += [(self._key(queue, turn, n), None) for n in surplus]
            self._parts[(queue, turn)] = len(pieces)
            self._written[queue] = turn
        return out

    def confirmed(self) -> list[KeyValue]:
        """The manifest of the round is on the broker: what may be deleted now."""
        self._turn.update(self._written)
        self._written.clear()
        gone, self._stale = self._stale, []
        return [(key, None) for key in gone]

    def _key(self, queue: str, turn: int, part: int) -> bytes:
        return orjson.dumps(["q", self.epoch, self.session, queue, turn, part])


@dataclass(slots=True)
class Found:
    """What a new owner goes on from."""

    manifest: Manifest | None
    queues: dict[str, bytes]
    epoch: int  #: the next one
    stale: list[bytes] = field(default_factory=list)  #: keys to delete once the next session has a full round


class SnapshotReader:
    """Takes all records of a partition of ``snapshots`` and finds the state in them."""

    def __init__(self) -> None:
        self._records: dict[bytes, bytes] = {}
        self._epoch = 0

    def add(self, key: bytes | None, value: bytes | None) -> None:
        """One record, in log order."""
        if key is None:
            return
        self._epoch = max(self._epoch, orjson.loads(key)[1])
        if value is None:
            self._records.pop(key, None)
        else:
            self._records[key] = value

    def found(self) -> Found:
        """The newest whole state.

        Raises ValueError when its version is not ours or a part of it is missing, WorkError behind a `barrier`.
        """
        closed = self._records.get(barrier(None)[0])
        if closed is not None:
            raise WorkError(orjson.loads(closed)["why"])
        manifests = [_manifest(value) for key, value in self._records.items() if orjson.loads(key)[0] == "m"]
        stale = list(self._records)
        if not manifests:
            return Found(None, {}, self._epoch + 1, stale)
        best = max(manifests, key=lambda m: (m.epoch, m.offset, m.session))
        return Found(best, self._queues(best), self._epoch + 1, stale)

    def _queues(self, manifest: Manifest) -> dict[str, bytes]:
        """Of each queue the newest snapshot that is whole and not newer than the manifest."""
        pieces: dict[str, dict[int, dict[int, bytes]]] = {}
        sizes: dict[tuple[str, int], int] = {}
        for key, value in self._records.items():
            kind, epoch, session, *rest = orjson.loads(key)
            if kind != "q" or (epoch, session) != (manifest.epoch, manifest.session):
                continue
            queue, _, part = rest
            line, _, piece = value.partition(b"\n")
            head = orjson.loads(line)
            if head["stamp"] <= manifest.offset:
                pieces.setdefault(queue, {}).setdefault(head["stamp"], {})[part] = piece
                sizes[(queue, head["stamp"])] = head["parts"]
        return {queue: _newest_whole(queue, found, sizes) for queue, found in pieces.items()}


def _newest_whole(queue: str, stamps: dict[int, dict[int, bytes]], sizes: dict[tuple[str, int], int]) -> bytes:
    """A cut round leaves rests of older parts behind; the round before it is whole."""
    for stamp in sorted(stamps, reverse=True):
        parts = stamps[stamp]
        if len(parts) == sizes[(queue, stamp)]:
            return zstandard.decompress(b"".join(parts[n] for n in range(len(parts))))
    raise ValueError(f"no snapshot of {queue} is whole")


def _manifest(value: bytes) -> Manifest:
    body = orjson.loads(value)
    version = body.pop("version", None)
    if version != VERSION:
        raise ValueError(f"snapshot manifest of version {version}, this program reads {VERSION}")
    outputs = {topic: (at, (pos[0], pos[1])) for topic, (at, pos) in body.pop("outputs").items()}
    return Manifest(outputs=outputs, **body)
