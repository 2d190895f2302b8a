"""What proves an order: figures since its resolve."""

from __future__ import annotations

import pytest

from alerts.defaults import default_rules
from alerts.verification import outcome


@pytest.mark.parametrize(
    ("present", "proven"),
    [(None, (True, "no figure left to judge")), (0.0, (True, "no figure left to judge")), (1.5, None)],
)
def test_a_comparison_that_was_over_before_a_verification_began_needs_no_calls(
    present: float | None, proven: tuple[bool, str] | None
) -> None:
    """Else such an order would be verifying for ever, and its queue would learn nothing any more."""
    rule = next(rule for rule in default_rules() if rule.metric == "abandonment_rise")

    def read(metric: str, window: str) -> float | None:
        return present if (metric, window) == (rule.metric, rule.window) else None

    assert outcome([rule], read) == proven
