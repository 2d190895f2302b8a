"""A dense log of one partition: clocks every 100 ms, many kinds of events and commands between them."""

from __future__ import annotations

import random
from typing import Any

import orjson

from agents.actor import PartitionActor, Record
from models.catalogue import Catalogue, Department, OpeningHours, Person, QueueSettings, Rule, Site, Source
from models.encode import clock_record, command_record
from models.fields import is_unit
from tests.agents.logs import Log

#: Monday 2026-03-02, 08:59:50 in Kathmandu (UTC+5:45): site "late" opens ten seconds later.
START = 1_772_421_290_000
_DAYS = frozenset(range(7))


def catalogue() -> Catalogue:
    """Two sites, one of them closed at first, and rules that fire within seconds."""
    quick: dict[str, Any] = {"hold_ms": 0, "recover_hold_ms": 1_000}
    return Catalogue(
        sites=(
            Site("day", "Asia/Kathmandu", 15),
            Site("late", "Asia/Kathmandu", 15, (OpeningHours(_DAYS, 540, 1080),)),
        ),
        queues=(QueueSettings(threshold_ms=2_000, short_ms=500, department="floor"),),
        rules=(
            Rule("longest", "longest_wait_ms", "now", 3_000, 2_000, False, severity=2, recovery=500, **quick),
            Rule("abandoned", "abandonment_rate", "1m", 0.4, 0.3, False, min_sample=3, recovery=0.05, **quick),
            Rule("silence", "silence_ms", "now", 4_000, 3_000, False, severity=4, **quick),
        ),
        departments=(Department("floor", "Floor"),),
        people=(Person("ann", "Ann", "floor", 1), Person("bo", "Bo", "floor", 2)),
        sources=(Source("pbx", 5_000),),
    )


def fresh() -> PartitionActor:
    """An actor of this catalogue."""
    return PartitionActor(0, 1, catalogue())


def dense_log(seed: int, seconds: int = 40) -> Log:
    """About fifteen records a second. Every order of the queues is acknowledged and resolved, mostly too early."""
    rng = random.Random(seed)
    queues = ["day/a", "day/b", "late/c", "late/d", "day/e"]
    log: Log = []
    tried = fresh()
    seen: set[str] = set()

    def add(value: bytes) -> None:
        log.append(value)
        for record in tried.apply([value], [len(log) - 1]).records:
            if record.topic == "workorders":
                seen.add(orjson.loads(record.value)["queue"])

    calls, ends = 0, list[tuple[int, str, int]]()
    for tick in range(seconds * 10):
        now = START + tick * 100
        add(clock_record(now, "callwatch"))
        known = queues[: 1 + tick * len(queues) // (seconds * 5)]
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            calls += 1
            queue = rng.choice(known)
            add(_event(rng, now, queue, rng.randint(max(calls - 4, 0), calls)))
            ends += [(tick + rng.randint(0, 50), queue, n) for n in range(max(calls - 4, 0), calls + 1)]
        for end in [end for end in ends if end[0] == tick]:
            add(_answered(now, *end[1:]))
        if rng.random() < 0.1:
            add(orjson.dumps({"id": f"h{tick}", "source": "pbx", "type": "source.heartbeat", "ts": now}))
        if seen and rng.random() < 0.15:
            queue = rng.choice(sorted(seen))
            order = (tried.units.judgement if is_unit(queue) else tried.judgement)._orders[queue]
            name = rng.choice(["acknowledge", "analyse", "resolve", "resolve", "resolve", "note"])
            args = {"resolve": {"cause": "surge", "measure": "called back"}, "note": {"text": "hm"}}.get(name, {})
            add(
                command_record(
                    id=f"x{tick}",
                    source="page",
                    ts_ms=now,
                    queue=order.queue,
                    order=order.id,
                    command=name,
                    actor="ann",
                    args=args,
                )
            )
    return log


def _answered(now: int, queue: str, call: int) -> bytes:
    event = {"id": f"e{now}-{call}", "source": "pbx", "type": "call.answered", "ts": now, "queue": queue}
    return orjson.dumps(event | {"call": f"c{call}"})


def _event(rng: random.Random, now: int, queue: str, call: int) -> bytes:
    kind = rng.choice(
        ["call.offered"] * 4
        + ["call.answered"] * 6
        + ["call.abandoned"] * 3
        + ["call.flowed_out", "call.completed", "ring.no_answer"]
        + ["ivr.abandoned", "call.blocked", "agent.state", "call.rated", "probe.result"]
    )
    ts = now + rng.choice([-5_000, -1_000, -50, 0, 50, 1_000, 60_000])
    event: dict[str, Any] = {"id": f"{now}-{call}", "source": "pbx", "type": kind, "ts": ts, "queue": queue}
    if kind == "agent.state":
        event |= {"agent": f"a{call % 3}", "state": rng.choice(["ready", "talking", "offline", "not_ready"])}
    elif kind == "probe.result":
        event |= {"ok": rng.random() < 0.5}
    else:
        event |= {"call": f"c{call}", "leg": rng.choice([1] * 9 + [2])}
    if rng.random() < 0.3:
        event["wait_ms"] = rng.choice([-5, 0, 500, 2_000, 30_000])
    return orjson.dumps(event)


def payloads(records: list[Record]) -> dict[str, list[bytes]]:
    """The values of each topic in order."""
    out: dict[str, list[bytes]] = {}
    for record in records:
        out.setdefault(record.topic, []).append(record.value)
    return out
