"""The rules that hold when the settings name none.

Each limit is where callers are harmed, each target where a tile turns yellow. Minimum samples keep the night quiet.
The rule ``unreached`` was set on five months of a bank's records (January to May 1999): with at least 20 arrivals in 15
minutes, more than 60 % of them leaving in the menu occurs about twice a month in its largest queue, mostly before the
agents begin, while on an ordinary afternoon at most a third leaves there; the fault of 3 February raises it at 13:00.

What says nothing of harm (occupancy, talk time, queued share) is a trend note by default (severity 4): the 70 % of the
source documents are a figure of service management at large, and large groups run higher at the same service level.
``docs/RULES.md`` lists every rule with its reason; a test holds that page to this file.
"""

from __future__ import annotations

from typing import Final

from alerts.habit_rules import habit_rules
from models.catalogue import Rule

_MIN: Final = 60_000
_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "outage",
        "since_connected_ms",
        "now",
        limit=300_000,
        target=120_000,
        below=False,
        severity=1,
        min_sample=10,
        hold_ms=2 * _MIN,
        recovery=180_000,
    ),
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
        usual="quiet",
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
        usual="quiet",
    ),
    Rule(
        "sign-in",
        "login_failures",
        "15m",
        limit=10,
        target=5,
        below=False,
        severity=2,
        recovery=5,
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
        usual="quiet",
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
        usual="quiet",
    ),
    Rule(
        "agents-short",
        "capacity_use",
        "30m",
        limit=1.25,
        target=1.0,
        below=False,
        severity=3,
        min_sample=30,
        hold_ms=5 * _MIN,
        recovery=0.15,
    ),
    Rule(
        "channel-apart",
        "channel_apart",
        "30m",
        limit=1.0,
        target=0.7,
        below=False,
        severity=3,
        recovery=0.5,
    ),
    Rule(
        "line-apart",
        "line_apart",
        "30m",
        limit=1.0,
        target=0.7,
        below=False,
        severity=3,
        recovery=0.5,
    ),
    Rule(
        "abandonment-rise",
        "abandonment_rise",
        "5m",
        limit=1.0,
        target=0.7,
        below=False,
        severity=3,
        recovery=0.5,
    ),
    Rule(
        "occupancy-high",
        "occupancy",
        "30m",
        limit=0.95,
        target=0.85,
        below=False,
        severity=4,
        min_sample=20,
        hold_ms=10 * _MIN,
        recovery=0.05,
    ),
    Rule(
        "occupancy-low",
        "occupancy",
        "30m",
        limit=0.35,
        target=0.55,
        below=True,
        severity=4,
        min_sample=20,
        hold_ms=10 * _MIN,
        recovery=0.05,
    ),
    Rule(
        "talk-long",
        "talk_ms",
        "30m",
        limit=900_000,
        target=600_000,
        below=False,
        severity=4,
        min_sample=20,
        recovery=60_000,
    ),
    Rule(
        "talk-short",
        "talk_ms",
        "15m",
        limit=15_000,
        target=25_000,
        below=True,
        severity=3,
        min_sample=20,
        recovery=5_000,
    ),
    Rule(
        "slow-answer",
        "speed_of_answer_ms",
        "15m",
        limit=120_000,
        target=60_000,
        below=False,
        severity=3,
        min_sample=10,
        recovery=20_000,
        usual="quiet",
    ),
    Rule(
        "queued",
        "queued_share",
        "30m",
        limit=0.9,
        target=0.7,
        below=False,
        severity=4,
        min_sample=20,
        recovery=0.1,
    ),
)

_OF_THE_WHOLE: Final[tuple[Rule, ...]] = (
    Rule(
        "source-dead",
        "sources_dead",
        "now",
        limit=0,
        target=0,
        below=False,
        pattern="[*]",
        severity=2,
        hold_ms=10_000,
        recovery=0,
        recover_hold_ms=_MIN,
        of="units",
    ),
    Rule(
        "source-late",
        "sources_late",
        "now",
        limit=0,
        target=0,
        below=False,
        pattern="[*]",
        severity=3,
        hold_ms=_MIN,
        of="units",
    ),
    Rule(
        "source-ahead",
        "sources_ahead",
        "now",
        limit=0,
        target=0,
        below=False,
        pattern="[*]",
        severity=3,
        hold_ms=_MIN,
        of="units",
    ),
    Rule(
        "bad-data",
        "bad_data_share",
        "15m",
        limit=0.01,
        target=0.002,
        below=False,
        pattern="[*]",
        severity=3,
        min_sample=500,
        recovery=0.005,
        of="units",
    ),
    Rule(
        "member-apart",
        "member_apart",
        "30m",
        limit=1.0,
        target=0.7,
        below=False,
        pattern="*",
        severity=4,
        recovery=0.5,
        of="units",
    ),
)


def default_rules() -> tuple[Rule, ...]:
    """The rules for queues, in order of harm. Ids are permanent: they are part of an anomaly's identity."""
    return _RULES + habit_rules()


def default_unit_rules() -> tuple[Rule, ...]:
    """The rules for units: of the data of the whole, and, as a trend note, of members served worse than their like:
    the harm of it has its order in the member itself.

    No other: one fault would open an order for its queue, its site, its region and everything.
    """
    return _OF_THE_WHOLE
