"""What changed since the last judging that differed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.report import render, render_markdown
from harness.report.data import beside
from harness.report.page.changes import changes
from harness.verdicts.earlier import Earlier
from harness.verdicts.verdict import Verdict
from tests.report.browser import Browser, axe_finds, shown, visit
from tests.report.samples import frame, report_data, trial

OPEN = Verdict("memory", "LSTMs remember longer", "undecided", effect=0.1, ci_low=-0.1, ci_high=0.3, unit="bits", n=5)
DECIDED = replace(OPEN, verdict="supported", effect=0.2, ci_low=0.1, n=12)
STEADY = Verdict("text", "GRUs read better", "supported", effect=0.4, ci_low=0.3, ci_high=0.5, unit="bits", n=5)
MORE = replace(STEADY, n=9)
GONE = Verdict("old", "An old claim", "undecided")
NEW = Verdict("new", "A new claim", "undecided")
DATA = replace(
    report_data(frame(trial())),
    verdicts=[MORE, NEW, DECIDED],
    earlier=Earlier((OPEN, STEADY, GONE), "2026-11-28T09:12:00+00:00"),
)


def test_changed_verdicts_come_first_then_new_claims_then_effects() -> None:
    found = changes(DATA)
    assert found is not None
    assert [(row.id, row.note, row.words) for row in found.rows] == [
        ("new", "new", ("", "undecided")),
        ("", "no longer judged", ("undecided", "")),
        ("memory", "", ("undecided", "supported")),
        ("text", "", ("supported", "supported")),
    ]
    assert found.rows[2].effects == ("+0.1\u00a0bits [−0.1, 0.3]", "+0.2\u00a0bits [0.1, 0.3]")
    assert found.rows[2].seeds == ("5 seeds", "12 seeds")
    assert found.sentence == (
        "1 of 3 claims has another verdict, 1 another effect or number of seeds, 1 is new, 1 is no longer judged."
    )


def test_a_claim_with_another_margin_is_named_as_another_claim() -> None:
    found = changes(replace(DATA, verdicts=[replace(STEADY, margin=0.1)], earlier=Earlier((STEADY,), "")))
    assert found is not None
    assert [row.note for row in found.rows] == ["the claim itself changed"]
    assert found.sentence.startswith("No claim has another verdict, 1 another effect")


def test_pages_without_an_earlier_judging_say_nothing_of_changes(tmp_path: Path) -> None:
    for data in (replace(DATA, earlier=None), beside({"one": DATA, "two": DATA})):
        assert changes(data) is None
    assert 'id="changes"' not in render(replace(DATA, earlier=None), tmp_path).read_text(encoding="utf-8")


def test_the_page_says_at_the_top_what_changed_and_leads_there(browser: Browser, tmp_path: Path) -> None:
    visit(browser, render(DATA, tmp_path).as_uri())
    assert browser.find_element("css selector", ".since").text.startswith("Since 28 November 2026, 09:12 UTC: 1 of 3")
    browser.find_element("css selector", ".since a").click()
    assert browser.execute_script("return document.activeElement.id") == "changes"
    assert shown(browser, "#changes tbody tr") == 4
    linked = {link.get_attribute("hash") for link in browser.find_elements("css selector", "#changes td a")}
    assert linked == {"#claim-new", "#claim-memory", "#claim-text"}


def test_copied_verdicts_are_words(browser: Browser, tmp_path: Path) -> None:
    visit(browser, render(DATA, tmp_path).as_uri())
    copied = browser.execute_script("return copying.csv(copying.read(document.querySelector('#changes table')))")
    assert "LSTMs remember longer,undecided,supported," in copied


def test_the_summary_lists_the_changed_verdicts(tmp_path: Path) -> None:
    text = render_markdown(DATA, tmp_path).read_text(encoding="utf-8")
    assert "## What changed since 28 November 2026, 09:12 UTC" in text
    assert "- LSTMs remember longer: undecided before, supported now" in text
    assert "GRUs read better: supported before" not in text


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_to_mend_in_the_changes(browser: Browser, tmp_path: Path, dark: bool) -> None:
    visit(browser, render(DATA, tmp_path).as_uri(), dark=dark)
    assert axe_finds(browser) == []
