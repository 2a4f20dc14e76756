"""A figure of a user's own stands after the bundled ones; a message replaces one that fails, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.figures import BUNDLED, Figure, figures
from harness.report import render, render_markdown
from harness.report.data import beside
from harness.report.figures.aggregate import prepared
from harness.report.figures.evidence import described, evidence
from harness.report.figures.panels import results_of
from tests.report.samples import TITLES, frame, report_data, trial

HERE = "tests.report.figures.own_figures"
ROWS = prepared(frame(*(trial(cell=cell, seed=seed) for cell in ("gru", "lstm") for seed in range(3))))


def page(directory: Path, *names: str) -> str:
    data = report_data(ROWS, curves=None, verdicts=(), figures=[f"{HERE}:{name}" for name in names])
    return render(data, directory).read_text(encoding="utf-8")


def section(html: str, id: str) -> str:
    return html.split(f'id="{id}"')[1].split("</figure>")[0]


def test_a_custom_figure_follows_the_bundled_ones(tmp_path: Path) -> None:
    html = page(tmp_path, "right")
    shown = section(html, "right")
    for text in ("Is it right?", "It is.", "A note of its own.", "GRU 6", "<svg", "figures/right.png"):
        assert text in shown
    assert html.index('id="right"') > html.index('id="scores"')
    assert {"right.png", "right.svg", "scores.png"} <= {file.name for file in (tmp_path / "figures").iterdir()}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong_column", "KeyError: &#39;test_los&#39; (own_figures.py, line 26)."),
        ("wrong_type", "TypeError: it returned a list, expected a Content."),
        ("wrong_panel", "TypeError: a panel is a dict, expected a Panel."),
        ("wrong_values", "TypeError: the table of values needs a text in every column of every row."),
        ("wrong_facet", "TypeError: a facet of a panel is not a text."),
        ("not_drawable", "ValueError: "),
    ],
)
def test_a_figure_that_fails_is_replaced_by_a_message(name: str, message: str, tmp_path: Path) -> None:
    html = page(tmp_path, name, "right")
    id = name.replace("_", "-")
    shown = section(html, id)
    assert f"This figure could not be made: {message}" in shown
    assert figures[f"{HERE}:{name}"].title in shown
    assert "<svg" not in shown
    assert 'href="figures/' not in shown
    assert not (tmp_path / "figures" / f"{id}.png").exists()
    assert "<svg" in section(html, "right")
    assert "<svg" in section(html, "scores")


def test_a_figure_whose_numbers_have_no_place_on_the_page_is_replaced_too(tmp_path: Path, undrawn_files: None) -> None:
    assert "This figure could not be made: ValueError: " in section(page(tmp_path, "not_drawable"), "not-drawable")


def test_the_message_is_in_the_markdown_summary(tmp_path: Path) -> None:
    data = report_data(ROWS, curves=None, verdicts=(), figures=[f"{HERE}:wrong_column", f"{HERE}:right"])
    text = render_markdown(data, tmp_path).read_text(encoding="utf-8")
    assert "### Is the column there?\n\n> This figure could not be made: KeyError: 'test\\_los' (" in text
    assert "figures/wrong-column.png" not in text
    assert "![Is it right?](figures/right.png)" in text


def test_a_figure_without_panels_is_left_out_and_its_earlier_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "without-panels.png").touch()
    assert "Is there anything?" not in page(tmp_path, "without_panels")
    assert not (tmp_path / "figures" / "without-panels.png").exists()


def test_folders_side_by_side_have_their_own_figures(tmp_path: Path) -> None:
    one, other = (
        report_data(ROWS, curves=None, verdicts=(), figures=[f"{HERE}:{name}" for name in names])
        for names in (("right", "wrong_column"), ("right",))
    )
    html = render(beside({"one": one, "other": other}), tmp_path).read_text(encoding="utf-8")
    assert section(html, "right").count('<div class="panel"') == 2
    assert "one: This figure could not be made: KeyError" in section(html, "wrong-column")


def test_a_bundled_figure_that_raises_is_not_hidden() -> None:
    def broken(results: object) -> object:
        raise ZeroDivisionError

    results = results_of(report_data(ROWS), ROWS, TITLES)
    with pytest.raises(ZeroDivisionError):
        described(Figure("memory", "Which cell needs the least memory?", broken), results)
    assert described(Figure("own", "Why?", broken), results).error.endswith(
        f"line {broken.__code__.co_firstlineno + 1})."
    )


def test_custom_figures_are_not_called_before_a_trial_has_a_record() -> None:
    data = report_data(frame(), figures=[f"{HERE}:right"])
    assert evidence(results_of(data, prepared(frame()), TITLES), data.figures) == []


def test_every_bundled_figure_has_the_id_by_which_it_is_registered() -> None:
    assert [figures[name].id for name in BUNDLED] == list(BUNDLED)
