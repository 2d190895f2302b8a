"""``callwatch backtest``: a simulated morning with its truth, as JSON, on the terminal and as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.commands.backtest import catalogue_of
from models.errors import InputError
from models.hours import site_of
from sources.recording import RecordingHeader, RecordingWriter

RULES = """
[[rule]]
id = "lost-in-the-menu"
metric = "unreached_share"
window = "5m"
limit = 0.5
breach = "above"
severity = 1
min_sample = 10
recovery = 0.1
"""


def invoke(*options: str) -> str:
    result = CliRunner().invoke(build(), ["backtest", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("morning") / "day.ndjson.zst"
    command = ["simulate", "-o", str(path), "--hours", "1.5", "--queues", "4", "--seed", "3"]
    assert CliRunner().invoke(build(), command, catch_exceptions=False).exit_code == 0
    return path


@pytest.fixture(scope="module")
def found(morning: Path) -> dict[str, Any]:
    rules, page = morning.parent / "rules.toml", morning.parent / "out.html"
    rules.write_text(RULES, encoding="utf-8")
    truth = str(morning.with_name("day.truth.json"))
    out: dict[str, Any] = orjson.loads(
        invoke(str(morning), "--rules", str(rules), "--truth", truth, "--html", str(page), "--clock", "5", "--json")
    )
    return out


def test_the_one_rule_finds_the_outage_and_nothing_else(found: dict[str, Any]) -> None:
    rule = found["rules"][0]  # what follows is about units
    outages = [one for one in found["troubles"] if one["kind"] == "trunk_outage"]
    others = [one for one in found["troubles"] if one["kind"] != "trunk_outage"]
    assert rule["rule"] == "lost-in-the-menu"
    assert outages
    assert all(0 < one["delay_s"] < 600 for one in outages)
    assert all(one["rule"] is None for one in others)
    assert (rule["opened"], rule["false_orders"], rule["found"]) == (len(outages), 0, len(outages))
    assert found["queue_weeks"] == pytest.approx(4 * 1.5 / 168, rel=0.02)
    assert all(order["false"] is False for order in found["orders"])


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_has_figures_shades_and_nothing_from_outside(found: dict[str, Any], morning: Path) -> None:
    text = (morning.parent / "out.html").read_text("utf-8")
    tags = Tags()
    tags.feed(text)
    names = [tag for tag, _ in tags.seen]
    assert names.count("svg") == found["rules"][0]["episodes"]
    assert "script" not in names
    assert not [attrs for _, attrs in tags.seen if any(key in attrs for key in ("src", "href"))]
    assert not re.findall(r"https?://(?!www\.w3\.org/)", text)
    assert text.count("episode 异动") == names.count("svg")
    shades = re.findall(r'<g class="series serie-0 color-0"><path d="M([^"]+)Z?"', text)
    assert len(shades) == names.count("svg")
    assert found["episodes"][0]["sentence"].split(":")[0] in text
    assert "lost-in-the-menu" in text


def test_the_terminal_says_the_same(found: dict[str, Any], morning: Path) -> None:
    rules = str(morning.parent / "rules.toml")
    said = invoke(str(morning), "--rules", rules, "--clock", "5")
    assert "lost-in-the-menu" in said
    assert found["orders"][0]["sentence"] in said
    assert "found" not in said  # the truth was not given


def test_rules_alone_take_the_clock_of_the_recording(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")
    catalogue = catalogue_of(rules, RecordingHeader(zone="Asia/Shanghai"))
    assert site_of(catalogue, "north/billing").zone == "Asia/Shanghai"
    assert [rule.id for rule in catalogue.rules if rule.of == "queues"] == ["lost-in-the-menu"]
    rules.write_text('[[site]]\nname = "*"\nzone = "UTC"\n', encoding="utf-8")
    assert site_of(catalogue_of(rules, RecordingHeader(zone="Asia/Shanghai")), "x/y").zone == "UTC"


def test_an_empty_recording_is_told(tmp_path: Path) -> None:
    path = tmp_path / "empty.ndjson.zst"
    with RecordingWriter(path, RecordingHeader()):
        pass
    result = CliRunner().invoke(build(), ["backtest", str(path)])
    assert isinstance(result.exception, InputError)
    assert "nothing to judge" in str(result.exception)
