"""The same log at any speed, with any fetch sizes, on 1 or 3 workers, and without Kafka: the same bytes come out."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError

from agents.actor import PartitionActor, Record
from callwatch.backtest.happened import Happened
from callwatch.backtest.run import run as backtest
from callwatch.intervals import IntervalTable, dead_lines, setup_for
from callwatch.rehearsal import rehearse
from callwatch.settings import load_settings, parse_settings
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.catalogue import Catalogue, Rule
from models.fields import is_unit
from models.runtime import KafkaSettings
from models.topics import (
    ANOMALIES,
    DEAD_LETTERS,
    EVENTS,
    INTERVALS,
    OUTPUT_TOPICS,
    WORKORDER_LOG,
    WORKORDERS,
    topic_name,
)
from sources.anonymous_bank import import_bank
from sources.kafka_sink import KafkaSink
from sources.pseudonym import Pseudonyms
from sources.recording import RecordingHeader, RecordingWriter, open_recording
from sources.replay import replay
from streams.broker import create_topics, read_partition
from tests.agents.logs import ZONE, ListSink, catalogue, morning, run
from tests.callwatch.bank_report import ZONE as BANK_ZONE
from tests.callwatch.bank_report import lines_of

PARTITIONS: Final = 3
ROOT: Final = Path(__file__).parents[2]
TOPICS: Final = (*OUTPUT_TOPICS, DEAD_LETTERS)
#: topic and partition -> payloads in order
Outputs = dict[tuple[str, int], list[bytes]]
#: offset and value
Rows = AsyncIterator[tuple[int, bytes]]


#: What partitions hear of each other depends on where in their logs it was written, which no recording says: no storms,
#: and of units a rule that none breaks in place of the default ones.
APART: Final = """
[limits]
storm_queues = 0
[[rule]]
id = "none"
of = "units"
metric = "offered"
window = "15m"
breach = "above"
limit = 1000000
"""


def apart(settings: Catalogue) -> Catalogue:
    none = Rule("none", "offered", "15m", limit=1_000_000, target=1_000_000, below=False, of="units")
    queues = tuple(rule for rule in settings.rules if rule.of == "queues")
    return replace(settings, limits=replace(settings.limits, storm_queues=0), rules=(*queues, none))


@dataclass(frozen=True)
class Case:
    """A recording, the settings that it is watched with, and how it is replayed."""

    path: Path
    settings: str
    catalogue: Catalogue
    tail_ms: int = 0
    clock_every_ms: int = 1000

    def rehearsed(self, partitions: int = PARTITIONS, batch: int = 20_000) -> Outputs:
        out: Outputs = {(topic, p): [] for topic in TOPICS for p in range(partitions)}
        with open_recording(self.path) as recording:
            for record in rehearse(
                recording,
                self.catalogue,
                partitions,
                tail_ms=self.tail_ms,
                clock_every_ms=self.clock_every_ms,
                batch=batch,
            ):
                out[(record.topic, record.partition)].append(record.value)
        return out

    def replayed(self, sink: Any, speed: float = 0.0) -> None:
        with open_recording(self.path) as recording:
            replay(recording, sink, PARTITIONS, speed=speed, tail_ms=self.tail_ms, clock_every_ms=self.clock_every_ms)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A morning as it was captured: with its clocks, the commands of people, and garbage, in log order."""
    folder = tmp_path_factory.mktemp("capture")
    path = folder / "capture.ndjson.zst"
    with RecordingWriter(path, RecordingHeader(zone=ZONE, ordered="log", made_by="test")) as out:
        out.write_all(value for value in morning(folder, 1)[0] if value)
    return Case(path, (ROOT / "callwatch" / "demo" / "demo.toml").read_text("utf-8") + APART, apart(catalogue()))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The bank on 3 February 1999, in event order, a clock every 15 seconds."""
    folder = tmp_path_factory.mktemp("bank")
    tsv, path = folder / "day.tsv", folder / "day.ndjson.zst"
    day = [line for line in lines_of("02", 3) if line.split("\t")[5] == "990203"]
    tsv.write_text("".join(day), encoding="latin-1")
    import_bank([str(tsv)], str(path), made_by="test", pseudonyms=Pseudonyms("test"), zone=BANK_ZONE)
    settings = ROOT / "callwatch" / "demo" / "bank.toml"
    book = apart(load_settings(settings, {}).catalogue)
    return Case(path, settings.read_text("utf-8") + APART, book, 3_600_000, 15_000)


def count(outputs: Outputs, topic: str) -> int:
    return sum(len(values) for (name, _), values in outputs.items() if name == topic)


# -- without a broker ------------------------------------------------------------------------------------------------


def test_any_fetch_size_gives_what_the_rehearsal_gives(capture: Case) -> None:
    sink = ListSink()
    capture.replayed(sink)
    want = capture.rehearsed()
    assert (count(want, ANOMALIES) > 10, count(want, WORKORDERS) > 30, count(want, DEAD_LETTERS) > 3) == (True,) * 3
    most = max(range(PARTITIONS), key=lambda p: len(want[(WORKORDERS, p)]))
    for batch in (1, 7, 200, 20_000):
        for p in range(PARTITIONS) if batch > 1 else (most,):  # a fetch a record costs seconds
            got: Outputs = {key: [] for key in want if key[1] == p}
            for record in run(PartitionActor(p, PARTITIONS, capture.catalogue), sink.logs[p], batch):
                got[(record.topic, p)].append(record.value)
            assert got == {key: want[key] for key in got}, f"fetches of {batch}"
    assert capture.rehearsed(batch=501) == want


def test_commands_of_a_capture_are_decided_where_they_lie(capture: Case) -> None:
    """On one partition or three: what becomes of a queue and its orders does not depend on who else is there."""
    by_queue = []
    for partitions in (1, 3):
        outputs = capture.rehearsed(partitions)
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for p in range(partitions):
            for value in outputs[(WORKORDERS, p)]:
                order = orjson.loads(value)
                found[order["queue"]].append({name: v for name, v in order.items() if name != "pos"})
        by_queue.append(found)
    assert by_queue[0] == by_queue[1]
    states = {order["state"] for orders in by_queue[0].values() for order in orders}
    assert {"acknowledged", "analysing", "verifying"} <= states


def said_by(outputs: Outputs) -> Happened:
    """Episodes and orders of queues in what came out, each partition's in the order in which it was decided."""
    happened = Happened()
    said = [(orjson.loads(value), topic, value) for (topic, _), values in outputs.items() for value in values]
    placed = [(one["pos"], topic, value) for one, topic, value in said if "pos" in one and not is_unit(one["queue"])]
    for (partition, *_), topic, value in sorted(placed):
        happened.add(Record(topic, partition, None, value, (0, 0)))
    return happened


