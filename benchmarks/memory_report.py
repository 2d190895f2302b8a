"""The results of ``callwatch bench memory`` for people: a table for the terminal, a page with the curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

#: Column of the page and the terminal: key of a day, heading.
COLUMNS: Final = (
    ("day", "day"),
    ("rss_mib", "resident MiB"),
    ("objects", "Python objects"),
    ("calls_kept", "calls and agents kept"),
    ("pools_mib", "arrays MiB"),
    ("rows", "interval rows"),
    ("snapshot_kib", "snapshot KiB"),
    ("open_orders", "open orders"),
    ("events", "events so far"),
    ("outputs", "outputs so far"),
)


def rows(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of texts per day."""
    return [tuple(_text(day[key]) for key, _ in COLUMNS) for day in results["days"]]


def _text(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def table(results: dict[str, Any]) -> Table:
    """The results for a terminal: the first day, then every third, and the last."""
    out = Table(title=f"Memory over {results['shape']['days']} simulated days")
    for _, heading in COLUMNS:
        out.add_column(heading, justify="right")
    all_rows = rows(results)
    for number, row in enumerate(all_rows):
        if number % 3 == 0 or number == len(all_rows) - 1:
            out.add_row(*row)
    out.caption = verdict(results)
    return out


def verdict(results: dict[str, Any]) -> str:
    """Whether it is flat, in a sentence."""
    if len(results["days"]) - results["warm_up_days"] < 3:
        return "Too few days to tell a slope."
    if results["leaks"]:
        return f"Not flat: {'; '.join(results['leaks'])}."
    worst = max(results["percent_a_day"].items(), key=lambda item: item[1])
    return (
        f"Flat: after the first {results['warm_up_days']} days nothing grows by more than "
        f"{results['limit_percent_a_day']:g} % a day (the most: {worst[0]}, {worst[1]:+.2f} %)."
    )


def chart(results: dict[str, Any], key: str, title: str, unit: str) -> list[str]:
    """A Mermaid chart of one column over the days."""
    days = results["days"]
    top = max(1, round(1.2 * max(day[key] for day in days)))
    return [
        "```mermaid",
        "xychart-beta",
        f'  title "{title}"',
        f'  x-axis "simulated day" 1 --> {max(2, len(days))}',
        f'  y-axis "{unit}" 0 --> {top}',
        f"  line [{', '.join(f'{day[key]:g}' for day in days)}]",
        "```",
        "",
    ]


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    on, load, shape = results["machine"], results["load_1m"], results["shape"]
    last = results["days"][-1]
    lines = [
        "# Memory over a simulated month",
        "",
        verdict(results),
        "",
        f"{shape['days']} days of {shape['queues']} queues on {shape['partitions']} partitions (seed {shape['seed']}) "
        f"went through in {last['seconds']:,.0f} s: {last['events']:,.0f} events and a clock every "
        f"{shape['clock_ms'] // 1000} s of stream time. Three days were simulated (a Monday, a Wednesday, a Saturday, "
        "each with its incidents) and their times shifted by whole days; calls and ids are new on each day. On the "
        "way some events were lost (so that calls are lost track of), sent twice, late, far too late, cut off, or put "
        "into the wrong partition; orders that opened were acknowledged, analysed and resolved.",
        "",
        *chart(results, "rss_mib", "Resident memory of the process", "MiB"),
        *chart(results, "objects", "Python objects at midnight", "objects"),
        *chart(results, "calls_kept", "Calls and agents kept, most of the day", "slots"),
        "| " + " | ".join(heading for _, heading in COLUMNS) + " |",
        "|" + "---:|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows(results)),
        "",
        "Slopes in percent a day after the warm-up (median of all slopes between two days): "
        + ", ".join(f"{name} {slope:+.3f}" for name, slope in results["percent_a_day"].items())
        + ".",
        "",
        "One process without a broker holds what a worker holds: the actors, their rounds of snapshots every half "
        "hour of stream time, the rows for readers. Resident memory, calls and arrays are the most of the day, "
        "looked at every hour; objects and the size of a snapshot of everything are counted at midnight. A "
        "snapshot grows a little until each partition remembers the ids of 512 commands (26 KiB in all).",
        "",
        *_stack(results.get("stack")),
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after. "
        f"Commit {results['commit']}, {results['date']}.",
        "",
        "Again: `callwatch bench memory`. It exits with 1 when something is not flat.",
        "",
    ]
    return "\n".join(lines)


def _stack(found: dict[str, Any] | None) -> list[str]:
    """The part about the running servers."""
    if not found:
        return []
    names = ("worker", "wallboard", "valkey", "broker")
    return [
        "## The servers",
        "",
        f"The same log, its first {len(found['days'])} days, flat out through the embedded broker, a worker with the "
        "projector, Valkey and a wallboard with two screens, of which one never reads. Resident MiB after each day:",
        "",
        f"| day | events so far | seconds | {' | '.join(names)} |",
        "|" + "---:|" * (3 + len(names)),
        *(
            f"| {n} | {day['events']:,.0f} | {day['seconds']:,.0f} | {' | '.join(_text(day[name]) for name in names)} |"
            for n, day in enumerate(found["days"], 1)
        ),
        "",
        "The embedded broker keeps its log in memory and never shrinks; Apache Kafka does not.",
        "",
    ]


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``memory.json`` and ``memory.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "memory.md").write_text(markdown(results), encoding="utf-8")
