from __future__ import annotations

from pathlib import Path

import pytest

from callwatch.csv_map_file import load_csv_map, parse_csv_map
from models.errors import SettingsError, UsageError

GOOD = """\
[file]
queue = "s/q"
zone = "Europe/Berlin"

[columns]
call = "Id"
offered = ["Date", "Time"]
answered = "Taken"
abandoned = 7
"""


def test_a_good_map() -> None:
    meaning = parse_csv_map(GOOD, "m.toml")
    assert meaning.columns == {
        "call": ("Id",),
        "offered": ("Date", "Time"),
        "answered": ("Taken",),
        "abandoned": (7,),
    }
    assert meaning.where("answered") == "m.toml:8"
    assert parse_csv_map(GOOD, "m.toml", "Asia/Tokyo").zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("[columns]", "[columns", 5, "not TOML"),
        ("[columns]", "[colums]", 5, "there is no such setting"),
        ('queue = "s/q"', 'queue = "q"', 2, '"q" is not site/skill'),
        ('queue = "s/q"', 'queu = "s/q"', 2, 'did you mean "queue"'),
        ('queue = "s/q"', "", 5, "give one of"),
        ('queue = "s/q"', 'queue = "s/q"\ndelimiter = "::"', 3, "one character"),
        ('queue = "s/q"', 'queue = "s/q"\nencoding = "utf-9"', 3, "no encoding"),
        ('queue = "s/q"', 'queue = "s/q"\ntime = "%H:%M"', 3, "lacks the year"),
        ('queue = "s/q"', 'queue = "s/q"\ntime = "%d.%m.%Y %I:%M"', 3, "or the hour"),
        ('queue = "s/q"', 'queue = "s/q"\ntime = "%Q"', 3, "no format of strptime"),
        ('queue = "s/q"', 'queue = "s/q"\nduration = "h"', 3, "not one of s, ms, clock"),
        ('queue = "s/q"', 'queue = "s/q"\nheader = false', 7, "have numbers"),
        ("Europe/Berlin", "Europe/Bärlin", 3, "no known time zone"),
        ('call = "Id"', "", 5, "is missing"),
        ('call = "Id"', "call = true", 6, "name or number"),
        ('call = "Id"', "call = []", 6, "name or number"),
        ("abandoned = 7", "abandoned = 0", 9, "count from 1"),
        ("abandoned = 7", "abandonned = 7", 9, 'did you mean "abandoned"'),
        ("abandoned = 7", 'skill = "Skill"', 9, "give one of"),
        ("abandoned = 7", 'outcome = "Result"', 9, r"\[outcomes\]"),
        ("abandoned = 7", '[outcomes]\nA = "answered"', 9, "no column outcome"),
        ("abandoned = 7", 'outcome = "R"\n[outcomes]\nA = "taken"', 11, '"taken" is not one of'),
        ("abandoned = 7", 'outcome = "R"\n[outcomes]\nA = "answered:late"', 11, "only flowed_out"),
        ('offered = ["Date", "Time"]', "", 5, "name the column offered"),
        ('answered = "Taken"\nabandoned = 7', "", 5, "a column outcome or a time"),
        (
            'answered = "Taken"\nabandoned = 7',
            'outcome = "R"\n[outcomes]\nA = "answered"',
            5,
            "when calls leave the queue",
        ),
    ],
)
def test_a_wrong_map_is_refused_with_line_and_reason(old: str, new: str, line: int, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=reason) as error:
        parse_csv_map(GOOD.replace(old, new), "m.toml")
    assert str(error.value).startswith(f"m.toml:{line}: ")


def test_skill_and_site_need_each_other() -> None:
    for text in (
        GOOD.replace('queue = "s/q"', 'site = "s"').replace("abandoned = 7", 'queue = "Q"'),
        GOOD.replace('queue = "s/q"', "").replace("abandoned = 7", 'skill = "Q"'),
    ):
        with pytest.raises(SettingsError, match="need each other"):
            parse_csv_map(text, "m.toml")


def test_a_map_that_is_not_there_and_a_zone_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="gone"):
        load_csv_map(tmp_path / "gone.toml")
    with pytest.raises(UsageError, match="Nowhere"):
        parse_csv_map(GOOD, "m.toml", "Nowhere")
