"""The page in a real browser: opened alone, on every screen, in light, dark and print, by anybody, with any names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from harness.report import render
from harness.report.figures.plot import Axis, Panel, Plot
from harness.report.page.html import alone
from harness.results import render_results
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import open_store
from tests.factories import EXPERIMENT, experiment, plan, record
from tests.report.browser import Browser, axe_finds, press, shown, visit
from tests.report.samples import HOSTILE, frame, report_data, trial

WIDTHS = (360, 768, 1280, 1920)


def test_the_page_opens_without_an_error_and_asks_for_nothing(browser: Browser, address: str) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    nothing = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **nothing})
    try:
        browser.get_log("performance")
        browser.get_log("browser")
        visit(browser, address)
        press(browser, "[name=scale][value=log]")
        press(browser, ".paging button:last-of-type")
        assert browser.get_log("browser") == []
    finally:
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **nothing})
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    asked = [one["request"]["url"] for one in requests if one["documentURL"].startswith(address)]
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert address in asked


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(browser: Browser, address: str, width: int) -> None:
    visit(browser, address, width=width)
    browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    script = "return Math.min(...[...document.querySelectorAll('.verdict h3')].map(one => one.clientWidth))"
    assert browser.execute_script(script) > 220


COLOURS = (
    "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,"
    "getComputedStyle(document.querySelector('#evidence svg text')).fill,"
    "getComputedStyle(document.querySelector('#evidence [data-cell=\"1\"] text')).fill]"
)


def test_dark_mode_changes_paper_ink_and_figures(browser: Browser, address: str) -> None:
    visit(browser, address)
    light = browser.execute_script(COLOURS)
    visit(browser, address, dark=True)
    dark = browser.execute_script(COLOURS)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    visit(browser, address + "#theme=light", dark=True)
    assert browser.execute_script(COLOURS) == light


def test_print_is_light_and_without_the_switches(browser: Browser, address: str) -> None:
    visit(browser, address)
    light = browser.execute_script(COLOURS)
    visit(browser, address + "#theme=dark&scale=log", dark=True)
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    try:
        assert browser.execute_script(COLOURS)[1:] == light[1:]
        assert [shown(browser, part) for part in ("nav", "form.view", ".tools", ".skip")] == [0, 0, 0, 0]
        assert shown(browser, "#evidence figure") > 5
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_without_javascript_everything_is_readable(plain_browser: Browser, address: str) -> None:
    plain_browser.get(address)
    assert len(plain_browser.find_elements(By.CSS_SELECTOR, ".verdict h3")) == 4
    assert len(plain_browser.find_elements(By.CSS_SELECTOR, ".stated li")) == 2
    verdict = plain_browser.find_element(By.CSS_SELECTOR, ".verdict")
    verdict.find_element(By.TAG_NAME, "summary").click()
    assert verdict.find_element(By.CSS_SELECTOR, ".means").is_displayed()
    drawings = plain_browser.find_elements(By.CSS_SELECTOR, "#evidence svg")
    assert len([svg for svg in drawings if svg.is_displayed()]) > 5
    assert len(plain_browser.find_elements(By.CSS_SELECTOR, ".trials tbody tr")) == 50
    assert "harness export" in plain_browser.find_element(By.CSS_SELECTOR, ".paging").text
    assert not plain_browser.find_element(By.CSS_SELECTOR, "form.view").is_displayed()
    values = plain_browser.find_element(By.CSS_SELECTOR, "#loss-by-size details")
    values.find_element(By.TAG_NAME, "summary").click()
    assert len(values.find_elements(By.CSS_SELECTOR, "tbody tr")) == 12
    assert values.find_element(By.CSS_SELECTOR, "tbody tr").is_displayed()


UNLIKE = "#claims details, #loss-by-size details, #failures details, #method details, .chooser"
"""One disclosure of each kind: to look at every cell of every table takes minutes."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_to_mend(browser: Browser, address: str, dark: bool) -> None:
    visit(browser, address, dark=dark)
    browser.execute_script("document.querySelectorAll(arguments[0]).forEach(one => one.open = true)", UNLIKE)
    assert axe_finds(browser) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("keyboard", [True, False], ids=["keyboard", "pointer"])
def test_a_term_leads_to_its_meaning_which_is_highlighted(
    browser: Browser, address: str, keyboard: bool, dark: bool
) -> None:
    visit(browser, address, width=360, dark=dark)
    browser.find_element("css selector", ".verdict summary").click()
    link = browser.find_element("css selector", ".verdict .says a.term")
    if keyboard:
        link.send_keys("\ue007")  # Enter
    else:
        link.click()
    at_meaning, top, highlighted = browser.execute_script(
        "const at = document.activeElement, plain = document.querySelector('.terms div:not(:focus)'),"
        " paper = (one) => getComputedStyle(one).backgroundColor;"
        "return [at.matches('.terms div'), at.getBoundingClientRect().top, paper(at) !== paper(plain)]"
    )
    assert at_meaning
    assert 0 <= top < 300, "the meaning is on the screen"
    assert highlighted


