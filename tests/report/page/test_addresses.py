"""Addresses that last: links at headings, and filters by condition that the address holds."""

from __future__ import annotations

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.report.browser import Browser, press, shown, visit
from tests.report.page.test_switches import choose


def test_each_heading_has_a_link_to_itself_that_is_no_part_of_its_name(browser: Browser, address: str) -> None:
    visit(browser, address)
    headings = browser.find_elements(By.CSS_SELECTOR, "main h2, main h3:not(summary h3)")
    assert len(headings) > 20
    for heading in headings:
        (link,) = heading.find_elements(By.CSS_SELECTOR, "a.sign")
        anchor = str(link.get_attribute("href")).partition("#")[2]
        assert browser.execute_script("return document.getElementById(arguments[0]) !== null", anchor), anchor
        if heading.is_displayed():
            assert heading.accessible_name == heading.text.removesuffix(" ").strip()
            assert link.is_displayed()
            assert link.accessible_name == f"Link to {heading.accessible_name}"


def test_the_link_of_a_verdict_opens_it_and_is_its_address(browser: Browser, address: str) -> None:
    visit(browser, address)
    press(browser, "#claim-longer-memory .sign")
    assert browser.current_url.endswith("#claim-longer-memory")
    assert shown(browser, "#claim-longer-memory .inside") == 1


def test_a_task_or_a_length_leaves_its_own_panels(browser: Browser, address: str) -> None:
    visit(browser, address)
    assert shown(browser, "#accuracy-by-length .panel") == shown(browser, "#loss-by-size .panel") == 1
    choose(browser, "task", "recall")
    assert shown(browser, "#accuracy-by-length .panel") == 1
    assert shown(browser, "#loss-by-size .panel") == 0
    assert "There are no measurements for this choice" in browser.find_element(By.ID, "loss-by-size").text
    assert "task=recall" in browser.current_url
    visit(browser, address + "#sequence_length=64")
    assert shown(browser, '#evidence .panel[data-sequence_length="64"]') > 0
    assert shown(browser, '#evidence .panel[data-sequence_length="16"]') == 0
    assert shown(browser, "#accuracy-by-length .panel") == 1, "a panel along the lengths shows them all"


def test_only_factors_with_several_values_can_be_chosen(browser: Browser, address: str, several: str) -> None:
    names = "return [...document.querySelectorAll('form.view select')].map(select => select.name)"
    visit(browser, address)
    assert browser.execute_script(names) == ["task", "train_size", "sequence_length"]
    visit(browser, several)
    assert browser.execute_script(names) == ["backend", "matched"]


def test_a_failure_leads_to_the_record_of_its_trial(browser: Browser, address: str) -> None:
    visit(browser, address)
    browser.execute_script("document.querySelector('#failures details').open = true")
    link = browser.find_element(By.CSS_SELECTOR, ".failure .id a")
    trial = str(link.get_attribute("href")).partition("#trial-")[2]
    browser.execute_script("arguments[0].focus(); arguments[0].click()", link)
    assert browser.current_url.endswith(f"#trial-{trial}")
    dialog = browser.find_element(By.CSS_SELECTOR, "dialog[open]")
    assert f"trial {trial}" in dialog.text
    assert f"harness trial DIR {trial}" in dialog.text
    dialog.send_keys(Keys.ESCAPE)
    assert shown(browser, "dialog") == 0
    assert browser.switch_to.active_element == link, "the focus returns"
