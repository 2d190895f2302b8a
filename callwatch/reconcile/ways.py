"""Other ways of counting the same calls, to find the one by which a report comes to its figures.

Each is computed from the calls: the sentence holds its numbers, and it is offered only where it gives exactly what the
report says and spoils no figure that agrees already. What the ways are: attribution by the other end of a call, clocks
apart by a second or a minute, kinds of calls left out or taken in, other thresholds and formulas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from callwatch.reconcile.calls import Call
from callwatch.reconcile.figures import Sums
from models.catalogue import FlowOut, Formula
from sources.report_map import Attribution
from streams.windows import QueueSetup

#: Clocks apart by this: the resolution of most reports, and a minute's rounding.
SHIFTS_MS: Final = (1_000, -1_000, 60_000, -60_000)
#: Thresholds in use in the field.
THRESHOLDS_S: Final = (5, 10, 15, 20, 25, 30, 40, 45, 60, 90, 120)
_OF_THRESHOLD: Final = frozenset({"answered_in_threshold", "abandoned_in_threshold", "service_level"})
#: What a call counts as: (at which time, counts).
Parts = list[tuple[int, Mapping[str, int]]]


@dataclass(frozen=True, slots=True)
class Cell:
    """An interval of one queue: instants in epoch ms, and the calls that came or left near it."""

    start_ms: int
    end_ms: int
    calls: Sequence[Call]
    setup: QueueSetup
    attribution: Attribution
    _ours: dict[int, Counter[str]] = field(default_factory=dict)  # every way looks at them again

    def holds(self, ts: int) -> bool:
        """Whether *ts* lies in it."""
        return self.start_ms <= ts < self.end_ms

    def ours(self, call: Call) -> Counter[str]:
        """What *call* counts as in our row. Not a copy."""
        known = self._ours.get(id(call))
        if known is None:
            known = self._ours[id(call)] = self.count(parts_of(call, self.setup, self.attribution))
        return known

    def count(self, parts: Parts) -> Counter[str]:
        """The sum of the parts that lie in it, without zeros."""
        out: Counter[str] = Counter()
        for ts, counts in parts:
            if ts >= 0 and self.holds(ts):
                for name, n in counts.items():
                    if n:
                        out[name] += n
        return out

    def sums(self, count: Callable[[Call], Counter[str]], setup: QueueSetup | None = None) -> Sums:
        """The interval's sums when each call counts as *count* says."""
        total: Counter[str] = Counter()
        for call in self.calls:
            for name, n in count(call).items():
                total[name] += n
        return Sums.of(total, setup or self.setup)


@dataclass(frozen=True, slots=True)
class Way:
    """A way of counting: its *id*, what it would mean in words, its sums, and the calls that it counts otherwise."""

    id: str
    text: str
    sums: Sums
    calls: tuple[Call, ...]


def parts_of(call: Call, setup: QueueSetup, attribution: Attribution) -> Parts:
    """Where and as what *call* counts."""
    ended = attribution == "event" and call.outcome > 0
    return [(call.arrival, call.at_arrival()), (call.out_ts if ended else call.arrival, call.at_outcome(setup))]


def ways(cell: Cell, figures: Collection[str]) -> Iterator[Way]:
    """Every other way that counts a call of *cell* otherwise than we do, the likelier first, for these *figures*."""
    yield from _by_other_end(cell)
    yield from _left_out(cell)
    yield from _taken_in(cell)
    yield from _clocks(cell)
    if not _OF_THRESHOLD.isdisjoint(figures):
        yield from _thresholds(cell)
    if "service_level" in figures:
        yield from _formulas(cell)


def _way(
    cell: Cell, id: str, text: Callable[[list[Call]], str], count: Callable[[Call], Counter[str]]
) -> Iterator[Way]:
    moved = [call for call in cell.calls if count(call) != cell.ours(call)]
    if moved:
        yield Way(id, text(moved), cell.sums(count), tuple(moved))


def _calls(n: int) -> str:
    return f"{n} call" if n == 1 else f"{n} calls"


def _ended(calls: Sequence[Call]) -> str:
    names = {call.name for call in calls}
    verb = "was" if len(calls) == 1 else "were"
    if names == {"answered"}:
        return f"{verb} answered"
    return "abandoned" if names == {"abandoned"} else "ended"


def _by_other_end(cell: Cell) -> Iterator[Way]:
    other: Attribution = "event" if cell.attribution == "arrival" else "arrival"

    def text(moved: list[Call]) -> str:
        later = [call for call in moved if cell.holds(call.arrival)]
        before = [call for call in moved if not cell.holds(call.arrival)]
        said = []
        if later:
            near = all(call.out_ts < 2 * cell.end_ms - cell.start_ms for call in later)
            where = "the next" if near else "later ones"
            said.append(f"{_calls(len(later))} arrived in this interval and {_ended(later)} in {where}")
        if before:
            said.append(f"{_calls(len(before))} {_ended(before)} in this interval and arrived before")
        return f"{', '.join(said)}: the report seems to count by {'outcome' if other == 'event' else 'arrival'}"

    yield from _way(
        cell, "by-outcome" if other == "event" else "by-arrival", text,
        lambda call: cell.count(parts_of(call, cell.setup, other)),
    )  # fmt: skip


