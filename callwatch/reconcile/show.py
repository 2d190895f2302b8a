"""The outcome of a comparison as a table for people, as csv, or as JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

import orjson

from callwatch.reconcile.behind import CELLS_MAX
from callwatch.reconcile.compare import CallBehind, Comparison, Difference, FigureDifference, Setup, local
from callwatch.reconcile.figures import Tolerance
from sources.interval_report import Report
from sources.report_map import FIGURES, ReportMap

CSV_COLUMNS: Final = (
    "queue", "start", "end", "line", "side", "figure", "ours", "theirs", "difference", "guess", "call", "leg",
    "offered", "outcome", "outcome_at", "wait_ms", "flags",
)  # fmt: skip
_SIDES: Final = {"both": "", "report": "only in the report", "ours": "only with us"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown: the comparison and what it was made of. *limit*: calls listed for an interval."""

    comparison: Comparison
    report: Report
    meaning: ReportMap
    tolerance: Tolerance
    setup: Setup
    what: str  #: our side in words
    limit: int

    def at(self, ts_ms: int, queue: str) -> str:
        """A time on the queue's clock; empty where it is not known."""
        return local(ts_ms, self.setup(queue).zone) if ts_ms >= 0 else ""

    @property
    def agrees(self) -> bool:
        """Whether nothing differs and every row could be compared."""
        return not (self.comparison.differences or self.report.bad or self.comparison.refused)

    def summary(self) -> list[str]:
        """What was compared, and what would explain most of what differs."""
        c, attribution = self.comparison, self.meaning.attribution
        by = "the interval of arrival" if attribution == "arrival" else "the interval of each event (by outcome)"
        differing = len(c.differences)
        lines = [
            f"{c.compared} intervals of the report compared with the {self.what}, ours counted in {by}: "
            + (f"{differing} differ" if differing else "none differs")
            + f" (by more than {self.tolerance.calls:g} calls or {self.tolerance.share_percent:g} %)"
        ]
        left = ((self.report.bad + c.refused, "bad rows"), (self.report.totals, "totals"),
                (self.report.skipped, "rows of other queues"))  # fmt: skip
        if any(n for n, _ in left):
            lines.append("left out: " + ", ".join(f"{n} {what}" for n, what in left if n))
        if c.ways:
            id, n = c.ways.most_common(1)[0]
            other = {"by-outcome": "event", "by-arrival": "arrival"}.get(id)
            hint = f': try attribution = "{other}" in [file] of the map' if other else ""
            lines.append(f"one way of counting ({id}) explains {n} of {differing} differing intervals wholly{hint}")
        return lines + c.notes


def number(figure: str, value: float | None) -> str:
    """A figure for people: calls, per cent, or seconds."""
    if value is None:
        return "-"
    kind = FIGURES[figure]
    if kind == "calls":
        return f"{value:.0f}"
    return f"{value * 100:.2f} %" if kind == "ratio" else f"{value / 1000:.1f} s"


def difference(d: FigureDifference) -> float | None:
    """Theirs less ours, None where one side has none."""
    return None if d.ours is None or d.theirs is None else d.theirs - d.ours


def table(shown: Shown) -> Iterator[str]:
    """The lines of a table for people."""
    for d in shown.comparison.differences:
        side = f" ({_SIDES[d.side]})" if d.side != "both" else ""
        line = f", line {d.line}" if d.line is not None else ""
        yield f"{d.queue} {shown.at(d.start_ms, d.queue)} to {shown.at(d.end_ms, d.queue)[11:16]}{line}{side}"
        for f in d.figures:
            yield f"  {f.figure:<24} ours {number(f.figure, f.ours):>9}   report {number(f.figure, f.theirs):>9}"
            yield from (f"    {guess}" for guess in f.guesses)
        yield from (f"  note: {note}" for note in d.notes)
        yield from (f"  counts nowhere: {odd}" for odd in d.odd[: shown.limit])
        yield from _call_lines(shown, d)
        yield ""
    yield from shown.summary()


