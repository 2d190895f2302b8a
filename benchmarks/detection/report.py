"""The results of ``callwatch bench detection`` for people: tables for the terminal, a page with what was not met."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

from benchmarks.detection.suite import OURS, summary
from benchmarks.detection.trouble import NAMES, SLOW_NAMES

Json = dict[str, Any]
#: The goals: all of this size and above found, median delay, false orders a queue and week.
GRAVE: Final = 0.5
DELAY_S: Final = 180.0
FALSE_A_WEEK: Final = 1.0
#: Cases not found that are named one by one.
NAMED: Final = 40


def contenders(results: Json) -> list[str]:
    """Ours first, then the others."""
    return list(results["false_per_queue_week"])


def grave(results: Json) -> list[Json]:
    """Cases of 50 and 100 %."""
    return [row for row in results["cases"] if row["share"] >= GRAVE]


def overall(results: Json) -> list[tuple[str, ...]]:
    """A row for each contender."""
    out: list[tuple[str, ...]] = []
    for name in contenders(results):
        large, all_sizes = summary(grave(results), name), summary(results["cases"], name)
        false = results["false_per_queue_week"][name]
        out.append((name, _hits(large), _s(large["median_s"]), _s(large["p95_s"]), _hits(all_sizes), f"{false:.2f}"))
    return out


OVERALL: Final = ("", "50 and 100 % found", "delay, median", "95 %", "all sizes found", "false orders a queue-week")


def by_kind(results: Json) -> list[tuple[str, ...]]:
    """A row for each kind and size: found by each contender, and the delay of ours."""
    out = []
    for kind in NAMES:
        for share in sorted({row["share"] for row in results["cases"]}):
            rows = [row for row in results["cases"] if row["kind"] == kind and row["share"] == share]
            if rows:
                out.append((f"{NAMES[kind]}, {share * 100:.0f} %", *_found_by(results, rows)))
    return out


def by_size(results: Json) -> list[tuple[str, ...]]:
    """The same for each size of queue, of 50 and 100 %."""
    sizes = dict.fromkeys(row["size"] for row in results["cases"])
    return [(size, *_found_by(results, [r for r in grave(results) if r["size"] == size])) for size in sizes]


def heads(results: Json, first: str) -> tuple[str, ...]:
    """Of the two above."""
    return (first, "delay, median", "95 %", *contenders(results))


def _found_by(results: Json, rows: Sequence[Json]) -> tuple[str, ...]:
    of_ours = summary(rows, OURS)
    found = [_hits(summary(rows, name)) for name in contenders(results)]
    return (_s(of_ours["median_s"]), _s(of_ours["p95_s"]), *found)


def verdicts(results: Json) -> list[str]:
    """Each goal with whether it is met, and the cases that it fails by."""
    large, false = summary(grave(results), OURS), results["false_per_queue_week"]
    missed = [r for r in grave(results) if r["costs_s"] is not None and r["found"][OURS] is None]
    out = [
        _said(not missed, f"All of 50 and 100 % size found: {_hits(large)}."),
        _said(
            large["median_s"] is not None and large["median_s"] < DELAY_S,
            f"Median delay under three minutes: {_s(large['median_s'])}.",
        ),
        _said(false[OURS] <= FALSE_A_WEEK, f"At most one false order per queue and week: {false[OURS]:.2f}."),
    ]
    for name in contenders(results)[1:]:
        theirs = summary(grave(results), name)
        better = (large["share"] or 0) > (theirs["share"] or 0) or (
            large["share"] == theirs["share"] and (large["median_s"] or 0) < (theirs["median_s"] or 0)
        )
        slower = theirs["median_s"] is not None and (large["median_s"] or 0) > theirs["median_s"]
        said = f"{_hits(theirs)}, median {_s(theirs['median_s'])}{' (ours is slower)' if slower else ''}"
        out.append(_said(better, f"More found than {name}, or as much and sooner: {said}."))
    return out


def missed(results: Json) -> list[str]:
    """Cases of 50 and 100 % that cost something and were not found."""
    rows = [r for r in grave(results) if r["costs_s"] is not None and r["found"][OURS] is None]
    said = [
        f"{row['queue']}: {NAMES[row['kind']]}, {row['share'] * 100:.0f} %, day {row['day'] + 1} at "
        f"{int(row['start_s'] // 3600):02d}:{int(row['start_s'] % 3600 // 60):02d}, {row['loss']:g} calls lost in all; "
        f"found by {', '.join(n for n, s in row['found'].items() if s is not None) or 'none'}"
        for row in rows
    ]
    return said[:NAMED] + ([f"and {len(said) - NAMED} more"] if len(said) > NAMED else [])


def _said(met: bool, text: str) -> str:
    return f"{'met' if met else 'NOT MET'}: {text}"


def _hits(one: Json) -> str:
    return f"{one['found']} of {one['of']}"


def _s(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


# --- for a terminal -------------------------------------------------------------------------------------------------


def tables(results: Json) -> list[Table]:
    """All tables of the page."""
    out = [
        _table("Detection", OVERALL, overall(results)),
        _table("By kind and size", heads(results, "trouble"), by_kind(results)),
        _table("By queue, 50 and 100 %", heads(results, "queue"), by_size(results)),
    ]
    if results["slow"]:
        out.append(_table("What lasts for days", SLOW, slow_rows(results)))
    out[0].caption = "\n".join(verdicts(results))
    return out


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    out = Table(title=title)
    for n, name in enumerate(names):
        out.add_column(name, justify="right" if n else "left", no_wrap=n == 0)
    for row in rows:
        out.add_row(*row)
    return out


SLOW: Final = ("what", "queue", "first order", "orders", "in days", "rules")


def slow_rows(results: Json) -> list[tuple[str, ...]]:
    """A row for each queue that something lasting happened to."""
    rows = sorted(results["slow"], key=lambda row: (row["kind"], row["size"]))
    return [
        (
            SLOW_NAMES[row["kind"]],
            row["queue"],
            "none" if row["first_after_h"] is None else f"after {row['first_after_h']:.1f} h",
            str(row["orders"]),
            str(row["days"]),
            ", ".join(row["rules"]) or "-",
        )
        for row in rows
    ]


# --- a page ---------------------------------------------------------------------------------------------------------


def markdown(results: Json) -> str:
    """The results as a page."""
    on, load, plan = results["machine"], results["load_1m"], results["plan"]
    lines = [
        "# Detection",
        "",
        *(f"- {said}" for said in verdicts(results)),
        "",
        *_told(results),
        "",
        *_grid(OVERALL, overall(results)),
        "## By kind and size",
        "",
        "Delay is Callwatch's; found by each.",
        "",
        *_grid(heads(results, "trouble"), by_kind(results)),
        "## By queue",
        "",
        "50 and 100 %. Small queues have 30 calls in the busiest hour, middle ones 120, large ones 600.",
        "",
        *_grid(heads(results, "queue"), by_size(results)),
        *_list("## Not found", missed(results)),
        *_false(results),
        *_slow(results),
        f"Machine: {on['cpu']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB, {on['os']}, Python "
        f"{on['python']}; load over the last minute {load['before']} before and {load['after']} after; "
        f"{results['seconds']:.0f} s. Commit {results['commit']}, {results['date']}.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".",
        "",
        f"Again: `callwatch bench detection --seeds {plan['seeds']} --weeks {plan['weeks']}`. The same seeds give the "
        "same figures on any machine.",
        "",
    ]
    return "\n".join(lines)


def _told(results: Json) -> list[str]:
    plan, cases = results["plan"], results["cases"]
    free = sum(row["costs_s"] is None for row in cases)
    return [
        f"{len(cases)} troubles of two hours (a late shift: one) in {plan['seeds']} x {len(plan['sizes'])} queues "
        f"after {plan['learning_weeks']} weeks of ordinary life, and {results['queue_weeks']:g} queue-weeks of "
        "ordinary life for false orders. Callers come by a nonhomogeneous Poisson process with a weekly profile and "
        "days more or less busy (gamma, 10 %), are served first come first served by shifts of agents and give up "
        "(exponential patience): service level, abandonment and waiting follow. The actor of a worker judges the "
        "events with the default rules; the orders that it opens, joins or brings back are what is counted. A clock "
        f"every 5 s in trouble, every {plan['clock_ms'] // 1000} s in ordinary life.",
        "",
        "Delay counts from the first second in which the expected loss (callers lost or not answered within 20 s, "
        f"beyond those of the same day without the trouble; {plan['replicas']} draws) passes five calls; less than 0 "
        f"is before that. {free} troubles never cost five calls and are left out.",
        "",
        "The others get the figures of every minute (offered, abandoned share, service level, waiting, longest wait, "
        "blocked, menu, handle time, silence) over the window that serves each best, learn the same weeks, and their "
        "limits are set on queues of other seeds, by size of queue, so that they cost as many false orders as "
        "Callwatch. \"Fixed limits\" are those of the default rules, all scaled alike.",
    ]  # fmt: skip


def _grid(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = "|---|" + "---:|" * (len(names) - 1)
    return ["| " + " | ".join(names) + " |", marks, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [title, "", *(f"- {line}" for line in lines), ""] if lines else []


def _false(results: Json) -> list[str]:
    said = [f"{row['queue']}, {', '.join(row['rules'])}: {row['sentence']}" for row in results["false_orders"]]
    return _list("## False orders", said[:NAMED])


def _slow(results: Json) -> list[str]:
    if not results["slow"]:
        return []
    return ["## What lasts for days", "", *_grid(SLOW, slow_rows(results))]


def write(results: Json, folder: Path) -> None:
    """Write ``detection.json`` and ``detection.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "detection.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "detection.md").write_text(markdown(results), encoding="utf-8")
