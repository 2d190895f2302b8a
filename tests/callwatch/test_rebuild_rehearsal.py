"""A simulated day through the workers' own actors, with people at work: every order of it is rebuilt from its log."""

from __future__ import annotations

from itertools import count, cycle
from pathlib import Path
from typing import Any

import orjson

from callwatch.commands.simulate import parse_start
from callwatch.rehearsal import Rehearsal
from models.catalogue import Catalogue, Person, QueueSettings, Site
from models.partition import partition_of
from models.topics import WORKORDER_LOG, WORKORDERS
from sources.recording import RecordingHeader, RecordingWriter, open_recording
from sources.replay import places
from sources.simulate import make_plan, simulate
from sources.timeline import timeline
from tests.alerts.test_rebuild import compare

PARTITIONS = 2
PEOPLE = (Person("lia", "Lia", "desk", 0), Person("lead", "Lead", "desk", 1), Person("team", "Team", "desk", 2),
          Person("super", "Super", "desk", 3), Person("boss", "Boss", "desk", 4))  # fmt: skip
SETTINGS = Catalogue(sites=(Site("*", "Asia/Shanghai"),), queues=(QueueSettings(department="desk"),), people=PEOPLE)
#: What somebody tries next, whether it is legal or not: a refusal is a decision too.
TRIES = ("acknowledge", "note", "analyse", "hold", "resume", "propose_limit", "agree_limit", "resolve", "accept",
         "resolve", "reassign", "verdict", "cancel", "confirm_cancel", "sign_evidence")  # fmt: skip
#: Records between two looks of the people at their orders: a few minutes of such a day.
LOOK = 800


def day(path: Path) -> Path:
    """Twelve hours of six queues, with incidents."""
    plan = make_plan(3, parse_start("2026-03-02T08:00", "Asia/Shanghai"), 12.0, 6, incidents=True)
    with RecordingWriter(path, RecordingHeader(zone="Asia/Shanghai")) as recording:
        recording.write_all(simulate(plan, lambda *_: None))
    return path


def command(order: dict[str, Any], name: str, actor: str, now_ms: int, n: int) -> bytes:
    args = {
        "text": "words", "reason": "planned work", "cause": "staffing", "measure": "two more", "verdict": "true",
        "person": PEOPLE[1 + n % 4].id, "until_ms": now_ms + 600_000,
    }  # fmt: skip
    record = {"type": "order.command", "id": f"c{n}", "source": "page", "ts": now_ms, "queue": order["queue"]}
    return orjson.dumps(record | {"order": order["id"], "command": name, "actor": actor, "args": args})


def test_every_order_of_a_simulated_day_is_rebuilt_from_its_log(tmp_path: Path) -> None:
    rehearsal, numbers, tries = Rehearsal(SETTINGS, PARTITIONS), count(), cycle(TRIES)
    log: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []

    def play() -> None:
        for record in rehearsal.play():
            if record.topic == WORKORDER_LOG:
                log.append(orjson.loads(record.value))
            elif record.topic == WORKORDERS:
                orders.append(orjson.loads(record.value))

    with open_recording(day(tmp_path / "day.ndjson.zst")) as recording:
        for item in timeline(recording):
            for partition in places(item, PARTITIONS):
                rehearsal.lay(partition, item.value)
            if rehearsal.held >= LOOK:
                play()
                for order in {order["queue"]: order for order in orders}.values():
                    n = next(numbers)
                    value = command(order, next(tries), PEOPLE[n % 5].id, order["updated_ms"], n)
                    rehearsal.lay(partition_of(order["queue"], PARTITIONS), value)
    while rehearsal.held:
        play()
    assert compare(log, orders) == len(orders) > 500
    assert {entry["decision"] for entry in log} >= {"raised", "moved", "refused", "escalated", "closed", "notified"}
    assert len({order["id"] for order in orders}) > 10
