"""The slow obvious version of ``alerts.rules.judge``: one dictionary a pair, the rules of its docstring one by one."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from models.catalogue import Rule


@dataclass
class Pair:
    """One (rule, queue) pair."""

    active: bool = False
    since: int | None = None  # first clock in breach, as usual or not
    usual: bool = False
    reported: bool = False  # that it is as usual
    way: str = ""  # "", "good" or "empty"
    way_since: int = 0
    told: float = 0.0
    told_at: int = 0
    quiet_until: int = 0


def step(
    pair: Pair,
    rule: Rule,
    now: int,
    value: float,
    sample: float | None,
    is_open: bool,
    waiting: float,
    unusual: float = nan,
    known: float = nan,
) -> str:
    """One clock of one pair; what happened, or nothing. *unusual*: how unusual it is here; NaN unknown. *known*: not
    NaN where the habit is."""
    if not is_open:
        return _closed(pair, waiting)
    place = _place(pair, rule, value, sample)
    if pair.active:
        return _active(pair, rule, now, value, place)
    if place in ("good", "between"):
        pair.quiet_until = 0
    if place != "breach" or now < pair.quiet_until:
        pair.since = None
        return ""
    twice = value <= rule.limit / 2 if rule.below else value >= 2 * rule.limit
    usual = rule.usual == "quiet" and unusual < (0.5 if twice else 0.85)
    if rule.metric == "longest_wait_ms" and rule.usual == "quiet" and isnan(unusual) and not isnan(known):
        usual = not twice  # too few calls to say
    if pair.since is None or usual != pair.usual:
        pair.since, pair.usual, pair.reported = now, usual, False
    if now - pair.since < rule.hold_ms:
        return ""
    if usual:
        first, pair.reported = not pair.reported, True
        return "AS_USUAL" if first else ""
    pair.active, pair.way, pair.told, pair.told_at = True, "", value, now
    return "START"


def _closed(pair: Pair, waiting: float) -> str:
    if pair.active and not waiting > 0:
        return _end(pair, "CLOSED")
    pair.way = ""
    if not pair.active:
        pair.since = None
    return ""


def _place(pair: Pair, rule: Rule, value: float, sample: float | None) -> str:
    windowed = rule.window != "now"
    if sample is not None and (windowed or not pair.active):
        if sample == 0:
            return "empty"
        if isnan(sample) or sample < rule.min_sample:
            return "unknown"
    if isnan(value):
        return "unknown"
    if value < rule.limit if rule.below else value > rule.limit:
        return "breach"
    good = value >= rule.limit + rule.recovery if rule.below else value <= rule.limit - rule.recovery
    return "good" if good else "between"


def _active(pair: Pair, rule: Rule, now: int, value: float, place: str) -> str:
    way = place if place in ("good", "empty") else ""
    if way != pair.way:
        pair.way, pair.way_since = way, now
    if way and now - pair.way_since >= rule.recover_hold_ms:
        return _end(pair, "RECOVERED" if way == "good" else "NO_CALLS")
    worse = pair.told - value if rule.below else value - pair.told
    if place == "breach" and worse > 0.2 * abs(rule.limit) and now - pair.told_at >= 60_000:
        pair.told, pair.told_at = value, now
        return "UPDATE"
    return ""


def _end(pair: Pair, how: str) -> str:
    pair.active, pair.since, pair.way = False, None, ""
    return how
