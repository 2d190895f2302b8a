"""The comparison: a report's rows beside ours, and where they differ (`callwatch.reconcile.behind` says why)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from callwatch.reconcile.calls import Call
from callwatch.reconcile.figures import Sums, Tolerance
from callwatch.reconcile.ours import OurRows
from models.errors import UsageError
from sources.interval_report import Report, ReportRow
from sources.report_map import FIGURES, ReportMap
from streams.windows import QueueSetup
from streams.zones import transitions

#: Rows of the report by which a wrong zone is looked for: each is tried at every half-hour of 14 hours both ways.
_SHIFT_ROWS: Final = 500
_SHIFTS_MIN: Final = tuple(n for n in range(-14 * 60, 14 * 60 + 1, 30) if n)


@dataclass(frozen=True, slots=True)
class FigureDifference:
    """One figure of an interval: counts, fractions or ms; None undefined."""

    figure: str
    ours: float | None
    theirs: float | None
    guesses: tuple[str, ...] = ()


@dataclass(slots=True)
class CallBehind:
    """One of our calls in a differing interval: the figures that it counts in, and what is odd about it."""

    call: Call
    figures: tuple[str, ...]
    flags: tuple[str, ...]
    moved: bool  #: counted otherwise by a way that explains the difference


@dataclass(slots=True)
class Difference:
    """A differing interval. *side*: who has it. *line*: of the report."""

    queue: str
    start_ms: int
    end_ms: int
    line: int | None
    side: Literal["both", "report", "ours"]
    figures: list[FigureDifference]
    agreeing: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    calls: list[CallBehind] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Comparison:
    """All of it. *ways*: how many differing intervals each way of counting explains wholly."""

    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: int = 0  #: rows of the report that lie across our intervals
    ways: Counter[str] = field(default_factory=Counter)


Setup = Callable[[str], QueueSetup]


def check_lengths(report: Report, setup: Setup, way_out: str) -> None:
    """Raise UsageError for a row shorter than our interval, or no multiple of it; *way_out* says what to do."""
    for row in report.rows:
        ours = setup(row.queue).interval_ms // 60_000
        if row.minutes % ours:
            what = "are shorter than" if row.minutes < ours else "are no multiple of"
            raise UsageError(
                f"line {row.line}: the report's intervals of {row.minutes} min {what} ours of {ours} min "
                f"({row.queue}): {way_out}"
            )


def compare(
    report: Report,
    ours: OurRows,
    meaning: ReportMap,
    setup: Setup,
    tolerance: Tolerance,
    say: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """The differences, by queue and start, without calls yet. *say* gets a sentence for every row that is left out."""
    out = Comparison()
    taken: dict[str, set[int]] = defaultdict(set)
    for row in report.rows:
        length = setup(row.queue).interval_ms
        if not _is_start(row.start_ms, setup(row.queue)):
            out.refused += 1
            say(
                f"line {row.line}: skipped: {row.queue} does not begin with one of our {length // 60_000} min intervals"
            )
            continue
        starts = [at for at in range(row.start_ms, row.end_ms, length) if at in ours.rows.get(row.queue, {})]
        taken[row.queue].update(starts)
        out.compared += 1
        parts = [ours.rows[row.queue][at] for at in starts]
        if found := _difference(row, parts, meaning, setup(row.queue), tolerance):
            out.differences.append(found)
    out.differences += _ours_alone(report, ours, meaning, setup, taken)
    out.differences.sort(key=lambda d: (d.queue, d.start_ms))
    _explain_absence(out, report, ours, setup)
    _unknown_figures(out, ours, meaning)
    return out


def _is_start(ts: int, setup: QueueSetup) -> bool:
    starts, offsets = transitions(setup.zone)
    offset = next(o for s, o in zip(reversed(starts), reversed(offsets), strict=True) if s <= ts)
    return (ts + offset) % setup.interval_ms == 0


def _difference(
    row: ReportRow, parts: Sequence[Sums], meaning: ReportMap, setup: QueueSetup, tolerance: Tolerance
) -> Difference | None:
    side: Literal["both", "report"] = "both" if parts else "report"
    sums = Sums.total(parts, setup.formula) if parts else Sums.of({}, setup)
    found = Difference(row.queue, row.start_ms, row.end_ms, row.line, side, [])
    for figure, theirs in row.values.items():
        if parts and not sums.knows(figure):
            continue
        mine = sums.value(figure)
        if tolerance.differs(figure, mine, theirs, meaning.unit(figure)):
            found.figures.append(FigureDifference(figure, mine, theirs))
        else:
            found.agreeing[figure] = (mine, theirs)
    return found if found.figures else None


def _ours_alone(
    report: Report, ours: OurRows, meaning: ReportMap, setup: Setup, taken: Mapping[str, set[int]]
) -> Iterator[Difference]:
    """Our intervals within the report's span that it does not have; with a queue in the map those of this queue."""
    first, last = min(row.start_ms for row in report.rows), max(row.end_ms for row in report.rows)
    queues = [meaning.queue] if meaning.queue else list(ours.rows)
    for queue in queues:
        length = setup(queue).interval_ms
        for start_ms, sums in ours.rows.get(queue, {}).items():
            if not first <= start_ms < last or start_ms in taken[queue]:
                continue
            values = {figure: sums.value(figure) for figure in meaning.figures if sums.knows(figure)}
            counted = [n for figure, n in values.items() if FIGURES[figure] == "calls"]
            if any(counted) or (not counted and any(value is not None for value in values.values())):
                figures = [FigureDifference(figure, value, None) for figure, value in values.items() if value]
                yield Difference(queue, start_ms, start_ms + length, None, "ours", figures)


