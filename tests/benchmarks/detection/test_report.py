"""What was not met is said, with the case; the page and the terminal show the same figures."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from benchmarks.detection import real, report
from callwatch.backtest.happened import Episode, Happened, OrderSpan
from models.errors import InputError
from sources.timeline import Item


def case(
    kind: str, share: float, ours: float | None, theirs: float | None, costs_s: int | None = 100
) -> dict[str, Any]:
    found = {"callwatch": ours, "fixed limits": theirs}
    where = {"queue": "suite1/small", "size": "small", "seed": 1, "day": 30, "start_s": 39_600.0, "end_s": 46_800.0}
    return {**where, "kind": kind, "share": share, "costs_s": costs_s, "loss": 12.5, "found": found, "rule": "x"}


def results(*cases: dict[str, Any], false: float = 0.5) -> dict[str, Any]:
    return {
        "cases": list(cases),
        "false_per_queue_week": {"callwatch": false, "fixed limits": 0.5},
        "false_orders": [{"queue": "suite1/small", "rules": ["r"], "sentence": "Why it was."}],
        "slow": [],
        "queue_weeks": 6.0,
        "plan": {"seeds": 1, "sizes": ["small"], "learning_weeks": 4, "weeks": 2, "replicas": 4, "clock_ms": 60_000},
        "machine": {"cpu": "a", "cores": 2, "memory_bytes": 2**33, "os": "b", "python": "3.11"},
        "load_1m": {"before": 0.1, "after": 0.2},
        "versions": {"callwatch": "1"},
        "commit": "abc",
        "date": "2026-01-01",
        "seconds": 1.0,
    }


def test_goals_are_met_or_not() -> None:
    good = report.verdicts(results(case("menu", 1.0, 130.0, 900.0), case("drop", 0.5, 250.0, None)))
    assert [line.partition(":")[0] for line in good] == ["met"] * 4
    slow = report.verdicts(results(case("menu", 1.0, 800.0, 900.0), case("drop", 0.2, None, 50.0)))
    assert [line.partition(":")[0] for line in slow] == ["met", "NOT MET", "met", "met"]
    bad = report.verdicts(results(case("menu", 1.0, None, 900.0), false=1.2))
    assert [line.partition(":")[0] for line in bad] == ["NOT MET"] * 4


def test_a_case_that_is_missed_is_named_unless_it_costs_nothing() -> None:
    found = results(
        case("menu", 1.0, None, 900.0), case("handle", 0.5, None, None, None), case("drop", 0.2, None, None)
    )
    (said,) = report.missed(found)
    assert "suite1/small: calls lost in the menu, 100 %, day 31 at 11:00, 12.5 calls lost in all" in said
    assert "found by fixed limits" in said


def test_the_page_has_every_table_and_what_was_called_falsely(tmp_path: Path) -> None:
    found = results(case("menu", 1.0, 130.0, 900.0), case("drop", 0.5, None, None))
    report.write(found, tmp_path)
    text = (tmp_path / "detection.md").read_text("utf-8")
    assert "| callwatch | 1 of 2 | 30 s | 30 s | 1 of 2 | 0.50 |" in text
    assert "| calls lost in the menu, 100 % | 30 s | 30 s | 1 of 1 | 1 of 1 |" in text
    assert "- suite1/small, r: Why it was." in text
    assert "NOT MET: All of 50 and 100 % size found: 1 of 2." in text
    assert orjson.loads((tmp_path / "detection.json").read_bytes())["commit"] == "abc"
    console = Console(width=160, record=True, file=StringIO())
    for table in report.tables(found):
        console.print(table)
    assert "calls lost in the menu" in console.export_text()


# --- real months ----------------------------------------------------------------------------------------------------


def at(text: str) -> int:
    return real._ms(text)


def happened(*told: tuple[str, str, str]) -> Happened:
    """(when, queue, rule): each opened an order that was open for an hour."""
    out = Happened()
    for n, (when, queue, rule) in enumerate(told):
        ms = at(when)
        episode = Episode(f"AN-{n}", queue, rule, "offered", "15m", 1.0, 2, ms, ms, f"s{n}", "z", how="opened")
        out.episodes[episode.id] = episode
        out.orders[f"WO-{n}"] = OrderSpan(f"WO-{n}", queue, rule, ms, f"s{n}", ms + 3_600_000, [rule], 2)
    return out


def test_known_incidents_are_found_and_other_orders_listed() -> None:
    found = real.told(
        happened(
            ("1999-02-03T12:58", "bank/PS", "menu-unusual"),
            ("1999-02-20T10:00", "bank/NE", "longest-wait"),
            ("1999-03-31T10:00", "bank/PS", "offered-drop"),
        )
    )
    by_start = {one["from"]: one for one in found["incidents"]}
    assert len(by_start) == 10
    fault = by_start["1999-02-03 12:50"]
    assert (fault["found"], fault["rule"], fault["delay_s"], fault["queue"]) == (True, "menu-unusual", 480.0, "bank/PS")
    assert sum(one["found"] for one in found["incidents"]) == 1
    assert [(o["at"], o["quiet_day"]) for o in found["orders"]] == [
        ("1999-02-20 10:00", False),
        ("1999-03-31 10:00", True),
    ]
    rows = real.kinds(found | {"weeks": 20.0})
    assert ("bank/NE", "longest-wait", "1", "0.05", "0") in rows


def test_without_the_data_it_is_said_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no 1999-MM\.tsv\.xz.*Technion"):
        real.measure(tmp_path, lambda _: None)


def test_clocks_are_thinned_at_night_only() -> None:
    def clock(text: str) -> Item:
        return Item(at(text), b"", None, True, True)

    assert not real.is_wanted(clock("1999-02-03T03:01"))
    assert real.is_wanted(clock("1999-02-03T03:10"))
    assert real.is_wanted(clock("1999-02-03T06:31"))
    assert real.is_wanted(clock("1999-02-03T12:01"))
    assert real.is_wanted(Item(at("1999-02-03T03:01"), b"", "bank/PS", False, False))
