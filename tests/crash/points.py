"""The named points of the protocol at which a worker of the crash harness kills (or stops) itself.

Nothing of this is in the product: `arm` wraps the steps of the real worker in a process that was forked for it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final

import orjson

from agents.keeper import PartitionKeeper
from agents.projector import Projector
from agents.worker import Worker
from models.topics import SNAPSHOTS
from streams import transport
from streams.app import Output
from streams.broker import Rows

#: By the step that they are in; between them lies every confirmation of the broker that the protocol waits for.
POINTS: Final[dict[str, tuple[str, ...]]] = {
    "batch": ("batch.applied", "batch.half_sent", "batch.sent", "batch.acked"),
    "commit": ("commit.before", "commit.after"),
    "snapshot": (
        "snapshot.begin",
        "snapshot.half_queues",
        "snapshot.queues_written",
        "snapshot.manifest_written",
        "snapshot.half_deleted",
        "snapshot.done",
    ),
    "restore": (
        "restore.begin",
        "restore.reading_snapshots",
        "restore.state_taken_up",
        "restore.reading_outputs",
        "restore.done",
    ),
    "revoke": ("revoke.begin", "revoke.half_snapshot", "revoke.done"),
    "project": ("project.before", "project.after"),
}

_phase: ContextVar[str] = ContextVar("phase", default="")
_revoking: ContextVar[bool] = ContextVar("revoking", default=False)


class Fuse:
    """Counts down the passages of one named point, and then does it: once."""

    def __init__(self, point: str, count: int, action: str) -> None:
        self._point, self._left = point, count
        self._signal = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[action]

    def at(self, point: str) -> None:
        """We are at *point*."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)
            if self._signal == signal.SIGKILL:
                time.sleep(60)  # not one instruction more; it does not last that long


def arm(worker: Worker, point: str, count: int, action: str) -> None:
    """Make *worker* (in a process of its own) end at the *count*-th passage of *point*; *action*: kill or stop."""
    assert any(point in points for points in POINTS.values()), point
    fuse = Fuse(point, count, action)
    _wrap_send(worker, fuse)
    _wrap_apply(fuse)
    _wrap_round(fuse)
    _wrap_restore(fuse)
    _wrap_worker(worker, fuse)
    _wrap_commit(fuse)
    _wrap_projector(fuse)


def tell_ownership(worker: Worker, tell: Callable[[list[int]], None]) -> None:
    """Let the harness know which partitions *worker* has restored, whenever that changes."""
    perform_seek, revoke = transport.Consumer.perform_seek, worker.app.partition_revoked

    async def sought(self: transport.Consumer) -> None:
        await perform_seek(self)
        tell(sorted(worker.keepers))

    async def revoked(partitions: Any) -> None:
        await revoke(partitions)
        tell(sorted(worker.keepers))

    transport.Consumer.perform_seek = sought  # type: ignore[method-assign]
    worker.app.partition_revoked = revoked


def _wrap_send(worker: Worker, fuse: Fuse) -> None:
    """Sends in two confirmed halves, so that there is a point between them."""
    send, snapshots = worker.send, worker.topic(SNAPSHOTS)

    async def in_halves(outputs: Sequence[Output], point: str) -> list[int]:
        half = len(outputs) // 2
        if half == 0:
            return await send(outputs)
        first = await send(outputs[:half])
        fuse.at(point)
        return first + await send(outputs[half:])

    async def wrapped(outputs: Sequence[Output]) -> list[int]:
        phase = _phase.get()
        if phase == "batch" and outputs:
            return await in_halves(outputs, "batch.half_sent")
        if phase == "snapshot" and outputs and outputs[0][0] == snapshots:
            return await _snapshot_send(outputs)
        return await send(outputs)

    async def _snapshot_send(outputs: Sequence[Output]) -> list[int]:
        key, value = outputs[0][2], outputs[0][3]
        if value is None and all(output[3] is None for output in outputs):
            return await in_halves(outputs, "snapshot.half_deleted")
        if orjson.loads(key or b"[]")[0] == "m":
            fuse.at("snapshot.queues_written")
            sent = await send(outputs)
            fuse.at("snapshot.manifest_written")
            return sent
        if _revoking.get():
            return await in_halves(outputs, "revoke.half_snapshot")
        return await in_halves(outputs, "snapshot.half_queues")

    worker.send = wrapped  # type: ignore[method-assign]


