"""The results of ``callwatch bench recovery`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

COLUMNS: Final = ("queues", "dark, s", "beyond the session timeout, s", "longest restore, s")


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per size."""
    return [
        (f"{one['queues']:,}", *(f"{one[name]:.2f}" for name in ("dark_s", "beyond_s", "restore_s")))
        for one in results["sizes"]
    ]


def verdict(results: dict[str, Any]) -> str:
    """Whether the largest size meets the goal, in one line."""
    last = results["sizes"][-1]
    held = "held" if last["beyond_s"] < results["goal_s"] else "NOT held"
    return (
        f"{last['beyond_s']:.1f} s beyond the session timeout of {results['session_s']:g} s at {last['queues']:,} "
        f"queues, goal below {results['goal_s']:g} s: {held}"
    )


def table(results: dict[str, Any]) -> Table:
    """The results for a terminal."""
    out = Table(title=verdict(results))
    for name in COLUMNS:
        out.add_column(name, justify="right")
    for row in rows(results):
        out.add_row(*row)
    return out


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load = results["machine"], results["load_1m"]
    lines = [
        "# Recovery",
        "",
        f"Two workers on {results['partitions']} partitions under {results['events_per_s']:,} events a second, broker: "
        f"{results['broker']}; one is killed (-9). Dark: how old the newest figures became that a reader has of the "
        "dead one's queues, the pace of the rows (one to two seconds) included.",
        "",
        verdict(results) + ".",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---:|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows(results)),
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        "Again: `callwatch bench recovery` (`--bootstrap host:port` for a broker that runs already).",
        "",
    ]
    return "\n".join(lines)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``recovery.json`` and ``recovery.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recovery.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "recovery.md").write_text(markdown(results), encoding="utf-8")
