"""The log of a campaign, summed up: ``python -m tests.crash.summary LOG -o benchmarks/results/crash.md``."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from benchmarks import machine

COLUMNS = ("what", "points", "alone", "in a group", "duplicates dropped", "recovered after, s: median", "worst")


def summed(lines: list[dict[str, Any]], commit: str) -> str:
    """The page for the *lines* of a log (one per point and one per end of a run), made at *commit*."""
    points = [line for line in lines if line["point"] != "end"]
    ends = [line for line in lines if line["point"] == "end"]
    wrong = [line for line in lines if line["verdict"] != "exact"]
    first, last = min(line["at"] - line["seconds"] for line in lines), max(line["at"] for line in lines)
    found, again = (sum(line[name] for line in lines) for name in ("outputs", "duplicates"))
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for point in points:
        kinds[f"{point['kind']} {point['detail']}"].append(point)
    on, load = machine.machine(), machine.load()
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions().items())
    return "\n".join(
        [
            "# Crash harness",
            "",
            f"{len(points):,} disturbances in {len({line['run'] for line in lines})} runs (seed "
            f"{', '.join(map(str, sorted({line['seed'] for line in lines})))}; broker "
            f"{', '.join(sorted({line['broker'] for line in lines}))}), {sum(line['workers'] for line in lines):,} "
            f"workers started, {found:,} outputs, in {(last - first) / 60:.0f} minutes: "
            f"{len(points) - _n(wrong)} exact, **{_n(wrong)} wrong**. {len(ends)} runs reached their end; "
            f"{len(ends) - sum(map(_is_end, wrong))} of them said exactly what an uninterrupted run says.",
            "",
            "After each, every output on `intervals`, `anomalies`, `workorders`, `workorder-log`, `alerts` and "
            "`dead-letters` was held byte for byte, in order, against an actor that applies the same log in one go; "
            f"{again:,} were found twice, at a `pos` that a reader drops. Half of the logs have a tenth of their "
            "records in them twice. At the end of each run Valkey was held against a fresh projection.",
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|---|" + "---:|" * (len(COLUMNS) - 1),
            *(_row(kind, kinds[kind]) for kind in sorted(kinds)),
            _row("all", points),
            "",
            *(f"- run {line['run']}, point {line['point']}: {line['verdict'][:300]}" for line in wrong),
            *([""] if wrong else []),
            "*Recovered*: from the disturbance to the last output of what lay in the log, where that was waited for. "
            "It has the session timeout (3 s) in it in a group, and the load of the machine: several runs at a time "
            f"shared {on['cores']} cores.",
            "",
            f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
            f"{on['python']}; load over the last minute {load} at the end. Commit {commit}.",
            "",
            f"Versions: {versions}.",
            "",
            f'Again: `make crash ARGS="--crash-points {len(points)} --crash-seed {lines[0]["seed"]} --crash-log LOG"`.',
            "",
        ]
    )


def _is_end(line: dict[str, Any]) -> bool:
    return bool(line["point"] == "end")


def _n(wrong: list[dict[str, Any]]) -> int:
    return sum(not _is_end(line) for line in wrong)


def _row(kind: str, points: list[dict[str, Any]]) -> str:
    waited = sorted(point["recovered_s"] for point in points if point["recovered_s"] is not None)
    cells = (
        kind.replace(" at random", ", at a random time"),
        str(len(points)),
        str(sum(point["mode"] == "alone" for point in points)),
        str(sum(point["mode"] != "alone" for point in points)),
        str(sum(point["duplicates"] for point in points)),
        f"{waited[len(waited) // 2]:.1f}" if waited else "",
        f"{waited[-1]:.1f}" if waited else "",
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Read the log and write the page."""
    parser = argparse.ArgumentParser(description="Sums up the log of a crash campaign.")
    parser.add_argument("log", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--commit", default=machine.commit(), help="that the campaign ran on (default: this one)")
    given = parser.parse_args()
    lines = [orjson.loads(line) for line in given.log.read_bytes().splitlines()]
    given.output.write_text(summed(lines, given.commit), encoding="utf-8")


if __name__ == "__main__":
    main()
