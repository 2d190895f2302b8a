"""What the wallboard benchmark says of its figures; that it runs at all is seen by its small run (``--smoke``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.wallboard import ASKS, GOAL_MS, Plan, Screen, Screens, written
from benchmarks.wallboard_report import markdown, row, verdict
from models.errors import UsageError, WorkError
from wallboard.frames import chosen

STATIC = Path(__file__).parents[2] / "wallboard" / "static"


def _results(**other: Any) -> dict[str, Any]:
    one = {
        "frames": 100,
        "frames_wanted": 100,
        "resets": 0,
        "p50_ms": 20.0,
        "p99_ms": 200.0,
        "max_ms": 240.0,
        "bytes_per_screen_s": 2_048,
        "bytes_per_screen": 4_096,
        "core": 0.5,
    }
    return {
        "screens": 1_000,
        "queues": 60,
        "slow": 1,
        "seconds": 2.0,
        "goal_ms": GOAL_MS,
        "page": one | other,
        "whole": one,
        "machine": {"cpu": "c", "cores": 2, "memory_bytes": 2**33, "os": "o", "python": "3"},
        "load_1m": {"before": 0.1, "after": 0.2},
        "versions": {"numpy": "2"},
        "commit": "c",
        "date": "d",
    }


def test_soon_whole_and_for_all_or_the_goal_is_not_met() -> None:
    assert verdict(_results()).endswith(": held")
    assert verdict(_results(p99_ms=250.0)).endswith("NOT held")
    assert verdict(_results(resets=1)).endswith("NOT held")
    assert verdict(_results(frames=99)).endswith("NOT held")
    assert row(_results(), "page")[6:] == ("2", "4", "0.50")
    assert "| whole rows | 100 | 0 | 20 | 200 | 240 | 2 | 4 | 0.50 |" in markdown(_results())


def test_screens_ask_for_what_the_page_shows() -> None:
    page = (STATIC / "tile.js").read_text(encoding="utf-8")
    listed = re.search(r"export const FIGURES = \[(.*)\]\.map", page)
    assert listed
    names = {f"{name}@now" for name in re.findall(r'"(\w+)"', listed[1])}
    assert chosen(ASKS["page"]) == frozenset(names | {"service_level_live@5m"})


def _frame(at_ms: int) -> bytes:
    return b'id: e:0\nevent: queue\ndata: {"wall_ms":%d}\n\n' % at_ms


def test_rows_are_counted_by_when_they_were_written() -> None:
    assert written(b"") == []
    assert written(_frame(5) * 3) == [(5, 3)]
    assert written(_frame(5) + _frame(7) * 2) == [(5, 1), (7, 2)]


def test_a_screen_counts_whole_frames_however_they_are_cut() -> None:
    seen = Screens()
    screen = Screen(seen, None)
    screen.data_received(b"event: reset\ndata: {}\n\n")
    assert seen.ready == 1
    seen.counting = True
    stream = _frame(1) * 4 + b"event: reset\ndata: {}\n\n"
    for at in range(0, len(stream), 7):
        screen.data_received(stream[at : at + 7])
    assert (seen.frames, seen.resets, seen.received) == (4, 1, len(stream))
    screen.connection_lost(None)
    assert seen.lost == 1


def test_delays_are_ranked_by_frames() -> None:
    seen = Screens(delays_ms=[(9.0, 1), (1.0, 98), (5.0, 1)])
    assert [seen.delay_ms(share) for share in (0.5, 0.99, 1.0)] == [1.0, 5.0, 9.0]
    with pytest.raises(WorkError, match="No screen got anything"):
        Screens().delay_ms(0.5)


@pytest.mark.parametrize("wrong", [{"screens": 0}, {"queues": 0}, {"seconds": 1.0}, {"slow": -1}])
def test_a_plan_that_shows_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Plan(**wrong)
