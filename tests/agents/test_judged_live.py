"""A worker on a real broker judges by what was told into its log: a plan, what was learned, a storm of 200 queues.

What it decides is held by other tests, record by record; here everything runs: the commands, the broker, the process.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.settings import parse_settings
from callwatch.stack import EmbeddedStack
from models.broker_access import client_options
from models.encode import clock_record
from models.runtime import KafkaSettings
from models.topics import ALERTS, EVENTS, WORKORDERS, topic_name
from sources.kafka_sink import KafkaSink
from sources.recording import RecordingHeader, RecordingWriter
from streams.broker import create_topics, read_partition
from tests.agents.storm_world import Town
from tests.agents.weeks import CLOSES, DAY, HOUR, MIN, MONDAY, QUEUE, S, day_of, event, usual_calls

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PEOPLE = """
[[department]]
name = "floor"
title = "Floor"
[[queue]]
pattern = "*"
department = "floor"
[[person]]
id = "lia"
name = "Lia"
department = "floor"
tier = "liaison"
[[person]]
id = "ann"
name = "Ann"
department = "floor"
tier = "group_leader"
"""


class Running:
    """A worker of one partition on topics of its own, whose log has its own clocks."""

    def __init__(self, kafka: KafkaSettings, folder: Path, valkey_url: str, text: str) -> None:
        self.kafka, self.folder = kafka, folder
        where = f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = 1\n'
        self.settings = folder / "settings.toml"
        worker = '[worker]\nclock = "log"\nsnapshot_every_s = 0.5\n'
        self.settings.write_text(f'{worker}{where}[valkey]\nurl = "{valkey_url}"\n{text}', encoding="utf-8")
        command = [sys.executable, "-m", "callwatch.cli", "worker", "--settings", str(self.settings)]
        with (folder / "worker.log").open("wb") as log:
            self.worker = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=dict(os.environ))

    def fill(self, values: list[bytes]) -> None:
        with KafkaSink(client_options(self.kafka), topic_name(self.kafka.prefix, EVENTS)) as sink:
            for value in values:
                sink.send(0, None, value)

    def command(self, *words: str) -> str:
        done = CliRunner().invoke(build(), [*words, "--settings", str(self.settings)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def rows(self, topic: str) -> list[dict[str, Any]]:
        """What is on *topic*, each ``pos`` once."""

        async def read() -> list[dict[str, Any]]:
            name = topic_name(self.kafka.prefix, topic)
            found = [v async for rows in read_partition(self.kafka, name, 0) for _, _, v in rows if v is not None]
            return [orjson.loads(value) for value in found]

        return list({tuple(row["pos"]): row for row in asyncio.run(read())}.values())

    def orders(self) -> dict[str, dict[str, Any]]:
        """The orders as they stand, by queue."""
        return {order["queue"]: order for order in self.rows(WORKORDERS)}

    def until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + 360  # a fresh checkout compiles kernels first
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {what}; see {self.folder}"
            assert self.worker.poll() is None, f"the worker ended; see {self.folder}"
            time.sleep(0.5)


Start = Callable[[str], Running]


@pytest.fixture
def start(stack: EmbeddedStack, prefix: str, tmp_path: Path) -> Iterator[Start]:
    """Starts the worker of a test with its settings."""
    kafka, made = KafkaSettings(bootstrap=stack.bootstrap, prefix=prefix, partitions=1), list[Running]()
    asyncio.run(create_topics(kafka))

    def begin(text: str) -> Running:
        made.append(Running(kafka, tmp_path, stack.valkey_url, text))
        return made[-1]

    yield begin
    for running in made:
        running.worker.kill()
        running.worker.wait()


# --- a storm ----------------------------------------------------------------------------------------------------------

STORM = """
[limits]
verify_calls = 4
[[site]]
name = "north"
[[site]]
name = "south"
[[queue]]
pattern = "*"
threshold_s = 10
short_s = 1
department = "floor"
[[rule]]
id = "service-level"
metric = "service_level_live"
window = "1m"
limit = 0.6
target = 0.8
severity = 2
min_sample = 3
hold_s = 0
recovery = 0.1
[[rule]]
id = "never"
of = "units"
metric = "waiting"
window = "now"
limit = 1e9
target = 1e9
[[department]]
name = "floor"
title = "Floor"
[[person]]
id = "ann"
name = "Ann"
department = "floor"
tier = "group_leader"
[[person]]
id = "bo"
name = "Bo"
department = "floor"
tier = "team_leader"
"""


class Laid(Town):
    """A town whose log is written and played by nobody here."""

    def play(self) -> None:
        """The worker does."""


def test_two_hundred_queues_of_a_trunk_are_one_page_on_the_topic_of_alerts(start: Start) -> None:
    running = start(STORM)
    town = Laid(parse_settings(STORM, "s.toml", {}).catalogue, [f"north/q{n:03}" for n in range(200)])
    town.run(45)
    town.down = set(town.queues)
    town.run(75)
    running.fill(town.laid[0])
    running.until(lambda: len(running.orders()) == 201, "an order of each queue and of the site")
    running.until(lambda: all(o["parent"] for q, o in running.orders().items() if q != "north/*"), "all held")
    parent = running.orders()["north/*"]
    assert {o["parent"] for q, o in running.orders().items() if q != "north/*"} == {parent["id"]}
    alerts = running.rows(ALERTS)
    assert [(a["owner"], a["queue"], a["order"]) for a in alerts if a["kind"] == "page"] == [
        ("ann", "north/*", parent["id"])
    ]
    (raised,) = [a for a in alerts if a["kind"] == "raised" and a["queue"] == "north/*"]
    assert "of 200 queues of north broke within five minutes" in raised["text"]
    assert "个队列中有" in raised["zh"]
    assert "waiting" in parent["briefing"]["english"][0]


# --- a plan -----------------------------------------------------------------------------------------------------------

PLANNED = f"""
[[site]]
name = "north"
interval_min = 15
{PEOPLE}
[[rule]]
id = "late"
metric = "waiting_past_threshold"
window = "now"
limit = 3
target = 2
severity = 2
hold_s = 0
"""


def test_a_plan_that_is_imported_is_what_the_worker_expects(start: Start, tmp_path: Path) -> None:
    running = start(PLANNED)
    day = (datetime.now(UTC) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    begin = round(day.timestamp() * 1000)
    csv = tmp_path / "week.csv"
    rows = [f"{QUEUE},{day + n * timedelta(minutes=15):%Y-%m-%d %H:%M},30,120,7,8\n" for n in range(8)]
    csv.write_text("queue,start,offered,handle_s,required,scheduled\n" + "".join(rows), encoding="utf-8")
    running.fill([clock_record(begin, "replay")])
    assert "1 queues" in running.command("plan", "import", str(csv), "--name", "week 47")
    running.fill(twice_the_plan(begin))
    running.until(lambda: [a for a in running.rows(ALERTS) if a["note"]], "the note that the day has left its plan")
    (note,) = [a for a in running.rows(ALERTS) if a["note"]]
    assert (note["note"]["rule"], note["owner"]) == ("reforecast", "lia")
    assert "09:00 60 calls where 30 were forecast (+100%), 09:15 60 calls" in note["text"]
    running.until(lambda: running.orders().get(QUEUE), "the order")
    brief = running.orders()[QUEUE]["briefing"]
    assert brief["data"]["why_volume"] < 0 < brief["data"]["waiting"]
    assert "agents unknown" not in brief["left_out"].values()


def twice_the_plan(begin: int) -> list[bytes]:
    """Four calls a minute, answered after 5 s; after 33 minutes nobody is answered any more. Eight agents."""
    items = []
    for n in range(8):
        state = {"id": f"a{n}", "source": "pbx", "type": "agent.state", "ts": begin, "queue": QUEUE, "agent": f"a{n}"}
        items.append((begin + 1, orjson.dumps(state | {"state": "talking"})))
    for n in range(36 * 4):
        at, call = begin + n * 15 * S + 2, f"c{n}"
        items.append((at, event("call.offered", at, call)))
        if at < begin + 33 * MIN:
            items.append((at + 5 * S, event("call.answered", at + 5 * S, call)))
            items.append((at + 95 * S, event("call.completed", at + 95 * S, call, talk_ms=90 * S)))
    items += [(at, clock_record(at, "replay")) for at in range(begin, begin + 36 * MIN, 5 * S)]
    return [value for _, value in sorted(items, key=lambda item: item[0])]


# --- what was learned -------------------------------------------------------------------------------------------------

LEARNED = f"""
[[site]]
name = "north"
hours = ["Mon-Fri 10:00-14:30"]
{PEOPLE}
"""


def fewer(day: int, minute: int) -> float:
    """As usual until noon; then nobody calls any more."""
    return usual_calls(day, minute) if minute < 12 * 60 else 0.0


def test_what_is_learned_from_a_recording_is_judged_by_from_where_it_lies(start: Start, tmp_path: Path) -> None:
    running = start(LEARNED)
    recording = tmp_path / "week.ndjson.zst"
    with RecordingWriter(recording, RecordingHeader(zone="UTC", sources=("pbx",), made_by="test")) as out:
        for day in range(5):
            for _, value in day_of(day):
                if orjson.loads(value)["type"] != "clock":
                    out.write(value)
    assert running.command("learn", str(recording)) == "1 queues: what was learned holds from here\n"
    noon = MONDAY + 7 * DAY + 12 * HOUR
    last = min(noon + HOUR, MONDAY + 7 * DAY + CLOSES)
    monday = [(at, value) for at, value in day_of(7, fewer) if at < last]
    monday += [(at, clock_record(at, "replay")) for at in range(noon, noon + HOUR, 5 * S) if at % MIN]
    running.fill([value for _, value in sorted(monday, key=lambda item: item[0])])
    running.until(lambda: running.orders().get(QUEUE), "the order for calls that do not come")
    order = running.orders()[QUEUE]
    assert "offered-drop" in order["symptoms"]
    assert order["opened_ms"] < noon + 40 * MIN
    raised = next(a for a in running.rows(ALERTS) if a["kind"] == "raised")
    assert "usual for Monday 12:" in raised["text"]
