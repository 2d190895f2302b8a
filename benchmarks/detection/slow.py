"""What lasts for days: level shifts, drifts, holidays. Each queue has one of them, the rest of its life is ordinary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, get_args, get_type_hints

from benchmarks.detection import ours
from benchmarks.detection.shape import OPENS_S, Line, day_ms
from benchmarks.detection.trouble import Slow
from models.catalogue import Rule

Json = dict[str, Any]
KINDS: Final = get_args(get_type_hints(Slow)["kind"])


def slow_life(
    lines: Sequence[Line], learning: range, testing: range, rules: tuple[Rule, ...], say: Callable[[str], None]
) -> list[Json]:
    """For each queue: what happened to it, when the first order told of it, how many orders came until the end."""
    slow = {line.name: Slow(KINDS[n % len(KINDS)], testing[0] + 2 + n % 3) for n, line in enumerate(lines)}
    off = {queue: one.day for queue, one in slow.items() if one.kind == "holiday"}
    run = ours.fresh(ours.catalogue(lines, rules, off))
    ours.live_weeks(
        run, lines, range(learning.start, testing.stop), ours.ORDINARY_CLOCK_MS, {}, lambda t: say(f"slow: {t}"), slow
    )
    out = []
    for line in lines:
        one = slow[line.name]
        began_ms, until_ms = day_ms(one.day) + OPENS_S * 1000, day_ms(testing[-1] + 1)
        orders = [order for order in ours.orders_between(run.happened, began_ms, until_ms) if order.queue == line.name]
        first = min(orders, key=lambda order: order.raised_ms, default=None)
        out.append(
            {
                "queue": line.name,
                "size": line.size,
                "kind": one.kind,
                "days": testing.stop - one.day,
                "orders": len(orders),
                "first_after_h": None if first is None else (first.raised_ms - began_ms) / 3_600_000,
                "rules": sorted({rule for order in orders for rule in order.rules}),
                "sentence": None if first is None else first.sentence,
            }
        )
    return out
