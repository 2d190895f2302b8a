"""Several partitions on lists: actors, their log, and owners that die, repeat themselves and wake up late.

A log of units cannot be laid out beforehand: what a partition tells lies in another's log wherever it was appended. So
the schedule (who reads how much when) is drawn at random, and what must not depend on it is compared.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any, Final

import orjson

from agents.actor import PartitionActor, Record
from models.catalogue import Catalogue, Department, LoopLimits, OpeningHours, Person, QueueSettings, Rule, Site
from models.encode import clock_record, command_record, encode_event
from models.metric import FIGURES
from models.partition import partition_of
from models.topics import ALERTS, ANOMALIES, WORKORDER_LOG, WORKORDERS
from models.unit import UnitSums, units_of

PARTITIONS: Final = 3
#: Monday 2026-03-02, 08:00 UTC.
START: Final = 1_772_438_400_000
SITES: Final = ("ash", "birch", "cedar")
JUDGED: Final = (ANOMALIES, WORKORDERS, WORKORDER_LOG, ALERTS)


def catalogue(rules: bool = True) -> Catalogue:
    """Three sites, two of them one region; quick rules for queues and for units."""
    quick: dict[str, Any] = {"recover_hold_ms": 10_000}
    of: dict[str, Any] = {"of": "units", **quick}
    return Catalogue(
        sites=(
            Site("ash", "Asia/Shanghai", region="east"),
            Site("birch", "Asia/Shanghai", region="east"),
            Site("cedar", "UTC", hours=(OpeningHours(frozenset(range(7)), 480, 1080),)),
        ),
        queues=(QueueSettings(threshold_ms=10_000, short_ms=2_000, department="floor"),),
        rules=(
            Rule("queue-longest", "longest_wait_ms", "now", 40_000, 30_000, False, hold_ms=0, **quick),
            Rule("unit-lost", "abandonment_rate", "1m", 0.3, 0.2, False, min_sample=5, hold_ms=0, severity=2, **of),
            Rule("unit-waiting", "waiting_past_threshold", "now", 2, 1, False, hold_ms=5_000, **of),
            Rule("all-level", "service_level", "5m", 0.5, 0.6, True, "[*]", min_sample=20, severity=4, **of),
        )
        if rules
        else (),
        departments=(Department("floor", "Floor"),),
        people=(Person("ann", "Ann", "floor", 1), Person("bo", "Bo", "floor", 2)),
        limits=LoopLimits(storm_queues=0),  # when partitions hear of a storm depends on who reads first
    )


def queues() -> list[str]:
    """Four queues a site, so that every partition has some of most sites."""
    return [f"{site}/{skill}" for site in SITES for skill in ("bills", "faults", "moves", "news")]


def feeds(seed: int, minutes: float = 6, every_ms: int = 1_000, source: str = "replay") -> list[list[bytes]]:
    """What the world and the replayer write to each partition: calls in bursts, agents, clocks at every *every_ms*."""
    rng = random.Random(seed)
    out: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    due: list[tuple[int, int, str, dict[str, Any]]] = []
    number = 0
    for now in range(START, START + int(minutes * 60_000), every_ms):
        minute = (now - START) // 60_000
        bad = minute % 4 in (1, 2)  # nobody answers in time
        for _ in range(rng.choice([0, 1, 1, 2])):
            number += 1
            queue, wait = rng.choice(queues()), rng.randrange(1_000, 45_000 if bad else 9_000)
            kind = rng.choice(["call.abandoned", "call.answered"] if bad else ["call.answered"])
            due.append((now, number, "call.offered", {"queue": queue, "call": f"c{number}"}))
            due.append((now + wait, number, kind, {"queue": queue, "call": f"c{number}"}))
        if rng.random() < 0.1:
            queue, state = rng.choice(queues()), rng.choice(["ready", "talking", "offline"])
            due.append((now, number, "agent.state", {"queue": queue, "agent": f"a{number % 5}", "state": state}))
        due.sort(key=lambda item: item[0])
        while due and due[0][0] <= now:
            ts, n, kind, fields = due.pop(0)
            event = {"id": f"{kind}{n}", "source": "pbx", "type": kind, "ts": ts, **fields}
            out[partition_of(fields["queue"], PARTITIONS)].append(encode_event(event))
        for log in out:
            log.append(clock_record(now, source))
    return out


def commands(seed: int, caused: list[Record]) -> list[tuple[int, int, bytes]]:
    """What people do about the orders of units in *caused*: (partition, the time after which it lies, record)."""
    rng = random.Random(seed)
    out = []
    opened = {o["id"]: o for r in caused if r.topic == WORKORDERS and (o := orjson.loads(r.value))["queue"][-1] == "*"}
    for order in opened.values():
        for n, command in enumerate(("acknowledge", "analyse", "resolve")):
            at = order["opened_ms"] + (n + 1) * rng.randrange(5_000, 40_000)
            value = command_record(
                id=f"{order['id']}-{command}",
                source="page",
                ts_ms=at,
                queue=order["queue"],
                order=order["id"],
                command=command,
                actor=order["owner"] or "ann",
                args={"cause": "staffing", "measure": "two more"} if command == "resolve" else {},
            )
            out.append((partition_of(order["queue"], PARTITIONS), at, value))
    return sorted(out, key=lambda c: (c[1], c[2]))


def with_commands(given: list[list[bytes]], said: list[tuple[int, int, bytes]]) -> list[list[bytes]]:
    """*given* with each command where its time has come."""
    out: list[list[bytes]] = []
    for p, log in enumerate(given):
        mine, merged = [c for c in said if c[0] == p], list[bytes]()
        for value in log:
            event = orjson.loads(value)
            while mine and event["type"] == "clock" and event["ts"] > mine[0][1]:
                merged.append(mine.pop(0)[2])
            merged.append(value)
        out.append(merged)
    return out


class World:
    """The topics and the owners of all partitions."""

    def __init__(self, given: list[list[bytes]], settings: Catalogue, rng: random.Random) -> None:
        self.logs: list[list[bytes]] = [[] for _ in given]
        self.outputs: dict[int, list[Record]] = defaultdict(list)
        self.settings = settings
        self.rng = rng
        self._given = [list(log) for log in given]
        self.owners = [self.fresh(p) for p in range(len(given))]
        self._kept: list[tuple[int, dict[str, Any], dict[str, bytes]] | None] = [None] * len(given)

    def fresh(self, p: int) -> PartitionActor:
        return PartitionActor(p, len(self.logs), self.settings)

    def feed(self, p: int, records: int) -> None:
        """The world writes so many more records to the log of *p*."""
        self.logs[p] += self._given[p][:records]
        del self._given[p][:records]

    def read(self, p: int, records: int, owner: PartitionActor | None = None) -> int:
        """An owner of *p* applies so many more records; what it causes is written. How many there were."""
        owner = owner or self.owners[p]
        batch = self.logs[p][owner.position : owner.position + records]
        if batch:
            effects = owner.apply(batch, range(owner.position, owner.position + len(batch)))
            self.outputs[p] += effects.records
            for record in effects.told:
                self.logs[record.partition].append(record.value)
        return len(batch)

    def snapshot(self, p: int) -> None:
        """What an owner writes down: all of it, or what changed on top of what is there."""
        owner, before = self.owners[p], self._kept[p]
        queues = owner.freeze(owner.kept() if before is None else owner.changed())
        common = orjson.loads(orjson.dumps(owner.freeze_common()))
        self._kept[p] = (owner.position, common, queues if before is None else before[2] | queues)

    def die(self, p: int) -> PartitionActor:
        """The owner of *p* dies; another goes on from what was written down. Returns the one taken for dead."""
        dead, kept = self.owners[p], self._kept[p]
        self.owners[p] = self.fresh(p)
        if kept is not None:
            self.owners[p].thaw(*kept)
        self._kept[p] = None  # the first round of an owner holds everything
        if kept is not None:
            self.snapshot(p)
        return dead

    def run(self, faults: float = 0.0, most: int = 40, skew: bool = False) -> None:
        """Everything is written and read, in an order drawn by chance; *faults* is how often an owner dies."""
        zombies: list[tuple[int, PartitionActor, int]] = []
        favourite = self.rng.randrange(len(self.logs))
        while any(self._given) or any(o.position < len(log) for o, log in zip(self.owners, self.logs, strict=True)):
            p = self.rng.randrange(len(self.logs))
            if skew and p != favourite and (self._given[favourite] or self.rng.random() < 0.9):
                p = favourite
            if self._given[p] and self.rng.random() < 0.7:
                self.feed(p, self.rng.randrange(1, most))
            self.read(p, self.rng.randrange(1, most))
            if self.rng.random() < 0.05:
                self.snapshot(p)
            if self.rng.random() < faults:
                zombies.append((p, self.die(p), self.rng.randrange(3)))
            if zombies and self.rng.random() < 0.2:
                p, zombie, left = zombies.pop(0)
                if self.read(p, 30, zombie) and left:
                    zombies.append((p, zombie, left - 1))

    def repeats(self) -> int:
        """How many records of units were told again. Each must be the same to the byte."""
        told: dict[str, bytes] = {}
        values = [value for log in self.logs for value in log if b'"unit.sums"' in value]
        for value in values:
            assert told.setdefault(UnitSums.model_validate_json(value).id, value) == value
        return len(values) - len(told)

    def figures(self) -> dict[str, list[str]]:
        """Where each unit stands at the end, at its home: all its figures, written out."""
        found = {}
        for unit, home in homes().items():
            units = self.owners[home].units
            found[unit] = [
                f"{name}: {x:.9g}" for name, x in zip(FIGURES, units.figures[units.names.index(unit)], strict=True)
            ]
        return found

    def judged(self) -> dict[tuple[int, str], list[dict[str, Any]]]:
        """What was said of units, by partition and topic, as our readers take it: each ``pos`` once, without it."""
        seen: dict[tuple[Any, ...], bytes] = {}
        out: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for p, records in self.outputs.items():
            for record in records:
                if record.topic not in JUDGED:
                    continue
                payload = orjson.loads(record.value)
                known = seen.setdefault((p, record.topic, *payload["pos"]), record.value)
                assert known == record.value, "two different records of one place"
                if known is record.value and payload.pop("pos") and payload["queue"].endswith("*"):
                    out.setdefault((p, record.topic), []).append(payload)
        return out


def merged(given: list[list[bytes]]) -> list[bytes]:
    """What all partitions are given, as the log of one."""
    parts: list[list[list[bytes]]] = []
    for log in given:
        spans: list[list[bytes]] = [[]]
        for value in log:
            spans[-1].append(value)
            if b'"clock"' in value:
                spans.append([])
        parts.append(spans)
    out: list[bytes] = []
    for together in zip(*parts, strict=True):
        out += [value for span in together for value in span[:-1]] + together[0][-1:]
    return out


def of_units(records: list[Record]) -> dict[str, list[dict[str, Any]]]:
    """What *records* say of units, by topic and without ``pos``."""
    out: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        payload = orjson.loads(record.value) if record.topic in JUDGED else {"queue": ""}
        if payload["queue"].endswith("*"):
            del payload["pos"]
            out.setdefault(record.topic, []).append(payload)
    return out


def homes() -> dict[str, int]:
    """The partition in which each unit is at home."""
    layout = units_of(catalogue(), PARTITIONS)
    return dict(zip(layout.names, layout.home, strict=True))
