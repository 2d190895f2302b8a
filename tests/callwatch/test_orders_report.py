"""The bulletin: its figures against a golden file, the page against the figures, periods on local clocks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from callwatch.cli import build
from callwatch.journal import REACH_MS, Journal, read_file
from callwatch.orders_report.bulletin import bulletin, shift_of
from callwatch.orders_report.page import page
from callwatch.orders_report.period import (
    Period,
    calendar_period,
    known_zone,
    moment_ms,
    shift_period,
    zone_of,
)
from callwatch.orders_report.plots import ticks
from models.catalogue import Catalogue, Duty, Person, QueueSettings, Shift, Site
from models.errors import InputError, UsageError
from sources.recording import RecordingHeader, RecordingWriter
from tests.callwatch.golden_journal import FOLDER, JOURNAL, ODD

HOUR = 3_600_000
WEEK = ("--log", str(JOURNAL), "--period", "week", "--at", "1999-02-04")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(build(), ["orders", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def report(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("report", "--format", "json", *arguments))
    return found


class Page(HTMLParser):
    """What a reader of the page gets: figures by their place in the JSON, plotted values, tags, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: dict[str, float | None] = {}
        self.plotted: dict[str, list[float]] = {}
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self._plot = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= given.keys()
        if tag == "figure":
            self._plot = given["id"] or ""
        if "data-figure" in given:
            value = given["data-value"]
            self.figures[given["data-figure"] or ""] = float(value) if value else None
        elif "data-value" in given:
            key = f"{self._plot}.{(given['data-series'] or '').split()[0]}"
            self.plotted.setdefault(key, []).append(float(given["data-value"] or ""))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def place(found: Any, path: str) -> Any:
    """The value at a path of the JSON. Names may hold dots: the longest that fits counts."""
    parts = path.split(".")
    while parts:
        if isinstance(found, list):
            found = found[int(parts.pop(0))]
            continue
        n = next(n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in found)
        found, parts = found[".".join(parts[:n])], parts[n:]
    return found


# --- golden ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["week", "month"])
def test_the_figures_are_those_of_the_golden_file(name: str) -> None:
    found = report("--log", str(JOURNAL), "--period", name, "--at", "1999-02-04")
    assert found == json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_what_the_golden_week_says_is_what_happened() -> None:
    """By hand, from the story that `golden_journal` tells of that week."""
    found = report(*WEEK)
    counts = found["figures"]["counts"]
    assert (counts["raised"], counts["closed"], counts["cancelled"]) == (4, 3, 1)
    assert found["figures"]["respond_kept"]["share"] == 0.5
    assert found["figures"]["closed_by"] == {"calls": 2, "held": 1}
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert rules["sl"]["verdicts"] == {"true": 1, "false": 2, "expected": 0}  # one of them cancelled as false
    assert rules["sl"]["false_share"]["share"] == 2 / 3
    assert rules["wait"]["false_share"]["share"] is None
    assert sum(found["half_hours"]) == 4
    assert [row["state"] for row in found["orders"]] == ["closed", "closed", "cancelled", "closed"]
    assert len(found["flow"]) == 7


def test_two_weeks_add_up_to_their_month() -> None:
    first, second = report(*WEEK), report(*WEEK[:-1], "1999-02-10")
    month = report("--log", str(JOURNAL), "--period", "month", "--at", "1999-02-10")
    for what, n in month["figures"]["counts"].items():
        assert first["figures"]["counts"][what] + second["figures"]["counts"][what] == n
    assert first["half_hours"] != second["half_hours"]
    assert [a + b for a, b in zip(first["half_hours"], second["half_hours"], strict=True)] == month["half_hours"]
    assert len(first["notes"]) + len(second["notes"]) == len(month["notes"]) > 0


# --- page -----------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_figures_of_the_json() -> None:
    found, shown = report(*WEEK), Page(run("report", *WEEK))
    assert len(shown.figures) > 150
    for path, value in shown.figures.items():
        assert place(found, path) == value, path
    for name in ("raised", "closed", "command", "page"):
        assert f"figures.counts.{name}" in shown.figures
    assert shown.plotted["flow.raised"] == [row["raised"] for row in found["flow"]]
    assert shown.plotted["open.open"] == [row["open_at_end"] for row in found["flow"]]
    assert shown.plotted["hours.raised"] == found["half_hours"]
    assert shown.plotted["rules.false"][::-1] == [rule["verdicts"]["false"] for rule in found["rules"]]
    assert shown.plotted["people.pages"][::-1] == [load["pages"] for load in found["people"]]
    assert page(found) == run("report", *WEEK), "the same figures, the same bytes"


def test_text_from_outside_stays_text() -> None:
    html = run("report", *WEEK)
    shown = Page(html)
    assert "<script" not in html
    assert shown.tags.isdisjoint({"script", "b", "i", "img", "iframe", "link", "drill"})
    assert not {name for name in shown.attributes if name.startswith("on")} | ({"src", "href"} & shown.attributes)
    text = " ".join(shown.text)
    assert ODD in text
    assert "ten agents & <i>overtime</i>" in text
    assert "default-src 'none'" in html


