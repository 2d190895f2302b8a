"""The results of ``callwatch bench takeover`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

COLUMNS: Final = ("step", "workers", "longest dark, s", "restores", "longest restore, s")


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per step."""
    return [
        (
            step["step"],
            f"{step['workers'][0]} to {step['workers'][1]}",
            "(first start)" if n == 0 else f"{step['worst_s']:.1f}",
            str(step["restores"]),
            f"{step['restore_s']:.2f}",
        )
        for n, step in enumerate(results["steps"])
    ]


def table(results: dict[str, Any]) -> Table:
    """The results for a terminal."""
    out = Table(title=verdict(results))
    for name in COLUMNS:
        out.add_column(name, justify="left" if name == "step" else "right")
    for row in rows(results):
        out.add_row(*row)
    return out


def verdict(results: dict[str, Any]) -> str:
    """Whether the bound held, in one line."""
    worst = max(results["worst_s"].values(), default=0.0)
    held = "held" if results["held"] else "NOT held"
    return (
        f"Dark for {worst:.1f} s at most; bound {results['bound_s']:.1f} s = session timeout "
        f"{results['session_s']:g} s + meeting {results['meeting_s']:.1f} s + restore {results['restore_s']:.1f} s "
        f"+ 2 s between rows: {held}"
    )


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load = results["machine"], results["load_1m"]
    lines = [
        "# Takeover",
        "",
        f"Workers started, stopped in order and killed (-9) under {results['events_per_s']:,} events a second on "
        f"{results['queues']} queues and {results['partitions']} partitions, broker: {results['broker']}, heartbeat "
        f"{results['heartbeat_s']:g} s. A partition is dark for as long as the newest figures that a reader has of its "
        "queues are old; one to two seconds of that are the pace at which rows are written.",
        "",
        f"**{verdict(results)}.**",
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
        "Again: `callwatch bench takeover` (`--bootstrap host:port` for a broker that runs already).",
        "",
    ]
    return "\n".join(lines)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``takeover.json`` and ``takeover.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "takeover.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "takeover.md").write_text(markdown(results), encoding="utf-8")
