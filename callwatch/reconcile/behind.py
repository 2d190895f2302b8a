"""The calls behind each difference, and the ways of counting that would explain it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from callwatch.reconcile.calls import EDGE_MS, Call, Odd
from callwatch.reconcile.compare import CallBehind, Comparison, Difference, FigureDifference, Setup
from callwatch.reconcile.figures import Sums, same
from callwatch.reconcile.ours import OurCalls, OurRows
from callwatch.reconcile.ways import Cell, Way, ways
from sources.report_map import FIGURES, ReportMap

#: Differing intervals whose calls are looked at; further ones are listed without. More is another question (the map).
CELLS_MAX: Final = 2_000
#: Guesses shown beside a figure.
GUESSES_MAX: Final = 2
_BLOCK_MS: Final = 900_000
_DECIDED: Final = ("answered", "abandoned", "flowed_out")
#: The counts that a figure is made of, where it is not one itself.
_COUNTED: Final = {
    "service_level": _DECIDED,
    "answer_rate": _DECIDED,
    "abandonment_rate": _DECIDED,
    "wait_sum": ("answered",),
    "speed_of_answer": ("answered",),
}


def wanted_of(comparison: Comparison) -> dict[str, list[tuple[int, int]]]:
    """The intervals whose calls are to be looked at, by queue."""
    out: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for difference in comparison.differences[:CELLS_MAX]:
        out[difference.queue].append((difference.start_ms, difference.end_ms))
    return dict(out)


def explain(comparison: Comparison, found: OurCalls, meaning: ReportMap, ours: OurRows, setup: Setup) -> None:
    """Put the calls behind each difference, and the ways of counting that would explain it."""
    calls = _Nearby(found.calls)
    for difference in comparison.differences[:CELLS_MAX]:
        cell = Cell(
            difference.start_ms, difference.end_ms, calls.of(difference), setup(difference.queue), meaning.attribution
        )
        difference.odd = [odd.text for odd in found.odd if _belongs(odd, difference)]
        rows = ours.rows.get(difference.queue, {})
        parts = [rows[at] for at in range(difference.start_ms, difference.end_ms, cell.setup.interval_ms) if at in rows]
        whole = not _missing(cell, parts)
        if not whole:
            difference.notes.append("the calls found do not add up to our row: more than memory is given for, or gone")
        fits = _fitting(cell, difference, meaning) if whole and difference.side != "ours" else []
        _guess(comparison, difference, fits, whole=whole)
        _list_calls(difference, cell, fits)
    if len(comparison.differences) > CELLS_MAX:
        comparison.notes.append(f"calls are listed of the first {CELLS_MAX} of {len(comparison.differences)} intervals")
    if found.full:
        comparison.notes.append("there are more calls than memory is given for: compare a shorter report")


class _Nearby:
    """Calls by the quarter of an hour in which they came and left, so that each interval looks at its own alone."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self._by_block: dict[tuple[str, int], list[Call]] = defaultdict(list)
        for call in calls:
            for block in {ts // _BLOCK_MS for ts in (call.arrival, call.out_ts) if ts >= 0}:
                self._by_block[(call.queue, block)].append(call)

    def of(self, difference: Difference) -> list[Call]:
        """The calls that came or left in the interval, or within a minute of it, by arrival and name."""
        low, high = difference.start_ms - EDGE_MS, difference.end_ms + EDGE_MS
        blocks = range(low // _BLOCK_MS, (high - 1) // _BLOCK_MS + 1)
        found = {id(call): call for block in blocks for call in self._by_block.get((difference.queue, block), ())}
        near = [call for call in found.values() if low <= call.arrival < high or low <= call.out_ts < high]
        return sorted(near, key=lambda call: (call.arrival, call.call, call.leg))


def _belongs(odd: Odd, difference: Difference) -> bool:
    inside = odd.ts is None or difference.start_ms <= odd.ts < difference.end_ms
    return odd.queue == difference.queue and inside


def _missing(cell: Cell, parts: Sequence[Sums]) -> bool:
    """Whether the calls are not all of those that *parts*, our rows, count."""
    mine = cell.sums(cell.ours).counts
    total = Sums.total(parts, cell.setup.formula).counts if parts else {}
    names = ("offered", "answered", "abandoned", "flowed_out", "ivr_abandoned", "blocked")
    return any(mine.get(name, 0) != total.get(name, 0) for name in names)


def _fitting(cell: Cell, difference: Difference, meaning: ReportMap) -> list[tuple[Way, frozenset[str]]]:
    """The ways that give exactly what the report says of some differing figures, and spoil none that agrees."""
    out: list[tuple[Way, frozenset[str]]] = []
    counts = {d.figure for d in difference.figures if FIGURES[d.figure] == "calls"}
    for way in ways(cell, [d.figure for d in difference.figures]):
        gives = {
            d.figure
            for d in difference.figures
            if same(d.figure, way.sums.value(d.figure), d.theirs, meaning.unit(d.figure))
        }
        if not counts <= gives:
            gives &= counts  # a ratio of other counts is another; that it fits is chance
        spoils = any(
            way.sums.value(figure) != mine and not same(figure, way.sums.value(figure), theirs, meaning.unit(figure))
            for figure, (mine, theirs) in difference.agreeing.items()
        )
        if gives and not spoils:
            out.append((way, frozenset(gives)))
    return sorted(out, key=lambda fit: -len(fit[1]))


def _guess(
    comparison: Comparison, difference: Difference, fits: Sequence[tuple[Way, frozenset[str]]], *, whole: bool
) -> None:
    counts = any(FIGURES[d.figure] == "calls" for d in difference.figures)
    for n, d in enumerate(difference.figures):
        texts = [way.text for way, figures in fits if d.figure in figures][:GUESSES_MAX]
        if not texts and whole and difference.side == "both" and (not counts or FIGURES[d.figure] == "calls"):
            texts = [_unexplained(d)]
        difference.figures[n] = FigureDifference(d.figure, d.ours, d.theirs, tuple(texts))
    comparison.ways.update(way.id for way, figures in fits if len(figures) == len(difference.figures))


def _unexplained(d: FigureDifference) -> str:
    if d.ours is None or d.theirs is None or FIGURES[d.figure] != "calls":
        return "no way of counting that we know gives the report's figure"
    n = round(abs(d.ours - d.theirs))
    fewer = "fewer than our calls" if d.theirs < d.ours else "more than we have any word of"
    return f"{n} {fewer}; no way of counting that we know gives the report's figure"


def _list_calls(difference: Difference, cell: Cell, fits: Sequence[tuple[Way, frozenset[str]]]) -> None:
    """Our calls that the differing figures count, and those that an explanation counts otherwise (they come first)."""
    names = [d.figure for d in difference.figures]
    first = [next((way for way, figures in fits if name in figures), None) for name in names]
    moved = {id(call) for way in first if way is not None for call in way.calls}
    for call in cell.calls:
        counts = cell.ours(call)
        figures = tuple(name for name in names if any(counts[n] for n in _COUNTED.get(name, (name,))))
        if figures or id(call) in moved:
            difference.calls.append(CallBehind(call, figures, flags_of(call, cell), id(call) in moved))
    difference.calls.sort(key=lambda behind: not behind.moved)


def flags_of(call: Call, cell: Cell) -> tuple[str, ...]:
    """What is odd about *call* in words, the attribution first."""
    flags = []
    if call.outcome and cell.holds(call.arrival) != cell.holds(call.out_ts):
        flags.append("outcome in another interval" if cell.holds(call.arrival) else "arrived in another interval")
    apart = min(abs(call.arrival - edge) for edge in (cell.start_ms, cell.end_ms))
    if apart <= EDGE_MS:
        flags.append("within 1 s of the edge" if apart <= 1000 else "within 60 s of the edge")
    tests = (
        ("short abandon", call.is_short(cell.setup)),
        ("no outcome", call.kind == "call" and not call.outcome),
        ("two outcomes", len(call.others) > 1),
        ("negative wait", call.negative),
        ("wait unknown", call.kind == "call" and call.outcome > 0 and call.wait_ms is None),
        ("never offered", call.kind == "call" and call.offered < 0),
        (f"from {call.from_queue}" if call.from_queue else "waited elsewhere before", call.is_transfer),
        (f"leg {call.leg}", call.leg > 1),
    )
    return (*flags, *(name for name, holds in tests if holds))