def _wrap_apply(fuse: Fuse) -> None:
    apply = PartitionKeeper.apply

    async def wrapped(self: PartitionKeeper, *args: Any) -> Any:
        token = _phase.set("batch")
        actor_apply = self.actor.apply

        def applied(*args: Any) -> Any:
            effects = actor_apply(*args)
            fuse.at("batch.applied")
            return effects

        self.actor.apply = applied  # type: ignore[method-assign,assignment]
        try:
            effects = await apply(self, *args)
        finally:
            self.actor.apply = actor_apply  # type: ignore[method-assign]
            _phase.reset(token)
        fuse.at("batch.sent")
        return effects

    PartitionKeeper.apply = wrapped  # type: ignore[method-assign,assignment]


def _wrap_round(fuse: Fuse) -> None:
    snapshot = PartitionKeeper.snapshot

    async def wrapped(self: PartitionKeeper) -> int:
        token = _phase.set("snapshot")
        fuse.at("snapshot.begin")
        try:
            written = await snapshot(self)
        finally:
            _phase.reset(token)
        if written:
            fuse.at("snapshot.done")
        return written

    PartitionKeeper.snapshot = wrapped  # type: ignore[method-assign]


def _wrap_restore(fuse: Fuse) -> None:
    restore, check, read = PartitionKeeper.restore, PartitionKeeper._check, PartitionKeeper._read
    find_seen = PartitionKeeper._find_seen

    async def restored(self: PartitionKeeper) -> int:
        fuse.at("restore.begin")
        position = await restore(self)
        fuse.at("restore.done")
        return position

    def checked(self: PartitionKeeper, manifest: Any) -> None:
        check(self, manifest)
        fuse.at("restore.state_taken_up")

    async def reading(self: PartitionKeeper, starts: Mapping[str, int]) -> AsyncIterator[tuple[str, Rows]]:
        async for topic, rows in read(self, starts):
            fuse.at("restore.reading_snapshots" if topic == SNAPSHOTS else "restore.reading_outputs")
            yield topic, rows

    async def seen(self: PartitionKeeper, manifest: Any) -> None:
        fuse.at("restore.reading_outputs")
        await find_seen(self, manifest)
        fuse.at("restore.reading_outputs")

    PartitionKeeper._find_seen = seen  # type: ignore[method-assign]
    PartitionKeeper.restore = restored  # type: ignore[method-assign]
    PartitionKeeper._check = checked  # type: ignore[method-assign]
    PartitionKeeper._read = reading  # type: ignore[method-assign]


def _wrap_worker(worker: Worker, fuse: Fuse) -> None:
    snapshot_if_due, revoke = worker.snapshot_if_due, worker.app.partition_revoked

    async def acked(partition: int) -> None:
        fuse.at("batch.acked")
        await snapshot_if_due(partition)

    async def revoking(revoked: Any) -> None:
        token = _revoking.set(True)
        if revoked:
            fuse.at("revoke.begin")
        try:
            await revoke(revoked)
        finally:
            _revoking.reset(token)
        if revoked:
            fuse.at("revoke.done")

    worker.snapshot_if_due = acked  # type: ignore[method-assign]
    worker.app.partition_revoked = revoking


def _wrap_commit(fuse: Fuse) -> None:
    commit = transport.Consumer._commit

    async def wrapped(self: transport.Consumer, offsets: Any) -> Any:
        if offsets:
            fuse.at("commit.before")
        done = await commit(self, offsets)
        if offsets:
            fuse.at("commit.after")
        return done

    transport.Consumer._commit = wrapped


def _wrap_projector(fuse: Fuse) -> None:
    apply = Projector.apply

    async def wrapped(self: Projector, *args: Any) -> int:
        fuse.at("project.before")
        done = await apply(self, *args)
        fuse.at("project.after")
        return done

    Projector.apply = wrapped  # type: ignore[method-assign,assignment]
