"""The report of a backtest for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

Json = dict[str, Any]
#: Orders that are listed; all are in the JSON.
SHOWN: Final = 40


def tables(found: Json) -> Iterator[Table]:
    """Rules first, then what is known to have happened."""
    yield _rules(found)
    if found["troubles"]:
        yield _troubles(found)


def _rules(found: Json) -> Table:
    known = found["troubles"] is not None
    out = Table(title=f"{found['recording']}: {found['from']} to {found['to']}, {found['queue_weeks']:.2f} queue-weeks")
    out.add_column("rule", no_wrap=True)
    heads = ["episodes", "opened", "joined", "reopened"]
    if known:
        heads += ["found", "delay, median", "95 %", "from 5 lost", "false orders", "a queue and week"]
    for name in heads:
        out.add_column(name, justify="right", no_wrap=True)
    for row in [*found["rules"], {"rule": "all", **found["all"]}]:
        if not row["episodes"] and not row["orders"]:
            continue
        cells = [row["rule"], *(str(row[name]) for name in ("episodes", "opened", "joined", "reopened"))]
        if known:
            cells += [
                f"{row['found']} of {row['of']}",
                _seconds(row["delay"]["median_s"]),
                _seconds(row["delay"]["p95_s"]),
                _seconds(row["delay_from_five"]["median_s"]),
                str(row["false_orders"]),
                "-" if row["false_per_queue_week"] is None else f"{row['false_per_queue_week']:.2f}",
            ]
        out.add_row(*cells)
    out.caption = found.get("acknowledgement")
    return out


def _troubles(found: Json) -> Table:
    out = Table(title="What is known to have happened")
    for name in ("queue", "what", "found by", "order"):
        out.add_column(name, no_wrap=True)
    out.add_column("delay", justify="right")
    for one in found["troubles"]:
        what, by = f"{one['kind']} {one['size']:g}", one["rule"] or "not found"
        out.add_row(one["queue"], what, by, one["order"] or "-", _seconds(one["delay_s"]))
    return out


def orders(found: Json) -> Iterator[str]:
    """A line for each order: when, where, by which rules, why."""
    yield f"Orders: {len(found['orders'])}"
    for order in found["orders"][:SHOWN]:
        until = "open at the end" if order["until"] is None else f"to {order['until'][:19]}"
        rules = ", ".join(order["rules"]) + (" (false)" if order["false"] else "")
        yield f"{order['raised'][:19]} {until} {order['queue']} [{rules}] {order['sentence']}"
    if len(found["orders"]) > SHOWN:
        yield f"and {len(found['orders']) - SHOWN} more: --json has all"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
