"""A worker that writes what it is given, one JSON object a line, to a file: ``python recorder.py '{...}'``.

Settings: bootstrap, prefix, partitions, out, group; ``crash_at`` raises on the batch of partition 0 that holds the
offset, ``slow_s`` sleeps per batch, ``start`` starts partition 0 of events there, ``revoke_s`` makes the hook slow.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from faust.types import TP

from models.runtime import KafkaSettings, WorkerSettings
from streams.app import WorkerApp, make_app, run_worker
from streams.transport import RecordBatch


def main(settings: dict[str, Any]) -> None:
    """Run until a signal comes or ``crash_at`` is met."""
    kafka = KafkaSettings(
        bootstrap=settings["bootstrap"],
        prefix=settings["prefix"],
        partitions=settings.get("partitions", 4),
    )
    app = make_app(kafka, WorkerSettings(fetch_max_records=settings.get("fetch", 100)))
    out = open(settings["out"], "a", buffering=1)  # noqa: SIM115, PTH123 (open until the process ends)

    def write(**fields: Any) -> None:
        out.write(json.dumps({"pid": os.getpid(), "at": time.monotonic(), **fields}) + "\n")

    async def starts(tp: TP) -> int | None:
        write(what="start", topic=tp.topic, partition=tp.partition, generation=app.consumer_generation_id)
        return settings.get("start") if tp == TP(f"{kafka.prefix}events", 0) else None

    async def revoked(tps: set[TP]) -> None:
        write(what="revoked", partitions=sorted(tps))
        await asyncio.sleep(settings.get("revoke_s", 0.0))
        write(what="kept")

    app.partition_starts = starts
    app.partition_revoked = revoked
    _record(app, settings, kafka.prefix, write)
    run_worker(app, settings.get("loglevel", "INFO"))


def _record(app: WorkerApp, settings: dict[str, Any], prefix: str, write: Any) -> None:
    for name in settings.get("topics", ["events"]):

        @app.agent(app.topic(f"{prefix}{name}"), name=name)
        async def record(stream: Any) -> None:
            async for event in stream.noack().events():
                batch: RecordBatch = event.value
                if batch.partition == 0 and settings.get("crash_at") in batch.offsets:
                    raise RuntimeError(f"crash at {settings['crash_at']}")
                if slow_s := settings.get("slow_s"):
                    await asyncio.sleep(slow_s)
                write(
                    what="batch",
                    topic=batch.topic,
                    partition=batch.partition,
                    first=batch.offsets[0],
                    last=batch.offsets[-1],
                    size=len(batch),
                    start=batch.start,
                    end=batch.end,
                )
                await stream.ack(event)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
