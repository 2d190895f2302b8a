"""A service class has a band of its own: around what is best for it, with the default band for all others."""

from __future__ import annotations

import orjson
import pytest

from alerts.defaults import default_rules
from callwatch.settings import parse_settings
from models.catalogue import Catalogue, Rule
from models.errors import SettingsError
from models.settings_record import read_settings, settings_record

EMERGENCY = """[[service_class]]
name = "emergency"
queues = "*/emergency"
best = 0.5
"""
OFFICE = """[[service_class]]
name = "back-office"
queues = "north/*"
of = "effective_work_rate"
best = 0.95
above = 0.1
below = 0.2
"""


def catalogue(text: str) -> Catalogue:
    return parse_settings(text, "test.toml", {}).catalogue


def band(found: Catalogue, queue: str) -> dict[str, tuple[str, float, float]]:
    """Of the rules of use that judge *queue*: figure, limit and target by id."""
    of = ("occupancy", "effective_work_rate", "capacity_use")
    rules = [rule for rule in found.rules if rule.metric in of and rule.covers(queue) and rule.severity == 4]
    return {rule.id: (rule.metric, rule.limit, rule.target) for rule in rules}


def test_a_class_has_its_own_band_and_the_others_the_default_one() -> None:
    found = catalogue(EMERGENCY + OFFICE)
    assert band(found, "ash/emergency") == {
        "emergency-use-high": ("occupancy", 0.75, 0.65),
        "emergency-use-low": ("occupancy", 0.15, 0.35),
    }
    assert band(found, "north/post") == {"back-office-use-low": ("effective_work_rate", 0.75, 0.8643)}
    assert band(found, "north/emergency").keys() == {"emergency-use-high", "emergency-use-low"}  # the first that has it
    assert band(found, "ash/bills") == {
        "occupancy-high": ("occupancy", 0.95, 0.85),
        "occupancy-low": ("occupancy", 0.35, 0.55),
    }
    assert {rule.id for rule in default_rules()} <= {rule.id for rule in found.rules}


def test_the_default_band_is_the_band_of_a_class_around_seventy_percent() -> None:
    plain = '[[service_class]]\nname = "any"\nqueues = "x/*"\n'
    made = set(band(catalogue(plain), "x/a").values())
    assert made == set(band(Catalogue(rules=default_rules()), "x/a").values())


def test_it_goes_through_the_log() -> None:
    found = catalogue(EMERGENCY)
    record = settings_record(found, id="1", source="test", ts_ms=0)
    assert read_settings(orjson.loads(record)) == found


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (EMERGENCY + EMERGENCY, 6, "choose another name"),
        (EMERGENCY + "above = 0.5\nbelow = 0.5\n", 4, "leaves no band"),
        (EMERGENCY + 'of = "offered"\n', 5, "is not one of"),
        (EMERGENCY + "worst = 1\n", 5, "worst"),
        ('[[service_class]]\nname = "x"\n', 1, "queues"),
    ],
)
def test_what_is_refused(text: str, line: int, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        catalogue(text)
    assert f":{line}:" in str(refused.value) or f"line {line}" in str(refused.value)


def test_a_rule_that_leaves_queues_out() -> None:
    rule = Rule("r", "occupancy", "30m", 0.9, 0.8, False, pattern="a/*", but=("a/x", "a/y*"))
    assert [rule.covers(queue) for queue in ("a/b", "a/x", "a/yes", "b/b")] == [True, False, False, False]
