"""Rules on figures that have not every window are verified in their own."""

from __future__ import annotations

from alerts.verification import outcome, refusal
from models.catalogue import Rule
from models.metric import figure


def rule(metric: str, window: str, limit: float) -> Rule:
    return Rule(id="r", metric=metric, window=window, limit=limit, target=limit, below=False)


class Figures:
    """One value for every figure; asking for one that does not exist is an error, as in a worker."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __call__(self, metric: str, window: str) -> float | None:
        figure(metric, window)
        return None if metric == "waiting_past_threshold" else self._value


def test_a_figure_of_the_day_and_one_of_agents() -> None:
    rules = [rule("lost_callers", "day", 5), rule("occupancy", "15m", 5), rule("line_report_abandoned", "30m", 5)]
    for one in rules:
        refused = refusal([one], Figures(6))
        assert refused is not None
        assert refused.reason == "still_in_breach"
        assert refusal([one], Figures(4)) is None
    assert outcome(rules, Figures(4))[0]  # type: ignore[index]
    assert not outcome(rules, Figures(6))[0]  # type: ignore[index]


def test_words_name_the_window_that_was_judged() -> None:
    assert "today" in refusal([rule("lost_callers", "day", 5)], Figures(6)).text  # type: ignore[union-attr]
    assert "over the last 5 minutes" in refusal([rule("abandoned", "30m", 5)], Figures(6)).text  # type: ignore[union-attr]
