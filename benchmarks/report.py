"""Results for people: a table for the terminal, Markdown beside the JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

COLUMNS = ("contender", "events", "seconds", "events/s", "CPU s", "callwatch is")
WORKER_COLUMNS = ("workers", "events/s", "to the fewest")

WORKERS = (
    "Several workers on one log (uncompressed), each with some of the partitions, from when every one of them has any; "
    "broker and workers share the cores"
)


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per contender, the fastest first."""
    found = sorted(results["contenders"].items(), key=lambda item: -item[1]["events_per_s"])
    return [
        (
            name,
            f"{one['events']:,}",
            f"{one['seconds']:.2f}",
            f"{one['events_per_s']:,}",
            f"{one['cpu_s']:.2f}",
            "" if name == "callwatch" else f"{results['ratios'][f'callwatch/{name}']:.2f} x",
        )
        for name, one in found
    ]


def worker_rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per number of workers on one log; none where that was not measured."""
    return [(n, f"{one['events_per_s']:,}", f"{one['ratio']:.2f} x") for n, one in results.get("workers", {}).items()]


def tables(results: dict[str, Any]) -> list[Table]:
    """The results for a terminal: each compression, then several workers."""
    found = []
    for codec, one in _codecs(results):
        title = f"Events a second: {results['events']:,} events, {results['queues']} queues, compression: {codec}"
        found.append(_table(title, COLUMNS, rows(one)))
    if several := worker_rows(results):
        found.append(_table("Workers on one log", WORKER_COLUMNS, several))
    return found


def _codecs(results: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(results.get("codec", "none"), results), *results.get("codecs", {}).items()]


def _table(title: str, columns: tuple[str, ...], told: list[tuple[str, ...]]) -> Table:
    out = Table(title=title)
    for at, name in enumerate(columns):
        out.add_column(name, justify="right" if at else "left")
    for row in told:
        out.add_row(*row)
    return out


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load = results["machine"], results["load_1m"]
    lines = [
        "# Throughput",
        "",
        f"{results['events']:,} events of about 160 bytes on {results['queues']} queues and {results['partitions']} "
        f"partitions (seed {results['seed']}), preloaded on the embedded broker. Each contender is a process of its "
        f"own, one after the other on the same topic; {_rounds(results['runs'])}.",
        "",
        *(line for codec, one in _codecs(results) for line in _grid(f"Compression: {codec}", COLUMNS, rows(one))),
        *(_grid(WORKERS, WORKER_COLUMNS, worker_rows(results)) if results.get("workers") else []),
        *(f"- {name}: {one['how']}." for name, one in results["contenders"].items()),
        "",
        "Timed: raw consumers from the assignment of the partitions to the last record; plain Faust from the first "
        "event its agent is handed to the last (it is given the first events only); callwatch from the last "
        "partition's restore to the last batch's outputs and a last round of snapshots confirmed. Not timed: process "
        "start, joining the group, loading kernels. CPU is that of the contender's process alone; the broker shares "
        "the machine. Callwatch's interval rows were held against what was produced, queue by queue.",
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        "Again: `callwatch bench throughput`. The ratios hold, the absolute numbers are this machine's.",
        "",
    ]
    return "\n".join(lines)


def _grid(title: str, columns: tuple[str, ...], told: list[tuple[str, ...]]) -> list[str]:
    lines = [f"{title}.", "", "| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in told), ""]


def _rounds(runs: int) -> str:
    return "one round" if runs == 1 else f"{runs} rounds, of which each contender's median counts"


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``throughput.json`` and ``throughput.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "throughput.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "throughput.md").write_text(markdown(results), encoding="utf-8")
