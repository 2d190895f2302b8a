"""Which figures moved with one that is off, the most unusual first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.metric import METRIC

#: Named beside the one that is off: what a person reads at a glance.
MOST: Final = 5
#: Fewer standard deviations than this are everyday.
UNUSUAL: Final = 2.0
#: Figures that say nearly the same: of each group the one that moved most is named, and none beside one of its own.
ALIKE: Final = (
    {"service_level", "service_level_live"},
    {"offered", "arrivals", "outcomes", "service_sample", "completed"},
    {"answer_rate", "abandonment_rate", "overall_answer_rate"},
    {"abandoned", "lost_calls", "lost_callers"},
    {"speed_of_answer_ms", "wait_p50_ms", "wait_p95_ms", "longest_wait_ms", "queued_share", "queued_share_peak"},
    {"waiting", "waiting_past_threshold"},
    {"talk_ms", "handle_ms"},
    {"occupancy", "effective_work_rate"},
    {"agents_signed_in", "agents_ready", "agents_busy", "agents_talking"},
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure, what was expected of it, and its usual spread (one standard deviation, same unit)."""

    value: float
    expected: float
    spread: float


@dataclass(frozen=True, slots=True)
class Moved:
    """*figure* is ``metric@window``. *worse* is None for figures of which neither direction is better."""

    figure: str
    value: float
    expected: float
    deviations: float
    worse: bool | None


def moved(readings: Mapping[str, Reading], beside: str = "", unusual: float = UNUSUAL, most: int = MOST) -> list[Moved]:
    """The figures of *readings* (``metric@window``) that are *unusual*, but none that says what *beside* says.

    Ranked by how many of its own standard deviations each is off. What is undefined, or never varies, says nothing.
    Raises KeyError for a metric that there is not.
    """
    found = [_moved(figure, reading) for figure, reading in readings.items() if _says_something(reading)]
    found.sort(key=lambda one: (-abs(one.deviations), one.figure))
    seen = {_group(beside.partition("@")[0])} if beside else set()
    out: list[Moved] = []
    for one in found:
        group = _group(one.figure.partition("@")[0])
        if abs(one.deviations) >= unusual and group not in seen and len(out) < most:
            seen.add(group)
            out.append(one)
    return out


def sentence(found: list[Moved]) -> tuple[str, str]:
    """The figures by name, in English and Chinese; empty when none moved."""
    if not found:
        return "", ""
    named = [(METRIC[one.figure.partition("@")[0]], one.deviations) for one in found]
    english = ", ".join(f"{metric.en} {d:+.1f} sd" for metric, d in named)
    chinese = "、".join(f"{metric.zh}{d:+.1f}σ" for metric, d in named)
    return f"moved with it: {english}", f"同时变动:{chinese}"


def _says_something(reading: Reading) -> bool:
    return reading.spread > 0 and all(map(math.isfinite, (reading.value, reading.expected, reading.spread)))


def _moved(figure: str, reading: Reading) -> Moved:
    better = METRIC[figure.partition("@")[0]].better
    deviations = (reading.value - reading.expected) / reading.spread
    worse = None if better == "neither" else (deviations > 0) == (better == "down")
    return Moved(figure, reading.value, reading.expected, deviations, worse)


def _group(metric: str) -> str:
    """Metrics that say the same have the same."""
    return next((min(group) for group in ALIKE if metric in group), metric)
