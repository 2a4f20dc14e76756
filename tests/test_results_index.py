"""An index of the results folders below a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.results import judge_results
from harness.results_index import DEPTH, find_results, read_entry, write_index
from harness.store import FILE_NAME
from harness.store.folder import EXPERIMENT_NAME
from harness.verdicts.earlier import VERDICTS_NAME
from harness.verdicts.saved import write_verdicts
from harness.verdicts.verdict import Verdict
from tests.factories import half_done
from tests.report.browser import Browser, axe_finds, visit

VERDICTS = [Verdict("a", "A", "supported"), Verdict("b", "B", "supported"), Verdict("c", "C", "undecided")]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with two results folders at different depths, a link to one, and folders without results."""
    half_done(tmp_path / "results" / "tiny")
    half_done(tmp_path / "results" / "night" / "an #odd? name")
    (tmp_path / "results" / "empty").mkdir()
    (tmp_path / "results" / "link").symlink_to("tiny")
    half_done(tmp_path / "results" / ".hidden" / "tiny")
    return tmp_path / "results"


def test_results_folders_are_found_at_any_depth_up_to_a_limit(results: Path) -> None:
    half_done(results.joinpath(*["deep"] * DEPTH))
    half_done(results.joinpath(*["deeper"] * (DEPTH + 1)))
    half_done(results / "tiny" / "inside")
    found = sorted(folder.relative_to(results).as_posix() for folder in find_results(results))
    assert found == ["deep/deep/deep", "night/an #odd? name", "tiny"]


def test_a_row_has_title_date_trials_and_verdicts(results: Path) -> None:
    write_verdicts(VERDICTS, results / "tiny" / VERDICTS_NAME)
    (results / "tiny" / "report.md").touch()
    entry = read_entry(results / "tiny", results, results)
    assert entry.folder == "tiny"
    assert entry.title
    assert (entry.planned, entry.done, entry.failed) == (8, 4, 0)
    assert entry.last.startswith("20")
    assert entry.verdicts == {"supported": 2, "undecided": 1}
    assert entry.report == "tiny/report.md"
    assert entry.problems == ()


def test_a_folder_that_was_not_judged_has_a_row(results: Path) -> None:
    entry = read_entry(results / "tiny", results, results)
    assert entry.verdicts is None
    assert entry.report == ""
    html = write_index(results).read_text(encoding="utf-8")
    assert html.count("not judged") == html.count("no report: run") == 2
    judge_results(results / "tiny")
    assert "no claims" in write_index(results).read_text(encoding="utf-8")


def test_damage_is_stated_in_the_row_and_the_others_are_shown(results: Path) -> None:
    (results / "tiny" / FILE_NAME).write_bytes(b"nonsense" * 999)
    (results / "tiny" / EXPERIMENT_NAME).write_text("[", encoding="utf-8")
    (results / "tiny" / VERDICTS_NAME).write_text("{", encoding="utf-8")
    entry = read_entry(results / "tiny", results, results)
    assert len(entry.problems) == 2
    assert entry.title == ""
    html = write_index(results).read_text(encoding="utf-8")
    assert "not a file of verdicts" in html
    assert html.count('<th scope="row"') == 2


def test_without_results_there_is_one_message(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=r"no results here .* nor in the folders below it"):
            write_index(folder)
    assert list(tmp_path.iterdir()) == []


def test_the_index_leads_to_the_reports_from_another_folder_too(
    results: Path, tmp_path: Path, browser: Browser
) -> None:
    for name in ("tiny", "night/an #odd? name"):
        (results / name / "report.html").write_text(f"<title>{name}</title>", encoding="utf-8")
    for path in (write_index(results), write_index(results, tmp_path / "else" / "where")):
        visit(browser, path.as_uri())
        titles = set()
        for place in range(2):
            browser.get(path.as_uri())
            browser.find_elements("css selector", "tbody a")[place].click()
            titles.add(browser.title)
        assert titles == {"tiny", "night/an #odd? name"}


def test_names_are_text_in_the_index(results: Path) -> None:
    text = 'title = "<script>alert(1)</script>"'
    (results / "tiny" / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
    assert "<script" not in write_index(results).read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_to_mend_in_the_index(results: Path, browser: Browser, dark: bool) -> None:
    write_verdicts(VERDICTS, results / "tiny" / VERDICTS_NAME)
    (results / "tiny" / "report.html").touch()
    visit(browser, write_index(results).as_uri(), dark=dark)
    assert axe_finds(browser) == []


def test_folders_whose_names_are_no_utf8_are_listed(tmp_path: Path) -> None:
    half_done(tmp_path / "caf\udce9")
    (tmp_path / "caf\udce9" / "report.html").touch()
    assert 'href="caf%E9/report.html"' in write_index(tmp_path).read_text(encoding="utf-8")
