"""A worker that only counts: how fast the driver is by itself. ``python counter.py '{...}'``, see recorder.py."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from models.runtime import KafkaSettings, WorkerSettings
from models.topics import EVENTS
from streams.app import make_app, run_worker


def main(settings: dict[str, Any]) -> None:
    """Count until ``records`` are reached, then write what it took."""
    kafka = KafkaSettings(
        bootstrap=settings["bootstrap"], prefix=settings["prefix"], partitions=settings.get("partitions", 4)
    )
    app = make_app(kafka, WorkerSettings())

    @app.agent(app.topic(f"{kafka.prefix}{EVENTS}"))
    async def count(stream: Any) -> None:
        total = batches = 0
        since_s = cpu_s = 0.0
        async for event in stream.noack().events():
            if not total:
                since_s, cpu_s = time.monotonic(), time.process_time()
            total += len(event.value)
            batches += 1
            await stream.ack(event)
            if total >= settings["records"]:
                took = {"took_s": time.monotonic() - since_s, "cpu_s": time.process_time() - cpu_s}
                row = {"what": "counted", "records": total, "batches": batches, **took}
                Path(settings["out"]).write_text(json.dumps(row) + "\n")

    run_worker(app)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
