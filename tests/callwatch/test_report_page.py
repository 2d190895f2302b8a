"""The bulletin in a real browser, from a file and without network: the plots are drawn, nothing runs, nothing loads."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from typer.testing import CliRunner

from callwatch.cli import build
from tests.callwatch.golden_journal import JOURNAL
from tests.wallboard.browser import CHROMIUM, DRIVER, OPTIONS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no chromium and chromedriver in the path (Debian: chromium, chromium-driver)"
    ),
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """The golden month in Chromium."""
    folder = tmp_path_factory.mktemp("bulletin")
    target = folder / "month.html"
    arguments = [
        "orders",
        "report",
        "--log",
        str(JOURNAL),
        "--period",
        "month",
        "--at",
        "1999-02-04",
        "-o",
        str(target),
    ]
    result = CliRunner().invoke(build(), arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={folder / 'profile'}", "--window-size=1000,1200"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER), log_output=subprocess.DEVNULL))
    driver.set_page_load_timeout(30)
    try:
        driver.get(target.as_uri())
        yield driver
    finally:
        driver.quit()


@pytest.mark.parametrize("plot", ["flow", "open", "hours", "states", "rules", "people"])
def test_a_plot_is_drawn_and_its_bars_are_as_long_as_their_values(shown: webdriver.Chrome, plot: str) -> None:
    bars = shown.find_elements(By.CSS_SELECTOR, f"#{plot} rect[data-value]")
    assert bars
    side = "height" if plot in ("flow", "open", "hours") else "width"
    scales = set()
    for bar in bars:
        value, length = float(bar.get_attribute("data-value") or ""), bar.rect[side]
        assert (length > 0) == (value > 0)
        if length > 5:  # pixels: a shorter one is rounded
            scales.add(length / value)
            assert bar.value_of_css_property("fill") not in ("none", "rgb(0, 0, 0)")
    assert max(scales) / min(scales) < 1.1


def test_a_plot_says_what_it_is_and_each_bar_its_value(shown: webdriver.Chrome) -> None:
    plot = shown.find_element(By.CSS_SELECTOR, "#people svg")
    assert plot.get_attribute("role") == "img"
    assert plot.accessible_name == "Commands and pages by person"
    bar = plot.find_element(By.CSS_SELECTOR, "rect[data-value='22'] title")
    assert bar.get_attribute("textContent") == "boss: pages 呼叫 22"
    drawn = [text.text for text in plot.find_elements(By.CSS_SELECTOR, ".text-overlay text") if text.text]
    assert "22" in drawn


def test_a_dark_window_has_a_dark_page(shown: webdriver.Chrome) -> None:
    def colours() -> list[str]:
        bar = shown.find_element(By.CSS_SELECTOR, "#people rect[data-value='22']")
        return [shown.find_element(By.TAG_NAME, "body").value_of_css_property("color"),
                bar.value_of_css_property("fill")]  # fmt: skip

    light = colours()
    for scheme in ("dark", "light"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        assert all((now != then) == (scheme == "dark") for now, then in zip(colours(), light, strict=True))


def test_the_page_runs_and_loads_nothing(shown: webdriver.Chrome) -> None:
    assert shown.execute_script("return document.scripts.length") == 0
    assert shown.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert not shown.get_log("browser")  # type: ignore[no-untyped-call]
    assert "<script>alert(1)</script>" in shown.find_element(By.TAG_NAME, "body").text


def test_the_page_is_not_wider_than_the_window(shown: webdriver.Chrome) -> None:
    assert shown.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
