"""The page in a real browser: headless Chromium from the system's packages, with the network off."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

Browser = Any


def need(*names: str) -> str:
    """The first of these programs; without any, the test is skipped, but fails where CI must have it."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no {names[0]}; on Debian: apt install chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def start(folder: Path, *, scripts: bool = True) -> Browser:
    options = webdriver.ChromeOptions()
    options.binary_location = need("chromium", "chromium-browser", "google-chrome")
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--homepage=about:blank", f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND",
    ):  # fmt: skip
        options.add_argument(argument)
    content = {"javascript": 1 if scripts else 2}
    options.add_experimental_option(
        "prefs",
        {"profile.managed_default_content_settings": content, "download.default_directory": str(folder / "downloads")},
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=need("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver = start(tmp_path_factory.mktemp("browser"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(complete: Path) -> str:
    return complete.as_uri()


def visit(browser: Browser, address: str, *, width: int = 1280, dark: bool = False) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get("about:blank")
    browser.get(address)


def shown(browser: Browser, selector: str) -> int:
    """How many elements of the selector are drawn."""
    script = "return [...document.querySelectorAll(arguments[0])].filter(one => one.getClientRects().length).length"
    return int(browser.execute_script(script, selector))


def press(browser: Browser, selector: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def column(browser: Browser, name: str) -> list[str]:
    heads = [head.text.split(" ↑")[0].split(" ↓")[0] for head in browser.find_elements(By.CSS_SELECTOR, ".trials th")]
    place = heads.index(name) + 1
    script = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)"
    found: list[str] = browser.execute_script(script, f".trials tbody td:nth-child({place})")
    return found


def test_the_page_opens_without_an_error_and_asks_for_nothing(browser: Browser, address: str) -> None:
    browser.get_log("performance")
    browser.get_log("browser")
    visit(browser, address)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    asked = [one["request"]["url"] for one in requests if one["documentURL"].startswith(address)]
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert address in asked


def test_a_cell_switched_off_disappears_from_every_figure(browser: Browser, address: str) -> None:
    visit(browser, address)
    figures = shown(browser, "#evidence figure")
    assert shown(browser, '#evidence [data-cell="1"]') > figures
    press(browser, '[name=cell][value="1"]')
    assert shown(browser, '#evidence [data-cell="1"]') == 0
    assert shown(browser, '#evidence [data-cell="2"]') > figures
    assert "without=1" in browser.current_url


def test_a_view_can_be_shared_by_its_address(browser: Browser, address: str) -> None:
    visit(browser, address + "#without=0.2&scale=log&theme=dark&search=language&sort=seed:down")
    assert shown(browser, '#evidence [data-cell="0"]') == shown(browser, '#evidence [data-cell="2"]') == 0
    assert shown(browser, '#evidence svg[data-scale="log"]') > 3
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"
    assert set(column(browser, "task")) == {"language"}
    assert column(browser, "seed")[0] == "4"


def test_logarithmic_drawings_take_the_place_of_linear_ones(browser: Browser, address: str) -> None:
    visit(browser, address)
    assert shown(browser, '#loss-by-size svg[data-scale="log"]') == 0
    press(browser, "[name=scale][value=log]")
    assert shown(browser, '#loss-by-size svg[data-scale="log"]') == 1
    assert shown(browser, '#loss-by-size svg[data-scale="linear"]') == 0
    assert shown(browser, "#accuracy-by-length svg") == 1


def test_arrow_keys_go_through_the_values_and_say_them(browser: Browser, address: str) -> None:
    visit(browser, address)
    drawing = browser.find_element(By.CSS_SELECTOR, "#loss-by-size .drawing")
    browser.execute_script("arguments[0].focus()", drawing)
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    first = browser.find_element(By.CSS_SELECTOR, ".value").text
    assert first.startswith("Simple RNN, 2,000 characters: mean")
    assert "n = 5" in first
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert browser.find_element(By.CSS_SELECTOR, ".value").text.startswith("Simple RNN, 8,000 characters")
    browser.switch_to.active_element.send_keys(Keys.END)
    assert browser.find_element(By.CSS_SELECTOR, ".value").text.startswith("LSTM, 128,000 characters")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert shown(browser, ".value") == 0


def test_the_pointer_shows_the_value_and_seed_under_it(browser: Browser, address: str) -> None:
    visit(browser, address)
    seed = browser.find_element(By.CSS_SELECTOR, "#accuracy-by-length .targets circle[data-says*='seed 3']")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", seed)
    browser.execute_script("arguments[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))", seed)
    said = browser.find_element(By.CSS_SELECTOR, ".value").text
    assert "seed 3" in said
    assert "%" in said


def test_the_table_sorts_filters_searches_and_pages(browser: Browser, address: str) -> None:
    visit(browser, address)
    assert len(column(browser, "seed")) == 50
    press(browser, ".paging button:last-of-type")
    assert "51 to 100 of 150 trials" in browser.find_element(By.CSS_SELECTOR, ".paging").text
    browser.find_element(By.CSS_SELECTOR, ".tools [name=search]").send_keys("diverged")
    assert set(column(browser, "status")) == {"diverged"}
    assert "1 to 4 of 4 trials" in browser.find_element(By.CSS_SELECTOR, ".paging").text
    visit(browser, address + "#task=recall")
    assert set(column(browser, "task")) == {"recall"}
    head = "//table[contains(@class, 'trials')]//button[text()='test loss']"
    for expected in ("ascending", "descending"):
        browser.execute_script("arguments[0].click()", browser.find_element(By.XPATH, head))
        assert browser.find_element(By.XPATH, head + "/..").get_attribute("aria-sort") == expected
    values = [float(value) for value in column(browser, "test loss")]
    assert values == sorted(values, reverse=True)
    assert len(values) == 50


def test_columns_can_be_chosen(browser: Browser, address: str) -> None:
    visit(browser, address)
    press(browser, ".chooser [value=trial_id]")
    press(browser, ".chooser [value=kernel]")
    heads = [head.text for head in browser.find_elements(By.CSS_SELECTOR, ".trials th")]
    assert heads[0] == "trial id"
    assert "kernel" not in heads


def test_downloads_hold_the_selected_trials(browser: Browser, address: str) -> None:
    visit(browser, address + "#task=language&search=lstm")
    browser.execute_script(
        "window.made = []; const real = URL.createObjectURL;"
        "URL.createObjectURL = blob => { blob.text().then(text => window.made.push(text)); return real(blob) };"
        "HTMLAnchorElement.prototype.click = () => {};"
    )
    press(browser, ".tools button:nth-of-type(1)")
    press(browser, ".tools button:nth-of-type(2)")
    wait = "const done = arguments[0]; setTimeout(() => done(window.made), 200)"
    made = sorted(browser.execute_async_script(wait))
    rows = json.loads(next(text for text in made if text.startswith("[")))
    assert len(rows) == 20
    assert {row["cell"] for row in rows} == {"lstm"}
    lines = next(text for text in made if not text.startswith("[")).splitlines()
    assert lines[0].startswith("trial_id,")
    assert len(lines) == 21


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_nothing_is_wider_than_the_screen(browser: Browser, address: str, width: int) -> None:
    visit(browser, address, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    script = "return Math.min(...[...document.querySelectorAll('.verdict h3')].map(one => one.clientWidth))"
    assert browser.execute_script(script) > 220


def test_dark_mode_changes_paper_ink_and_figures(browser: Browser, address: str) -> None:
    script = (
        "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,"
        "getComputedStyle(document.querySelector('#evidence svg text')).fill]"
    )
    visit(browser, address)
    light = browser.execute_script(script)
    visit(browser, address, dark=True)
    dark = browser.execute_script(script)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    visit(browser, address + "#theme=light", dark=True)
    assert browser.execute_script(script) == light


def test_without_javascript_everything_is_readable(address: str, tmp_path: Path) -> None:
    driver = start(tmp_path, scripts=False)
    try:
        driver.get(address)
        assert len(driver.find_elements(By.CSS_SELECTOR, ".verdict h3")) == 6
        assert len([svg for svg in driver.find_elements(By.CSS_SELECTOR, "#evidence svg") if svg.is_displayed()]) > 5
        assert len(driver.find_elements(By.CSS_SELECTOR, ".trials tbody tr")) == 50
        assert not driver.find_element(By.CSS_SELECTOR, "form.view").is_displayed()
    finally:
        driver.quit()
