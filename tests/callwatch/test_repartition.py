"""A morning on P partitions, moved to N in the middle of it: as if there had been N from the beginning."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from agents.actor import PartitionActor
from agents.keeper import PartitionKeeper
from callwatch.cli import build
from callwatch.repartition import appended_of, check_room, check_stopped, plan, release, repartition
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue
from models.errors import WorkError
from models.metric import FIGURES
from models.moved import MOVED_FROM
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import EVENTS, OUTPUT_TOPICS, SNAPSHOTS, WORKORDERS, topic_name
from streams.broker import create_topics, read_partition, read_records
from streams.sending import Sender
from streams.snapshots import barrier
from tests.agents.logs import Log, morning
from tests.agents.logs import catalogue as demo

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

#: topic -> queue -> payloads without pos, in order
ByQueue = dict[str, dict[str, list[dict[str, Any]]]]


def catalogue() -> Catalogue:
    """That of the demo, without storms: where partitions hear of them depends on where in their logs it was written."""
    settings = demo()
    return replace(settings, limits=replace(settings.limits, storm_queues=0))


def silent(text: str) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def mornings(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[int, Log]]:
    """The same morning, with several orders in it, for 2, 3 and 4 partitions."""
    return {n: morning(tmp_path_factory.mktemp("morning"), n, seed=4) for n in (2, 3, 4)}


def cut(log: Log, at_ms: int) -> int:
    """How many records of *log* lie up to the clock at *at_ms*, that one included."""
    for n, value in enumerate(log):
        if value and b'"clock"' in value and orjson.loads(value)["ts"] >= at_ms:
            return n + 1
    raise AssertionError


def _same(one: float, other: float) -> bool:
    return bool(one == other or (np.isnan(one) and np.isnan(other)))


def by_queue(values: list[tuple[str, bytes]]) -> ByQueue:
    out: ByQueue = defaultdict(lambda: defaultdict(list))
    for topic, value in values:
        payload = orjson.loads(value)
        if topic in OUTPUT_TOPICS:
            del payload["pos"]
            out[topic][payload["queue"]].append(payload)
    return out


class Side:
    """The installation under one prefix."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka

    async def put(self, logs: dict[int, Log]) -> None:
        topic = topic_name(self.kafka.prefix, EVENTS)
        async with Sender(self.kafka) as send:
            for partition, log in logs.items():
                for at in range(0, len(log), 2_000):
                    await send([(topic, partition, None, value, None) for value in log[at : at + 2_000]])

    async def work(self, snapshot: bool = True) -> dict[int, PartitionActor]:
        """Owners that read every log to its end."""
        out = {}
        async with Sender(self.kafka) as send:
            for partition in range(self.kafka.partitions):
                keeper = PartitionKeeper(partition, self.kafka, catalogue(), send)
                start = await keeper.restore()
                async for records in read_records(self.kafka, topic_name(self.kafka.prefix, EVENTS), partition, start):
                    values, offsets = [r.value for r in records], [r.offset for r in records]
                    await keeper.apply(values, offsets, appended_of(records))
                if snapshot:
                    await keeper.snapshot()
                out[partition] = keeper.actor
        return out

    async def outputs(self) -> list[tuple[str, bytes]]:
        out: list[tuple[str, bytes]] = []
        for topic in OUTPUT_TOPICS:
            for partition in range(self.kafka.partitions):
                seen = (-1, -1)
                async for rows in read_partition(self.kafka, topic_name(self.kafka.prefix, topic), partition):
                    for _, _, value in rows:
                        payload = orjson.loads(value or b"")
                        assert payload["pos"][0] == partition
                        assert partition_of(payload["queue"], self.kafka.partitions) == partition
                        pos = (payload["pos"][1], payload["pos"][2])
                        assert pos > seen, topic
                        seen = pos
                        out.append((topic, value or b""))
        return out


