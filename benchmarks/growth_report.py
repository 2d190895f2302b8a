"""The results of ``callwatch bench growth`` for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

COLUMNS: Final = ("queues", "waiting", "partitions", "event, us", "clock, ms", "quiet queue, KiB", "process, MiB")


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per size."""
    return [
        (
            f"{one['queues']:,}",
            f"{one['waiting']:,}",
            str(one["partitions"]),
            f"{one['event_us']:.2f}",
            f"{one['clock_ms']:.2f}",
            f"{one['quiet_bytes'] / one['queues'] / 1024:.1f}" if one["queues"] >= 1_000 else "",
            f"{one['peak_bytes'] / 2**20:,.0f}",
        )
        for one in results["cases"]
    ]


def verdict(results: dict[str, Any]) -> str:
    """How far it is from the goals, in one line."""
    flat = results["event_ratio"] <= 1 + results["goal"]["event"]
    small = results["quiet_bytes"] <= results["goal"]["bytes"]
    return (
        f"Time per event {results['event_ratio']:.2f} x from the cheapest to the dearest size (slope "
        f"{results['event_slope']:.2f}), goal 1.10 x: {'held' if flat else 'NOT held'}; a quiet queue "
        f"{results['quiet_bytes'] / 1024:.1f} KiB, goal 16: {'held' if small else 'NOT held'}"
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
        "# Growth",
        "",
        f"The actors of a worker, without a broker, one process for each size; {results['events']:,} events, best of "
        f"{results['runs']} runs. Every queue has had a call, and was quiet for half an hour before its memory was "
        "read; the clocks are a minute of ten a second in which nothing happens.",
        "",
        verdict(results) + ".",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---:|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows(results)),
        "",
        "![Time per event and per clock by the number of queues](growth.svg)",
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        "Again: `callwatch bench growth`.",
        "",
    ]
    return "\n".join(lines)


def plot(results: dict[str, Any]) -> bytes:
    """Time per event and per clock by the number of queues, both axes logarithmic, as SVG."""
    import math

    import pygal

    sizes = [one for one in results["cases"] if not one["waiting"]]
    chart = pygal.XY(
        title="By the number of queues", x_title="queues", show_legend=True, width=720, height=360, js=[],
        x_value_formatter=lambda x: f"{10**x:,.0f}", value_formatter=lambda y: f"{10**y:,.3g}",
    )  # fmt: skip
    for name, key in (("event, us", "event_us"), ("clock, ms", "clock_ms")):
        chart.add(name, [(math.log10(one["queues"]), math.log10(max(one[key], 1e-3))) for one in sizes])
    return bytes(chart.render())


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``growth.json``, ``growth.md`` and ``growth.svg`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "growth.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "growth.md").write_text(markdown(results), encoding="utf-8")
    (folder / "growth.svg").write_bytes(plot(results))
