"""One panel as SVG: the figure, what was expected with its band, the limit, and the episodes shaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pygal
from pygal.style import Style

from callwatch.backtest.happened import Episode
from callwatch.backtest.traces import Panel, Sample
from models.hours import local
from models.metric import METRIC

WIDTH: Final = 880
HEIGHT: Final = 260
#: What a figure of each unit is divided by to be read on an axis, and what the axis then says.
_SHOWN: Final = {"ratio": (0.01, " %"), "ms": (1000.0, " s")}
#: A value of None is a gap in the line.
Point = tuple[float, float | None]
Series = tuple[str | None, str, list[Point], dict[str, Any]]
_FILLED: Final = {"fill": True, "show_dots": False, "stroke_style": {"width": 0.2}}


def plot(panel: Panel, name: str, title: str, zone: ZoneInfo) -> str:
    """Markup of *panel*; *name* is its own in the page."""
    unit, suffix = _SHOWN.get(METRIC[panel.view.metric].unit, (1.0, ""))
    top = _top(panel) / unit
    series = list(_series(panel, unit, top))
    chart = pygal.XY(
        **_settings([colour for _, colour, _, _ in series]),
        range=(0, top),
        value_formatter=lambda value: f"{value:.4g}{suffix}",
        x_value_formatter=lambda minute: local(zone.key, int(minute * 60_000)).strftime("%H:%M"),
    )
    chart.uuid = name  # a random one would make every page another
    first, last = panel.samples[0].at_ms // 60_000, panel.samples[-1].at_ms // 60_000
    step = max((last - first) // 8, 1)
    chart.x_labels = list(range(first, last + 1, step))
    for label, _, points, how in series:
        chart.add(label, points, **how)
    chart.add_xml_filter(lambda root: _quiet(root, title))
    return str(chart.render(is_unicode=True))


def _series(panel: Panel, unit: float, top: float) -> Iterator[Series]:
    """Shades first, the figure last, so that it lies above all: name, colour, points, how it is drawn.

    A name None is not in the legend: it stands there once.
    """
    last_ms = panel.samples[-1].at_ms
    for n, one in enumerate(panel.episodes):
        yield None if n else "episode 异动", "d", _shade(one, last_ms, top), _FILLED
    for n, run in enumerate(runs(panel.samples)):
        upper: list[Point] = [(_minute(s), min(s.upper / unit, top)) for s in run]
        lower: list[Point] = [(_minute(s), max(s.lower / unit, 0.0)) for s in reversed(run)]
        yield None if n else "usual 常态区间", "b", upper + lower, _FILLED
    expected: list[Point] = [(_minute(s), _known(s.expected, unit)) for s in panel.samples]
    if any(value is not None for _, value in expected):
        yield "expected 预期", "b", expected, {"show_dots": False}
    if panel.limit is not None:
        ends: list[Point] = [(_minute(panel.samples[at]), panel.limit / unit) for at in (0, -1)]
        yield "limit 限值", "c", ends, {"show_dots": False, "stroke_style": {"dasharray": "6, 4"}}
    value: list[Point] = [(_minute(s), _known(s.value, unit)) for s in panel.samples]
    yield METRIC[panel.view.metric].en, "a", value, {"show_dots": False, "stroke_style": {"width": 2}}


def _known(value: float, unit: float) -> float | None:
    """None where there is no value: a gap in the line."""
    return None if math.isnan(value) else value / unit


def runs(samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    """The longest stretches of at least two samples in which there is a band."""
    bounds = [-1, *(n for n, s in enumerate(samples) if math.isnan(s.upper) or math.isnan(s.lower)), len(samples)]
    for before, after in pairwise(bounds):
        if after - before > 2:
            yield samples[before + 1 : after]


def _shade(episode: Episode, last_ms: int, top: float) -> list[Point]:
    from_min = episode.told_ms / 60_000
    until_min = min(episode.ended_ms or last_ms, last_ms) / 60_000
    return [(from_min, 0.0), (from_min, top), (until_min, top), (until_min, 0.0)]


def _minute(sample: Sample) -> float:
    return sample.at_ms / 60_000


def _top(panel: Panel) -> float:
    values = [v for s in panel.samples for v in (s.value, s.expected, s.upper) if not math.isnan(v)]
    limit = panel.limit if panel.limit is not None else 0.0
    most = max([*values, limit], default=0.0)
    least = {"ratio": 0.05, "ms": 10_000.0}.get(METRIC[panel.view.metric].unit, 5.0)
    return max(most * 1.05, least)


def _settings(colours: Sequence[str]) -> dict[str, Any]:
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--dim)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--line)",
        guide_stroke_color="var(--line)",
        major_guide_stroke_color="var(--line)",
        guide_stroke_dasharray="none",
        major_guide_stroke_dasharray="none",
        colors=tuple(f"var(--{colour})" for colour in colours),
        font_family="inherit",
        label_font_size=12,
        major_label_font_size=12,
        legend_font_size=13,
        opacity=".16",
        opacity_hover=".3",
        transition="0s",
    )
    return {
        "style": style,
        "width": WIDTH,
        "height": HEIGHT,
        "js": (),
        "legend_at_bottom": True,
        "legend_box_size": 12,
        "legend_at_bottom_columns": 5,
        "margin": 4,
        "margin_bottom": 22,
        "truncate_legend": -1,
        "show_x_guides": False,
        "allow_interruptions": True,
        "no_data_text": "",
        "disable_xml_declaration": True,
    }


def _quiet(root: Any, title: str) -> Any:
    """Without script and comments, with its title; a line of pygal's that says every value again is left out."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag is ElementTree.Comment or child.tag == "script":
                parent.remove(child)
    root.set("role", "img")
    root.set("aria-label", title)
    said = root.find("title")
    if said is not None:
        said.text = title
    return root