def test_nothing_in_a_period_is_said_and_no_share_of_it_is_shown() -> None:
    found = report("--log", str(JOURNAL), "--period", "day", "--at", "1999-01-02")
    shown = Page(page(found))
    assert found["orders"] == found["notes"] == found["rules"] == found["people"] == []
    assert shown.figures["figures.respond_kept.share"] is None
    assert shown.figures["figures.times.detect.p50_ms"] is None
    assert "100 %" not in page(found)
    assert "None in this period." in page(found)


def test_the_axis_of_a_plot_holds_its_bars() -> None:
    for most in (0, 0.5, 1, 3, 7, 10, 11, 30, 99, 101, 12_345):
        axis = ticks(most)
        assert axis[0] == 0
        assert axis[-1] >= most
        assert 2 <= len(axis) <= 6
        assert len({b - a for a, b in pairwise(axis)}) == 1


# --- scope and periods ----------------------------------------------------------------------------------------------


def test_one_queue_and_one_site() -> None:
    one = report(*WEEK, "--queue", "bank/PS")
    assert {row["queue"] for row in one["orders"]} == {"bank/PS"}
    assert one["figures"]["counts"]["raised"] == 3
    assert report(*WEEK, "--site", "bank")["figures"] == one["figures"]  # the odd queue has a slash more
    assert report(*WEEK, "--site", "elsewhere")["figures"]["counts"]["raised"] == 0


def test_a_period_that_is_not_over_says_so_and_counts_as_far_as_the_log_reaches() -> None:
    found = report("--log", str(JOURNAL), "--period", "week")  # that of the last decision
    assert found["period"]["name"] == "1999-W06"
    assert found["is_over"] is False
    assert len(found["flow"]) == 3
    assert "The log reaches to 1999-02-1" in page(found)
    assert found["figures"]["open_at_end"] == 1
    held = found["people"][0]["held_ms"]
    assert held <= found["log_until_ms"] - found["period"]["from_ms"]


