"""``callwatch reconcile``: the calls behind add up to the kernels' rows, and the running installation as our side."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor
from callwatch.intervals import setup_for
from callwatch.reconcile.calls import Call, CallBook
from callwatch.reconcile.ours import RecordingSide
from callwatch.reconcile.ways import Cell
from callwatch.report_map_file import load_report_map
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.catalogue import Catalogue
from models.encode import clock_record
from models.partition import partition_of
from models.runtime import KafkaSettings
from models.topics import EVENTS, INTERVALS, topic_name
from sources.interval_report import read_report
from sources.kafka_sink import KafkaSink
from sources.recording import RecordingHeader, RecordingWriter
from sources.report_map import Attribution
from streams.broker import create_topics
from tests.callwatch.test_reconcile import found

ROOT = Path(__file__).parents[2]
HALF_HOUR = 1_800_000
START = int(datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp()) * 1000


def awkward(seed: int, n: int) -> list[bytes]:
    """Events of two hours with every oddity: no offer, two outcomes, ties, negative waits, legs, repeats, any order."""
    rng = random.Random(seed)
    events: list[dict[str, Any]] = []
    for _ in range(n):
        offered = START + rng.randrange(4 * HALF_HOUR)
        queue, leg = rng.choice(["n/a", "n/b"]), rng.choice([1, 1, 1, 2])
        about = {"call": f"c{rng.randrange(n)}", "queue": queue, "leg": leg}
        for kind in rng.sample(
            ["call.offered", "call.answered", "call.abandoned", "call.flowed_out"], rng.choice([1, 2, 2, 3])
        ):
            ts = offered if kind == "call.offered" else offered + rng.choice([0, 3, 20, 400, 400, -5]) * 1000
            more = {"wait_ms": rng.choice([-1000, 0, 4000, 20_000, 20_001])} if rng.random() < 0.4 else {}
            events.append({"type": kind, "ts": ts, **about, **more})
        if rng.random() < 0.2:
            events.append(
                {"type": rng.choice(["ivr.abandoned", "call.blocked", "call.completed"]), "ts": offered, **about}
            )
    events += rng.sample(events, n // 5)
    rng.shuffle(events)
    return [orjson.dumps({"id": str(i), "source": "t", **event}) for i, event in enumerate(events)]


@pytest.mark.parametrize("attribution", ["arrival", "event"])
@pytest.mark.parametrize("seed", range(4))
def test_the_calls_behind_add_up_to_the_rows_of_the_kernels(
    seed: int, attribution: Attribution, tmp_path: Path
) -> None:
    path = tmp_path / "rec"
    with RecordingWriter(path, RecordingHeader()) as out:
        out.write_all(awkward(seed, 200))
    setup = setup_for(Catalogue(), None, None)
    side = RecordingSide(str(path), setup, lambda _: None)
    ours = side.rows(attribution)
    wanted = {queue: [(at, at + HALF_HOUR) for at in rows] for queue, rows in ours.rows.items()}
    calls = side.calls(wanted).calls
    checked = 0
    for queue, rows in ours.rows.items():
        for at, sums in rows.items():
            mine = [call for call in calls if call.queue == queue]
            cell = Cell(at, at + HALF_HOUR, mine, setup(queue), attribution)
            counted = cell.sums(cell.ours)
            assert Counter(counted.counts) == +Counter(sums.counts), (queue, at)
            assert counted.base == sums.base
            checked += 1
    assert checked >= 8


def test_calls_far_from_the_intervals_are_let_go_of() -> None:
    book = CallBook({"n/a": [(START, START + HALF_HOUR)]})
    for n in range(30_000):  # 25 hours
        event = {"id": str(n), "source": "t", "type": "call.answered", "ts": START + n * 3000, "call": f"c{n}"}
        book.feed([orjson.dumps({**event, "queue": "n/a", "wait_ms": 0})], [n], "line")
    kept: list[Call] = book.calls()
    assert sum(call.arrival < START + HALF_HOUR for call in kept) == 600
    assert len(kept) < 600 + 20 + 8192 + 4 * 1200


def example_events(shift_ms: int = 0) -> list[bytes]:
    """The calls of examples/reconcile/report.csv."""
    start = int(datetime(2026, 3, 2, 7, tzinfo=UTC).timestamp()) * 1000 + shift_ms
    calls = [("a", 5, "answered", 12), ("b", 9, "answered", 40), ("c", 15, "abandoned", 33), ("d", 45, "answered", 5)]
    out = []
    for name, minute, outcome, wait_s in calls:
        ts = start + minute * 60_000
        about = {"source": "pbx", "call": name, "queue": "north/billing"}
        out.append((ts, {"id": f"{name}1", "type": "call.offered", "ts": ts, **about}))
        ts += wait_s * 1000
        out.append((ts, {"id": f"{name}2", "type": f"call.{outcome}", "ts": ts, **about}))
    return [orjson.dumps(event) for _, event in sorted(out, key=lambda pair: pair[0])]


def test_the_example_agrees_with_its_calls(tmp_path: Path) -> None:
    path = tmp_path / "rec"
    with RecordingWriter(path, RecordingHeader(zone="Europe/Berlin")) as out:
        out.write_all(example_events())
    example = ROOT / "examples" / "reconcile"
    args = (str(example / "report.csv"), "--map", str(example / "map.toml"), "--recording", str(path))
    result = found(*args, code=0)
    assert (result["compared"], result["totals"]) == (2, 1)
    assert len(read_report(args[0], load_report_map(example / "map.toml")).rows) == 2


@pytest.mark.stack
@pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")
def test_the_running_installation(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> None:
    kafka = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=2)
    asyncio.run(create_topics(kafka))
    p = partition_of("north/billing", 2)
    log: list[bytes] = []
    for value in example_events():
        log += [clock_record(json.loads(value)["ts"], "test"), value]
    log.append(clock_record(START + 3 * HALF_HOUR, "test"))
    records = PartitionActor(p, 2, Catalogue()).apply(log, range(len(log))).records
    for name, values in ((EVENTS, log), (INTERVALS, [r.value for r in records if r.topic == INTERVALS])):
        with KafkaSink(client_options(kafka), topic_name(prefix, name)) as sink:
            for value in values:
                sink.send(p, b"north/billing", value)
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[kafka]\nbootstrap = "{stack.bootstrap}"\nprefix = "{prefix}"\npartitions = 2\n')
    example = ROOT / "examples" / "reconcile"
    options = ("--map", str(example / "map.toml"), "--settings", str(settings))
    result = found(str(example / "report.csv"), *options, code=0)
    assert result["compared"] == 2
    wrong = tmp_path / "wrong.csv"
    wrong.write_text((example / "report.csv").read_text().replace(";3;2;1;1;33,33;", ";2;1;1;1;33,33;"))
    (row,) = found(str(wrong), *options)["intervals"]
    assert [f["figure"] for f in row["figures"]] == ["offered", "answered"]
    assert [c["call"] for c in row["calls"]] == ["a", "b", "c"]
    by_event = tmp_path / "event.toml"
    by_event.write_text((example / "map.toml").read_text().replace('attribution = "arrival"', 'attribution = "event"'))
    result = found(str(example / "report.csv"), "--map", str(by_event), "--settings", str(settings), code=0)
    assert (result["compared"], result["attribution"]) == (2, "event")
