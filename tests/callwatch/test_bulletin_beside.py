"""What a bulletin has beside its orders: floor log, problems, planned events, emergencies, lost calls."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.journal import Journal
from callwatch.orders_report.bulletin import bulletin
from callwatch.orders_report.page import page
from callwatch.orders_report.period import calendar_period
from models.catalogue import Catalogue
from sources.recording import RecordingHeader, RecordingWriter
from tests.alerts.world import HOUR, MIN, T0, WAITING, S, World, catalogue
from tests.callwatch.golden_journal import JOURNAL

DAY = 24 * HOUR
Q = "bank/PS"


def three_days() -> World:
    """An order at ten each day, so that a problem opens; a line of the floor log; a planned event; an emergency."""
    world = World(catalogue((WAITING,)))
    for day in range(3):
        world.put("now", waiting=9, waiting_past_threshold=9)
        world.run(2 * S)
        world.put("now", waiting=0, waiting_past_threshold=0)
        world.run(2 * MIN, 20 * S)
        if day == 0:
            world.tell("floor_note", "lead", order="-", text="two <b>chairs</b> broken")
            until_ms = world.now_ms + DAY + HOUR
            plan: dict[str, Any] = {"planned": "maintenance", "covers": Q, "text": "trunk works", "until_ms": until_ms}
            world.tell("plan", "lead", order="-", **plan | {"from_ms": world.now_ms + DAY + MIN})
        if day == 2:
            world.tell("declare_emergency", "super", order="-", covers=Q, reason="fire in the hall")
        world.run(T0 + (day + 1) * DAY - world.now_ms, HOUR)
    return world


@pytest.fixture(scope="module")
def journal() -> Journal:
    found, numbers = Journal(), count()
    for output in three_days().outputs:
        if output.topic in ("workorder-log", "alerts"):
            found.add({"pos": [0, next(numbers), 0], **output.payload})
    return found


def of_day(journal: Journal, day: int) -> dict[str, Any]:
    return bulletin(journal, calendar_period("day", "UTC", T0 + day * DAY), Catalogue(), {})


def test_each_stands_in_the_bulletin_of_its_day_and_on_the_page(journal: Journal) -> None:
    first, second, third = (of_day(journal, day) for day in range(3))
    assert [(note["by"], note["text"]) for note in first["floor"]] == [("lead", "two <b>chairs</b> broken")]
    assert first["problems"] == first["planned"] == first["emergencies"] == second["floor"] == []
    assert [(one["kind"], one["covers"], one["text"]) for one in second["planned"]] == [
        ("maintenance", Q, "trunk works")
    ]
    assert [len(one["orders"]) for one in third["problems"]] == [3]
    assert [(one["reason"], one["ended"]) for one in third["emergencies"]] == [("fire in the hall", None)]
    assert "two &lt;b&gt;chairs&lt;/b&gt; broken" in page(first)
    assert "trunk works" in page(second)
    assert third["problems"][0]["id"] in page(third)
    assert "fire in the hall" in page(third)
    assert "Lost calls" not in page(first)


def test_the_bulletin_of_a_week_has_them_all_once(journal: Journal) -> None:
    week = bulletin(journal, calendar_period("week", "UTC", T0), Catalogue(), {})
    assert [len(week[name]) for name in ("floor", "problems", "planned", "emergencies")] == [1, 1, 1, 1]


def test_lost_calls_are_those_of_the_days_of_the_period(tmp_path: Path) -> None:
    rec = tmp_path / "calls.ndjson.zst"
    with RecordingWriter(rec, RecordingHeader(zone="UTC")) as recording:
        for day in range(20):
            for n in range(3):
                event = {
                    "id": f"{day}-{n}",
                    "source": "pbx",
                    "ts": T0 + (day - 10) * DAY + n * S,
                    "call": f"p:{day}{n}",
                }
                event |= {"type": "call.abandoned" if n else "call.answered", "queue": Q, "wait_ms": 60_000}
                recording.write_all([orjson.dumps(event | {"customer": f"customer-{day}-{n}"})])
    of = ("orders", "report", "--log", str(JOURNAL), "--period", "week", "--at", "1999-02-04", "--lost", str(rec))
    result = CliRunner().invoke(build(), [*of, "--format", "json"], catch_exceptions=False)
    told = orjson.loads(result.stdout)["lost_calls"]
    assert [day["day"] for day in told["days"]] == [f"1999-02-0{n}" for n in range(1, 8)]
    assert {day["lost"]["abandoned"] for day in told["days"]} == {2}
    assert (told["callers"]["lost"], told["callers"]["to_ring_back"]) == (14, 14)
    shown = CliRunner().invoke(build(), list(of), catch_exceptions=False).stdout
    assert 'data-figure="lost_calls.days.0.lost.abandoned" data-value="2"' in shown
    assert "customer-" not in shown
    for option, n in (("--open", 14), ("--done", 0)):
        days = ("--from", "1999-02-01", "--to", "1999-02-07")
        listed = CliRunner().invoke(build(), ["lost", str(rec), *days, option, "--json"], catch_exceptions=False)
        assert len(orjson.loads(listed.stdout)["lost_callers"]) == n
    assert CliRunner().invoke(build(), ["lost", str(rec), "--site", "elsewhere", "--json"]).exit_code == 0