def _left_out(cell: Cell) -> Iterator[Way]:
    """Kinds of calls that a report may leave out: wholly, or of what they ended as alone."""
    setup = cell.setup
    kinds: tuple[tuple[str, str, Callable[[Call], bool]], ...] = (
        ("short", f"short abandon(s) up to {setup.short_ms / 1000:g} s", lambda call: call.is_short(setup)),
        ("unresolved", "call(s) without an outcome", lambda call: call.kind == "call" and call.outcome == 0),
        ("flowed-out", "call(s) that flowed out", lambda call: call.kind == "call" and call.outcome == 3),
        ("transfers", "call(s) that came by transfer or overflow", lambda call: call.is_transfer),
        ("returns", "call(s) that had been in this queue before (leg 2 and more)", lambda call: call.leg > 1),
        ("no-offer", "call(s) that were never offered", lambda call: call.kind == "call" and call.offered < 0),
        ("two-outcomes", "call(s) with two outcomes", lambda call: len(call.others) > 1),
    )
    for id, words, is_kind in kinds:
        for whole in (True, False):

            def count(call: Call, is_kind: Callable[[Call], bool] = is_kind, whole: bool = whole) -> Counter[str]:
                if not is_kind(call):
                    return cell.ours(call)
                if whole:
                    return Counter()
                return Counter({"offered": cell.ours(call)["offered"]})

            def text(moved: list[Call], words: str = words, whole: bool = whole) -> str:
                what = "leave them out" if whole else "count them as offered alone"
                return f"differs by exactly the {len(moved)} {words}: the report seems to {what}"

            yield from _way(cell, f"without-{id}" if whole else f"offered-alone-{id}", text, count)


def _taken_in(cell: Cell) -> Iterator[Way]:
    """What a report may count as something else."""
    moves: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("flow-outs-as-abandoned", "flow-out(s)", "as abandoned", {"flowed_out": "abandoned"}),
        ("flow-outs-as-answered", "flow-out(s)", "as answered", {"flowed_out": "answered"}),
        ("menu-as-offered", "caller(s) who left in the menu", "as offered", {"ivr_abandoned": "offered"}),
        ("blocked-as-offered", "blocked call(s)", "as offered", {"blocked": "offered"}),
        ("unresolved-as-abandoned", "call(s) without an outcome", "as abandoned", {"unresolved": "abandoned"}),
    )
    for id, words, what, names in moves:
        ((source, target),) = names.items()
        for both in (False, True) if target == "offered" else (False,):

            def count(call: Call, source: str = source, target: str = target, both: bool = both) -> Counter[str]:
                counts = cell.ours(call)
                if not (n := counts[source]):
                    return counts
                return counts + Counter({target: n}) + Counter({"abandoned": n if both else 0})

            def text(moved: list[Call], words: str = words, what: str = what, both: bool = both) -> str:
                also = " and abandoned" if both else ""
                return f"differs by exactly the {len(moved)} {words}: the report seems to count them {what}{also}"

            yield from _way(cell, f"{id}{'-and-abandoned' if both else ''}", text, count)


def _clocks(cell: Cell) -> Iterator[Way]:
    for shift in SHIFTS_MS:

        def count(call: Call, shift: int = shift) -> Counter[str]:
            parts = parts_of(call, cell.setup, cell.attribution)
            return cell.count([(ts + shift if ts >= 0 else ts, counts) for ts, counts in parts])

        def text(moved: list[Call], shift: int = shift) -> str:
            apart, which = abs(shift) // 1000, "ahead of" if shift > 0 else "behind"
            near = f"{_calls(len(moved))} within {apart} s of the interval's edges"
            return f"{near}: the report's clock seems to be {apart} s {which} ours"

        yield from _way(cell, f"clock{shift // 1000:+d}s", text, count)


def _thresholds(cell: Cell) -> Iterator[Way]:
    for seconds in THRESHOLDS_S:
        for less_ms, word in ((0, "up to"), (1, "below")):
            other = replace(cell.setup, threshold_ms=seconds * 1000 - less_ms)
            if other.threshold_ms == cell.setup.threshold_ms:
                continue

            def count(call: Call, other: QueueSetup = other) -> Counter[str]:
                return cell.count(parts_of(call, other, cell.attribution))

            def text(moved: list[Call], seconds: int = seconds, word: str = word) -> str:
                ours = f"ours counts up to {cell.setup.threshold_ms / 1000:g} s"
                return f"{_calls(len(moved))} between: the report seems to count waits {word} {seconds} s, {ours}"

            yield from _way(cell, f"threshold-{word.replace(' ', '-')}-{seconds}", text, count)


def _formulas(cell: Cell) -> Iterator[Way]:
    flows = any(cell.ours(call)["flowed_out"] for call in cell.calls)
    for formula in Formula:
        for flow_out in FlowOut if flows else (FlowOut(cell.setup.flow_out),):
            if (int(formula), int(flow_out)) == (cell.setup.formula, cell.setup.flow_out):
                continue
            other = replace(cell.setup, formula=int(formula), flow_out=int(flow_out))
            text = f"the report seems to use the formula {formula.name.lower()}"
            text += f", flow-outs {flow_out.name.lower()}" if flows else ""
            sums = cell.sums(cell.ours, other)
            yield Way(f"formula-{formula.name.lower()}-{flow_out.name.lower()}", text, sums, ())