def _call_lines(shown: Shown, d: Difference) -> Iterator[str]:
    for behind in d.calls[: shown.limit]:
        c = behind.call
        wait = f"wait {c.wait_ms / 1000:g} s" if c.wait_ms is not None else ""
        parts = (c.call + (f" leg {c.leg}" if c.leg > 1 else ""), shown.at(c.arrival, d.queue)[11:19], c.name,
                 shown.at(c.out_ts, d.queue)[11:19], wait, "; ".join(behind.flags))  # fmt: skip
        yield "  " + ("* " if behind.moved else "  ") + "  ".join(part for part in parts if part)
    if len(d.calls) > shown.limit:
        yield f"    and {len(d.calls) - shown.limit} more of our calls: --limit {len(d.calls)} shows them"


def write_csv(shown: Shown, out: IO[str]) -> None:
    """A row for each differing figure, and one for each call that it counts."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for d in shown.comparison.differences:
        where = [d.queue, shown.at(d.start_ms, d.queue), shown.at(d.end_ms, d.queue), d.line or "", d.side]
        for f in d.figures:
            apart = difference(f)
            figure = [f.figure, *("" if v is None else f"{v:g}" for v in (f.ours, f.theirs, apart))]
            writer.writerow([*where, *figure, "; or: ".join(f.guesses), *[""] * 7])
            behind = [b for b in d.calls if f.figure in b.figures or b.moved]
            writer.writerows([*where, *figure, "", *_call_cells(shown, b)] for b in behind[: shown.limit])


def _call_cells(shown: Shown, behind: CallBehind) -> list[object]:
    c = behind.call
    wait = "" if c.wait_ms is None else c.wait_ms
    times = (shown.at(c.offered, c.queue), c.name, shown.at(c.out_ts, c.queue))
    return [c.call, c.leg, *times, wait, "; ".join(behind.flags)]


def as_json(shown: Shown) -> bytes:
    """All of it as one object; times are epoch ms, ratios fractions, durations ms."""
    c = shown.comparison
    return orjson.dumps(
        {
            "agrees": shown.agrees,
            "compared": c.compared,
            "differing": len(c.differences),
            "attribution": shown.meaning.attribution,
            "tolerance": {"calls": shown.tolerance.calls, "share_percent": shown.tolerance.share_percent},
            "bad_rows": shown.report.bad + c.refused,
            "totals": shown.report.totals,
            "summary": shown.summary(),
            "explained_by": dict(c.ways.most_common()),
            "calls_listed_of": min(CELLS_MAX, len(c.differences)),
            "intervals": [_interval(shown, d) for d in c.differences],
        },
        option=orjson.OPT_INDENT_2,
    )


def _interval(shown: Shown, d: Difference) -> dict[str, Any]:
    return {
        "queue": d.queue,
        "start_ms": d.start_ms,
        "end_ms": d.end_ms,
        "start": shown.at(d.start_ms, d.queue),
        "line": d.line,
        "side": d.side,
        "figures": [
            {"figure": f.figure, "ours": f.ours, "theirs": f.theirs, "difference": difference(f), "guesses": f.guesses}
            for f in d.figures
        ],
        "notes": d.notes,
        "counts_nowhere": d.odd[: shown.limit],
        "calls_in_all": len(d.calls),
        "calls": [_call(b) for b in d.calls[: shown.limit]],
    }


def _call(behind: CallBehind) -> dict[str, Any]:
    c = behind.call
    return {
        "call": c.call,
        "leg": c.leg,
        "offered_ms": c.offered if c.offered >= 0 else None,
        "arrival_ms": c.arrival,
        "outcome": c.name,
        "outcome_ms": c.out_ts if c.out_ts >= 0 else None,
        "wait_ms": c.wait_ms,
        "figures": behind.figures,
        "flags": behind.flags,
        "explains": behind.moved,
    }
