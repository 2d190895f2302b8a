"""The metric dictionary as a page: ``python -m models.metric_page`` writes ``docs/METRICS.md``.

A test checks that it is current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from models.metric import (
    COMPARED,
    DAILY,
    METRICS,
    NOW,
    QUALITY,
    RISING,
    SPLIT,
    TIMED,
    UNUSUAL,
    USUAL,
    WINDOWS,
    Metric,
)

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "METRICS.md"

_INTRO: Final = """\
# Metrics

Made from the table in `models/metric.py`, the only definition of a figure: `python -m models.metric_page`. The rules
name figures by id and window, pages and alerts show their names, `metrics` rows hold them as `id@window`.

- A figure is of a queue or of a unit. What happened to a call counts when it happened: its arrival at its offer, its
  answer when it was answered.
- **Undefined** is no number: a ratio of nothing is never 100 %. A `metrics` row leaves undefined figures out, and those
  by line and channel, and of how unusual something is, that are 0.
- **Windows**: rolling 1, 5, 15 and 30 minutes in whole 5-second buckets, `day` since local midnight, `resolve` of calls
  that came after an order's resolve. `now` speaks of now; of how unusual something is, it is the most unusual window.
- **Base**: the figure that says how many calls stand behind a ratio; a rule's `min_sample` asks it.
- Events that come late, twice or in another order give the same figures. Only the three that count records (late, too
  late, repeated) tell of the order itself.
- Agent time is to the millisecond, cut at the window's edges. Before the first word of an agent nothing is known of
  them; after a day without one they are lost track of, and offline from the minute at which that is found.
"""

_UNITS: Final = {
    "calls": "calls", "callers": "callers", "records": "records", "attempts": "attempts", "ratio": "0 to 1", "ms": "ms",
    "agents": "agents", "state": "0 or 1", "points": "points of their source", "erlangs": "erlangs",
    "limits": "limits of the alarm budget", "sources": "sources",
}  # fmt: skip
_GROUPS: Final = (
    ("Calls, callbacks, ratings, test calls", WINDOWS),
    ("Agent time and load", TIMED),
    ("Of the day", DAILY),
    ("By line and channel", SPLIT),
    ("Now", NOW),
    ("Quality of the data", QUALITY),
    ("Compared with its like ([RULES.md](RULES.md))", COMPARED),
    ("Rising ([RULES.md](RULES.md))", RISING),
    ("How unusual it is ([DETECT.md](DETECT.md))", UNUSUAL),
    ("What is usual ([DETECT.md](DETECT.md))", USUAL),
)


def _table(metrics: Sequence[Metric]) -> Iterator[str]:
    yield "| id | name | 名称 | formula | unit | better | when nothing happened | base | source |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for m in metrics:
        base = f"`{m.sample}`" if m.sample else ""
        cells = (f"`{m.id}`", m.en, m.zh, m.formula, _UNITS[m.unit], m.better, m.empty, base, m.source)
        yield "| " + " | ".join(cells) + " |"


def rendered() -> str:
    """The page, as it is checked in."""
    lines = [_INTRO]
    for title, windows in _GROUPS:
        lines += [f"## {title}", "", f"Windows: {', '.join(f'`{w}`' for w in windows)}.", ""]
        lines += [*_table([m for m in METRICS if m.windows is windows]), ""]
    return "\n".join(lines)


def main() -> None:
    """Write it."""
    PAGE.write_text(rendered(), encoding="utf-8")
    sys.stdout.write("docs/METRICS.md\n")


if __name__ == "__main__":
    main()
