"""docs/RULES.md is the default rules, each with its reason."""

from __future__ import annotations

from alerts.defaults import default_rules, default_unit_rules
from alerts.rule_page import PAGE, WHY, rendered


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "python -m alerts.rule_page"


def test_every_rule_has_a_reason_and_no_reason_is_left_over() -> None:
    assert {rule.id for rule in (*default_rules(), *default_unit_rules())} == WHY.keys()
