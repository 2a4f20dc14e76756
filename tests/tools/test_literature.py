"""A command writes the page that puts published figures beside those of results folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.results import VERDICTS_NAME
from harness.verdicts.saved import write_verdicts
from harness.verdicts.verdict import PublishedFigure, PublishedResult, Verdict
from tests.factories import half_done
from tools.literature import SECTION, main
from tools.sections import begin, end, section

BEGIN, END = begin(SECTION), end(SECTION)
QUOTED = PublishedResult(
    "A book, table 1",
    "The GRU was better.",
    "nats",
    "A larger network.",
    (PublishedFigure("gru", 8.54, 8.6, 8.5, 8.7, 5), PublishedFigure("lstm", 9, 8.8, 8.7, 8.9, 5)),
)
QUOTING = Verdict("a", "A is | better", "supported", 0.2, 0.1, 0.3, "nats", 5, published=QUOTED)
SILENT = Verdict("b", "B is better", "undecided", 0.0, -1.0, 1.0, "nats", 5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "literature.md"
    path.write_text(f"# Above\n\n{BEGIN}\n{END}\n\nBelow\n", encoding="utf-8")
    return path


def test_the_page_has_a_row_for_each_claim_that_quotes_a_publication(tmp_path: Path, file: Path) -> None:
    directory = half_done(tmp_path / "tiny")
    write_verdicts([QUOTING, SILENT], directory / VERDICTS_NAME)
    assert main([str(directory), str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "## Tiny\n\n`tiny`: 2026-01-01, 4 trials on " in text
    assert "| A is &#124; better | The GRU was better.<br>GRU 8.54 nats<br>LSTM 9 nats<br>(A book, table 1) |" in text
    assert "| GRU 8.60 [8.50, 8.70]<br>LSTM 8.80 [8.70, 8.90] | inside<br>outside | **supported** |" in text
    assert "B is better" not in text
    assert text.endswith(f"Differences in set-up: A larger network.\n\n{END}\n\nBelow\n")


def test_a_folder_without_published_figures_is_an_error(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = half_done(tmp_path / "tiny")
    write_verdicts([SILENT, replace(SILENT, id="c")], directory / VERDICTS_NAME)
    assert main([str(directory), str(file)]) == 2
    assert "expected records, and verdicts on claims with the key 'published'" in capsys.readouterr().err


def test_the_page_in_the_documents_has_the_section() -> None:
    text = (Path(__file__).parents[2] / "docs" / "literature.md").read_text(encoding="utf-8")
    section(text, SECTION, source="literature.md")
