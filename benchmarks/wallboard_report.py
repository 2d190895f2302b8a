"""The results of ``callwatch bench wallboard`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

COLUMNS: Final = (
    *("screens ask for", "frames", "began anew", "p50, ms", "p99, ms", "max, ms"),
    *("KiB/s a screen", "KiB a screen", "of a core"),
)


ASKS: Final = {"page": "what the page shows", "whole": "whole rows"}


def row(results: dict[str, Any], ask: str) -> tuple[str, ...]:
    """The results of screens that *ask* for that, as texts."""
    one = results[ask]
    return (
        ASKS[ask],
        f"{one['frames']:,}",
        str(one["resets"]),
        *(f"{one[name]:.0f}" for name in ("p50_ms", "p99_ms", "max_ms")),
        f"{one['bytes_per_screen_s'] / 1024:.0f}",
        f"{one['bytes_per_screen'] / 1024:.0f}",
        f"{one['core']:.2f}",
    )


def verdict(results: dict[str, Any]) -> str:
    """Whether the goal is met, in one line: soon, for all screens that read, and with nothing lost."""
    one = results["page"]
    held = one["p99_ms"] < results["goal_ms"] and not one["resets"] and one["frames"] >= one["frames_wanted"]
    return (
        f"p99 {one['p99_ms']:.0f} ms to {results['screens']:,} screens of {results['queues']} queues with one update a "
        f"second on one core, goal below {results['goal_ms']:.0f} ms: {'held' if held else 'NOT held'}"
    )


def table(results: dict[str, Any]) -> Table:
    """The results for a terminal."""
    out = Table(title=verdict(results))
    for name in COLUMNS:
        out.add_column(name, justify="left" if name == COLUMNS[0] else "right")
    for ask in ASKS:
        out.add_row(*row(results, ask))
    return out


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load = results["machine"], results["load_1m"]
    lines = [
        "# Wallboard",
        "",
        f"One wallboard process on one core, Valkey beside it; once a second the rows of {results['queues']} queues "
        f"are written as a worker's projector does, for {results['seconds']:g} s. Timed from there until a screen has "
        f"read its frame; all screens are read by one process, which shares the machine. {results['slow']} of the "
        "screens never read. Screens ask for the figures that the page shows; in a second run, on a new wallboard, for "
        "whole rows.",
        "",
        verdict(results) + ".",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---|" + "---:|" * (len(COLUMNS) - 1),
        *("| " + " | ".join(row(results, ask)) + " |" for ask in ASKS),
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        "Again: `callwatch bench wallboard`.",
        "",
    ]
    return "\n".join(lines)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``wallboard.json`` and ``wallboard.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wallboard.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "wallboard.md").write_text(markdown(results), encoding="utf-8")
