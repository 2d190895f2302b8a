"""What is usual in the proof of an order: what calls since the resolve have to show, and which of them speak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.habit_rules import habit_rules
from alerts.verification import outcome, quiet_ms, refusal, seen
from models.catalogue import Rule
from tests.alerts.world import MIN, SERVICE, UNREACHED

RULE = {rule.id: rule for rule in habit_rules()}
QUIET = replace(SERVICE, usual="quiet")
SILENCE = Rule("silence", "silence_ms", "now", 600_000, 300_000, below=False)
Figures = dict[tuple[str, str], float]


def read(figures: Figures):  # type: ignore[no-untyped-def]
    return lambda metric, window: figures.get((metric, window))


@pytest.mark.parametrize(("unusual", "good"), [(0.0, True), (0.4, True), (0.5, False), (1.2, False), (None, False)])
def test_a_limit_that_is_quiet_is_proven_by_what_is_usual(unusual: float | None, good: bool) -> None:
    figures: Figures = {("service_level_live", w): 0.4 for w in ("resolve", "5m")}
    figures |= {(m, w): 20.0 for m in ("outcomes", "service_sample") for w in ("resolve", "5m")}
    if unusual is not None:
        figures |= {("service_unusual", w): unusual for w in ("resolve", "5m")}
    found = outcome([QUIET], read(figures))
    assert found is not None
    assert found[0] == good
    assert ("as usual here" in found[1]) == good
    assert (refusal([QUIET], read(figures)) is None) == good
    told = outcome([SERVICE], read(figures))  # another rule of the same figure is not quiet
    assert told is not None
    assert not told[0]


def test_what_is_unusual_is_proven_by_its_own_figure() -> None:
    rule = RULE["offered-drop"]
    assert outcome([rule], read({("offered_drop", "resolve"): 0.5})) == (
        True,
        "unusually few offered 0.5 times the alarm limit",
    )
    assert outcome([rule], read({("offered_drop", "resolve"): 0.8})) == (
        False,
        "unusually few offered 0.8 times the alarm limit, where 0.5 is well",
    )
    assert outcome([rule], read({})) is None


@pytest.mark.parametrize(
    ("rules", "expected", "count"),
    [
        ([RULE["offered-drop"]], 12.7, 12),  # those that stay away speak
        ([RULE["offered-drop"], SILENCE], 12.7, 12),
        ([RULE["offered-drop"], SERVICE], 12.7, 2),  # of its few calls nothing could be said
        ([RULE["offered-drop"], RULE["service-unusual"]], 12.7, 2),
        ([RULE["offered-drop"]], None, 3),
        ([RULE["offered-surge"]], 12.7, 3),
        ([RULE["menu-unusual"]], 12.7, 3),
        ([UNREACHED], 12.7, 3),
        ([RULE["abandonment-unusual"]], 12.7, 2),
        ([], 12.7, 2),
    ],
)
def test_which_calls_speak(rules: list[Rule], expected: float | None, count: int) -> None:
    assert seen(rules, read({("arrivals", "resolve"): 3.0, ("outcomes", "resolve"): 2.0}), expected) == count


def test_calls_from_before_the_resolve_are_in_a_window_for_its_length() -> None:
    assert quiet_ms(RULE["offered-drop"]) == 30 * MIN
    assert quiet_ms(SILENCE) == 0
    assert quiet_ms(SERVICE) == 15 * MIN
