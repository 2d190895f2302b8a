"""``callwatch plan``: a csv checked and shown, and put in force through the log of a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from agents.keeper import PartitionKeeper
from callwatch import plans_in_log as plans_in_log_module
from callwatch.cli import build
from callwatch.plans_in_log import plans_in_log
from callwatch.settings import load_settings
from callwatch.stack import EmbeddedStack
from models.decode import read
from models.errors import CallwatchError, InputError, UsageError, WorkError
from models.partition import partition_of
from models.plan.record import read_plan
from models.runtime import KafkaSettings
from models.topics import EVENTS, topic_name
from streams.broker import Rows, create_topics, read_partition
from streams.sending import Sender

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plan" / "plan.csv"
ZONE = "Asia/Shanghai"
SETTINGS = f"""
[kafka]
partitions = 2
[[site]]
name = "north"
zone = "{ZONE}"
hours = ["Mon-Fri 09:00-11:30"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "callwatch.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


def plan(*args: str) -> Result:
    return CliRunner().invoke(build(), ["plan", *args])


def refusal(*args: str) -> CallwatchError:
    raised = plan(*args).exception
    assert isinstance(raised, CallwatchError), raised
    return raised


def test_check_says_what_is_missing_in_a_plan(settings: Path) -> None:
    done = plan("check", str(EXAMPLE), "-s", str(settings), "--target", "0.8/20")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].endswith('"plan": 1 queues, 2026-03-02, 1 days, 4 intervals')
    assert lines[1] == "north/billing 2026-03-02: no forecast at 11:00, in opening hours"
    assert lines[2] == "north/billing 2026-03-02 09:30: 17.5 scheduled where 19 are required"
    assert "1 intervals with fewer agents than required" in lines
    needed = [line for line in lines if "are needed" in line]
    assert needed == ["north/billing 2026-03-02 09:30: 17.5 scheduled where 18.2 are needed"]


def test_check_names_bad_rows_and_fails(settings: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(EXAMPLE.read_text(encoding="utf-8") + "north/billing,2026-03-02 11:10,1,1,1,1\n", encoding="utf-8")
    done = plan("check", str(file), "-s", str(settings))
    assert done.exit_code == 1
    assert "line 6: left out: 11:10:00 is not where" in done.stderr
    assert "1 of 5 rows are left out" in done.stdout
    assert "4 intervals" in done.stdout  # its neighbours went through


def test_show_prints_a_file(settings: Path) -> None:
    lines = plan("show", str(EXAMPLE), "-s", str(settings)).stdout.splitlines()
    assert lines[0].split() == ["queue", "start", "min", "offered", "handle", "s", "required", "scheduled"]
    assert lines[2].split() == ["north/billing", "2026-03-02", "09:30", "+0800", "30", "120", "240", "19", "17.5"]
    assert len(lines) == 5
    body = json.loads(plan("show", str(EXAMPLE), "-s", str(settings), "--json").stdout)
    assert body["days"][0]["intervals"][1][2:] == [120, 240_000, 19, 17.5]
    assert plan("show", str(EXAMPLE), "-s", str(settings), "--queue", "south/*").stdout == "no plan\n"
    assert plan("show", str(EXAMPLE), "-s", str(settings), "--day", "2026-03-03").stdout == "no plan\n"


def test_a_wrong_call_says_what_to_do(settings: Path, tmp_path: Path) -> None:
    assert isinstance(refusal("check", str(tmp_path / "none.csv")), InputError)
    assert isinstance(refusal("check", str(EXAMPLE), "--target", "80"), UsageError)
    far = tmp_path / "far.csv"
    far.write_text("queue,start,offered\nnorth/billing,2090-03-02 09:00,5\n", encoding="utf-8")
    assert "more than 15 days ahead" in str(refusal("import", str(far), "-s", str(settings)))
    bad = tmp_path / "bad.csv"
    bad.write_text(EXAMPLE.read_text(encoding="utf-8") + "x,2026-03-02 11:00,1,1,1,1\n", encoding="utf-8")
    assert "--strict imports none" in str(refusal("import", str(bad), "-s", str(settings), "--strict"))


# -- in a running installation --------------------------------------------------------------------------------------


@pytest.fixture
def kafka(stack: EmbeddedStack, prefix: str) -> KafkaSettings:
    made = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=2)
    asyncio.run(create_topics(made))
    return made


def tomorrow(offered: int, queues: tuple[str, ...] = ("north/billing",)) -> str:
    day = (datetime.now(ZoneInfo(ZONE)) + timedelta(days=1)).date()
    rows = [f"{queue},{day} 09:{minute},{offered},240,15,16\n" for queue in queues for minute in ("00", "30")]
    return "queue,start,offered,handle_s,required,scheduled\n" + "".join(rows)


