"""The report of a backtest as JSON: what every rule said, and what it is worth where the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from callwatch.backtest.happened import Episode, OrderSpan
from callwatch.backtest.run import Outcome
from callwatch.backtest.score import WEEK_MS, is_false, score
from callwatch.backtest.truth import Trouble
from models.catalogue import Catalogue
from models.hours import local

Json = dict[str, Any]


def report(
    name: str, outcome: Outcome, catalogue: Catalogue, zone: ZoneInfo, troubles: Sequence[Trouble] | None, tail_ms: int
) -> Json:
    """All that is printed and drawn. *zone* is that of the times in words; *tail_ms* how long a recovery may take."""
    span_ms = max(outcome.last_ms - outcome.first_ms, 0)
    queue_weeks = len(outcome.queues) * span_ms / WEEK_MS
    happened = outcome.happened
    rules = [rule.id for rule in catalogue.rules]
    rules += sorted({one.rule for one in happened.episodes.values()} - set(rules))
    return {
        "recording": name,
        "zone": zone.key,
        "from": _at(zone, outcome.first_ms),
        "to": _at(zone, outcome.last_ms),
        "events": outcome.events,
        "queues": sorted(outcome.queues),
        "queue_weeks": queue_weeks,
        "tail_s": tail_ms / 1000,
        **score(happened, troubles, rules, queue_weeks, tail_ms),
        "orders": [_order(one, zone, troubles, tail_ms) for one in happened.orders.values()],
        "episodes": [_episode(one, zone) for one in happened.episodes.values()],
    }


def _order(order: OrderSpan, zone: ZoneInfo, troubles: Sequence[Trouble] | None, tail_ms: int) -> Json:
    false = None if troubles is None else is_false(order, troubles, tail_ms)
    return {
        **asdict(order),
        "raised": _at(zone, order.raised_ms),
        "until": None if order.until_ms is None else _at(zone, order.until_ms),
        "false": false,
    }


def _episode(episode: Episode, zone: ZoneInfo) -> Json:
    return {**asdict(episode), "told": _at(zone, episode.told_ms)}


def _at(zone: ZoneInfo, at_ms: int) -> str:
    return local(zone.key, at_ms).isoformat(timespec="seconds")
