"""The default rules on what is unusual for a queue in this half-hour (docs/DETECT.md), beside the fixed limits.

Their figure is in limits: 1.0 is as rare as the alarm budget allows. An episode ends at half of that, so that it does
not come and go around the limit. Severity: 2 where callers cannot get to anybody (fewer come in than usual, more leave
in the menu, find no line, give up, or wait too long); 3 for a peak, which harms nobody as long as it is answered; 4, a
trend note, for what says nothing of harm by itself. Nobody getting through at all stays with ``unreached`` and
``silence``, severity 1.
"""

from __future__ import annotations

from typing import Final

from models.catalogue import Rule

#: (rule id, subject, severity).
_WATCHED: Final = (
    ("offered-drop", "offered_drop", 2),
    ("menu-unusual", "menu_unusual", 2),
    ("blocked-unusual", "blocked_unusual", 2),
    ("abandonment-unusual", "abandonment_unusual", 2),
    ("service-unusual", "service_unusual", 2),
    ("offered-surge", "offered_surge", 3),
    ("queued-unusual", "queued_unusual", 4),
    ("talk-unusual", "talk_unusual", 4),
    ("speed-unusual", "speed_unusual", 4),
    ("callback-unusual", "callback_unusual", 4),
)
#: What is judged every 5 s must be seen twice.
_HOLD_MS: Final = 10_000
_RULES: Final = tuple(
    Rule(rule, subject, "now", 1.0, 0.7, below=False, severity=severity, hold_ms=_HOLD_MS, recovery=0.5)
    for rule, subject, severity in _WATCHED
)


def habit_rules() -> tuple[Rule, ...]:
    """The rules, in order of harm. Ids are permanent: they are part of an anomaly's identity."""
    return _RULES
