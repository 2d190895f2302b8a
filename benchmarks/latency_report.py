"""The results of ``callwatch bench latency`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

COLUMNS: Final = ("events/s", "reached", "by", "probes", "lost", "p50, ms", "p99, ms", "max, ms")


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """Two rows of texts per rate: breaches by an event, and by the passing of time."""
    return [
        (
            f"{at['rate']:,}",
            f"{at['reached_per_s']:,}",
            kind,
            *(f"{at[kind][name]:,}" for name in ("probes", "lost")),
            *(f"{at[kind][name]:.0f}" for name in ("p50_ms", "p99_ms", "max_ms")),
        )
        for at in results["rates"]
        for kind in ("event", "time")
    ]


def verdict(results: dict[str, Any]) -> str:
    """How far 10,000 events a second are from the goal, in one line."""
    at = next((one for one in results["rates"] if one["rate"] == 10_000), None)
    if at is None:
        return f"Goal: p99 below {results['goal_ms']:.0f} ms at 10,000 events a second (not measured here)"
    worst = max(at["event"]["p99_ms"], at["time"]["p99_ms"])
    held = "held" if worst < results["goal_ms"] and not at["event"]["lost"] + at["time"]["lost"] else "NOT held"
    return f"p99 {worst:.0f} ms at 10,000 events a second; goal below {results['goal_ms']:.0f} ms: {held}"


def table(results: dict[str, Any]) -> Table:
    """The results for a terminal."""
    out = Table(title=verdict(results))
    for name in COLUMNS:
        out.add_column(name, justify="left" if name == "by" else "right")
    for row in rows(results):
        out.add_row(*row)
    return out


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load = results["machine"], results["load_1m"]
    lines = [
        "# Latency",
        "",
        f"One worker with the clock of the wall (a record every 100 ms), {results['queues']} queues under load, "
        f"{results['partitions']} partitions, broker: {results['broker']}; load, broker, worker and reader share the "
        f"machine. {results['seconds']:g} s of probes at each rate, one every 0.1 s: *by event*, from handing it "
        "to a producer until a reader of `alerts` has the alert; *by time*, from when a wait passes its limit.",
        "",
        verdict(results) + ".",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---:|---:|---|" + "---:|" * (len(COLUMNS) - 3),
        *("| " + " | ".join(row) + " |" for row in rows(results)),
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        "Again: `callwatch bench latency` (`--bootstrap host:port` for a broker that runs already).",
        "",
    ]
    return "\n".join(lines)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``latency.json`` and ``latency.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latency.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "latency.md").write_text(markdown(results), encoding="utf-8")