def uninterrupted(logs: dict[int, Log]) -> tuple[list[tuple[str, bytes]], dict[int, PartitionActor]]:
    """What these logs cause from the beginning, and the actors at their ends, all having told each other of units."""
    actors = {partition: PartitionActor(partition, len(logs), catalogue()) for partition in logs}
    out, told = [], defaultdict(list)
    for partition, actor in actors.items():
        log = logs[partition]
        for at in range(0, len(log), 500):
            effects = actor.apply(log[at : at + 500], range(at, min(at + 500, len(log))))
            out += [(record.topic, record.value) for record in effects.records]
            for record in effects.told:
                told[record.partition].append(record.value)
    for partition, values in told.items():
        effects = actors[partition].apply(values, range(len(logs[partition]), len(logs[partition]) + len(values)))
        out += [(record.topic, record.value) for record in effects.records]
    return out, actors


@pytest.mark.parametrize(("before", "after", "killed"), [(2, 3, False), (4, 2, True)])
def test_moved_in_the_middle_of_a_morning(
    stack: EmbeddedStack,
    prefix: str,
    mornings: dict[int, dict[int, Log]],
    before: int,
    after: int,
    killed: bool,
) -> None:
    start_ms = orjson.loads(next(v for v in mornings[2][0] if v and b'"clock"' in v))["ts"]
    at_ms = start_ms + 47 * 60_000
    first, rest = ({p: log[: cut(log, at_ms)] for p, log in mornings[before].items()},
                   {p: log[cut(log, at_ms) :] for p, log in mornings[after].items()})  # fmt: skip
    old = Side(KafkaSettings(bootstrap=stack.bootstrap, prefix=f"{prefix}old-", partitions=before))
    new = Side(replace(old.kafka, prefix=f"{prefix}new-", partitions=after))

    async def lives() -> tuple[dict[int, PartitionActor], Any, Any]:
        await create_topics(old.kafka)
        part = {p: log[: len(log) // 2] for p, log in first.items()} if killed else first
        await old.put(part)
        await old.work()
        if killed:  # after its last round it applied much more, and died
            await old.put({p: log[len(log) // 2 :] for p, log in first.items()})
            await old.work(snapshot=False)
        planned = await plan(old.kafka, new.kafka, silent)
        moved = await repartition(old.kafka, catalogue(), new.kafka, silent)
        await new.put(rest)
        await new.work()
        return await new.work(), planned, moved  # now each has what the others told of units

    actors, planned, moved = asyncio.run(lives())
    assert moved.open_orders > 0
    assert (planned.queues, planned.homes) == (moved.queues, moved.homes)
    assert planned.records == moved.records
    assert (planned.applied > 5_000) == killed  # else it is what partitions told each other of units
    expected, wanted = uninterrupted(mornings[after])
    got, want = by_queue(asyncio.run(new.outputs())), by_queue(expected)
    for topic in OUTPUT_TOPICS:
        assert got[topic].keys() == want[topic].keys(), topic
        for queue in want[topic]:
            assert got[topic][queue] == want[topic][queue], (topic, queue)
    crossed = [o for of in want[WORKORDERS].values() for o in of if o["opened_ms"] < at_ms < o["updated_ms"]]
    assert {"acknowledged", "verifying", "closed"} <= {order["state"] for order in crossed}
    for partition, actor in actors.items():
        for queue in wanted[partition].names.names:
            row, other = (a.windows.figures[a.names.index(queue)] for a in (actor, wanted[partition]))
            apart = {name: (row[at], other[at]) for name, at in FIGURES.items() if not _same(row[at], other[at])}
            assert apart == {}, queue
        assert actor.units.names == wanted[partition].units.names
        assert actor.units.now_ms == wanted[partition].units.now_ms > at_ms
        figures, others = actor.units.figures, wanted[partition].units.figures
        assert not [name for name, at in FIGURES.items() if not np.array_equal(figures[:, at], others[:, at], True)]
    assert sum(len(actor.units.names) for actor in actors.values()) > 3


async def _small(stack: EmbeddedStack, prefix: str, log: Log) -> tuple[Side, Side]:
    old = Side(KafkaSettings(bootstrap=stack.bootstrap, prefix=f"{prefix}old-", partitions=2, session_timeout_s=1.0))
    await create_topics(old.kafka)
    await old.put({0: log})
    await old.work()
    return old, Side(replace(old.kafka, prefix=f"{prefix}new-", partitions=3))


@pytest.fixture
def little(mornings: dict[int, dict[int, Log]]) -> Log:
    return mornings[2][0][:3_000]


def test_moved_records_say_where_they_came_from(stack: EmbeddedStack, prefix: str, mornings: Any) -> None:
    async def lives() -> None:
        old, new = await _small(stack, prefix, mornings[2][0])
        await repartition(old.kafka, catalogue(), new.kafka, silent)
        seen = []
        for partition in range(3):
            name = topic_name(new.kafka.prefix, WORKORDERS)
            async for records in read_records(new.kafka, name, partition):
                seen += [(dict(r.headers), orjson.loads(r.value)["pos"]) for r in records]
        assert seen
        for headers, pos in seen:
            assert headers[MOVED_FROM].startswith(f"{old.kafka.prefix}0-".encode())
            assert headers["ce_id"] == b"%d-0-%d" % (pos[0], pos[2])

    asyncio.run(lives())


def test_the_old_installation_is_closed_until_it_is_released(stack: EmbeddedStack, prefix: str, little: Log) -> None:
    async def lives() -> None:
        old, new = await _small(stack, prefix, little)
        await repartition(old.kafka, catalogue(), new.kafka, silent)
        with pytest.raises(WorkError, match=f'prefix = "{new.kafka.prefix}" and partitions = 3'):
            await old.work()
        with pytest.raises(WorkError, match="is in use"):
            await repartition(old.kafka, catalogue(), new.kafka, silent)
        await release(old.kafka)
        await old.work()

    asyncio.run(lives())


class CutError(Exception):
    """The move dies here."""


def after(word: str) -> Any:
    def show(text: str) -> None:
        if word in text:
            raise CutError

    return show


def test_a_move_that_was_cut_leaves_the_old_one_whole_and_the_new_one_closed(
    stack: EmbeddedStack, prefix: str, little: Log
) -> None:
    async def lives() -> None:
        old, new = await _small(stack, prefix, little)
        with pytest.raises(CutError):
            await repartition(old.kafka, catalogue(), new.kafka, after("partition 1 of 3"))
        with pytest.raises(WorkError, match=r"not finished.*--to"):
            await new.work()
        with pytest.raises(WorkError, match="not finished"):
            await release(new.kafka)
        with pytest.raises(WorkError, match="is in use"):
            await repartition(old.kafka, catalogue(), new.kafka, silent)
        await old.work()
        again = replace(new.kafka, prefix=f"{prefix}again-")
        assert (await repartition(old.kafka, catalogue(), again, silent)).queues > 0

    asyncio.run(lives())


def test_a_move_that_was_cut_at_its_end_leaves_both_closed_and_can_be_taken_back(
    stack: EmbeddedStack, prefix: str, little: Log
) -> None:
    async def lives() -> None:
        old, new = await _small(stack, prefix, little)
        with pytest.raises(CutError):
            await repartition(old.kafka, catalogue(), new.kafka, after("the old installation is closed"))
        with pytest.raises(WorkError, match="was moved"):
            await old.work()
        with pytest.raises(WorkError, match="not finished"):
            await new.work()
        await release(old.kafka)
        await old.work()

    asyncio.run(lives())


def test_what_comes_in_meanwhile_stops_it(stack: EmbeddedStack, prefix: str, little: Log) -> None:
    async def lives() -> None:
        old, new = await _small(stack, prefix, little)
        late = asyncio.Event()

        def show(text: str) -> None:
            if "of 3" in text and not late.is_set():
                late.set()
                tasks.append(asyncio.ensure_future(old.put({1: [little[0]]})))

        tasks: list[Any] = []
        with pytest.raises(WorkError, match=r"1 records came into .*old-events\[1\] meanwhile"):
            await repartition(old.kafka, catalogue(), new.kafka, show)
        await asyncio.gather(*tasks)
        with pytest.raises(WorkError, match="not finished"):
            await new.work()

    asyncio.run(lives())


def test_partitions_with_different_settings_are_refused(stack: EmbeddedStack, prefix: str, little: Log) -> None:
    from models.settings_record import settings_record

    async def lives() -> None:
        old, new = await _small(stack, prefix, little)
        other = settings_record(replace(catalogue(), people=()), id="1", source="t", ts_ms=5)
        await old.put({1: [other]})
        with pytest.raises(WorkError, match="rules apply"):
            await repartition(old.kafka, catalogue(), new.kafka, silent)

    asyncio.run(lives())


def test_running_workers_are_refused(stack: EmbeddedStack, prefix: str, little: Log) -> None:
    import aiokafka

    async def lives() -> None:
        old, _ = await _small(stack, prefix, little)
        topic = topic_name(old.kafka.prefix, "metrics")
        worker = aiokafka.AIOKafkaConsumer(
            topic, bootstrap_servers=stack.bootstrap, group_id=f"{old.kafka.prefix}{old.kafka.group}"
        )
        await worker.start()
        async with Sender(old.kafka) as send:

            async def rows() -> None:
                while True:
                    await send([(topic, 0, b"q", b"{}", None)])
                    await asyncio.sleep(0.1)

            writing = asyncio.ensure_future(rows())
            with pytest.raises(WorkError, match="stop all of them"):
                await check_stopped(old.kafka, silent)
            writing.cancel()
        await worker.stop()
        await check_stopped(old.kafka, silent)  # listed still, perhaps, but silent

    asyncio.run(lives())


def test_the_command(stack: EmbeddedStack, prefix: str, little: Log, tmp_path: Path) -> None:
    old, new = asyncio.run(_small(stack, prefix, little))
    file = tmp_path / "settings.toml"
    demo = (Path(__file__).parents[2] / "callwatch" / "demo" / "demo.toml").read_text(encoding="utf-8")
    file.write_text(
        f'{demo}\n[kafka]\nbootstrap = "{stack.bootstrap}"\nprefix = "{old.kafka.prefix}"\npartitions = 2\n',
        encoding="utf-8",
    )
    where = ["--settings", str(file)]
    said = CliRunner().invoke(build(), ["repartition", "3", "--to", new.kafka.prefix, "--dry-run", *where])
    assert said.exit_code == 0, said.exception
    assert "would move" in said.stdout
    said = CliRunner().invoke(build(), ["repartition", "3", "--to", new.kafka.prefix, *where])
    assert said.exit_code == 0, said.exception
    assert f'prefix = "{new.kafka.prefix}" and partitions = 3' in said.stdout
    assert CliRunner().invoke(build(), ["repartition", "3", *where]).exception is not None
    said = CliRunner().invoke(build(), ["repartition", "--release", *where])
    assert said.exit_code == 0, said.exception


def test_a_partition_that_would_get_too_many_queues_is_refused() -> None:
    names = [f"site/q{n}" for n in range(24_000)] + ["*", "site/*"]
    assert sum(check_room(names, 3)) == 24_000
    with pytest.raises(WorkError, match=r"With 2 partitions .* choose more partitions"):
        check_room(names, 2)


def test_barriers_are_no_state(stack: EmbeddedStack, prefix: str, little: Log) -> None:
    """A barrier that was lifted leaves nothing behind."""

    async def lives() -> None:
        old, _ = await _small(stack, prefix, little)
        topic = topic_name(old.kafka.prefix, SNAPSHOTS)
        async with Sender(old.kafka) as send:
            await send([(topic, 0, *barrier("closed for a test"), None)])
            with pytest.raises(WorkError, match="closed for a test"):
                await old.work()
            await send([(topic, 0, *barrier(None), None)])
        actors = await old.work()
        assert actors[0].names.names

    asyncio.run(lives())