def of_queues(values: list[bytes]) -> list[bytes]:
    """Without what is said of units, which have a place in the log of workers alone."""
    return [value for value in values if not is_unit(orjson.loads(value)["queue"])]


def assert_backtest(case: Case, written: Outputs) -> None:
    """A backtest of the recording says what is written, word for word, and scores it the same."""
    theirs = said_by(written)
    records: Outputs = defaultdict(list)
    with open_recording(case.path) as recording:
        outcome = backtest(
            recording,
            case.catalogue,
            partitions=PARTITIONS,
            clock_every_ms=case.clock_every_ms,
            tail_ms=case.tail_ms,
            on_record=lambda record: records[(record.topic, record.partition)].append(record.value),
        )
    for key in ((topic, p) for topic in (ANOMALIES, WORKORDERS, WORKORDER_LOG) for p in range(PARTITIONS)):
        assert of_queues(records[key]) == of_queues(written[key]), key
    ours = outcome.happened
    mine = {ident: one for ident, one in ours.episodes.items() if not is_unit(one.queue)}
    assert mine == theirs.episodes
    assert {ident: one for ident, one in ours.orders.items() if not is_unit(one.queue)} == theirs.orders
    assert theirs.episodes
    assert theirs.orders


def last_revisions(outputs: Outputs) -> dict[tuple[str, int], dict[str, Any]]:
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for (topic, _), values in outputs.items():
        for row in map(orjson.loads, values if topic == INTERVALS else ()):
            rows[(row["queue"], row["start_ms"])] = row
    return {key: row for key, row in rows.items() if not is_unit(key[0])}


