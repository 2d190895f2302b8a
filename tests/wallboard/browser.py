"""A real browser for the tests of the page: one Chromium for all of them, and what they look for on the page."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from models.partition import partition_of
from models.topics import EVENTS, topic_name
from streams.broker import read_partition
from tests.wallboard.payloads import PARTITIONS
from tests.wallboard.wall import Wall, until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")

NEEDS_BROWSER = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no chromium and chromedriver in the path (Debian: chromium, chromium-driver)"
    ),
]

WIDTH, HEIGHT = 1920, 1080
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium with an empty profile and a window of the wall's size."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (
        *OPTIONS,
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        f"--window-size={WIDTH},{HEIGHT}",
    ):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(str(DRIVER), log_output=subprocess.DEVNULL)
    driver = webdriver.Chrome(options=options, service=service)
    size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.set_page_load_timeout(30)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(wall: Wall, browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The page of *wall*; whatever it wrote on the console fails the test."""
    browser.get_log("browser")  # type: ignore[no-untyped-call]  # what an earlier page left
    browser.get(wall.url)
    yield browser
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get("about:blank")
    assert log == [], log


def text_of(element: WebElement) -> str:
    """What is to be read there, on one line."""
    return " ".join(element.text.split())


def reads(element: WebElement, *texts: str) -> bool:
    """Whether all of *texts* are to be read there."""
    found = text_of(element)
    return all(text in found for text in texts)


def by_id(page: webdriver.Chrome, name: str) -> WebElement:
    """The element of that id."""
    found: WebElement = page.find_element(By.ID, name)
    return found


def card_of(page: webdriver.Chrome, order_id: str) -> WebElement:
    """The card of an order, once it is there."""
    found: WebElement = until(lambda: page.find_elements(By.CSS_SELECTOR, f'.card[data-order="{order_id}"]'))[0]
    return found


def act_as(page: webdriver.Chrome, person: str) -> None:
    """Choose who acts."""
    Select(by_id(page, "actor")).select_by_value(person)


def shown(page: webdriver.Chrome, box: str) -> list[str]:
    """The commands that have a button in the box of that id."""
    buttons = page.find_elements(By.CSS_SELECTOR, f"#{box} .do:not([hidden])")
    return [(button.get_attribute("class") or "").split()[-1] for button in buttons]


def commands(wall: Wall, queue: str) -> list[dict[str, Any]]:
    """What lies on the partition of *queue*."""

    async def read() -> list[dict[str, Any]]:
        topic = topic_name(wall.settings.kafka.prefix, EVENTS)
        batches = read_partition(wall.settings.kafka, topic, partition_of(queue, PARTITIONS))
        return [orjson.loads(value or b"") async for batch in batches for _, _, value in batch]

    return asyncio.run(read())
