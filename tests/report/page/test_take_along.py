"""What a reader takes along: sentences, the paragraph on methods, tables as Markdown, CSV and LaTeX, and the print."""

from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.report import render
from harness.report.data import beside
from harness.report.figures.aggregate import prepared
from harness.report.page.take_along import paragraphs, rows, sentence
from harness.store.interim import InterimAnalysis
from harness.verdicts.verdict import Verdict
from tests.report.browser import Browser, press, shown, visit
from tests.report.samples import comparison, frame, looks_of_three, report_data, trial

LOOKS = looks_of_three()
MEASURED = Verdict(
    "a", "GRUs beat LSTMs.", "supported", effect=0.3, ci_low=0.1, ci_high=0.5, unit="bits", n=5, margin=0.05,
    kind="paired", p_adjusted=0.02,
)  # fmt: skip


def test_a_verdict_is_one_sentence_with_its_statistics() -> None:
    assert sentence(MEASURED).replace("\u00a0", " ") == (
        "GRUs beat LSTMs (supported: +0.3 bits, 95 % interval [0.1, 0.5], margin ±0.05 bits, p = 0.02 after Holm's"
        " correction, 5 seeds)."
    )
    two = replace(MEASURED, by_condition=(MEASURED, MEASURED))
    assert sentence(two).endswith("5 seeds, 2 conditions pooled).")
    assert sentence(Verdict("t", "Nobody knows", "not testable")) == "Nobody knows (not testable)."


def test_the_table_of_verdicts_has_the_order_of_the_page() -> None:
    open_first = [Verdict("u", "Perhaps", "undecided"), MEASURED]
    assert [row[0] for row in rows(open_first)] == ["supported", "undecided"]


def said(**given: object) -> str:
    data = replace(report_data(comparison()), **given)
    (text,) = paragraphs(data, prepared(data.frame), LOOKS)
    return text


def test_the_paragraph_states_n_test_correction_machine_versions_commit_and_data() -> None:
    text = said(verdicts=[MEASURED], commit="abc", versions="python 3.11", dirty="yes")
    for part in (
        "GRU, LSTM and Simple RNN", "(commit abc, with uncommitted changes)", "(n = 5 pairs)", "Student's t-test",
        "Holm's method over 1 claim,", "AMD EPYC 7B13, 2 cores, 8 GiB", "Versions: python 3.11.",
        "equivalence test", "5 seeds for each cell and task",
    ):  # fmt: skip
        assert part in text
    for absent in ("permutation", "McNemar", "Seeds were added"):
        assert absent not in text


def test_the_paragraph_names_the_tests_that_were_used() -> None:
    looks = (InterimAnalysis(5, 0.3, 0.1, 0.5, 0.01, 0.02),)
    text = said(verdicts=[MEASURED, replace(MEASURED, n=12, interim_analyses=looks, most_seeds=40)])
    assert "Student's t-test and a sign-flip permutation test (from 10 pairs on" in text
    assert "(n = 5 to 12 pairs)" in text
    assert "up to 40;" in text
    assert "McNemar's exact test" in said(verdicts=[replace(MEASURED, kind="proportion")])
    assert "tested" not in said(verdicts=[replace(MEASURED, kind="exact", n=0)])


def test_the_paragraph_names_the_data_by_their_hashes() -> None:
    data = '{"procedure": "language 1", "text_sha256": "6669ccdb025108057f47"}'
    rows = frame(trial(task="language", data=data, data_source="a book"), trial(seed=1, status="diverged"))
    (text,) = paragraphs(report_data(rows), prepared(rows), LOOKS)
    assert "language: a book (SHA-256 6669ccdb0251)" in text
    assert "Of these, 1 failed and count as failures." in text


def test_without_trials_there_is_no_paragraph_and_several_folders_have_one_each(tmp_path: Path) -> None:
    assert paragraphs(report_data(frame()), prepared(frame()), LOOKS) == []
    data = report_data(prepared(comparison()))
    both = beside({"one": data, "two": data})
    first, second = paragraphs(both, prepared(both.frame), LOOKS)
    assert first.startswith("one: We compared")
    assert second.startswith("two: We compared")
    assert '<h2 id="report-title">' not in render(report_data(frame(), verdicts=[]), tmp_path).read_text("utf-8")


def pasted(browser: Browser) -> str:
    """What the clipboard holds, read as a user reads it: by pasting."""
    browser.execute_script(
        "const area = document.createElement('textarea'); area.id = 'paste'; document.body.append(area); area.focus()"
    )
    area = browser.find_element(By.ID, "paste")
    area.send_keys(Keys.CONTROL, "v")
    text = str(area.get_property("value"))
    browser.execute_script("document.getElementById('paste').remove()")
    return text


def click(browser: Browser, selector: str, text: str) -> None:
    buttons = browser.find_elements(By.CSS_SELECTOR, f"{selector} button")
    (button,) = [one for one in buttons if one.text == text]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()


