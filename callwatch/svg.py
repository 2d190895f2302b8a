"""What every plot of our pages has in common: pygal's SVG in the page itself, in its colours, without its script.

pygal writes how it was configured as a script and the day as a comment, for its own tooltips; both are taken out.
Colours are those of the page's style sheet, so a plot follows it into the dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree

from pygal.style import Style

WIDTH: Final = 880


def settings(colours: Sequence[str], **own: Any) -> dict[str, Any]:
    """How a plot looks whose series have *colours* of the style sheet (a, b, c, d). *own*: of its style alone."""
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
        transition="0s",
        **own,
    )
    return {
        "style": style,
        "width": WIDTH,
        "js": (),
        "legend_at_bottom": True,
        "legend_box_size": 12,
        "margin": 4,
        "truncate_legend": -1,
        "no_data_text": "",
        "disable_xml_declaration": True,
    }


def quiet(root: Any, title: str) -> Any:
    """*root* without script and comments, with its title: a line of pygal's that says every value again is left out."""
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
