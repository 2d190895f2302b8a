"""Logs for the tests of the actor: a simulated morning with commands of people in it, by partition."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from agents.actor import PartitionActor, Record
from callwatch.commands.simulate import parse_start
from callwatch.settings import parse_settings
from models.catalogue import Catalogue
from models.encode import command_record
from models.topics import WORKORDERS
from sources.recording import RecordingHeader, RecordingWriter, open_recording
from sources.replay import replay
from sources.simulate import SOURCE, make_plan, simulate

ZONE = "Asia/Shanghai"
Log = list[bytes | None]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Sites, queues, rules and people of the demo."""
    return parse_settings(files("callwatch").joinpath("demo", "demo.toml").read_text("utf-8"), "demo.toml").catalogue


class ListSink:
    """Keeps what a replay sends."""

    def __init__(self) -> None:
        self.logs: dict[int, Log] = defaultdict(list)

    def send(self, partition: int, key: bytes | None, value: bytes) -> None:
        self.logs[partition].append(value)

    def flush(self) -> None:
        pass


def run(actor: PartitionActor, log: Log, batch: int = 500, start: int = 0) -> list[Record]:
    """Apply *log* from offset *start* on in batches; returns all that it caused."""
    out: list[Record] = []
    for first in range(start, len(log), batch):
        part = log[first : first + batch]
        out += actor.apply(part, range(first, first + len(part))).records
    return out


def morning(folder: Path, partitions: int, hours: float = 1.5, seed: int = 1) -> dict[int, Log]:
    """The log of each partition: a simulated morning from 08:00 with incidents, clocks, commands and some garbage.

    A clock every 2 seconds: some begin a bucket of 5 seconds, and some lie within one.
    """
    path = folder / "morning.ndjson.zst"
    plan = make_plan(seed, parse_start("2026-03-02T08:00", ZONE), hours, 6, incidents=True)
    with RecordingWriter(path, RecordingHeader(zone=ZONE, sources=(SOURCE,), made_by="test")) as out:
        out.write_all(simulate(plan))
    sink = ListSink()
    with open_recording(path) as recording:
        replay(recording, sink, partitions, clock_every_ms=2_000, tail_ms=60_000)
    return {p: _with_commands(p, partitions, sink.logs[p]) for p in range(partitions)}


def _with_commands(partition: int, partitions: int, log: Log) -> Log:
    """*log* with what people do about its first orders, and garbage: each lies in the log where its time has come."""
    opened: dict[str, dict[str, Any]] = {}
    for caused in run(PartitionActor(partition, partitions, catalogue()), log):
        if caused.topic == WORKORDERS:
            order = orjson.loads(caused.value)
            opened.setdefault(order["id"], order)
    due: list[tuple[int, bytes]] = []
    for order in opened.values():
        steps: list[tuple[str, int, dict[str, str]]] = [("acknowledge", 3, {}), ("analyse", 5, {})]
        steps += [("resolve", m, {"cause": "staffing", "measure": "called two back"}) for m in (6, 20, 30, 40)]
        for command, minutes, args in steps:
            at = order["opened_ms"] + minutes * 60_000
            value = command_record(
                id=f"{order['id']}-{command}-{minutes}",
                source="test",
                ts_ms=at,
                queue=order["queue"],
                order=order["id"],
                command=command,
                actor=order["owner"],
                args=args,
            )
            due += [(at, value), (at + 1000, value)]  # sent twice: the same command
        due.append((order["opened_ms"] + 30_000, b'{"type":"call.answered","ts":'))
    due.sort()
    out: Log = []
    for record in log:
        event = orjson.loads(record or b"{}")
        while due and event.get("type") == "clock" and event["ts"] > due[0][0]:
            out.append(due.pop(0)[1])
        out.append(record)
    return out
