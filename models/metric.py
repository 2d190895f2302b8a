"""The metric dictionary: the only definition of a figure.

Pages, docs, rules and reports read it; the kernels fill one column of a float matrix for each ``metric@window``
(`FIGURES`). NaN means undefined: never 100 % of nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: Rolling windows, the business day so far, and ``resolve``: calls offered since an order of the queue was resolved.
WINDOWS: Final = ("1m", "5m", "15m", "30m", "day", "resolve")
WINDOW_MS: Final = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000}
NOW: Final = ("now",)

Better = Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: id, names, formula, unit, better direction, windows, and what it is when nothing happened."""

    id: str
    en: str
    zh: str
    formula: str
    unit: Literal["calls", "ratio", "ms", "agents", "state"]
    better: Better
    windows: tuple[str, ...]
    empty: str


def _count(mid: str, en: str, zh: str, formula: str, better: Better = "neither") -> Metric:
    return Metric(mid, en, zh, formula, "calls", better, WINDOWS, "0")


def _ratio(mid: str, en: str, zh: str, formula: str, better: Better) -> Metric:
    return Metric(mid, en, zh, formula, "ratio", better, WINDOWS, "undefined (no calls)")


def _now(
    mid: str, en: str, zh: str, formula: str, unit: Literal["calls", "ms", "agents", "state"], empty: str
) -> Metric:
    return Metric(mid, en, zh, formula, unit, "down" if unit in ("calls", "ms") else "neither", NOW, empty)


METRICS: Final[tuple[Metric, ...]] = (
    _count("offered", "offered", "人工请求量", "calls that entered the queue"),
    _count("answered", "answered", "人工接通量", "calls answered by an agent", "up"),
    _count("abandoned", "abandoned", "放弃量", "callers who hung up in the queue", "down"),
    _count("flowed_out", "flowed out", "溢出量", "calls that left without answer or hang-up"),
    _count("ivr_abandoned", "left in the menu", "菜单放弃量", "callers who left before any queue", "down"),
    _count("blocked", "blocked", "阻塞量", "calls that found no line", "down"),
    _count("arrivals", "arrivals", "总请求量", "offered + left in the menu + blocked"),
    _count("outcomes", "outcomes", "已结束量", "answered + abandoned + flowed out"),
    _count(
        "service_sample",
        "service-level base",
        "服务水平基数",
        "denominator of the service level, waiting past the threshold included",
    ),
    _ratio("service_level", "service level", "服务水平", "the queue's formula over outcomes (DESIGN section 4)", "up"),
    _ratio(
        "service_level_live",
        "live service level",
        "实时服务水平",
        "service level with the calls already waiting past the threshold in the denominator",
        "up",
    ),
    _ratio("answer_rate", "answer rate", "人工接通率", "answered / (answered + abandoned + flowed out)", "up"),
    _ratio(
        "overall_answer_rate",
        "overall answer rate",
        "总接通率",
        "answered / (outcomes + left in the menu + blocked)",
        "up",
    ),
    _ratio("abandonment_rate", "abandonment", "放弃率", "abandoned / (answered + abandoned + flowed out)", "down"),
    _ratio(
        "unreached_share",
        "share of arrivals that reached no queue",
        "未进入队列占比",
        "(left in the menu + blocked) / arrivals",
        "down",
    ),
    Metric(
        "speed_of_answer_ms",
        "speed of answer",
        "平均接起时间",
        "sum of known waits of answered calls / their number",
        "ms",
        "down",
        WINDOWS,
        "undefined (nothing answered)",
    ),
    Metric(
        "handle_ms",
        "handle time",
        "平均处理时长",
        "(talk + hold + wrap) / completed",
        "ms",
        "neither",
        WINDOWS,
        "undefined (nothing completed)",
    ),
    _now("waiting", "waiting", "排队数", "calls in the queue now, those lost track of excluded", "calls", "0"),
    _now(
        "waiting_past_threshold",
        "waiting past threshold",
        "超时排队数",
        "waiting calls older than the threshold",
        "calls",
        "0",
    ),
    _now("longest_wait_ms", "longest wait", "最长等待", "age of the oldest waiting call", "ms", "0"),
    _now(
        "lost_track",
        "lost track of",
        "失联通话",
        "waiting calls with no word from their source for 30 minutes",
        "calls",
        "0",
    ),
    _now(
        "agents_ready",
        "agents ready",
        "空闲坐席",
        "agents ready for this queue",
        "agents",
        "undefined (agents unknown)",
    ),
    _now(
        "agents_busy",
        "agents busy",
        "忙碌坐席",
        "agents ringing, talking, holding or wrapping up here",
        "agents",
        "undefined (agents unknown)",
    ),
    _now(
        "silence_ms",
        "silence",
        "静默时长",
        "time since the last event of the queue, in opening hours",
        "ms",
        "undefined (closed, or no event yet)",
    ),
    _now("open", "open", "营业", "1 in opening hours, else 0", "state", "1"),
    _now(
        "data_complete", "data complete", "数据完整", "0 while every declared source is overdue, else 1", "state", "1"
    ),
)

METRIC: Final[dict[str, Metric]] = {m.id: m for m in METRICS}

#: Column of the figure matrix for each ``(metric, window)``; the kernels rely on this order.
FIGURES: Final[dict[tuple[str, str], int]] = {
    key: column
    for column, key in enumerate(
        [(m.id, w) for w in WINDOWS for m in METRICS if m.windows is WINDOWS]
        + [(m.id, "now") for m in METRICS if m.windows is NOW]
    )
}
#: Number of windowed figures per window: the figure (m, w) lies at ``WINDOWS.index(w) * WINDOWED + position of m``.
WINDOWED: Final = sum(m.windows is WINDOWS for m in METRICS)


def figure(metric: str, window: str) -> int:
    """Column of *metric* over *window*. Raises KeyError with both names when there is no such figure."""
    return FIGURES[(metric, window)]


def sample_of(metric: str) -> str | None:
    """The figure that says how many calls stand behind *metric*, or None for figures that need none."""
    return {
        "service_level": "service_sample",
        "service_level_live": "service_sample",
        "answer_rate": "outcomes",
        "overall_answer_rate": "arrivals",
        "abandonment_rate": "outcomes",
        "unreached_share": "arrivals",
        "speed_of_answer_ms": "answered",
        "handle_ms": "answered",
    }.get(metric)
