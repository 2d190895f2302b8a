"""The five months: known incidents are found by what was told in their time, every other order is listed and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.detection import real, real_report
from benchmarks.detection.hindsight import Months
from callwatch.backtest.happened import Episode, Happened, OrderSpan
from models.errors import InputError
from sources.timeline import Item


def at(text: str) -> int:
    return real._ms(text)


MENU = {"queue": "bank/PS", "ts": at("1999-03-31T12:00"), "type": "ivr.abandoned"}


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
            ("1999-02-03T12:55", "bank/PS", "longest-wait"),  # in its time, and of something else
            ("1999-02-03T12:58", "bank/PS", "menu-unusual"),
            ("1999-02-20T10:00", "bank/NE", "longest-wait"),
            ("1999-03-31T10:00", "bank/PS", "offered-drop"),
        ),
        Months([MENU], "Asia/Jerusalem", ()),
    )
    by_start = {one["from"]: one for one in found["incidents"]}
    assert len(by_start) == 10
    fault = by_start["1999-02-03 12:50"]
    assert (fault["found"], fault["rule"], fault["delay_s"], fault["queue"]) == (True, "menu-unusual", 480.0, "bank/PS")
    assert sum(one["found"] for one in found["incidents"]) == 1
    assert [(o["at"], o["name"]) for o in found["orders"]] == [
        ("1999-02-20 10:00", "no data"),
        ("1999-03-31 10:00", "holiday"),
    ]
    rows = real_report.kinds(found | {"queue_weeks": 20.0})
    assert [row[:4] for row in rows] == [
        ("no data", "1", "0.05", "longest-wait 1"),
        ("holiday", "1", "0.05", "offered-drop 1"),
    ]


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
