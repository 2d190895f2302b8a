"""What the system itself knows of the cause of an order, while it opens: a name of `WORDS`, or nothing.

From the kind of trouble where that says it (agents who cannot sign in, a dead source), from the lost calls by cause
where nobody gets through, else from the briefing: what pulls the figure down most, if that is half of the gap at least.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alerts.order import WorkOrder
from alerts.staffing import why
from alerts.staffing.live import Read

#: The kinds of trouble that name their cause, by the figure of the first rule that says so.
KINDS: Final[dict[str, str]] = {
    "blocked_unusual": "blocked",
    "menu_unusual": "menu",
    "login_failures": "sign_in",
    "capacity_use": "staffing",
    "agents_short": "staffing",
    "offered_surge": "volume",
    "talk_ms": "handle_time",
    "talk_unusual": "handle_time",
    "sources_dead": "source",
    "sources_late": "source",
    "sources_ahead": "source",
    "bad_data_share": "bad_data",
}
#: A cause is known when it makes this part of the gap.
PART_MIN: Final = 0.5

WORDS: Final[dict[str, tuple[str, str]]] = {
    "blocked": ("no line for callers", "线路阻塞"),
    "menu": ("callers leave in the menu", "菜单放弃"),
    "sign_in": ("agents cannot sign in", "坐席无法签入"),
    "source": ("a source of data fails", "数据源故障"),
    "bad_data": ("bad data", "异常数据"),
    "storm": ("many queues break together", "大面积异动"),
    "complaint": ("complaints", "客户投诉"),
    **{str(cause): words for cause, words in why.WORDS.items()},
}


def seen(order: WorkOrder, metrics: Iterable[str], read: Read) -> str:
    """The cause of *order* as far as it can be seen, "" when it cannot; *metrics* are the figures of its symptoms."""
    if order.storm is not None:
        return "storm"
    if any(finding.kind == "complaint" for finding in order.findings):
        return "complaint"
    metrics = tuple(metrics)
    found = next((KINDS[metric] for metric in metrics if metric in KINDS), "")
    if not found and "unreached_share" in metrics:
        found = _before_the_queue(read)
    return found or _of_the_gap(order)


def _before_the_queue(read: Read) -> str:
    blocked, menu = (read(metric, "15m") or 0.0 for metric in ("blocked", "ivr_abandoned"))
    return "" if blocked == menu else "blocked" if blocked > menu else "menu"


def _of_the_gap(order: WorkOrder) -> str:
    data = order.briefing.data if order.briefing is not None else {}
    gap = data.get("why_gap")
    if not isinstance(gap, float) or gap >= 0:
        return ""
    parts = [(data.get(f"why_{cause}"), cause) for cause in why.CAUSES]
    pulls = [(part, cause) for part, cause in parts if isinstance(part, float) and part <= gap * PART_MIN]
    return min(pulls)[1] if pulls else ""
