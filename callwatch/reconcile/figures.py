"""The figures of an interval from its counts, and when two of them differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from models.formula import service_base, service_met
from sources.report_map import FIGURES, UNITS
from streams import counters
from streams.windows import QueueSetup

#: Counts by name, and where the kernels have them.
COUNTS: Final = {
    "offered": counters.OFFERED,
    "answered": counters.ANSWERED,
    "abandoned": counters.ABANDONED,
    "flowed_out": counters.FLOWED_OUT,
    "ivr_abandoned": counters.IVR_ABANDONED,
    "blocked": counters.BLOCKED,
    "answered_in_threshold": counters.ANSWERED_IN,
    "abandoned_in_threshold": counters.ABANDONED_IN,
    "short_abandoned": counters.ABANDONED_SHORT,
    "flowed_late": counters.FLOWED_LATE,
    "wait_ms": counters.WAIT_MS,
    "wait_known": counters.WAIT_KNOWN,
    "unresolved": counters.UNRESOLVED,
}
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts of an interval; one that is not known is missing. *base*: denominator of the service level."""

    counts: Mapping[str, int]
    base: int | None
    formula: int

    @classmethod
    def of(cls, counts: Mapping[str, int], setup: QueueSetup) -> Sums:
        """With the base that the formula of *setup* makes of all counts."""
        names = ("answered", "abandoned", "abandoned_in_threshold", "short_abandoned", "flowed_out", "flowed_late")
        n = [counts.get(name, 0) for name in names]
        return cls(counts, int(service_base(setup.formula, setup.flow_out, *n)), setup.formula)

    @classmethod
    def total(cls, parts: Iterable[Sums], formula: int) -> Sums:
        """The sum of *parts*; a count that one of them does not know is not known."""
        parts = list(parts)
        known = set(COUNTS).intersection(*(part.counts for part in parts))
        counts = {name: sum(part.counts[name] for part in parts) for name in known}
        bases = [part.base for part in parts]
        return cls(counts, None if None in bases else sum(base or 0 for base in bases), formula)

    def knows(self, figure: str) -> bool:
        """Whether all counts behind *figure* are known."""
        if figure == "service_level":
            return self.base is not None
        needed = {"wait_sum": ("wait_ms",), "speed_of_answer": ("wait_ms", "wait_known")}
        needed |= dict.fromkeys(("answer_rate", "abandonment_rate"), ("answered", "abandoned", "flowed_out"))
        return all(name in self.counts for name in needed.get(figure, (figure,)))

    def value(self, figure: str) -> float | None:
        """A figure in counts, fractions or ms; None where nothing stands behind it."""
        n = Counter(self.counts)
        if figure == "service_level":
            return _ratio(service_met(self.formula, n["answered_in_threshold"], n["abandoned_in_threshold"]), self.base)
        if figure in ("answer_rate", "abandonment_rate"):
            part = n["answered" if figure == "answer_rate" else "abandoned"]
            return _ratio(part, n["answered"] + n["abandoned"] + n["flowed_out"])
        if figure == "wait_sum":
            return n["wait_ms"]
        if figure == "speed_of_answer":
            return _ratio(n["wait_ms"], n["wait_known"])
        return n[figure]


def _ratio(part: float, whole: int | None) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """When figures differ.

    A count: by more than *calls*, or by more than *share* of the larger and at least one call. A ratio: by more than
    *share* (of 1: 0.5 is half a percentage point). A time: by more than *share* of the larger and more than one of
    the unit that the report writes it in.
    """

    calls: float = 2.0
    share_percent: float = 0.5

    def differs(self, figure: str, ours: float | None, theirs: float | None, unit: str) -> bool:
        """Whether *ours* and *theirs* differ. Undefined agrees with all: what is of no calls shows in the counts."""
        if ours is None:
            return False  # a report's 0 or 100 % of nothing
        kind = FIGURES[figure]
        if theirs is None:
            return kind != "calls" or ours > 0
        apart, share = abs(ours - theirs), self.share_percent / 100
        if kind == "ratio":
            return apart > share + _ROUNDING
        part = share * max(ours, theirs) + _ROUNDING
        if kind == "ms":
            return apart > max(part, UNITS[kind][unit])
        return apart > self.calls or (apart >= 1 and apart > part)


def same(figure: str, one: float | None, theirs: float | None, unit: str) -> bool:
    """Whether *one* is *theirs* but for the rounding with which the report writes it."""
    if one is None or theirs is None:
        return one is None and theirs is None
    kind = FIGURES[figure]
    if kind == "calls":
        return one == theirs
    if kind == "ms":
        return abs(one - theirs) <= UNITS[kind][unit] / 2 + _ROUNDING
    whole = abs(theirs * 100 - round(theirs * 100)) < _ROUNDING
    return abs(one - theirs) <= (0.005 if whole else 0.0005) + _ROUNDING
