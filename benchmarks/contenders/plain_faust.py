"""A Faust agent as its documentation writes one: an event at a time, counts per queue in dicts, the stock driver.

Settings are Faust's defaults but for joining the group quickly, and without web server, leader election and files.
Values are taken raw and parsed with orjson: no slower than Faust's own json serializer, which uses orjson too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import faust
import orjson

from benchmarks.job import Job, Stopwatch

THRESHOLD_MS = 20_000


def run(job: Job) -> None:
    """Count the first ``job.limit`` events. Timed from the first that the agent is handed to the last."""
    app = faust.App(
        "bench-faust",
        broker=f"kafka://{job.bootstrap}",
        value_serializer="raw",
        web_enabled=False,
        topic_disable_leader=True,
        broker_session_timeout=6,
        broker_rebalance_timeout=5,
        broker_heartbeat_interval=1,
        consumer_auto_offset_reset="earliest",
    )
    _count(app, job)
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, quiet=True).execute_from_commandline()


def _count(app: faust.App, job: Job) -> None:
    offered: dict[str, int] = defaultdict(int)
    answered: dict[str, int] = defaultdict(int)
    abandoned: dict[str, int] = defaultdict(int)
    in_threshold: dict[str, int] = defaultdict(int)

    async def count(stream: Any) -> None:
        seen = 0
        watch: Stopwatch | None = None
        async for value in stream:
            watch = watch or Stopwatch()
            event = orjson.loads(value)
            kind = event["type"]
            if kind == "clock":
                continue
            if kind == "call.offered":
                offered[event["queue"]] += 1
            elif kind == "call.abandoned":
                abandoned[event["queue"]] += 1
            elif kind == "call.answered":
                answered[event["queue"]] += 1
                if event["wait_ms"] <= THRESHOLD_MS:
                    in_threshold[event["queue"]] += 1
            seen += 1
            if seen == job.limit:
                watch.measured(seen, "Faust agent, an event at a time, orjson, dict counts").write(job)

    app.agent(app.topic(job.topic))(count)
