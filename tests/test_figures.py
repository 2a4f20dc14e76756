"""The names of figures: in experiment files, and as files and anchors of a report."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import harness.report.page
from harness.errors import UserError
from harness.figures import SECTIONS, Figure, figures
from harness.spec.load import load_experiment
from tests.factories import EXPERIMENT, experiment


def with_figures(names: str) -> str:
    return f"figures = {names}\n{EXPERIMENT}"


def test_an_unknown_figure_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"tiny\.toml: figures\[0\]: unknown figure 'memry'\. Did you mean 'memory'\?"):
        experiment(with_figures('["memry"]'))


def test_an_object_that_is_no_figure_is_refused() -> None:
    with pytest.raises(UserError, match=r"figures\[0\]: figure 'os:sep': 'os:sep' is a str, expected a Figure"):
        experiment(with_figures('["os:sep"]'))


def test_a_module_beside_the_experiment_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "mine_beside.py").write_text(
        "from harness.figures import figure\n\n@figure('mine', 'Why?')\ndef mine(results): ...\n", encoding="utf-8"
    )
    (tmp_path / "mine.toml").write_text(with_figures('"mine_beside:mine"'), encoding="utf-8")
    read = load_experiment(tmp_path / "mine.toml")
    assert read.figures == ("mine_beside:mine",)
    assert read.folder == str(tmp_path)
    assert figures["mine_beside:mine"].title == "Why?"


@pytest.mark.parametrize("id", ["", "Loss", "a b", "../up", "a.b", "a" * 65])
def test_an_id_that_cannot_name_a_file_and_an_anchor_is_refused(id: str) -> None:
    with pytest.raises(UserError, match="an id has only small letters, digits and '-'"):
        Figure(id, "Why?", len)


def test_an_id_is_no_section_of_the_page() -> None:
    templates = Path(harness.report.page.__file__).parent / "template"
    text = "".join(file.read_text(encoding="utf-8") for file in templates.iterdir())
    sections = re.findall(r'<section id="([\w-]+)"', text)
    assert sorted(sections) == sorted(SECTIONS)
    for id in sections:
        with pytest.raises(UserError, match="a section of the report has this name"):
            Figure(id, "Why?", len)


def test_two_figures_of_a_report_cannot_have_the_same_id() -> None:
    with pytest.raises(UserError, match=r"figures: figure 'tests.*:of_the_same_id': its id 'memory' is that"):
        experiment(with_figures('["tests.report.figures.own_figures:of_the_same_id"]'))


def test_a_bundled_figure_may_be_named_though_it_is_shown_anyway() -> None:
    assert experiment(with_figures('"memory"')).figures == ("memory",)
