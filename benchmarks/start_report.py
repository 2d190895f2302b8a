"""The results of ``callwatch bench start`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

COLUMNS: Final = ("launch", "ready, s", "CPU of it, s", "watches, s")


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per launch, then the medians."""
    named = [*((str(n), one) for n, one in enumerate(results["launches"], 1)), ("median", results)]
    return [(name, *(f"{one[key]:.2f}" for key in ("ready_s", "cpu_s", "watches_s"))) for name, one in named]


def verdict(results: dict[str, Any]) -> str:
    """Whether the slowest launch meets the goal, in one line."""
    held = "held" if results["worst_s"] < results["goal_s"] else "NOT held"
    return f"a worker is ready {results['worst_s']:.1f} s after its launch, goal below {results['goal_s']:g} s: {held}"


def table(results: dict[str, Any]) -> Table:
    """The results for a terminal."""
    out = Table(title=verdict(results))
    for name in COLUMNS:
        out.add_column(name, justify="left" if name == COLUMNS[0] else "right")
    for row in rows(results):
        out.add_row(*row)
    return out


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load = results["machine"], results["load_1m"]
    lines = [
        "# Start",
        "",
        f"`callwatch worker` launched {len(results['launches'])} times, one after the other, on "
        f"{results['partitions']} empty partitions, broker: {results['broker']}. Ready: everything is "
        "imported, the kernels (compiled by an earlier launch) are loaded and ran once, the topics are there. "
        "Watches: it has joined the group, which waits for others first, and restored its partitions.",
        "",
        verdict(results) + ".",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---|" + "---:|" * (len(COLUMNS) - 1),
        *("| " + " | ".join(row) + " |" for row in rows(results)),
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        "Again: `callwatch bench start`.",
        "",
    ]
    return "\n".join(lines)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``start.json`` and ``start.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "start.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "start.md").write_text(markdown(results), encoding="utf-8")
