"""Plots of the bulletin: pygal's SVG in the page itself, without its script, the same bytes for the same figures.

Each bar says its value as a title, which every browser shows. Whoever cannot see a plot reads the table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree

import pygal

from callwatch import svg

HEIGHT: Final = 240
#: A row of lying bars, and what legend and margins take beside them.
ROW: Final = 26
FRAME: Final = 60
#: Labels under the bars that can be read beside each other.
LABELS: Final = 16
#: As long as a label on the left of lying bars may be.
LABEL_MAX: Final = 34


@dataclass(frozen=True, slots=True)
class Series:
    """One set of values, one for each label. *kind* is the colour of the page's style sheet: a, b, c or d."""

    name: str
    kind: str
    values: Sequence[float]


def columns(name: str, title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Upright bars, one group for each label. *name* is the plot's own in the page."""
    chart = pygal.Bar(**_settings(series), height=HEIGHT, print_values_position="top")
    chart.y_labels = ticks(max((value for one in series for value in one.values), default=0))
    chart.x_labels_major = labels[:: -(-len(labels) // LABELS) if labels else 1]
    chart.show_minor_x_labels = False
    return _drawn(chart, name, title, labels, series)


def rows(name: str, title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Lying bars, one row for each label, the series one behind the other. The first label is at the top."""
    chart = pygal.HorizontalStackedBar(**_settings(series, on_bars=True), height=FRAME + ROW * max(len(labels), 1))
    chart.y_labels = ticks(max((sum(one.values[at] for one in series) for at in range(len(labels))), default=0))
    short = [label if len(label) <= LABEL_MAX else label[: LABEL_MAX - 1] + "…" for label in labels]
    upwards = [Series(one.name, one.kind, one.values[::-1]) for one in series]
    return _drawn(chart, name, title, short[::-1], upwards)


def ticks(most: float) -> list[int]:
    """Whole numbers for an axis from 0 to *most*, six at the most: orders are not cut into parts."""
    step = 1
    while step * 5 < most:
        step = _next(step)
    return list(range(0, max(int(-(-most // step)), 1) * step + 1, step))


def _next(step: int) -> int:
    """The step after *step* among 1, 2, 5, 10, 20, 50, ..."""
    return step * 5 // 2 if str(step)[0] == "2" else step * 2


def _settings(series: Sequence[Series], on_bars: bool = False) -> dict[str, Any]:
    """How a plot looks; *on_bars*: the values stand on the bars and not above them."""
    value_colors = ("var(--paper)" if on_bars else "var(--ink)",) * len(series)
    shared = svg.settings(
        [one.kind for one in series], value_colors=value_colors, value_font_size=11, opacity="1", opacity_hover=".8"
    )
    return shared | {
        "show_legend": len(series) > 1,
        "legend_at_bottom_columns": min(max(len(series), 1), 3),
        "margin_top": 18,
        "print_values": True,
        "print_zeroes": False,
        "truncate_label": -1,
        "formatter": lambda value: f"{value:g}",
    }


def _drawn(chart: Any, name: str, title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """The chart as markup for the page."""
    chart.uuid = name  # a random one would make every page another
    chart.x_labels = labels
    for one in series:
        chart.add(one.name, list(one.values))
    chart.add_xml_filter(lambda root: _told(root, title, [one.name for one in series]))
    return str(chart.render(is_unicode=True))


def _told(root: Any, title: str, names: Sequence[str]) -> Any:
    """Quiet, and with a value for each mark."""
    svg.quiet(root, title)
    for n, name in enumerate(names):
        for mark in root.iterfind(f".//g[@class='series serie-{n} color-{n}']//g"):
            _say(mark, name)
    return root


def _say(mark: Any, name: str) -> None:
    """A bar or dot with the value that pygal's own tooltip would read."""
    found = {one.get("class"): one.text or "" for one in mark.iterfind("desc")}
    shape = next((one for one in mark if one.tag in ("rect", "circle")), None)
    if shape is None or "value" not in found:
        return
    shape.set("data-series", name)
    shape.set("data-value", found["value"])
    ElementTree.SubElement(shape, "title").text = f"{found.get('x_label', '')}: {name} {found['value']}"
    for one in mark.findall("desc"):
        mark.remove(one)
