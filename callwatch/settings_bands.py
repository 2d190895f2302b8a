"""Service classes: ``[[service_class]]`` says how much of its capacity is best used, and the band that follows from it.

A band is two rules, since both sides are bad: trend notes, because neither says that callers are harmed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from callwatch.toml_table import Table
from models.catalogue import Rule

#: The figures that have a best value.
OF: Final = ("occupancy", "capacity_use", "effective_work_rate")
#: The default rules that hold for all others.
DEFAULTS: Final = ("occupancy-high", "occupancy-low")
#: 70 % is best by the source documents; from it to the end of the band, above and below, and to where tiles turn.
BEST, ABOVE, BELOW = 0.7, 0.25, 0.35
_TILE_ABOVE, _TILE_BELOW = 3 / 5, 3 / 7
_DIGITS: Final = 4
_HOLD_MS: Final = 600_000


def added(rules: tuple[Rule, ...], classes: list[Table]) -> tuple[Rule, ...]:
    """*rules* with the bands of *classes*; the default band leaves their queues out. The first class that has a queue
    has it."""
    patterns: list[str] = []
    found: list[Rule] = []
    for table in classes:
        name, pattern = table.string("name"), table.string("queues")
        ids = (f"{name}-use-high", f"{name}-use-low")
        if any(rule.id in ids for rule in (*rules, *found)):
            table.refuse("name", f"there is a rule {ids[0]} or {ids[1]} already: choose another name")
        found += _band(table, ids, pattern, tuple(patterns))
        patterns.append(pattern)
    kept = tuple(replace(rule, but=tuple(patterns)) if rule.id in DEFAULTS else rule for rule in rules)
    return kept + tuple(found)


def _band(table: Table, ids: tuple[str, str], pattern: str, but: tuple[str, ...]) -> list[Rule]:
    metric = table.choice("of", {name: name for name in OF}, OF[0])
    best = table.number("best", BEST, low=0.05, high=1.0)
    above, below = table.number("above", ABOVE, low=0.01, high=1.0), table.number("below", BELOW, low=0.01, high=1.0)
    high, low = round(best + above, _DIGITS), round(best - below, _DIGITS)
    if low <= 0.0 and high >= 1.0:
        table.refuse("best", "leaves no band: from 0 to 100 % nothing would lie outside it")
    tiles = round(best + _TILE_ABOVE * above, _DIGITS), round(best - _TILE_BELOW * below, _DIGITS)
    rules = []
    if high < 1.0 or metric == "capacity_use":  # the others end at 100 %
        rules.append(Rule(ids[0], metric, "30m", high, tiles[0], below=False))
    if low > 0.0:
        rules.append(Rule(ids[1], metric, "30m", low, tiles[1], below=True))
    return [
        replace(rule, severity=4, min_sample=20, hold_ms=_HOLD_MS, recovery=0.05, pattern=pattern, but=but)
        for rule in rules
    ]
