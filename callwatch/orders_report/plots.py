"""Plots as SVG in the page itself: no script, no network, the same bytes for the same figures.

Every bar carries its value (``data-value``) and says it when pointed at; whoever cannot see it reads the table beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 880
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 28
#: Labels under the bars that can be read beside each other.
_LABELS: Final = 16


@dataclass(frozen=True, slots=True)
class Series:
    """One set of values, a bar (or with *line* a point) for each label. *kind* is its class in the style sheet."""

    name: str
    kind: str
    values: Sequence[float]
    line: bool = False


def columns(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Upright bars, one group for each label, and lines over them."""
    most = nice_top(max((value for one in series for value in one.values), default=0))
    bars = [one for one in series if not one.line]
    step = (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    parts = [_frame(title, most)]
    for n, one in enumerate(bars):
        width = step * 0.8 / len(bars)
        for at, value in enumerate(one.values):
            height = _high(value, most)
            x = _LEFT + step * at + step * 0.1 + width * n
            place = (x, HEIGHT - _BOTTOM - height, width, height)
            parts.append(_bar(one, labels[at], value, place))
    parts += [_line(one, labels, most, step) for one in series if one.line]
    every = -(-len(labels) // _LABELS) if labels else 1
    for at in range(0, len(labels), every):
        x = _LEFT + step * (at + 0.5)
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(labels[at])}</text>'
        )
    return _svg(title, HEIGHT, parts) + _legend(series)


def rows(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Lying bars, one row for each label, the series one behind the other."""
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    most = max(totals, default=0) or 1
    left, high = 220, 24
    parts = []
    for at, label in enumerate(labels):
        y, x = at * high + 4, float(left)
        text = escape(label if len(label) <= 32 else label[:31] + "…")
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 13}" text-anchor="end">{text}</text>')
        for one in series:
            width = one.values[at] / most * (WIDTH - left - _RIGHT)
            parts.append(_bar(one, label, one.values[at], (x, y, width, high - 8)))
            x += width
    return _svg(title, max(len(labels), 1) * high + 4, parts) + _legend(series)


def nice_top(most: float) -> int:
    """The upper end of an axis: 1, 2 or 5 times a power of ten, at least 1."""
    top = 1
    while True:
        for factor in (1, 2, 5):
            if most <= top * factor:
                return top * factor
        top *= 10


def _high(value: float, most: float) -> float:
    return value / most * (HEIGHT - _TOP - _BOTTOM)


def _frame(title: str, most: float) -> str:
    bottom = HEIGHT - _BOTTOM
    lines = [
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom - _high(at, most):.1f}" '
        f'y2="{bottom - _high(at, most):.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{bottom - _high(at, most) + 4:.1f}" text-anchor="end">{at:g}</text>'
        for at in (0, most / 2, most)
    ]
    return "".join(lines)


def _bar(series: Series, label: str, value: float, place: tuple[float, float, float, float]) -> str:
    x, y, width, height = place
    said = escape(f"{label}: {series.name} {value:g}")
    return (
        f'<rect class="{series.kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'data-series="{escape(series.name)}" data-value="{value:g}"><title>{said}</title></rect>'
    )


def _line(series: Series, labels: Sequence[str], most: float, step: float) -> str:
    points = [
        (_LEFT + step * (at + 0.5), HEIGHT - _BOTTOM - _high(value, most)) for at, value in enumerate(series.values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle class="{series.kind}" cx="{x:.1f}" cy="{y:.1f}" r="3" data-series="{escape(series.name)}" '
        f'data-value="{value:g}"><title>{escape(f"{label}: {series.name} {value:g}")}</title></circle>'
        for (x, y), value, label in zip(points, series.values, labels, strict=True)
    )
    return f'<polyline class="{series.kind}" points="{path}"/>{dots}'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        + "".join(parts)
        + "</svg>"
    )


def _legend(series: Sequence[Series]) -> str:
    items = "".join(f'<li><span class="key {one.kind}"></span>{escape(one.name)}</li>' for one in series)
    return f'<ul class="legend">{items}</ul>'