@pytest.mark.stack
def test_a_plan_goes_through_the_log_to_the_partition_of_its_queue(
    kafka: KafkaSettings, settings: Path, tmp_path: Path
) -> None:
    file, queues = tmp_path / "week.csv", tuple(f"north/q{n}" for n in range(6))
    where = ["-s", str(settings), "--bootstrap", kafka.bootstrap, "--prefix", kafka.prefix]
    assert plan("show", *where).stdout == "no plan\n"
    file.write_text(tomorrow(100, queues), encoding="utf-8")
    done = plan("import", str(file), *where, "--name", "week 10")
    assert done.exit_code == 0, done.exception
    assert '"week 10": 6 queues' in done.stdout

    for partition in range(2):
        read_back = [read_plan(record) for record in asyncio.run(_records(kafka, partition))]
        assert {one.queue for one in read_back} == {q for q in queues if partition_of(q, 2) == partition} != set()
    assert len(plan("show", *where).stdout.splitlines()) == 1 + 12

    file.write_text(tomorrow(130, queues[:1]), encoding="utf-8")
    assert plan("import", str(file), *where).exit_code == 0
    rows = [line.split() for line in plan("show", *where, "--queue", "north/q0").stdout.splitlines()[1:]]
    assert [row[5] for row in rows] == ["130", "130"]
    lines = plan("show", *where, "--versions", "--queue", "north/q[01]").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["north/q0", "north/q0", "north/q1"]
    assert ['"week 10"' in line for line in lines] == [True, False, True]
    assert all("2 intervals" in line for line in lines)


@pytest.mark.stack
def test_records_that_are_no_plans_hide_none_that_are(kafka: KafkaSettings, settings: Path, tmp_path: Path) -> None:
    where = ["-s", str(settings), "--bootstrap", kafka.bootstrap, "--prefix", kafka.prefix]
    junk = [b"plan.changed", b'{"type":"plan.changed"}']
    junk.append(b'{"id":"1","source":"s","type":"plan.changed","ts":5,"queue":"north/billing","plan":{"day":1}}')

    async def fill() -> None:
        async with Sender(kafka) as send:
            await send([(topic_name(kafka.prefix, EVENTS), 0, None, value, None) for value in junk])

    asyncio.run(fill())
    file = tmp_path / "week.csv"
    file.write_text(tomorrow(100), encoding="utf-8")
    assert plan("import", str(file), *where).exit_code == 0
    book = asyncio.run(plans_in_log(kafka))
    assert book.queues() == ["north/billing"]


@pytest.mark.stack
def test_show_goes_on_from_the_snapshots_of_the_workers(
    kafka: KafkaSettings, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["-s", str(settings), "--bootstrap", kafka.bootstrap, "--prefix", kafka.prefix]
    file, queue = tmp_path / "week.csv", "north/billing"
    file.write_text(tomorrow(100), encoding="utf-8")
    assert plan("import", str(file), *where, "--name", "first").exit_code == 0
    home = partition_of(queue, 2)

    async def work() -> None:
        topic = topic_name(kafka.prefix, EVENTS)
        async with Sender(kafka) as send:
            for partition in range(2):
                keeper = PartitionKeeper(partition, kafka, load_settings(settings).catalogue, send)
                start = await keeper.restore()
                async for rows in read_partition(kafka, topic, partition, start):
                    await keeper.apply([value for _, _, value in rows], [at for at, _, _ in rows])
                await keeper.snapshot()

    asyncio.run(work())
    file.write_text(tomorrow(130), encoding="utf-8")
    assert plan("import", str(file), *where, "--name", "second").exit_code == 0
    read_from: dict[tuple[str, int], int] = {}

    def watched(kafka: KafkaSettings, topic: str, partition: int, start: int = 0) -> AsyncIterator[Rows]:
        read_from[(topic, partition)] = start
        return read_partition(kafka, topic, partition, start)

    monkeypatch.setattr(plans_in_log_module, "read_partition", watched)
    lines = plan("show", *where, "--versions").stdout.splitlines()
    assert ['"first"' in line for line in lines] == [True, False]
    assert '"second"' in lines[1]
    assert read_from[(topic_name(kafka.prefix, EVENTS), home)] == 1  # what the snapshots include is not read again
    rows = [line.split() for line in plan("show", *where).stdout.splitlines()[1:]]
    assert [row[5] for row in rows] == ["130", "130"]


@pytest.mark.stack
def test_where_there_is_no_log_it_says_so(stack: EmbeddedStack, settings: Path, prefix: str) -> None:
    raised = refusal("show", "-s", str(settings), "--bootstrap", stack.bootstrap, "--prefix", prefix)
    assert isinstance(raised, WorkError)
    assert "is not there" in str(raised)


async def _records(kafka: KafkaSettings, partition: int) -> list[dict[str, object]]:
    return [
        read(value)
        async for rows in read_partition(kafka, topic_name(kafka.prefix, EVENTS), partition)
        for _, _, value in rows
        if value is not None
    ]
