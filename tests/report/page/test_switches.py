"""What can be switched and pointed at in the page, with a pointer or the keyboard alone; and how a view is shared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.report.browser import AXE, Browser, axe_core, column, press, shown, visit

MOST_STOPS = 200
"""Presses of the tab key after which a control counts as out of reach."""


def choose(browser: Browser, name: str, value: str) -> None:
    script = (
        "const select = document.querySelector(`[name=${arguments[0]}]`); select.value = arguments[1];"
        "select.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    browser.execute_script(script, name, value)


def said(browser: Browser) -> str:
    return str(browser.find_element(By.CSS_SELECTOR, ".value").text)


def focused(browser: Browser, selector: str) -> bool:
    return bool(browser.execute_script("return document.activeElement.matches(arguments[0])", selector))


def tab_to(browser: Browser, selector: str) -> None:
    for _ in range(MOST_STOPS):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if focused(browser, selector):
            return
    raise AssertionError(f"{selector} is out of the keyboard's reach")


def keys(browser: Browser, *pressed: str) -> None:
    ActionChains(browser).send_keys(*pressed).perform()


def test_a_cell_switched_off_disappears_from_every_figure(browser: Browser, address: str) -> None:
    visit(browser, address)
    figures = shown(browser, "#evidence figure")
    assert shown(browser, '#evidence [data-cell="1"]') > figures
    press(browser, '[name=cell][value="1"]')
    assert shown(browser, '#evidence [data-cell="1"]') == 0
    assert shown(browser, '#evidence [data-cell="2"]') > figures
    assert "without=1" in browser.current_url
    press(browser, '[name=cell][value="1"]')
    assert shown(browser, '#evidence [data-cell="1"]') > figures
    assert "without" not in browser.current_url


def test_logarithmic_drawings_take_the_place_of_linear_ones(browser: Browser, address: str) -> None:
    visit(browser, address)
    assert shown(browser, '#loss-by-size svg[data-scale="log"]') == 0
    press(browser, "[name=scale][value=log]")
    assert shown(browser, '#loss-by-size svg[data-scale="log"]') == 1
    assert shown(browser, '#loss-by-size svg[data-scale="linear"]') == 0
    assert shown(browser, "#accuracy-by-length svg") == 1
    assert "scale=log" in browser.current_url


def test_a_backend_leaves_its_own_panels_and_rows(browser: Browser, several: str) -> None:
    visit(browser, several)
    panels = shown(browser, "#loss-by-size .panel")
    rows = shown(browser, '#seconds-per-update [data-backend][data-cell="1"] text')
    assert panels == 3
    choose(browser, "backend", "keras")
    assert shown(browser, "#loss-by-size .panel") == 1
    assert shown(browser, '#loss-by-size .panel[data-backend="keras"]') == 1
    kept = shown(browser, '#seconds-per-update [data-backend="keras"][data-cell="1"] text')
    assert 0 < kept < rows
    assert shown(browser, '#seconds-per-update [data-backend="fused"]') == 0
    assert "backend=keras" in browser.current_url


def test_a_matching_shows_its_own_panels_and_an_empty_choice_is_stated(browser: Browser, several: str) -> None:
    visit(browser, several)
    choose(browser, "matched", "parameters")
    assert shown(browser, "#loss-by-size .panel") == 1
    assert shown(browser, '#loss-by-size .panel[data-matched="parameters"]') == 1
    assert shown(browser, "#loss-by-size .empty") == 0
    choose(browser, "backend", "keras")
    assert shown(browser, "#loss-by-size .panel") == 0
    assert "There are no measurements" in browser.find_element(By.CSS_SELECTOR, "#loss-by-size .empty").text


def test_a_view_can_be_shared_by_its_address(browser: Browser, address: str, several: str) -> None:
    visit(browser, address + "#without=0.2&scale=log&theme=dark&search=recall&sort=seed:down&page=2")
    assert shown(browser, '#evidence [data-cell="0"]') == shown(browser, '#evidence [data-cell="2"]') == 0
    assert shown(browser, '#evidence svg[data-scale="log"]') > 3
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"
    assert set(column(browser, "task")) == {"recall"}
    assert "51 to 90 of 90 trials" in browser.find_element(By.CSS_SELECTOR, ".paging").text
    visit(browser, several + "#backend=fused&matched=units&at=loss-by-size")
    assert shown(browser, "#loss-by-size .panel") == 1
    assert (
        browser.execute_script("return Math.abs(document.getElementById('loss-by-size').getBoundingClientRect().y)")
        < 200
    )
    visit(browser, address + "#without=99&scale=no&theme=pink&page=-4&sort=nothing:up&task=%3Cb%3E&backend=x")
    assert shown(browser, '#evidence [data-cell="1"]') > 0
    assert "1 to 50 of 150 trials" in browser.find_element(By.CSS_SELECTOR, ".paging").text


def test_an_address_that_is_no_code_stops_no_script(browser: Browser, address: str) -> None:
    browser.get_log("browser")
    visit(browser, address + "#100%")
    assert browser.get_log("browser") == []
    press(browser, '[name=cell][value="1"]')
    assert shown(browser, '#evidence [data-cell="1"]') == 0
    visit(browser, address + "#loss%2Dby%2Dsize")
    place = "return Math.abs(document.getElementById('loss-by-size').getBoundingClientRect().y)"
    assert browser.execute_script(place) < 200


def test_the_pointer_shows_the_value_seed_and_interval_under_it(browser: Browser, address: str) -> None:
    visit(browser, address)
    for selector, words in (
        (".targets g[data-says='LSTM, 32 time steps'] circle[data-says*='seed 3']", "LSTM, 32 time steps, seed 3: "),
        (".targets circle[aria-label*='Simple RNN, 16 time steps']", "Simple RNN, 16 time steps: mean "),
    ):
        circle = browser.find_element(By.CSS_SELECTOR, f"#accuracy-by-length {selector}")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", circle)
        ActionChains(browser).move_to_element(circle).perform()
        assert said(browser).startswith(words)
        assert "%" in said(browser)
    assert "[" in said(browser)
    assert "n = 5" in said(browser)
    ActionChains(browser).move_to_element(browser.find_element(By.CSS_SELECTOR, "#accuracy-by-length h3")).perform()
    assert shown(browser, ".value") == 0


def test_arrow_keys_go_through_the_means_and_through_their_seeds(browser: Browser, address: str) -> None:
    visit(browser, address)
    drawing = browser.find_element(By.CSS_SELECTOR, "#loss-by-size .drawing")
    browser.execute_script("arguments[0].focus()", drawing)
    keys(browser, Keys.ARROW_RIGHT)
    assert said(browser).startswith("Simple RNN, 2,000 characters: mean")
    assert "n = 5" in said(browser)
    keys(browser, Keys.ARROW_RIGHT)
    assert said(browser).startswith("Simple RNN, 8,000 characters: mean")
    seen = []
    for _ in range(5):
        keys(browser, Keys.ARROW_UP)
        seen.append(said(browser))
    keys(browser, *(Keys.ARROW_DOWN,) * 6)
    for _ in range(6):
        seen.append(said(browser))
        keys(browser, Keys.ARROW_UP)
    assert {f"Simple RNN, 8,000 characters, seed {seed}" for seed in range(5)} <= {
        one.partition(":")[0] for one in seen
    }
    keys(browser, Keys.ARROW_RIGHT)
    assert said(browser).startswith("Simple RNN, 32,000 characters: mean")
    keys(browser, Keys.END)
    assert said(browser).startswith("LSTM, 128,000 characters")
    keys(browser, Keys.ESCAPE)
    assert shown(browser, ".value") == 0
    assert focused(browser, "#loss-by-size .drawing")


def test_arrow_keys_leave_out_what_is_switched_off(browser: Browser, address: str) -> None:
    visit(browser, address + "#without=0&scale=log")
    browser.execute_script("document.querySelector('#loss-by-size .drawing').focus()")
    keys(browser, Keys.ARROW_RIGHT)
    assert said(browser).startswith("GRU, 2,000 characters")


def test_the_page_works_with_the_keyboard_alone(browser: Browser, address: str) -> None:
    visit(browser, address)
    keys(browser, Keys.TAB)
    assert focused(browser, ".skip")
    keys(browser, Keys.ENTER)
    assert focused(browser, "#answer")
    tab_to(browser, ".verdict summary")
    keys(browser, Keys.ENTER)
    assert shown(browser, ".verdict[open]") == 1
    tab_to(browser, '[name=cell][value="0"]')
    keys(browser, Keys.SPACE)
    assert shown(browser, '#evidence [data-cell="0"]') == 0
    tab_to(browser, "[name=scale]")
    keys(browser, Keys.ARROW_RIGHT)
    assert "scale=log" in browser.current_url
    tab_to(browser, "#loss-by-size .drawing")
    keys(browser, Keys.ARROW_RIGHT)
    assert said(browser).startswith("GRU, 2,000 characters: mean")
    tab_to(browser, "#loss-by-size summary")
    keys(browser, Keys.ENTER)
    assert shown(browser, "#loss-by-size tbody tr") == 12
    tab_to(browser, ".tools [name=search]")
    keys(browser, "lstm")
    tab_to(browser, ".tools select[name=task]")
    keys(browser, "l")
    assert set(column(browser, "task")) == {"language"}
    assert set(column(browser, "cell")) == {"lstm"}
    tab_to(browser, ".trials th:last-child button")
    keys(browser, Keys.ENTER)
    assert shown(browser, "th[aria-sort=ascending]") == 1
    assert focused(browser, ".trials th:last-child button")


def stops(browser: Browser) -> Iterator[bool]:
    """Whether the focus can be seen, at each stop of the tab key."""
    script = (
        "const one = document.activeElement; if (one === document.body) return null;"
        "const { outlineStyle, outlineWidth } = getComputedStyle(one);"
        "return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0"
    )
    for _ in range(MOST_STOPS):
        keys(browser, Keys.TAB)
        visible = browser.execute_script(script)
        if visible is None:
            return
        yield visible


@pytest.mark.parametrize("dark", [False, True])
def test_the_focus_can_be_seen_wherever_it_goes(browser: Browser, several: str, dark: bool) -> None:
    visit(browser, several, dark=dark)
    seen = list(stops(browser))
    assert len(seen) > 30
    assert all(seen)


RECORD = "return document.querySelector('dialog').open"
SEED = "#time-to-target .targets [data-trial], #loss-by-size .targets [data-trial]"


def test_pointing_at_a_seed_marks_the_same_trial_in_all_figures_and_its_row(browser: Browser, address: str) -> None:
    visit(browser, address)
    marked = """
      const seed = document.querySelector(arguments[0]);
      seed.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      const same = [...document.querySelectorAll(".same")];
      const figures = new Set(same.map((one) => one.closest("figure")?.id));
      return [seed.dataset.trial, same.map((one) => one.dataset.trial), figures.size];
    """
    trial, same, figures = browser.execute_script(marked, SEED)
    assert figures > 1
    assert all(trial in ids.split() for ids in same)
    browser.execute_script("document.body.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))")
    assert shown(browser, ".same") == 0


def test_following_a_seed_shows_its_record_and_the_command_that_repeats_it(browser: Browser, address: str) -> None:
    visit(browser, address)
    browser.execute_script("document.querySelector('#loss-by-size .drawing').focus()")
    keys(browser, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ENTER)
    assert browser.execute_script(RECORD)
    assert "#trial-" in browser.current_url
    text = browser.find_element(By.CSS_SELECTOR, "dialog").text
    assert "language" in text
    assert "harness trial" in text
    assert browser.find_elements(By.CSS_SELECTOR, "dialog .curve")
    keys(browser, Keys.ESCAPE)
    assert not browser.execute_script(RECORD)
    assert "#trial-" not in browser.current_url


def test_the_address_of_a_trial_opens_its_record(browser: Browser, address: str) -> None:
    visit(browser, address)
    link = browser.find_element(By.CSS_SELECTOR, "table.trials tbody a").get_attribute("href")
    visit(browser, link)
    assert browser.execute_script(RECORD)
    visit(browser, address + "#trial-unknown")
    assert "harness show" in browser.find_element(By.CSS_SELECTOR, "dialog").text


def test_the_record_of_a_trial_is_accessible(browser: Browser, address: str) -> None:
    visit(browser, address)
    visit(browser, browser.find_element(By.CSS_SELECTOR, "table.trials tbody a").get_attribute("href"))
    browser.execute_script(axe_core())
    browser.set_script_timeout(120)
    assert browser.execute_async_script(AXE.replace("axe.run({", "axe.run({ include: [['dialog']],")) == []
