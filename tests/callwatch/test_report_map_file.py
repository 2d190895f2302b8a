from __future__ import annotations

from pathlib import Path

import pytest

from callwatch.report_map_file import load_report_map, parse_report_map
from models.errors import SettingsError

GOOD = """\
[file]
zone = "Europe/Berlin"
time = "%d.%m.%Y %H:%M"
minutes = 30

[columns]
queue = "Skill"
start = ["Date", "Time"]

[figures]
offered = "In"
service_level = 7
speed_of_answer = "ASA"

[units]
service_level = "fraction"

[queues]
"Billing 1" = "north/billing"
Test = "skip"
"""


def test_a_good_map() -> None:
    meaning = parse_report_map(GOOD, "m.toml")
    assert meaning.columns == {"queue": ("Skill",), "start": ("Date", "Time")}
    assert meaning.figures == {"offered": ("In",), "service_level": (7,), "speed_of_answer": ("ASA",)}
    assert (meaning.unit("service_level"), meaning.unit("speed_of_answer")) == ("fraction", "s")
    assert meaning.queues == {"Billing 1": "north/billing", "Test": "skip"}
    assert (meaning.minutes, meaning.attribution, meaning.label) == (30, "arrival", "start")
    assert meaning.where("offered") == "m.toml:11: [figures]"


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("[columns]", "[columns", 6, "not TOML"),
        ("[columns]", "[colums]", 6, "there is no such setting"),
        ("minutes = 30", "minuts = 30", 4, 'did you mean "minutes"'),
        ("minutes = 30", "minutes = 0", 4, "not from 1"),
        ("minutes = 30", "", 6, "give one of: a column minutes"),
        ("minutes = 30", 'minutes = 30\nattribution = "outcome"', 5, "not one of arrival, event"),
        ("minutes = 30", 'minutes = 30\nlabel = "middle"', 5, "not one of start, end"),
        ("minutes = 30", 'minutes = 30\ndecimal = ",,"', 5, "one character"),
        ("minutes = 30", 'minutes = 30\nthousands = "."', 5, "another than decimal"),
        ("minutes = 30", 'minutes = 30\nencoding = "utf-9"', 5, "no encoding"),
        ("minutes = 30", 'minutes = 30\nqueue = "n/billing"', 8, "give one of: a column queue"),
        ("minutes = 30", 'minutes = 30\nqueue = "billing"', 5, "not site/skill"),
        ("minutes = 30", 'minutes = 30\nsite = "a\\u0001"', 5, "control character"),
        ("minutes = 30", "minutes = 30\nheader = false", 8, "have numbers"),
        ("minutes = 30", "minutes = 30\ntotals = [1]", 5, "list of texts"),
        ('zone = "Europe/Berlin"', "", 1, "name the zone"),
        ('zone = "Europe/Berlin"', 'zone = "Berlin"', 2, "no known time zone"),
        ("%d.%m.%Y %H:%M", "%H:%M", 3, "lacks the year"),
        ('queue = "Skill"', "", 6, "give one of: a column queue"),
        ('start = ["Date", "Time"]', "", 6, "name the column"),
        ('offered = "In"', 'offerred = "In"', 11, 'did you mean "offered"'),
        ("service_level = 7", "service_level = 0", 12, "count from 1"),
        ('service_level = "fraction"', 'service_level = "promille"', 16, "not one of percent, fraction"),
        ('service_level = "fraction"', 'answered = "calls"', 16, "names no such column"),
        ('"north/billing"', '"billing"', 19, 'or "skip"'),
    ],
)
def test_a_wrong_map_is_refused_with_line_and_reason(old: str, new: str, line: int, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=reason) as error:
        parse_report_map(GOOD.replace(old, new, 1), "m.toml")
    assert str(error.value).startswith(f"m.toml:{line}: ")


def test_a_map_without_figures_is_refused() -> None:
    text = GOOD[: GOOD.index("[figures]")] + "[figures]\n"
    with pytest.raises(SettingsError, match="at least one of offered"):
        parse_report_map(text, "m.toml")


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the map"):
        load_report_map(tmp_path / "gone.toml")