@pytest.mark.data
def test_the_half_hour_table_of_a_day_is_that_of_the_workers(bank: Case) -> None:
    outputs = bank.rehearsed()
    assert count(outputs, ANOMALIES) >= 2
    table = IntervalTable(setup_for(bank.catalogue, None, None), by_event=False)
    with open_recording(bank.path) as recording:
        assert list(dead_lines(table, recording, lambda _: None)) == []
    assert_same_rows(table, last_revisions(outputs))


def assert_same_rows(table: IntervalTable, theirs: dict[tuple[str, int], dict[str, Any]]) -> None:
    left = ("offered", "answered", "abandoned", "flowed_out", "ivr_abandoned")
    names = (*left, "answered_in_threshold", "abandoned_in_threshold", "wait_ms_sum")
    ratios = ("service_level", "answer_rate", "abandonment_rate")
    ours = {}
    for row in table.rows():
        queue, _, *rest = table.record(row)
        ours[(queue, row.start_ms)] = rest
    want = {
        key: [*(str(row[name]) for name in names), *("" if row[r] is None else f"{row[r]:.4f}" for r in ratios)]
        for key, row in theirs.items()
    }
    assert len(ours) > 50
    assert ours == want


# -- real workers ----------------------------------------------------------------------------------------------------


class Floor:
    """Topics of one test and workers on them."""

    def __init__(self, stack: EmbeddedStack, prefix: str, case: Case, folder: Path, fetch_max_records: int) -> None:
        self.kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=PARTITIONS)
        asyncio.run(create_topics(self.kafka))
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        where = f'[kafka]\nbootstrap = "{stack.bootstrap}"\nprefix = "{prefix}"\npartitions = {PARTITIONS}\n'
        how = f'[worker]\nclock = "log"\nsnapshot_every_s = 1\nfetch_max_records = {fetch_max_records}\n'
        text = re.sub(r'(?m)^\[worker\]\nclock = "log".*\n', "", case.settings)
        text += where + how + f'[valkey]\nurl = "{stack.valkey_url}"\n'
        self.settings = folder / "settings.toml"
        self.settings.write_text(text, encoding="utf-8")
        assert parse_settings(text, "settings.toml", {}).catalogue == case.catalogue

    def start(self) -> None:
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(self.settings)]
        with (self.folder / f"worker{len(self.workers)}.log").open("wb") as log:
            self.workers.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=dict(os.environ)))

    def sink(self) -> KafkaSink:
        return KafkaSink(client_options(self.kafka), topic_name(self.kafka.prefix, EVENTS))

    def shared(self, workers: int) -> bool:
        """Whether the group has settled with so many members, each the owner of a partition."""
        return asyncio.run(self._shared(workers))

    async def _shared(self, workers: int) -> bool:
        admin = AIOKafkaAdminClient(**client_options(self.kafka))
        await admin.start()
        try:
            (answer,) = await admin.describe_consumer_groups([f"{self.kafka.prefix}{self.kafka.group}"])
        except GroupCoordinatorNotAvailableError:
            return False  # Apache Kafka makes its topic of groups when it is first asked
        finally:
            await admin.close()
        ((_, _, state, _, _, members, *_),) = answer.groups
        events = topic_name(self.kafka.prefix, EVENTS)
        # the embedded broker tells who is in the group, and not what each has
        told = [dict(ConsumerProtocolMemberAssignment.decode(m[4]).assignment) for m in members if m[4]]
        return state == "Stable" and len(members) == workers and all(len(topics[events]) == 1 for topics in told)

    def outputs(self) -> Outputs:
        return asyncio.run(self._outputs())

    async def _outputs(self) -> Outputs:
        keys = [(topic, p) for p in range(PARTITIONS) for topic in TOPICS]
        places = await asyncio.gather(*(self._places(p) for p in range(PARTITIONS)))
        values = await asyncio.gather(*(self._values(topic, p, places[p]) for topic, p in keys))
        return dict(zip(keys, values, strict=True))

    async def _values(self, topic: str, p: int, places: dict[int, int]) -> list[bytes]:
        numbered = [_numbered(value, topic, places) async for _, value in self._read(topic, p)]
        return [value for value in numbered if value is not None]

    async def _places(self, p: int) -> dict[int, int]:
        """Offsets of the log to places in what was replayed: what workers append of units is not counted."""
        theirs = [offset async for offset, value in self._read(EVENTS, p) if b'"unit.sums"' not in value]
        return {offset: n for n, offset in enumerate(theirs)}

    async def _read(self, topic: str, p: int) -> Rows:
        async for rows in read_partition(self.kafka, topic_name(self.kafka.prefix, topic), p):
            for offset, _, value in rows:
                if value is not None:
                    yield offset, value

    def wait_for(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert all(worker.poll() is None for worker in self.workers), f"a worker ended: see {self.folder}"
            assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}; see {self.folder}"
            time.sleep(0.5)

    def stop(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _numbered(value: bytes, topic: str, places: dict[int, int]) -> bytes | None:
    """*value* with the place of its cause in what was replayed for its offset; None for what is said of a unit."""
    payload = orjson.loads(value)
    if is_unit(payload.get("queue", "")):
        return None
    if topic == DEAD_LETTERS:
        at, payload["offset"] = payload["offset"], places[payload["offset"]]
    else:
        at, payload["pos"][1] = payload["pos"][1], places[payload["pos"][1]]
    return value if places[at] == at else orjson.dumps(payload)


@pytest.fixture
def floors(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> Iterator[Callable[[Case, int], Floor]]:
    made: list[Floor] = []

    def make(case: Case, fetch_max_records: int) -> Floor:
        made.append(Floor(stack, prefix, case, tmp_path, fetch_max_records))
        return made[-1]

    yield make
    for floor in made:
        floor.stop()


def assert_written(floor: Floor, want: Outputs) -> Outputs:
    def all_there() -> bool:
        got = floor.outputs()
        return all(len(got[key]) >= len(values) for key, values in want.items())

    floor.wait_for(all_there, 120, "all outputs")
    got = floor.outputs()
    for key, values in want.items():
        assert got[key] == values, key
    return got


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_one_worker_flat_out(floors: Callable[[Case, int], Floor], capture: Case) -> None:
    floor = floors(capture, 20_000)
    with floor.sink() as sink:
        capture.replayed(sink)
    floor.start()
    assert_backtest(capture, assert_written(floor, capture.rehearsed()))


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_three_workers_while_it_is_replayed_at_2000_times_its_speed(
    floors: Callable[[Case, int], Floor], capture: Case
) -> None:
    floor = floors(capture, 7)
    for _ in range(3):
        floor.start()
    floor.wait_for(lambda: floor.shared(3), 150, "a partition for each worker")
    with floor.sink() as sink:
        capture.replayed(sink, 2000.0)
    assert_written(floor, capture.rehearsed())
    assert floor.shared(3)


@pytest.mark.data
@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_day_of_the_bank_and_its_half_hour_table(floors: Callable[[Case, int], Floor], bank: Case) -> None:
    floor = floors(bank, 200)
    with floor.sink() as sink:
        bank.replayed(sink)
    floor.start()
    written = assert_written(floor, bank.rehearsed())
    assert_backtest(bank, written)
    table = IntervalTable(setup_for(bank.catalogue, None, None), by_event=False)
    with open_recording(bank.path) as recording:
        assert list(dead_lines(table, recording, lambda _: None)) == []
    assert_same_rows(table, last_revisions(written))
