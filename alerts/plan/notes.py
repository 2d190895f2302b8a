"""The trend note that says that the day has left its plan: it is time to forecast the rest of it anew.

Like every trend note it goes to the liaison, is answered by nobody, and is told once when it begins and once when it
is over.
"""

from __future__ import annotations

from typing import Final

from alerts import routing
from alerts.episode import anomaly_id
from alerts.judge import TREND
from alerts.plan.against import Against
from alerts.plan.watch import Reforecast
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.hours import local, site_of

#: What such a note has in the place of a rule.
RULE: Final = "reforecast"


def tell(catalogue: Catalogue, turn: Turn, found: Reforecast) -> None:
    """Tell the liaison of the queue's department."""
    queue, last = found.queue, found.last[-1] if found.last else None
    note = {
        "id": anomaly_id(RULE, queue, found.since_ms),
        "rule": RULE,
        "metric": "offered",
        "window": f"{last.plan.minutes}m" if last else "30m",
        "value": last.actual.offered if last else None,
        "limit": (last.plan.offered if last else None) or 0.0,
        "state": "over" if found.over else "open",
        "since_ms": found.since_ms,
        "ended_ms": turn.now_ms if found.over else None,
    }
    said = _over(queue, last) if found.over else _off(queue, site_of(catalogue, queue).zone, found.last)
    turn.alert_without_order(
        "cleared" if found.over else "raised",
        queue,
        TREND,
        f"{queue}: trend",
        said,
        owner=routing.liaison(catalogue, queue, turn.now_ms),
        parts={"note": note},
    )


def _off(queue: str, zone: str, last: tuple[Against, ...]) -> tuple[str, str]:
    parts = [
        (f"{local(zone, one.plan.start_ms):%H:%M}", one.actual.offered, one.plan.offered or 0.0, one.offered_off or 0.0)
        for one in last
    ]
    english = ", ".join(
        f"{at} {came} calls where {planned:g} were forecast ({off:+.0%})" for at, came, planned, off in parts
    )
    chinese = ",".join(f"{at}来话{came}个,预测{planned:g}个({off:+.0%})" for at, came, planned, off in parts)
    return (
        f"{queue} left its plan, {len(last)} intervals in a row: {english}. Time to forecast the rest of the day anew",
        f"{queue} 连续{len(last)}个时段偏离预测:{chinese}。请重新预测当日余下时段",
    )


def _over(queue: str, last: Against | None) -> tuple[str, str]:
    if last is None:
        return f"The day of {queue} that had left its plan is over", f"{queue} 偏离预测的一天已结束"
    planned = last.plan.offered or 0.0
    return (
        f"{queue} is back at its plan: {last.actual.offered} calls where {planned:g} were forecast",
        f"{queue} 已回到预测水平:来话{last.actual.offered}个,预测{planned:g}个",
    )