@pytest.mark.parametrize("clipboard", ["the interface", "a command"])
def test_a_page_in_a_file_copies_sentences_and_tables(browser: Browser, address: str, clipboard: str) -> None:
    visit(browser, address)
    if clipboard == "a command":  # as where a page in a file is no secure context
        browser.execute_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    paragraph = browser.find_element(By.CSS_SELECTOR, ".reporting").text
    click(browser, "#report", "Copy the paragraph")
    assert pasted(browser) == paragraph
    assert browser.find_element(By.CSS_SELECTOR, "main > [role=status]").text == "Copied to the clipboard"
    press(browser, ".verdict summary")
    click(browser, ".verdict[open]", "Copy as a sentence")
    assert re.search(r"\((supported|contradicted): .* 95 % interval .*seeds.*\)\.$", pasted(browser))
    press(browser, "#report summary")
    click(browser, "#report", "Markdown")
    lines = pasted(browser).splitlines()
    assert lines[0].startswith("| Verdict | Claim | Effect |")
    assert lines[1] == "|---|---|---|---|---|---|---:|"
    click(browser, "#trials", "CSV")
    head, *body = csv.reader(io.StringIO(pasted(browser)))
    assert head[:3] == ["task", "cell", "backend"]
    assert all(len(row) == len(head) for row in body)
    assert len(body) == 50


TABLE = """
const table = document.createElement("table");
table.innerHTML = "<thead><tr><td></td><th>a_b & 50 %</th><th>x|y</th><th>text</th></tr></thead><tbody>"
  + "<tr><th>one<span class=detail>more</span></th><td>−1,234.5</td><td>2 × 10⁻⁵</td>"
  + "<td>say &quot;hi&quot;, [1, 2]</td></tr>"
  + "<tr><th>two</th><td>–</td><td>3</td><td>±5 % & #1 \\\\ {~}</td></tr></tbody>";
return copying[arguments[0]](copying.read(table), "A label");
"""


def written(browser: Browser, address: str, format: str) -> str:
    visit(browser, address)
    return str(browser.execute_script(TABLE, format))


def test_markdown_escapes_what_means_something(browser: Browser, address: str) -> None:
    assert written(browser, address, "markdown").splitlines() == [
        r"|  | a\_b & 50 % | x\|y | text |",
        "|---|---:|---:|---|",
        '| one more | −1,234.5 | 2 × 10⁻⁵ | say "hi", [1, 2] |',
        r"| two | – | 3 | ±5 % & #1 \\ {~} |",
    ]


def test_csv_has_numbers_that_programs_read(browser: Browser, address: str) -> None:
    text = written(browser, address, "csv")
    assert text.endswith("\r\n")
    assert list(csv.reader(io.StringIO(text))) == [
        ["", "a_b & 50 %", "x|y", "text"],
        ["one more", "-1234.5", "2e-5", 'say "hi", [1, 2]'],
        ["two", "", "3", "±5 % & #1 \\ {~}"],
    ]


def test_latex_is_a_table_of_booktabs(browser: Browser, address: str) -> None:
    assert written(browser, address, "latex").splitlines() == [
        "% A label",
        r"% \usepackage{booktabs}, \usepackage{amssymb}",
        r"\begin{tabular}{lrrl}",
        r"\toprule",
        r" & a\_b \& 50 \% & x$|$y & text \\",
        r"\midrule",
        r'one more & $-$1,234.5 & 2 $\times$ 10$^{-5}$ & say "hi", {[}1, 2{]} \\',
        r"two & -- & 3 & $\pm$5 \% \& \#1 \textbackslash{} \{\textasciitilde{}\} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_every_table_of_the_page_has_its_buttons(browser: Browser, address: str) -> None:
    visit(browser, address)
    tables = len(browser.find_elements(By.CSS_SELECTOR, "main table"))
    labels = [button.get_attribute("aria-label") for button in browser.find_elements(By.CSS_SELECTOR, ".copies button")]
    assert len(labels) == 3 * tables
    assert "Table: copy as CSV" not in labels, "a table has no name"


def test_printing_opens_what_is_folded_and_folds_it_again(browser: Browser, address: str) -> None:
    visit(browser, address)
    folded = shown(browser, "details:not([open]) > summary")
    assert folded > 5
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.find_elements(By.CSS_SELECTOR, "details:not([open])") == []
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert shown(browser, "details:not([open]) > summary") == folded


TOO_WIDE = """
return [...document.querySelectorAll("main table")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 300));
"""


def test_no_table_is_wider_than_the_paper_and_folded_parts_print_without_script(
    browser: Browser, plain_browser: Browser, address: str
) -> None:
    for one in (browser, plain_browser):
        visit(one, address, width=703)  # A4 without its margins, in CSS pixels
        one.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            assert one.execute_script(TOO_WIDE) == []
            assert one.execute_script("return document.querySelector('#report details table').offsetHeight") > 50
            pdf = base64.b64decode(one.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
            assert re.search(rb"/MediaBox \[0 0 594\.\d+ 841\.\d+\]", pdf), "not A4"
        finally:
            one.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
