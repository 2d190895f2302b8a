"""Orders and episodes beside the truth: what each rule found, how late, and what it called falsely."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from callwatch.backtest.happened import Episode, Happened, OrderSpan
from callwatch.backtest.truth import Trouble

Json = dict[str, Any]
WEEK_MS: Final = 7 * 86_400_000


def quantile(values: Sequence[float], share: float) -> float | None:
    """The *share* quantile of *values*, between the two nearest; None of nothing."""
    if not values:
        return None
    ranked, at = sorted(values), share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (at - low)


def delays(found: Iterable[float]) -> Json:
    """Median and 95th percentile of delays in ms, as seconds; None where nothing was found. Early ones are negative."""
    seconds = [ms / 1000 for ms in found]
    return {"median_s": quantile(seconds, 0.5), "p95_s": quantile(seconds, 0.95)}


def first_told(trouble: Trouble, episodes: Iterable[Episode], tail_ms: int) -> Episode | None:
    """The first episode of its queue that was told while the trouble, or the tail after it, lasted."""
    within = [
        one
        for one in episodes
        if one.queue == trouble.queue and trouble.start_ms <= one.told_ms <= trouble.end_ms + tail_ms
    ]
    return min(within, key=lambda one: one.told_ms, default=None)


def is_false(order: OrderSpan, troubles: Iterable[Trouble], tail_ms: int) -> bool:
    """Whether the time of *order* meets no trouble of its queue, nor the tail in which that recovers."""
    return not any(t.queue == order.queue and t.meets(order.raised_ms, order.until_ms, tail_ms) for t in troubles)


def score(
    happened: Happened, troubles: Sequence[Trouble] | None, rules: Sequence[str], queue_weeks: float, tail_ms: int
) -> Json:
    """Figures of each of *rules* and of all together. *troubles* None: the truth is not known."""
    return {
        "rules": [_of_rule(happened, rule, troubles, queue_weeks, tail_ms) for rule in rules],
        "all": _of(list(happened.episodes.values()), list(happened.orders.values()), troubles, queue_weeks, tail_ms),
        "troubles": None if troubles is None else [_of_trouble(t, happened, tail_ms) for t in troubles],
    }


def _of_rule(
    happened: Happened, rule: str, troubles: Sequence[Trouble] | None, queue_weeks: float, tail_ms: int
) -> Json:
    orders = [order for order in happened.orders.values() if order.rule == rule]
    return {"rule": rule, **_of(list(happened.of_rule(rule)), orders, troubles, queue_weeks, tail_ms)}


def _of(
    episodes: list[Episode],
    orders: list[OrderSpan],
    troubles: Sequence[Trouble] | None,
    queue_weeks: float,
    tail_ms: int,
) -> Json:
    out: Json = {"episodes": len(episodes), "kept_quiet": sum(one.planned is not None for one in episodes)}
    out |= {how: sum(one.how == how for one in episodes) for how in ("opened", "joined", "reopened")}
    out["orders"] = len(orders)
    if troubles is None:
        return out
    first = [(t, first_told(t, episodes, tail_ms)) for t in troubles]
    found = [(t, one) for t, one in first if one is not None]
    false = [order for order in orders if is_false(order, troubles, tail_ms)]
    return out | {
        "found": len(found),
        "of": len(troubles),
        "found_share": len(found) / len(troubles) if troubles else None,
        "delay": delays(one.told_ms - t.start_ms for t, one in found),
        "delay_from_five": delays(one.told_ms - t.five_ms for t, one in found if t.five_ms is not None),
        "false_orders": len(false),
        "false_per_queue_week": len(false) / queue_weeks if queue_weeks > 0 else None,
    }


def _of_trouble(trouble: Trouble, happened: Happened, tail_ms: int) -> Json:
    one = first_told(trouble, happened.episodes.values(), tail_ms)
    late = None if one is None else (one.told_ms - trouble.start_ms) / 1000
    late_five = None if one is None or trouble.five_ms is None else (one.told_ms - trouble.five_ms) / 1000
    by = {"rule": None if one is None else one.rule, "order": None if one is None else one.order}
    return {**asdict(trouble), **by, "delay_s": late, "delay_from_five_s": late_five}
