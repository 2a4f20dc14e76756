"""A command writes the example of verdicts in the README from the records of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results import VERDICTS_NAME
from harness.store.machine import this_machine
from harness.store.sqlite import open_store
from harness.verdicts.saved import write_verdicts
from harness.verdicts.verdict import Verdict
from tests.factories import experiment, plan, record
from tools.readme import SECTION, main
from tools.sections import begin, end, section

BEGIN, END = begin(SECTION), end(SECTION)
VERDICTS = [
    Verdict("a", "A is | better", "supported", 0.12, 0.1, 0.2, "bits", 5, {"task": "recall", "machine": "3f2a9c"}),
    Verdict("b", "B", "depends", 0.0, -1.0, 1.0, "%", 5),
    Verdict("c", "C", "not testable", None, None, None, "", 0),
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "tiny"
    trials = plan(experiment())
    with open_store(directory, create=True) as store:
        store.set_plan(trials)
        for spec in trials.values():
            store.add(record(spec, started_at="2026-03-04T05:06:07+00:00", git_commit="0123456789abcdef"))
    write_verdicts(VERDICTS, directory / VERDICTS_NAME)
    return directory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(f"# Above\n{BEGIN}\nold\n{END}\n\nBelow\n", encoding="utf-8")
    return path


def test_the_section_has_verdicts_date_and_machine(results: Path, file: Path) -> None:
    assert main([str(results), str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"# Above\n{BEGIN}\n\n2026-03-04, 8 trials on {this_machine().cpu}, ")
    assert f"TensorFlow {this_machine().tensorflow}" in text
    assert "commit 0123456789ab:" in text
    assert "| **supported** | A is &#124; better | +0.12 bits [0.1, 0.2] | 5 | recall |\n" in text
    assert "| **depends** | B | 0 % [−1, 1] | 5 | - |\n" in text
    assert f"| **not testable** | C | – | - | - |\n\n{END}\n\nBelow\n" in text
    assert "old" not in text
    assert main([str(results), str(file)]) == 0
    assert file.read_text(encoding="utf-8") == text


def test_a_missing_results_folder_is_an_error(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere"), str(file)]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_readme_has_the_section() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section(text, SECTION, source="README.md")
