"""The log of a crash run: some minutes of a contact centre that breaks and mends all the time, by partition.

Everything that a worker keeps is in it: calls that wait while it dies, orders that open, escalate, are resolved,
verified, reopened and closed, commands sent twice, garbage, and stretches that a retrying producer wrote twice. Nothing
in it waits to be decided by the reader: its clocks lie in it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from agents.actor import PartitionActor, Record
from callwatch.settings import parse_settings
from models.catalogue import Catalogue
from models.encode import clock_record, command_record, encode_event
from models.partition import partition_of
from models.topics import DEAD_LETTERS, WORKORDERS

#: 2026-03-02 09:00 in Shanghai, a Monday: the shift leads are on duty and an interval begins.
START_MS: Final = 1_772_413_200_000
MINUTES: Final = 33
QUEUES: Final = tuple(
    f"{site}/{skill}" for site in ("north", "south", "east") for skill in ("billing", "fault", "sales")
)
SOURCE: Final = "pbx-sim"

Log = list[bytes]
#: topic and queue -> what is said of it there, in order
Said = dict[tuple[str, str], list[bytes]]


#: The six oldest of the default rules, on short windows.
_RULES: Final = """
[[rule]]
id = "unreached"
metric = "unreached_share"
window = "5m"
limit = 0.6
target = 0.4
severity = 1
min_sample = 5
hold_s = 10
recovery = 0.2

[[rule]]
id = "silence"
metric = "silence_ms"
window = "now"
limit_s = 100
target_s = 50
severity = 1
min_sample = 5
hold_s = 10
recovery_s = 50

[[rule]]
id = "service-level"
metric = "service_level_live"
window = "5m"
limit = 0.6
target = 0.8
severity = 2
min_sample = 5
hold_s = 10
recovery = 0.1

[[rule]]
id = "abandonment"
metric = "abandonment_rate"
window = "5m"
limit = 0.15
target = 0.08
severity = 2
min_sample = 5
hold_s = 10
recovery = 0.03

[[rule]]
id = "longest-wait"
metric = "longest_wait_ms"
window = "now"
limit_s = 180
target_s = 90
severity = 3
hold_s = 10
recovery_s = 60

[[rule]]
id = "waiting-long"
metric = "waiting_past_threshold"
window = "now"
limit = 5
target = 2
severity = 3
hold_s = 30
recovery = 2
"""
#: Of the units' own, beside those of the demo: so that `north/*` has its orders too.
_UNIT_RULE: Final = """
[[rule]]
id = "unit-waiting"
metric = "waiting_past_threshold"
window = "now"
limit = 6
target = 3
severity = 3
hold_s = 10
recovery = 1
of = "units"
[limits]
storm_queues = 0
"""


@cache
def catalogue() -> Catalogue:
    """The demo's sites and people, and rules on short windows, so that an order lives and dies within minutes."""
    text = files("callwatch").joinpath("demo", "demo.toml").read_text("utf-8")
    zone = 'zone = "Asia/Shanghai"\n\n'
    assert zone in text
    text = text.replace(zone, zone[:-1] + "interval_min = 15\n\n")
    return parse_settings(text + _RULES + _UNIT_RULE, "demo.toml", {}).catalogue


@dataclass(frozen=True, slots=True)
class Centre:
    """A log of each partition, and what an uninterrupted run says. ``repeated``: records that are in it twice."""

    logs: tuple[Log, ...]
    said: Said
    repeated: int

    @property
    def partitions(self) -> int:
        """How many."""
        return len(self.logs)

    @property
    def outputs(self) -> int:
        """Of all topics together."""
        return sum(map(len, self.said.values()))

    def cut(self, partition: int, share: float) -> int:
        """How many records are *share* of a partition's log."""
        return round(len(self.logs[partition]) * share)


@cache
def centre(seed: int, partitions: int = 3, *, repeats: bool = True, minutes: int = MINUTES) -> Centre:
    """The centre of *seed*. With *repeats* stretches of the log are in it twice, as after a lost confirmation."""
    rng = random.Random(f"centre {seed}")
    plain = _by_partition(_events(rng, minutes), partitions)
    plain = _with_people(rng, plain)
    logs = [_repeated(rng, log) for log in plain] if repeats else plain
    repeated = sum(map(len, logs)) - sum(map(len, plain))
    return Centre(tuple(logs), said_by(in_one_go(logs)), repeated)