def _explain_absence(out: Comparison, report: Report, ours: OurRows, setup: Setup) -> None:
    for difference in out.differences:
        if difference.side != "report":
            continue
        if difference.queue not in ours.rows:
            known = ", ".join(sorted(ours.rows)[:8]) or "none"
            difference.notes.append(f"we know no such queue: see [queues] of the map; ours are {known}")
        elif ours.last_ms is not None and difference.start_ms > ours.last_ms:
            difference.notes.append(f"the {ours.what} ends before")
        elif ours.first_ms is not None and difference.end_ms <= ours.first_ms:
            difference.notes.append(f"the {ours.what} begins after")
    if shift := _shift(report, ours, setup):
        out.notes.append(shift)


def _shift(report: Report, ours: OurRows, setup: Setup) -> str:
    """Whether far more rows agree when the report is moved by some hours: its zone or label is another then."""

    sample = report.rows[:_SHIFT_ROWS]

    def agreeing(minutes: int) -> int:
        n, by_ms = 0, minutes * 60_000
        for row in sample:
            rows, length = ours.rows.get(row.queue, {}), setup(row.queue).interval_ms
            mine = [rows[at] for at in range(row.start_ms + by_ms, row.end_ms + by_ms, length) if at in rows]
            total = Sums.total(mine, setup(row.queue).formula) if mine else None
            counts = {f: v for f, v in row.values.items() if FIGURES[f] == "calls" and v}
            n += total is not None and bool(counts) and all(total.value(f) == v for f, v in counts.items())
        return n

    rows = sum(any(FIGURES[f] == "calls" and v for f, v in row.values.items()) for row in sample)
    here = agreeing(0)
    if rows < 4 or here * 2 > rows:
        return ""
    best = max(_SHIFTS_MIN, key=agreeing)
    n = agreeing(best)
    if n * 2 <= rows or n <= here * 2:
        return ""
    return (
        f"{n} of {rows} intervals would agree if the report's times were {best:+d} min later, {here} do as they are: "
        "see zone and label in the map"
    )


def _unknown_figures(out: Comparison, ours: OurRows, meaning: ReportMap) -> None:
    all_sums = [sums for rows in ours.rows.values() for sums in rows.values()]
    for figure in meaning.figures:
        unknown = sum(not sums.knows(figure) for sums in all_sums)
        if unknown:
            out.notes.append(
                f"{figure}: not compared in {unknown} of our intervals: {ours.what} does not say what it is made of. "
                "Compare with --recording"
            )


def local(ts_ms: int, zone: str) -> str:
    """*ts_ms* on the clock of *zone*, to the second, with its offset."""
    return datetime.fromtimestamp(ts_ms // 1000, ZoneInfo(zone)).isoformat()
