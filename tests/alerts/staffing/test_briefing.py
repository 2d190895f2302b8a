"""What an order is told: everything that can be said, and why the rest cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson

from alerts.staffing.briefing import Known, briefing
from alerts.staffing.figures import planned
from alerts.staffing.moved import Reading
from alerts.staffing.patience import patience
from models.catalogue import QueueSettings
from models.plan.interval import PlanInterval

ZONE = "Asia/Shanghai"
PLAN = PlanInterval(0, 30, 100.0, 236_000.0, 18.0, 20.0)
KNOWN = Known(
    figures={
        "offered@30m": 120.0,
        "handle_ms@30m": 260_000.0,
        "service_level@30m": 0.31,
        "agents_ready@now": 0.0,
        "agents_busy@now": 14.0,
        "agents_signed_in@now": 15.0,
        "waiting@now": 12.0,
        "waiting_past_threshold@now": 5.0,
    },
    settings=QueueSettings("north/*"),
    patience=patience(40, 6000.0),
    now_ms=round(datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000),
    zone=ZONE,
    plan=PLAN,
    usual=planned(PLAN),
    usual_level=0.86,
    readings={"handle_ms@30m": Reading(260_000.0, 236_000.0, 8_000.0), "service_level@30m": Reading(0.31, 0.86, 0.05)},
)


def test_everything_is_said_in_both_languages() -> None:
    said = briefing(KNOWN)
    assert said.left_out == {}
    assert [sentence.partition(" ")[0] for sentence in said.english] == [
        "12",
        "service",
        "moved",
        said.english[3].split()[0],
    ]
    assert said.english[0] == "12 waiting, 5 beyond 20 s"
    assert said.english[1].startswith("service level 55 points below what was expected: absence -")
    assert said.english[2] == "moved with it: handle time +3.0 sd"
    assert "more recover it by 10:" in said.english[3]
    assert len(said.chinese) == 4
    assert "缺勤" in said.chinese[1]
    assert said.data["agents_here"] == 14.0
    parts = [value for name, value in said.data.items() if name.startswith("why_") and name != "why_gap"]
    assert abs(sum(float(part or 0) for part in parts) - float(said.data["why_gap"] or 0)) < 0.01
    assert orjson.loads(orjson.dumps(said.data)) == said.data


def test_ages_tell_who_will_be_late_too() -> None:
    said = briefing(replace(KNOWN, ages_ms=[70_000, 30_000, 21_000, 19_000, 5_000, 100]))
    assert said.english[0] == "6 waiting, 3 beyond 20 s, 3 more within 20 s"
    quick = replace(KNOWN, figures={**KNOWN.figures, "agents_busy@now": 200.0}, ages_ms=[5_000, 100])
    assert briefing(quick).english[0] == "2 waiting, 0 beyond 20 s"  # they are answered before


def test_what_cannot_be_said_has_its_reason() -> None:
    nothing = briefing(replace(KNOWN, figures={}, readings={}))
    assert nothing.english == ()
    assert nothing.left_out == {
        "waiting": "callers waiting unknown",
        "why": "agents unknown",
        "moved": "no other figure is unusual",
        "agents": "agents unknown",
    }
    unplanned = briefing(replace(KNOWN, plan=None, usual=None))
    assert list(unplanned.left_out) == ["why"]
    assert "no plan" in unplanned.left_out["why"]
    quiet = briefing(replace(KNOWN, figures={**KNOWN.figures, "offered@30m": 0.0}))
    assert quiet.left_out["agents"] == "no calls"


def test_nobody_there_is_said_in_numbers_not_in_infinities() -> None:
    figures = {**KNOWN.figures, "agents_ready@now": 0.0, "agents_busy@now": 0.0, "agents_signed_in@now": 0.0}
    said = briefing(replace(KNOWN, figures=figures))
    assert "0 here, " in said.english[3]
    assert said.data["recovers_after_s"] is None
    assert orjson.loads(orjson.dumps(said.data)) == said.data
