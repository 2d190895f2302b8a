"""The rules that hold when the settings name none.

Each limit is where callers are harmed, each target where a tile turns yellow. Minimum samples keep the night quiet.
The rule ``unreached`` was set on five months of a bank's records (January to May 1999): with at least 20 arrivals in 15
minutes, more than 60 % of them leaving in the menu occurs about twice a month in its largest queue, mostly before the
agents begin, while on an ordinary afternoon at most a third leaves there; the fault of 3 February raises it at 13:00.
"""

from __future__ import annotations

from typing import Final

from models.catalogue import Rule

_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "unreached",
        "unreached_share",
        "15m",
        limit=0.6,
        target=0.4,
        below=False,
        severity=1,
        min_sample=20,
        recovery=0.2,
    ),
    Rule(
        "silence",
        "silence_ms",
        "now",
        limit=600_000,
        target=300_000,
        below=False,
        severity=1,
        min_sample=10,
        hold_ms=10_000,
        recovery=300_000,
    ),
    Rule(
        "service-level",
        "service_level_live",
        "15m",
        limit=0.6,
        target=0.8,
        below=True,
        severity=2,
        min_sample=10,
        recovery=0.1,
    ),
    Rule(
        "abandonment",
        "abandonment_rate",
        "15m",
        limit=0.15,
        target=0.08,
        below=False,
        severity=2,
        min_sample=10,
        recovery=0.03,
    ),
    Rule(
        "longest-wait",
        "longest_wait_ms",
        "now",
        limit=180_000,
        target=90_000,
        below=False,
        severity=3,
        hold_ms=10_000,
        recovery=60_000,
    ),
    Rule(
        "waiting-long",
        "waiting_past_threshold",
        "now",
        limit=5,
        target=2,
        below=False,
        severity=3,
        hold_ms=30_000,
        recovery=2,
    ),
)


def default_rules() -> tuple[Rule, ...]:
    """The six rules of the main job, in order of harm. Ids are permanent: they are part of an anomaly's identity."""
    return _RULES
