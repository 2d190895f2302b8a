"""The panel beside the tiles: a shift accepted by name, findings and notes typed in, and a wall with tiles alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from callwatch.stack import EmbeddedStack
from models.command import ANY_ORDER
from tests.alerts.test_handover import SHEET, settings
from tests.alerts.world import S
from tests.wallboard.browser import NEEDS_BROWSER, act_as, by_id, card_of, reads, text_of
from tests.wallboard.floor import QUEUE, Floor, on_the_floor
from tests.wallboard.wall import until

pytestmark = NEEDS_BROWSER


@pytest.fixture
def floor(stack: EmbeddedStack, prefix: str) -> Iterator[Floor]:
    """The early shift of ann, with an order that she has acknowledged; bob leads the late one."""
    with on_the_floor(stack, prefix, settings()) as found:
        found.world.service(0.4)
        found.run(80 * S)
        found.tell("acknowledge", "ann")
        yield found


def _fill(page: webdriver.Chrome, **values: str) -> None:
    """Type into the open form, and send it."""
    for name, value in values.items():
        field = by_id(page, f"ask-{name}")
        if field.tag_name == "select":
            Select(field).select_by_value(value)
        else:
            field.send_keys(value)
    by_id(page, "ask-send").click()


def test_a_shift_is_accepted_by_name_on_the_page(floor: Floor, browser: webdriver.Chrome) -> None:
    page, name = browser, floor.world.order()["id"]
    page.get_log("browser")  # type: ignore[no-untyped-call]
    page.get(floor.wall.url)
    card_of(page, name)
    tab = by_id(page, "tab-handover")
    assert not tab.is_displayed(), "there is no sheet yet"
    floor.run(SHEET - floor.world.now_ms)
    until(tab.is_displayed)
    assert reads(tab, "Shift handover 交接班 1")
    tab.click()
    until(lambda: reads(by_id(page, "sheets"), "to be accepted"))
    told = text_of(by_id(page, "sheets"))
    for text in ("early until 11:00: Ann hands over", "late from 11:00: Bob accepts until 11:10", "on hold 挂起 none",
                 f"{QUEUE} severity 2, acknowledged, Ann: to be accepted 待接班", "planned events 计划事件 none",
                 "team leader 组长 nobody in the settings", "Accept 1 as Bob 接班", "notes 备注 none"):  # fmt: skip
        assert text in told, text
    act_as(page, "ann")
    assert page.execute_script("return document.querySelector('.acceptance .main').disabled"), "for bob alone"
    act_as(page, "bob")
    page.execute_script("document.querySelector('.acceptance .main').click()")
    sent = floor.decide()
    assert (sent["command"], sent["actor"], sent["order"]) == ("accept_shift", "bob", ANY_ORDER)
    until(lambda: reads(by_id(page, "sheets"), "accepted by Bob", "Bob: accepted 已接班"))
    assert not page.find_elements(By.CSS_SELECTOR, ".acceptance .main")
    assert text_of(tab).endswith("交接班")
    by_id(page, "tab-orders").click()
    until(lambda: reads(card_of(page, name), "Bob"))
    assert not page.get_log("browser")  # type: ignore[no-untyped-call]


def test_findings_and_notes_enter_from_the_panel(floor: Floor, browser: webdriver.Chrome) -> None:
    page, name = browser, floor.world.order()["id"]
    page.get_log("browser")  # type: ignore[no-untyped-call]
    page.get(floor.wall.url)
    card = card_of(page, name)
    act_as(page, "lia")
    by_id(page, "write-finding").click()
    assert not by_id(page, "ask-metric").is_displayed()
    _fill(
        page, queue=QUEUE, text="menu hangs up", severity="2", verify="figure", metric="service_level_live", limit="85"
    )
    sent = floor.decide()
    assert (sent["command"], sent["queue"], sent["args"]["limit"]) == ("report", QUEUE, 0.85)
    until(lambda: reads(by_id(page, "side-said"), f"it stands in order {name}"))
    assert reads(card, "menu hangs up")
    by_id(page, "write-finding").click()
    _fill(page, queue=QUEUE, text="still hangs up", verify="signed", person="bob")
    floor.decide()
    until(lambda: reads(card, "menu hangs up · still hangs up"))
    by_id(page, "write-note").click()
    _fill(page, queue=QUEUE, text="two agents late")
    assert floor.decide()["command"] == "floor_note"
    by_id(page, "tab-records").click()
    until(lambda: reads(by_id(page, "records"), f"{QUEUE} Lia: two agents late"))
    assert not page.get_log("browser")  # type: ignore[no-untyped-call]


def test_a_wall_without_a_person_has_tiles_alone(floor: Floor, browser: webdriver.Chrome) -> None:
    page = browser
    page.get(f"{floor.wall.url}/#tiles")
    until(lambda: page.find_elements(By.CSS_SELECTOR, f'.tile[data-queue="{QUEUE}"]'))
    assert not by_id(page, "panel").is_displayed()
    assert page.execute_script("return document.getElementById('tiles').clientWidth") > 1850
    by_id(page, "panel-switch").click()
    assert by_id(page, "panel").is_displayed()
    by_id(page, "panel-switch").click()
    page.get(f"{floor.wall.url}/?again")
    until(lambda: page.find_elements(By.CSS_SELECTOR, f'.tile[data-queue="{QUEUE}"]'))
    assert not by_id(page, "panel").is_displayed(), "a screen keeps what was chosen"
    page.execute_script("localStorage.clear()")
