"""The five real months for people: the incidents, every other order by its name, and one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

from benchmarks.detection.hindsight import NAMES

Json = dict[str, Any]
KNOWN: Final = ("what", "from", "to", "found by", "queue", "delay")
KINDS: Final = ("name", "orders", "a queue and week", "opened by", "what the records show")


def known(found: Json) -> list[tuple[str, ...]]:
    """A row for each incident."""
    return [
        (
            one["what"],
            one["from"],
            one["to"],
            one["rule"] or "NOT FOUND",
            one["queue"] or "-",
            "-" if one["delay_s"] is None else f"{one['delay_s'] / 60:.1f} min",
        )
        for one in found["incidents"]
    ]


def kinds(found: Json) -> list[tuple[str, ...]]:
    """Orders that met no known incident, by their name: how many, how often, and by which rules."""
    by_name: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for order in found["orders"]:
        by_name[order["name"]][order["rules"][0] if order["rules"] else "-"] += 1
    return [
        (
            name,
            str(rules.total()),
            f"{rules.total() / found['queue_weeks']:.2f}",
            ", ".join(f"{rule} {n}" for rule, n in rules.most_common()),
            NAMES[name],
        )
        for name, rules in by_name.items()
        if rules
    ]


def tables(found: Json) -> list[Table]:
    """For a terminal."""
    out = []
    for title, names, rows in (("Known incidents", KNOWN, known(found)), ("Other orders", KINDS, kinds(found))):
        table = Table(title=title)
        for name in names:
            table.add_column(name)
        for row in rows:
            table.add_row(*row)
        out.append(table)
    out[0].caption = found["acknowledgement"]
    return out


def markdown(found: Json) -> str:
    """The results as a page."""
    on, orders, weeks = found["machine"], found["orders"], found["queue_weeks"]
    false = sum(order["name"] == "nothing" for order in orders)
    lines = [
        "# Five real months",
        "",
        f"Data: {found['acknowledgement']}. {found['months']} months, the default rules, opening hours as in its "
        f"README, no holidays, nothing learned beforehand; a clock every {found['clock_s']:g} s.",
        "",
        f"{sum(one['found'] for one in found['incidents'])} of {len(found['incidents'])} known incidents found; "
        f"{len(orders)} orders that meet none of them in {weeks:.0f} queue-weeks ({len(orders) / weeks:.2f} a queue "
        f"and week). In {false} of these ({false / weeks:.2f}) the records show nothing that other weeks do not have.",
        "",
        *_grid(KNOWN, known(found)),
        "## Other orders",
        "",
        "Each was looked at from afterwards: the half-hour before it and the quarter of an hour behind it beside the "
        "same weekday and clock time of all other weeks (`benchmarks/detection/hindsight.py`).",
        "",
        *_grid(KINDS, kinds(found)),
        "## One by one",
        "",
        *map(_line, orders),
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, Python {on['python']}; {found['seconds']:.0f} s. "
        f"Commit {found['commit']}, {found['date']}. Again: `callwatch bench detection --real DIR`.",
        "",
    ]
    return "\n".join(lines)


def _line(order: Json) -> str:
    rules = ", ".join(order["rules"])
    return f"- {order['at']} {order['queue']}: {order['name']} ({order['because']}). [{rules}] {order['sentence']}"


def _grid(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(names) + " |",
        "|" + "---|" * len(names),
        *("| " + " | ".join(r) + " |" for r in rows),
        "",
    ]


def write(found: Json, folder: Path) -> None:
    """Write ``real_months.json`` and ``real_months.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "real_months.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "real_months.md").write_text(markdown(found), encoding="utf-8")
