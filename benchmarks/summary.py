"""The README's table of figures, made from the results that are checked in: what was measured, and where we lose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks import (
    growth_report,
    latency_report,
    recovery_report,
    start_report,
    wallboard_report,
)
from models.errors import WorkError

BEGIN: Final = "<!-- made by `callwatch bench table` from benchmarks/results: begin -->"
END: Final = "<!-- end -->"
#: Benchmarks whose report says in a line how far it is from its goal.
VERDICTS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    "latency": latency_report.verdict,
    "growth": growth_report.verdict,
    "recovery": recovery_report.verdict,
    "wallboard": wallboard_report.verdict,
    "start": start_report.verdict,
}
#: Contenders of the throughput, as people know them.
NAMES: Final = {
    "callwatch": "Callwatch, the whole job: decode, windows, rules, orders, snapshots, figures",
    "librdkafka": "raw librdkafka, `consume(10000)` and `.value()`",
    "aiokafka": "raw aiokafka, `getmany`",
    "faust": "a plain Faust agent, an event at a time, dict counts",
}

Results = Mapping[str, dict[str, Any]]


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in *folder* by benchmark; those that are not there are left out. Raises WorkError without any."""
    names = ("throughput", *VERDICTS)
    found = {name: folder / f"{name}.json" for name in names}
    results = {name: orjson.loads(path.read_bytes()) for name, path in found.items() if path.exists()}
    if not results:
        raise WorkError(f"{folder} has no results: run callwatch bench throughput first.")
    return results


def section(results: Results) -> str:
    """The part of the README, markers included."""
    parts = [_throughput(results["throughput"])] if "throughput" in results else []
    if goals := [name for name in VERDICTS if name in results]:
        parts.append("\n".join(f"- {name}: {VERDICTS[name](results[name])}" for name in goals))
    parts.append("Where we lose: " + ("; ".join(losses(results)) or "nowhere that is measured here") + ".")
    if missing := [f"`{name}`" for name in ("throughput", *VERDICTS) if name not in results]:
        parts.append(f"Not measured on a quiet machine yet (`callwatch bench NAME`): {', '.join(missing)}.")
    return "\n\n".join([BEGIN, *parts, END])


def losses(results: Results) -> list[str]:
    """Who is faster than we are, and which goals are not met."""
    found = []
    for codec, one in _codecs(results.get("throughput", {})):
        for name, ratio in one["ratios"].items():
            if ratio < 1.0:
                found.append(f"{ratio:.2f} x the events/s of {name.partition('/')[2]}{codec}")
    for name, verdict in VERDICTS.items():
        if name in results and "NOT held" in verdict(results[name]):
            found.append(f"the goal of {name}")
    return found


def update(readme: str, results: Results) -> str:
    """*readme* with the section made anew. Raises WorkError when its markers are not there."""
    before, begun, rest = readme.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise WorkError(f"README.md has no lines '{BEGIN}' and '{END}' for the table to stand between.")
    return before + section(results) + after


def _codecs(throughput: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What was measured with each compression, the words for it first."""
    found = [("", throughput)] if throughput else []
    return found + [(f" ({codec})", one) for codec, one in throughput.get("codecs", {}).items()]


def _throughput(results: Mapping[str, Any]) -> str:
    lines = ["| | events/s | Callwatch is |", "|---|---:|---:|"]
    for codec, one in _codecs(results):
        for name in NAMES:
            if name in one["contenders"]:
                ratio = one["ratios"].get(f"callwatch/{name}")
                told = "" if ratio is None else f"{ratio:.{2 if ratio < 10 else 1}f} x"
                lines.append(f"| {NAMES[name]}{codec} | {one['contenders'][name]['events_per_s']:,} | {told} |")
    for workers, one in results.get("workers", {}).items():
        lines.append(f"| {workers} workers together | {one['events_per_s']:,} | {one['ratio']:.2f} x one worker |")
    on = results["machine"]
    told = f"{results['events']:,} events, {results['queues']} queues, {on['cores']} cores of {on['cpu']}"
    return "\n".join([*lines, "", f"{told}, commit {results['commit']}."])
