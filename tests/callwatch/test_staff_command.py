"""``callwatch staff``: the table, its JSON, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.staffing import target_of
from models.errors import CallwatchError, UsageError

TEXTBOOK = ("--offered", "100", "--handle-s", "180")
BUSY = ("--offered", "120", "--handle-s", "240", "--patience-s", "90")


def staff(*args: str) -> str:
    result = CliRunner().invoke(build(), ["staff", *args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def asked(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(staff(*args, "--json"))
    return found


def test_the_textbook_case_in_a_table() -> None:
    lines = staff(*TEXTBOOK).splitlines()
    assert lines[0] == "load 10.00 erlangs (Erlang C: nobody hangs up)"
    assert lines[1] == "needed for 80 % within 20 s (negative): 13.04 agents, so 14 on the phones"
    marked = [line for line in lines if "<- needed" in line]
    assert [line.split() for line in marked] == [
        ["14", "88.8", "%", "0.0", "%", "17.4", "%", "7.8", "s", "71.4", "%", "<-", "needed"]
    ]


def test_the_same_in_json() -> None:
    found = asked(*TEXTBOOK, "--shrinkage", "0.3", "--agents", "10")
    assert (found["on_the_phones"], found["on_the_roster"], found["model"]) == (14, 20, "erlang_c")
    rows = {row["agents"]: row for row in found["rows"]}
    assert rows[14]["service_level"] == pytest.approx(0.88835, abs=1e-5)
    assert rows[10]["speed_of_answer_s"] is None  # no more agents than load: it never settles
    assert rows[10]["service_level"] == 0.0
    assert found["load"]["patience_s"] is None
    assert "recovery" not in found


def test_callers_who_hang_up_and_a_backlog() -> None:
    found = asked(*BUSY, "--agents", "14.5", "--waiting", "12")
    assert found["model"] == "erlang_a"
    assert 17 < found["needed"] < 18
    assert found["recovery"][0] == {"agents": 14.5, "after_s": None}
    assert found["recovery"][1]["agents"] == 18
    assert 120 < found["recovery"][1]["after_s"] < 1800
    text = staff(*BUSY, "--agents", "14.5", "--waiting", "12")
    assert "backlog with 14.5 agents: not with these" in text
    assert "  <- here" in text
    assert all(row["service_level"] > 0 for row in found["rows"])


def test_every_aim_counts() -> None:
    needed = {
        name: asked(*BUSY, "--target", "", *aim)["needed"]
        for name, aim in {
            "abandoned": ("--max-abandoned", "0.02"),
            "answer": ("--speed-of-answer-s", "4"),
            "occupancy": ("--max-occupancy", "0.7"),
        }.items()
    }
    both = asked(*BUSY, "--target", "", "--max-abandoned", "0.02", "--max-occupancy", "0.7")["needed"]
    assert both == max(needed["abandoned"], needed["occupancy"])
    assert len(set(needed.values())) == 3
    ignored = asked(*BUSY, "--formula", "ignored")["needed"]
    assert ignored < asked(*BUSY)["needed"]


@pytest.mark.parametrize("text", ["0.8/20", "80/20", "80%/20", "80 % / 20 s", "0.80/20.0s"])
def test_a_target_is_read_as_people_write_it(text: str) -> None:
    assert target_of(text) == (0.8, 20.0)


@pytest.mark.parametrize("text", ["80", "1/20", "100/20", "0/20", "0.8", "x/20", "-0.8/20", "0.8/20min", "150/20"])
def test_a_target_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="share/seconds"):
        target_of(text)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--offered", "0", "--handle-s", "180"), "--offered 0: give a number above 0"),
        (("--offered", "10", "--handle-s", "nan"), "--handle-s nan"),
        ((*BUSY, "--patience-s", "-1"), "--patience-s -1"),
        ((*BUSY, "--target", ""), "no goal"),
        ((*BUSY, "--shrinkage", "1"), "--shrinkage 1"),
        ((*BUSY, "--waiting", "3"), "needs --agents"),
        ((*BUSY, "--max-abandoned", "5"), "abandoned 5.0: give a share"),
        ((*BUSY, "--agents", "-3"), "check the units"),
        (("--offered", "1e9", "--handle-s", "180"), "more than 100,000 agents would be needed: check the units"),
    ],
)
def test_a_wrong_call_says_what_to_do(args: tuple[str, ...], words: str) -> None:
    with pytest.raises(CallwatchError) as raised:
        staff(*args)
    assert words in str(raised.value)
    assert raised.value.exit_code == 2
