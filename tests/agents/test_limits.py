"""Bounds of a partition's books: commands, sources, the manifest, sends, the worst that one command can write."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from redis.exceptions import WatchError

from agents import keeper as keeping
from agents.actor import COMMANDS_KEPT, PartitionActor
from agents.projector import TRIES, Projector, Record
from agents.room import GAP_MS
from agents.sources import SourceBook
from callwatch.stack import EmbeddedStack
from models.catalogue import Catalogue, Source
from models.command import TEXT_LIMIT
from models.encode import clock_record, command_record, encode_event
from models.errors import WorkError
from models.fields import TEXT_MAX, VALUE_BYTES_MAX
from models.interner import QUEUES_MAX, Names, NamesFullError
from models.planned import OF_PATTERN_MAX
from models.planned import TEXT_MAX as PLAN_TEXT_MAX
from models.topics import WORKORDERS
from streams.app import Output
from streams.snapshots import PART_BYTES, Manifest, SnapshotReader, Snapshots
from tests.agents.dense import catalogue, dense_log, fresh
from tests.agents.logs import Log, run
from tests.agents.test_keeper import ListBroker, ListKeeper

#: What a broker takes of one record by default.
RECORD_BYTES = 1_000_000
START = 1_772_421_290_000


def command(ident: str, source: str = "s", **args: Any) -> bytes:
    """A command that finds no order."""
    given: dict[str, Any] = {"queue": "day/a", "order": "none", "command": "note", "actor": "ann", "args": args}
    return command_record(id=ident, source=source, ts_ms=START, **given)


def test_a_command_is_forgotten_after_512_others_and_not_before() -> None:
    actor = fresh()
    names = [f"c{n}" for n in range(COMMANDS_KEPT)]
    log: Log = [clock_record(START, "t"), *map(command, names), command("c0")]
    assert len(run(actor, log)) == COMMANDS_KEPT  # each was refused, the last one was known
    again: Log = [command("one more"), command("c1"), command("c0")]
    assert len(run(actor, log + again, start=len(log))) == 2
    assert len(actor.freeze_common()["commands"]) == COMMANDS_KEPT


def test_the_manifest_is_a_record_that_a_broker_takes_whatever_names_come() -> None:
    """512 of the longest ids, all planned events of patterns, and sources that invent a name with each heartbeat."""
    actor = fresh()
    long = "話" * (TEXT_MAX - 8)
    log: Log = [clock_record(START, "t")]
    log += [command(f"{n:05}{long}", f"{n:05}{long}") for n in range(COMMANDS_KEPT)]
    event = {"planned": "drill", "covers": "*", "text": "話" * PLAN_TEXT_MAX, "until_ms": START + 3_600_000}
    told: dict[str, Any] = {"source": "s", "ts_ms": START, "queue": "day/a", "order": "-", "command": "plan"}
    told["actor"] = "ann"
    log += [command_record(**told, id=f"p{n}", args=event) for n in range(OF_PATTERN_MAX + 1)]
    beat = {"type": "source.heartbeat", "ts": START}
    log += [encode_event({**beat, "id": f"h{n}", "source": f"{n:05}{long}"}) for n in range(2_000)]
    run(actor, log)
    _, value = Manifest(actor.position, 1, 1, "s", actor.freeze_common(), {}).encode()
    assert value is not None
    assert len(value) < 100_000
    assert len(actor.judgement.plan.events) == OF_PATTERN_MAX
    assert actor.sources.heard == {}


def test_only_declared_sources_are_remembered() -> None:
    book = SourceBook((Source("pbx", 5_000),))
    for name in ("pbx", "mad-1", "mad-2"):
        book.hear(name, 7)
    assert book.heard == {"pbx": 7}
    assert book.overdue(20_000) == ["pbx"]


def test_texts_beyond_the_limit_are_refused_by_name_and_written_nowhere() -> None:
    """256 KB in one field would be over 1 MB in the log: a record that stops the worker at the same place for ever."""
    log = dense_log(3, seconds=30)
    actor = fresh()
    run(actor, log)
    queue, order = next((q, o) for q, o in actor.judgement._orders.items() if o.state not in ("closed", "cancelled"))
    text = "x" * (VALUE_BYTES_MAX - 1_000)
    bad: Log = [
        command_record(
            id=f"bad-{name}{len(words)}",
            source="page",
            ts_ms=START,
            queue=queue,
            order=order.id,
            command=name,
            actor="ann",
            args={field: words, "cause": "surge", "until_ms": START + 10**6},
        )
        for words in (text, text[: TEXT_LIMIT + 1])
        for name, field in (("resolve", "measure"), ("note", "text"), ("hold", "reason"), ("reassign", "person"))
    ]
    caused = run(actor, log + bad, start=len(log))
    assert max(len(record.value) for record in caused) < 5_000
    entries = [orjson.loads(record.value) for record in caused if record.topic == "workorder-log"]
    assert len(entries) == len(bad)
    assert {entry["decision"] for entry in entries} == {"refused"}
    assert {entry["data"]["field"] for entry in entries} == {"measure", "text", "reason", "person"}


def test_notes_without_end_do_not_grow_the_snapshot() -> None:
    log = dense_log(3, seconds=30)
    actor = fresh()
    run(actor, log)
    queue, order = next(iter(actor.judgement._orders.items()))
    given: dict[str, Any] = {"queue": queue, "order": order.id, "command": "note", "actor": "ann"}
    sizes = []
    for n in range(3):
        notes: Log = [
            command_record(id=f"{n}-{i}", source="p", ts_ms=START, args={"text": "word " * 90}, **given)
            for i in range(400)
        ]
        before: Log = [None] * actor.position
        caused = run(actor, before + notes, start=len(before))
        assert sum(record.topic == WORKORDERS for record in caused) == len(notes)
        sizes.append(len(orjson.dumps(actor.judgement.snapshot(queue))))
    assert max(sizes) - min(sizes) <= 8  # the version has more digits


def test_queues_beyond_the_limit_are_refused_and_the_known_go_on() -> None:
    names = Names()
    for n in range(QUEUES_MAX):
        names.index(f"mad/{n}")
    with pytest.raises(NamesFullError, match=str(QUEUES_MAX)):
        names.index("mad/one more")
    assert names.index("mad/7") == 7


def test_a_partition_full_of_invented_queues_stays_small_and_goes_on() -> None:
    """2,000 here; the figures of one are the same at any number."""
    actor = PartitionActor(0, 1, Catalogue())
    actor.names.limit = 2_000
    body = {"source": "mad", "type": "call.answered", "ts": START, "wait_ms": 1}
    flood = [encode_event({**body, "id": str(n), "queue": f"mad/{n}", "call": f"c{n}"}) for n in range(5_000)]
    effects = actor.apply([clock_record(START, "t"), *flood, clock_record(START + 1_000, "t")], range(5_002))
    assert effects.dead == 3_000
    assert len(actor.names) == 2_000
    arrays = sum(array.nbytes for array in actor.windows._store)
    assert arrays / 2_000 < 20_000  # bytes a queue
    known = encode_event({**body, "id": "x", "ts": START + 1_100, "queue": "mad/7", "call": "x"})
    actor.apply([known, clock_record(START + GAP_MS, "t")], [5_002, 5_003])
    assert actor.windows.value("mad/7", "answered", "day") == 2


@pytest.mark.parametrize("most", [1, 7])
def test_outputs_are_sent_in_bounded_parts(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(keeping, "SEND_MAX", most)
    log, broker, parts = dense_log(3, seconds=10), ListBroker(), list[int]()
    keeper = ListKeeper(broker)
    send = keeper._send

    async def noted(outputs: Sequence[Output]) -> list[int]:
        parts.append(len(outputs))
        return await send(outputs)

    async def main() -> int:
        await keeper.restore()
        keeper._send = noted
        return len((await keeper.apply(log, range(len(log)))).records)

    caused = asyncio.run(main())
    assert caused > 2 * most
    assert max(parts) == most
    assert sum(parts) == caused


def test_a_queue_larger_than_a_record_is_cut_into_parts_and_put_together_again() -> None:
    state = {"a/b": random.Random(1).randbytes(3 * PART_BYTES), "a/c": b"small"}
    snapshots, reader = Snapshots(1), SnapshotReader()
    records = snapshots.round(7, state)
    assert len(records) == 4 + 1
    assert max(len(value or b"") for _, value in records) < RECORD_BYTES
    for key, value in [*records, Manifest(7, 1, 1, snapshots.session, {}, {}).encode()]:
        reader.add(key, value)
    assert reader.found().queues == state


def test_parts_that_a_smaller_state_no_longer_needs_are_deleted() -> None:
    snapshots, large = Snapshots(1), random.Random(1).randbytes(2 * PART_BYTES)
    reader = SnapshotReader()
    for stamp, data in enumerate((large, large, b"x", b"x", b"y")):
        for key, value in [*snapshots.round(stamp, {"q": data}), *snapshots.confirmed()]:
            reader.add(key, value)
    assert len(reader._records) == 2  # one part under each of its two keys


async def in_pieces(projector: Projector, rows: list[Record]) -> None:
    for n in range(0, len(rows), 20):
        await projector.apply("metrics", 0, rows[n : n + 20])


@pytest.mark.stack
def test_a_full_valkey_is_said_and_what_is_there_stays(prefix: str) -> None:
    """In a Valkey of its own: it is made small."""

    async def main(url: str) -> None:
        valkey: Any = Redis.from_url(url)
        projector = Projector(valkey, prefix)
        rows: list[Record] = []
        for n in range(400):
            row = {"queue": f"mad/{n}", "at_ms": START, "wall_ms": START, "figures": {"waiting@now": 1.0}}
            rows.append((n, f"mad/{n}".encode(), orjson.dumps({**row, "filler": "x" * 4_000})))
        assert await projector.apply("metrics", 0, rows[:1]) == 1
        used = (await valkey.info("memory"))["used_memory"]
        await valkey.config_set("maxmemory", used + 300_000)
        with pytest.raises(WorkError, match="Valkey is full"):
            await in_pieces(projector, rows)
        at = await projector.start("metrics", 0)
        assert 1 <= at < 400
        assert await valkey.hlen(projector._keys.queues) == at  # whole batches, each with its position
        await valkey.config_set("maxmemory", "1gb")
        assert await projector.apply("metrics", 0, rows) == 400
        await valkey.aclose()

    with EmbeddedStack() as stack:
        asyncio.run(main(stack.valkey_url))


@pytest.mark.stack
def test_rivals_without_end_are_a_fault_that_names_itself(
    stack: EmbeddedStack, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def beaten(*_: Any) -> int:
        tried.append(1)
        raise WatchError

    async def main() -> None:
        valkey = Redis.from_url(stack.valkey_url)
        projector = Projector(valkey, prefix)
        monkeypatch.setattr(Projector, "_transaction", beaten)
        with pytest.raises(WorkError, match="second consumer group"):
            await projector.apply("alerts", 0, [(0, b"a/b", b"{}")])
        await valkey.aclose()

    asyncio.run(main())
    assert len(tried) == TRIES


def test_orders_are_one_a_queue_however_many_there_were() -> None:
    actor = fresh()
    run(actor, dense_log(5, seconds=60))
    orders = actor.judgement._orders
    assert 1 <= len(orders) <= len(actor.names)
    assert len(actor.judgement._shown) <= len(orders)
    known = len(catalogue().rules)
    people = len(catalogue().people)
    for order in orders.values():
        private = order.private
        assert max(len(order.symptoms), len(order.active), len(private.unproven)) <= known
        assert max(len(private.tried), len(private.paged)) <= people
        assert len(private.came_from) <= 3
