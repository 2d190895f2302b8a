"""What gates a fixed limit: the figure that says how unusual its metric is for the queue in this half-hour.

A rule with ``usual = "quiet"`` opens nothing while that figure is below `GATE`, or below `WELL` where the limit is
broken twice over. It is that of *now*, the most unusual
of the rolling windows and of the slide, so what is unusual in any of them lets the limit speak.
"""

from __future__ import annotations

from typing import Final

#: Nearly an alarm: a limit is broken and it is a very bad moment for this half-hour. Ordinary weeks have hours that are
#: half-way to one every other day.
GATE: Final = 0.85
#: Half-way to an alarm: what is nearer to what is usual is well enough for a proof, and what is not is told when the
#: limit is broken twice over. The worst days of five real months (two in five callers give up, hour after hour) were
#: hardly ever nearly an alarm, as the days before were nearly as bad.
WELL: Final = 0.5

#: Figures that one call makes: in a small queue there are hardly ever calls enough to say what is unusual.
OF_ONE_CALL: Final = frozenset({"longest_wait_ms"})
#: Defined where something is known of a queue's half-hour.
KNOWN: Final = ("service_level_expected", "30m")

_OF: Final = {
    "service_level": "service_unusual",
    "service_level_live": "service_unusual",
    "waiting_past_threshold": "service_unusual",
    "longest_wait_ms": "service_unusual",
    "wait_p50_ms": "speed_unusual",
    "wait_p95_ms": "speed_unusual",
    "speed_of_answer_ms": "speed_unusual",
    "abandonment_rate": "abandonment_unusual",
    "abandoned": "abandonment_unusual",
    "abandonment_rise": "abandonment_unusual",
    "answer_rate": "abandonment_unusual",
    "queued_share": "queued_unusual",
    "talk_ms": "talk_unusual",
    "handle_ms": "talk_unusual",
    "callbacks_failed": "callback_unusual",
    "ivr_abandoned": "menu_unusual",
    "blocked": "blocked_unusual",
}


def gate_of(metric: str) -> tuple[str, str] | None:
    """The figure (metric, window) that says whether *metric* is unusual, None where nothing is learned of it."""
    return (_OF[metric], "now") if metric in _OF else None