def in_one_go(logs: Sequence[Log], batch: int = 500, settings: Catalogue | None = None) -> list[Record]:
    """What *logs* cause, uninterrupted: an actor per partition, and what it tells lands in the others' logs at once."""
    actors = [PartitionActor(p, len(logs), settings or catalogue()) for p in range(len(logs))]
    out: list[Record] = []
    inbox: list[Log] = [[] for _ in logs]
    rounds = -(-max(map(len, logs)) // batch)
    for n in range(rounds + 1):
        for p, log in enumerate(logs):
            part, inbox[p] = inbox[p] + log[n * batch : (n + 1) * batch], []
            if not part:
                continue
            at = actors[p].position
            effects = actors[p].apply(part, range(at, at + len(part)))
            assert effects.misrouted == 0
            out += effects.records
            for told in effects.told:
                inbox[told.partition].append(told.value)
    while any(inbox):
        for p, part in enumerate(inbox):
            if part:
                at, inbox[p] = actors[p].position, []
                effects = actors[p].apply(part, range(at, at + len(part)))
                assert not effects.told
                out += effects.records
    return out


def said_by(records: Iterable[Record]) -> Said:
    """What *records* say, by topic and queue, in order, without the place of their cause."""
    said: Said = defaultdict(list)
    for record in records:
        queue, words = said_in(record.topic, record.value)
        said[(record.topic, queue)].append(words)
    return {key: sorted(words) if key[0] == DEAD_LETTERS else words for key, words in said.items()}


def said_in(topic: str, value: bytes) -> tuple[str, bytes]:
    """The queue (or unit) that an output speaks of, and the output without the place of its cause."""
    payload = orjson.loads(value)
    del payload["offset" if topic == DEAD_LETTERS else "pos"]
    return payload.get("queue") or "", orjson.dumps(payload)


# -- the world ----------------------------------------------------------------------------------------------------


def _events(rng: random.Random, minutes: int) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for number, queue in enumerate(QUEUES):
        out += _calls(rng, queue, number, minutes)
        out += _agents(rng, queue, minutes)
    # A few arrive minutes late: rows that were final are corrected.
    late = sorted(
        (event["ts"] + (rng.randrange(300_000) if rng.random() < 0.01 else 0), n) for n, event in enumerate(out)
    )
    return [{**out[n], "id": str(n), "arrives": at} for at, n in late]


def _calls(rng: random.Random, queue: str, number: int, minutes: int) -> Iterator[dict[str, Any]]:
    """Good and bad minutes in turn: at bad times callers wait, and many leave."""
    at, n, end = START_MS + rng.randrange(5_000), 0, START_MS + minutes * 60_000
    bad, turn_ms = rng.random() < 0.5, START_MS + rng.randrange(60_000, 240_000)
    while at < end:
        if at >= turn_ms:
            bad, turn_ms = not bad, at + rng.randrange(120_000, 300_000)
        call = {"source": SOURCE, "queue": queue, "call": f"{number}-{n}"}
        yield {**call, "type": "call.offered", "ts": at}
        wait_ms = rng.randrange(25_000, 90_000) if bad else rng.randrange(1_000, 9_000)
        kind = "call.abandoned" if rng.random() < (0.5 if bad else 0.03) else "call.answered"
        yield {**call, "type": kind, "ts": at + wait_ms}
        if kind == "call.answered":
            yield {**call, "type": "call.completed", "ts": at + wait_ms + rng.randrange(20_000, 120_000)}
        at, n = at + rng.randrange(2_000, 16_000), n + 1


def _agents(rng: random.Random, queue: str, minutes: int) -> Iterator[dict[str, Any]]:
    for n in range(3):
        at = START_MS + rng.randrange(20_000)
        while at < START_MS + minutes * 60_000:
            state = rng.choice(("ready", "ready", "talking", "wrap", "not_ready"))
            agent = f"{queue}-{n}"
            yield {"source": SOURCE, "type": "agent.state", "queue": queue, "agent": agent, "state": state, "ts": at}
            at += rng.randrange(10_000, 60_000)


def _by_partition(events: list[dict[str, Any]], partitions: int) -> list[Log]:
    """The events in order, between a clock a second and a heartbeat every half minute."""
    logs: list[Log] = [[] for _ in range(partitions)]
    second = START_MS
    for event in events:
        while event["arrives"] >= second:
            for p, log in enumerate(logs):
                log.append(clock_record(second, "replay"))
                if second % 30_000 == 0:
                    log.append(_heartbeat(second, p))
            second += 1_000
        told = {name: value for name, value in event.items() if name != "arrives"}
        logs[partition_of(event["queue"], partitions)].append(encode_event(told))
    return logs


def _heartbeat(ts_ms: int, partition: int) -> bytes:
    return encode_event(
        {"id": f"beat-{ts_ms}-{partition}", "source": SOURCE, "type": "source.heartbeat", "queue": "", "ts": ts_ms}
    )


# -- people, garbage, repeats --------------------------------------------------------------------------------------

#: What is done about an order, and how many seconds after it opened; most resolves come too early and fail.
_STEPS: Final[tuple[tuple[str, int, dict[str, Any]], ...]] = (
    ("acknowledge", 60, {}),
    ("note", 70, {"text": "two are ill"}),
    ("analyse", 90, {}),
    ("hold", 100, {"reason": "waiting for the carrier", "until_ms": 40_000}),
    ("resolve", 150, {"cause": "staffing", "measure": "called two back"}),
    ("take", 200, {}),
    ("resolve", 260, {"cause": "staffing", "measure": "called two more back"}),
    ("resolve", 400, {"cause": "demand", "measure": "announcement switched on"}),
    ("resolve", 600, {"cause": "demand", "measure": "overflow switched on"}),
    ("verdict", 700, {"verdict": "true"}),
)


def _with_people(rng: random.Random, logs: list[Log]) -> list[Log]:
    """*logs* with what people do about their orders, and with garbage, each where its time has come."""
    due: list[list[tuple[int, bytes]]] = [[] for _ in logs]
    opened: set[str] = set()
    for record in in_one_go(logs):
        if record.topic == WORKORDERS:
            order = orjson.loads(record.value)
            if order["owner"] and order["id"] not in opened:
                opened.add(order["id"])
                due[record.partition] += _acts(rng, order)
    return [_merged(log, sorted(acts)) for log, acts in zip(logs, due, strict=True)]


def _merged(log: Log, due: list[tuple[int, bytes]]) -> Log:
    out: Log = []
    for value in log:
        event = orjson.loads(value)
        while due and event["type"] == "clock" and event["ts"] > due[0][0]:
            out.append(due.pop(0)[1])
        out.append(value)
    return out


def _acts(rng: random.Random, order: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    opened_ms = order["opened_ms"]
    for command, after_s, args in _STEPS:
        if rng.random() < 0.2:
            continue
        at = opened_ms + after_s * 1_000 + rng.randrange(20_000)
        value = command_record(
            id=f"{order['id']}-{command}-{after_s}",
            source="test",
            ts_ms=at,
            queue=order["queue"],
            order=order["id"],
            command=command,
            actor=order["owner"],
            args={**args, "until_ms": at + 40_000} if "until_ms" in args else args,
        )
        yield at, value
        if rng.random() < 0.3:
            yield at + 1_000, value  # pressed twice: the same command
    yield opened_ms + 30_000, b'{"type":"call.answered","ts":'
    yield (
        opened_ms + 45_000,
        encode_event(
            {"id": f"early-{order['id']}", "source": SOURCE, "type": "call.offered", "queue": order["queue"]}
            | {"call": "from tomorrow", "ts": opened_ms + 86_400_000}
        ),
    )


def _repeated(rng: random.Random, log: Log) -> Log:
    """*log* with about a tenth of it twice: a producer that got no answer sends a batch again, whole."""
    out: Log = []
    at = 0
    while at < len(log):
        size = rng.randrange(1, 60)
        batch = log[at : at + size]
        out += batch
        if rng.random() < 0.1:
            out += batch
        at += size
    return out
