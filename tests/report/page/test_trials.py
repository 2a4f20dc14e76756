"""The table of all trials in a real browser: sorted, filtered, searched, paged, with other columns, downloaded."""

from __future__ import annotations

import json

from selenium.webdriver.common.by import By

from tests.report.browser import Browser, column, press, visit


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
    press(browser, ".chooser [value=backend]")
    heads = [head.text for head in browser.find_elements(By.CSS_SELECTOR, ".trials th")]
    assert heads[0] == "trial id"
    assert "backend" not in heads


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
    files = sorted(browser.execute_async_script(wait))
    rows = json.loads(next(text for text in files if text.startswith("[")))
    assert len(rows) == 20
    assert {row["cell"] for row in rows} == {"lstm"}
    lines = next(text for text in files if not text.startswith("[")).splitlines()
    assert lines[0].startswith("trial_id,")
    assert len(lines) == 21