@pytest.mark.parametrize(
    ("kind", "zone", "day", "begins", "ends"),
    [
        ("day", "Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # 23 hours
        ("week", "Asia/Shanghai", "2026-03-02", "2026-03-01T16:00Z", "2026-03-08T16:00Z"),
        ("week", "Europe/Berlin", "2026-10-25", "2026-10-18T22:00Z", "2026-10-25T23:00Z"),  # 169 hours
        ("week", "UTC", "2027-01-02", "2026-12-28T00:00Z", "2027-01-04T00:00Z"),
        ("month", "America/New_York", "2026-12-31", "2026-12-01T05:00Z", "2027-01-01T05:00Z"),
    ],
)
def test_periods_are_local(kind: Any, zone: str, day: str, begins: str, ends: str) -> None:
    found = calendar_period(kind, zone, moment_ms(day, zone, kind))
    assert (found.from_ms, found.to_ms) == (ms(begins.replace("Z", "+00:00")), ms(ends.replace("Z", "+00:00")))
    edges = found.edges()
    assert (edges[0], edges[-1]) == (found.from_ms, found.to_ms)
    assert all(early < late for early, late in pairwise(edges))
    assert len(edges) - 1 == {"day": 23, "week": 7, "month": 31}[kind]


def test_the_week_of_new_year_has_the_name_that_iso_gives_it() -> None:
    assert calendar_period("week", "UTC", moment_ms("2027-01-02", "UTC", "week")).name == "2026-W53"


def test_a_day_needs_one_clock() -> None:
    known = Catalogue(sites=(Site("north", "Asia/Shanghai"), Site("south", "Europe/Berlin")))
    assert zone_of(known, ["north/a", "north/b"]) == "Asia/Shanghai"
    assert zone_of(known, []) == "UTC"
    with pytest.raises(UsageError, match="north/a has Asia/Shanghai, south/b has Europe/Berlin"):
        zone_of(known, ["north/a", "south/b"])
    with pytest.raises(UsageError, match="IANA"):
        known_zone("Berlin")


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026-2-3", ""])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        moment_ms(text, "UTC", "day")


SHIFTS = Catalogue(
    queues=(QueueSettings(department="desk"),),
    people=(Person("lead", "Lead", "desk", 1), Person("night", "Night", "desk", 1)),
    shifts=(
        Shift("early", "desk", "Asia/Shanghai", (Duty(frozenset(range(7)), 480, 1200),), ("lead",)),
        Shift("late", "desk", "Asia/Shanghai", (Duty(frozenset(range(7)), 1200, 1920),), ("night",)),
    ),
)


def test_a_shift_over_midnight_is_one_period() -> None:
    at_ms = moment_ms("2026-03-03T02:00", "Asia/Shanghai", "shift")
    found = shift_period(SHIFTS, ["a/b"], at_ms)
    assert found == Period(
        "shift", "2026-03-02 late", "Asia/Shanghai", ms("2026-03-02T20:00+08:00"), ms("2026-03-03T08:00+08:00")
    )
    assert len(found.edges()) == 13
    assert shift_of(SHIFTS)("night", at_ms) == found.from_ms
    assert shift_of(SHIFTS)("lead", at_ms) is None
    assert shift_of(SHIFTS)("nobody", at_ms) is None
    with pytest.raises(UsageError, match="needs a time of day"):
        moment_ms("2026-03-03", "Asia/Shanghai", "shift")
    with pytest.raises(UsageError, match="has no shift at 2026-03-02T18:00Z"):
        shift_period(Catalogue(), ["a/b"], at_ms)


# --- the journal ----------------------------------------------------------------------------------------------------


def entry(order: str, queue: str, at_ms: int, version: int, after: str, n: int) -> dict[str, Any]:
    before = None if version == 1 else "dispatched"
    return {"pos": [0, n, 0], "order": order, "queue": queue, "at_ms": at_ms, "version": version, "before": before,
            "after": after, "order_after": {}}  # fmt: skip


def test_a_journal_forgets_what_is_over_for_long_and_nothing_else() -> None:
    journal = Journal()
    for n, (order, queue, at_ms, version, after) in enumerate(
        [
            ("old", "a", 0, 1, "dispatched"),
            ("open", "b", 0, 1, "dispatched"),
            ("old", "a", HOUR, 2, "closed"),
            ("young", "a", 2 * HOUR, 1, "closed"),
            ("new", "a", HOUR + REACH_MS + 1, 1, "dispatched"),
            ("other", "b", HOUR + REACH_MS + 1, 1, "dispatched"),
        ]
    ):
        journal.add(entry(order, queue, at_ms, version, after, n))
    assert sorted(journal.entries) == ["new", "open", "other", "young"]


def test_what_was_read_twice_counts_once() -> None:
    payloads = list(read_file(str(JOURNAL)))
    once, twice = Journal(), Journal()
    for payload in payloads:
        once.add(payload)
    for payload in [*payloads, *payloads]:
        twice.add(payload)
    assert (once.entries, once.notes) == (twice.entries, twice.notes)


def test_an_order_whose_beginning_is_gone_is_left_out_by_name() -> None:
    journal = Journal()
    for payload in list(read_file(str(JOURNAL)))[3:]:
        journal.add(payload)
    period = calendar_period("week", "UTC", ms("1999-02-04T00:00+00:00"))
    found = bulletin(journal, period, Catalogue(), {})
    assert [left["reason"][-60:] for left in found["left_out"]] == [
        "keeps entries for 400 days by default, older ones are in a file written before."[-60:]
    ]
    assert found["figures"]["counts"]["raised"] == 3
    assert "Left out: WO-" in page(found)


def test_a_recording_of_the_log_is_read_like_the_plain_file(tmp_path: Path) -> None:
    target = tmp_path / "log.ndjson.zst"
    with RecordingWriter(target, RecordingHeader(made_by="test", ordered="log")) as file:
        file.write_all(JOURNAL.read_bytes().splitlines())
    assert list(read_file(str(target))) == list(read_file(str(JOURNAL)))
    assert report("--log", str(target), *WEEK[2:]) == report(*WEEK)


@pytest.mark.parametrize("line", [b"{", b'{"type": "call.offered"}', b"[]"])
def test_a_file_that_is_no_log_is_refused_with_its_line(line: bytes, tmp_path: Path) -> None:
    target = tmp_path / "log.ndjson"
    target.write_bytes(JOURNAL.read_bytes().splitlines()[0] + b"\n" + line + b"\n")
    with pytest.raises(InputError, match="line 2"):
        list(read_file(str(target)))
    with pytest.raises(InputError, match="Cannot read"):
        list(read_file(str(tmp_path / "none")))


# --- why ------------------------------------------------------------------------------------------------------------


def test_why_tells_the_story_of_one_order_from_a_file() -> None:
    order = report(*WEEK)["orders"][1]["id"]
    told = run("why", order[:8], "--log", str(JOURNAL), "--zone", "Asia/Shanghai", "--zh")
    assert told.startswith(f"{order}  bank/PS  closed")
    assert "Not acknowledged in time: the next on duty in the same tier / 未在响应时限内确认:同级下一位当班人员" in told
    assert "+0800  system: " in told
    found = orjson.loads(run("why", order, "--log", str(JOURNAL), "--json"))
    assert len(found["story"]) == len(found["versions"])
    assert found["versions"][str(len(found["versions"]))]["state"] == "closed"
    with pytest.raises(UsageError, match="orders' ids begin with WO-"):
        run("why", "WO-", "--log", str(JOURNAL))
    with pytest.raises(UsageError, match="no order's id begins with nothing"):
        run("why", "nothing", "--log", str(JOURNAL))


def test_a_bulletin_is_written_whole_to_its_file(tmp_path: Path) -> None:
    target = tmp_path / "bulletin.html"
    run("report", *WEEK, "-o", str(target))
    assert target.read_text(encoding="utf-8") == run("report", *WEEK)
    assert [path.name for path in tmp_path.iterdir()] == ["bulletin.html"]
    assert datetime.fromtimestamp(report(*WEEK)["period"]["from_ms"] / 1000, UTC).weekday() == 0