def test_hostile_names_in_an_experiment_file_are_text(browser: Browser, tmp_path: Path, undrawn_files: None) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in [*HOSTILE, "<img src=x onerror=alert(1)>"]]
    claims = "".join(
        f'[[claim]]\nid = "claim-{place}"\nclaim = {name}\nsource = {name}\nkind = "not-testable"\nreason = {name}\n'
        for place, name in enumerate(names)
    )
    both = json.dumps(" ".join(HOSTILE), ensure_ascii=False)
    text = EXPERIMENT.replace('title = "Tiny"', f"title = {both}\ndescription = {both}") + claims
    with open_store(tmp_path, create=True) as store:
        trials = plan(experiment(text))
        store.set_plan(trials)
        for spec in trials.values():
            store.add(record(spec, test={"loss": 1.0, "accuracy": 0.5}))
    (tmp_path / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
    page = render_results(tmp_path).as_uri()
    browser.get_log("browser")
    for width in (360, 1280):
        visit(browser, page, width=width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    words = browser.execute_script("return document.body.innerText")
    for said in ("<script>alert(1)</script>", "\"quotes\" & 'more' </style></svg>", "{{ 7*7 }}", "🦀", "<img src=x"):
        assert said in words
    assert (
        browser.execute_script("return document.querySelectorAll('img, main script:not([type]), iframe').length") == 0
    )
    assert browser.execute_script("return document.querySelectorAll('.verdict, .stated li').length") == len(names)


def test_the_first_screen_holds_the_answer(browser: Browser, address: str) -> None:
    visit(browser, address, width=1280)
    bottom = "return document.querySelector(arguments[0]).getBoundingClientRect().bottom"
    assert browser.execute_script(bottom, ".bottom-line") < 800
    assert browser.execute_script(bottom, ".matrix .scores") < 800
    visit(browser, address, width=360)
    assert browser.execute_script(bottom, ".bottom-line") < 740


def test_an_entry_of_the_matrix_leads_to_its_figure(browser: Browser, address: str) -> None:
    visit(browser, address)
    link = browser.find_element(By.CSS_SELECTOR, ".matrix .scores a")
    assert "Simple RNN: " in (link.get_attribute("aria-label") or "")
    link.click()
    assert browser.execute_script("return document.activeElement.matches('figure.question')")


def test_the_address_of_a_verdict_opens_it(browser: Browser, address: str) -> None:
    visit(browser, address + "#claim-longer-memory")
    verdict = browser.find_element(By.ID, "claim-longer-memory")
    assert verdict.get_attribute("open") is not None
    assert verdict.find_element(By.CSS_SELECTOR, ".means").is_displayed()


SMALLEST_TEXT = """
return Math.min(...[...document.querySelectorAll('.figures svg text')].filter((text) => text.getClientRects().length)
  .map((text) => {
    const svg = text.ownerSVGElement;
    return parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  }));
"""


def test_text_in_figures_is_large_enough_on_a_phone(browser: Browser, address: str) -> None:
    visit(browser, address, width=360)
    browser.execute_script("document.querySelectorAll('.verdict').forEach(one => one.open = true)")
    assert browser.execute_script(SMALLEST_TEXT) >= 11


def test_a_verdict_and_its_figure_lead_to_each_other(browser: Browser, address: str) -> None:
    visit(browser, address + "#claim-longer-memory")
    browser.find_element(By.ID, "claim-longer-memory").find_element(By.LINK_TEXT, "The evidence").click()
    back = browser.execute_script("return document.activeElement.querySelector('.rests a').getAttribute('href')")
    assert back.startswith("#claim-")
    links = browser.execute_script(
        "return [...document.activeElement.querySelectorAll('.rests a')].map(one => one.hash)"
    )
    assert "#claim-longer-memory" in links


def test_an_alternative_text_states_the_finding(browser: Browser, address: str) -> None:
    visit(browser, address)
    labels = browser.execute_script(
        "return [...document.querySelectorAll('#loss-by-size svg')].map(one => one.ariaLabel)"
    )
    assert any("Lowest: GRU" in label for label in labels)


def test_panels_of_lines_share_one_legend(browser: Browser, address: str) -> None:
    visit(browser, address)
    names = [item.text for item in browser.find_elements(By.CSS_SELECTOR, "#learning-curves .legend li")]
    assert names == ["Simple RNN", "GRU", "LSTM"]
    drawn = "return [...document.querySelectorAll('#learning-curves svg text')].map(one => one.textContent)"
    assert not set(names) & set(browser.execute_script(drawn))
    press(browser, "input[name=cell][value='1']")
    assert not browser.find_element(By.CSS_SELECTOR, "#learning-curves .legend [data-cell='1']").is_displayed()


LAYOUT_SHIFT = """
const done = arguments[0];
let sum = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; }))
  .observe({ type: "layout-shift", buffered: true });
setTimeout(() => done(sum), 500);
"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_while_the_page_loads(browser: Browser, address: str, width: int) -> None:
    visit(browser, address, width=width)
    assert browser.execute_async_script(LAYOUT_SHIFT) < 0.01


def test_notes_stand_beside_a_drawing_that_has_its_row_alone(browser: Browser, tmp_path: Path) -> None:
    rows = frame(*(trial(cell=cell, seed=seed, seconds_per_update=0.1) for cell in ("gru", "lstm") for seed in (0, 1)))
    rows["trial_id"] = [f"trial-{place}" for place in range(len(rows))]
    visit(browser, render(report_data(rows), tmp_path).as_uri())
    browser.execute_script("document.querySelector('.question:has(.panel:only-child)').classList.add('alone')")
    drawing, notes = (
        browser.find_element(By.CSS_SELECTOR, f".alone > {part}").rect for part in (".panels", "figcaption")
    )
    assert notes["x"] >= drawing["x"] + drawing["width"]
    assert abs(notes["y"] - drawing["y"]) < 40


def test_only_a_figure_without_a_neighbour_has_its_row_alone() -> None:
    panel = Panel("", Axis(""), Axis(""), ())
    counts = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 1, "f": 1, "g": 3, "h": 1}
    assert alone([Plot(id=id, title="", panels=(panel,) * count) for id, count in counts.items()]) == {"c", "h"}
