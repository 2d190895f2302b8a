"""The page in a real browser: tiles that move and go stale, buttons that send commands, nothing on the console."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from models.outputs import Alert, Emergency, FloorNote, PlannedEvent, Verification
from streams.broker import create_topics
from tests.wallboard.browser import NEEDS_BROWSER, act_as, card_of, commands, reads, text_of
from tests.wallboard.payloads import NOON_MS, alert, entry, order, row
from tests.wallboard.wall import Wall, until

pytestmark = NEEDS_BROWSER


def _tile(page: webdriver.Chrome, queue: str) -> WebElement | None:
    return next(iter(page.find_elements(By.CSS_SELECTOR, f'.tile[data-queue="{queue}"]')), None)


def _shows(page: webdriver.Chrome, queue: str, *texts: str) -> bool:
    tile = _tile(page, queue)
    return tile is not None and all(text in text_of(tile) for text in texts)


def test_a_tile_moves_with_a_change_and_looks_stale_without(wall: Wall, page: webdriver.Chrome) -> None:
    wall.put("metrics", row("north/report", 0.864), row("north/<b>&amp;", None, state="no_calls", agents_known=False))
    until(
        lambda: _shows(
            page, "north/report", "86.4", "%", "OK 正常", "short_excluded · 20 s", "0:42", "4 ready / 12 busy"
        )
    )
    until(lambda: _shows(page, "north/<b>&amp;", "north/<b>&amp;", "no calls", "–", "unknown"))
    wall.put("metrics", row("north/report", 0.412, at_ms=NOON_MS + 1_000, state="breach"))
    until(lambda: _shows(page, "north/report", "41.2", "breach 越限"))
    assert page.find_element(By.ID, "count-breach").text == "1"
    until(lambda: _shows(page, "north/report", "stale 5 s"), 7)
    tile = _tile(page, "north/report")
    assert tile is not None
    assert tile.get_attribute("data-stale") == "true"
    until(lambda: _shows(page, "north/report", "stale 6 s"), 3)
    wall.put("metrics", row("north/report", 0.9, at_ms=NOON_MS + 9_000))
    until(lambda: _shows(page, "north/report", "90.0", "OK"), 3)
    until(lambda: page.find_element(By.ID, "time").text.startswith("15:00:"), 3)  # the site's zone, not this machine's


def test_buttons_send_commands_and_a_refusal_shows_its_reason(wall: Wall, page: webdriver.Chrome) -> None:
    asyncio.run(create_topics(wall.settings.kafka))
    queue = "north/report"
    found = order(queue, reopened=2)
    wall.put("metrics", row(queue, 0.5, state="breach"))
    wall.put("workorders", found)
    wall.put("workorder-log", entry(found))
    card = card_of(page, found.id)
    for text in ("Li Wei", "below 70.0 %", "dispatched 已派单", "9:5", "reopened 2×"):
        until(partial(reads, card, text))
    act_as(page, "amy.ross")
    card.find_element(By.CSS_SELECTOR, ".acknowledge").click()
    until(lambda: "acknowledge sent" in text_of(card))
    first = until(lambda: commands(wall, queue))[0]
    assert (first["command"], first["actor"], first["order"]) == ("acknowledge", "amy.ross", found.id)

    wall.put("workorders", order(queue, 11, 2, state="analysing"))
    until(lambda: "analysing" in text_of(card))
    card.find_element(By.CSS_SELECTOR, ".resolve").click()
    Select(page.find_element(By.ID, "ask-cause")).select_by_value("staffing")
    page.find_element(By.ID, "ask-measure").send_keys("two agents moved <over>")
    page.find_element(By.ID, "ask-send").click()
    until(lambda: len(commands(wall, queue)) == 2)
    second = commands(wall, queue)[1]
    assert (second["command"], second["args"]) == (
        "resolve",
        {"cause": "staffing", "measure": "two agents moved <over>"},
    )
    wall.put("alerts", alert(queue, 12, kind="refused", text="3 callers wait past the threshold", order=found.id))
    until(lambda: "refused: 3 callers wait past the threshold" in text_of(card))
    page.refresh()
    until(lambda: "refused: 3 callers wait past the threshold" in text_of(card_of(page, found.id)))
    wall.put("workorders", order(queue, 13, 3, state="verifying", sentence="resolved, counting calls"))
    until(lambda: "resolved, counting calls" in text_of(card_of(page, found.id)))
    page.refresh()
    until(lambda: "resolved, counting calls" in text_of(card_of(page, found.id)))
    assert "refused" not in text_of(card_of(page, found.id)), "an old refusal is not news"


def test_verification_then_closed_beneath_with_its_sentence(wall: Wall, page: webdriver.Chrome) -> None:
    running = Verification(since_ms=NOON_MS, needed=10, seen=7, state="running", sentence="7 of 10")
    found = order("north/report", state="verifying", verification=running)
    wall.put("workorders", found)
    until(lambda: "7 of 10 calls" in text_of(card_of(page, found.id)))
    passed = Verification(since_ms=NOON_MS, needed=10, seen=10, state="passed", sentence="10 of 10 within 20 s")
    wall.put("workorders", order("north/report", 11, 2, state="closed", closed_ms=NOON_MS, verification=passed))
    until(lambda: page.find_elements(By.CSS_SELECTOR, f'#closed .card[data-order="{found.id}"]'))
    until(lambda: "10 of 10 within 20 s" in page.find_element(By.ID, "closed").text)
    assert not page.find_elements(By.CSS_SELECTOR, "#open .card")


def test_a_line_of_the_floor_log_is_marked_on_the_trend(wall: Wall, page: webdriver.Chrome) -> None:
    def mark() -> str:
        tile = _tile(page, "north/report")
        return (tile and tile.find_element(By.CSS_SELECTOR, ".spark .mark").get_attribute("d")) or ""

    note = FloorNote(id="FL-1", at_ms=NOON_MS, by="li.wei", text="two agents late", department="", shift=None)
    wall.put("metrics", row("north/report", at_ms=NOON_MS))
    until(lambda: _tile(page, "north/report"))
    assert mark() == ""
    wall.put("alerts", alert("north/report", 5, kind="floor", order=None, at_ms=NOON_MS, floor=note))
    until(lambda: mark() == "M240.0 0V60")
    wall.put("metrics", row("north/report", at_ms=NOON_MS + 15 * 60_000))
    until(lambda: mark() == "M120.0 0V60")
    title = page.find_element(By.CSS_SELECTOR, ".spark title").get_attribute("textContent")
    assert title is not None
    assert title.endswith("li.wei: two agents late")
    page.refresh()
    until(lambda: mark() == "M120.0 0V60")
    wall.put("metrics", row("north/report", at_ms=NOON_MS + 31 * 60_000))
    until(lambda: mark() == "")


def test_units_are_a_band_of_their_own_and_name_what_is_stale(wall: Wall, page: webdriver.Chrome) -> None:
    stale = [f"north/s{n}" for n in range(5)]
    wall.put("metrics", row("north/report"), row("*", 0.751, members=9, stale=stale, stale_count=7, state="warn"))
    wall.put("metrics", row("north/*", 0.93, members=4, stale=[], stale_count=0, agents_known=False))
    until(lambda: len(page.find_elements(By.CSS_SELECTOR, "#units .unit-tile")) == 2)
    every, north = page.find_elements(By.CSS_SELECTOR, "#units .unit-tile")
    until(lambda: reads(every, "75.1 %") and reads(north, "93.0 %"))
    assert all(
        text in text_of(every) for text in ("everything 全部", "below target", "3 waiting", "longest 0:42", "4 / 12")
    )
    assert "stale: north/s0, north/s1, north/s2 and 4 more" in text_of(every)
    assert every.get_attribute("data-stale") == "true"
    assert north.get_attribute("data-stale") == "false"
    assert all(text in text_of(north) for text in ("north", "OK", "4 queues"))
    assert "stale" not in text_of(north)
    assert page.find_element(By.ID, "count-queues").text == "1"
    assert page.find_element(By.ID, "count-waiting").text == "3"  # a unit's callers are its queues'
    assert len(page.find_elements(By.CSS_SELECTOR, ".tile")) == 1


def test_what_is_planned_and_an_emergency_run_beside_the_tiles(wall: Wall, page: webdriver.Chrome) -> None:
    def planned(offset: int, **changes: Any) -> Alert:
        fields = {
            "id": "PE-1@north/report", "event": "PE-1", "kind": "maintenance", "covers": "north/*", "source": "",
            "by": "li.wei", "text": "PBX <b>update</b>", "from_ms": NOON_MS - 60_000, "until_ms": NOON_MS + 3_600_000,
            "state": "entered", "changed_by": None, "reason": "",
        }  # fmt: skip
        event = PlannedEvent.model_validate(fields | changes)
        return alert("north/report", offset, kind="planned", order=None, severity=4, planned=event)

    declared = Emergency(
        id="EM-1@north/report", event="EM-1", covers="*", reason="fire alarm", by="li.wei", since_ms=NOON_MS - 600_000,
        ended_ms=None, ended_by=None, ended_reason="",
    )  # fmt: skip
    banner = page.find_element(By.ID, "banner")
    wall.put("metrics", row("north/report"))
    until(lambda: _tile(page, "north/report"))
    assert not banner.is_displayed()
    wall.put(
        "alerts", planned(5), alert("north/report", 6, kind="emergency", severity=1, order=None, emergency=declared)
    )
    until(
        lambda: reads(
            banner, "EMERGENCY 紧急状态 * fire alarm for 10:0", "maintenance 系统维护 north/* PBX <b>update</b>"
        )
    )
    assert reads(banner, "until 16:00", "59:5")
    over = {"ended_ms": NOON_MS, "ended_by": "li.wei", "ended_reason": "all back"}
    wall.put("alerts", alert("north/report", 7, kind="emergency", severity=1, order=None,
                             emergency=declared.model_copy(update=over)))  # fmt: skip
    until(lambda: not reads(banner, "EMERGENCY") and reads(banner, "maintenance"))
    wall.put("alerts", planned(8, state="cancelled", changed_by="li.wei", reason="put off"))
    until(lambda: not banner.is_displayed())


@pytest.mark.parametrize("number", [1, 12, 60])
def test_any_number_of_tiles_fits_without_scrolling(wall: Wall, page: webdriver.Chrome, number: int) -> None:
    wall.put("metrics", *(row(f"north/queue-{n:02}") for n in range(number)))
    until(lambda: len(page.find_elements(By.CSS_SELECTOR, ".tile")) == number)
    until(lambda: _shows(page, "north/queue-00", "86.0"))
    overflow = page.execute_script(
        "const box = document.getElementById('tiles').getBoundingClientRect();"
        "const all = document.documentElement;"
        "return [all.scrollHeight > innerHeight || all.scrollWidth > innerWidth,"
        " [...document.querySelectorAll('.tile')].some((t) => { const r = t.getBoundingClientRect();"
        " return r.bottom > box.bottom + 1 || r.right > box.right + 1 || r.height < 80 || r.width < 150; })];"
    )
    assert overflow == [False, False]
